# SPDX-License-Identifier: Apache-2.0
"""hublinkctl setup, on a machine with an /etc of its own, with the real systemd-creds, hublinkd and devhub."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

import pytest

from bus import BUILD, SOURCE, As, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401
from dps import put_enrollment, put_group
from https import Service
from service_manager import Machine, allow

CTL = BUILD / 'src/ctl/hublinkctl'
SECRET = re.compile('SharedAccessKey=(.*)')


@pytest.fixture
def bus():
    bus = PrivateBus()
    allow(bus)
    with bus:
        yield bus


@pytest.fixture
def machine(tmp_path):
    with Machine(tmp_path) as machine:
        yield machine


@pytest.fixture
def gateway(machine, bus):
    with Daemon(machine.hublink, bus) as daemon, machine.manager(bus, daemon):
        yield daemon


def set_up(machine, bus, *words, **kwargs):
    return machine.run([CTL, '--bus', bus.address, 'setup', *words], **kwargs)


def toward(daemon, devhub):
    daemon.configure('hub: { ca_file = "%s"; address = "127.0.0.1:%d"; };' % (devhub.ca_file, devhub.port), 'conf.d/hub.conf')


def kept(machine):
    """All files of the machine that setup may have written, and what they hold."""
    return {str(path.relative_to(machine.etc)): path.read_text(errors='replace')
            for folder in (machine.hublink, machine.dropins, machine.etc / 'udev') for path in folder.rglob('*')
            if path.is_file() and path.name not in ('hublink.conf', 'hub.conf', 'daemon.log') and 'state' not in path.parts}


DPS = ['--dps-id-scope', '0ne00000000', '--dps-registration-id', 'gw-17', '--dps-key-file', '-']
CS = ['--connection-string-file', '-']
FLEET = (SOURCE / 'conf/examples/fleet.conf').read_text()
STARTED = ['Reload', 'EnableUnitFiles', 'Subscribe', 'RestartUnit']


class Terminal:
    """A person at the machine's terminal."""

    def __init__(self, machine, bus, *words):
        self.shown = ''
        self.end, theirs = pty.openpty()
        self.process = subprocess.Popen(machine.within([CTL, '--bus', bus.address, 'setup', *words]), stdin=theirs,
                                        stdout=theirs, stderr=theirs, start_new_session=True,
                                        preexec_fn=lambda: __import__('fcntl').ioctl(theirs, termios.TIOCSCTTY, 0))
        self.theirs = theirs

    def wait_for(self, words, seconds=20):
        deadline = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self.end], [], [], 0.1)[0]:
                self.shown += os.read(self.end, 4096).decode()

    def type(self, text):
        os.write(self.end, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)

    def leave(self):
        status = self.process.wait(40)
        while select.select([self.end], [], [], 0.1)[0]:
            self.shown += os.read(self.end, 4096).decode()
        os.close(self.end)
        os.close(self.theirs)
        return status


def test_typed_stored_and_connected(machine, bus, gateway, devhub):  # noqa: F811
    device = devhub.create('gw')
    key = SECRET.search(device.connection_string)[1]
    toward(gateway, devhub)
    person = Terminal(machine, bus)
    person.wait_for('Which?')
    person.type('1\n')
    person.wait_for('not shown')
    assert not person.echoes()
    person.type('rubbish\n')
    person.wait_for('That cannot be')
    person.wait_for('not shown): \r\nThat')
    time.sleep(0.2)
    person.type(device.connection_string + '\n')
    status = person.leave()
    assert status == 0, person.shown
    assert 'Connected to devhub' in person.shown
    assert key not in person.shown and 'rubbish' not in person.shown
    assert [call[0] for call in machine.calls] == STARTED
    files = kept(machine)
    assert set(files) == {'hublink/device.cs.cred', 'systemd/system/hublinkd.service.d/credential.conf'}
    assert not any(key in text for text in files.values()), 'it is encrypted'
    assert stat.S_IMODE((machine.hublink / 'device.cs.cred').stat().st_mode) == 0o600
    assert key not in gateway.log()

    # once more: it asks first, and a no changes nothing
    person = Terminal(machine, bus)
    person.wait_for('Replace it?')
    person.type('n\n')
    assert person.leave() == 1 and 'Nothing was changed.' in person.shown
    assert kept(machine) == files

    # and away with it
    result = set_up(machine, bus, '--forget')
    assert result.returncode == 1 and kept(machine) == files
    assert set_up(machine, bus, '--forget', '--yes').returncode == 0
    assert kept(machine) == {}
    gateway.wait_for_link('stopped', 'no-credential')
    again = set_up(machine, bus, '--forget', '--yes')
    assert again.returncode == 0 and 'no credential of an earlier' in again.stdout


def test_an_interrupt_right_after_the_question_is_not_lost(tmp_path):
    for _ in range(20):
        end, theirs = pty.openpty()
        with subprocess.Popen([CTL, 'setup', '--root', tmp_path], stdin=theirs, stdout=theirs, stderr=theirs,
                              start_new_session=True) as process:
            os.write(end, b'1\n')
            shown = b''
            while b'not shown' not in shown:
                shown += os.read(end, 4096)
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(20) != 0
            finally:
                process.kill()
        assert termios.tcgetattr(theirs)[3] & termios.ECHO
        os.close(end)
        os.close(theirs)
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_echoes_again_after_an_interrupt(machine, bus, gateway):
    person = Terminal(machine, bus)
    person.wait_for('Which?')
    assert person.echoes()
    person.type('\n')
    person.wait_for('not shown')
    assert not person.echoes()
    person.type('\x03')
    person.process.wait(10)
    assert person.echoes()
    assert person.leave() != 0 and kept(machine) == {} and machine.calls == []


