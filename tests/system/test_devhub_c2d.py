# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: messages to devices, over MQTT and over HTTPS as a device that polls.

The cloud's side is Qpid Proton for Python, the device's side is written by hand: nothing here is code of ours.
"""

import base64
import json
import re
import time

import mqtt
import pytest
from amqp import Amqp
from c2d import Poller, acknowledge, arrived, c2d_filter
from cloud import Cloud, Rejected
from devhub import Devhub, devhub  # noqa: F401  (a fixture)
from https import Service


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


@pytest.fixture
def poller(devhub, device):
    return Poller(devhub, device)


@pytest.fixture
def cloud(devhub):
    with Cloud(devhub) as cloud:
        yield cloud


@pytest.fixture
def timed(tmp_path):
    """A devhub whose clock is ours."""
    with Devhub(tmp_path / 'timed').start('--virtual-clock') as hub:
        yield hub


def pass_time(hub, span):
    hub.run('clock', 'advance', span)


def ends(cloud, count):
    """How messages ended: {message id: word}."""
    records = cloud.feedback(count)
    assert len(records) == count
    for record in records:
        assert record['description'] == record['statusCode']
    return {record['originalMessageId']: record['statusCode'] for record in records}


# --- over MQTT ---

def test_trap_3_4_5_7_the_topic_of_a_message(devhub, device, cloud):
    expiry = int(time.time()) + 600
    cloud.send('d1', b'hello', id='m/1', correlation_id='c 1', user_id=b'u', content_type='application/json',
               content_encoding='utf-8', expiry=expiry, ack='full',
               properties={'k e/y': 'v+l=\u00fc&#~', 'empty': ''})
    with devhub.client(device) as client:
        client.subscribe(c2d_filter(device))
        message = arrived(client)
        assert message.topic.startswith('devices/d1/messages/devicebound/%24.mid=m%2F1&%24.to=%2Fdevices%2Fd1%2F')
        assert re.search('&%24.exp=' + time.strftime('%Y-%m-%dT%H%%3A%M%%3A%S', time.gmtime(expiry)) +
                         r'\.0000000Z(&|$)', message.topic)
        assert message.topic.count('/') == 4
        assert not re.search('[+#~ ]', message.topic)
        assert (message.qos, message.dup, message.retain, message.body) == (1, False, False, b'hello')
        bag = dict(message.bag)
        for name, value in (('$.mid', 'm/1'), ('$.to', '/devices/d1/messages/devicebound'), ('$.cid', 'c 1'),
                            ('$.uid', 'u'), ('$.ct', 'application/json'), ('$.ce', 'utf-8'), ('iothub-ack', 'full'),
                            ('k e/y', 'v+l=\u00fc&#~'), ('empty', '')):
            assert bag[name] == value, name


def test_trap_4_a_bare_message_has_a_bag(devhub, device, cloud):
    cloud.send('d1', b'')
    with devhub.client(device) as client:
        client.subscribe(c2d_filter(device))
        message = arrived(client)
        assert message.bag == [('$.to', '/devices/d1/messages/devicebound')]
        assert message.body == b''


def test_trap_23_a_puback_completes(timed):
    device = timed.create('d1')
    with Cloud(timed) as cloud, timed.client(device) as client:
        client.subscribe(c2d_filter(device))
        for n in range(3):
            cloud.send('d1', b'%d' % n, id=str(n), ack='positive')
        messages = [arrived(client) for _ in range(3)]
        assert [m.body for m in messages] == [b'0', b'1', b'2']
        for message in messages:
            acknowledge(client, message)
        client.send(mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP)
        pass_time(timed, '15s')
        assert ends(cloud, 3) == {'0': 'Success', '1': 'Success', '2': 'Success'}
        client.expect_silence(0.2)


def test_at_qos_0_a_message_is_complete_when_it_is_sent(devhub, device, cloud, poller):
    with devhub.client(device) as client:
        assert client.subscribe((c2d_filter(device), 0)) == [0]
        cloud.send('d1', b'1')
        assert arrived(client).qos == 0
    assert poller.take().status == 204


def test_messages_wait_for_who_is_away_and_a_clean_session_keeps_them(devhub, device, cloud):
    with devhub.client(device, clean=True) as client:
        client.expect_silence(0.1)
    cloud.send('d1', b'1')
    cloud.send('d1', b'2')
    with devhub.client(device, clean=True) as client:
        client.expect_silence(0.2)  # it has not subscribed
        client.subscribe(c2d_filter(device))
        assert [arrived(client).body for _ in range(2)] == [b'1', b'2']


def test_trap_21_a_kept_session_gets_them_after_connack(devhub, device, cloud):
    with devhub.client(device, clean=False) as client:
        client.subscribe(c2d_filter(device))
        cloud.send('d1', b'1')
        cloud.send('d1', b'2')
        _, second = arrived(client), arrived(client)
        acknowledge(client, second)
        client.send(mqtt.packet(mqtt.DISCONNECT))
        client.expect_close()
    cloud.send('d1', b'3')
    with devhub.client(device, clean=False) as client:
        assert client.session_present
        again, third = arrived(client), arrived(client)
        assert (again.body, again.dup) == (b'1', False)
        assert (third.body, third.dup) == (b'3', False)


def test_the_hubs_own_time_to_live_and_delivery_count(tmp_path):
    with Devhub(tmp_path / 'hub').start('--virtual-clock', '--c2d-ttl', '2min', '--c2d-max-delivery', '2') as hub, \
            Cloud(hub) as cloud:
        poller = Poller(hub, hub.create('d1'))
        cloud.send('d1', b'1', id='counted', ack='full')
        assert poller.abandon(poller.lock()) == 204
        assert poller.abandon(poller.lock()) == 204
        cloud.send('d1', b'2', id='timed', ack='full')
        pass_time(hub, '119s')
        assert Service(hub).get('/devices/d1').json['cloudToDeviceMessageCount'] == 1
        pass_time(hub, '1s')
        assert poller.take().status == 204
        pass_time(hub, '15s')
        assert ends(cloud, 2) == {'counted': 'DeliveryCountExceeded', 'timed': 'Expired'}


def test_without_a_puback_it_comes_again_as_a_duplicate(timed):
    device = timed.create('d1')
    with Cloud(timed) as cloud, timed.client(device) as client:
        client.subscribe(c2d_filter(device))
        cloud.send('d1', b'1', id='m', ack='full')
        first = arrived(client)
        pass_time(timed, '59s')
        client.expect_silence(0.2)
        pass_time(timed, '1s')
        again = arrived(client)
        assert (again.body, again.ident, again.dup) == (b'1', first.ident, True)
        acknowledge(client, again)
        client.send(mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP)
        pass_time(timed, '15s')
        assert ends(cloud, 1) == {'m': 'Success'}


def test_a_new_link_takes_over_what_the_old_one_held(devhub, device, cloud):
    with devhub.client(device) as old:
        old.subscribe(c2d_filter(device))
        cloud.send('d1', b'1')
        assert arrived(old).body == b'1'
        with devhub.client(device) as new:
            old.expect_close()
            new.subscribe(c2d_filter(device))
            message = arrived(new)
            assert (message.body, message.dup) == (b'1', False)


def test_a_message_goes_to_its_device_or_module_alone(devhub, device, cloud):
    module, other = devhub.create('d1/m1'), devhub.create('d2')
    clients = [devhub.client(one) for one in (device, module, other)]
    for one, client in zip((device, module, other), clients):
        client.subscribe(c2d_filter(one))
    cloud.send('d1/m1', b'module')
    message = arrived(clients[1])
    assert message.topic.startswith('devices/d1/modules/m1/messages/devicebound/%24.to=')
    cloud.send('d2', b'other')
    assert arrived(clients[2]).body == b'other'
    clients[0].expect_silence(0.2)
    for client in clients:
        client.close()


def test_what_a_device_no_longer_asks_for_stays(devhub, device, cloud, poller):
    with devhub.client(device) as client:
        client.subscribe(c2d_filter(device))
        client.send(mqtt.unsubscribe(2, c2d_filter(device)))
        client.expect(mqtt.UNSUBACK)
        cloud.send('d1', b'1')
        client.expect_silence(0.2)
        assert poller.take().body == b'1'


# --- what the hub refuses ---

def test_the_51st_message_is_refused(devhub, device, cloud, poller):
    for n in range(50):
        cloud.send('d1', b'%d' % n)
    with pytest.raises(Rejected) as refused:
        cloud.send('d1', b'50')
    assert refused.value.condition == 'amqp:resource-limit-exceeded'
    assert Service(devhub).get('/devices/d1').json['cloudToDeviceMessageCount'] == 50
    assert poller.complete(poller.lock()) == 204
    cloud.send('d1', b'50')
    with devhub.client(device) as client:
        client.subscribe(c2d_filter(device))
        assert [int(arrived(client).body) for _ in range(50)] == list(range(1, 51))


def test_who_is_not_there_and_what_is_too_large(devhub, device, cloud):
    for name in 'd9', 'D1', 'd1/m9':
        with pytest.raises(Rejected) as refused:
            cloud.send(name, b'1')
        assert refused.value.condition == 'amqp:not-found', name
    cloud.send('d1', b'x' * (65536 - len('/devices/d1/messages/devicebound')))
    with pytest.raises(Rejected) as refused:
        cloud.send('d1', b'x' * (65537 - len('/devices/d1/messages/devicebound')))
    assert refused.value.condition == 'amqp:link:message-size-exceeded'


# --- every end, and who is told ---

@pytest.mark.parametrize('ack', ['none', 'positive', 'negative', 'full'])
def test_feedback_on_every_end(timed, ack):
    device = timed.create('d1')
    poller = Poller(timed, device)
    with Cloud(timed) as cloud:
        for name in 'success', 'rejected', 'exceeded', 'expired', 'purged':
            cloud.send('d1', b'', id=name, ack=ack, expiry=int(time.time()) + 30 if name == 'expired' else None)
        assert poller.complete(poller.lock()) == 204
        assert poller.reject(poller.lock()) == 204
        for n in range(10):
            answer = poller.take()
            assert answer.headers['iothub-deliverycount'] == str(n)
            assert poller.abandon(answer.headers['ETag'].strip('"')) == 204
        pass_time(timed, '31s')
        assert Service(timed).delete('/devices/d1/commands').json['totalMessagesPurged'] == 1
        cloud.send('d1', b'', id='last', ack='full')  # so that there is something to wait for
        assert poller.complete(poller.lock()) == 204
        pass_time(timed, '20s')
        told = {'last': 'Success'}
        if ack in ('positive', 'full'):
            told['success'] = 'Success'
        if ack in ('negative', 'full'):
            told.update(rejected='Rejected', exceeded='DeliveryCountExceeded', expired='Expired', purged='Purged')
        assert ends(cloud, len(told)) == told


def test_what_feedback_says(timed):
    device = timed.create('d1')
    poller = Poller(timed, device)
    with Cloud(timed) as cloud:
        cloud.send('d1', b'', id='m', ack='full')
        assert poller.complete(poller.lock()) == 204
        pass_time(timed, '15s')
        batch = cloud.batch()
        assert batch.content_type == 'application/vnd.microsoft.iothub.feedback.json'
        assert batch.user_id == b'devhub'
        record, = json.loads(bytes(batch.body))
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', record.pop('enqueuedTimeUtc'))
        assert record == {'originalMessageId': 'm', 'statusCode': 'Success', 'description': 'Success', 'deviceId': 'd1',
                          'deviceGenerationId': device.generation_id}


def test_a_device_that_is_deleted_takes_its_mail_along(timed):
    timed.create('d1')
    with Cloud(timed) as cloud:
        cloud.send('d1', b'', id='lost', ack='full')
        timed.run('device', 'delete', 'd1')
        device = timed.create('d1')
        poller = Poller(timed, device)
        assert poller.take().status == 204
        cloud.send('d1', b'', id='kept', ack='full')
        assert poller.complete(poller.lock()) == 204
        pass_time(timed, '15s')
        assert ends(cloud, 1) == {'kept': 'Success'}


def test_messages_and_feedback_survive_a_kill(timed):
    device = timed.create('d1')
    poller = Poller(timed, device)
    with Cloud(timed) as cloud:
        for n in range(3):
            cloud.send('d1', b'%d' % n, id=str(n), ack='full')
        assert poller.complete(poller.lock()) == 204
        held = poller.lock()
        client = timed.client(device)
        client.subscribe(c2d_filter(device))
        assert arrived(client).body == b'2'
    timed.kill()
    timed.start('--virtual-clock')
    assert poller.complete(held) == 204  # a lock is good for its time
    assert poller.complete(poller.lock()) == 204  # the link's lock went with the link
    assert poller.take().status == 204
    pass_time(timed, '20s')
    with Cloud(timed) as cloud:
        assert ends(cloud, 3) == {'0': 'Success', '1': 'Success', '2': 'Success'}


# --- a device over HTTPS ---

def test_a_message_over_https(devhub, device, cloud, poller):
    expiry = int(time.time()) + 600
    cloud.send('d1', b'a\0b', id='m 1', correlation_id='c', user_id=b'u', content_type='text/plain',
               content_encoding='utf-8', expiry=expiry, ack='full', properties={'Level': 'a+b', 'k\u00fc/y': '\u00fc'})
    answer = poller.take()
    assert (answer.status, answer.body) == (200, b'a\0b')
    for name, value in (('iothub-messageid', 'm 1'), ('iothub-correlationid', 'c'), ('iothub-userid', 'u'),
                        ('iothub-to', '/devices/d1/messages/devicebound'), ('iothub-ack', 'full'),
                        ('iothub-deliverycount', '0'), ('ContentType', 'text/plain'), ('ContentEncoding', 'utf-8'),
                        ('iothub-app-Level', 'a+b'), ('iothub-app-k%C3%BC%2Fy', '%C3%BC'),
                        ('iothub-expiry', time.strftime('%Y-%m-%dT%H:%M:%S.0000000Z', time.gmtime(expiry)))):
        assert answer.headers[name] == value, name
    assert int(answer.headers['iothub-sequencenumber']) > 0
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z', answer.headers['iothub-enqueuedtime'])
    assert re.fullmatch('"[0-9a-f-]{36}"', answer.headers['ETag'])
    assert poller.take().status == 204  # it is locked
    lock = answer.headers['ETag'].strip('"')
    other = devhub.create('d2')
    assert Poller(devhub, other).complete(lock) == 412
    assert poller.complete(lock) == 204
    assert poller.complete(lock) == 412


def test_trap_22_a_lock_that_ends_is_not_counted(timed):
    device = timed.create('d1')
    poller = Poller(timed, device)
    with Cloud(timed) as cloud:
        cloud.send('d1', b'1')
        for span, wait in ('60', '60s'), ('10', '10s'), ('300', '5min'):
            answer = poller.take({'IotHub-MessageLockTimeout': span})
            assert answer.headers['iothub-deliverycount'] == '0'
            pass_time(timed, '1s')
            assert poller.take().status == 204
            pass_time(timed, wait)
            assert poller.complete(answer.headers['ETag'].strip('"')) == 412
        assert poller.abandon(poller.lock()) == 204
        assert poller.take().headers['iothub-deliverycount'] == '1'


def test_mqtt_and_https_take_from_one_mailbox(devhub, device, cloud, poller):
    cloud.send('d1', b'1')
    cloud.send('d1', b'2')
    lock = poller.lock()
    with devhub.client(device) as client:
        client.subscribe(c2d_filter(device))
        assert arrived(client).body == b'2'
        client.expect_silence(0.1)
        assert poller.abandon(lock) == 204
        assert arrived(client).body == b'1'


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


def test_a_disabled_device_gets_and_sends_nothing_but_keeps_its_mail(devhub, device, cloud, poller):
    owner = Service(devhub)
    record = owner.get('/devices/d1').json
    cloud.send('d1', b'1')
    assert owner.put('/devices/d1', {**record, 'status': 'disabled'}, {'If-Match': '*'}).status == 200
    by_policy = Poller(devhub, device, token=Service(devhub, 'device').token)
    for one in poller, by_policy:
        assert one.take().status == one.event(b'1').status == one.complete('x') == 401
    cloud.send('d1', b'2')
    assert owner.put('/devices/d1', record, {'If-Match': '*'}).status == 200
    assert (poller.take().body, by_policy.take().body) == (b'1', b'2')
    assert devhub.events() == []


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
    [{'body': '', 'properties': {'iothub-app-a': 1}}], [{'body': '', 'properties': {'iothub-app-a': 'b\0c'}}],
    [{'body': ''}, {'body': '', 'properties': {'iothub-app-': 'x'}}],
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
