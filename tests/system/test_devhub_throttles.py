# SPDX-License-Identifier: Apache-2.0
"""The devhub with a tier: a burst is let through, then one has to wait, then one is refused; how each door says so."""

import time

import mqtt
from amqp import Amqp
from c2d import Poller
from devhub import API
from dps import RESPONSES, Guest
from https import Connection
from tier import DAYS, client_of, conditions, device_of, events, read_pubacks, service_of, start, stored, tally, usage  # noqa: F401
from twin import Published, TwinClient

KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='


def flood(client, topic, qos=1, most=30000):
    """Sends until the other end has had enough; how many PUBACKs came."""
    n = 0
    try:
        for first in range(0, most, 500):
            client.send(events(topic, first, 500, qos))
        while qos:
            client.expect(mqtt.PUBACK, 60)
            n += 1
    except (mqtt.Closed, OSError):
        return n
    return None


# --- throttles over MQTT ---

def test_trap_30_pubacks_come_late_then_the_link_is_closed(start):
    hub = start('S1')
    device = device_of(hub)
    began = time.monotonic()
    with client_of(hub, device) as client:
        client.send(events(device.topic(), 0, 6300))
        read_pubacks(client, 6300)
        # a minute's worth of 100/s at once, the others at that rate: however slow the machine is
        assert time.monotonic() - began >= 2.9
        assert tally(hub, 'd2c-send')['delayed'] >= 1
        assert flood(client, device.topic()) is not None
    now = tally(hub, 'd2c-send')
    assert now['throttled'] == 1 and '429002' in hub.log.read_text()
    assert now['billed'] == len(stored(hub))
    # and then it is as it was
    hub.run('clock', 'advance', '2min')
    with client_of(hub, device) as client:
        client.publish(device.topic(), b'1')
    assert tally(hub, 'd2c-send')['delayed'] == now['delayed']


def test_trap_30_at_qos_0_events_are_lost_without_a_word(start):
    hub = start('S1')
    device = device_of(hub)
    with client_of(hub, device) as client:
        assert flood(client, device.topic(), qos=0, most=14000) is None
        client.send(mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP, 30)
    now = tally(hub, 'd2c-send')
    assert now['throttled'] > 0
    assert now['billed'] == len(stored(hub)) == 14000 - now['throttled']


def answers_to(hub, packet, n):
    """Of n who connect at a time: the code of each CONNACK, or None."""
    clients = [hub.open(timeout=30) for _ in range(n)]
    for client in clients:
        client.send(packet)
    answers = []
    for client in clients:
        try:
            answers.append(client.expect(mqtt.CONNACK, 30)[1])
        except mqtt.Closed:
            answers.append(None)
        client.close()
    return answers


def test_connacks_come_late_then_not_at_all(start):
    hub = start('S1')
    device = device_of(hub)
    token = device.token(expiry=time.time() + 9 * DAYS)
    answers = answers_to(hub, mqtt.connect(device.client_id, device.username('api-version=' + API), token), 600)
    now = tally(hub, 'connect')
    assert now['delayed'] > 0 and now['throttled'] > 0
    assert answers.count(None) == now['throttled']
    assert answers.count(0) == 600 - now['throttled']
    assert 'too many connect at a time' in hub.log.read_text()
    assert 400 <= 600 - now['throttled']


def test_strangers_use_up_nothing_of_the_connections_that_are_allowed(start):
    hub = start('S1')
    device = device_of(hub)
    bad = device.token(key=KEY, expiry=time.time() + 9 * DAYS)
    answers = answers_to(hub, mqtt.connect('nobody'), 150)
    answers += answers_to(hub, mqtt.connect(device.client_id, device.username('api-version=' + API), bad), 150)
    assert set(answers) <= {4, 5} and None not in answers
    with client_of(hub, device) as client:
        client.publish(device.topic(), b'1')
    now = tally(hub, 'connect')
    assert now['delayed'] == now['throttled'] == 0


def test_trap_56_a_client_that_tries_again_each_second_is_not_throttled(start):
    hub = start('F1')
    device = device_of(hub)
    for _ in range(20):
        with client_of(hub, device) as client:
            client.send(mqtt.publish('devices/another/messages/events/', b'1'))
            client.expect_close()
    now = tally(hub, 'connect')
    assert now['delayed'] == now['throttled'] == 0