def test_a_person_is_led_on(machine, bus, gateway):
    """What was typed at the wrong place or wrongly, and what it ends with; nothing of it is stored."""
    person = Terminal(machine, bus)
    for answer in ('4', 'c2VjcmV0c2VjcmV0c2VjcmV0', '12'):
        person.wait_for('Which? ')
        person.shown = ''
        person.type(answer + '\n')
        person.wait_for('1, 2 or 3 is expected.')
    assert person.leave() == 1 and 'Nothing was stored.' in person.shown

    person = Terminal(machine, bus)
    person.wait_for('Which? ')
    person.type('2\n')
    for question, answers in (('Id scope: ', ['', '0ne00000000']), ('Registration id: ', ['gw.', 'gw-17'])):
        for answer in answers:
            person.wait_for(question)
            person.shown = ''
            person.type(answer + '\n')
    for _ in range(3):
        person.wait_for('not shown')
        time.sleep(0.2)
        person.shown = ''
        person.type('no key\n')
    assert person.leave() == 1 and 'Nothing was stored.' in person.shown
    assert kept(machine) == {} and machine.calls == []


def test_pasted_at_the_first_question(machine, bus, gateway):
    person = Terminal(machine, bus, '--no-start')
    person.wait_for('Which? ')
    person.type('HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV\n')
    person.wait_for('was it copied whole?')
    person.wait_for('whole?\r\nHow does')
    person.type('connectionString: HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0\n')
    assert person.leave() == 0 and 'clear it' in person.shown, person.shown
    machine.hand_over()
    assert (machine.credentials / 'device.cs').read_text() == 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'


def test_the_file_with_the_secret(machine, bus, gateway, devhub):  # noqa: F811
    """Its owner is told that he may remove it once what it holds has connected, and not before."""
    toward(gateway, devhub)
    file = machine.etc / 'gw.cs'
    file.write_text(devhub.create('gw').connection_string)
    for mode, warned in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        for more in ([], ['--no-start']):
            result = set_up(machine, bus, '--connection-string-file', '/etc/gw.cs', *more)
            assert result.returncode == 0 and ('/etc/gw.cs is not needed any more' in result.stdout) == (not more), result
        assert ('can be read by others' in result.stderr) == warned
    result = set_up(machine, bus, '--connection-string-file', '/etc/none')
    assert result.returncode == 1 and '/etc/none, the file with the connection string, cannot be read' in result.stderr, result


def test_for_fleets(machine, bus, gateway, devhub):  # noqa: F811
    """From standard input; again and again; a key that the hub refuses, and a hub that is away."""
    text = devhub.create('gw').connection_string
    toward(gateway, devhub)
    for _ in range(2):
        del machine.calls[:]
        result = set_up(machine, bus, '--connection-string-file', '-', stdin=text + '\n')
        assert result.returncode == 0 and 'Connected to' in result.stdout and result.stderr == '', result
        assert [call[0] for call in machine.calls] == STARTED
        assert set(kept(machine)) == {'hublink/device.cs.cred', 'systemd/system/hublinkd.service.d/credential.conf'}
    wrong = SECRET.sub('SharedAccessKey=d3Jvbmcta2V5', text)
    file = machine.etc / 'wrong'
    file.write_text(wrong)
    result = set_up(machine, bus, '--connection-string-file', '/etc/wrong', '--yes')
    assert result.returncode == 1 and 'credential' in result.stdout.splitlines()[2], result.stdout
    assert 'd3Jvbmcta2V5' not in result.stdout + result.stderr + gateway.log()
    devhub.stop()
    result = set_up(machine, bus, '--connection-string-file', '-', '--timeout', '1s', '--json', stdin=text)
    assert result.returncode == 4 and '"link_state"' in result.stdout, result
    assert len(result.stdout.splitlines()) == 1


def test_what_is_refused_goes_and_the_earlier_one_comes_back(machine, bus, gateway, devhub):  # noqa: F811
    text = devhub.create('gw').connection_string
    wrong = SECRET.sub('SharedAccessKey=d3Jvbmcta2V5', text)
    toward(gateway, devhub)
    first = set_up(machine, bus, *CS, stdin=wrong)
    assert first.returncode == 1 and 'stays stored' in first.stdout and set(kept(machine)), 'there is nothing to go back to'
    assert set_up(machine, bus, *CS, stdin=text).returncode == 0
    before = kept(machine)
    endpoint = devhub.endpoints()['id_scope']
    for words, given in [(CS, wrong), (['--dps-id-scope', endpoint, '--dps-registration-id', 'x', '--dps-key-file', '-'], 'd3Jvbmcta2V5')]:
        address = 'hub: { dps: { host = "%s"; address = "127.0.0.1:%d"; }; };' % (devhub.host, devhub.port)
        (machine.hublink / 'conf.d/dps.conf').write_text(address if words != CS else '')
        result = set_up(machine, bus, *words, '--timeout', '20s', stdin=given)
        (machine.hublink / 'conf.d/dps.conf').unlink()
        assert result.returncode == 1 and 'in its place again' in result.stderr and 'stays stored' not in result.stdout, result
        assert kept(machine) == before and 'd3Jv' not in result.stdout + result.stderr
        gateway.wait_for_link('connected')
    machine.result = 'failed'
    assert set_up(machine, bus, *CS, stdin=wrong).returncode == 1 and kept(machine) == before


NOWHERE = 'hub: { dps: { host = "dps.example"; address = "127.0.0.1:1"; }; };'  # nobody listens there


def connect(machine, bus, gateway, devhub, text=None):  # noqa: F811
    """By its connection string; the way to the provisioning service leads nowhere. What setup stored."""
    toward(gateway, devhub)
    gateway.configure(NOWHERE, 'conf.d/dps.conf')
    result = set_up(machine, bus, *CS, stdin=text or devhub.create('gw').connection_string)
    assert result.returncode == 0, result
    assert 'hublink/earlier' not in ' '.join(kept(machine))
    return kept(machine)


