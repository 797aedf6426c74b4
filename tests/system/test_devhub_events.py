# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: what devices send, what of it stays, and who reads it."""

import base64
import calendar
import json
import signal
import ssl
import subprocess
import threading
import time

import mqtt
import pytest
from devhub import PROGRAM, Devhub, devhub  # noqa: F401  (a fixture)


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


# --- events ---

def test_an_event_with_every_property(devhub, device):
    bag = ('%24.mid=id%2F1&%24.cid=c&%24.uid=u&%24.to=%2Fx&%24.ct=application%2Fjson&%24.ce=utf-8&%24.ctime='
           '2026-01-01T00%3A00%3A00.123Z&%24.exp=e&%24.on=o&%24.ifid=i&%24.sub=thermostat1&%24.schema=s'
           "&k%20e%2Fy'!()*~=v%2Bl%3D%C3%BC&null&empty=&raw=a b%")
    before = time.time()
    with devhub.client(device, 'api-version=2021-04-12&model-id=dtmi:a:b;1') as client:
        client.publish(device.topic(bag), b'{"t": 21.50}')
    event, = devhub.events(count=1)
    assert event['device'] == 'd1' and event['sequence'] == 1 and event['body'] == {'t': 21.5}
    assert event['properties'] == {"k e/y'!()*~": 'v+l=ü', 'null': None, 'empty': '', 'raw': 'a b%'}
    system = event['system']
    assert event['enqueued'] == system.pop('iothub-enqueuedtime')
    enqueued = time.strptime(event['enqueued'].split('.')[0] + ' UTC', '%Y-%m-%dT%H:%M:%S %Z')
    assert before - 2 < calendar.timegm(enqueued) < time.time() + 2
    assert json.loads(system.pop('iothub-connection-auth-method')) == {
        'scope': 'device', 'type': 'sas', 'issuer': 'iothub', 'acceptingIpFilterRule': None}
    assert system == {
        'message-id': 'id/1', 'correlation-id': 'c', 'user-id': 'u', 'to': '/x', 'content-type': 'application/json',
        'content-encoding': 'utf-8', 'iothub-creation-time-utc': '2026-01-01T00:00:00.123Z',
        'absolute-expiry-time': 'e', 'iothub-outputname': 'o', 'iothub-interface-id': 'i', 'dt-subject': 'thermostat1',
        'iothub-message-schema': 's', 'iothub-connection-device-id': 'd1',
        'iothub-connection-auth-generation-id': device.generation_id, 'iothub-message-source': 'Telemetry',
        'dt-dataschema': 'dtmi:a:b;1'}


def test_trap_6_topics_as_clients_write_them(devhub, device):
    topics = ['devices/d1/messages/events', 'devices/d1/messages/events/', 'devices/d1/messages/events/a=1',
              'devices/d1/messages/events/a=1/', 'devices/d1/messages/events/?a=1', 'devices/d1/messages/events/a=x/y']
    with devhub.client(device) as client:
        for i, topic in enumerate(topics, 1):
            client.publish(topic, b'1', ident=i)
    got = [e['properties'].get('a') for e in devhub.events(count=len(topics))]
    assert got == [None, None, '1', '1', '1', 'x/y']


def test_bodies_of_all_kinds(devhub, device):
    bodies = [b'', b'\0\xff', b'text', b'{"a":1}', 'ü'.encode(), bytes(range(256)) * 16]
    with devhub.client(device) as client:
        for i, body in enumerate(bodies, 1):
            client.publish(device.topic(), body, ident=i)
    for event, body in zip(devhub.events(count=len(bodies)), bodies):
        if 'body' in event:
            assert event['body'] == json.loads(body)
        else:
            assert base64.b64decode(event['body_base64']) == body


def test_a_modules_events(devhub):
    module = devhub.create_module('d1', 'm1')
    with devhub.client(module) as client:
        client.publish(module.topic('a=1'), b'1')
    event, = devhub.events(count=1)
    assert event['device'] == 'd1' and event['system']['iothub-connection-module-id'] == 'm1'
    assert json.loads(event['system']['iothub-connection-auth-method'])['scope'] == 'module'


def test_qos_0_is_taken_without_a_word(devhub, device):
    with devhub.client(device) as client:
        client.send(mqtt.publish(device.topic(), b'0', qos=0) + mqtt.publish(device.topic(), b'1', qos=1, ident=3))
        assert client.expect(mqtt.PUBACK) == b'\0\3'
    assert [e['body'] for e in devhub.events(count=2)] == [0, 1]


def test_a_duplicate_is_an_event_of_its_own(devhub, device):
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1', ident=5)
        client.publish(device.topic(), b'1', ident=5, dup=True)
    assert len(devhub.events(count=2)) == 2


def test_trap_27_retain_is_a_property(devhub, device):
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1', retain=True)
        client.publish(device.topic('a=b'), b'2', retain=True)
        client.publish(device.topic('a=b'), b'3')
    assert [e['properties'] for e in devhub.events(count=3)] == [
        {'mqtt-retain': 'true'}, {'a': 'b', 'mqtt-retain': 'true'}, {'a': 'b'}]


