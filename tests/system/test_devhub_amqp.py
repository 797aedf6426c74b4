# SPDX-License-Identifier: Apache-2.0
"""The devhub's AMQP: the ways in, the tokens, and telemetry as the Event Hubs-compatible endpoint gives it."""

import json
import socket
import time

import mqtt
import pytest
from amqp import Amqp, event_hubs_token
from devhub import devhub  # noqa: F401
from https import policy_key
from proton import Connection, ConnectionException, Timeout, Transport, timestamp
from proton.utils import LinkDetached


def send(devhub, device, *bodies, bag=''):
    with devhub.client(device) as client:
        for body in bodies:
            client.publish(device.topic(bag), body)


# --- the ways in ---

def test_trap_39_no_sasl_and_every_mechanism(devhub):
    token = mqtt.token(policy_key(devhub, 'service'), devhub.host, policy='service')
    for how in {'bare': True}, {'mechanisms': 'ANONYMOUS'}, {'mechanisms': 'EXTERNAL'}, {'plain': True}, \
            {'plain': True, 'bare': True}:
        with Amqp(devhub, **how) as amqp:
            with pytest.raises(LinkDetached, match='amqp:unauthorized-access'):
                amqp.read(0)
            amqp.allow()
            amqp.read(0)
    with Amqp(devhub, user='service@sas.root.devhub', password=token) as amqp:
        amqp.read(0)  # no put-token is needed
    with pytest.raises(ConnectionException):
        Amqp(devhub, user='service@sas.root.devhub', password=token[:-1])
    with pytest.raises(ConnectionException):
        Amqp(devhub, user='device@sas.root.devhub', password=token)


def test_what_is_no_amqp_is_told_the_version(devhub):
    with socket.create_connection(('127.0.0.1', devhub.amqp_port), 10) as s:
        s.sendall(b'GET / HTTP/1.1\r\n\r\n')
        assert s.recv(100) == b'AMQP\x00\x01\x00\x00'
        assert s.recv(100) == b''


def test_a_connection_that_says_nothing_holds_nobody_up(devhub):
    with socket.create_connection(('127.0.0.1', devhub.amqps_port), 10), \
            socket.create_connection(('127.0.0.1', devhub.amqp_port), 10):
        with Amqp(devhub) as amqp:
            amqp.allow()


def test_trap_41_names_in_all_forms(devhub):
    host, port = devhub.host, devhub.amqps_port
    key = policy_key(devhub, 'service')
    token = mqtt.token(key, host, policy='service')
    with Amqp(devhub) as amqp:
        for name in host, 'https://' + host, 'amqps://%s:%d/' % (host, port), 'sb://%s/devhub/$management' % host:
            assert amqp.put_token(name, token) == 200
        assert amqp.put_token('sb://localhost:%d/devhub' % devhub.amqp_port,
                              event_hubs_token(key, 'sb://localhost:%d/devhub' % devhub.amqp_port, 'service')) == 200
        assert amqp.put_token('other.example.net', token) == 401
        assert amqp.put_token(host, mqtt.token(key, host, policy='service', expiry=time.time() - 600)) == 401


def test_trap_02_event_hubs_tokens_are_signed_with_the_text_of_the_key(devhub):
    key = policy_key(devhub, 'service')
    audience = 'sb://%s/devhub' % devhub.host
    with Amqp(devhub) as amqp:
        assert amqp.put_token(audience, mqtt.token(key, audience, policy='service')) == 401
        assert amqp.put_token(audience, event_hubs_token(key, audience, 'service')) == 200
        amqp.read(0)


def test_reading_needs_service_connect(devhub):
    with Amqp(devhub) as amqp:
        for policy in 'device', 'registryRead', 'registryReadWrite':
            amqp.allow(policy)
        with pytest.raises(LinkDetached, match='amqp:unauthorized-access'):
            amqp.read(0)
        amqp.allow('iothubowner')
        amqp.read(0)


def test_a_link_ends_ten_minutes_after_its_last_token(devhub):
    devhub.stop()
    devhub.start('--virtual-clock')
    with Amqp(devhub).allow() as amqp:
        reader = amqp.read(0)
        devhub.run('clock', 'advance', '69min')
        with pytest.raises(Timeout):
            reader.receive(0.5)
        devhub.run('clock', 'advance', '2min')
        with pytest.raises(LinkDetached, match='amqp:unauthorized-access'):
            reader.receive(10)


# --- telemetry ---

