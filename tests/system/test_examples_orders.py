# SPDX-License-Identifier: Apache-2.0
"""Orders that the programs of conf/examples carry out: once, in time, and whatever a command does."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import time

import dbus
import pytest

from bus import INBOX, METHODS, NAME, PATH, As
from daemon import Daemon
from example import SIGNS, Running, bus, devhub, gateway, inbox_is_empty  # noqa: F401 (fixtures among them)
from gateway_twin import until


class Till:
    """The program that carries out each message once, and its file."""

    def __init__(self, bus):
        folder = bus.directory / 'till'
        folder.mkdir()
        shutil.chown(folder, 'daemon')
        self.file = folder / 'till.db'
        self.command = [SIGNS / 'python/till.py', self.file]
        self.bus = bus
        self.program = None

    def start(self):
        self.program = Running(self.bus, self.command)

    def stop(self):
        if self.program:
            self.program.kill()
            self.program = None

    def rows(self, what):
        with contextlib.closing(sqlite3.connect(self.file, timeout=20)) as database:
            return [row[0] for row in database.execute('select ' + what)]

    def amounts(self):
        return self.rows('amount from till')

    def is_quiet(self):
        """Nothing is done that is not forgotten."""
        return not self.rows('id from done')

    @contextlib.contextmanager
    def held(self):
        """Nothing can be written meanwhile: it stands between Take and its deed."""
        database = sqlite3.connect(self.file, timeout=20, isolation_level=None)
        database.execute('begin immediate')
        try:
            yield
        finally:
            database.execute('rollback')
            database.close()


@pytest.fixture
def till(bus):  # noqa: F811
    till = Till(bus)
    yield till
    till.stop()


@pytest.fixture
def offline(tmp_path, bus):  # noqa: F811
    """A daemon without a hub: methods are called from here."""
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.start()
        bus.wait_for_name()
        yield daemon


@pytest.mark.parametrize('command, argument, status, words', [
    ('cat', '{"a":[1,2.50]}', 200, '{"a":[1,2.50]}'),
    ('cat', '', 200, 'null'),
    ('true', '1', 200, ''),
    ('echo "{}"; exit 2', '1', 400, '{}'),
    ('exit 3', '1', 500, 'ended with 3'),
    ('kill -9 $$', '1', 500, 'ended with -9'),
    ('echo no JSON', '1', 500, 'error'),
    ('printf "\\377"', '1', 500, 'error'),
    ('true', '"%s"' % ('x' * 100000), 200, ''),  # which it does not read
    ('exec sleep 100', '1', 504, 'error'),
    ('/no/such/program', '1', 500, 'such file'),
    ('no-such-program-at-all', '1', 500, 'ended with 127'),
], ids=lambda v: str(v)[:30])
def test_a_command_answers(offline, bus, command, argument, status, words):  # noqa: F811
    """The script's answer: whatever becomes of the command, its next call is answered."""
    words_of_it = [command] if command.startswith('/') else ['sh', '-c', command]
    program = Running(bus, [SIGNS / 'shell/answer', 'run', *words_of_it])
    try:
        program.wait_for('answers to run')
        for _ in range(2):
            got, answer = offline.caller.call_blocking(NAME, PATH, METHODS, 'Call', 'sst',
                                                       ('run', argument, dbus.UInt64(2000000)), timeout=30)
            assert got == status and words in answer and (words or not answer), (got, answer, program.said)
    finally:
        program.kill()


def test_a_deed_is_done_once_wherever_it_fails(gateway, till):  # noqa: F811
    till.start()
    until(lambda: till.file.exists() and till.rows("1 from sqlite_master where name = 'done'"))
    gateway.explorer.run('send', 'gw-1', '{"amount":1}', '--message-id', 'm1')
    until(lambda: till.amounts() == [1])
    gateway.explorer.run('send', 'gw-1', '{"amount":"much"}', '--message-id', 'm0')
    gateway.wait_for_log('(m0) was rejected')
    until(till.is_quiet)
    for n in range(2, 6, 2):
        # killed before the deed: the next one does it
        with till.held():
            gateway.explorer.run('send', 'gw-1', '{"amount":%d}' % n, '--message-id', 'm%d' % n)
            until(lambda n=n: any(line.endswith('says %d' % n) for line in till.program.said))
            till.stop()
        till.start()
        until(lambda n=n: till.amounts()[-1:] == [n])
        until(till.is_quiet)
        # the daemon killed after the deed, with the completion on its way: it is offered again, and not done again
        with till.held():
            gateway.explorer.run('send', 'gw-1', '{"amount":%d}' % (n + 1), '--message-id', 'm%d' % (n + 1))
            until(lambda n=n: any(line.endswith('says %d' % (n + 1)) for line in till.program.said))
            gateway.send_signal(signal.SIGSTOP)
        until(lambda n=n: till.amounts()[-1:] == [n + 1])
        time.sleep(0.1 * (n - 2))  # at once, and when it surely waits
        gateway.kill()
        gateway.start()
        until(lambda: any('was done already' in line for line in till.program.said))
        until(till.is_quiet)
        assert inbox_is_empty(gateway)
    assert till.amounts() == [1, 2, 3, 4, 5]


def test_busctl_takes_and_has_left(gateway, bus):  # noqa: F811
    """Why the script has hublinkctl take: each busctl is another client."""
    def busctl(*words):
        return subprocess.run([*As.SUBMITTER, 'busctl', '--address=' + bus.address, 'call', NAME, PATH, INBOX, *words],
                              capture_output=True, text=True, timeout=20)

    gateway.explorer.run('send', 'gw-1', 'Gate 1')
    until(lambda: not inbox_is_empty(gateway))
    took = busctl('Take', 't', '0')
    assert took.returncode == 0, took
    ended = busctl('Complete', 't', took.stdout.split()[1])
    assert ended.returncode == 1 and 'take it first' in ended.stderr, (took, ended)
    assert not inbox_is_empty(gateway)
