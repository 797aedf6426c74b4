# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: direct methods, from a caller over HTTPS to a device over MQTT and back."""

import concurrent.futures
import json
import re
import struct
import time
import uuid

import mqtt
import pytest
from devhub import devhub  # noqa: F401  (a fixture)
from https import Connection, Service
from twin import METHODS, RESPONSES, TwinClient


@pytest.fixture
def service(devhub):
    return Service(devhub)


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


@pytest.fixture
def client(devhub, device):
    with TwinClient(devhub, device) as client:
        yield client


class Calls:
    """Callers who wait, each in a thread of its own."""

    def __init__(self, service):
        self.service = service
        self.pool = concurrent.futures.ThreadPoolExecutor(32)

    def __call__(self, path='/twins/d1', name='reboot', **body):
        return self.pool.submit(self.service.post, path + '/methods', {'methodName': name, **body})


@pytest.fixture
def call(service):
    calls = Calls(service)
    yield calls
    calls.pool.shutdown(wait=True)


def error_of(answer):
    """errorCode and info of the JSON within the JSON, whose number agrees with the header (trap 34)."""
    outer = answer.json
    assert set(outer) == {'Message', 'ExceptionMessage'} and outer['ExceptionMessage'] == ''
    inner = json.loads(outer['Message'])
    assert set(inner) == {'errorCode', 'trackingId', 'message', 'info', 'timestampUtc'}
    assert inner['message'] and inner['trackingId'] and inner['timestampUtc']
    assert inner['errorCode'] // 1000 == answer.status
    name = {400004: 'ArgumentInvalid', 404001: 'DeviceNotFound', 404010: 'ModuleNotFound', 404103: 'DeviceNotOnline',
            413001: 'MessageTooLarge', 500001: 'ServerError', 504101: 'GatewayTimeout',
            400006: 'IotHubFormatError'}[inner['errorCode']]
    assert answer.error == name
    return inner['errorCode'], inner['info'], inner['message']


# --- answers ---

@pytest.mark.parametrize('body, sent', [
    ({'payload': {'delay': 1}}, b'{"delay":1}'), ({'payload': None}, b'null'), ({}, b''), ({'payload': 'x'}, b'"x"'),
    ({'payload': [1, 2.5, True]}, b'[1,2.5,true]'), ({'payload': 17}, b'17'), ({'payload': ''}, b'""'),
    ({'payload': None, 'responseTimeoutInSeconds': 30, 'connectTimeoutInSeconds': 0}, b'null')])
def test_the_payload_reaches_the_device(client, call, body, sent):
    caller = call(**body)
    got = client.called()
    assert (got.name, got.body) == ('reboot', sent)
    client.answer(got, 200, {'ok': True})
    answer = caller.result()
    assert answer.status == 200
    assert answer.headers['Content-Type'] == 'application/json; charset=utf-8'
    assert answer.json == {'status': 200, 'payload': {'ok': True}}


@pytest.mark.parametrize('status', [0, 1, -1, 200, 404, 501, 2147483647, -2147483648])
def test_any_status_comes_back(client, call, status):
    caller = call()
    client.answer(client.called(), status, b'1')
    assert caller.result().json == {'status': status, 'payload': 1}


@pytest.mark.parametrize('body, payload', [(b'', None), (b'null', None), (b'""', ''), (b'{"a":[1.50]}', {'a': [1.5]}),
                                           (b' [1] ', [1])])
def test_any_json_comes_back(client, call, body, payload):
    caller = call()
    client.answer(client.called(), 200, body)
    assert caller.result().json == {'status': 200, 'payload': payload}


def test_an_answer_at_qos_1_has_its_puback(client, call):
    caller = call()
    client.answer(client.called(), 200, b'1', qos=1)
    assert struct.unpack('>H', client.client.expect(mqtt.PUBACK)) == (client.n,)
    assert caller.result().json['payload'] == 1


def test_only_the_first_answer_counts(client, call):
    caller = call()
    got = client.called()
    client.answer(got, 200, b'1')
    client.answer(got, 500, b'2')
    assert caller.result().json == {'status': 200, 'payload': 1}
    assert client.get()  # the link goes on


def test_modules_have_methods_of_their_own(devhub, call):
    module = devhub.create_module('d1', 'm1')
    with TwinClient(devhub, module) as m:
        caller = call('/twins/d1/modules/m1')
        m.answer(m.called(), 200, b'"m1"')
        assert caller.result().json['payload'] == 'm1'
        assert error_of(call('/twins/d1').result())[0] == 404103


def test_an_answer_of_another_is_none(devhub, service, client, call):
    other = devhub.create('d2')
    caller = call()
    got = client.called()
    with TwinClient(devhub, other) as thief:
        thief.answer(got, 200, b'"stolen"')
        assert thief.get()
    client.answer(got, 200, b'"mine"')
    assert caller.result().json['payload'] == 'mine'


