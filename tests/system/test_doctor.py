# SPDX-License-Identifier: Apache-2.0
"""hublinkctl doctor: finds nothing on a gateway that is well, and what was planted on one that is not."""

import json
import os
import pty
import shutil
import signal
import subprocess
import time

import pytest

from bus import BUILD, PrivateBus
from bus_peer import BusPeer
from daemon import Daemon
from doctor import CTL, DIALOUT, DROPIN, HOST, ORDINARY, OTHER, USER, gateway, system  # noqa: F401: two fixtures
from service_manager import allow
from told_unit import ToldUnit


# --- a gateway that is well ---

def test_one_that_is_well_has_no_finding(system):
    assert system.examine() == {}
    ids = {f['id'] for f in system.said['findings'] if f['verdict'] == 'well'}
    assert ids >= {'settings', 'clock', 'watchdog', 'sandbox', 'enabled', 'bus-policy', 'user', 'bus-name', 'credential',
                   'token-life', 'ca', 'dns', 'port', 'tls', 'clock-date', 'mount', 'disk-room', 'state-write', 'sensor', 'link',
                   'ledger'}, ids
    assert system.said['unseen'] == 0
    assert not list(system.state.iterdir())


def test_one_with_an_i2c_sensor_is_well(system):
    system.i2c()
    assert system.examine() == {} and system.said['unseen'] == 0


def test_an_ordinary_user_is_told_what_could_not_be_looked_at(system):
    system.prefix = ORDINARY
    assert system.examine() == {}
    assert {f['id'] for f in system.said['findings'] if f['verdict'] == 'unseen'} >= {'credential', 'state-write', 'sensor'}


def test_words_for_people(system):
    done = system.run()
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith('0 problems, 0 warnings; ')
    system.unit(LoadCredential='device.cs:%s' % system.secret, WatchdogSec='0')
    done = system.run()
    assert done.returncode == 1
    assert 'PROBLEM unit: the unit has no WatchdogSec' in done.stdout and '\n  why: ' in done.stdout and '\n  do: ' in done.stdout


def test_a_person_at_a_terminal_sees_that_it_goes_on(system):
    ours, theirs = pty.openpty()
    subprocess.run(system.gateway.namespace.within([CTL, '--config', system.config, 'doctor', '--offline', '--root', system.root]),
                   stdout=subprocess.DEVNULL, stderr=theirs, timeout=30, check=False)
    assert b'1/12 settings' in os.read(ours, 65536)
    os.close(ours)
    os.close(theirs)


def test_offline_asks_nobody(system):
    system.credential(system.gateway.device.connection_string.replace(HOST, 'nowhere.invalid'))
    assert system.examine().keys() == {'dns'}
    said = json.loads(system.run('--json', options=['--offline']).stdout)
    assert said['problems'] == said['warnings'] == 0


def test_warnings_count_when_they_are_to(system):
    system.unit(LoadCredential='device.cs:%s' % system.secret, ProtectSystem='no')
    found = system.examine()
    assert found.keys() == {'unit-loosened'} and found['unit-loosened']['verdict'] == 'warning'
    assert 'own.conf' in found['unit-loosened']['what']
    assert system.run(options=['--strict', '--offline']).returncode == 1


@pytest.mark.parametrize('words', [('more',), ('--no-such-option',), ('--root',), ('--root', ''), ('--state-dir', '')])
def test_wrong_words_are_told(words):
    done = subprocess.run([CTL, 'doctor', *words], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2 and done.stdout == '' and 'doctor' in done.stderr


def test_one_with_commands_is_well(system):
    system.command()
    assert system.examine() == {}
    assert 'commands' in {f['id'] for f in system.said['findings'] if f['verdict'] == 'well'}


# --- planted ---

def shift_clock(system, seconds):
    system.environment = {'LD_PRELOAD': str(BUILD / 'tests/system/libshift-clock.so'), 'SHIFT_CLOCK': str(seconds)}


def another_ca(system):
    path = system.folder / 'ca.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '300',
                    '-subj', '/CN=Proxy', '-keyout', system.folder / 'ca.key', '-out', path], check=True, capture_output=True)
    system.settings(hub='ca_file = "%s";' % path)


