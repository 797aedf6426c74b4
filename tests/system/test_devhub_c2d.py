# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: messages to devices, over MQTT and over HTTPS as a device that polls."""

import base64
import json

import pytest
from amqp import Amqp
from devhub import devhub  # noqa: F401  (a fixture)
from https import Service


class Poller(Service):
    """A device (or module) over HTTPS."""

    def __init__(self, devhub, device, token=None):
        super().__init__(devhub, token=token or device.token())
        self.base = '/devices/%s%s/messages' % (device.id, '/modules/' + device.module if device.module else '')

    def take(self, headers=None):
        return self.get(self.base + '/deviceBound', headers)

    def complete(self, lock):
        return self.delete('%s/deviceBound/%s' % (self.base, lock)).status

    def reject(self, lock):
        return self.delete('%s/deviceBound/%s?reject' % (self.base, lock)).status

    def abandon(self, lock):
        return self.post('%s/deviceBound/%s/abandon' % (self.base, lock), b'').status

    def event(self, body, headers=None):
        return self.post(self.base + '/events', body, headers)


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


@pytest.fixture
def poller(devhub, device):
    return Poller(devhub, device)


# --- a device over HTTPS, and nothing in its mailbox ---

def test_an_empty_mailbox_has_no_content(devhub, poller):
    answer = poller.take()
    assert (answer.status, answer.body) == (204, b'')
    assert poller.get('/DEVICES/d1/Messages/devicebound/').status == 204
    module = devhub.create('d1/m1')
    assert Poller(devhub, module).take().status == 204


def test_a_lock_that_nobody_has_is_lost(poller):
    for answer in (poller.delete(poller.base + '/deviceBound/x'), poller.delete(poller.base + '/deviceBound/x?reject'),
                   poller.post(poller.base + '/deviceBound/x/abandon', b'')):
        assert answer.status == 412
        assert answer.error == 'DeviceMessageLockLost'


@pytest.mark.parametrize('seconds, good', [('1', True), ('300', True), ('0', False), ('301', False), ('-1', False),
                                           ('1.5', False), ('', False), ('x', False)])
def test_how_long_a_lock_may_be(poller, seconds, good):
    answer = poller.take({'IotHub-MessageLockTimeout': seconds})
    assert answer.status == (204 if good else 400)
    assert answer.error == (None if good else 'ArgumentInvalid')


def test_who_may_take_messages(devhub, device):
    other = devhub.create('d2')
    for policy, status in ('device', 204), ('iothubowner', 204), ('service', 401), ('registryReadWrite', 401):
        answer = Service(devhub, policy).get('/devices/d1/messages/deviceBound')
        assert answer.status == status, policy
    assert Poller(devhub, device, token=device.token(key=device.secondary_key)).take().status == 204
    for token in (other.token(), device.token(key=other.key), device.token(expiry=1e9), 'nonsense',
                  other.token(resource=device.resource)):
        assert Poller(devhub, device, token=token).take().status == 401
    owner = Service(devhub)
    assert owner.get('/devices/d9/messages/deviceBound').error == 'DeviceNotFound'
    assert owner.get('/devices/d1/modules/m9/messages/deviceBound').error == 'ModuleNotFound'


def test_a_purge_of_nothing(devhub, device, poller):
    answer = Service(devhub, 'service').delete('/devices/d1/commands')
    assert answer.status == 200
    assert answer.json == {'deviceId': 'd1', 'moduleId': None, 'totalMessagesPurged': 0}
    assert poller.delete('/devices/d1/commands').status == 401
    assert Service(devhub).delete('/devices/d9/commands').error == 'DeviceNotFound'


# --- telemetry over HTTPS ---

