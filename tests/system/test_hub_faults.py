# SPDX-License-Identifier: Apache-2.0
"""The Hub against a devhub that misbehaves, and a name server that never answers."""

import time

import pytest
from devhub import devhub  # noqa: F401
from hub_peer import HubPeer, peer_of
from namespace import PRIVATE_ROOT

# Runs a command where the only name server takes every question and answers none.
SILENT_DNS = """
import socket, subprocess, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 53))
sys.exit(subprocess.call(sys.argv[1:]))
"""


@pytest.fixture
def device(devhub):
    return devhub.create('dev1')


def test_a_hub_that_refuses_for_now(devhub, device):
    devhub.fault('set', 'refuse-connect')
    with peer_of(devhub, device) as peer:
        peer.await_link('waiting', 'hub-unavailable')
        devhub.fault('clear')
        peer.await_link('connected')


def test_a_cut(devhub, device):
    with peer_of(devhub, device) as peer:
        peer.await_link('connected')
        devhub.fault('set', 'cut')
        peer.await_link('waiting', 'closed')
        peer.await_link('connected')


def test_two_of_one_identity(devhub, device):
    """Each puts the other out for good, and both come to suspect it, while they have the link too."""
    def is_suspected(line):
        return line.get('link') == 'connected' and 'another client connects with our identity' in line['detail']
    with peer_of(devhub, device) as one, peer_of(devhub, device) as other:
        for peer in one, other:
            assert peer.await_that(is_suspected, 50)['reason'] == 'none'
            assert any(line.get('reason') == 'closed' for line in peer.seen)


def test_a_hub_that_falls_silent(devhub, device):
    with peer_of(devhub, device) as peer:
        peer.await_link('connected')
        devhub.fault('set', 'silent')
        peer.tell('send 1')
        peer.await_link('waiting', 'silent', within=45)
        devhub.fault('clear')
        peer.await_link('connected')
        peer.await_delivered(1)


def test_a_stop_while_the_name_lookup_hangs(tmp_path):
    resolv = tmp_path / 'resolv.conf'
    resolv.write_text('nameserver 127.0.0.1\noptions timeout:20\n')
    hosts = tmp_path / 'nsswitch.conf'
    hosts.write_text('hosts: dns\n')

    def within(command):
        script = ('ip link set lo up; mount --bind "$1" /etc/resolv.conf; mount --bind "$2" /etc/nsswitch.conf; '
                  'shift 2; exec "$@"')
        return [PRIVATE_ROOT, '--net', '--', 'sh', '-ec', script, 'sh', resolv, hosts,
                '/usr/bin/python3', '-c', SILENT_DNS, *command]

    with HubPeer('HostName=hub.example.net;DeviceId=d;SharedAccessKey=a2tr', 'hub.example.net:8883', None,
                 within=within) as peer:
        peer.await_link('connecting')
        time.sleep(1.5)
        peer.tell('reconnect')
        assert not any(line.get('link') == 'waiting' for line in peer.seen)  # it hangs
        code, seconds = peer.quit()
        assert code == 0 and seconds < 3
        assert peer.log == []
