# SPDX-License-Identifier: Apache-2.0
"""hublinkd as a program: its command line, its life, and how it bears a bad world."""

import os
import signal
import socket
import subprocess
import sys
import time

import dbus
import pytest

from bus import PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from namespace import Namespace

WIND = 'sensors: { w: { driver = "simulated"; model = "wind"; interval = "100ms"; }; };\n'


@pytest.fixture
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def daemon(tmp_path, bus):
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


# ---- the command line ----

def test_check_says_ok_or_everything_that_is_wrong(daemon):
    done = daemon.run('--check')
    assert (done.returncode, done.stdout, done.stderr) == (0, 'OK\n', '')
    daemon.configure('hub: {\n  windw = 4;\n  keepalive = "x";\n};\n')
    daemon.configure('log: { level = 3; };\n', 'conf.d/log.conf')
    done = daemon.run('--check')
    assert done.returncode == 78 and done.stdout == ''
    lines = done.stderr.splitlines()
    assert [line.split(': ')[0] for line in lines] == [
        '%s:2' % daemon.config, '%s:3' % daemon.config, '%s/conf.d/log.conf:1' % daemon.directory]
    assert 'did you mean "window"?' in lines[0]


def test_a_missing_file_is_told_with_the_remedy(daemon):
    daemon.config.unlink()
    done = daemon.run('--check')
    assert done.returncode == 78 and 'No such file' in done.stderr and '--config' in done.stderr
    daemon.start(ready=False)
    assert daemon.process.wait(10) == 78
    assert 'No such file' in daemon.log()
    daemon.process = None


def test_print_config_loads_again_to_the_same(daemon):
    daemon.configure(WIND + 'hub: { window = 3; };\n')
    first = daemon.run('--print-config')
    assert first.returncode == 0 and 'window = 3;' in first.stdout
    assert '# %s:2\n' % daemon.config in first.stdout and '# default\n' in first.stdout
    daemon.configure(first.stdout)
    second = daemon.run('--print-config')

    def bare(text):
        return [line.split('#')[0].rstrip() for line in text.splitlines()]
    assert second.returncode == 0 and bare(first.stdout) == bare(second.stdout)


@pytest.mark.parametrize('options', [['--nonsense'], ['word'], ['--config'], ['--bus', 'somewhere'],
                                     ['--state-dir', 'relative']])
def test_a_wrong_command_line_ends_with_2(daemon, options):
    done = daemon.run(*options)
    assert done.returncode == 2 and 'try --help' in done.stderr and done.stdout == ''


def test_help_and_version(daemon):
    assert daemon.run('--version').stdout.startswith('hublinkd ')
    text = daemon.run('--help').stdout
    assert '--print-config' in text and all(len(line) <= 80 for line in text.splitlines())


# ---- starting and stopping ----

def test_it_runs_with_empty_settings(daemon):
    daemon.start()
    p = daemon.wait_for_link('stopped', 'no-credential')
    assert p['QueueRecords'] == 0
    assert 'no credential' in daemon.status
    assert 'LoadCredential' in daemon.log()
    assert daemon.stop() == 0
    assert 'STOPPING=1' in daemon.notified
    assert 'has stopped' in daemon.log()


def test_interrupt_is_as_good(daemon):
    daemon.start()
    assert daemon.stop(signal.SIGINT) == 0


def test_it_runs_without_a_bus(tmp_path):
    with Daemon(tmp_path) as daemon:
        daemon.configure(WIND).start()
        daemon.wait_for_log('Message bus')
        assert daemon.stop() == 0


def test_what_was_accepted_is_there_after_a_restart(daemon):
    daemon.start()
    daemon.bus.wait_for_name()
    last = [daemon.submit({'v': i}) for i in range(5)][-1]
    assert last[0] == 'telemetry' and last[3] == 5
    assert daemon.stop() == 0
    daemon.start()
    daemon.bus.wait_for_name()
    ledger = daemon.ledger()
    assert (ledger['accepted'], ledger['waiting']) == (5, 5)
    assert daemon.submit({'v': 5})[3] == 6
    assert daemon.kill() == -signal.SIGKILL
    daemon.start()
    daemon.bus.wait_for_name()
    assert daemon.ledger()['accepted'] == 6


