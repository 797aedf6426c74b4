# SPDX-License-Identifier: Apache-2.0
"""The programs of conf/examples, run as they are shipped: real daemon, bus and devhub, and the explorer as the service.

A sign is the same in each language; the one in C is built by the command that its header names.
"""

import os
import re
import shutil
import subprocess

import pytest

from bus import SOURCE, As
from cloud import Cloud
from daemon import Daemon
from example import EXAMPLES, SIGNS, Running, bus, devhub, gateway, inbox_is_empty, method  # noqa: F401 (fixtures too)
from gateway_twin import desire, reported, until

OWN_NAME = 'org.example.Sign'


def build_in(directory):
    """The program in C, by its own header."""
    source = (SIGNS / 'c/sign.c').read_text()
    command, = re.findall(r'^ \*   build   (.*)$', source, re.MULTILINE)
    shutil.copy(SIGNS / 'c/sign.c', directory)
    done = subprocess.run(['sh', '-c', command], cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return directory / 'sign'


class Sign:
    """The programs of one language that make a sign."""

    def __init__(self, kind, bus):
        self.kind = kind
        self.running = []
        self.bus = bus
        self.folder = bus.directory / 'sign'  # others can reach it there
        self.folder.mkdir()
        shutil.chown(self.folder, 'daemon')
        self.program = build_in(self.folder) if kind == 'c' else None

    def commands(self):
        """Each a command line; the first one shows and dims."""
        if self.kind == 'python':
            return [[SIGNS / 'python/sign.py']]
        if self.kind == 'c':
            return [[self.program]]
        return [[SIGNS / 'shell/sign.sh', self.folder], [SIGNS / 'shell/answer', 'blink', SIGNS / 'shell/blink.sh']]

    def activated(self):
        if self.kind == 'shell':
            return [SIGNS / 'shell/answer', '--activated', OWN_NAME, 'blink', SIGNS / 'shell/blink.sh']
        return [*self.commands()[0], '--activated']

    def start(self):
        self.running = [Running(self.bus, command) for command in self.commands()]

    @property
    def said(self):
        return self.running[0].said

    def wait_for(self, line, times=1):
        self.running[0].wait_for(line, times)

    def stop(self):
        for program in self.running:
            program.kill()
        self.running = []


@pytest.fixture(params=['python', 'c', 'shell'])
def sign(request, bus):
    sign = Sign(request.param, bus)
    yield sign
    sign.stop()


def blink(gateway, *payload):
    answer = gateway.explorer.json('device-method', 'gw-1', 'blink', *payload, check=False)
    return answer['status'], answer['payload']


def wait_for_report(gateway, **values):
    """At most one patch in 10 s goes up without need."""
    until(lambda: values.items() <= reported(gateway).get('sign', {}).items(), 30)


def readings(gateway):
    """(brightness, shown) as the hub has them."""
    bodies = [event['body'] for event in gateway.devhub.events()]
    return [(reading['brightness'], reading['shown']) for body in bodies for reading in body if reading['s'] == 'sign']


def test_a_sign(gateway, sign):
    sign.start()
    until(lambda: method(gateway, 'blink'))

    # its method
    assert blink(gateway, '{"times":3}') == (200, {'blinked': 3})
    assert blink(gateway) == (200, {'blinked': 1})
    status, answer = blink(gateway, '{"times":"often"}')
    assert status == 400 and 'expected' in answer['error']

    # its messages: each is ended, whatever it is
    with Cloud(gateway.devhub) as cloud:
        cloud.send('gw-1', b'Gate 7 \xc3\xa9', id='m1')
        cloud.send('gw-1', b'\xff\xfe', id='m2')
        cloud.send('gw-1', b'x' * 81, id='m3')
        cloud.send('gw-1', b'a\nb', id='m4')
        cloud.send('gw-1', b'Gate 8', id='m5')
    sign.wait_for('shows: Gate 8')
    assert [line for line in sign.said if line.startswith('shows')] == ['shows: Gate 7 \u00e9', 'shows: Gate 8']
    until(lambda: inbox_is_empty(gateway))

    # its section of the twin
    desire(gateway, {'sign': {'brightness': 80}})
    wait_for_report(gateway, brightness={'value': 80, 'ac': 200, 'av': 2, 'ad': 'done'})
    desire(gateway, {'sign': {'brightness': 800}})
    wait_for_report(gateway, brightness={'value': 80, 'ac': 400, 'av': 3, 'ad': 'expected 0 to 100'}, showing='Gate 8', __t='c')

    # its readings
    until(lambda: readings(gateway)[-1:] == [(80, 2)])


def test_a_sign_outlives_the_daemon(gateway, sign):
    """What comes while hublinkd is away is done when it is back; nothing is to be started anew."""
    sign.start()
    until(lambda: method(gateway, 'blink'))
    for n, end in enumerate((gateway.kill, gateway.stop), 1):
        end()
        gateway.bus.wait_for_name(present=False)
        gateway.explorer.run('send', 'gw-1', 'Gate %d' % n)
        desire(gateway, {'sign': {'brightness': n}})
        gateway.start()
        gateway.wait_for_link('connected')
        sign.wait_for('shows: Gate %d' % n)
        until(lambda: method(gateway, 'blink'))
        assert blink(gateway, '{"times":2}') == (200, {'blinked': 2})
        wait_for_report(gateway, brightness={'value': n, 'ac': 200, 'av': 1 + n, 'ad': 'done'})
    until(lambda: inbox_is_empty(gateway))
    until(lambda: readings(gateway)[-1:] == [(2, 2)])


def test_a_sign_comes_before_the_daemon_and_again(gateway, sign):
    """In any order; and what one that was killed had taken is taken by the next."""
    gateway.stop()
    gateway.explorer.run('send', 'gw-1', 'Gate 1')
    sign.start()
    gateway.start()
    sign.wait_for('shows: Gate 1')
    sign.stop()
    until(lambda: method(gateway, 'blink') is None)
    gateway.explorer.run('send', 'gw-1', 'Gate 2')
    sign.start()
    sign.wait_for('shows: Gate 2')
    until(lambda: method(gateway, 'blink'))
    assert blink(gateway)[0] == 200


def test_without_a_bus_a_sign_ends(bus, gateway, sign):
    """Its service manager starts it anew, with the bus; and nothing is left behind."""
    sign.start()
    until(lambda: method(gateway, 'blink'))
    gateway.stop()
    bus.stop()
    for program in sign.running:
        program.process.wait(20)
        until(lambda: not program.has_children())


def test_the_unit_and_the_user_of_a_sign(tmp_path):
    unit = (SIGNS / 'activation/sign.service').read_text().replace('/usr/local/bin/sign', str(SIGNS / 'python/sign.py'))
    (tmp_path / 'sign.service').write_text(unit.replace('User=sign', 'User=daemon'))
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', tmp_path / 'sign.service'],
                          capture_output=True, text=True, timeout=30)
    assert 'sign.service' not in done.stderr, done.stderr
    (tmp_path / 'etc').mkdir()
    for name in ('systemd/hublink.sysusers', 'conf/examples/responder/activation/sign.sysusers'):
        subprocess.run(['systemd-sysusers', '--root', tmp_path, SOURCE / name], check=True, timeout=30,
                       capture_output=True)
    groups = (tmp_path / 'etc/group').read_text().splitlines()
    assert [line for line in groups if re.fullmatch(r'hublink:x:\d+:sign', line)], groups


