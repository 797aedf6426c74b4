# SPDX-License-Identifier: Apache-2.0
"""The devhub: messages to devices sent over AMQP, what becomes of them, and the feedback."""

import json
import struct
import time
import uuid

import mqtt
import pytest
from amqp import Amqp
from devhub import devhub  # noqa: F401
from https import Service
from proton import Delivery, Message, Timeout, timestamp
from proton.reactor import LinkOption
from proton.utils import LinkDetached, SendException

DEVICEBOUND = '/messages/devicebound'
FEEDBACK = '/messages/serviceBound/feedback'


class SettlesSecond(LinkOption):
    def apply(self, link):
        link.rcv_settle_mode = 1


@pytest.fixture
def hub(devhub):  # noqa: F811
    """Its clock can be moved: feedback takes 15 s."""
    devhub.stop()
    return devhub.start('--virtual-clock')


def message(device, body=b'hello', **kwargs):
    return Message(address='/devices/%s/messages/devicebound' % device, body=body, inferred=True, **kwargs)


def send(amqp, *messages, address=DEVICEBOUND):
    """The conditions of those that were rejected, None for the others."""
    sender = amqp.create_sender(address, name=str(uuid.uuid4()))
    conditions = []
    for m in messages:
        try:
            sender.send(m)
            conditions.append(None)
        except SendException as refusal:
            assert refusal.state == Delivery.REJECTED
            conditions.append(refusal)
    sender.close()
    return conditions


def take(client):
    """The next message over MQTT, acknowledged: its bag and its body."""
    kind, flags, packet = client.receive(20)
    assert kind == mqtt.PUBLISH and flags & 6 == 2
    size, = struct.unpack('>H', packet[:2])
    client.send(mqtt.packet(mqtt.PUBACK, 0, packet[2 + size:4 + size]))
    topic = packet[2:2 + size].decode()
    assert topic.startswith('devices/d1/messages/devicebound/')
    return topic.split('/', 4)[4], packet[4 + size:]


def listening(devhub, device):  # noqa: F811
    client = devhub.client(device)
    assert client.subscribe(('devices/%s/messages/devicebound/#' % device.id, 1)) == [1]
    return client


def feedback(amqp, options=None, address=FEEDBACK):
    return amqp.create_receiver(address, credit=10, name=str(uuid.uuid4()), options=options)


def records(got):
    assert got.content_type == 'application/vnd.microsoft.iothub.feedback.json'
    assert got.user_id == b'devhub'
    assert isinstance(got.annotations['iothub-enqueuedtime'], timestamp)
    return json.loads(bytes(got.body))


def test_a_message_reaches_its_device_and_its_feedback_the_sender(hub):
    device = hub.create('d1')
    with listening(hub, device) as client, Amqp(hub).allow() as amqp:
        receiver = feedback(amqp)
        assert send(amqp, message('d1', b'wake up', id='m1', correlation_id='c1', content_type='text/plain',
                                  properties={'iothub-ack': 'full', 'level': '3'})) == [None]
        bag, body = take(client)
        assert body == b'wake up'
        assert {'%24.mid=m1', '%24.cid=c1', '%24.ct=text%2Fplain', 'level=3'} <= set(bag.split('&'))
        client.send(mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP)
        hub.run('clock', 'advance', '16s')
        record, = records(receiver.receive(20))
        receiver.accept()
    assert (record['originalMessageId'], record['statusCode'], record['deviceId']) == ('m1', 'Success', 'd1')
    assert record['deviceGenerationId'] == device.generation_id


def test_a_message_waits_for_its_device_also_while_the_hub_is_down(hub):
    device = hub.create('d1')
    with Amqp(hub).allow() as amqp:
        assert send(amqp, message('d1', b'one'), message('d1', b'two')) == [None, None]
    hub.kill()
    hub.start()
    with listening(hub, device) as client:
        assert [take(client)[1] for _ in range(2)] == [b'one', b'two']


def test_an_expired_message_gives_negative_feedback(hub):
    hub.create('d1')
    with Amqp(hub).allow() as amqp:
        receiver = feedback(amqp)
        assert send(amqp, message('d1', id='m1', expiry_time=time.time() + 60, properties={'iothub-ack': 'negative'}),
                    message('d1', id='m2', properties={'iothub-ack': 'positive'})) == [None, None]
        hub.run('clock', 'advance', '61s')
        hub.run('clock', 'advance', '16s')
        record, = records(receiver.receive(20))
        receiver.accept()
    assert (record['originalMessageId'], record['statusCode']) == ('m1', 'Expired')


