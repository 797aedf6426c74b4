# SPDX-License-Identifier: Apache-2.0
"""Sockets that systemd opens and hands over: of every kind, over reloads and restarts, and what can be wrong with them."""

import contextlib
import os
import socket
import subprocess

import pytest

from bus import PrivateBus
from daemon import Daemon

COMMON = 'queue: { commit_interval = "50ms"; }; clock: { trust = true; };\n'


@contextlib.contextmanager
def handed(directory, kind, family=socket.AF_UNIX, name='in'):
    """As a .socket unit would have it."""
    with socket.socket(family, kind) as s:
        s.bind({socket.AF_UNIX: str(directory / (name + '.sock')), socket.AF_INET: ('127.0.0.1', 0),
                socket.AF_INET6: ('::1', 0)}[family])
        if kind != socket.SOCK_DGRAM:
            s.listen()
        yield s


def say(to, *texts):
    """To wherever the socket listens."""
    with socket.socket(to.family, to.type) as s:
        s.connect(to.getsockname())
        for text in texts:
            s.send(text)


def sensors(*names, settings=''):
    return COMMON + 'sensors: { %s };' % ' '.join(
        '%s: { driver = "socket"; listen = "systemd:%s"; %s };' % (name, name, settings) for name in names)


def wait_for_accepted(daemon, n):
    daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] >= n, '%d accepted' % n)
    assert daemon.ledger()['accepted'] == n


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


KINDS = {
    'datagrams': (socket.AF_UNIX, socket.SOCK_DGRAM),
    'stream': (socket.AF_UNIX, socket.SOCK_STREAM),
    'packets': (socket.AF_UNIX, socket.SOCK_SEQPACKET),
    'udp4': (socket.AF_INET, socket.SOCK_DGRAM),
    'tcp4': (socket.AF_INET, socket.SOCK_STREAM),
    'udp6': (socket.AF_INET6, socket.SOCK_DGRAM),
    'tcp6': (socket.AF_INET6, socket.SOCK_STREAM),
}


def test_every_kind_is_taken_for_what_it_is(daemon, tmp_path):
    with contextlib.ExitStack() as stack:
        for name, (family, kind) in KINDS.items():
            daemon.handed.append((name, stack.enter_context(handed(tmp_path, kind, family, name))))
        daemon.configure(sensors(*reversed(KINDS)))  # not in the order of the descriptors
        daemon.start()
        daemon.bus.wait_for_name()
        for i, (name, s) in enumerate(daemon.handed):
            say(s, b'{"n":%d}\n{"m":%d}\n' % (i, i))
            wait_for_accepted(daemon, 2 * i + 2)
            assert daemon.sensor(name)['Values'] == {'m': i}
        assert daemon.stop() == 0
        for name, (family, kind) in KINDS.items():
            assert family != socket.AF_UNIX or (tmp_path / (name + '.sock')).exists(), 'it is not ours to remove'


def test_it_is_kept_over_reloads_and_restarts(daemon, tmp_path):
    with handed(tmp_path, socket.SOCK_DGRAM, name='d') as d, handed(tmp_path, socket.SOCK_STREAM, name='s') as s:
        daemon.handed = [('d', d), ('s', s)]
        daemon.configure(sensors('d', 's'))
        say(d, b'{"n":1}')  # before it runs
        daemon.start()
        wait_for_accepted(daemon, 1)
        daemon.configure(sensors('d', 's', settings='max_rate = 1000;'))
        daemon.reload()
        say(d, b'{"n":2}')
        say(s, b'{"n":3}\n')
        wait_for_accepted(daemon, 3)
        daemon.configure(COMMON)
        daemon.reload()
        for i in range(5):
            say(d, b'{"n":4}')  # nobody listens; nobody is refused
        say(s, b'{"n":5}\n')
        daemon.configure(sensors('d', 's'))
        daemon.reload()
        wait_for_accepted(daemon, 9)
        assert daemon.stop() == 0
        for i in range(5):
            say(d, b'{"n":6}')
        say(s, b'{"n":7}\n{"n":8}\n')
        daemon.start()
        wait_for_accepted(daemon, 16)
        assert daemon.stop() == 0


