# SPDX-License-Identifier: Apache-2.0
"""Files of another user in the daemon's folders: brought there by a copy, a restore, or a start by hand as root."""

import json
import os
import subprocess

import dbus
import pytest

from bus import BUILD, PrivateBus
from daemon import Daemon

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason='only root can give files away')

OTHER = 1  # whoever that is
# Without what lets root look into everybody's files: so it is as the service's own user is among root's.
BARE = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


def give(path, uid):
    os.chown(path, uid, uid)


def status(daemon, *words):
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', 'status', *words, '--bus', daemon.bus.address],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 1), done
    return done.stdout


def restart(daemon):
    assert daemon.stop() in (0, 1)
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()


# ---- the queue ----

def test_no_number_is_given_twice_while_a_slot_is_out_of_reach(daemon):
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    assert [daemon.submit({'v': i})[3] for i in range(3)] == [1, 2, 3]
    slots = sorted((daemon.state / 'queue/normal').glob('seg-*'))
    assert daemon.stop() == 0
    for slot in slots:
        give(slot, OTHER)
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    told = daemon.properties()
    assert told['DiskState'] == 'failed' and 'belongs to another user' in told['DiskError'], told
    assert 'chown -R hublink: %s/queue' % daemon.state in status(daemon)
    with pytest.raises(dbus.DBusException) as refused:
        daemon.submit({'v': 3})
    assert refused.value.get_dbus_name() == 'org.hublink1.Error.DiskError'
    restart(daemon)
    assert daemon.properties()['DiskState'] == 'failed'
    for slot in slots:
        give(slot, 0)
    daemon.wait_for_properties(lambda p: p['DiskState'] == 'well', 'well disk', 70)
    assert daemon.ledger()['accepted'] == 3
    assert daemon.submit({'v': 4})[2:] == (4, 4)
    assert daemon.stop() == 0


@pytest.mark.parametrize('whose', ['state', 'queue'])
def test_root_does_not_start_in_folders_of_another_user(daemon, whose):
    queue = daemon.state / 'queue'
    queue.mkdir()
    give(daemon.state if whose == 'state' else queue, OTHER)
    done = daemon.run()
    assert done.returncode == 1
    assert '%s belongs to user daemon' % (daemon.state if whose == 'state' else queue) in done.stderr
    assert 'setpriv --reuid=daemon --regid=daemon --init-groups hublinkd' in done.stderr
    assert not list(queue.iterdir())
    assert daemon.run('--check').returncode == 0


# ---- the state folder ----

WIND = 'sensors: { w: { driver = "simulated"; model = "wind"; interval = "10s"; }; };\n'


def ctl(daemon, *words):
    return subprocess.run([BUILD / 'src/ctl/hublinkctl', *words, '--bus', daemon.bus.address], capture_output=True,
                          text=True, timeout=20)


def interval(daemon):
    return str(daemon.sensor('w')['Interval'])


def test_what_is_not_known_is_not_stored_over(daemon):
    daemon.configure(WIND).start(prefix=BARE)
    daemon.bus.wait_for_name()
    assert ctl(daemon, 'twin', 'report', 'plc', '{"unsent":42}').returncode == 0
    assert ctl(daemon, 'call', 'setInterval', '{"sensor":"w","interval":"7s"}').returncode == 0
    seven = interval(daemon)
    assert daemon.stop() == 0
    twin = daemon.state / 'twin.json'
    kept = twin.read_text()
    assert '"unsent":42' in kept and '7s' in kept
    give(twin, OTHER)

    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    done = ctl(daemon, 'twin', 'report', 'other', '{"x":1}')
    assert done.returncode == 1 and 'Permission denied' in done.stderr, done
    words = '%s cannot be read (Permission denied): chown -R hublink: %s' % (twin, daemon.state)
    assert daemon.properties()['StateProblem'] == words
    assert words in status(daemon) and 'systemctl restart hublinkd' in status(daemon)
    assert json.loads(status(daemon, '--json'))['state_problem'] == words
    assert len(daemon.lines('it stays as it is, and nothing is stored over it')) == 1
    assert daemon.stop() == 0
    assert twin.read_text() == kept

    give(twin, 0)
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    assert daemon.properties()['StateProblem'] == ''
    assert interval(daemon) == seven
    assert ctl(daemon, 'twin', 'report', 'other', '{"x":1}').returncode == 0
    assert daemon.stop() == 0
    assert '"unsent":42' in twin.read_text() and '"x":1' in twin.read_text()


