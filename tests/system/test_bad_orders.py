# SPDX-License-Identifier: Apache-2.0
"""Bad input from the hub: too large, no text, no JSON, unknown. Each has the answer that hublinkd(8) says, the next good
order is obeyed, and nothing waits for ever.
"""

import itertools
import json
import subprocess

import pytest

from bus import BUILD, INBOX, NAME, PATH, TWIN, PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from https import Service
from inbox import Taker, listed
from mqtt_hub import MqttHub

KIB = 1024

numbers = itertools.count(1)


@pytest.fixture(scope='module')
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bad')
    with MqttHub(folder / 'hub') as hub, PrivateBus() as bus, Daemon(folder / 'gateway', bus) as daemon:
        daemon.configure('queue: { directory = "%s"; commit_interval = "100ms"; };\n' % (daemon.directory / 'queue'))
        daemon.configure(hub.settings, 'conf.d/hub.conf')
        daemon.credential(hub.connection_string)
        daemon.hub = hub
        daemon.start()
        daemon.wait_for_link('connected')
        hub.wait_for_listener()
        with daemon.heard():
            yield daemon
        assert daemon.stop() == 0


@pytest.fixture
def hub(gateway):
    """The connection of before is still there afterwards, and a call is answered."""
    before = gateway.hub.n_connections
    yield gateway.hub
    assert gateway.hub.call('ping', 'after-%d' % next(numbers))[0] == 200
    assert gateway.hub.n_connections == before


def short(value):
    return ascii(value)[:40]


def malformed(gateway):
    return int(gateway.properties()['MalformedOrders'])


def audit(gateway):
    entries = gateway.bus.call('Audit', 'u', (0,))
    return [(str(e[1]), str(e[2]), int(e[3])) for e in entries]


@pytest.mark.parametrize('topic', ['$iothub/methods/POST/a\x7f/?$rid=1', '$iothub/methods/POST/a\n/?$rid=1', '', '\0',
                                   b'$iothub/methods/POST/\xff/?$rid=1'], ids=['DEL', 'newline', 'empty', 'NUL', 'no text'])
def test_a_topic_that_mqtt_does_not_allow_ends_the_connection(gateway, topic):
    """Whoever publishes so speaks another protocol. The next connection comes by itself."""
    before = gateway.hub.n_connections
    gateway.hub.publish(topic, b'{}')
    gateway.hub.wait(lambda: gateway.hub.n_connections > before)
    gateway.hub.wait_for_listener()
    assert gateway.hub.call('ping', 'after-%d' % next(numbers))[0] == 200


# --- methods ---

@pytest.mark.parametrize('body', [b'', b'null', b'{}', b'"%s"' % (b'x' * (128 * KIB - 2))],
                         ids=['empty', 'null', 'object', '128 KiB'])
def test_a_good_payload_is_taken(hub, body):
    status, answer = hub.call('ping', 'good-%d' % next(numbers), body)
    assert status == 200 and json.loads(answer)


@pytest.mark.parametrize('body, is_order', [
    (b'{"a":', True), (b'nonsense', True), (b'{"a":1}x', True), (b'{\'a\':1}', True), (b'NaN', True), (b'[' * 100000, True),
    (b'[' * 40000 + b']' * 40000, True),
    (b'\xff\xfe', False), (b'"\xc3\x28"', False), (b'{}\0', False), (b'"%s"' % (b'x' * (128 * KIB - 1)), False),
    (b'x' * KIB * KIB, False)],
    ids=['half', 'no JSON', 'and more', 'apostrophes', 'NaN', 'deep', 'deep and whole',
         'no text', 'broken text', 'NUL', '128 KiB and a byte', '1 MiB'])
def test_a_bad_payload_is_400_and_says_why(gateway, hub, body, is_order):
    before = malformed(gateway)
    status, answer = hub.call('ping', 'bad-%d' % next(numbers), body)
    assert status == 400 and json.loads(answer)['error'], answer
    assert malformed(gateway) == before + (not is_order)
    assert audit(gateway)[-1] == ('hub', 'ping', 400)


@pytest.mark.parametrize('name, status', [
    ('nosuch', 404), ('n' * 128, 404), ('n' * 129, 400), ('n' * 60000, 400), ('a b', 400), ('ü', 400), ('a?b', 400),
    ('PING', 404), ('component*nosuch', 404)], ids=short)
def test_a_name_that_nobody_has(gateway, hub, name, status):
    got, answer = hub.call(name, 'name-%d' % next(numbers), b'{}')
    assert got == status and json.loads(answer)['error']
    caller, noted, result = audit(gateway)[-1]
    assert (caller, result) == ('hub', status)
    assert noted == name if status == 404 else noted == '?', 'what is no name is not repeated'


@pytest.mark.parametrize('rid', ['1', 'r' * 256, 'ü', ' ', '%00', '{"a":1}', '../..', '$rid=1', "'"], ids=short)
def test_any_request_id_is_echoed(hub, rid):
    assert hub.call('ping', rid, b'{}')[0] == 200


