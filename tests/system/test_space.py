# SPDX-License-Identifier: Apache-2.0
"""What of the file system is left to others: inodes, and queue.min_free."""

import os

import pytest

from bus import PrivateBus
from daemon import Daemon
from mount import Mount


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


def inodes_left(folder):
    return os.statvfs(folder).f_favail


def test_all_inodes_are_taken(daemon):
    """It goes on in the files that it has, says so, and grows again when there are some."""
    with Mount(daemon.state, 'size=64m,nr_inodes=200'):
        daemon.configure('queue: { max_bytes = "32M"; min_free = "1M"; };\n'
                         'sensors: { w: { driver = "simulated"; model = "wind"; interval = "100ms"; }; };\n').start()
        daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] > 0, 'records')
        others = daemon.state / 'others'
        others.mkdir()
        for i in range(inodes_left(others)):
            (others / str(i)).touch()
        assert inodes_left(others) == 0
        daemon.wait_for_properties(lambda p: 'inodes' in p['DiskError'] and str(daemon.state) in p['DiskError'],
                                   'word of it', seconds=30)
        before = daemon.submit({'v': 1})[3]
        assert daemon.submit({'v': 2})[3] > before
        for path in others.iterdir():
            path.unlink()
        daemon.wait_for_properties(lambda p: p['DiskError'] == '', 'room again', seconds=30)
        assert daemon.ledger()['dropped'] == 0
        for words in ('inodes left for new files', 'can be written to again'):
            assert len([line for line in daemon.lines(words) if line.startswith('Queue: ')]) == 1, daemon.log()
        assert daemon.stop() == 0


def test_what_is_to_be_left_free_is_left(daemon):
    """The oldest give way before the floor is reached; with more room the queue grows again."""
    floor, text = 8 << 20, 'x' * 4000
    with Mount(daemon.state, 'size=16m') as mount:
        daemon.configure('queue: { max_bytes = "64M"; segment = "512K"; min_free = "8M"; commit_interval = "20ms"; };\n')
        daemon.start()
        daemon.bus.wait_for_name()

        def fill(n):
            for _ in range(n):  # some 240 KB each
                daemon.submit({'c%02d' % i: text for i in range(60)})
                free = os.statvfs(daemon.state)
                assert free.f_bavail * free.f_bsize >= floor - (512 << 10)
            return daemon.properties()
        told = fill(45)
        assert 'queue.min_free' in told['DiskError'], told['DiskError']
        assert told['Dropped']['free-space'] > 0
        size = told['QueueBytes']
        mount.remount('size=64m')
        daemon.wait_for_properties(lambda p: p['DiskError'] == '', 'room again', seconds=30)
        assert fill(25)['QueueBytes'] > size
        assert daemon.stop() == 0