def test_a_will_is_an_event(devhub, device):
    for qos in 0, 1, 2:
        client = devhub.client(device, will=(device.topic('w=%d' % qos), b'"gone"', qos, True))
        client.publish(device.topic(), b'1')
        client.close()
        wills = [e for e in devhub.events(count=2 * qos + 2) if e['body'] == 'gone']
        assert [w['properties'] for w in wills] == [
            {'w': str(i), 'iothub-MessageType': 'Will'} for i in range(qos + 1)]


def test_a_will_is_told_when_the_hub_cuts_and_not_after_a_disconnect(devhub, device):
    with devhub.client(device, will=(device.topic(), b'1', 1, False)) as client:
        client.send(mqtt.packet(mqtt.DISCONNECT))
        client.expect_close()
    assert devhub.events() == []
    with devhub.client(device, will=(device.topic(), b'2', 1, False)) as client:
        with devhub.client(device) as newer:  # takes over
            client.expect_close()
            newer.publish(device.topic(), b'3')
    assert sorted(e['body'] for e in devhub.events(count=2)) == [2, 3]


def test_a_will_of_another_kind_is_refused(devhub, device):
    for topic in 'telemetry', 'devices/d2/messages/events/', '$iothub/twin/GET/?$rid=1', device.topic('a=%ff'):
        with devhub.open() as client:
            client.send(mqtt.connect('d1', device.username(), device.token(), will=(topic, b'1', 0, False)))
            client.expect_close()
    devhub.client(device).close()


def test_what_breaks_a_rule_closes(devhub, device):
    bad = {
        'QoS 2': mqtt.publish(device.topic(), b'1', qos=2),
        'PUBREL': mqtt.packet(mqtt.PUBREL, 2, b'\0\1'),
        'PUBACK of nothing': mqtt.packet(mqtt.PUBACK, 0, b'\0\1'),
        'an unknown topic': mqtt.publish('telemetry', b'1'),
        'another device': mqtt.publish('devices/d2/messages/events/', b'1'),
        'the way down': mqtt.publish('devices/d1/messages/devicebound/', b'1'),
        'a bag that is no UTF-8': mqtt.publish(device.topic('a=%ff'), b'1'),
        'a topic that is no UTF-8': mqtt.publish(b'devices/d1/messages/events/\xff', b'1'),
        'a wildcard': mqtt.publish(device.topic('a=+'), b'1'),
        '513 properties': mqtt.publish(device.topic('&'.join('p%d=1' % i for i in range(513))), b'1'),
        'too large': mqtt.publish(device.topic(), bytes(262145)),
        'too large by its properties': mqtt.publish(device.topic('a=b'), bytes(262143)),
        'an announcement of 256 MiB': b'\x32\xff\xff\xff\x7f',
        'a length of five bytes': b'\x32\xff\xff\xff\xff\x7f',
        'id 0': mqtt.publish(device.topic(), b'1', ident=0),
        'a reserved type': b'\xf0\0',
        'a packet of the server': mqtt.packet(mqtt.PINGRESP),
        'SUBSCRIBE with flags 0': mqtt.packet(mqtt.SUBSCRIBE, 0, b'\0\1' + mqtt.text('$iothub/methods/POST/#') + b'\1'),
    }
    for what, data in bad.items():
        with devhub.client(device) as client:
            try:
                client.send(data)
                client.expect_close()
            except (ConnectionError, ssl.SSLError):
                pass  # closed while we were still sending
            except AssertionError as e:
                raise AssertionError(what) from e
    assert devhub.events() == []
    with devhub.client(device) as client:  # and to the byte
        client.publish(device.topic(), bytes(262144))


# --- what is acknowledged stays ---