def held(system):
    system.i2c()
    device = system.root / 'sys/bus/i2c/devices/1-0048'
    device.mkdir()
    (system.root / 'sys/bus/i2c/drivers/lm75').mkdir(parents=True)
    (device / 'driver').symlink_to(system.root / 'sys/bus/i2c/drivers/lm75')


def file_sensor(system, path):
    system.settings('f: { driver = "file"; path = "%s"; channels: { temperature: {}; }; };' % path)


def value_in(system, folder, mode=0o644):
    """A file with a value; its path on the machine."""
    path = '/%s/feed/value' % folder
    system.write(path[1:], '1\n')
    (system.root / path[1:]).chmod(mode)
    return path


def closed_file(system):
    file_sensor(system, value_in(system, 'run', 0o600))


def hidden_file(system):
    (system.folder / 'value').write_text('1\n')  # below /tmp
    file_sensor(system, system.folder / 'value')


def line(system, name='ttyUSB0', mode=0o666, enabled=False):
    """A serial line with a sensor on it."""
    path = system.root / 'dev' / name
    path.touch()
    os.chown(path, 0, DIALOUT)
    path.chmod(mode)
    if enabled:
        system.enable('serial')
    file_sensor(system, '/dev/' + name)


def words(system, text, name='zz.conf', folder='etc'):
    system.write('%s/systemd/system/hublinkd.service.d/%s' % (folder, name), '[Service]\n' + text)


def two_drop_ins_of_one_name(system):
    words(system, 'WatchdogSec=0\n', 'a.conf', 'run')
    words(system, '', 'a.conf')


def last_credential(system):
    other = system.folder / 'new.cs'
    system.secret.rename(other)
    words(system, 'LoadCredential = device.cs:%s\n' % other)


def after_an_upgrade(system):
    system.i2c()
    path = system.root / 'usr/share/hublink/dropins/i2c.conf'
    path.write_text(path.read_text().replace('# Why:', '# Because:'))


def before_an_upgrade(system):
    after_an_upgrade(system)
    path = system.root / 'usr/share/hublink/dropins/i2c.conf'
    path.write_text(path.read_text() + 'DeviceAllow=char-i3c rw\n')


def home_of_a_drop_in(system):
    words(system, 'ProtectHome=read-only\n')
    file_sensor(system, value_in(system, 'home'))


def queue_elsewhere(system):
    system.settings()
    with system.config.open('a') as config:
        config.write('queue: { directory = "/srv/hublink-doctor/queue"; };\n')


def watched(system, more=''):
    """Three watches: two files in one folder, of which one is read twice."""
    path = value_in(system, 'run')
    other = path.replace('value', 'other')
    system.write(other[1:], 'more 1\n')
    system.settings(''.join('s%d: { driver = "tail"; path = "%s"; channels: { temperature: {}; }; };' % pair
                            for pair in enumerate([path, other, path])) + more)


def inotify(system, **limits):
    for name, limit in limits.items():
        system.write('proc/sys/fs/inotify/max_user_' + name, '%d\n' % limit)


def remove(system, path):
    (system.root / path).unlink()


# systemd and its words that doctor must not take for faults
WELL = {
    'two drop-ins of one name': two_drop_ins_of_one_name,
    'the last credential': last_credential,
    'after an upgrade': after_an_upgrade,
    'a home that is open': home_of_a_drop_in,
    'a serial line that is enabled': lambda s: line(s, mode=0o660, enabled=True),
    'another device that is allowed': lambda s: (line(s, 'hidraw0'), s.enable('serial'),
                                                 words(s, 'DeviceAllow=char-hidraw r\n')),
    'a queue elsewhere that is allowed': lambda s: (queue_elsewhere(s), words(s, 'ReadWritePaths=/srv/hublink-doctor\n')),
    'metrics for a group that it sees': lambda s: (
        s.enable('users'), metrics(s, 'listen = "unix:/run/hublink/m.sock"; group = "dialout";')),
    'metrics for its own group': lambda s: metrics(s, 'listen = "unix:/run/hublink/m.sock";'),
    'metrics in a folder of its own': lambda s: (another_folder(s), os.chown(s.root / 'run/metrics', USER, USER),
                                                 metrics(s, 'file = "/run/metrics/h.prom";')),
    'as many watches as it needs': lambda s: (watched(s), inotify(s, watches=3, instances=1)),
    'no watch where none is needed': lambda s: inotify(s, watches=0, instances=0),
    'the settings of the unit': lambda s: words(s, 'ExecStart=\nExecStart=/usr/sbin/hublinkd --config %s\n' % s.config),
}