def test_what_the_disk_gave_only_later_is_not_stored_over(daemon):
    """The settings want it first, and the twin after them: what the one did not get the other must not have had."""
    daemon.configure(WIND).start()
    daemon.bus.wait_for_name()
    assert ctl(daemon, 'call', 'setInterval', '{"sensor":"w","interval":"7s"}').returncode == 0
    seven = interval(daemon)
    assert daemon.stop() == 0
    twin = daemon.state / 'twin.json'
    kept = twin.read_text()
    assert '7s' in kept

    daemon.environment = {'LD_PRELOAD': str(BUILD / 'tests/system/libfail-once.so'), 'FAIL_ONCE': str(twin)}
    daemon.start()
    daemon.bus.wait_for_name()
    assert daemon.properties()['StateProblem'] == \
        "%s cannot be read (Input/output error): check the disk and the kernel's log" % twin
    done = ctl(daemon, 'twin', 'report', 'other', '{"x":1}')
    assert done.returncode == 1 and 'Input/output error' in done.stderr, done
    assert interval(daemon) != seven
    assert len(daemon.lines('%s cannot be read' % twin)) == 1
    assert daemon.stop() == 0
    assert twin.read_text() == kept

    daemon.environment = {}
    daemon.start()
    daemon.bus.wait_for_name()
    assert daemon.properties()['StateProblem'] == '' and interval(daemon) == seven
    assert daemon.stop() == 0


BUSY = """
streams: { alarms: { priority = "urgent"; }; };
sensors: {
  w: { driver = "simulated"; model = "wind"; interval = "100ms"; };
  x: { driver = "tail"; path = "%s"; from = "start"; };
};
rules = ( { channel = "w.windSpeed"; alarm: { below = 1000.0; stream = "alarms"; }; } );
"""


@pytest.mark.parametrize('name', ['positions', 'alarms'])
def test_the_other_files_are_not_written_over(daemon, tmp_path, name):
    log = tmp_path / 'x.log'
    log.write_text('{"v": 1}\n')
    daemon.configure(BUSY % log)
    path = daemon.state / name
    path.write_text('hublink-%s 1\n' % name)
    before = path.stat()
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    daemon.wait_for_properties(lambda p: p['Alarms'] and p['Ledger']['accepted'] > 3, 'alarm')
    assert daemon.stop() == 0
    assert path.stat().st_ino != before.st_ino  # it is written, as a rule

    kept = path.read_text()
    give(path, OTHER)
    path.chmod(0o600)
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    log.write_text('{"v": 1}\n{"v": 2}\n')
    daemon.wait_for_properties(lambda p: p['Alarms'] and p['Ledger']['accepted'] > 9, 'alarm')
    assert '%s cannot be read' % path in status(daemon)
    assert daemon.stop() == 0
    assert path.read_text() == kept and path.stat().st_uid == OTHER


def lead_elsewhere(path):
    elsewhere = path.parent.parent / 'elsewhere'
    elsewhere.write_text('{"overlay":{"desired":"log: { level = \\"debug\\"; };\\n","intervals":""}}')
    path.symlink_to(elsewhere)


@pytest.mark.parametrize('make, words', [
    (os.mkfifo, '(a pipe, a socket or a device): remove it'),
    (os.mkdir, '(a folder): remove it'),
    (lead_elsewhere, '(a symbolic link, which is not followed): put the file itself in its place')])
def test_what_is_no_file_holds_up_nobody_and_stays(daemon, make, words):
    twin = daemon.state / 'twin.json'
    make(twin)
    before = twin.lstat()
    shown = daemon.run('--print-config')
    assert shown.returncode == 0 and '"debug"' not in shown.stdout, shown
    assert '%s cannot be read' % twin in shown.stderr
    daemon.start()
    daemon.bus.wait_for_name()
    assert daemon.properties()['StateProblem'] == '%s cannot be read %s' % (twin, words)
    assert ctl(daemon, 'twin', 'report', 'other', '{"x":1}').returncode == 1
    assert daemon.stop() == 0
    assert (twin.lstat().st_ino, twin.lstat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize('text', ['{"reported":{"plc":{"unsent":42', '[1]', '{"a":"\0"}'])
def test_a_damaged_twin_is_set_aside(daemon, text):
    twin = daemon.state / 'twin.json'
    twin.write_text(text)
    daemon.start()
    daemon.bus.wait_for_name()
    aside, = daemon.state.glob('twin.json-damaged-*')
    assert aside.read_text() == text
    assert len(daemon.lines('set aside as %s' % aside)) == 1
    assert daemon.properties()['StateProblem'] == ''
    assert ctl(daemon, 'twin', 'report', 'other', '{"x":1}').returncode == 0
    assert daemon.stop() == 0
    assert '"x":1' in twin.read_text() and aside.read_text() == text
