# SPDX-License-Identifier: Apache-2.0
"""hublinkctl where nobody answers: each command that asks the daemon says so soon, with what is wrong and what to do."""

import os
import signal
import socket
import subprocess
import time

import pytest

from bus import BUILD, PrivateBus
from bus_peer import bus, peer  # noqa: F401: two fixtures
from service_manager import SYSTEMD, Machine, allow

CTL = str(BUILD / 'src/ctl/hublinkctl')
COMMANDS = [['status'], ['watch'], ['sensors'], ['submit', 'plc', 'a=1'], ['submit', 'plc', 'a=1', '--wait'],
            ['submit-message', '-'], ['flush'], ['reconnect'], ['methods'], ['methods', '--watch'], ['call', 'm'],
            ['audit'], ['audit', '--watch'], ['queue', 'stats'], ['twin'], ['twin', 'get'], ['twin', 'get', '--watch'],
            ['twin', 'report', 'pump', '{}'], ['dead-letters', 'list'], ['dead-letters', 'show', '1'],
            ['dead-letters', 'requeue', '1'], ['dead-letters', 'delete', '1'], ['dead-letters', 'export', '--all'],
            ['inbox', 'list'], ['inbox', 'list', '--watch'], ['inbox', 'take'], ['inbox', 'complete', '1'],
            ['inbox', 'reject', '1', 'no']]
AT_ONCE, SOON = 3, 12  # seconds, on a busy machine too; what is to be told after 5 is not told at once


def all_commands(address, seconds):
    """Each command with its exit code and its words: all at a time, for most of them wait."""
    begun = time.monotonic()
    running = [subprocess.Popen([CTL, '--bus', address, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for words in COMMANDS]
    try:
        for words, process in zip(COMMANDS, running):
            out, said = process.communicate(timeout=max(0.1, begun + seconds - time.monotonic()))
            assert out == '', words
            yield words, process.returncode, said
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(*args, **environment):
    return subprocess.run([CTL, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                          env={**os.environ, **environment}, check=False)


# --- nobody has its name ---

def test_a_daemon_that_is_not_there_is_told_at_once_with_the_remedy(bus):
    for words, code, said in all_commands(bus.address, AT_ONCE):
        assert code == 3, (words, said)
        assert 'not running' in said and 'systemctl start hublinkd' in said and 'journalctl -u hublinkd' in said, words


def bus_without_systemd(name=SYSTEMD):
    """As in a container: what is for systemd, or for a name that it is to start, is kept until it comes."""
    bus = PrivateBus()
    allow(bus)
    bus.options = ['--systemd-activation']
    (bus.directory / 'services' / (name + '.service')).write_text(
        '[D-BUS Service]\nName=%s\nExec=/bin/false\nUser=root\nSystemdService=hublinkd.service\n' % name)
    return bus


@pytest.mark.parametrize('name', [SYSTEMD, 'org.hublink1'])
def test_a_systemd_that_is_not_there_is_not_waited_for(name):
    with bus_without_systemd(name) as bus:
        for words, code, said in all_commands(bus.address, AT_ONCE):
            assert code == 3 and 'not running' in said and 'systemctl start hublinkd' in said, (words, said)


def test_doctor_does_not_wait_for_it_either():
    with bus_without_systemd() as bus:
        begun = time.monotonic()
        done = run('--bus', bus.address, 'doctor', '--offline')
        assert 'nobody owns the name org.hublink1' in done.stdout and time.monotonic() < begun + AT_ONCE


def test_setup_does_not_wait_for_it_either(tmp_path):
    with Machine(tmp_path) as machine, bus_without_systemd() as bus:
        (machine.hublink / 'hublink.conf').write_text('')
        begun = time.monotonic()
        done = machine.run([CTL, '--bus', bus.address, 'setup', '--enable', 'users'])
        assert done.returncode == 3 and 'systemd cannot be reached' in done.stderr, done
        assert time.monotonic() < begun + AT_ONCE


# --- somebody has it, and is silent ---

def test_a_daemon_that_hangs_is_told_soon_and_as_such(bus, peer):
    peer.process.send_signal(signal.SIGSTOP)
    try:
        told = list(all_commands(bus.address, SOON))
    finally:
        peer.process.send_signal(signal.SIGCONT)
    for words, code, said in told:
        assert code == 4 and said.startswith('hublinkd hangs: '), (words, said)
        assert 'systemctl restart hublinkd' in said and 'journalctl -u hublinkd' in said, words
        assert 'may still be stored' not in said


# --- the bus ---

@pytest.mark.parametrize('args', COMMANDS, ids=' '.join)
def test_without_a_bus_nobody_reaches_the_daemon_exit_3(tmp_path, args):
    nowhere = 'unix:path=%s/absent' % tmp_path
    for result in (run('--bus', nowhere, *args), run(*args, DBUS_SYSTEM_BUS_ADDRESS=nowhere),
                   run('--bus', 'session', *args, DBUS_SESSION_BUS_ADDRESS=nowhere)):
        assert result.returncode == 3 and result.stdout == '', result
        assert 'cannot be reached' in result.stderr and 'message bus' in result.stderr
    result = run('--bus', 'nonsense', *args)
    assert result.returncode == 2 and "'nonsense'" in result.stderr


def test_a_bus_that_says_nothing_is_told_soon(tmp_path):
    """As the socket of one that systemd has stopped: connected to, and never served."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / 'bus'))
        silent.listen(64)
        for words, code, said in all_commands('unix:path=%s/bus' % tmp_path, SOON):
            assert code == 3 and 'message bus' in said and 'cannot be reached' in said, (words, said)