@pytest.mark.parametrize('topic', [
    '$iothub/methods/POST/ping/?$rid=' + 'r' * 257, '$iothub/methods/POST/ping/?$rid=', '$iothub/methods/POST/ping/',
    '$iothub/methods/POST/ping', '$iothub/methods/POST//?$rid=1', '$iothub/methods/POST/ping/?rid=1',
    '$iothub/methods/PUT/ping/?$rid=1', '$iothub/nothing', 'devices/gw-1/messages/events/', 'nonsense', '/', ' ',
    '$iothub/twin/PATCH/properties/desired/?$version=x', '$iothub/twin/PATCH/properties/desired/?$version=0',
    '$iothub/twin/PATCH/properties/desired/', '$iothub/twin/PATCH/properties/desired/?$version=' + '9' * 30,
    '$iothub/twin/res/200/', '$iothub/twin/res/x/?$rid=1', '$iothub/twin/res/99999999999/?$rid=1',
    '$iothub/twin/res/200/?$rid=not-ours'], ids=short)
def test_what_is_no_order_is_dropped_and_counted(gateway, hub, topic):
    before = malformed(gateway)
    hub.publish(topic, b'{}')
    hub.wait(lambda: malformed(gateway) == before + 1)


def test_it_is_told_once_and_not_each_time(gateway, hub):
    """The tests before this one have sent dozens."""
    before = malformed(gateway)
    for _ in range(200):
        hub.publish('$iothub/nonsense', b'x')
    hub.wait(lambda: malformed(gateway) == before + 200)
    assert len(gateway.lines('something that is no order')) == 1


def test_a_flood_of_bad_calls_leaves_the_audit_to_the_others(gateway, hub):
    """Each is answered; of those that are refused at once a few a minute have their line, and the count of the others."""
    assert hub.call('flush', 'kept', b'{')[0] == 400
    for n in range(1500):
        hub.publish('$iothub/methods/POST/ping/?$rid=flood-%d' % n, b'\xff')
    answered = [hub.answer('flood-%d' % n) for n in range(1500)]
    assert all(status == 400 for status, _ in answered)
    entries = audit(gateway)
    assert ('hub', 'flush', 400) in entries
    assert len(gateway.lines('Method ping, called by hub: 400')) < 100
    assert sum(e == ('hub', 'ping', 400) for e in entries) < 100


def test_two_calls_of_one_request_id_have_two_answers(hub):
    hub.publish('$iothub/methods/POST/ping/?$rid=twice', b'')
    assert hub.call('ping', 'twice', b'')[0] == 200
    assert hub.answer('twice')[0] == 200


# --- messages ---

def take_all(gateway):
    taker, found = Taker(gateway.bus), []
    while (message := taker.take()):
        found.append(message)
        taker.complete(message.id)
    return found


@pytest.mark.parametrize('bag, body, properties', [
    ('', b'', {}), ('', b'\xff\x00\xfe', {}), ('', b'x' * 64 * KIB, {}), ('a=', b'1', {'a': ''}), ('a', b'1', {'a': ''}),
    ('a=1&a=2', b'1', {'a': '2'}), ('%C3%A4=%F0%9F%98%80', b'1', {'ä': '😀'}), ('%24.exp=nonsense', b'1', {}),
    ('%24.exp=0', b'1', {}), ('%24.mid=' + 'm' * 10000, b'1', {}), ('%24.mid=one&%24.mid=two', b'1', {'$.mid': 'two'})],
    ids=['empty', 'bytes', '64 KiB', 'no value', 'name alone', 'twice', 'text', 'no time', 'no time either', 'long id',
         'two ids'])
def test_an_odd_message_is_kept_as_it_is(gateway, hub, bag, body, properties):
    assert hub.message(bag, body)
    [message] = take_all(gateway)
    assert message.body == body and message.properties == properties


@pytest.mark.parametrize('bag', ['%FF=1', 'a=%FF', 'a=%00', '=1', '&'.join('p%d=1' % n for n in range(600))],
                         ids=['name no text', 'value no text', 'NUL', 'no name', '600 properties'])
def test_a_message_with_bad_properties_is_dropped_and_acknowledged(gateway, hub, bag):
    """The hub would send it again and again, and nothing after it."""
    before = malformed(gateway)
    assert hub.message(bag, b'x')
    assert malformed(gateway) == before + 1 and listed(gateway.bus) == []


@pytest.mark.parametrize('size, is_kept', [(128 * KIB, True), (512 * KIB, False), (4 * KIB * KIB, False)])
def test_a_message_that_no_record_holds_is_refused_once(gateway, hub, size, is_kept):
    """The hub's limit is 64 KiB with the properties. One beyond all limits does not come again and again."""
    refused = gateway.properties(INBOX)['Refused']
    bag = '&'.join('p%d=%s' % (n, 'v' * 100) for n in range(500))  # with all that a topic has room for
    assert hub.message(bag, b'x' * size)
    assert [len(m.body) for m in take_all(gateway)] == [size] * is_kept
    assert gateway.properties(INBOX)['Refused'] == refused + (not is_kept)
    assert is_kept or audit(gateway)[-1][2] == 413