def test_an_event_arrives_with_all_that_the_hub_knows(devhub):
    device = devhub.create('d1')
    send(devhub, device, b'{"t":21.5}',
         bag='%24.mid=m1&%24.cid=c1&%24.ct=application%2Fjson&%24.ce=utf-8&level=3&room=K%C3%BCche')
    with Amqp(devhub).allow() as amqp:
        message, = amqp.read_all(1)
    assert message.body == b'{"t":21.5}'
    assert (message.id, message.correlation_id, message.address) == ('m1', 'c1', '/devices/d1/messages/events')
    assert (message.content_type, message.content_encoding) == ('application/json', 'utf-8')
    assert message.properties == {'level': '3', 'room': 'Küche'}
    notes = message.annotations
    assert notes['iothub-connection-device-id'] == 'd1'
    assert notes['iothub-connection-auth-generation-id'] == device.generation_id
    assert json.loads(notes['iothub-connection-auth-method'])['scope'] == 'device'
    assert notes['iothub-message-source'] == 'Telemetry'
    assert isinstance(notes['iothub-enqueuedtime'], timestamp)
    assert abs(notes['x-opt-enqueued-time'] / 1000 - time.time()) < 60
    assert notes['x-opt-sequence-number'] == 0
    assert notes['x-opt-offset'] == '1'


def test_events_arrive_while_they_are_sent(devhub):
    device = devhub.create('d1')
    with Amqp(devhub).allow() as amqp, devhub.client(device) as client:
        partition = [p for p in range(4)]
        readers = [amqp.read(p, "amqp.annotation.x-opt-offset > '@latest'") for p in partition]
        for i in range(20):
            client.publish(device.topic(), b'%d' % i)
            got = None
            deadline = time.monotonic() + 10
            while got is None and time.monotonic() < deadline:
                amqp.container.do_work(0.05)
                for reader in readers:
                    if reader.fetcher.has_message:
                        got = reader.fetcher.pop()
                        reader.accept()
            assert got.body == b'%d' % i


def busy_partition(amqp):
    return next(p for p in range(4) if not amqp.partition(p)['is_partition_empty'])


def drain(reader, within=1.0):
    out = []
    try:
        while True:
            out.append(reader.receive(within))
            reader.accept()
    except Timeout:
        return out


def numbers(messages):
    return [m.annotations['x-opt-sequence-number'] for m in messages]


def test_trap_43_44_45_positions_and_management(devhub):
    device = devhub.create('d1')
    send(devhub, device, *[b'%d' % i for i in range(12)])
    time.sleep(0.05)
    middle = int(time.time() * 1000)
    time.sleep(0.05)
    send(devhub, device, *[b'%d' % i for i in range(12, 20)])
    with Amqp(devhub).allow() as amqp:
        entity = amqp.entity()
        assert entity['name'] == 'devhub' and entity['partition_count'] == 4
        assert list(entity['partition_ids'].elements) == ['0', '1', '2', '3']
        p = busy_partition(amqp)
        about = amqp.partition(p)
        assert (about['begin_sequence_number'], about['last_enqueued_sequence_number']) == (0, 19)
        assert isinstance(about['last_enqueued_offset'], str)
        everything = drain(amqp.read(p))
        assert numbers(everything) == list(range(20))
        assert everything[-1].annotations['x-opt-offset'] == about['last_enqueued_offset']
        offset = everything[9].annotations['x-opt-offset']
        for position, first in (
                ("amqp.annotation.x-opt-offset > '-1'", 0),
                ("amqp.annotation.x-opt-offset > '%s'" % offset, 10),
                ("amqp.annotation.x-opt-sequence-number > '4'", 5),
                ("amqp.annotation.x-opt-sequence-number >= '4'", 4),
                ("amqp.annotation.x-opt-enqueued-time > '%d'" % middle, 12),
                ("amqp.annotation.x-opt-enqueuedtimeutc > %d" % middle, 12)):
            assert numbers(drain(amqp.read(p, position), 0.3)) == list(range(first, 20)), position


def test_credit_is_kept(devhub):
    device = devhub.create('d1')
    send(devhub, device, *[b'%d' % i for i in range(30)])
    with Amqp(devhub).allow() as amqp:
        p = busy_partition(amqp)
        reader = amqp.read(p, credit=7)
        amqp.container.do_work(0.3)
        assert len(reader.fetcher.incoming) <= 7
        reader.link.flow(0)
        assert numbers(drain(reader, 0.3))[:7] == list(range(7))


def test_a_higher_epoch_steals(devhub):
    with Amqp(devhub).allow() as one, Amqp(devhub).allow() as two:
        first = one.read(0, epoch=1)
        two.read(0, epoch=2)
        with pytest.raises(LinkDetached, match='amqp:link:stolen'):
            first.receive(10)
        with pytest.raises(LinkDetached, match='amqp:link:stolen'):
            one.read(0, epoch=1)
        with pytest.raises(LinkDetached, match='amqp:link:stolen'):
            one.read(0)
        one.read(0, group='other')


