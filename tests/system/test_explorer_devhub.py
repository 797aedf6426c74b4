# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer and hublink-devhub together: events, messages to devices and their feedback."""

import json
import struct
import threading

import mqtt
import pytest

from devhub import Device, Devhub, devhub  # noqa: F401  (a fixture)
from explorer import Explorer
from https import Service, policy_key


@pytest.fixture
def explorer(devhub):  # noqa: F811
    return Explorer(devhub.directory)


@pytest.fixture
def timed(tmp_path):
    """A devhub whose clock is ours."""
    with Devhub(tmp_path / 'timed').start('--virtual-clock') as hub:
        yield hub


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def send_many(client, device, bodies):
    """Without waiting for each PUBACK; with it for all."""
    for n, body in enumerate(bodies, 1):
        client.send(mqtt.publish(device.topic(), body, 1, n))
    for _ in bodies:
        client.expect(mqtt.PUBACK, 30)


class Listener:
    """A device that takes what is sent to it."""

    def __init__(self, hub, device):
        self.client = hub.client(device)
        self.client.subscribe(('devices/%s/messages/devicebound/#' % device.id, 1))

    def take(self):
        _, _, rest = self.client.receive(20)
        size, = struct.unpack('>H', rest[:2])
        topic, rest = rest[2:2 + size].decode(), rest[2 + size:]
        self.client.send(mqtt.packet(mqtt.PUBACK, 0, rest[:2]))
        return topic, rest[2:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()


# --- what the tutorials do ---

def test_the_tutorial(timed):
    explorer = Explorer(timed.directory)
    made = explorer.json('create', 'wind')
    key = made['authentication']['symmetricKey']
    device = Device(timed.host, {'deviceId': 'wind', 'primaryKey': key['primaryKey'], 'generationId': '',
                                 'secondaryKey': key['secondaryKey'], 'connectionString': ''})
    with explorer.watch('monitor-events', '--json', '--count', '5') as watch:
        watch.until('reading')
        with timed.client(device) as client:
            for n in range(1, 6):  # each is confirmed
                client.publish(device.topic('%%24.mid=message_%d&%%24.cid=correlation_%d&Property=PropMsg_%d' % (n, n, n)),
                               b'{"deviceId": "wind","windSpeed": 12.%d}' % n)
        for n in range(1, 6):
            event = json.loads(watch.line())
            assert event['device'] == 'wind' and event['body'] == {'deviceId': 'wind', 'windSpeed': float('12.%d' % n)}
            assert event['system']['message-id'] == 'message_%d' % n
            assert event['system']['correlation-id'] == 'correlation_%d' % n
            assert event['properties'] == {'Property': 'PropMsg_%d' % n}
        assert watch.end() == 0
    with Listener(timed, device) as listener, \
            explorer.watch('send', 'wind', 'Cloud to device message.', '--ack', 'full', '--wait', '--json',
                           '--property', 'a=b') as watch:
        message_id = json.loads(watch.line())['messageId']
        topic, body = listener.take()
        assert body == b'Cloud to device message.' and 'a=b' in topic and '%24.mid=' + message_id in topic
        timed.run('clock', 'advance', '15s')  # the hub collects feedback for so long
        told = json.loads(watch.line())
        assert (told['originalMessageId'], told['deviceId'], told['statusCode']) == (message_id, 'wind', 'Success')
        assert watch.end() == 0


def test_what_nobody_takes(timed):
    explorer = Explorer(timed.directory)
    timed.create('away')
    with explorer.watch('send', 'away', 'x', '--ack', 'negative', '--expiry', '30s', '--wait') as watch:
        assert watch.line().startswith('sent ')
        timed.run('clock', 'advance', '31s')
        timed.run('clock', 'advance', '15s')
        assert watch.line().endswith('  Expired')
        assert watch.end() == 1


def test_every_outcome_in_the_feedback(timed):
    """Rejected and given up by a device that polls; purged by the service."""
    explorer = Explorer(timed.directory)
    device = timed.create('d1')
    poll = Service(timed, token=device.token())
    box = '/devices/d1/messages/deviceBound'

    def lock():
        return poll.get(box).headers['ETag'].strip('"')
    with explorer.watch('monitor-feedback', '--json', '--count', '3') as watch:
        watch.until('waiting')
        for name in ('rejected', 'abandoned', 'completed'):
            explorer.run('send', 'd1', 'x', '--ack', 'full', '--message-id', name)
            if name == 'rejected':
                assert poll.delete('%s/%s?reject' % (box, lock())).status == 204
            elif name == 'completed':
                assert poll.delete('%s/%s' % (box, lock())).status == 204
            else:
                for _ in range(10):
                    assert poll.post('%s/%s/abandon' % (box, lock()), b'').status == 204
        timed.run('clock', 'advance', '15s')
        told = [json.loads(watch.line()) for _ in range(3)]
        assert {t['originalMessageId']: t['statusCode'] for t in told} == \
            {'rejected': 'Rejected', 'abandoned': 'DeliveryCountExceeded', 'completed': 'Success'}
        assert watch.end() == 0


# --- events ---

def test_the_line_is_that_of_the_devhub(devhub, explorer):  # noqa: F811
    device = devhub.create('d1')
    module = devhub.create('d1/m1')
    with devhub.client(device) as client:
        client.publish(device.topic('%24.mid=m&%24.cid=c&%24.uid=u&%24.ct=application%2Fjson&%24.ce=utf-8&%24.ctime=t'
                                    '&%24.to=x&%24.on=o&%24.sub=s&%24.schema=k&%24.ifid=i&iothub-ack=full&a=%C3%BC&n&e='),
                       b'{"x": [1, 2.50]}')
        client.publish(device.topic('%24.exp=2031-01-02T03%3A04%3A05.000Z'), b'\x00\xff')
    with devhub.client(module) as client:
        client.publish(module.topic(), b'"text"')
    theirs = devhub.events()
    ours = lines(explorer.run('monitor-events', '--from', 'start', '--count', 3, '--json'))
    for event in theirs + ours:
        del event['sequence']  # the log's, or the partition's
        event['system'].pop('x-opt-offset', None)
        if event['system'].get('to', '').endswith('/messages/events'):
            del event['system']['to']  # AMQP's own, where the device gave none

    def key(event):
        return json.dumps(event, sort_keys=True)
    assert sorted(map(key, ours)) == sorted(map(key, theirs))
    found = lines(explorer.run('monitor-events', 'd1/m1', '--from', 'start', '--count', 1, '--json'))
    assert found[0]['system']['iothub-connection-module-id'] == 'm1'


def test_a_hub_that_dies_and_comes_back(devhub, explorer):  # noqa: F811
    device = devhub.create('d1')
    with explorer.watch('monitor-events', '--json') as watch:
        watch.until('reading')
        for turn in range(3):
            with devhub.client(device) as client:
                send_many(client, device, [b'%d' % (turn * 100 + n) for n in range(100)])
            devhub.kill()
            devhub.start()
            watch.until('is back')
        seen = [json.loads(watch.line())['body'] for _ in range(300)]
        assert seen == list(range(300))
        assert watch.stop() == 0
        assert watch.rest() == []


def test_five_thousand_events_at_once(devhub, explorer):  # noqa: F811
    devices = [devhub.create('d%d' % n) for n in range(5)]

    def send_records(device):
        with devhub.client(device) as client:
            for n in range(1, 1001):
                client.send(mqtt.publish(device.topic('%%24.mid=telemetry.00000000000000ab.%d-%d' % (n, n)), b'[]', 1, n))
            for _ in range(1000):
                client.expect(mqtt.PUBACK, 30)
    with explorer.watch('monitor-events', '--verify', '--count', 5000, '--for', '40s') as watch:
        watch.until('reading')
        senders = [threading.Thread(target=send_records, args=(device,)) for device in devices]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert watch.end(45) == 0
        assert watch.rest()[-1] == 'received=5000 unique=5000 duplicates=0 gaps=0'
    done = explorer.run('monitor-events', '--from', 'start', '--count', 5000, '--json')
    assert len(done.stdout.splitlines()) == 5000


# --- refusals ---

def test_fifty_messages_and_no_more(devhub, explorer):  # noqa: F811
    devhub.create('d1')
    for _ in range(50):
        explorer.run('send', 'd1', 'x')
    assert '50 messages wait' in explorer.fails(5, 'send', 'd1', 'x')


@pytest.mark.parametrize('words', [['monitor-events'], ['monitor-feedback'], ['send', 'd1', 'x']])
def test_a_policy_without_the_right(devhub, words):  # noqa: F811
    login = 'HostName=%s;SharedAccessKeyName=registryRead;SharedAccessKey=%s' % (devhub.host,
                                                                                  policy_key(devhub, 'registryRead'))
    said = Explorer(devhub.directory, options=['--login', login]).fails(5, *words)
    assert 'ServiceConnect' in said and 'amqp:unauthorized-access' in said


def test_a_wrong_clock(devhub, explorer):  # noqa: F811
    devhub.create('d1')
    devhub.fault('set', 'clock-offset', '--offset', '+2h')
    assert 'clock' in explorer.fails(5, 'send', 'd1', 'x')


def test_who_is_unknown_or_too_large(devhub, explorer):  # noqa: F811
    devhub.create('d1')
    assert 'no such device' in explorer.fails(5, 'send', 'nobody', 'x')
    assert '64 KB' in explorer.fails(5, 'send', 'd1', '-', stdin='x' * 65536)