@pytest.mark.parametrize('name', WELL)
def test_what_is_well_for_systemd_is_no_finding(system, name):
    WELL[name](system)
    assert system.examine() == {}


def metrics(system, text):
    with system.config.open('a') as config:
        config.write('metrics: { %s };\n' % text)


def another_folder(system):
    """Which the unit would let it write."""
    words(system, 'ReadWritePaths=/run/metrics\n')
    (system.root / 'run/metrics').mkdir(parents=True)
    return '/run/metrics'


def replaced(system):
    text = (BUILD / 'systemd/hublinkd.service').read_text()
    system.write('etc/systemd/system/hublinkd.service', text)


PLANTED = {
    'clock an hour off': (lambda s: shift_clock(s, 3600), {'clock-differs'}),
    'clock in 1970': (lambda s: shift_clock(s, -50 * 365 * 86400), {'clock-implausible', 'tls-expired'}),
    'no name': (lambda s: s.credential(s.gateway.device.connection_string.replace(HOST, 'nowhere.invalid')), {'dns'}),
    'port closed': (lambda s: s.settings(hub='address = "127.0.0.1:9";'), {'port'}),
    'wrong CA': (another_ca, {'tls-untrusted'}),
    'CA file missing': (lambda s: s.settings(hub='ca_file = "/nowhere.pem";'), {'ca-file'}),
    'no credential': (lambda s: s.secret.unlink(), {'credential-missing'}),
    'no credential in the unit': (lambda s: s.unit(), {'credential-missing'}),
    'credential open': (lambda s: s.secret.chmod(0o644), {'credential-open'}),
    'credential malformed': (lambda s: s.credential('HostName=x;DeviceId='), {'credential-malformed'}),
    'credential of another hub': (lambda s: s.credential(s.gateway.device.connection_string.replace(HOST, OTHER)),
                                  {'tls-name'}),
    'disk full': (lambda s: s.mount('size=4m,mode=750,uid=%d' % USER), {'disk-full', 'disk-memory'}),
    'disk read-only': (lambda s: s.mount('ro,size=100m,mode=750,uid=%d' % USER),
                       {'disk-read-only', 'disk-memory', 'state-write'}),
    'disk in memory': (lambda s: s.mount('size=100m,mode=750,uid=%d' % USER), {'disk-memory'}),
    'no inodes': (lambda s: s.mount('size=100m,nr_inodes=50,mode=750,uid=%d' % USER), {'disk-inodes', 'disk-memory'}),
    'state folder of another': (lambda s: os.chown(s.state, 0, 0), {'state-write'}),
    'state folder open': (lambda s: s.state.chmod(0o755), {'state-open'}),
    **{what: (lambda s, path=path: (s.state / 'queue' / path).mkdir(parents=True), {'queue-set-aside'}) for what, path in (
        ('newer queue', 'normal-newer-0badcafe'),
        ('newer inbox', 'inbox/normal-newer-0badcafe'),
        ('newer dead letters', 'dead-letters/normal-newer-0badcafe'),
        ('inbox of something else', 'inbox-foreign-0badcafe'),
        ('slot of something else', 'normal/seg-0003-foreign-0badcafe'),
        ('slot of the inbox of something else', 'inbox/normal/seg-0003-foreign-0badcafe'),
        ('slot of the inbox that cannot be read', 'inbox/normal/seg-0003-unread-0badcafe'))},
    'settings wrong': (lambda s: s.settings('x: { driver = "none"; };'), {'settings'}),
    'sensor absent': (lambda s: s.settings('f: { driver = "file"; path = "/nowhere"; channels: { temperature: {}; }; };'), {'sensor-absent'}),
    'hwmon absent': (lambda s: s.settings('f: { driver = "hwmon"; device = "lm75"; channels: { temperature: { attribute = '
                                          '"temp1_input"; }; }; };'), {'sensor-absent'}),
    'sensor closed': (closed_file, {'sensor-rights'}),
    'sensor hidden': (hidden_file, {'sensor-hidden'}),
    'serial line not enabled': (line, {'sensor-unit'}),
    'serial line not enabled, and dialout\'s': (lambda s: line(s, mode=0o660), {'sensor-unit'}),
    'another device': (lambda s: (line(s, 'hidraw0'), s.enable('serial')), {'sensor-unit'}),
    'drop-in of another version': (before_an_upgrade, {'unit-old-dropin'}),
    'blanks around =': (lambda s: words(s, 'ProtectSystem = no\nWatchdogSec = 0\n'), {'unit-watchdog', 'unit-loosened'}),
    'queue where the unit lets nobody write': (queue_elsewhere, {'unit-read-only'}),
    'metrics where the unit lets nobody write': (
        lambda s: s.config.write_text(s.config.read_text() + 'metrics: { file = "/var/lib/prometheus/hublink.prom"; };\n'),
        {'unit-read-only'}),
    'metrics in a folder that is not there': (lambda s: metrics(s, 'file = "/run/hublink/none/h.prom";'), {'metrics-file'}),
    'metrics in a folder of another': (lambda s: metrics(s, 'file = "%s/h.prom";' % another_folder(s)), {'metrics-file'}),
    'metrics for a group that the unit hides': (
        lambda s: metrics(s, 'listen = "unix:/run/hublink/m.sock"; group = "dialout";'), {'metrics-group'}),
    'metrics for a group that is not there': (
        lambda s: (s.enable('users'), metrics(s, 'listen = "unix:/run/hublink/m.sock"; group = "prometheus";')), {'outlook'}),
    'other settings in the unit': (
        lambda s: words(s, 'ExecStart=\nExecStart=/usr/sbin/hublinkd --config /etc/other.conf\n'), {'unit-config'}),
    'fewer watches than files': (lambda s: (watched(s), inotify(s, watches=2)), {'watches-few'}),
    'nothing to watch with': (lambda s: (watched(s), inotify(s, instances=0)), {'watches-few'}),
    'bus closed': (lambda s: s.i2c(mode=0o600), {'sensor-rights'}),
    'i2c not enabled': (lambda s: s.i2c(enabled=False), {'sensor-unit'}),
    'i2c bus absent': (lambda s: (s.i2c(), remove(s, 'dev/i2c-1')), {'sensor-absent'}),
    'sensor held': (held, {'sensor-held'}),
    'no watchdog': (lambda s: s.unit('zz.conf', WatchdogSec='0'), {'unit-watchdog'}),
    'no restart': (lambda s: s.unit('zz.conf', Restart='no'), {'unit-restart'}),
    'not enabled': (lambda s: remove(s, 'etc/systemd/system/multi-user.target.wants/hublinkd.service'), {'unit-not-enabled'}),
    'unit replaced': (replaced, {'unit-replaced'}),
    'unit missing': (lambda s: remove(s, 'usr/lib/systemd/system/hublinkd.service'), {'unit-missing'}),
    'command with nothing to start': (lambda s: (s.command(), remove(s, DROPIN)), {'command-empty'}),
    'command that was taken back': (lambda s: (s.command(), s.write(DROPIN, '[Service]\nExecStart=/bin/true\nExecStart=\n')),
                                    {'command-empty'}),
    'no polkit': (lambda s: (s.command(), remove(s, 'usr/lib/polkit-1/polkitd')), {'polkit-missing'}),
    'no rule for polkit': (lambda s: (s.command(), remove(s, 'usr/share/polkit-1/rules.d/hublink-command.rules')), {'polkit-rule'}),
    'no policy': (lambda s: remove(s, 'usr/share/dbus-1/system.d/org.hublink1.conf'), {'bus-policy'}),
    'no group': (lambda s: s.write('etc/group', 'hublink:x:%d:\n' % USER), {'group'}),
    'no user': (lambda s: s.write('etc/passwd', 'root:x:0:0::/:/bin/sh\n'), {'user'}),
    'short tokens': (lambda s: s.settings(hub='token_life = "1min";'), {'token-life'}),
}


