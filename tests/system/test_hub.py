# SPDX-License-Identifier: Apache-2.0
"""The Hub against a real devhub: real lookup, TCP, TLS, tokens, messages; each reason as it arises."""

import base64
import socket

import pytest
from devhub import devhub  # noqa: F401
from hub_peer import peer_of


@pytest.fixture
def device(devhub):
    return devhub.create('dev1')


def test_messages_arrive_with_all_that_belongs_to_them(devhub, device):
    with peer_of(devhub, device) as peer:
        peer.await_link('connected', 'none')
        peer.tell('send 200')
        peer.await_delivered(200)
        assert peer.quit()[0] == 0
    events = devhub.events(count=200)
    assert [e['body']['n'] for e in events] == list(range(200))
    system = events[7]['system']
    assert system['message-id'] == 'probe.00000000000000aa.7-7'
    assert system['content-type'] == 'application/json'
    assert system['content-encoding'] == 'utf-8'
    assert events[7]['properties']['grün'] == 'a/b c'
    assert peer.log == ['Connected to devhub.localdomain as dev1.']


def test_a_module_connects(devhub):
    module = devhub.create_module('dev1', 'm1')
    with peer_of(devhub, module) as peer:
        peer.await_link('connected')
        peer.tell('send 3')
        peer.await_delivered(3)


def test_a_token_is_renewed_while_messages_flow(devhub, device):
    with peer_of(devhub, device, token_life=5) as peer:  # renewed after four seconds
        peer.await_link('connected')
        for _ in range(3):
            peer.tell('send 50')
            peer.await_link('connecting', 'none')
            peer.await_link('connected')
        peer.await_delivered(150)
        assert len(peer.log) == 1, peer.log  # planned: no news
    bodies = [e['body']['n'] for e in devhub.events(count=150)]
    assert sorted(bodies) == list(range(150))  # and nothing twice: the window was empty


def test_a_hub_that_comes_back_gets_what_was_lost(devhub, device):
    with peer_of(devhub, device) as peer:
        peer.await_link('connected')
        peer.tell('send 100')
        peer.await_delivered(10)
        devhub.kill()
        assert peer.await_link('waiting')['reason'] in ('closed', 'refused')
        peer.tell('send 100')
        peer.await_link('connecting', 'refused')
        devhub.start()
        peer.await_link('connected')
        peer.await_delivered(200)
        assert sum('Lost the connection' in line for line in peer.log) == 1, peer.log
        assert sum('Connected to' in line for line in peer.log) == 2, peer.log
    assert {e['body']['n'] for e in devhub.events(start='start')} == set(range(200))


@pytest.mark.parametrize('broken, reason', [('key', 'credential'), ('device', 'credential'), ('host', 'tls-hostname')])
def test_a_credential_that_is_wrong(devhub, device, broken, reason):
    wrong_key = base64.b64encode(b'x' * 32).decode()
    connection_string = {
        'key': device.connection_string.replace(device.key, wrong_key),
        'device': device.connection_string.replace('DeviceId=dev1', 'DeviceId=dev2'),
        'host': device.connection_string.replace('HostName=devhub.localdomain', 'HostName=other.example.net'),
    }[broken]
    with peer_of(devhub, device, connection_string=connection_string) as peer:
        peer.await_link('waiting', reason)
        if broken == 'key':
            peer.tell('key ' + device.key)  # corrected: tried at once
            peer.await_link('connected')
        peer.quit()
        assert device.key not in '\n'.join(peer.log) and wrong_key not in '\n'.join(peer.log)


def test_a_ca_that_did_not_sign(devhub, device):
    with peer_of(devhub, device, ca_file=None) as peer:
        line = peer.await_link('waiting', 'tls-untrusted')
        assert "not in the system's store" in line['detail']


def test_a_name_that_nobody_knows(devhub, device):
    with peer_of(devhub, device, address='no-such-host.invalid:8883') as peer:
        assert 'no-such-host.invalid' in peer.await_link('waiting', 'name')['detail']
        code, seconds = peer.quit()
        assert code == 0 and seconds < 5


def test_a_port_where_nobody_listens(devhub, device):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    with peer_of(devhub, device, address='127.0.0.1:%d' % port) as peer:
        assert 'Connection refused' in peer.await_link('waiting', 'refused')['detail']


def test_the_gateway_host_name_is_the_one_to_be_proved(devhub, device):
    connection_string = device.connection_string + ';GatewayHostName=localhost'
    with peer_of(devhub, device, connection_string=connection_string) as peer:
        peer.await_link('connected')  # the devhub's certificate is for localhost as well
        peer.tell('send 1')
        peer.await_delivered(1)
