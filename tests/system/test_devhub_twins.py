# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: twins, at the device's side over MQTT and at the service's over HTTPS."""

import json
import struct

import mqtt
import pytest
from devhub import devhub  # noqa: F401  (a fixture)
from twin import DESIRED, RESPONSES, TwinClient

NEW = {'desired': {'$version': 1}, 'reported': {'$version': 1}}
REPORTED = '$iothub/twin/PATCH/properties/reported'


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


@pytest.fixture
def twin(devhub, device):
    with TwinClient(devhub, device) as client:
        yield client


# --- the device: 5.1 ---

def test_a_new_twin(twin):
    assert twin.get() == NEW


def test_trap_16_get_with_a_blank_or_nothing(twin):
    for body in b' ', b'', b'\n':
        assert twin.get(body) == NEW


def test_a_report_is_merged(twin):
    assert twin.report({'a': {'b': 1, 'c': 2}, 'd': [1, 2]}) == 2
    assert twin.report({'a': {'b': None, 'e': 'x'}, 'd': [3]}) == 3
    assert twin.get()['reported'] == {'a': {'c': 2, 'e': 'x'}, 'd': [3], '$version': 3}


def test_numbers_come_back_as_they_were_written(twin):
    assert twin.report('{"a":1.50,"b":1e3,"c":-4503599627370496}') == 2
    rid = twin.send('$iothub/twin/GET')
    assert twin.response(rid)[2] == \
        b'{"desired":{"$version":1},"reported":{"a":1.50,"b":1e3,"c":-4503599627370496,"$version":2}}'


@pytest.mark.parametrize('rid', ['1', '4294967295', 'c7d5c6d8-1f5e-4e0d-8ab8-2ea4d6a5a8c5', 'a%20b=c', '$x', 'é'])
def test_request_ids_come_back_as_they_are(twin, rid):
    assert twin.response(twin.send('$iothub/twin/GET', rid=rid))[0] == 200


def test_trap_15_rid_first_then_version(twin):
    twin.send(REPORTED, '{}', rid='x')
    assert twin.published().topic == '$iothub/twin/res/204/?$rid=x&$version=2'


def test_the_request_id_is_found_anywhere(twin):
    twin.client.send(mqtt.publish('$iothub/twin/GET/?a=b&$rid=7', b'', 0))
    assert twin.response('7')[0] == 200


def test_the_puback_of_a_report_comes_before_its_answer(twin):
    for n in range(2, 12):
        twin.send(REPORTED, {'n': n}, qos=1)
        assert struct.unpack('>H', twin.client.expect(mqtt.PUBACK)) == (twin.n,)
        assert twin.response(str(twin.n))[:2] == (204, n)


def test_the_puback_of_a_report_keeps_its_place_among_those_of_telemetry(twin, device):
    packets = [mqtt.publish(device.topic(), b'1', 1, 101), mqtt.publish(REPORTED + '/?$rid=a', b'{}', 1, 102),
               mqtt.publish(device.topic(), b'2', 1, 103)]
    twin.client.send(b''.join(packets))
    seen = []
    while len(seen) < 4:
        kind, _, body = twin.client.receive()
        seen.append(struct.unpack('>H', body)[0] if kind == mqtt.PUBACK else 'answer')
    assert [s for s in seen if s != 'answer'] == [101, 102, 103]
    assert seen.index('answer') > seen.index(102)


def test_trap_19_parallel_reports_count_in_order_of_receipt(twin):
    packets = [mqtt.publish('%s/?$rid=%d' % (REPORTED, n), json.dumps({'n': n, 'k%d' % n: n}), n % 2, n)
               for n in range(1, 101)]
    twin.client.send(b''.join(packets))
    answers = []
    while len(answers) < 100:
        kind, _, body = twin.client.receive()
        if kind == mqtt.PUBLISH:
            size, = struct.unpack('>H', body[:2])
            answers.append(body[2:2 + size].decode())
    assert answers == ['$iothub/twin/res/204/?$rid=%d&$version=%d' % (n, n + 1) for n in range(1, 101)]
    reported = twin.get()['reported']
    assert (reported['n'], reported['$version'], len(reported)) == (100, 101, 102)