def test_twins_over_mqtt_are_answered_with_429(start):
    hub = start('F1')
    with TwinClient(hub, device_of(hub)) as twin:
        statuses = []
        while 429 not in statuses and len(statuses) < 20000:
            twin.client.send(b''.join(mqtt.publish('$iothub/twin/PATCH/properties/reported/?$rid=%d' % i, b'{"a":%d}' % i,
                                                   0) for i in range(500)))
            statuses += [int(twin.published(30).match(r'\$iothub/twin/res/(\d+)/.*')[1]) for _ in range(500)]
        assert set(statuses) == {204, 429} and statuses.index(429) >= 3000
        now = tally(hub, 'twin-update')
        assert now['throttled'] == statuses.count(429) and now['billed'] == statuses.count(204)
        twin.get()  # has a limit of its own
        hub.run('clock', 'advance', '2min')
        twin.report({'a': 'again'})


# --- throttles for services ---

def until_throttled(call, most):
    for n in range(most):
        answer = call()
        if answer.status == 429:
            return n, answer
        assert answer.status < 300, answer.body
    raise AssertionError('not throttled after %d' % most)


def test_services_over_https_get_429_and_are_told_when_to_come_again(start):
    hub = start('S1')
    service, connection = service_of(hub), Connection(hub)
    n, answer = until_throttled(lambda: service.get('/devices/d1', connection=connection), 400)
    assert n >= 100
    assert (answer.error, answer.headers['Retry-After']) == ('ThrottlingException', '1')
    assert answer.json['Message'].startswith('ErrorCode:ThrottlingException;')
    n, answer = until_throttled(lambda: service.post('/devices/query', {'query': 'SELECT * FROM devices'},
                                                     connection=connection), 80)
    assert n >= 20 and 1 <= int(answer.headers['Retry-After']) <= 3
    assert service.get('/twins/d1', connection=connection).status == 200  # has another limit
    hub.run('clock', 'advance', '1min')
    assert service.get('/devices/d1', connection=connection).status == 200
    now = usage(hub)['operations']
    assert now['registry']['throttled'] == now['query']['throttled'] == 1
    assert now['registry']['billed'] == 0 and now['query']['billed'] == n


def test_methods_are_limited_by_size_and_billed_also_in_vain(start):
    hub = start('S1')
    service, connection = service_of(hub), Connection(hub)
    wish, statuses = {'methodName': 'a', 'payload': 'x' * 120000}, []
    while 429 not in statuses and len(statuses) < 200:
        statuses.append(service.post('/twins/d1/methods', wish, connection=connection).status)
    assert set(statuses) == {404, 429}  # the device is not there
    assert 160 * 60 // 120 <= len(statuses)
    assert tally(hub, 'method')['billed'] == statuses.count(404) * 30


def test_messages_to_devices_are_throttled_over_amqp(start):
    devices = ['c%d' % i for i in range(8)]
    for device in devices:
        start.hub.create(device)
    hub = start('F1')
    with Amqp(hub).allow() as amqp:
        got = conditions(amqp, devices, 300)
    assert set(got) == {None, 'com.microsoft:device-container-throttled'}
    now = tally(hub, 'c2d-send')
    assert got.index('com.microsoft:device-container-throttled') >= 100
    assert (now['billed'], now['throttled']) == (got.count(None), 300 - got.count(None))


def test_devices_that_ask_for_messages_too_often_get_429(start):
    hub = start('F1')
    poller = Poller(hub, device_of(hub))
    connection = Connection(hub)
    n, answer = until_throttled(lambda: poller.get(poller.base + '/deviceBound', connection=connection), 4000)
    assert n >= 1000 and answer.headers['Retry-After'] == '1'


def test_registrations_of_devices_are_limited(start):
    hub = start('S3')
    enrolled = service_of(hub).put('/enrollments/dev1', {'registrationId': 'dev1', 'attestation': {
        'type': 'symmetricKey', 'symmetricKey': {'primaryKey': KEY, 'secondaryKey': KEY}}})
    assert enrolled.status == 200, enrolled.body
    with Guest(hub, 'dev1', KEY, subscribe=False) as guest:
        assert guest.subscribe((RESPONSES, 0)) == [0]
        for rid in range(0, 4000, 100):
            guest.send(b''.join(mqtt.publish('$dps/registrations/PUT/iotdps-register/?$rid=%d' % (rid + i), b'', 0)
                                for i in range(100)))
            topics = [Published(*guest.receive(30)[1:]).topic for _ in range(100)]
            refused = [topic for topic in topics if '/res/429/' in topic]
            if refused:
                break
    assert rid >= 900
    assert 'retry-after=1' in refused[0]
    assert tally(hub, 'provision')['throttled'] == len(refused)