def test_two_cannot_share_a_queue(daemon, tmp_path, bus):
    daemon.start()
    bus.wait_for_name()
    daemon.submit({'v': 1})
    with Daemon(tmp_path / 'other') as other:
        other.state = daemon.state
        other.start()
        other.wait_for_log(str(daemon.state))
        assert other.stop() == 0
    daemon.submit({'v': 2})
    assert daemon.ledger()['accepted'] == 2


CREDENTIAL = 'HostName=hub.example.com;DeviceId=d;SharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0'


def test_it_stops_in_time_with_a_hub_that_swallows_everything(daemon):
    """One that accepts and never answers, and one whose port takes no SYN."""
    with socket.create_server(('127.0.0.1', 0)) as silent, socket.socket() as full:
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for s in fillers:
            s.setblocking(False)
            s.connect_ex(full.getsockname())
        for target in (silent, full):
            daemon.configure(WIND).credential(CREDENTIAL)
            daemon.configure('hub: { address = "127.0.0.1:%d"; };\n' % target.getsockname()[1], 'conf.d/hub.conf')
            daemon.start()
            daemon.wait_for_link('connecting')
            daemon.wait_for_properties(lambda p: p['QueueRecords'] > 0, 'records')
            assert daemon.stop() == 0
        for s in fillers:
            s.close()


SILENT_NAME_SERVER = '''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 53))
print('ready', flush=True)
s.recv(512)
print('asked', flush=True)
while True:
    s.recv(512)
'''


def test_it_stops_in_time_with_a_name_lookup_that_hangs(tmp_path, bus):
    """A network of its own, whose name server hears and says nothing."""
    (tmp_path / 'resolv.conf').write_text('nameserver 127.0.0.1\noptions timeout:30 attempts:3\n')
    namespace = Namespace(tmp_path, [])
    server = subprocess.Popen(namespace.within([sys.executable, '-c', SILENT_NAME_SERVER]), stdout=subprocess.PIPE,
                              text=True)
    try:
        assert server.stdout.readline() == 'ready\n'

        def within(command):
            return namespace.within(['unshare', '--mount', 'sh', '-ec',
                                     'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"',
                                     'sh', tmp_path / 'resolv.conf', *command])
        with Daemon(tmp_path / 'gateway', bus, within) as daemon:
            daemon.configure(WIND).credential(CREDENTIAL)
            daemon.start()
            assert server.stdout.readline() == 'asked\n'
            daemon.wait_for_link('connecting')
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 4
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        namespace.close()


# ---- reload ----

def test_a_reload_takes_new_settings_over(daemon):
    daemon.configure(WIND).start()
    daemon.wait_for_properties(lambda p: p['QueueRecords'] > 2, 'records')
    daemon.configure('sensors: { x: { driver = "simulated"; model = "thermostat"; interval = "100ms"; '
                     'stream = "s"; }; };\n'
                     'streams: { s: { priority = "urgent"; }; };\n')
    daemon.reload()
    daemon.wait_for_log('are in effect')
    assert daemon.sensor('x')['Driver'] == 'simulated'
    with pytest.raises(dbus.DBusException):
        daemon.sensor('w')
    before = daemon.ledger()['accepted']
    daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] > before + 2, 'more records')
    assert daemon.stop() == 0


def test_a_bad_reload_keeps_what_is_in_effect(daemon):
    daemon.configure(WIND).start()
    daemon.bus.wait_for_name()
    daemon.configure('hub: { window = 99; };\nnonsense = 1;\n')
    daemon.reload()
    lines = [line for line in daemon.log().splitlines() if 'those in effect stay' in line]
    assert len(lines) == 1 and '%s:1: hub.window' % daemon.config in lines[0] and '1 more' in lines[0]
    with pytest.raises(dbus.DBusException) as e:
        daemon.bus.call('Reload')
    assert e.value.get_dbus_name() == 'org.hublink1.Error.BadValue'
    assert 'hub.window' in e.value.get_dbus_message()
    assert str(daemon.properties()['SettingsProblem']) == e.value.get_dbus_message()
    before = daemon.ledger()['accepted']
    daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] > before, 'more records')
    assert daemon.sensor('w')['Driver'] == 'simulated'
    daemon.configure(WIND)
    daemon.bus.call('Reload')
    assert daemon.properties()['SettingsProblem'] == ''
    assert daemon.stop() == 0