def test_without_the_subscription_there_is_no_answer(devhub, device):
    with TwinClient(devhub, device, filters=()) as twin:
        twin.send(REPORTED, {'a': 1})
        twin.send('$iothub/twin/GET')
        twin.client.send(mqtt.packet(mqtt.PINGREQ))
        assert twin.client.receive()[0] == mqtt.PINGRESP
        twin.client.subscribe(RESPONSES)
        assert twin.get()['reported'] == {'a': 1, '$version': 2}


@pytest.mark.parametrize('topic', ['$iothub/twin/GET', '$iothub/twin/GET/', '$iothub/twin/GET/?$rid=',
                                   '$iothub/twin/PATCH/properties/desired/?$rid=1', '$iothub/twin/PUT/?$rid=1',
                                   '$iothub/twin/PATCH/properties/desired/?$version=1',
                                   '$iothub/twin/res/200/?$rid=1', '$iothub/methods/POST/a/?$rid=1'])
def test_trap_26_other_topics_end_the_link(twin, topic):
    twin.client.send(mqtt.publish(topic, b'{}', 0))
    twin.client.expect_close()


def test_modules_have_twins_of_their_own(devhub):
    module = devhub.create_module('d1', 'm1')
    device = devhub.create('d2')
    with TwinClient(devhub, module) as m, TwinClient(devhub, device) as d:
        assert m.report({'who': 'm1'}) == 2
        assert d.get() == NEW
        assert m.get()['reported'] == {'who': 'm1', '$version': 2}


# --- what a report may hold: 5.2 ---

def test_trap_20_version_or_metadata_in_a_report(twin):
    for patch in {'a': 1, '$version': 3}, {'$metadata': {}}, {'a': {'$version': 1}}:
        assert twin.refused(patch) == (400, 400004)
    assert twin.get() == NEW


@pytest.mark.parametrize('body', ['', ' ', '[]', '1', 'null', '"x"', '{', '{"a":1}}', 'not json', b'{"a":"\xff"}',
                                  '{"a":NaN}'])
def test_malformed_reports(twin, body):
    assert twin.refused(body) == (400, 400004)
    assert twin.report({'after': 1}) == 2


def nested(n):
    value = 1
    for _ in range(n):
        value = {'a': value}
    return {'a': value}


@pytest.mark.parametrize('good, bad', [
    ({'n' * 1024: 1}, {'n' * 1025: 1}),
    ({'s': 's' * 4096}, {'s': 's' * 4097}),
    ({'s': 'é' * 2048}, {'s': 'é' * 2048 + '.'}),
    ({'i': 4503599627370495}, {'i': 4503599627370496}),
    ({'i': -4503599627370496}, {'i': -4503599627370497}),
    (nested(10), nested(11)),
    ({'ok-_/+#': 1}, {'a.b': 1}),
    ({'ok': 1}, {'a$b': 1}),
    ({'ok': 1}, {'a b': 1}),
    ({'ok': 1}, {'a\x07': 1}),
    ({'ok': 1}, {'a\x85': 1}),
    ({'ok': {'x': 1}}, {'ok': {'x.': None}}),
])
def test_limits_at_their_edge(twin, good, bad):
    assert twin.refused(bad) == (400, 400004)
    assert twin.report(good) == 2
    assert twin.refused(bad) == (400, 400004)
    assert twin.get()['reported'] == {**good, '$version': 2}


def test_a_section_holds_32_kib(twin):
    for n in range(8):
        assert twin.report({str(n): 'x' * 4095}) == n + 2
    assert twin.refused({'9': ''}) == (400, 400004)
    assert twin.report({'0': None, '9': 'x' * 4095}) == 10
    assert twin.report({'9': '\n' * 4096}) == 11  # control characters do not count


def test_trap_51_a_device_made_again_has_a_new_twin(devhub):
    with TwinClient(devhub, devhub.create('d1')) as twin:
        assert twin.report({'a': 1}) == 2
        devhub.run('device', 'delete', 'd1')
        twin.client.expect_close()
    with TwinClient(devhub, devhub.create('d1')) as twin:
        assert twin.get() == NEW


def test_twins_survive_a_kill(devhub, device):
    with TwinClient(devhub, device) as twin:
        assert [twin.report({'n': n}) for n in range(20)] == list(range(2, 22))
        devhub.kill()
    devhub.start()
    with TwinClient(devhub, device) as twin:
        assert twin.get()['reported'] == {'n': 19, '$version': 21}