def test_an_event_by_post(devhub, device, poller):
    answer = poller.event(b'{"t":1}', {
        'iothub-messageid': 'm 1', 'iothub-correlationid': 'c', 'iothub-userid': 'u',
        'iothub-contenttype': 'application/json', 'iothub-contentencoding': 'utf-8',
        'iothub-to': '/devices/d1/messages/events', 'dt-subject': 'thermostat1', 'iothub-app-Level': 'a+b&c=d', 'IOTHUB-APP-empty': ''})
    assert (answer.status, answer.body) == (204, b'')
    event, = devhub.events('d1')
    assert event['body'] == {'t': 1}
    assert event['properties'] == {'Level': 'a+b&c=d', 'empty': ''}
    for name, value in (('message-id', 'm 1'), ('correlation-id', 'c'), ('user-id', 'u'),
                        ('content-type', 'application/json'), ('content-encoding', 'utf-8')):
        assert event['system'][name] == value, name
    assert event['system']['iothub-connection-auth-generation-id'] == device.generation_id
    assert '"scope":"device"' in event['system']['iothub-connection-auth-method']


def test_events_of_a_module_and_by_a_policy(devhub, device):
    module = devhub.create('d1/m1')
    assert Poller(devhub, module).event(b'1').status == 204
    owner = Service(devhub, 'device')
    assert owner.post('/devices/d1/messages/events', b'2').status == 204
    assert owner.post('/devices/d9/messages/events', b'3').error == 'DeviceNotFound'
    first, second = devhub.events('d1')
    assert first['system']['iothub-connection-module-id'] == 'm1'
    assert '"scope":"module"' in first['system']['iothub-connection-auth-method']
    assert '"scope":"hub"' in second['system']['iothub-connection-auth-method']


def test_an_event_of_256_kib(devhub, poller):
    name, value = 'p', 'v' * 100
    body = b'x' * (262144 - len(name + value))
    assert poller.event(body, {'iothub-app-' + name: value}).status == 204
    for answer in (poller.event(body + b'x', {'iothub-app-' + name: value}), poller.event(b'x' * 262145)):
        assert answer.status == 413
        assert answer.error == 'MessageTooLarge'
    assert len(devhub.events()) == 1


def test_an_event_by_post_wakes_those_who_read(devhub, poller):
    with Amqp(devhub) as amqp:
        amqp.allow()
        readers = [amqp.read(p) for p in amqp.entity()['partition_ids'].elements]
        assert poller.event(b'1').status == 204
        amqp.wait(lambda: any(r.fetcher.has_message for r in readers), timeout=20, msg='reading')
        for reader in readers:
            reader.close()


BATCH = 'application/vnd.microsoft.iothub.json'


def test_a_batch_of_events(devhub, poller):
    batch = [{'body': base64.b64encode(b'\xff1').decode(),
              'properties': {'iothub-messageid': 'm', 'iothub-app-a': 'b', 'other': 'x'}},
             {'body': '{"t":2}', 'base64Encoded': False}, {'body': 'Mw==', 'base64Encoded': True, 'properties': {}}]
    assert poller.event(json.dumps(batch).encode(), {'Content-Type': BATCH}).status == 204
    first, second, third = devhub.events('d1')
    assert base64.b64decode(first['body_base64']) == b'\xff1'
    assert (first['properties'], first['system']['message-id']) == ({'a': 'b'}, 'm')
    assert (second['body'], third['body']) == ({'t': 2}, 3)
    assert poller.event(b'[]', {'Content-Type': BATCH + '; charset=utf-8'}).status == 204
    assert len(devhub.events()) == 3


@pytest.mark.parametrize('batch', [
    {}, [1], [{}], [{'body': 1}], [{'body': '*'}], [{'body': 'x', 'base64Encoded': 0}], [{'body': '', 'properties': []}],
    [{'body': '', 'properties': {'iothub-app-a': 1}}], [{'body': ''}, {'body': '', 'properties': {'iothub-app-': 'x'}}],
    [{'body': ''}] * 501])
def test_a_batch_that_is_none_is_refused_whole(devhub, poller, batch):
    answer = poller.event(json.dumps(batch).encode(), {'Content-Type': BATCH})
    assert (answer.status, answer.error) == (400, 'ArgumentInvalid')
    assert poller.event(b'[', {'Content-Type': BATCH}).status == 400
    assert devhub.events() == []


def test_an_event_with_properties_that_are_no_text(devhub, poller):
    for headers in {'iothub-app-': 'no name'}, {'iothub-app-p': b'\xff\xfe'}:
        answer = poller.event(b'1', headers)
        assert (answer.status, answer.error) == (400, 'ArgumentInvalid')
    assert devhub.events() == []