def streams(*names):
    return 'streams: { %s };\n' % ' '.join(
        '%s: { format = "object"; body = "{\\"device\\":\\"${device}\\"}"; };' % name for name in names)


def test_a_reload_that_fails_half_way_leaves_all_as_it_was(daemon, devhub):
    """The queue has no place for so many more streams, which is found out late."""
    first = ['a%d' % i for i in range(30)]
    daemon.configure(WIND + streams(*first)).hub(devhub, devhub.create('d1')).start()
    daemon.wait_for_link('connected')
    daemon.configure(streams('b0', 'b1', 'b2'))
    daemon.hub(devhub, devhub.create('d2'))
    with pytest.raises(dbus.DBusException):
        daemon.bus.call('Reload')
    daemon.submit({'v': 1}, options={'stream': 'a7'})
    daemon.bus.call('Flush')
    assert {'device': 'd1'} in [event['body'] for event in devhub.events('d1')]
    assert daemon.sensor('w')['Driver'] == 'simulated'
    assert daemon.properties()['DeviceId'] == 'd1'
    with pytest.raises(dbus.DBusException):
        daemon.submit({'v': 1}, options={'stream': 'b0'})
    assert daemon.stop() == 0


def test_a_reload_tells_what_needs_a_restart(daemon):
    daemon.start()
    daemon.bus.wait_for_name()
    daemon.configure('queue: { directory = "%s/elsewhere"; segment = "2M"; };\n' % daemon.directory)
    daemon.reload()
    daemon.wait_for_log('queue.directory is %s/queue until the next restart' % daemon.state)
    daemon.wait_for_log('queue.segment')
    daemon.submit({'v': 1})
    assert not (daemon.directory / 'elsewhere').exists()
    assert daemon.stop() == 0


# ---- the secret ----

def test_a_secret_that_others_can_read_is_refused(daemon, devhub):
    device = devhub.create('d1')
    daemon.configure(WIND).hub(devhub, device)
    daemon.credential(device.connection_string, mode=0o644)
    daemon.start()
    detail = daemon.wait_for_link('stopped', 'no-credential')['LinkDetail']
    assert 'chmod 0600 %s/device.cs' % daemon.directory in daemon.log()
    assert detail in daemon.log() and 'chmod 0600 %s/device.cs' % daemon.directory in detail
    assert 'no connection string' not in daemon.log()
    daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] > 0, 'records')
    (daemon.directory / 'device.cs').chmod(0o600)
    daemon.reload()
    daemon.wait_for_link('connected')
    assert device.key not in daemon.log() + daemon.run('--print-config').stdout
    assert daemon.stop() == 0


def half_written(path):
    path.write_text(path.read_text()[:30])


@pytest.mark.parametrize('spoil, words', [
    (lambda path: path.chmod(0o644), 'chmod 0600'),
    (half_written, 'no connection string'),
    (lambda path: path.unlink(), 'No such file'),
], ids=['readable-by-all', 'half-written', 'gone'])
def test_a_reload_with_an_unfit_secret_leaves_the_link_alone(daemon, devhub, spoil, words):
    daemon.configure(WIND).hub(devhub, devhub.create('d1')).start()
    since = daemon.wait_for_link('connected')['LinkSince']
    spoil(daemon.directory / 'device.cs')
    daemon.configure('')
    with pytest.raises(dbus.DBusException) as e:
        daemon.bus.call('Reload')
    assert e.value.get_dbus_name() == 'org.hublink1.Error.BadValue'
    assert words in e.value.get_dbus_message() and 'device.cs' in e.value.get_dbus_message()
    lines = [line for line in daemon.log().splitlines() if 'device.cs' in line]
    assert len(lines) == 1 and 'those in effect stay' in lines[0] and words in lines[0]
    daemon.submit({'v': 1})
    daemon.bus.call('Flush')  # it is sent: the link works
    p = daemon.properties()
    assert p['LinkState'] == 'connected' and abs(p['LinkSince'] - since) < 1000  # us: the wall clock is slewed
    assert daemon.sensor('w')['Driver'] == 'simulated'  # nothing of the new settings either
    assert daemon.stop() == 0