def test_what_does_not_connect_makes_way_for_what_did(machine, bus, gateway, devhub):  # noqa: F811
    """A typing error in the name of a hub does not cost the link of a gateway far away."""
    before = connect(machine, bus, gateway, devhub)
    result = set_up(machine, bus, *DPS, '--timeout', '1s', stdin='d3Jvbmcta2V5')
    assert result.returncode == 4 and 'in its place again' in result.stderr and 'stays stored' not in result.stdout, result
    assert kept(machine) == before
    gateway.wait_for_link('connected')


class Try:
    """A setup that waits for the hub."""

    def __init__(self, machine, bus, *words, given='d3Jvbmcta2V5', **kwargs):
        self.process = subprocess.Popen(machine.within([CTL, '--bus', bus.address, 'setup', '--timeout', '40s', *words]),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)
        self.process.stdin.write(given)
        self.process.stdin.close()
        while 'What the hub says' not in self.process.stdout.readline():
            assert self.process.poll() is None

    def leave(self):
        status = self.process.wait(20)
        self.said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_an_interrupt_while_it_is_tried(machine, bus, gateway, devhub, number):  # noqa: F811
    before = connect(machine, bus, gateway, devhub)
    # what a shell starts in the background ignores two of them
    attempt = Try(machine, bus, *DPS, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    assert kept(machine) != before
    attempt.process.send_signal(number)
    assert attempt.leave() == -number and 'in its place again' in attempt.said, attempt.said
    assert kept(machine) == before
    gateway.wait_for_link('connected')


def runs(process):
    try:
        return open('/proc/%s/cmdline' % process, 'rb').read() != b''
    except OSError:
        return False


def test_an_interrupt_while_it_is_encrypted(machine, bus, gateway, devhub):  # noqa: F811
    """By a TPM that does not answer."""
    before = connect(machine, bus, gateway, devhub)
    tools = machine.etc / 'tools'
    tools.mkdir()
    (tools / 'systemd-creds').write_text('#!/bin/sh\ncat >/dev/null\necho $$ >/etc/tools/begun\nexec sleep 600\n')
    (tools / 'systemd-creds').chmod(0o755)
    process = subprocess.Popen(machine.within([CTL, '--bus', bus.address, 'setup', *CS]), stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, 'PATH': '/etc/tools:' + os.environ['PATH']})
    process.stdin.write('HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0')
    process.stdin.close()
    deadline, begun = time.monotonic() + 20, tools / 'begun'
    while not begun.exists() or not begun.read_text():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(20) == -signal.SIGTERM and 'It is interrupted' in process.stderr.read()
    finally:
        process.kill()
        process.stderr.close()
    assert kept(machine) == before
    while runs(begun.read_text().strip()):
        assert time.monotonic() < deadline + 20, 'it is left behind'
        time.sleep(0.05)


def test_whoever_reads_leaves_while_it_is_tried(machine, bus, gateway, devhub):  # noqa: F811
    """A connection without a terminal that breaks sends no signal, and what connected is not taken back for it."""
    text = devhub.create('gw').connection_string
    connect(machine, bus, gateway, devhub, text)
    attempt = Try(machine, bus, *CS, given=text)
    attempt.process.stdout.close()
    assert attempt.process.wait(20) in (0, 1)
    gateway.wait_for_link('connected')
    before = kept(machine)
    attempt = Try(machine, bus, *DPS, '--timeout', '1s')
    attempt.process.stdout.close()
    assert attempt.process.wait(20) in (1, 4) and kept(machine) == before
    gateway.wait_for_link('connected')


