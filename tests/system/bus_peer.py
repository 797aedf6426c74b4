# SPDX-License-Identifier: Apache-2.0
"""bus-peer (tests/system/bus-peer.c): the Bus with nobody behind it, and both ends of its talk.

    peer = BusPeer(bus.address)
    peer.tell('link connected none')
    assert peer.quit() == 0
"""

import os

from bus import BUILD
from peer import Peer


class BusPeer(Peer):
    """The test program, and both ends of its talk."""

    def __init__(self, address):
        super().__init__([BUILD / 'tests/system/bus-peer', address])

    def tell(self, command):
        """Returns once it is done, with what was asked meanwhile."""
        asked = []
        self.say(command)
        while True:
            line = self.lines.get(timeout=10)
            if line.get('did') == command:
                return asked
            asked.append(line)

    def asked(self):
        """What local services asked since the last question."""
        return self.tell('change')

    def quit(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write('quit\n')
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        code = self.process.wait(10)
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def cpu_seconds(self):
        fields = open('/proc/%d/stat' % self.process.pid).read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