def test_a_secret_given_late_must_be_fit(daemon, devhub):
    """None at all is fine: the rest of the settings can change. One that is no good is told."""
    device = devhub.create('d1')
    daemon.configure(WIND).hub(devhub, device)
    (daemon.directory / 'device.cs').unlink()
    daemon.start()
    daemon.wait_for_link('stopped', 'no-credential')
    daemon.bus.call('Reload')
    assert 'device.cs cannot be read: No such file' in daemon.properties()['LinkDetail']
    daemon.credential(device.connection_string, mode=0o644)
    with pytest.raises(dbus.DBusException) as e:
        daemon.bus.call('Reload')
    assert 'chmod 0600' in e.value.get_dbus_message()
    assert daemon.properties()['LinkDetail'] == e.value.get_dbus_message()
    daemon.credential(device.connection_string)
    daemon.bus.call('Reload')
    daemon.wait_for_link('connected')
    assert daemon.stop() == 0


def test_a_credential_of_the_service_manager(tmp_path, bus, devhub):
    device = devhub.create('d1')
    credentials = tmp_path / 'credentials'
    credentials.mkdir()
    (credentials / 'device.cs').write_text(device.connection_string)
    with Daemon(tmp_path / 'gateway', bus, environment={'CREDENTIALS_DIRECTORY': str(credentials)}) as daemon:
        daemon.configure('hub: { ca_file = "%s"; address = "127.0.0.1:%d"; };\n' % (devhub.ca_file, devhub.port))
        daemon.start()
        p = daemon.wait_for_link('connected', 'none')
        assert p['Hub'] == devhub.host and p['DeviceId'] == 'd1'
        assert daemon.stop() == 0


# ---- sensors ----

def test_malformed_lines_harm_nobody(daemon, devhub):
    device = devhub.create('d1')
    path = str(daemon.directory / 'in.sock')
    stream_path = str(daemon.directory / 'in.stream')
    daemon.configure('''
        streams: { telemetry: { max_latency = "200ms"; }; };
        queue: { commit_interval = "50ms"; };
        sensors: {
          apps: { driver = "socket"; listen = "unix-dgram:%s"; max_line = "1K"; };
          pipe: { driver = "socket"; listen = "unix-stream:%s"; max_line = "1K"; };
        };''' % (path, stream_path)).hub(devhub, device)
    daemon.start()
    daemon.wait_for_link('connected')
    bad = [b'', b'{', b'rubbish', b'[1]', b'{"s":5}', b'{"v":nan}', b'{"v":[1]}', b'\xff\xfe',
           b'{"v":1' + b' ' * 2000 + b'}', b'{"bad name":1}', b'{"s":"9x","v":1}']
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(path)
        for i, line in enumerate(bad):
            s.send(line)
            s.send(b'{"n":%d}' % i)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(stream_path)
        for i, line in enumerate(bad):
            s.sendall(line.replace(b'\n', b'') + b'\n' + b'{"n":%d}\n' % i)
    daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] >= 2 * len(bad), 'all good lines acknowledged')
    refused = daemon.properties()['Refused']
    assert sum(refused.values()) == 2 * (len(bad) - 1), refused  # an empty line is no reading, and no fault
    got = sorted((r['s'], r['n']) for event in devhub.events('d1', count=1) for r in event['body'] if 'n' in r)
    assert got == sorted((s, i) for s in ('apps', 'pipe') for i in range(len(bad)))
    assert daemon.log().count('\n') < 30
    assert daemon.stop() == 0


def test_a_file_that_cannot_be_read_disturbs_no_other(daemon):
    (daemon.directory / 'good').write_text('21.5\n')
    (daemon.directory / 'words').write_text('warm\n')
    sensor = '%s: { driver = "file"; path = "%s"; interval = "100ms"; channels: { v: {}; }; };'
    daemon.configure('sensors: { %s };' % ' '.join(sensor % (name, daemon.directory / name)
                                                   for name in ('absent', 'words', 'good')))
    daemon.start()
    daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] >= 3, 'records')
    states = {name: daemon.sensor(name) for name in ('absent', 'words', 'good')}
    assert {name: str(p['State']) for name, p in states.items()} == {
        'absent': 'failing', 'words': 'failing', 'good': 'ok'}
    assert str(daemon.directory / 'absent') in states['absent']['LastError']
    assert str(daemon.directory / 'absent') in daemon.log()
    (daemon.directory / 'absent').write_text('1')
    daemon.wait_for_properties(lambda p: daemon.sensor('absent')['State'] == 'ok', 'sensor well again')
    assert daemon.stop() == 0


