# SPDX-License-Identifier: Apache-2.0
"""A devhub with a tier, whose clock can be moved over days.

    hub = start('S1', '--units', '2')     # the fixture: has the device d1; start() has no tier
    usage(hub)                            # what the command prints, or one operation of it: tally(hub, 'd2c-send')
    client_of(hub, device_of(hub))        # connected, by a token for some days
    stored(hub)                           # the bags and bodies of all events
"""

import json
import sqlite3
import time

import mqtt
import pytest
from devhub import API, Device, Devhub
from https import Service, policy_key
from proton import Message

DAYS = 86400


@pytest.fixture
def start(tmp_path):
    """start('F1') -> a hub of that tier with the device d1, whose clock can be moved"""
    hub = Devhub(tmp_path / 'hub').start()
    hub.create('d1')

    def begin(*options):
        hub.stop()
        return hub.start('--virtual-clock', *(('--tier', *options) if options else ()))

    begin.hub = hub
    yield begin
    hub.__exit__()


def usage(hub):
    return json.loads(hub.run('usage', '--json').stdout)


def tally(hub, operation):
    return usage(hub)['operations'][operation]


def device_of(hub):
    """d1, as it was created before the hub was started."""
    made, = json.loads(hub.run('device', 'list', '--json').stdout)
    return Device(hub.host, made)


def client_of(hub, device):
    """With a token for some days, that the hub's clock may jump over."""
    client = hub.open(timeout=30)
    token = device.token(expiry=time.time() + 9 * DAYS)
    assert client.connect(device.client_id, device.username('api-version=' + API), token) == (False, 0)
    return client


def service_of(hub):
    return Service(hub, token=mqtt.token(policy_key(hub, 'iothubowner'), hub.host, policy='iothubowner',
                                         expiry=time.time() + 9 * DAYS))


def stored(hub):
    """The bags and bodies of all events, as they lie in the store."""
    db = sqlite3.connect('file:%s/devhub.db?mode=ro' % hub.directory, uri=True)
    try:
        return db.execute('SELECT bag, body FROM events').fetchall()
    finally:
        db.close()


def read_pubacks(client, n):
    for _ in range(n):
        client.expect(mqtt.PUBACK, 60)


def events(topic, first, n, qos=1, body=b'x'):
    return b''.join(mqtt.publish(topic, body, qos, (first + i) % 65535 + 1) for i in range(n))


def conditions(amqp, devices, n, body=b'x'):
    """Of n messages to devices in turn: the condition of each, or None."""
    sender = amqp.create_sender('/messages/devicebound')
    got = []
    for i in range(n):
        address = '/devices/%s/messages/devicebound' % devices[i % len(devices)]
        delivery = sender.link.send(Message(address=address, body=body, inferred=True))
        amqp.wait(lambda delivery=delivery: delivery.settled, timeout=20)
        remote = delivery.remote.condition
        got.append(remote.name if remote else None)
        delivery.settle()
    sender.close()
    return got