def install_activation(bus, sign):
    """The shipped files, for a user and a bus of this test."""
    def adapted(name, **values):
        text = (SIGNS / 'activation' / name).read_text()
        for pattern, value in values.items():
            text, n = re.subn(r'%s="?[^"\n]*"?' % pattern, lambda _: value, text)
            assert n > 0, (name, pattern)
        return text

    command = ' '.join(map(str, sign.activated()))
    (bus.directory / 'services' / (OWN_NAME + '.service')).write_text(adapted(
        OWN_NAME + '.service', User='User=root',
        Exec='Exec=/usr/bin/env DBUS_SYSTEM_BUS_ADDRESS=%s %s %s' % (bus.address, ' '.join(As.SUBMITTER), command)))
    (bus.directory / 'others' / (OWN_NAME + '.conf')).write_text(adapted(
        OWN_NAME + '.conf', **{'policy user': 'policy user="daemon"'}))


@pytest.fixture
def activation(tmp_path, bus, sign, gateway):
    install_activation(bus, sign)
    bus.connect().call_blocking('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ReloadConfig',
                                '', ())
    (gateway.directory / 'methods.d').mkdir()
    shutil.copy(SIGNS / 'activation/blink.conf', gateway.directory / 'methods.d')
    gateway.reload()
    return gateway


