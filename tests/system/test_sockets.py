# SPDX-License-Identifier: Apache-2.0
"""Sockets of every kind with a real daemon and a real hub; who may write to them, and that it is told who did."""

import grp
import os
import pwd
import socket
import subprocess
import tempfile

import pytest

from bus import As, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from ports import free_port

SETTINGS = '''
queue: { commit_interval = "50ms"; };
clock: { trust = true; };
streams: { telemetry: { max_latency = "0s"; }; };
sensors: {
  udp4:   { driver = "socket"; listen = "udp:127.0.0.1:%(udp)d"; };
  tcp6:   { driver = "socket"; listen = "tcp:[::1]:%(tcp)d"; };
  plc:    { driver = "socket"; listen = "tcp:127.0.0.1:%(plc)d"; format = "influx"; };
  packet: { driver = "socket"; listen = "unix-seqpacket:%(folder)s/in.sock"; };
};
'''


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.udp = free_port(socket.SOCK_DGRAM)
        daemon.tcp, daemon.plc = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        daemon.configure(SETTINGS % {'folder': daemon.directory, **vars(daemon)})
        yield daemon


def test_every_kind_reaches_the_hub(daemon, devhub):  # noqa: F811
    daemon.hub(devhub, devhub.create('gw-1'))
    daemon.start()
    daemon.wait_for_link('connected')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b'{"n":1}\n{"n":2}', ('127.0.0.1', daemon.udp))
        s.sendto(b'nonsense', ('127.0.0.1', daemon.udp))
    with socket.create_connection(('::1', daemon.tcp)) as s:
        s.sendall(b'{"n":')
        s.sendall(b'3}\n')
    with socket.create_connection(('127.0.0.1', daemon.plc)) as s:
        s.sendall(b'# Telegraf\nweather,station=north wind=4.5,gusts=12i,calm=f,note="a \\"b\\"" 1763647200123000000\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(str(daemon.directory / 'in.sock'))
        s.send(b'{"n":4}')
        s.send(b'{"n":5}')
    daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] >= 6, 'all acknowledged')
    got = [reading for event in devhub.events('gw-1') for reading in event['body']]
    assert sorted((r['s'], r['n']) for r in got if 'n' in r) == [
        ('packet', 4), ('packet', 5), ('tcp6', 3), ('udp4', 1), ('udp4', 2)]
    weather, = (r for r in got if r['s'] == 'weather')
    assert {k: v for k, v in weather.items() if k not in 's'} == {
        't': 1763647200123, 'station': 'north', 'wind': 4.5, 'gusts': 12, 'calm': False, 'note': 'a "b"'}
    assert dict(daemon.properties()['Refused'])['malformed'] == 1
    assert 'from 127.0.0.1, port ' in daemon.log()
    assert daemon.stop() == 0


LOCAL = '''
queue: { commit_interval = "50ms"; };
clock: { trust = true; };
streams: { telemetry: { max_latency = "0s"; }; };
sensors: {
  dgram:     { driver = "socket"; listen = "unix-dgram:%(folder)s/dgram"; group = "daemon"; peer = true; };
  stream:    { driver = "socket"; listen = "unix-stream:%(folder)s/stream"; group = "daemon"; peer = true; };
  seqpacket: { driver = "socket"; listen = "unix-seqpacket:%(folder)s/seqpacket"; group = "daemon"; peer = true; };
};
'''

SAY = '''
import os, socket, sys
with socket.socket(socket.AF_UNIX, getattr(socket, 'SOCK_' + sys.argv[2].upper())) as s:
    s.connect(sys.argv[1] + '/' + sys.argv[2])
    s.send(b'{"n":1}\\n')
print(os.getpid())
'''


def say_as(user, folder, kind):
    return subprocess.run([*user, '/usr/bin/python3', '-c', SAY, folder, kind], capture_output=True, text=True, check=False)


@pytest.mark.skipif(os.getuid() != 0, reason='only root can be others')
def test_who_is_in_the_group_may_write_and_is_told(devhub, tmp_path):  # noqa: F811
    members = [['setpriv', '--reuid=nobody', '--regid=65534', '--groups=daemon'], As.SUBMITTER]
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon, \
         tempfile.TemporaryDirectory(prefix='hublink-', dir='/tmp') as folder:
        os.chmod(folder, 0o755)
        daemon.configure(LOCAL % {'folder': folder})
        daemon.hub(devhub, devhub.create('gw-groups'))
        daemon.start()
        daemon.wait_for_link('connected')
        wanted = []
        for kind in ('dgram', 'stream', 'seqpacket'):
            stat = os.stat(folder + '/' + kind)
            assert (stat.st_mode & 0o777, stat.st_gid) == (0o660, grp.getgrnam('daemon').gr_gid)
            stranger = say_as(As.NOBODY, folder, kind)
            assert stranger.returncode != 0 and 'PermissionError' in stranger.stderr, stranger
            for user, uid in zip(members, (pwd.getpwnam('nobody').pw_uid, pwd.getpwnam('daemon').pw_uid)):
                done = say_as(user, folder, kind)
                assert done.returncode == 0, done.stderr
                wanted.append((kind, 1, uid, int(done.stdout)))
        daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] >= len(wanted), 'all acknowledged')
        got = [reading for event in devhub.events('gw-groups') for reading in event['body']]
        assert sorted((r['s'], r['n'], r['uid'], r['pid']) for r in got) == sorted(wanted)
        assert daemon.stop() == 0


@pytest.mark.skipif(os.getuid() != 0, reason='only root can be others')
def test_a_user_that_is_not_seen_is_not_told_wrong(tmp_path):
    """As with PrivateUsers=yes: all other users are 65534 in there."""
    private = ['unshare', '--user', '--map-root-user']
    if subprocess.run([*private, 'true'], check=False).returncode != 0:
        pytest.skip('this kernel makes no user namespace')
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon, \
         tempfile.TemporaryDirectory(prefix='hublink-', dir='/tmp') as folder:
        os.chmod(folder, 0o755)
        daemon.configure((LOCAL % {'folder': folder}).replace('group = "daemon";', ''))
        daemon.start(prefix=private)
        bus.wait_for_name()
        for i, kind in enumerate(('dgram', 'stream', 'seqpacket')):
            os.chmod(folder + '/' + kind, 0o666)
            for n, (user, more) in enumerate([(As.NOBODY, {}), (As.ROOT, {'uid': 0})]):
                done = say_as(user, folder, kind)
                assert done.returncode == 0, done.stderr
                daemon.wait_for_properties(lambda p, n=2 * i + n: p['Ledger']['accepted'] > n, 'accepted')
                assert daemon.sensor(kind)['Values'] == {'n': 1, 'pid': int(done.stdout), **more}
            assert daemon.lines('sensor %s: a reading has no uid' % kind)
        assert len(daemon.lines('a reading has no uid')) == 3
        assert daemon.stop() == 0