def test_trap_40_addresses_in_any_case_and_absolute(devhub):  # noqa: F811
    device = devhub.create('d1')
    with listening(devhub, device) as client, Amqp(devhub).allow() as amqp:
        for address in '/messages/deviceBound', 'amqps://%s/messages/devicebound' % devhub.host, \
                'amqps://%s:%d/messages/deviceBound' % (devhub.host, devhub.amqps_port):
            assert send(amqp, message('d1', address.encode()), address=address) == [None]
            assert take(client)[1] == address.encode()
        for address in '/messages/servicebound/feedback', 'amqps://%s/messages/serviceBound/feedback' % devhub.host:
            feedback(amqp, address=address)


def test_ids_of_devices_are_decoded(devhub):  # noqa: F811
    devhub.create('a=b')
    with Amqp(devhub).allow() as amqp:
        assert send(amqp, message('a%3Db'), message('a=b')) == [None, None]
    assert Service(devhub).get('/devices/a=b').json['cloudToDeviceMessageCount'] == 2


def test_what_cannot_be_delivered_is_rejected(devhub):  # noqa: F811
    devhub.create('d1')
    with Amqp(devhub).allow() as amqp:
        assert all(send(amqp, message('nobody'), message('d1/modules/none'), message('d1', b'x' * 66000),
                        message('d1', properties={'iothub-ack': 'perhaps'}), Message(address='nowhere')))
        conditions = send(amqp, *[message('d1') for _ in range(51)])
    assert conditions[:50] == [None] * 50 and conditions[50]


def test_what_is_far_too_large_costs_its_link_and_no_more(devhub):  # noqa: F811
    devhub.create('d1')
    with Amqp(devhub).allow() as amqp:
        for _ in range(4):  # each larger than the window of the session that they share
            sender = amqp.create_sender(DEVICEBOUND, name=str(uuid.uuid4()))
            with pytest.raises(LinkDetached) as detached:
                sender.send(message('d1', b'x' * 2000000))
            assert detached.value.condition == 'amqp:link:message-size-exceeded'
            assert send(amqp, message('d1')) == [None]


def test_throttle_and_quota_by_a_fault(devhub):  # noqa: F811
    devhub.create('d1')
    with Amqp(devhub).allow() as amqp:
        devhub.fault('set', 'throttle', '--count', '1')
        refused, sent = send(amqp, message('d1'), message('d1'))
        assert refused and not sent
        devhub.fault('set', 'quota', '--count', '1')
        refused, sent = send(amqp, message('d1'), message('d1'))
        assert refused and not sent


def one_batch(hub, amqp):
    device = hub.create('d1')
    with listening(hub, device) as client:
        send(amqp, message('d1', id='m1', properties={'iothub-ack': 'full'}))
        take(client)
        client.send(mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP)
    hub.run('clock', 'advance', '16s')


def test_feedback_that_is_given_back_comes_again(hub):
    with Amqp(hub).allow() as amqp:
        one_batch(hub, amqp)
        receiver = feedback(amqp)
        assert records(receiver.receive(20))
        receiver.settle(Delivery.MODIFIED)
        again = receiver.receive(20)
        assert records(again) and again.delivery_count == 1
        receiver.settle(Delivery.RELEASED)
        assert receiver.receive(20).delivery_count == 1
        receiver.reject()
        with pytest.raises(Timeout):
            receiver.receive(1)


def test_feedback_of_a_receiver_that_dies_goes_to_the_next(hub):
    with Amqp(hub).allow() as amqp, Amqp(hub).allow() as other:
        one_batch(hub, amqp)
        dead = feedback(other)
        assert records(dead.receive(20))
        receiver = feedback(amqp)
        with pytest.raises(Timeout):
            receiver.receive(1)
        other.close()
        assert records(receiver.receive(20))
        receiver.accept()


def test_trap_42_settle_mode_second_is_answered(hub):
    with Amqp(hub).allow() as amqp:
        one_batch(hub, amqp)
        receiver = feedback(amqp, options=[SettlesSecond()])
        assert receiver.link.remote_rcv_settle_mode == 1
        assert records(receiver.receive(20))
        delivery = receiver.fetcher.unsettled.popleft()
        delivery.update(Delivery.ACCEPTED)
        amqp.wait(lambda: delivery.settled, timeout=10)
        assert delivery.remote_state == Delivery.ACCEPTED