# --- the twin ---

def desired(gateway):
    text = gateway.caller.call_blocking(NAME, PATH, TWIN, 'GetDesired', 's', ('',))
    return json.loads(text)


@pytest.mark.parametrize('patch', [b'[]', b'1', b'nonsense', b'', b'{"a":', b'\xff', b'{}\0', b'[' * 100000,
                                   b'{"a":' * 5000 + b'1' + b'}' * 5000],
                         ids=['array', 'number', 'no JSON', 'empty', 'half', 'no text', 'NUL', 'deep', 'deep and whole'])
def test_after_a_change_that_is_none_the_whole_twin_is_asked_for(gateway, hub, patch):
    version, n_gets, mark = gateway.properties(TWIN)['DesiredVersion'] + 1, hub.n_gets, next(numbers)
    hub.twin = json.dumps({'desired': {'mark': mark, '$version': int(version)}, 'reported': {'$version': 1}}).encode()
    hub.desire(version, patch)
    hub.wait(lambda: hub.n_gets > n_gets)
    hub.wait(lambda: desired(gateway) == {'mark': mark})
    assert gateway.properties(TWIN)['DesiredVersion'] == version


def test_a_large_change_is_taken(gateway, hub):
    """The hub's limit is 32 KiB; it is the hub's own."""
    version = gateway.properties(TWIN)['DesiredVersion'] + 1
    patch = {'large': {'m%d' % n: 'x' * 1000 for n in range(64)}}
    hub.desire(version, json.dumps(patch).encode())
    hub.wait(lambda: desired(gateway).get('large') == patch['large'])
    hub.desire(version + 1, b'{"large":null}')
    hub.wait(lambda: 'large' not in desired(gateway))


@pytest.mark.parametrize('twin', [b'', b'nonsense', b'\xff', b'[]', b'{}', b'{"desired":{},"reported":{}}',
                                  b'{"desired":{"$version":-1},"reported":{"$version":1}}', b'{"desired":' * 3000],
                         ids=['empty', 'no JSON', 'no text', 'array', 'no halves', 'no versions', 'no version', 'deep'])
def test_what_is_no_twin_is_asked_for_again(gateway, hub, twin):
    version, n_gets, mark = gateway.properties(TWIN)['DesiredVersion'] + 1, hub.n_gets, next(numbers)
    hub.twin = twin
    hub.desire(version, b'[]')
    hub.wait(lambda: hub.n_gets > n_gets)
    before = desired(gateway)
    hub.twin = json.dumps({'desired': {'mark': mark, '$version': int(version)}, 'reported': {'$version': 1}}).encode()
    assert before != {'mark': mark}, 'what was known stays'
    hub.wait(lambda: desired(gateway) == {'mark': mark}, 60)


# --- what an operator sees ---

def test_the_status_tells_of_them(gateway, hub):
    n = malformed(gateway) + 1
    hub.publish('$iothub/nonsense', b'x')
    hub.wait(lambda: malformed(gateway) == n)
    command = [BUILD / 'src/ctl/hublinkctl', '--bus', gateway.bus.address, 'status']
    assert '%d malformed' % n in subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    told = subprocess.run([*command, '--json'], capture_output=True, text=True, timeout=20, check=True).stdout
    assert json.loads(told)['malformed_orders'] == n


# --- what a real hub lets through at its own limits ---

def test_orders_as_large_as_the_hub_takes(devhub, tmp_path):  # noqa: F811
    service = Service(devhub)
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon, Cloud(devhub) as cloud:
        daemon.configure('queue: { directory = "%s"; commit_interval = "100ms"; };\n' % (tmp_path / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.start()
        daemon.wait_for_link('connected')
        daemon.wait_for_properties(lambda _: daemon.properties(TWIN)['Known'], 'twin')
        for size in 127 * KIB, 128 * KIB + 1:
            answer = service.post('/twins/gw-1/methods', {'methodName': 'ping', 'payload': 'x' * size})
            assert answer.status == 200 and answer.json['status'] == 200 or answer.status in (400, 413), answer
            assert answer.status == 200 or size > 128 * KIB
        bodies = [b'', b'\xff\0', b'x' * (63 * KIB)]
        for n, body in enumerate(bodies):
            cloud.send('gw-1', body, id='m%d' % n, properties={'\xe4': '\U0001f600', 'empty': ''})
        taker = Taker(bus)
        for body in bodies:
            message = taker.wait()
            assert message.body == body and message.properties['\xe4'] == '\U0001f600'
            taker.complete(message.id)
        deep = {'a': 1}
        for _ in range(8):
            deep = {'a': deep}
        large = {'deep': deep, 'texts': {'t%d' % n: 'x' * 4000 for n in range(7)}}
        assert service.patch('/twins/gw-1', {'properties': {'desired': large}}).status == 200
        daemon.wait_for_properties(lambda _: desired(daemon).get('texts') == large['texts'], 'desired')
        assert desired(daemon)['deep'] == deep
        assert malformed(daemon) == 0
        assert daemon.stop() == 0