def test_its_senders_are_told(daemon, tmp_path):
    with handed(tmp_path, socket.SOCK_DGRAM, name='d') as d:
        daemon.handed = [('d', d)]
        daemon.configure(sensors('d', settings='peer = true;'))
        say(d, b'{"n":1}')  # nobody asked for credentials yet
        daemon.start()
        wait_for_accepted(daemon, 1)
        assert daemon.sensor('d')['Values'] == {'n': 1}
        say(d, b'{"n":2}')
        wait_for_accepted(daemon, 2)
        assert daemon.sensor('d')['Values'] == {'n': 2, 'uid': os.getuid(), 'pid': os.getpid()}
        assert daemon.stop() == 0
        d.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # PassCredentials=yes
        say(d, b'{"n":3}')
        daemon.start()
        wait_for_accepted(daemon, 3)
        assert daemon.sensor('d')['Values'] == {'n': 3, 'uid': os.getuid(), 'pid': os.getpid()}
        assert daemon.stop() == 0


def test_what_is_wrong_is_said(daemon, tmp_path):
    reader, writer = os.pipe()
    with handed(tmp_path, socket.SOCK_DGRAM, name='good') as good, \
         handed(tmp_path, socket.SOCK_STREAM, name='one') as one, handed(tmp_path, socket.SOCK_STREAM, name='two') as two, \
         handed(tmp_path, socket.SOCK_DGRAM, socket.AF_INET) as udp, os.fdopen(reader) as fifo, os.fdopen(writer), \
         socket.socket(socket.AF_UNIX) as client:
        client.connect(two.getsockname())
        connection, _ = two.accept()
        with connection:
            daemon.handed = [('twin', one), ('good', good), ('twin', two), ('fifo', fifo), ('udp', udp),
                             ('connection', connection)]
            daemon.configure(sensors('good', 'twin', 'fifo', 'connection', 'absent', 'udp', settings='peer = true;'))
            daemon.start()
            daemon.bus.wait_for_name()
            for name, words in {
                    'twin': 'handed over 2 sockets "twin": one Listen line a unit',
                    'fifo': 'as "fifo" is no socket: its unit wants ListenDatagram=',
                    'connection': 'is one connection: its unit must not say Accept=yes',
                    'absent': 'no socket "absent", but "twin", "good", "twin", "fifo", "udp", "connection"',
                    'udp': 'systemd:udp is no unix socket: take peer away',
            }.items():
                status = daemon.sensor(name)
                assert status['State'] == 'failing' and words in status['LastError'], (name, status['LastError'])
            assert daemon.sensor('good')['State'] == 'ok'
            say(good, b'{"n":1}')
            wait_for_accepted(daemon, 1)
            assert daemon.stop() == 0


def test_without_systemd_it_says_what_to_do(daemon):
    daemon.configure(sensors('ingest'))
    daemon.start()
    daemon.bus.wait_for_name()
    status = daemon.sensor('ingest')
    assert status['State'] == 'failing' and 'systemctl enable --now UNIT.socket' in status['LastError']
    assert daemon.stop() == 0
    daemon.configure(sensors('ingest', 'ingest2').replace('systemd:ingest2', 'systemd:ingest'))
    done = daemon.run('--check')
    assert done.returncode == 78 and 'sensor ingest listens on the same socket of systemd' in done.stderr


@pytest.mark.parametrize('option, kind', [('-d', socket.SOCK_DGRAM), (None, socket.SOCK_STREAM)])
def test_systemds_own_launcher(daemon, tmp_path, option, kind):
    """It starts the daemon at the first word, which is not lost."""
    path = str(tmp_path / 'in.sock')
    daemon.configure(sensors('ingest'))
    daemon.start(ready=False, prefix=[
        'systemd-socket-activate', *filter(None, [option]), '-l', path, '--fdname=ingest',
        '-E', 'NOTIFY_SOCKET=' + str(daemon.directory / 'notify')])
    daemon.wait_for_log('Listening on')
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.connect(path)
        s.send(b'{"n":1}\n')
        daemon.wait_notified('READY=1')
        wait_for_accepted(daemon, 1)
        s.send(b'{"n":2}\n')
        wait_for_accepted(daemon, 2)
    assert daemon.stop() == 0


def test_the_example_unit_is_sound(tmp_path):
    unit = os.path.join(os.environ['HUBLINK_SOURCE'], 'conf/examples/hublinkd-ingest.socket')
    (tmp_path / 'hublinkd.service').write_text('[Service]\nExecStart=/bin/true\n')
    (tmp_path / 'hublinkd-ingest.socket').write_text(open(unit, encoding='utf-8').read())
    done = subprocess.run(['systemd-analyze', 'verify', str(tmp_path / 'hublinkd-ingest.socket')], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