def test_many_at_once_each_get_their_own(client, call):
    callers = [call(name='m%d' % n, payload=n) for n in range(24)]
    got = [client.called() for _ in callers]
    assert len({c.rid for c in got}) == 24
    for c in reversed(got):
        client.answer(c, 200, {'name': c.name, 'payload': c.json})
    for n, caller in enumerate(callers):
        assert caller.result().json['payload'] == {'name': 'm%d' % n, 'payload': n}


# --- the table of section 4 ---

def test_unknown_identities(devhub, service, device):
    for path, number in (('/twins/d2', 404001), ('/twins/d2/modules/m1', 404001), ('/twins/d1/modules/m1', 404010)):
        answer = service.post(path + '/methods', {'methodName': 'a'})
        assert error_of(answer)[0] == number


def test_a_device_that_is_not_connected(service, device):
    number, info, _ = error_of(service.post('/twins/d1/methods', {'methodName': 'a'}))
    assert (number, info) == (404103, {'timeout': '00:00:00'})


def test_trap_33_connected_but_not_subscribed_is_not_online(devhub, service, device):
    with TwinClient(devhub, device, (RESPONSES,)):
        assert error_of(service.post('/twins/d1/methods', {'methodName': 'a'}))[0] == 404103


def test_not_online_after_the_connect_time_out(devhub, device, call):
    with TwinClient(devhub, device, (RESPONSES,)):
        began = time.monotonic()
        number, info, _ = error_of(call(connectTimeoutInSeconds=1).result())
        assert (number, info) == (404103, {'timeout': '00:00:01'})
        assert time.monotonic() - began >= 0.9


def test_no_answer_in_time(client, call):
    began = time.monotonic()
    caller = call(responseTimeoutInSeconds=5)
    got = client.called()
    number, info, message = error_of(caller.result())
    assert (number, info) == (504101, {'timeout': '00:00:05'})
    assert message == 'Timed out waiting for the response from device.'
    assert 4.9 <= time.monotonic() - began < 20
    client.answer(got, 200, b'"late"')  # dropped; nothing else happens
    caller = call()
    client.answer(client.called(), 200, b'"in time"')
    assert caller.result().json['payload'] == 'in time'


def test_trap_34_json_within_json_agrees_with_the_header(service, device):
    answer = service.post('/twins/d1/methods', {'methodName': 'a'})
    assert answer.status == 404
    assert answer.headers['iothub-errorcode'] == 'DeviceNotOnline'
    assert isinstance(answer.json['Message'], str)
    assert json.loads(answer.json['Message'])['errorCode'] == 404103


# --- the connect time-out ---

def test_a_call_waits_for_the_device_to_subscribe(devhub, device, call):
    caller = call(connectTimeoutInSeconds=60)
    time.sleep(0.3)
    with TwinClient(devhub, device, (RESPONSES,)) as client:
        client.client.expect_silence(0.3)
        client.client.subscribe(METHODS)
        client.answer(client.called(), 200, b'1')
        assert caller.result().json['payload'] == 1


def test_a_kept_session_listens_from_its_connack_on(devhub, device, call):
    with TwinClient(devhub, device, clean=False):
        pass
    caller = call(connectTimeoutInSeconds=60)
    time.sleep(0.3)
    with TwinClient(devhub, device, filters=(), clean=False) as client:
        client.answer(client.called(), 200, b'1')
        assert caller.result().json['payload'] == 1


def test_all_who_wait_are_served(devhub, device, call):
    callers = [call(name='m%d' % n, connectTimeoutInSeconds=60) for n in range(5)]
    time.sleep(0.3)
    with TwinClient(devhub, device) as client:
        got = [client.called() for _ in callers]
        assert {c.name for c in got} == {'m0', 'm1', 'm2', 'm3', 'm4'}
        for c in got:
            client.answer(c)
    assert [c.result().status for c in callers] == [200] * 5


def test_an_answer_may_come_by_the_next_link(devhub, device, call):
    caller = call(connectTimeoutInSeconds=60)
    with TwinClient(devhub, device) as client:
        got = client.called()
    with TwinClient(devhub, device) as client:
        client.answer(got, 200, b'1')
        assert caller.result().json['payload'] == 1


def test_a_device_deleted_meanwhile_is_not_found(devhub, device, client, call):
    waiting = [call(connectTimeoutInSeconds=60) for _ in range(2)]
    for _ in waiting:
        client.called()
    devhub.run('device', 'delete', 'd1')
    for caller in waiting:
        assert error_of(caller.result())[0] == 404001


def test_a_device_deleted_or_disabled_by_the_service_meanwhile(devhub, service, device, client, call):
    waiting = [call(connectTimeoutInSeconds=60) for _ in range(2)]
    for _ in waiting:
        client.called()
    record = service.get('/devices/d1').json
    assert service.put('/devices/d1', {**record, 'status': 'disabled'}, {'If-Match': '*'}).status == 200
    for caller in waiting:
        assert error_of(caller.result())[0] == 404103
    caller = call(connectTimeoutInSeconds=60)
    time.sleep(0.3)
    assert service.delete('/devices/d1', {'If-Match': '*'}).status == 204
    assert error_of(caller.result())[0] == 404001


