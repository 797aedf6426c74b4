# SPDX-License-Identifier: Apache-2.0
"""A million readings wait on a disk, and the machine that it comes to lets hublinkd have 16 MB: all of them arrive.

The machine is a virtual one with the unified control group hierarchy and no systemd: the limit is written to memory.max, as
systemd writes MemoryMax=. HUBLINK_BACKLOG: how many readings (1,000,000).
"""

import os
import shutil
import sys

from backlog import SETTINGS, gather, write_lines
from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub
from machine import Machine

READINGS = int(os.environ.get('HUBLINK_BACKLOG', '1000000'))
LIMIT = 16 << 20

# Readings come in while the others go.
THERE = '''
sensors: { uptime: { driver = "file"; path = "/proc/uptime"; interval = "1s"; channels: { seconds: { field = 1; }; }; }; };
queue: { max_bytes = "1G"; };
streams: { telemetry: { max_latency = "200ms"; }; };
clock: { trust = true; };
'''


def make_backlog(directory):
    """What a gateway without a hub left: its folder of state."""
    with PrivateBus() as bus, Daemon(directory, bus) as daemon:
        lines = directory / 'lines'
        daemon.configure(SETTINGS % lines)
        gather(daemon, write_lines(lines, READINGS), seconds=600)
        assert daemon.stop() == 0
        lines.unlink()
        (directory / 'tree').mkdir()
        return daemon.state.rename(directory / 'tree/state').parent


def test_a_million_readings_are_drained_in_16_megabytes(tmp_path):
    tree = make_backlog(tmp_path / 'earlier')
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'memory', seconds=3000) as machine:
        machine.make_disk('768M', ['-d', tree])
        shutil.rmtree(tree)
        machine.configure(THERE, devhub, devhub.create('gw'))
        (machine.job / 'limit').write_text('%d\n' % LIMIT)
        assert machine.start().wait() == 0, machine.words()
        ledger, log = machine.ledger(), machine.read('daemon.log')
        took = {name: float(value) for name, value in (line.split() for line in machine.read('memory').splitlines())}
        totals = devhub.verify()
    seconds = took['ended'] - took['began']
    print('%d readings in %.1f minutes, %.0f a second; resident %.1f MB, of that at most %.1f MB of its own; '
          'the group at most %.1f MB of %.1f; reached the limit %d times, killed %d; %s'
          % (totals['unique'], seconds / 60, totals['unique'] / seconds, took['resident_kib'] / 1000, took['heap_kib'] / 1000,
             took['group_bytes'] / 1e6, LIMIT / 1e6, took['max'], took['oom_kill'], totals), file=sys.stderr)
    assert took['oom'] == took['oom_kill'] == 0, log
    assert ledger['accepted'] == ledger['acknowledged'] >= READINGS + seconds / 2
    assert ledger['dropped'] == ledger['dead_lettered'] == ledger['waiting'] == 0, log
    assert totals['gaps'] == 0
    # What was read between the ledger and the daemon's end may have arrived as well.
    assert ledger['accepted'] <= totals['unique'] <= ledger['accepted'] + 20
