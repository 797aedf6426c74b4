# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: faults that strike services too, over AMQP and HTTPS, with hublink-explorer as the victim."""

import http.client
import json
import os
import socket
import time
from contextlib import closing

import pytest
import websocket
from devhub import devhub  # noqa: F401  (a fixture)
from explorer import FAILED, TIMEOUT, Explorer
from https import Connection, Service


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


@pytest.fixture
def explorer(devhub):
    return Explorer(devhub.directory)


def strikes(devhub):
    return {f['fault']: f['strikes'] for f in json.loads(devhub.fault('list', '--json').stdout)}


def send(devhub, device, body):
    with devhub.client(device) as client:
        client.publish(device.topic(), body)


@pytest.mark.parametrize('fault', ['cut', 'reset'])
def test_a_reader_of_events_comes_back(devhub, device, explorer, fault):
    with explorer.watch('--json', 'monitor-events', '--count', '2') as watch:
        watch.until('reading')
        send(devhub, device, b'1')
        assert '"body":1' in watch.line()
        devhub.fault('set', fault)  # a single stroke
        watch.until('trying again')
        send(devhub, device, b'2')
        watch.until('the connection is back')
        assert '"body":2' in watch.line() and watch.end() == 0
    assert 'by a fault' in devhub.log.read_text()


def test_one_who_comes_is_cut_as_often_as_was_said(devhub, device, explorer):
    devhub.fault('set', 'cut', '--count', '2')
    with explorer.watch('monitor-events', '--for', '1s') as watch:  # the first try has to work
        assert watch.end() == FAILED
    assert any('cannot read the events' in line for line in watch.said), watch.said
    said = explorer.fails(FAILED, 'get', 'd1')
    assert devhub.host in said
    explorer.run('get', 'd1')
    assert strikes(devhub) == {}


def test_a_device_of_its_own_leaves_services_alone(devhub, device, explorer):
    with explorer.watch('--json', 'monitor-events', '--count', '1') as watch, closing(Connection(devhub)) as idle:
        watch.until('reading')
        assert Service(devhub).get('/devices/d1', connection=idle).status == 200
        for fault in 'cut', 'reset', 'silent':
            devhub.fault('set', fault, '--device', 'd1', '--for', '10min')
        assert Service(devhub).get('/devices/d1', connection=idle).status == 200
        devhub.fault('clear')
        send(devhub, device, b'1')
        assert '"body":1' in watch.line() and watch.end() == 0


@pytest.mark.parametrize('fault', ['cut', 'reset'])
def test_an_open_connection_of_https(devhub, device, fault):
    with closing(Connection(devhub)) as idle:
        assert Service(devhub).get('/devices/d1', connection=idle).status == 200
        with socket.socket(fileno=os.dup(idle.sock.fileno())) as raw:
            devhub.fault('set', fault)
            raw.settimeout(10)
            if fault == 'reset':
                with pytest.raises(ConnectionResetError):
                    while raw.recv(4096):
                        pass
            else:
                while raw.recv(4096):
                    pass
    assert Service(devhub).get('/devices/d1').status == 200


def test_silence(devhub, device, explorer):
    with closing(Connection(devhub, timeout=1)) as idle:
        assert Service(devhub).get('/devices/d1', connection=idle).status == 200
        devhub.fault('set', 'silent')
        with pytest.raises(TimeoutError):
            Service(devhub).get('/devices/d1', connection=idle)
        for words in ['get', 'd1'], ['send', 'd1', 'x'], ['monitor-events', '--for', '1s']:
            said = explorer.fails(TIMEOUT, '--timeout', '1s', *words)
            assert devhub.host in said or 'd1' in said, said
        assert strikes(devhub)['silent'] >= 4
        devhub.fault('clear')
        explorer.run('get', 'd1')
        with pytest.raises((TimeoutError, http.client.HTTPException)):  # what was struck stays so
            Service(devhub).get('/devices/d1', connection=idle)
    assert explorer.json('get', 'd1')['cloudToDeviceMessageCount'] == 0


def test_a_silent_connection_is_let_go_when_its_client_goes(devhub):
    with socket.create_connection(('127.0.0.1', devhub.endpoints()['amqp_port']), 10) as raw:
        devhub.fault('set', 'silent', '--count', '1')
        raw.settimeout(0.5)
        raw.sendall(b'AMQP\0\1\0\0')
        with pytest.raises(TimeoutError):
            raw.recv(8)
    deadline = time.monotonic() + 10
    while 'AMQP: closed' not in devhub.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with socket.create_connection(('127.0.0.1', devhub.endpoints()['amqp_port']), 10) as raw:
        raw.sendall(b'AMQP\0\1\0\0')
        assert raw.recv(8) == b'AMQP\0\1\0\0'


def test_a_device_over_websocket_is_struck_once(devhub, device):
    with websocket.Client(devhub) as client:
        assert client.connect('d1', device.username(), device.token())[1] == 0
        devhub.fault('set', 'cut', '--count', '2')
        client.expect_close()
        assert strikes(devhub) == {'cut': 1}