def test_who_goes_away_leaves_nothing_behind(devhub, service, device):
    for _ in range(3):
        connection = Connection(devhub)
        connection.request('POST', service.path('/twins/d1/methods', '2021-04-12'),
                           json.dumps({'methodName': 'a', 'connectTimeoutInSeconds': 60}), service.headers(None))
        time.sleep(0.3)
        connection.close()
    assert service.get('/twins/d1').status == 200  # by then the hub has seen them go
    with TwinClient(devhub, device) as client:
        client.client.expect_silence(0.5)


def test_the_hub_stops_while_callers_wait(devhub, device, call):
    caller = call(connectTimeoutInSeconds=60)
    time.sleep(0.3)
    assert devhub.stop() == 0
    with pytest.raises(Exception):
        caller.result()


# --- what a request may hold ---

@pytest.mark.parametrize('body, words', [
    ({}, 'methodName'), ({'methodName': 1}, 'methodName'), ({'methodName': ''}, 'methodName'),
    ({'methodName': None}, 'methodName'), ({'methodName': 'a\0b'}, 'methodName'), ({'methodName': 'é'}, 'methodName'),
    *[({'methodName': 'a%sb' % c}, 'methodName') for c in '$()<>@,;:\\"/[]?={} \t+#\n\x7f'],
    ({'methodName': 'a', 'responseTimeoutInSeconds': 4}, 'responseTimeoutInSeconds'),
    ({'methodName': 'a', 'responseTimeoutInSeconds': 301}, 'responseTimeoutInSeconds'),
    ({'methodName': 'a', 'responseTimeoutInSeconds': 'x'}, 'responseTimeoutInSeconds'),
    ({'methodName': 'a', 'connectTimeoutInSeconds': -1}, 'connectTimeoutInSeconds'),
    ({'methodName': 'a', 'connectTimeoutInSeconds': 301}, 'connectTimeoutInSeconds'),
    ({'methodName': 'a', 'connectTimeoutInSeconds': 1.5}, 'connectTimeoutInSeconds'),
    ([], 'methodName'), (b'{', ''), (b'', '')])
def test_requests_that_are_refused(service, device, body, words):
    number, _, message = error_of(service.post('/twins/d1/methods', body))
    assert number in (400004, 400006)
    assert words in message


@pytest.mark.parametrize('name', ['a', 'Re-Boot_2.0', "a!b*c'd~e&f%g^h|i`j", 'x' * 1024])
def test_names_go_through_as_they_are(client, call, name):
    caller = call(name=name)
    got = client.called()
    assert got.name == name
    client.answer(got)
    assert caller.result().status == 200


def test_payloads_have_128_kib(client, call):
    size = 128 * 1024
    caller = call(payload='x' * (size - 2))
    got = client.called()
    assert len(got.body) == size
    client.answer(got, 200, b'"' + b'y' * (size - 2) + b'"')
    assert len(caller.result().json['payload']) == size - 2
    assert error_of(call(payload='x' * (size - 1)).result())[0] == 413001
    caller = call()
    client.answer(client.called(), 200, b'"' + b'y' * (size - 1) + b'"')
    assert error_of(caller.result())[0] == 413001


@pytest.mark.parametrize('body', [b'{', b'not json', b'{"a":NaN}', b'"\xff"', b' '])
def test_an_answer_that_is_no_json(client, call, body):
    caller = call()
    client.answer(client.called(), 200, body)
    assert error_of(caller.result())[0] == 500001


def test_rights_to_methods(devhub, device, client):
    for policy, status in ('registryRead', 401), ('registryReadWrite', 401), ('device', 401):
        assert Service(devhub, policy).post('/twins/d1/methods', {'methodName': 'a'}).status == status
    calls = Calls(Service(devhub, 'service'))
    caller = calls()
    client.answer(client.called())
    assert caller.result().status == 200


def test_methods_are_throttled_by_a_fault(devhub, service, device):
    devhub.fault('set', 'throttle', '--device', 'd1', '--count', '1')
    answer = service.post('/twins/d1/methods', {'methodName': 'a'})
    assert (answer.status, answer.error) == (429, 'ThrottlingException')


def test_every_refusal_has_a_request_id(service, device):
    answer = service.post('/twins/d1/methods', {'methodName': 'a'})
    assert uuid.UUID(answer.headers['x-ms-request-id'])
    inner = json.loads(answer.json['Message'])
    assert re.match(r'[0-9A-F]{32}', inner['trackingId'])


def test_a_fault_loses_the_answer(devhub, client, call):
    devhub.fault('set', 'method-no-answer', '--device', 'd1', '--count', '1')
    caller = call(responseTimeoutInSeconds=5)
    client.answer(client.called(), 200, b'1')
    assert error_of(caller.result())[0] == 504101
    caller = call()
    client.answer(client.called(), 200, b'2')
    assert caller.result().json['payload'] == 2