def owner_pid(bus, name):
    return int(bus.connect().call_blocking('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                           'GetConnectionUnixProcessID', 's', (name,)))


def test_a_sign_is_started_on_demand(activation, bus):
    assert method(activation, 'blink')[1:3] == ('activated', OWN_NAME)
    assert not activation.caller.name_has_owner(OWN_NAME)
    assert blink(activation, '{"times":4}') == (200, {'blinked': 4})
    first = owner_pid(bus, OWN_NAME)
    # the daemon may end, and the sign may
    activation.kill()
    activation.start()
    activation.wait_for_link('connected')
    assert blink(activation) == (200, {'blinked': 1}) and owner_pid(bus, OWN_NAME) == first
    os.kill(first, 9)
    bus.wait_for_name(OWN_NAME, present=False)
    assert blink(activation) == (200, {'blinked': 1}) and owner_pid(bus, OWN_NAME) != first


COMMANDS = sorted(path for path in (EXAMPLES / 'commands').glob('*.conf') if not path.stem.endswith('.service'))


@pytest.mark.parametrize('example', COMMANDS, ids=lambda e: e.stem)
def test_a_command_is_accepted(tmp_path, example):
    """With its drop-in, which systemd takes to the unit as shipped."""
    units = tmp_path / 'units'
    unit = 'hublink-command@%s.service' % example.stem
    (units / (unit + '.d')).mkdir(parents=True)
    shutil.copy(SOURCE / 'systemd/hublink-command@.service', units)
    dropin = example.with_name(example.stem + '.service.conf')
    shutil.copy(dropin, units / (unit + '.d'))
    program = re.search('^ExecStart=(\\S+)', dropin.read_text(), re.MULTILINE)[1]
    if not os.path.exists(program):
        (units / (unit + '.d') / 'zz.conf').write_text('[Service]\nExecStart=\nExecStart=%s\n' % example.with_suffix(''))
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', units / unit], capture_output=True, text=True,
                          env={**os.environ, 'SYSTEMD_UNIT_PATH': '%s:' % units})
    assert done.returncode == 0 and done.stderr == '', done
    with Daemon(tmp_path / 'gateway') as daemon:
        (daemon.directory / 'commands.d').mkdir()
        daemon.configure(example.read_text(), 'commands.d/' + example.name)
        done = daemon.run('--check')
        assert done.returncode == 0 and done.stdout.startswith('OK'), done


def test_a_command_with_an_answer_answers(tmp_path):
    files = {'HUBLINK_REQUEST': tmp_path / 'request', 'HUBLINK_RESPONSE': tmp_path / 'response'}
    for argument, status, answer in [('null', 0, '{"path": "/", "free": \\d+}'), ('{"path": "/usr"}', 0, '{"path": "/usr", .*}'),
                                     ('{"path": "/none"}', 1, '{"error": ".*"}'), ('{"path": [7]}', 1, '{"error": ".*"}')]:
        files['HUBLINK_REQUEST'].write_text(argument)
        done = subprocess.run([EXAMPLES / 'commands/disk_free'], env={k: str(v) for k, v in files.items()})
        assert done.returncode == status and re.fullmatch(answer, files['HUBLINK_RESPONSE'].read_text()), argument
