# SPDX-License-Identifier: Apache-2.0
"""hublinkd on a disk that has no room, or takes no writes. One that does not answer: test_stall.py."""

import os
import subprocess

import dbus
import pytest

from bus import BUILD, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from mount import Mount
from volume import Unavailable, Volume

WIND = 'sensors: { w: { driver = "simulated"; model = "wind"; interval = "100ms"; }; };\n'


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


def refused_submit(daemon):
    with pytest.raises(dbus.DBusException) as e:
        daemon.submit({'v': 1})
    return e.value.get_dbus_name().removeprefix('org.hublink1.Error.')


def says(daemon, what, remedy, meanwhile):
    """The first line of hublinkctl status, the journal's line and STATUS=: what is the matter, and what to do about it."""
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', '--bus', daemon.bus.address, 'status'], capture_output=True, text=True,
                          timeout=20, check=True)
    first = done.stdout.splitlines()[0]
    assert first.startswith("The queue's disk %s: " % what) and remedy in first and meanwhile in first, first
    assert [line for line in daemon.lines('Queue: ') if remedy in line], daemon.log()
    daemon._wait('word for the service manager', lambda: what in daemon.status and remedy in daemon.status, 10)


def goes_on_by_itself(daemon):
    daemon.wait_for_log('Queue: %s/queue can be written to again' % daemon.state, seconds=70)
    daemon.wait_for_properties(lambda p: p['DiskError'] == '' and p['Ledger'].get('accepted', 0) > 0, 'records on disk')
    daemon._wait('a status without the disk', lambda: 'disk' not in daemon.status, 10)
    assert daemon.submit({'v': 2})[3] >= 1
    assert daemon.ledger()['dropped'] == 0
    assert daemon.stop() == 0


def take_all_room(folder):
    """Somebody else's file; without it there is room again."""
    found, others = os.statvfs(folder), folder / 'others'
    others.write_bytes(b'x' * (found.f_bavail * found.f_frsize))
    return others


def test_a_read_only_state_folder(daemon):
    with Mount(daemon.state, 'size=80m') as mount:
        mount.remount('ro')
        daemon.configure(WIND).start()
        daemon.bus.wait_for_name()
        daemon.wait_for_log('Read-only file system')
        assert refused_submit(daemon) == 'DiskError'
        says(daemon, 'is read-only', 'remount it writable', 'kept in memory only')
        assert not daemon.lines('create the directory above'), 'no remedy for what is kept beside the queue'
        with pytest.raises(dbus.DBusException, match='Read-only file system') as e:
            daemon.bus.call('Flush')
        assert e.value.get_dbus_name() == 'org.hublink1.Error.DiskError'
        assert daemon.properties()['Refused']['overload'] == 0
        mount.remount('rw')
        assert not daemon.properties()['Ledger']  # nobody could look yet
        goes_on_by_itself(daemon)


def test_a_folder_that_the_unit_does_not_open(daemon):
    """As with queue.directory elsewhere: the disk is well, and a line in the unit is the remedy."""
    with Mount(daemon.state, 'size=80m') as mount:
        mount.remount('bind,ro')
        daemon.configure(WIND + 'metrics: { file = "%s/m.prom"; interval = "1s"; };\n' % daemon.state).start()
        daemon.bus.wait_for_name()
        daemon.wait_for_log('ReadWritePaths=-%s/queue' % daemon.state)
        says(daemon, 'is read-only', 'ReadWritePaths=-%s/queue, then systemctl restart hublinkd' % daemon.state,
             'kept in memory only')
        assert 'check the disk' not in ''.join(daemon.lines('Queue: '))
        daemon.wait_for_log('The metrics cannot be written to %s/m.prom: the folder is read-only for this service' % daemon.state)
        mount.remount('bind,rw')
        goes_on_by_itself(daemon)


def test_a_disk_that_is_full_from_the_start(daemon):
    with Mount(daemon.state, 'size=80m'):
        others = take_all_room(daemon.state)
        daemon.configure(WIND).start()
        daemon.bus.wait_for_name()
        daemon.wait_for_log('No space left on device')
        assert refused_submit(daemon) == 'DiskError'
        assert not daemon.properties()['Ledger']
        says(daemon, 'is full', 'free some space', 'kept in memory only')
        others.unlink()
        goes_on_by_itself(daemon)