def test_events_of_a_killed_hub_keep_their_places(devhub):
    device = devhub.create('d1')
    send(devhub, device, *[b'%d' % i for i in range(10)])
    devhub.kill()
    devhub.start()
    send(devhub, device, *[b'%d' % i for i in range(10, 20)])
    with Amqp(devhub).allow() as amqp:
        messages = drain(amqp.read(busy_partition(amqp)))
    assert numbers(messages) == list(range(20))
    assert [m.body for m in messages] == [b'%d' % i for i in range(20)]


def memory(devhub):
    for line in open('/proc/%d/smaps_rollup' % devhub.process.pid):
        if line.startswith('Pss:'):
            return int(line.split()[1])


def is_sanitized(devhub):
    """What was freed is then kept for a while."""
    with open('/proc/%d/maps' % devhub.process.pid) as maps:
        return 'libasan' in maps.read()


def test_many_readers_of_many_events_cost_no_memory(devhub):
    device = devhub.create('d1')
    with devhub.client(device) as client:
        for i in range(10000):
            client.send(mqtt.publish(device.topic(), b'x' * 200, 0))
        client.publish(device.topic(), b'last')
    with Amqp(devhub).allow() as amqp:
        p = busy_partition(amqp)
        before = memory(devhub)
        greedy = [Amqp(devhub).allow() for _ in range(10)]
        for other in greedy:
            other.read(p, credit=100000)  # and reads no further
        reader = amqp.read(p, credit=500)
        n = 0
        while n < 10001:
            message = reader.receive(10)
            assert message.annotations['x-opt-sequence-number'] == n
            reader.accept()
            n += 1
        print('PSS before %d kB, after %d kB' % (before, memory(devhub)))
        if not is_sanitized(devhub):
            assert memory(devhub) < before + 30000
        for other in greedy:
            other.close()


class Stranger:
    """Proton's engine on a socket of our own: no token, and a message to $cbs begun in each of many sessions."""

    def __init__(self, devhub):  # noqa: F811
        self.socket = socket.create_connection(('127.0.0.1', devhub.amqp_port))
        self.connection, self.transport = Connection(), Transport()
        self.transport.bind(self.connection)
        self.connection.open()
        self.senders = []

    def attach(self, count):
        for _ in range(count):
            session = self.connection.session()
            session.open()
            sender = session.sender('flood')
            sender.target.address = '$cbs'
            sender.open()
            self.senders.append(sender)
        self.exchange()

    def begin_messages(self, size):
        for sender in self.senders:
            if sender.credit > 0:
                sender.delivery('1')
                sender.send(b'x' * size)
        self.exchange()

    def exchange(self, within=0.3):
        """Says what there is to say, and hears until there is silence."""
        self.socket.settimeout(within)
        try:
            while (size := self.transport.pending()) > 0:
                self.socket.sendall(self.transport.peek(size))
                self.transport.pop(size)
            while data := self.socket.recv(65536):
                self.transport.push(data)
        except OSError:  # silence, or the hub has ended it
            pass

    @property
    def condition(self):
        return self.connection.remote_condition and self.connection.remote_condition.name


def test_strangers_cannot_fill_the_memory(devhub):
    before = memory(devhub)
    crowd = [Stranger(devhub) for _ in range(8)]
    for stranger in crowd:
        stranger.attach(60)
        stranger.begin_messages(300000)
    after = memory(devhub)
    print('PSS before %d kB, after %d kB' % (before, after))
    assert [stranger.condition for stranger in crowd] == ['amqp:resource-limit-exceeded'] * len(crowd)
    if not is_sanitized(devhub):
        assert after < before + 30000
    Amqp(devhub).allow().close()


def test_the_hub_sends_its_readers_on(devhub):
    with Amqp(devhub).allow() as amqp:
        for asked in '/messages/events/ConsumerGroups/$Default/Partitions/1', \
                'amqps://%s/messages/events/$management' % devhub.host:
            with pytest.raises(LinkDetached) as sent:
                amqp.create_receiver(asked, name=asked)
            assert sent.value.condition == 'amqp:link:redirect'
            info = sent.value.link.remote_condition.info
            assert (info['hostname'], info['port']) == (devhub.host, devhub.amqps_port)
            assert info['address'] == 'amqps://%s:%d/devhub/%s' % (devhub.host, devhub.amqps_port,
                                                                   asked.split('/events/')[1])
