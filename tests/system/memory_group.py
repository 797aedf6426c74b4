# SPDX-License-Identifier: Apache-2.0
"""A control group with a limit on memory, as MemoryMax= makes one: whatever runs in it shares so much, the page cache too.

    with MemoryGroup('16M') as group:      # Unavailable: what the kernel or the machine lacks
        daemon.within = group.within
        ...
        group.peak, group.kills()
"""

import os
import pathlib

MOUNTS = pathlib.Path('/proc/mounts')


class Unavailable(Exception):
    """This machine lets nobody limit memory."""


def _hierarchy():
    """(folder, whether it is the unified one) of the hierarchy that has the controller for memory."""
    for line in MOUNTS.read_text().splitlines():
        _, folder, kind, options = line.split()[:4]
        folder = pathlib.Path(folder)
        if kind == 'cgroup' and 'memory' in options.split(','):
            return folder, False
        if kind == 'cgroup2' and 'memory' in (folder / 'cgroup.subtree_control').read_text().split():
            return folder, True
    raise Unavailable('no control group hierarchy has the controller for memory (CONFIG_MEMCG)')


class MemoryGroup:
    def __init__(self, limit):
        parent, self.unified = _hierarchy()
        self.folder = parent / ('hublink-test-%d' % os.getpid())
        try:
            self.folder.mkdir()
            self._file('max', 'limit_in_bytes').write_text(limit)
        except OSError as e:
            self.close()
            raise Unavailable('no control group for memory can be made: %s' % e) from e

    def _file(self, name, name_v1):
        return self.folder / ('memory.' + (name if self.unified else name_v1))

    def within(self, command):
        """The command line that runs the command in it."""
        return ['sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.folder), *map(str, command)]

    @property
    def peak(self):
        return int(self._file('peak', 'max_usage_in_bytes').read_text())

    def kills(self):
        """How many processes had to die for want of memory."""
        words = self._file('events', 'oom_control').read_text().split()
        return int(words[words.index('oom_kill') + 1])

    def close(self):
        if self.folder.exists():
            self.folder.rmdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
