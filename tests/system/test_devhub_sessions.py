# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: what a client that does not connect clean leaves behind outlives the server, however it ends."""

import signal
import sqlite3

import mqtt
import pytest
from c2d import acknowledge, arrived, c2d_filter
from cloud import Cloud
from devhub import devhub  # noqa: F401  (a fixture)

METHODS = '$iothub/methods/POST/#'
ENDS = pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL])


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


def again(devhub, how):
    devhub.stop(how)
    devhub.start()


def kept(devhub):
    with sqlite3.connect(devhub.directory / 'devhub.db') as db:
        return {(d, m): text for d, m, text in db.execute('SELECT device_id, module_id, filters FROM sessions')}


def leave(client):
    client.send(mqtt.packet(mqtt.DISCONNECT))
    client.expect_close()


@ENDS
def test_trap_21_a_kept_session_outlives_the_server(devhub, device, how):
    """The end comes as soon as the SUBACK is there: what is acknowledged is kept."""
    with devhub.client(device, clean=False) as client:
        assert not client.session_present
        assert client.subscribe(c2d_filter(device), (METHODS, 0)) == [1, 0]
        again(devhub, how)
    with Cloud(devhub) as cloud:
        cloud.send('d1', b'1')
        with devhub.client(device, clean=False) as client:
            assert client.session_present
            message = arrived(client)
            assert (message.body, message.qos) == (b'1', 1)
            acknowledge(client, message)


@ENDS
def test_an_unsubscribe_outlives_the_server(devhub, device, how):
    with devhub.client(device, clean=False) as client:
        client.subscribe(c2d_filter(device), METHODS)
        client.send(mqtt.unsubscribe(2, c2d_filter(device)))
        client.expect(mqtt.UNSUBACK)
        again(devhub, how)
    with Cloud(devhub) as cloud:
        cloud.send('d1', b'1')
        with devhub.client(device, clean=False) as client:
            assert client.session_present
            client.expect_silence(0.3)


@ENDS
def test_a_session_without_a_subscription_is_one(devhub, device, how):
    with devhub.client(device, clean=False):
        again(devhub, how)
    with devhub.client(device, clean=False) as client:
        assert client.session_present


@ENDS
def test_a_clean_session_leaves_nothing_and_takes_what_was_kept(devhub, device, how):
    with devhub.client(device, clean=False) as client:
        client.subscribe(METHODS)
        leave(client)
    with devhub.client(device, clean=True) as client:
        client.subscribe(METHODS)
        again(devhub, how)
    assert kept(devhub) == {}
    with devhub.client(device, clean=False) as client:
        assert not client.session_present


def test_each_has_its_own(devhub, device):
    module = devhub.create('d1/m1')
    with devhub.client(device, clean=False) as one, devhub.client(module, clean=False) as two:
        one.subscribe((METHODS, 0))
        two.subscribe('devices/d1/modules/m1/#', METHODS)
        devhub.kill()
    assert kept(devhub) == {('d1', ''): '0 ' + METHODS + '\n',
                            ('d1', 'm1'): '1 devices/d1/modules/m1/#\n1 ' + METHODS + '\n'}


def test_they_go_with_their_identity(devhub, device):
    module = devhub.create('d1/m1')
    for who in device, module:
        with devhub.client(who, clean=False) as client:
            client.subscribe(METHODS)
            leave(client)
    assert set(kept(devhub)) == {('d1', ''), ('d1', 'm1')}
    devhub.run('device', 'delete', 'd1')
    assert kept(devhub) == {}
    with devhub.client(devhub.create('d1'), clean=False) as client:
        assert not client.session_present


def test_what_cannot_be_kept_is_not_acknowledged(devhub, device):
    """The store takes no more: no SUBACK, and the link ends."""
    with devhub.client(device, clean=False) as client:
        with sqlite3.connect(devhub.directory / 'devhub.db') as db:
            db.execute("CREATE TRIGGER stop BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'full'); END")
        client.send(mqtt.subscribe(1, METHODS))
        client.expect_close()