def burst(client, device, count, body=b'x' * 200, window=64, first=1, begun=None):
    """Sends as fast as it can; returns how many were acknowledged before the link broke. begun() is at the first."""
    sent, acked, data = 0, 0, b''
    try:
        while acked < count:
            out = b''
            while sent < count and sent - acked < window:
                n = first + sent
                out += mqtt.publish(device.topic('%%24.mid=t.00000000000000aa.%d-%d' % (n, n)), body,
                                    ident=sent % 65535 + 1)
                sent += 1
            if out:
                client.send(out)
            more = client.tls.recv(65536)
            if not more:
                break
            data += more
            if begun and acked == 0 and len(data) >= 4:
                begun()
            acked += len(data) // 4
            data = data[len(data) // 4 * 4:]
    except (ConnectionError, ssl.SSLError, TimeoutError):
        pass
    return acked


def test_a_killed_hub_loses_nothing_it_acknowledged(devhub, device):
    first = 1
    for delay in 0, 0.05, 0.1, 0.3:
        client = devhub.client(device)
        acked = burst(client, device, 10**9, first=first, begun=threading.Timer(delay, devhub.process.kill).start)
        client.close()
        devhub.kill()
        devhub.start()
        seen = {int(e['system']['message-id'].rsplit('-', 1)[1]) for e in devhub.events()}
        assert acked > 0 and set(range(first, first + acked)) <= seen
        first += acked + 64
    sequences = [e['sequence'] for e in devhub.events()]
    assert sequences == list(range(1, len(sequences) + 1))


def test_thousands_of_messages_a_second(devhub, device):
    count = 20000
    with devhub.client(device) as client:
        start = time.monotonic()
        assert burst(client, device, count) == count
        rate = count / (time.monotonic() - start)
    assert rate > 3000, '%d messages/s' % rate
    assert devhub.verify() == {'received': count, 'unique': count, 'duplicates': 0, 'gaps': 0}


def test_many_devices_at_once(devhub):
    devices = [devhub.create('d%d' % i) for i in range(20)]
    clients = [devhub.client(d) for d in devices]
    results = []
    threads = [threading.Thread(target=lambda c=c, d=d: results.append(burst(c, d, 300)))
               for c, d in zip(clients, devices)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [300] * 20
    assert devhub.verify()['received'] == 6000
    assert len(devhub.events('d7')) == 300


def test_a_full_disk_acknowledges_nothing_it_did_not_store(tmp_path):
    small = tmp_path / 'small'
    small.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'none', small], stderr=subprocess.DEVNULL).returncode:
        pytest.skip('cannot mount here')
    try:
        hub = Devhub(small / 'hub')
        hub.log = tmp_path / 'log'
        with hub:
            device = hub.create('d1')
            with hub.client(device) as client:
                acked = burst(client, device, 5000, body=bytes(2000))  # ends when the hub closes the link
            assert 0 < acked < 5000
            assert len(hub.events()) >= acked
            assert 'Events cannot be stored' in hub.log.read_text()
            for _ in range(3):  # it stays up, and stays honest
                with hub.open() as client:
                    code = client.connect('d1', device.username(), device.token())[1]
                    assert code == 3 or burst(client, device, 500, body=bytes(2000)) < 500
            assert subprocess.run(['mount', '-o', 'remount,size=50m', small]).returncode == 0
            with hub.client(device) as client:
                assert burst(client, device, 100) == 100
            assert 'Events are stored again' in hub.log.read_text()
            assert hub.log.read_text().count('cannot be stored') <= 4  # once an outage, not once an event
    finally:
        subprocess.run(['umount', small])


# --- monitor ---

def test_monitor_follows(devhub, device):
    d2 = devhub.create('d2')
    with devhub.client(device) as client:
        client.publish(device.topic(), b'"old"')
        words = [PROGRAM, 'monitor', 'd1', '--state-dir', devhub.directory]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as monitor:
            time.sleep(0.5)
            with devhub.client(d2) as other:
                other.publish(d2.topic(), b'"not mine"')
            for i in range(3):
                client.publish(device.topic(), b'%d' % i)
                line = json.loads(monitor.stdout.readline())
                assert line['body'] == i and line['device'] == 'd1'
            monitor.send_signal(signal.SIGINT)
            assert monitor.wait(5) == 0


def test_monitor_begins_and_ends_where_told(devhub, device):
    with devhub.client(device) as client:
        for i in range(1, 6):
            client.publish(device.topic(), b'%d' % i)
    assert [e['body'] for e in devhub.events(start=3)] == [3, 4, 5]
    assert [e['body'] for e in devhub.events(count=2)] == [1, 2]
    assert devhub.events(start='end') == []
    assert devhub.events('nobody') == []
    start = time.monotonic()
    late = devhub.run('monitor', '--count', '1', '--for', '1s', check=False)
    assert late.returncode == 4 and 0.9 < time.monotonic() - start < 10


def test_verify_counts_records(devhub, device):
    def send(*ids, **more):
        with devhub.client(device) as client:
            for ident, bag in enumerate(ids, 1):
                client.publish(device.topic(bag), more.get('body', b'[]'), ident=ident)

    a, b = 'hl=t.00000000000000aa.', '%24.mid=t.00000000000000bb.'
    send(a + '1-10', a + '11-20', '%24.mid=message_1')
    assert devhub.verify() == {'received': 21, 'unique': 21, 'duplicates': 0, 'gaps': 0}
    send(a + '11-20', b + '31-40')
    assert devhub.verify() == {'received': 41, 'unique': 31, 'duplicates': 10, 'gaps': 10}
    assert devhub.run('monitor', '--verify', check=False).returncode == 1
    assert 'd1 t: 10 missing (21-30)' in devhub.run('monitor', '--verify', check=False).stdout
    send('hl-notice=1', body=b'{"stream":"t","epoch":"00000000000000aa","ranges":[[21,25]],"reason":"age"}')
    assert devhub.verify()['gaps'] == 5
    send(b + '20-30')
    assert devhub.verify() == {'received': 53, 'unique': 43, 'duplicates': 10, 'gaps': 0}
    assert devhub.run('monitor', '--verify').returncode == 0
    devhub.stop()
    assert devhub.verify('d1', count=43)['unique'] == 43
    assert devhub.verify('d2') == {'received': 0, 'unique': 0, 'duplicates': 0, 'gaps': 0}