def test_a_disk_that_becomes_full(daemon):
    """It goes on in the files that it has; what it lacks is told when it wants more."""
    with Mount(daemon.state, 'size=80m'):
        daemon.configure(WIND + 'queue: { segment = "512K"; };\n').start()
        daemon.wait_for_properties(lambda p: p['Ledger'].get('accepted', 0) > 0, 'records on disk')
        others, n = take_all_room(daemon.state), 0
        while not daemon.properties()['DiskError']:
            daemon.submit({'c%02d' % i: 'x' * 4000 for i in range(10)})  # some 40 KB
            assert (n := n + 1) < 60
        says(daemon, 'is full', 'free some space', 'the queue does not grow')
        daemon.submit({'v': 1})
        others.unlink()
        goes_on_by_itself(daemon)


def test_what_is_lost_at_the_stop_is_told(daemon):
    with Mount(daemon.state, 'size=64m') as mount:
        mount.remount('ro')
        daemon.configure(WIND).start()
        daemon.bus.wait_for_name()
        daemon.wait_for_log('Read-only file system')
        daemon.wait_for_properties(lambda p: p['QueueFill'] > 0, 'readings in memory', seconds=20)
        assert daemon.stop() == 1
        told, = daemon.lines('could not be stored and')
        assert 'Read-only file system' in told


@pytest.mark.parametrize('when_full', ['drop-newest', 'drop-oldest'])
def test_a_full_disk(daemon, devhub, when_full):
    """New records are refused, or the oldest ones give way to them: by that name, and never without need."""
    device = devhub.create('d1')
    text = 'x' * 4000
    with Mount(daemon.state, 'size=4m'):
        daemon.configure('queue: { max_bytes = "64M"; segment = "512K"; when_full = "%s"; };\n'
                         'streams: { telemetry: { max_latency = "50ms"; }; };\n' % when_full)
        daemon.start()
        daemon.bus.wait_for_name()
        accepted, refused = 0, set()
        for _ in range(30):  # some 240 KB each
            try:
                accepted = daemon.submit({'c%02d' % i: text for i in range(60)})[3]
            except dbus.DBusException as e:
                refused.add(e.get_dbus_name().removeprefix('org.hublink1.Error.'))
        assert len(daemon.lines('Until then the queue does not grow', without='dead-letters')) == 1, daemon.log()
        ledger = daemon.ledger()
        assert accepted > 2 and ledger['accepted'] == ledger['waiting'] + ledger['dropped']
        assert daemon.properties()['Dropped']['free-space'] == ledger['dropped']
        if when_full == 'drop-newest':
            assert refused == {'QueueFull'} and ledger['dropped'] == 0
        else:
            assert not refused and ledger['dropped'] > 0
        assert daemon.stop() == 0

        daemon.hub(devhub, device).start()
        daemon.wait_for_link('connected')
        daemon.wait_for_properties(lambda p: p['Ledger']['waiting'] == 0, 'all acknowledged')
        totals = devhub.verify('d1')
        assert totals['unique'] >= accepted - ledger['dropped'], totals
        assert totals['gaps'] == 0 or when_full == 'drop-oldest', totals
        daemon.submit({'v': 1})
        assert daemon.stop() == 0


def test_a_file_system_that_breaks(daemon, tmp_path):
    """The kernel makes it read-only. Readings are kept in memory, callers are told, and once it is repaired all that
    was accepted is there."""
    try:
        volume = Volume(tmp_path / 'image', daemon.state)
    except Unavailable as e:
        pytest.skip(str(e))
    with volume:
        daemon.within = volume.within
        daemon.configure(WIND + 'queue: { max_bytes = "16M"; min_free = "1M"; };\n').start()
        daemon.bus.wait_for_name()
        last = [daemon.submit({'v': i}) for i in range(5)][-1]
        volume.fail()
        daemon.wait_for_properties(lambda p: 'Read-only file system' in p['DiskError'], 'word of it')
        assert refused_submit(daemon) == 'DiskError'
        says(daemon, 'is read-only', 'check the disk', 'kept in memory only')
        assert daemon.sensor('w')['State'] == 'ok'
        before = daemon.sensor('w')['Time']
        daemon.wait_for_properties(lambda p: daemon.sensor('w')['Time'] > before, 'readings')
        assert len(daemon.lines('Read-only file system', without='dead-letters')) == 1, daemon.log()
        assert daemon.stop() == 1  # readings were in memory only
    with Volume(tmp_path / 'image', daemon.state) as repaired:
        daemon.within = repaired.within
        daemon.start()
        daemon.bus.wait_for_name()
        assert daemon.ledger()['accepted'] >= last[3]
        assert daemon.ledger()['waiting'] >= last[3]
        assert daemon.submit({'v': 6})[3] > last[3]
        assert daemon.stop() == 0