# ---- the hub says no ----

def stays_up_with(daemon, reason, words=''):
    """The right reason, one line that names it, readings kept, and gone in time."""
    p = daemon.wait_for_reason(reason)
    assert p['LinkState'] != 'connected'
    daemon.submit({'v': 1})
    assert daemon.ledger()['waiting'] >= 1
    assert words in daemon.log(), daemon.log()
    assert sum('devhub.localdomain' in line or 'other.localdomain' in line for line in daemon.log().splitlines()) <= 2
    assert daemon.stop() == 0


def test_a_wrong_key(daemon, devhub):
    device = devhub.create('d1')
    device.connection_string = device.connection_string.replace(device.key, device.key[::-1].lstrip('=') + '=')
    daemon.hub(devhub, device).start()
    stays_up_with(daemon, 'credential')
    assert device.key not in daemon.log()


def test_an_unknown_device(daemon, devhub):
    device = devhub.create('d1')
    device.connection_string = device.connection_string.replace('DeviceId=d1', 'DeviceId=d2')
    daemon.hub(devhub, device).start()
    stays_up_with(daemon, 'credential')


SHIFT = {'LD_PRELOAD': os.path.join(os.environ.get('HUBLINK_BUILD', 'build'), 'tests/system/libshift-clock.so')}


def test_an_expired_token(tmp_path, bus, devhub):
    """For a hub whose clock is two hours ahead, a token of one hour is an old one."""
    device = devhub.create('d1')
    devhub.stop()
    devhub.within = lambda command: ['env', *('%s=%s' % pair for pair in SHIFT.items()), 'SHIFT_CLOCK=7200', *command]
    devhub.start()
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.hub(devhub, device).start()
        stays_up_with(daemon, 'credential')


def test_a_certificate_that_is_not_valid_at_our_time(tmp_path, bus, devhub):
    device = devhub.create('d1')
    with Daemon(tmp_path / 'gateway', bus, environment={**SHIFT, 'SHIFT_CLOCK': str(-10 * 365 * 86400)}) as daemon:
        daemon.hub(devhub, device).start()
        stays_up_with(daemon, 'tls-expired')


def test_another_ca(daemon, devhub):
    device = devhub.create('d1')
    daemon.credential(device.connection_string)
    daemon.configure('hub: { address = "127.0.0.1:%d"; };\n' % devhub.port, 'conf.d/hub.conf')
    daemon.start()
    stays_up_with(daemon, 'tls-untrusted', 'ca_file')


def test_another_host_name(daemon, devhub):
    device = devhub.create('d1')
    device.connection_string = device.connection_string.replace(devhub.host, 'other.localdomain')
    daemon.hub(devhub, device).start()
    stays_up_with(daemon, 'tls-hostname')


def test_nobody_listens(daemon, devhub):
    device = devhub.create('d1')
    devhub.stop()
    daemon.hub(devhub, device).start()
    stays_up_with(daemon, 'refused')


def test_a_name_that_does_not_exist(daemon, devhub):
    device = devhub.create('d1')
    daemon.hub(devhub, device, address='no-such-host.invalid:8883').start()
    stays_up_with(daemon, 'name')


def test_a_hub_that_comes_back_gets_everything(daemon, devhub):
    device = devhub.create('d1')
    daemon.configure('streams: { telemetry: { max_latency = "100ms"; }; };\n'
                     'queue: { commit_interval = "50ms"; };\n'
                     'hub: { backoff: { first = "100ms"; max = "1s"; }; };\n' + WIND).hub(devhub, device)
    daemon.start()
    daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 3, 'acknowledgements')
    devhub.stop()
    daemon.wait_for_properties(lambda p: p['LinkState'] != 'connected', 'loss of the link')
    waiting = daemon.ledger()['waiting']
    daemon.wait_for_properties(lambda p: p['Ledger']['waiting'] > waiting + 5, 'a growing queue')
    accepted = daemon.ledger()['accepted']
    devhub.start()
    daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] >= accepted, 'the backlog acknowledged')
    assert 'Connected to' in daemon.status or daemon.wait_for_link('connected')
    assert daemon.stop() == 0
    totals = devhub.verify('d1')
    assert totals['unique'] >= accepted and totals['gaps'] == 0