def test_no_interrupt_for_who_does_not_hear_it(machine, bus, gateway, devhub):  # noqa: F811
    """nohup hublinkctl setup."""
    connect(machine, bus, gateway, devhub)
    attempt = Try(machine, bus, *DPS, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    attempt.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        attempt.process.wait(1)
    attempt.process.send_signal(signal.SIGTERM)
    assert attempt.leave() == -signal.SIGTERM


def test_killed_while_it_is_tried(machine, bus, gateway, devhub):  # noqa: F811
    """What connected last is kept until something connects again, however often something else is tried."""
    before = connect(machine, bus, gateway, devhub)
    attempt = Try(machine, bus, *DPS)
    attempt.process.kill()
    attempt.leave()
    aside = {path for path in kept(machine) if 'earlier/' in path}
    assert aside == {'hublink/earlier/device.cs.cred', 'hublink/earlier/credential.conf'}
    assert {stat.S_IMODE((machine.etc / path).stat().st_mode) for path in aside} == {0o600}
    again = set_up(machine, bus, *DPS, '--timeout', '1s', stdin='d3Jvbmcta2V6')
    assert again.returncode == 4 and 'stays stored' in again.stdout and 'setup --back' in again.stdout, again
    told = json.loads(machine.run([CTL, '--bus', bus.address, '--json', 'doctor', '--offline']).stdout)['findings']
    assert ['setup --back' in f['do'] for f in told if f['id'] == 'link'] == [True], told
    back = set_up(machine, bus, '--back')
    assert back.returncode == 0 and 'Connected to' in back.stdout, back
    assert kept(machine) == before
    back = set_up(machine, bus, '--back')
    assert back.returncode == 1 and 'no earlier credential' in back.stderr and kept(machine) == before, back


# --- one at a time ---

LOCK = 'hublink/.setup.lock'


def test_who_comes_second_is_told_who_is_first(machine, bus, gateway, devhub):  # noqa: F811
    """Each would put back what the other one stored."""
    before = connect(machine, bus, gateway, devhub)
    attempt = Try(machine, bus, *DPS)
    during = kept(machine)
    del machine.calls[:]
    for words in (CS, ['--back'], ['--forget', '--yes'], ['--enable', 'serial'], ['--disable', 'serial']):
        second = set_up(machine, bus, *words, stdin='HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0')
        assert second.returncode == 1 and second.stdout == '', second
        assert second.stderr == 'Another hublinkctl setup is under way (process %d). Nothing was changed.\n' % attempt.process.pid
    assert kept(machine) == during and machine.calls == []
    attempt.process.send_signal(signal.SIGTERM)
    assert attempt.leave() == -signal.SIGTERM
    assert kept(machine) == before and LOCK not in before


def test_who_is_killed_keeps_nobody_out(machine, bus, gateway, devhub):  # noqa: F811
    before = connect(machine, bus, gateway, devhub)
    attempt = Try(machine, bus, *DPS)
    attempt.process.kill()
    attempt.leave()
    assert LOCK in kept(machine)
    assert set_up(machine, bus, '--back').returncode == 0
    assert kept(machine) == before


def test_who_is_asked_keeps_nobody_out(machine, bus, gateway):
    person = Terminal(machine, bus)
    person.wait_for('Which?')
    assert set_up(machine, bus, '--enable', 'users').returncode == 0
    person.type('\x03')
    assert person.leave() == -signal.SIGINT and not (machine.etc / LOCK).exists()


def test_a_tree_has_a_lock_of_its_own(tmp_path):
    (tmp_path / 'a/etc/hublink').mkdir(parents=True)
    (tmp_path / 'b').mkdir()
    with (tmp_path / 'a/etc' / LOCK).open('w') as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        done = set_up_image(tmp_path / 'a', '--enable', 'users')
        assert done.returncode == 1 and '(process %d)' % os.getpid() in done.stderr, done
        assert set_up_image(tmp_path / 'b', '--enable', 'users').returncode == 0
    assert set_up_image(tmp_path / 'a', '--enable', 'users').returncode == 0
    assert not list(tmp_path.rglob('.setup.lock'))
    assert not (tmp_path / 'b/etc/hublink').exists(), 'what was made for the lock alone goes with it'


def test_many_at_one_time(tmp_path):
    def begin(i):
        process = subprocess.Popen([CTL, 'setup', '--root', tmp_path, *CS], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        process.stdin.write('HostName=h.example;DeviceId=d%d;SharedAccessKey=c2VjcmV0' % i)
        return process
    for _ in range(5):
        all_of_them = [begin(i) for i in range(16)]
        said = [process.communicate(timeout=20)[1] for process in all_of_them]
        done = [process.returncode for process in all_of_them]
        assert 0 in done and set(done) <= {0, 1}, said
        assert all('is under way' in text for text, status in zip(said, done) if status), said
        stored = (tmp_path / 'etc/hublink/device.cs').read_text()
        assert done[int(re.search('DeviceId=d([0-9]+)', stored)[1])] == 0
        assert {path.name for path in (tmp_path / 'etc/hublink').iterdir()} == {'device.cs'}


def test_what_was_not_tried_keeps_the_earlier_one(machine, bus, gateway, devhub):  # noqa: F811
    before = connect(machine, bus, gateway, devhub)
    assert set_up(machine, bus, *DPS, '--no-start', stdin='d3Jvbmcta2V5').returncode == 0
    assert set_up(machine, bus, '--back', '--no-start').returncode == 0
    assert {path: text for path, text in kept(machine).items() if 'earlier' not in path} == before
    # and with the credential goes what was kept of one
    assert set_up(machine, bus, *DPS, '--no-start', stdin='d3Jvbmcta2V5').returncode == 0
    assert set_up(machine, bus, '--forget', '--yes').returncode == 0
    assert set(kept(machine)) == {'hublink/conf.d/dps.conf'} and not (machine.hublink / 'earlier').exists()


def test_what_cannot_be_removed(machine, bus, gateway):
    """A credential that stays is one that is handed over; what was begun is told, and ends when it is done again."""
    assert set_up(machine, bus, *DPS, '--no-start', stdin='c2VjcmV0').returncode == 0
    before = kept(machine)
    for folder in (machine.hublink, machine.dropins):
        name = '/etc/' + str(folder.relative_to(machine.etc))
        assert machine.run(['sh', '-ec', 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"', name]).returncode == 0
        result = set_up(machine, bus, '--forget', '--yes')
        assert result.returncode == 1 and 'Read-only file system' in result.stderr and result.stdout == '', result
        assert machine.run(['umount', name]).returncode == 0
        if folder == machine.hublink:
            assert 'Nothing was removed.' in result.stderr and kept(machine) == before, result
    unit = 'systemd/system/hublinkd.service.d/credential.conf'
    assert 'Not all of it is removed' in result.stderr and set(kept(machine)) == {unit}, result
    assert machine.calls == []
    assert set_up(machine, bus, '--forget', '--yes').returncode == 0 and kept(machine) == {}


def test_the_only_one_there_is_is_not_to_be_removed(machine, bus, gateway, devhub, tmp_path):  # noqa: F811
    """The file that was given is the one that is stored, by whatever name."""
    toward(gateway, devhub)
    text = devhub.create('gw').connection_string
    tools = machine.etc / 'tools'
    tools.mkdir()
    (tools / 'systemd-creds').write_text('#!/bin/sh\nexit 1\n')
    (tools / 'systemd-creds').chmod(0o755)
    stored = machine.hublink / 'device.cs'
    stored.write_text(text)
    stored.chmod(0o600)
    (machine.etc / 'gw.cs').symlink_to('hublink/device.cs')
    for name in ('/etc/hublink/device.cs', '/etc/hublink/../gw.cs'):
        result = set_up(machine, bus, '--connection-string-file', name,
                        env={**os.environ, 'PATH': '/etc/tools:' + os.environ['PATH']})
        assert result.returncode == 0 and 'Connected to' in result.stdout and 'not needed' not in result.stdout, result
        assert stored.read_text() == text
    image = tmp_path / 'image'
    (image / 'etc/hublink').mkdir(parents=True)
    (image / 'etc/hublink/device.cs').write_text(text)
    result = set_up_image(image, '--connection-string-file', image / 'etc/hublink/device.cs')
    assert result.returncode == 0 and 'not needed' not in result.stdout, result


def test_where_nothing_can_be_encrypted(machine, bus, gateway, devhub):  # noqa: F811
    """The file is root's alone; whoever was asked to encrypt saw the secret neither in words nor in the environment."""
    tools = machine.etc / 'tools'
    tools.mkdir()
    (tools / 'systemd-creds').write_text('#!/bin/sh\n(echo "$@"; env) >/etc/seen\ncat >/etc/given\nexit 1\n')
    (tools / 'systemd-creds').chmod(0o755)
    device = devhub.create('gw')
    toward(gateway, devhub)
    result = set_up(machine, bus, '--connection-string-file', '-', stdin=device.connection_string,
                   env={**os.environ, 'PATH': '/etc/tools:' + os.environ['PATH']})
    assert result.returncode == 0 and 'only root can read' in result.stdout, result
    assert (machine.etc / 'given').read_text() == device.connection_string
    key = SECRET.search(device.connection_string)[1]
    assert 'encrypt --name=device.cs' in (machine.etc / 'seen').read_text()
    assert key not in (machine.etc / 'seen').read_text() + result.stdout
    assert stat.S_IMODE((machine.hublink / 'device.cs').stat().st_mode) == 0o600
    # once it can, nothing plain is left
    assert set_up(machine, bus, '--connection-string-file', '-', stdin=device.connection_string).returncode == 0
    assert not (machine.hublink / 'device.cs').exists()


def examine(machine, bus):
    """What the doctor finds of the credential, on the machine itself, by verdict."""
    said = json.loads(machine.run([CTL, '--bus', bus.address, '--json', 'doctor', '--offline']).stdout)
    return {(f['verdict'], f['id']) for f in said['findings'] if f['id'].startswith('credential')}


def test_a_credential_that_cannot_be_opened_any_more(machine, bus, gateway, devhub):  # noqa: F811
    """hublinkd runs and collects, and whoever is asked says what is wrong: another board, and a file that is gone."""
    text = devhub.create('gw').connection_string
    toward(gateway, devhub)
    machine.dropins.mkdir(parents=True)
    (machine.dropins.parent / 'hublinkd.service').write_text((BUILD / 'systemd/hublinkd.service').read_text())
    sealed, key = machine.hublink / 'device.cs.cred', machine.keys / 'credential.secret'
    for damage, finding in [(key.unlink, 'credential-sealed'), (sealed.unlink, 'credential-missing')]:
        assert set_up(machine, bus, '--connection-string-file', '-', stdin=text).returncode == 0
        assert examine(machine, bus) == {('well', 'credential')}
        damage()
        machine.run(['systemd-creds', 'setup'])
        machine.start_unit(gateway, restart=True)
        detail = gateway.wait_for_link('stopped', 'no-credential')['LinkDetail']
        assert 'could not be opened' in detail and 'hublinkctl setup stores it anew' in detail
        shown = machine.run([CTL, '--bus', bus.address, 'status']).stdout.splitlines()[0]
        assert 'hublinkctl setup' in shown and 'could not be opened' in shown
        gateway.submit({'n': 1})
        assert examine(machine, bus) == {('problem', finding)}
    assert set_up(machine, bus, '--connection-string-file', '-', stdin=text).returncode == 0


def test_the_provisioning_service(machine, bus, gateway):
    for option, name in (('--dps-key-file', 'dps.key'), ('--dps-group-key-file', 'group.key')):
        result = set_up(machine, bus, '--dps-id-scope', '0ne00000000', '--dps-registration-id', 'gw-17', option, '-',
                       '--no-start', stdin='c2VjcmV0\n')
        assert result.returncode == 0 and 'systemctl restart hublinkd' in result.stdout, 'it runs since it was installed'
        assert {path for path in kept(machine) if 'earlier' not in path} == {
            'hublink/%s.cred' % name, 'hublink/conf.d/setup.conf', 'systemd/system/hublinkd.service.d/credential.conf'}
        machine.hand_over()
        assert (machine.credentials / name).read_text() == 'c2VjcmV0'
        checked = gateway.run('--check')
        assert checked.returncode == 0, checked
    assert machine.calls == []
    # a connection string takes the place of all that
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    assert set_up(machine, bus, '--connection-string-file', '-', '--no-start', stdin=text).returncode == 0
    assert {path for path in kept(machine) if 'earlier' not in path} == {'hublink/device.cs.cred', 'systemd/system/hublinkd.service.d/credential.conf'}


def test_a_fleet_before_it_has_names(machine, bus, gateway):
    """The image's first boot without name.conf: it collects, and says what it waits for; the name comes with a reload."""
    gateway.configure(FLEET, 'conf.d/fleet.conf')
    checked = gateway.run('--check')
    assert checked.returncode == 0 and 'conf.d/fleet.conf:' in checked.stderr and 'registration_id is missing' in checked.stderr
    gateway.start()
    detail = gateway.wait_for_link('stopped', 'no-credential')['LinkDetail']
    assert 'registration_id is missing' in detail and 'hublinkctl setup' in detail
    gateway.submit({'n': 1})
    gateway.configure('hub: { dps: { registration_id = "gw-17"; }; };', 'conf.d/name.conf')
    gateway.reload()
    assert gateway.is_running() and 'group.key' in gateway.wait_for_link('stopped', 'no-credential')['LinkDetail']


@pytest.mark.parametrize('group', [False, True])
def test_the_provisioning_service_names_the_hub(machine, bus, gateway, devhub, group):  # noqa: F811
    """From the key of the enrollment to a reading at the hub that the service named."""
    service, key = Service(devhub, 'provisioningserviceowner'), 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='
    keys = {'type': 'symmetricKey', 'symmetricKey': {'primaryKey': key, 'secondaryKey': key}}
    (put_group if group else put_enrollment)(service, 'barn' if group else 'gw-17', keys)
    address = '127.0.0.1:%d' % devhub.port
    gateway.configure('hub: { ca_file = "%s"; address = "%s"; dps: { host = "%s"; address = "%s"; }; };\n'
                      'streams: { telemetry: { max_latency = "0s"; }; };\n'
                      % (devhub.ca_file, address, devhub.host, address), 'conf.d/hub.conf')
    words = ['--dps-id-scope', devhub.endpoints()['id_scope'], '--dps-registration-id', 'gw-17',
             '--dps-group-key-file' if group else '--dps-key-file', '-']
    wrong = set_up(machine, bus, *words, stdin='d3Jvbmcta2V5\n')
    assert wrong.returncode in (1, 4) and 'Connected to' not in wrong.stdout, wrong
    result = set_up(machine, bus, *words, stdin=key + '\n')
    assert result.returncode == 0 and 'Connected to devhub.localdomain as gw-17' in result.stdout, result
    gateway.submit({'n': 1})
    event, = devhub.events('gw-17', count=1)
    assert event['body'][0]['n'] == 1
    for secret in (key, 'd3Jvbmcta2V5'):
        assert secret not in result.stdout + result.stderr + wrong.stdout + wrong.stderr + gateway.log()
        assert not any(secret in text for text in kept(machine).values())


def test_what_somebody_made_by_hand_stays(machine, bus, gateway):
    machine.dropins.mkdir(parents=True)
    (machine.hublink / 'device.cs').write_text('by hand')
    (machine.dropins / 'override.conf').write_text('[Service]\nLoadCredential=device.cs:/etc/hublink/device.cs\n')
    before = kept(machine)
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    result = set_up(machine, bus, '--connection-string-file', '-', stdin=text)
    assert result.returncode == 1 and 'override.conf' in result.stderr
    assert kept(machine) == before and machine.calls == []
    (machine.dropins / 'override.conf').unlink()
    assert set_up(machine, bus, '--connection-string-file', '-', '--no-start', stdin=text).returncode == 0
    assert kept(machine)['hublink/device.cs'] == 'by hand'


def test_a_unit_that_does_not_start(machine, bus, gateway):
    machine.result = 'failed'
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    result = set_up(machine, bus, '--connection-string-file', '-', stdin=text)
    assert result.returncode == 1 and 'journalctl -u hublinkd' in result.stderr, result


def test_without_systemd(machine, bus):
    Daemon(machine.hublink)
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    result = set_up(machine, bus, '--connection-string-file', '-', stdin=text)
    assert result.returncode == 3 and 'systemd cannot be reached' in result.stderr, result


@pytest.mark.parametrize('words, name, settings, against', [
    (DPS, 'mine.conf', 'hub: {\n connection_string_file = "/etc/hublink/mine.cs"; };', ':2: hub.connection_string_file'),
    (CS, 'mine.conf', '\nhub: { connection_string_file = "/etc/hublink/mine.cs"; };', ':2: hub.connection_string_file'),
    (CS, 'd.conf', 'hub: { dps: { id_scope = "0ne00000000"; registration_id = "d"; key_file = "dps.key"; }; };',
     ':1: hub.dps.id_scope'),
    (DPS, 'fleet.conf', FLEET, ':%d: hub.dps.group_key_file' % (FLEET.split('group_key_file = ')[0].count('\n') + 1)),
    (CS, 'fleet.conf', FLEET, ':%d: hub.dps.id_scope' % (FLEET.split('id_scope = ')[0].count('\n') + 1)),
    (DPS, 'site.conf', 'hub: { dps: { registration_id = "site"; }; };', ':1: hub.dps.registration_id'),
    (DPS, 'site.conf', 'hub: { dps: { id_scope = "0ne00000001"; }; };', ':1: hub.dps.id_scope'),
    (CS, 'bad.conf', '\n\nhub: { window = 0; };', ':3: hub.window'),
    (['--enable', 'serial'], 'bad.conf', '\n\nhub: { window = 0; };', ':3: hub.window'),
], ids=['file-dps', 'file', 'dps', 'fleet-key', 'fleet', 'registration', 'scope', 'bad', 'bad-enable'])
def test_settings_that_stand_against_it(machine, bus, gateway, words, name, settings, against):
    """The gateway that runs is left alone, and so are its files."""
    gateway.configure(settings, 'conf.d/' + name)
    before = kept(machine)
    text = 'c2VjcmV0' if '--dps-key-file' in words else 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    for more in ([], ['--no-start']):
        result = set_up(machine, bus, *words, *more, stdin=text)
        assert result.returncode == 1 and '/etc/hublink/conf.d/%s%s' % (name, against) in result.stderr, result
        assert re.search(r'Nothing was (stored|changed)\.\n$', result.stderr) and 'c2Vj' not in result.stderr and result.stdout == ''
    assert kept(machine) == before and machine.calls == []


@pytest.mark.parametrize('text', ['', 'rubbish-c2VjcmV0', 'HostName=h;SharedAccessKeyName=o;SharedAccessKey=c2VjcmV0',
                                  'HostName=h;DeviceId=d', 'c2VjcmV0' * 600])
def test_what_is_no_connection_string(machine, bus, gateway, text):
    result = set_up(machine, bus, '--connection-string-file', '-', stdin=text)
    assert result.returncode == 1 and 'standard input' in result.stderr, result
    assert 'c2VjcmV0' not in result.stderr and kept(machine) == {} and machine.calls == []


def test_a_secret_in_the_place_of_a_file_is_not_repeated(machine, bus):
    for option in ('--connection-string-file', '--dps-key-file'):
        result = set_up(machine, bus, '--dps-id-scope=s', '--dps-registration-id=r', option, 'c2VjcmV0'
                        ) if 'dps' in option else set_up(machine, bus, option, 'HostName=h;SharedAccessKey=c2VjcmV0')
        assert result.returncode == 1 and 'cannot be read' in result.stderr and 'c2VjcmV0' not in result.stderr, result


@pytest.mark.parametrize('words', [
    ['HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0'], ['--connection-string', 'HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0'], [],
    ['--dps-id-scope', 's'], ['--dps-key-file', '-'], ['--dps-id-scope', 's', '--dps-key-file', '-'],
    ['--connection-string-file', '-', '--dps-key-file', '-'], ['--enable', 'usb'], ['--disable', 'usb'],
    ['--enable', 'i2c', '--forget'], ['--connection-string-file', '-', '--forget'], ['--forget', '--back'],
    ['--connection-string-file', '-', '--dps-id-scope', 's', '--dps-registration-id', 'r'], ['--timeout', 'soon']])
def test_usage(machine, bus, words):
    result = set_up(machine, bus, *words)
    assert result.returncode == 2 and result.stdout == '', result
    assert 'c2VjcmV0' not in result.stderr


def test_an_ordinary_user(machine, bus):
    result = machine.run([*As.NOBODY, CTL, '--bus', bus.address, 'setup', '--enable', 'i2c'])
    assert result.returncode == 1 and 'sudo' in result.stderr, result


@pytest.mark.parametrize('name, group', [('i2c', 'i2c'), ('serial', 'dialout'), ('users', None)])
def test_what_the_unit_opens(machine, bus, gateway, name, group):
    groups = machine.etc / 'group'
    for file in (groups, machine.etc / 'gshadow') if group else ():
        file.write_text(''.join(line + '\n' for line in file.read_text().splitlines() if not line.startswith(group + ':')))
    result = set_up(machine, bus, '--enable', name)
    assert result.returncode == 0, result
    assert (machine.dropins / (name + '.conf')).read_text() == (SOURCE / 'systemd/dropins' / (name + '.conf')).read_text()
    assert [call[0] for call in machine.calls] == ['Reload', 'Subscribe', 'TryRestartUnit']
    assert not gateway.is_running(), 'it did not run'
    if group:
        assert re.search('^%s:' % group, groups.read_text(), re.M)
    rule = machine.etc / 'udev/rules.d/60-hublink-i2c.rules'
    assert rule.exists() == (name == 'i2c')
    again = kept(machine)
    assert set_up(machine, bus, '--enable', name).returncode == 0 and kept(machine) == again
    del machine.calls[:]
    assert set_up(machine, bus, '--disable', name).returncode == 0
    assert kept(machine) == {} and [call[0] for call in machine.calls] == ['Reload', 'Subscribe', 'TryRestartUnit']
    assert 'was not enabled' in set_up(machine, bus, '--disable', name).stdout


def test_an_image(tmp_path):
    """Files only, of another machine: nobody is asked."""
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    for words in (['--connection-string-file', '-'], ['--enable', 'serial']):
        result = subprocess.run([CTL, '--bus', 'unix:path=/nonexistent', 'setup', '--root', tmp_path, *words], input=text,
                                capture_output=True, text=True, timeout=20, check=False)
        assert result.returncode == 0, result
    assert (tmp_path / 'etc/hublink/device.cs').read_text() == text
    assert stat.S_IMODE((tmp_path / 'etc/hublink/device.cs').stat().st_mode) == 0o600
    assert 'LoadCredential=device.cs:/etc/hublink/device.cs\nSetCredential=device.cs:unopened\n' in (
        tmp_path / 'etc/systemd/system/hublinkd.service.d/credential.conf').read_text()
    assert 'dialout:' in (tmp_path / 'etc/group').read_text()


ETC, RUN, USR = ('%s/systemd/system/' % folder for folder in ('etc', 'run', 'usr/lib'))
DROPINS = 'hublinkd.service.d/'


def set_up_image(root, *words, stdin=''):
    return subprocess.run([CTL, '--bus', 'unix:path=/nonexistent', 'setup', '--root', root, *words], input=stdin,
                          capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize('file, line, refused', [
    (ETC + DROPINS + 'override.conf', 'LoadCredential = device.cs:/etc/x', True),
    (ETC + DROPINS + 'a.conf', '  SetCredential=device.cs:text', True),
    (ETC + DROPINS + 'a.conf', 'LoadCredentialEncrypted=\\\n  device.cs:/etc/x', True),
    (ETC + 'hublinkd.service', 'LoadCredential=device.cs:/etc/x', True),
    (RUN + DROPINS + 'a.conf', 'LoadCredential=device.cs:/etc/x', True),
    (USR + DROPINS + 'a.conf', 'LoadCredential=device.cs:/etc/x', True),
    (ETC + 'service.d/a.conf', 'LoadCredential=device.cs:/etc/x', True),
    (ETC + DROPINS + 'z.conf', 'LoadCredential=', True),
    (ETC + DROPINS + 'a.conf', 'LoadCredential=', False),
    (ETC + DROPINS + 'a.conf', '#LoadCredential=device.cs:/etc/x', False),
    (ETC + DROPINS + 'a.conf', 'LoadCredential=other:/etc/x', False),
    (ETC + DROPINS + 'a.conf', 'LoadCredential=device.cs:/etc/x\nLoadCredential=', False),
    (ETC + DROPINS + 'a.txt', 'LoadCredential=device.cs:/etc/x', False),
], ids=range(13))
def test_who_else_hands_one_over(tmp_path, file, line, refused):
    """As systemd reads it, wherever it stands."""
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text('[Service]\n%s\n' % line)
    result = set_up_image(tmp_path, *CS, stdin='HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0')
    assert result.returncode == refused, result
    assert (tmp_path / 'etc/hublink').exists() != refused
    if refused:
        assert '/%s:2: ' % file in result.stderr and 'Nothing was stored' in result.stderr, result


def test_links_of_an_image_lead_into_it(tmp_path):
    """/etc/hublink of an image is often on its data partition: never on that of the machine that makes it."""
    root, outside = tmp_path / 'image', tmp_path / 'data'
    (root / 'etc').mkdir(parents=True)
    (root / str(outside / 'hublink')[1:]).mkdir(parents=True)
    (outside / 'hublink').mkdir(parents=True)
    (root / 'etc/hublink').symlink_to(outside / 'hublink')
    (root / 'etc/systemd').symlink_to('../../../../../' + str(outside)[1:])
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    assert set_up_image(root, *CS, stdin=text).returncode == 0
    assert [path for path in outside.rglob('*') if path.is_file()] == []
    within = root / str(outside)[1:]
    assert (within / 'hublink/device.cs').read_text() == text
    assert (within / 'system/hublinkd.service.d/credential.conf').exists()
    assert set_up_image(root, '--forget', '--yes').returncode == 0
    assert [path for path in within.rglob('*') if path.is_file()] == []


def test_folders_are_for_all_to_pass(tmp_path):
    """hublinkd reads in them as its own user."""
    result = subprocess.run(['sh', '-c', 'umask 077; exec "$@"', 'sh', CTL, 'setup', '--root', tmp_path, *DPS], input='c2VjcmV0',
                            capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 0, result
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob('*') if path.is_dir()} == {0o755}
    assert stat.S_IMODE((tmp_path / 'etc/hublink/conf.d/setup.conf').stat().st_mode) == 0o644


@pytest.mark.parametrize('words', [['--forget', '--yes'], ['--back'], ['--enable', 'i2c'], ['--disable', 'i2c'], CS])
def test_a_tree_that_is_not_there_is_not_this_machine(machine, bus, gateway, words):
    """IMAGE=; hublinkctl setup --root "$IMAGE", or "$IMAGE/"."""
    text = 'HostName=h.example;DeviceId=d;SharedAccessKey=c2VjcmV0'
    assert set_up(machine, bus, *CS, '--no-start', stdin=text).returncode == 0
    (machine.etc / 'top').symlink_to('/')
    before = kept(machine)
    for root in ('', '/', '//', '/etc/..', '/etc/top', '/proc/self/root', '/etc/none', '/etc/passwd'):
        result = set_up(machine, bus, '--root', root, *words, stdin=text)
        assert result.returncode == 2 and 'setup: --root' in result.stderr and result.stdout == '', result
        assert kept(machine) == before and machine.calls == [] and not (machine.etc / 'none').exists()


def test_an_ordinary_user_makes_no_image():
    result = subprocess.run([*As.NOBODY, CTL, 'setup', '--root', '/tmp', *CS], input='', capture_output=True, text=True,
                            timeout=20, check=False)
    assert result.returncode == 1 and 'only root' in result.stderr, result


# --- settings that root can read, and hublinkd cannot ---

def with_service_user(machine):
    with (machine.etc / 'passwd').open('a') as users:
        users.write('hublink:x:64990:64990::/var/lib/hublink:/usr/sbin/nologin\n')


CLOSED = ['conf.d/site.conf', 'methods.d/print.conf', 'commands.d/blink.conf', 'hublink.conf']
TEXTS = {'methods.d': 'responder = "org.example.Printer";\n', 'commands.d': 'method = "blink";\n'}


@pytest.mark.parametrize('name', CLOSED)
def test_a_gateway_is_not_restarted_with_settings_that_hublinkd_cannot_read(machine, bus, gateway, devhub, name):  # noqa: F811
    """As umask 027 leaves them. What runs goes on."""
    with_service_user(machine)
    device = devhub.create('gw')
    toward(gateway, devhub)
    assert set_up(machine, bus, *CS, stdin=device.connection_string).returncode == 0
    machine.calls.clear()
    pid = gateway.process.pid
    file = machine.hublink / name
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        file.write_text(TEXTS.get(file.parent.name, 'clock: { trust = true; };\n'))
    file.chmod(0o640)
    before = kept(machine)
    told = 'chmod a+r /etc/hublink/' + name
    for words in [CS, ['--enable', 'users']]:
        done = set_up(machine, bus, *words, stdin=device.connection_string)
        assert done.returncode == 1 and told in done.stderr and 'would not start' in done.stderr, done.stderr
    assert machine.calls == [] and kept(machine) == before and gateway.process.pid == pid
    for program in [BUILD / 'src/daemon/hublinkd', '--check'], [CTL, 'check']:
        done = machine.run(program)
        assert done.returncode == 78 and told in done.stderr and 'OK' not in done.stdout, done
    file.chmod(0o644)
    assert machine.run([CTL, 'check']).returncode == 0
    assert set_up(machine, bus, *CS, stdin=device.connection_string).returncode == 0


def test_what_setup_writes_anew_may_have_been_closed(machine, bus, gateway):
    """Its own file of before is not in the way of the one that replaces it."""
    with_service_user(machine)
    gateway.configure('clock: { trust = true; };', 'conf.d/site.conf')
    assert set_up(machine, bus, *DPS, '--no-start', stdin='c2VjcmV0').returncode == 0
    (machine.hublink / 'conf.d/setup.conf').chmod(0o600)
    assert machine.run([CTL, 'check']).returncode == 78
    done = set_up(machine, bus, *DPS, '--no-start', stdin='c2VjcmV0')
    assert done.returncode == 0, done.stderr
    assert machine.run([CTL, 'check']).returncode == 0