@pytest.mark.parametrize('name', PLANTED)
def test_what_is_planted_is_named_and_nothing_else(system, name):
    plant, expected = PLANTED[name]
    plant(system)
    found = system.examine()
    assert found.keys() == expected, json.dumps(found, indent=1)


HOLDER = """
import ctypes, sys
libc = ctypes.CDLL(None)
while libc.inotify_init1(0) >= 0:
    pass
print(flush=True)
sys.stdin.read()
"""


def test_what_others_of_its_user_took_cannot_be_watched_with(system):
    watched(system)
    words(system, 'PrivateUsers=no\n')
    as_hublink = ['setpriv', '--reuid=%d' % USER, '--regid=%d' % USER, '--clear-groups']
    assert system.examine() == {}
    with subprocess.Popen([*as_hublink, '/usr/bin/python3', '-c', HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        found = system.examine()
        holder.stdin.close()
    assert found.keys() == {'watches-used-up'}
    assert 'user hublink can have no more inotify instances' in found['watches-used-up']['what']
    with open('/proc/sys/fs/inotify/max_user_instances') as limit:
        assert 'fs.inotify.max_user_instances=%d ' % max(2 * int(limit.read()), 1024) in found['watches-used-up']['do']


def test_what_can_be_watched_is_asked_for_whom_it_counts(system):
    watched(system)
    assert system.examine() == {}
    said = {f['id']: f['what'] for f in system.said['findings'] if f['verdict'] == 'well'}
    assert '(3 of ' in said['watches']
    system.prefix = ORDINARY
    assert system.examine() == {} and 'watches' in {f['id'] for f in system.said['findings'] if f['verdict'] == 'unseen'}


def test_i2c_names_the_command_that_mends_it(system):
    system.i2c(enabled=False)
    assert system.examine()['sensor-unit']['do'] == 'hublinkctl setup --enable i2c'


def test_a_clock_that_is_off_names_a_package_where_no_ntp_is(system):
    shift_clock(system, 3600)
    assert 'apt install systemd-timesyncd' in system.examine()['clock-differs']['do']


@pytest.mark.parametrize('mode', [0o660, 0o666])
def test_a_serial_line_names_the_command_that_mends_it(system, mode):
    line(system, mode=mode)
    assert system.examine()['sensor-unit']['do'] == 'hublinkctl setup --enable serial'


def test_a_folder_names_the_words_that_open_it(system):
    queue_elsewhere(system)
    assert 'ReadWritePaths=-/srv/hublink-doctor/queue;' in system.examine()['unit-read-only']['do']


def test_a_disk_that_is_read_only_is_not_to_be_given_away(system):
    system.mount('ro,size=100m,mode=750,uid=%d' % USER)
    do = system.examine()['state-write']['do']
    assert 'remount' in do and 'chown' not in do
    subprocess.run(system.gateway.namespace.within(['umount', system.state]), check=True)
    os.chown(system.state, 0, 0)
    assert 'chown' in system.examine()['state-write']['do']


def test_systemd_takes_a_credential_that_others_can_read(system):
    system.secret.chmod(0o640)
    assert 'does not use' not in system.examine()['credential-open']['why']


def test_a_daemon_that_is_stopped(system):
    with PrivateBus() as empty:
        system.bus = empty.address
        assert system.examine().keys() == {'bus-name'}
    assert system.examine().keys() == {'bus'}


def test_a_daemon_that_hangs(system):
    with PrivateBus() as bus:
        peer, system.bus = BusPeer(bus.address), bus.address
        bus.wait_for_name()
        peer.process.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            found = system.examine()
            assert time.monotonic() < begun + 12
        finally:
            peer.process.send_signal(signal.SIGCONT)
        assert peer.quit() == 0
    assert found.keys() == {'daemon-hangs'} and 'systemctl restart hublinkd' in found['daemon-hangs']['do'], found
    assert 'hublinkd hangs, so it says nothing' in [f['what'] for f in system.said['findings'] if f['group'] == 'daemon']


FATES = {
    'credential': ({'ActiveState': 'activating', 'SubState': 'auto-restart', 'Result': 'exit-code', 'ExecMainStatus': 243,
                    'NRestarts': 4}, '243/CREDENTIALS', 'hublinkctl setup'),
    'settings': ({'ActiveState': 'failed', 'SubState': 'failed', 'Result': 'exit-code', 'ExecMainStatus': 78},
                 'the settings are wrong', 'hublinkd --check'),
    'masked': ({'LoadState': 'masked'}, 'masked', 'systemctl unmask hublinkd'),
    'stopped': ({}, 'nobody', 'systemctl start hublinkd'),
}


def test_why_the_unit_does_not_run_is_told_by_doctor_and_status(system):
    bus = PrivateBus()
    allow(bus)
    with bus:
        system.bus = bus.address
        for told, what, remedy in FATES.values():
            with ToldUnit(bus, **told):
                found = system.examine()
                status = subprocess.run([CTL, '--bus', bus.address, 'status'], capture_output=True, text=True, timeout=30,
                                        check=False)
            assert found.keys() == {'bus-name'}
            assert what in found['bus-name']['what'] and remedy in found['bus-name']['do'], found
            assert status.returncode == 3 and status.stdout == ''
            first, then = status.stderr.splitlines()
            assert 'hublinkd is not running' in first and what in first and remedy in then, status.stderr


def test_files_of_the_unit_that_systemd_has_not_read(system):
    bus = PrivateBus()
    allow(bus)
    with bus:
        system.bus = bus.address
        with ToldUnit(bus, NeedDaemonReload=True):
            found = system.examine()
        assert found.keys() == {'unit-reload', 'bus-name'} and found['unit-reload']['verdict'] == 'warning'
        assert found['unit-reload']['do'].startswith('systemctl daemon-reload; ')
        with ToldUnit(bus):
            assert system.examine().keys() == {'bus-name'}


# --- what the daemon knows better ---

def sealed(system):
    """As for who has not the rights to open it."""
    system.unit(LoadCredentialEncrypted='device.cs:%s' % system.secret)
    system.prefix = ORDINARY


def test_the_hub_of_a_credential_that_is_sealed_is_looked_at_all_the_same(system):
    sealed(system)
    assert system.examine() == {}
    assert {f['id'] for f in system.said['findings'] if f['verdict'] == 'well'} >= {
        'credential-in-use', 'dns', 'port', 'tls', 'clock-date'}


def test_settings_that_hublinkd_cannot_read(system):
    folder = system.folder / 'conf.d'
    folder.mkdir()
    (folder / 'site.conf').write_text('hub: { };\n')
    others = []
    for name, text in (('methods.d/print.conf', 'responder = "org.example.Printer";\n'),
                       ('commands.d/reboot.conf', 'method = "reboot";\n')):
        (system.folder / name).parent.mkdir(exist_ok=True)
        (system.folder / name).write_text(text)
        others.append((system.folder / name, 0o600))
    system.command()
    for path, mode in ((folder / 'site.conf', 0o600), (folder, 0o700), (system.config, 0o600), *others):
        before = path.stat().st_mode
        path.chmod(mode)
        found = system.examine()
        assert found.keys() == {'settings-rights'}
        assert found['settings-rights']['do'].endswith(' %s' % path) and found['settings-rights']['do'].startswith('chmod ')
        path.chmod(before)
    assert system.examine() == {}


def closed_rule(system):
    """As Debian 12 has that folder."""
    system.command()
    return system.root / 'usr/share/polkit-1/rules.d'


def closed_polkit(system):
    system.command()
    return system.root / 'usr/lib/polkit-1'


def closed_start(system):
    system.command()
    return system.root / DROPIN


def closed_starts(system):
    system.command()
    return (system.root / DROPIN).parent


def closed_conf_d(system):
    folder = system.folder / 'conf.d'
    folder.mkdir()
    (folder / 'site.conf').write_text('sensors: { more: { driver = "simulated"; model = "wind"; }; };\n')
    return folder


def closed_devices(system):
    system.i2c()
    return system.root / 'dev'


def closed_authority(system):
    file = system.folder / 'ca.pem'
    shutil.copy(system.gateway.devhub.ca_file, file)
    system.settings(hub='ca_file = "%s";' % file)
    return file


DROPINS = 'etc/systemd/system/hublinkd.service.d'


@pytest.mark.parametrize('unseen, closed', [
    ('polkit-rule', closed_rule), ('polkit', closed_polkit), ('command', closed_start), ('command', closed_starts),
    ('settings', lambda system: system.config), ('settings', closed_conf_d),
    ('settings', lambda system: closed_conf_d(system) / 'site.conf'), ('sensor', closed_devices), ('ca-file', closed_authority),
    ('unit', lambda system: system.root / DROPINS), ('unit', lambda system: system.root / DROPINS / 'own.conf'),
    ('bus-policy', lambda system: system.root / 'usr/share/dbus-1/system.d'),
], ids=['rule', 'polkit', 'start', 'starts', 'config', 'conf.d', 'site', 'devices', 'authority', 'drop-ins', 'drop-in', 'policy'])
def test_what_is_closed_to_an_ordinary_user_is_no_fault(system, unseen, closed):
    """Neither for him, who is told that he does not see it, nor for root, who sees that all is well."""
    path = closed(system)
    os.chown(path, 0, USER)
    path.chmod(0o750 if path.is_dir() else 0o640)
    assert system.examine() == {} and system.said['unseen'] == 0
    system.prefix = ORDINARY
    assert system.examine() == {}, system.said
    assert unseen in {f['id'] for f in system.said['findings'] if f['verdict'] == 'unseen'}, system.said


class Bare:
    """A daemon of its own, beside the gateway's, with other sensors."""

    def __init__(self, system, sensors):
        self.bus = PrivateBus().start()
        system.settings(sensors)
        self.daemon = Daemon(system.folder / 'bare', self.bus, within=system.gateway.namespace.within)
        self.daemon.configure(system.config.read_text())
        system.bus = self.bus.address

    def __enter__(self):
        self.daemon.start()
        return self.daemon

    def __exit__(self, *_):
        self.daemon.stop()
        self.bus.stop()


def status_of(system):
    return subprocess.run([CTL, '--bus', system.bus, 'status'], capture_output=True, text=True, timeout=30, check=True).stdout


def test_a_gateway_that_reads_nothing_says_so(system):
    with Bare(system, '') as daemon:
        found = system.examine()
        assert found.keys() == {'sensors-none', 'link'} and 'hublinkctl sensors scan' in found['sensors-none']['do']
        daemon.submit({'n': 1})
        assert system.examine().keys() == {'link'}


def test_a_sensor_that_fails_is_told_once(system):
    with Bare(system, 'f: { driver = "file"; path = "/nowhere"; interval = "1s"; channels: { temperature: {}; }; };') as daemon:
        deadline = time.monotonic() + 20
        while 'failing' not in status_of(system) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert 'failing' in status_of(system)
        found = system.examine()
        assert 'sensor-absent' in found and 'sensor-fails' not in found, found


@pytest.mark.parametrize('fault, expected', [('cert-expired', 'tls-expired'), ('cert-wrong-name', 'tls-name'),
                                             ('cert-new-ca', 'tls-untrusted')])
def test_the_hub_shows_a_wrong_certificate(system, fault, expected):
    system.gateway.devhub.fault('set', fault)
    try:
        found = system.examine()
        assert expected in found and found.keys() <= {expected, 'link'}, found
    finally:
        system.gateway.devhub.fault('clear', fault)
