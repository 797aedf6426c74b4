# SPDX-License-Identifier: Apache-2.0
"""hublinkd in a control group of 16 MB gathers a backlog, is started anew with it, and drains it: nothing is killed.

HUBLINK_BACKLOG: how many readings (100,000; a million is gone through on a machine of its own, ../campaign/test_memory.py).
"""

import os
import sys
import time

import pytest

from backlog import SETTINGS, gather, write_lines
from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub
from memory_group import MemoryGroup, Unavailable

READINGS = int(os.environ.get('HUBLINK_BACKLOG', '100000'))
LIMIT = 16 << 20


def resident(pid):
    """The most bytes that it had in memory of its own and of files."""
    with open('/proc/%d/status' % pid, encoding='ascii') as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith('VmHWM'))


@pytest.fixture
def group():
    try:
        with MemoryGroup(str(LIMIT)) as group:
            yield group
    except Unavailable as e:
        pytest.skip(str(e))


def test_a_backlog_in_16_megabytes(tmp_path, group):
    lines = tmp_path / 'lines'
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.within = group.within
        daemon.configure(SETTINGS % lines)
        gather(daemon, write_lines(lines, READINGS), seconds=READINGS / 500)
        gathered = resident(daemon.process.pid)
        assert daemon.stop() == 0

        daemon.hub(devhub, devhub.create('gw')).start()
        began = time.monotonic()
        daemon.wait_for_properties(lambda p: p['Ledger'].get('acknowledged') == READINGS, 'a drained queue', READINGS / 500)
        seconds = time.monotonic() - began
        drained, ledger = resident(daemon.process.pid), daemon.ledger()
        assert daemon.stop() == 0
        totals = devhub.verify()
    print('%d readings in %.1f s, %.0f a second; resident %.1f MB gathering, %.1f MB draining; the group at most %.1f MB; %s'
          % (READINGS, seconds, READINGS / seconds, gathered / 1e6, drained / 1e6, group.peak / 1e6, totals), file=sys.stderr)
    assert group.kills() == 0
    assert ledger['accepted'] == ledger['acknowledged'] == totals['unique'] == READINGS
    assert (totals['gaps'], totals['duplicates']) == (0, 0)
