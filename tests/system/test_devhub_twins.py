# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: twins, at the device's side over MQTT and at the service's over HTTPS."""

import contextlib
import json
import re
import sqlite3
import struct
import time

import mqtt
import pytest
from devhub import API, devhub  # noqa: F401  (a fixture)
from https import Service
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


# --- the service: 5.4, 8.4 ---

TIME = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z'
NEVER = '0001-01-01T00:00:00Z'


@pytest.fixture
def service(devhub):
    return Service(devhub)


def test_the_document_of_a_new_twin(devhub, service, device):
    answer = service.get('/twins/d1')
    assert answer.status == 200
    assert answer.headers['ETag'] == '"AAAAAAAAAAE="'
    document = answer.json
    assert document.pop('deviceEtag')
    assert document == {
        'deviceId': 'd1', 'modelId': '', 'etag': 'AAAAAAAAAAE=', 'status': 'enabled', 'statusUpdateTime': NEVER,
        'connectionState': 'Disconnected', 'lastActivityTime': NEVER, 'cloudToDeviceMessageCount': 0,
        'authenticationType': 'sas', 'x509Thumbprint': {'primaryThumbprint': None, 'secondaryThumbprint': None},
        'version': 2, 'capabilities': {'iotEdge': False}, 'tags': {},
        'properties': {'desired': {'$metadata': {'$lastUpdated': NEVER}, '$version': 1},
                       'reported': {'$metadata': {'$lastUpdated': NEVER}, '$version': 1}}}


def test_the_document_of_a_module(devhub, service):
    devhub.create_module('d1', 'm1')
    document = service.get('/twins/d1/modules/m1').json
    assert (document['deviceId'], document['moduleId'], document['version']) == ('d1', 'm1', 2)
    assert service.patch('/twins/d1/modules/m1', {'tags': {'a': 1}}).json['tags'] == {'a': 1}
    assert service.get('/twins/d1').json['tags'] == {}


def test_the_document_tells_the_connection_and_the_model(devhub, service, device):
    with TwinClient(devhub, device, query='api-version=%s&model-id=dtmi:com:example:pump;1' % API):
        document = service.get('/twins/d1').json
        assert document['connectionState'] == 'Connected'
        assert document['modelId'] == 'dtmi:com:example:pump;1'
        assert re.fullmatch(TIME, document['lastActivityTime'])
    deadline = time.monotonic() + 10
    while service.get('/twins/d1').json['connectionState'] != 'Disconnected':
        assert time.monotonic() < deadline
    assert service.get('/twins/d1').json['modelId'] == 'dtmi:com:example:pump;1'


def test_metadata_mirrors_the_tree(service, device, twin):
    service.patch('/twins/d1', {'properties': {'desired': {'a': {'b': 1, 'c': 2}, 'd': [1]}}})
    twin.desired()
    first = service.get('/twins/d1').json['properties']['desired']
    assert first['$version'] == 2
    stamp = first['$metadata']['$lastUpdated']
    assert re.fullmatch(TIME, stamp)
    leaf = {'$lastUpdated': stamp, '$lastUpdatedVersion': 2}
    assert first['$metadata'] == {**leaf, 'a': {**leaf, 'b': leaf, 'c': leaf}, 'd': leaf}

    service.patch('/twins/d1', {'properties': {'desired': {'a': {'b': None, 'c': 3}}}})
    twin.desired()
    second = service.get('/twins/d1').json['properties']['desired']
    later = {'$lastUpdated': second['$metadata']['$lastUpdated'], '$lastUpdatedVersion': 3}
    assert later['$lastUpdated'] > stamp
    assert second['$metadata'] == {**later, 'a': {**later, 'c': later}, 'd': leaf}

    assert twin.report({'x': {'y': 1}}) == 2
    reported = service.get('/twins/d1').json['properties']['reported']
    stamp = {'$lastUpdated': reported['$metadata']['$lastUpdated']}
    assert reported == {'x': {'y': 1}, '$version': 2, '$metadata': {**stamp, 'x': {**stamp, 'y': stamp}}}


def test_versions_and_etags_move_with_each_change(service, device, twin):
    def state():
        answer = service.get('/twins/d1')
        document = answer.json
        assert answer.headers['ETag'] == '"%s"' % document['etag']
        return (document['version'], document['etag'], document['properties']['desired']['$version'],
                document['properties']['reported']['$version'])

    assert state() == (2, 'AAAAAAAAAAE=', 1, 1)
    service.patch('/twins/d1', {'tags': {'a': 1}})
    assert state() == (3, 'AAAAAAAAAAI=', 1, 1)
    service.patch('/twins/d1', {'properties': {'desired': {'a': 1}}})
    assert state() == (4, 'AAAAAAAAAAM=', 2, 1)
    assert twin.desired() == (2, {'a': 1})
    twin.report({'a': 1})
    assert state() == (5, 'AAAAAAAAAAQ=', 2, 2)
    service.patch('/twins/d1', {'tags': {'a': 2}, 'properties': {'desired': {'a': 2}}})
    assert state() == (6, 'AAAAAAAAAAU=', 3, 2)


def test_patch_answers_with_the_new_document(service, device):
    answer = service.patch('/twins/d1', {'tags': {'a': {'b': 1}}, 'properties': {'desired': {'c': 1}}})
    assert answer.status == 200
    assert answer.headers['ETag'] == '"AAAAAAAAAAI="'
    assert answer.json == service.get('/twins/d1').json
    answer = service.patch('/twins/d1', {'tags': {'a': {'b': None, 'd': 2}}})
    assert answer.json['tags'] == {'a': {'d': 2}}
    assert answer.json['properties']['desired']['c'] == 1


def test_trap_35_if_match_carries_quotes(service, device):
    etag = service.get('/twins/d1').json['etag']
    assert '"' not in etag
    answer = service.patch('/twins/d1', {'tags': {'a': 1}}, {'If-Match': '"%s"' % etag})
    assert answer.status == 200
    for method in service.patch, service.put:
        refused = method('/twins/d1', {'tags': {'a': 2}}, {'If-Match': '"%s"' % etag})
        assert (refused.status, refused.error) == (412, 'PreconditionFailed')
        assert refused.json['Message'].startswith('ErrorCode:PreconditionFailed;')
    assert service.get('/twins/d1').json['tags'] == {'a': 1}
    for n, star in enumerate(['*', '"*"']):
        assert service.patch('/twins/d1', {'tags': {'a': n}}, {'If-Match': star}).json['tags'] == {'a': n}
    assert service.patch('/twins/d1', {'tags': {'a': 9}}).json['tags'] == {'a': 9}


def test_put_replaces_tags_and_desired(service, device, twin):
    twin.report({'r': 1})
    service.patch('/twins/d1', {'tags': {'a': 1, 'b': {'c': 1}}, 'properties': {'desired': {'x': 1, 'y': {'z': 1}}}})
    assert twin.desired() == (2, {'x': 1, 'y': {'z': 1}})
    answer = service.put('/twins/d1', {'tags': {'b': {'d': 1}}, 'properties': {'desired': {'y': {'w': 1}}}},
                         {'If-Match': '"*"'})
    assert answer.status == 200
    assert answer.json['tags'] == {'b': {'d': 1}}
    desired = answer.json['properties']['desired']
    assert (desired['y'], desired['$version'], 'x' in desired) == ({'w': 1}, 3, False)
    assert answer.json['properties']['reported']['r'] == 1
    # merged by the device it comes to the same
    assert twin.desired() == (3, {'x': None, 'y': {'z': None, 'w': 1}})
    assert twin.get()['desired'] == {'y': {'w': 1}, '$version': 3}


def test_a_whole_document_may_be_sent_back(service, device, twin):
    service.patch('/twins/d1', {'tags': {'a': 1}, 'properties': {'desired': {'x': 1}}})
    document = service.get('/twins/d1').json
    document['tags']['a'] = 2
    document['properties']['desired']['x'] = 2
    document['properties']['reported']['x'] = 3
    for method in service.patch, service.put:
        answer = method('/twins/d1', document)
        assert answer.status == 200
        assert (answer.json['tags'], answer.json['properties']['desired']['x']) == ({'a': 2}, 2)
        assert 'x' not in answer.json['properties']['reported']


@pytest.mark.parametrize('change, words', [
    ({'tags': {'a.b': 1}}, 'tags'), ({'tags': {'$version': 1}}, 'tags'),
    ({'properties': {'desired': {'a b': 1}}}, 'properties.desired'),
    ({'tags': []}, 'tags'), ({'properties': {'desired': 1}}, 'properties.desired'), ({'properties': []}, 'properties'),
    ({'tags': {'s': 's' * 4097}}, 'tags.s'), ({'tags': nested(11)}, 'tags.a.a'),
    ({'tags': {'i': 4503599627370496}}, 'tags.i'), ([], 'object'), (1, 'object'), (b'{', ''), (b'', '')])
def test_changes_that_are_refused(service, device, change, words):
    for method in service.patch, service.put:
        answer = method('/twins/d1', change)
        assert answer.status == 400, answer.body
        assert answer.error in ('ArgumentInvalid', 'IotHubFormatError')
        assert answer.json['Message'].startswith('ErrorCode:%s;' % answer.error)
        assert words in answer.json['Message']
    assert service.get('/twins/d1').json['version'] == 2


def test_tags_hold_8_kib_and_desired_32(service, device):
    for n in range(2):
        assert service.patch('/twins/d1', {'tags': {str(n): 'x' * 4095}}).status == 200
    assert service.patch('/twins/d1', {'tags': {'2': ''}}).status == 400
    for n in range(8):
        assert service.patch('/twins/d1', {'properties': {'desired': {str(n): 'x' * 4095}}}).status == 200
    assert service.patch('/twins/d1', {'properties': {'desired': {'8': True}}}).status == 400
    assert service.patch('/twins/d1', {'tags': {'0': None, '2': 'x' * 4095}}).status == 200


def test_twins_of_nobody(devhub, service, device):
    for path, error in (('/twins/d2', 'DeviceNotFound'), ('/twins/d2/modules/m', 'DeviceNotFound'),
                        ('/twins/d1/modules/m', 'ModuleNotFound'), ('/twins/D1', 'DeviceNotFound')):
        for answer in service.get(path), service.patch(path, {}), service.put(path, {}):
            assert (answer.status, answer.error) == (404, error)


def test_rights_to_twins(devhub, device):
    for policy, reads, writes in (('iothubowner', 200, 200), ('service', 200, 200), ('registryRead', 200, 401),
                                  ('registryReadWrite', 200, 401), ('device', 401, 401)):
        service = Service(devhub, policy)
        assert service.get('/twins/d1').status == reads
        assert service.patch('/twins/d1', {}).status == writes
        assert service.put('/twins/d1', {}).status == writes


# --- desired properties reach the device ---

def test_desired_reaches_those_who_listen(devhub, service):
    module = devhub.create_module('d1', 'm1')
    device = devhub.create('d2')
    deaf = devhub.create('d3')
    with TwinClient(devhub, module) as m, TwinClient(devhub, device) as d, \
            TwinClient(devhub, deaf, (RESPONSES,)) as nobody:
        service.patch('/twins/d1/modules/m1', {'properties': {'desired': {'who': 'm1'}}})
        service.patch('/twins/d2', {'properties': {'desired': {'who': 'd2'}}})
        service.patch('/twins/d3', {'properties': {'desired': {'who': 'd3'}}})
        assert m.desired() == (2, {'who': 'm1'})
        assert d.desired() == (2, {'who': 'd2'})
        assert nobody.get()['desired'] == {'who': 'd3', '$version': 2}


def test_a_push_is_the_patch_as_it_is(service, device, twin):
    service.patch('/twins/d1', b'{"properties":{"desired":{"a":1.50,"b":null,"c":{"d":null}}}}')
    assert twin.published().body == b'{"a":1.50,"b":null,"c":{"d":null},"$version":2}'
    service.patch('/twins/d1', {'tags': {'only': 'tags'}})
    service.patch('/twins/d1', {'properties': {'desired': {'a': 2}}})
    assert twin.desired() == (3, {'a': 2})


def test_trap_18_patches_are_not_queued(devhub, service, device):
    with TwinClient(devhub, device, clean=False) as twin:
        service.patch('/twins/d1', {'properties': {'desired': {'a': 1}}})
        assert twin.desired() == (2, {'a': 1})
    service.patch('/twins/d1', {'properties': {'desired': {'a': 2}}})
    with TwinClient(devhub, device, filters=(), clean=False) as twin:
        assert twin.client.session_present
        service.patch('/twins/d1', {'properties': {'desired': {'a': 3}}})
        assert twin.desired() == (4, {'a': 3})  # and not version 3
        assert twin.get()['desired'] == {'a': 3, '$version': 4}


def test_trap_17_what_changes_between_get_and_subscribe_is_lost(devhub, service, device):
    with TwinClient(devhub, device, (RESPONSES,)) as twin:
        assert twin.get() == NEW
        service.patch('/twins/d1', {'properties': {'desired': {'a': 1}}})
        twin.client.subscribe(DESIRED)
        service.patch('/twins/d1', {'properties': {'desired': {'b': 1}}})
        assert twin.desired() == (3, {'b': 1})  # the skipped number tells it
        assert twin.get()['desired'] == {'a': 1, 'b': 1, '$version': 3}


def test_throttled_twins(devhub, service, device, twin):
    devhub.fault('set', 'throttle', '--device', 'd1', '--count', '2')
    assert twin.refused({'a': 1}) == (429, 429001)
    status, _, body = twin.response(twin.send('$iothub/twin/GET'))
    assert (status, json.loads(body)['errorCode']) == (429, 429001)
    assert twin.report({'a': 1}) == 2


def test_a_fault_is_quicker_than_the_service(devhub, service, device, twin):
    devhub.fault('set', 'twin-conflict', '--device', 'd1', '--count', '2')
    etag = service.get('/twins/d1').headers['ETag']
    for method in service.patch, service.put:
        refused = method('/twins/d1', {'properties': {'desired': {'a': 1}}}, {'If-Match': etag})
        assert (refused.status, refused.error) == (412, 'PreconditionFailed')
    assert service.patch('/twins/d1', {'properties': {'desired': {'a': 1}}}, {'If-Match': etag}).status == 200
    assert twin.desired() == (2, {'a': 1})


# --- in bulk: 8.3 ---

def test_twins_are_changed_in_bulk(devhub, service):
    module = devhub.create_module('d1', 'm1')
    device = devhub.create('d2')
    with TwinClient(devhub, module) as m, TwinClient(devhub, device) as d:
        answer = service.post('/devices', [
            {'id': 'd1', 'moduleId': 'm1', 'importMode': 'updateTwin', 'properties': {'desired': {'a': 1}}},
            {'id': 'd2', 'importMode': 'UpdateTwin', 'tags': {'t': 1}, 'properties': {'desired': {'a': 2}}},
            {'id': 'd1', 'importMode': 'updateTwinIfMatchETag', 'twinETag': 'AAAAAAAAAAE=', 'tags': {'t': 2}}])
        assert (answer.status, answer.json) == (200, {'isSuccessful': True, 'errors': [], 'warnings': []})
        assert m.desired() == (2, {'a': 1})
        assert d.desired() == (2, {'a': 2})
    assert service.get('/twins/d2').json['tags'] == {'t': 1}
    assert service.get('/twins/d1').json['tags'] == {'t': 2}


def test_trap_50_a_bulk_that_failed_in_part_is_200(devhub, service, device):
    answer = service.post('/devices', [
        {'id': 'd1', 'importMode': 'updateTwin', 'tags': {'t': 1}},
        {'id': 'd2', 'importMode': 'updateTwin', 'tags': {'t': 1}},
        {'id': 'd1', 'moduleId': 'm1', 'importMode': 'updateTwin', 'tags': {'t': 1}}])
    assert answer.status == 200
    assert answer.json['isSuccessful'] is False
    assert [(e['deviceId'], e['moduleId'], e['errorCode'], e['operation']) for e in answer.json['errors']] == [
        ('d2', None, 'DeviceNotFound', 'updateTwin'), ('d1', 'm1', 'ModuleNotFound', 'updateTwin')]
    assert service.get('/twins/d1').json['tags'] == {'t': 1}
    for item, error in (({'id': 'd1', 'importMode': 'updateTwin', 'tags': {'a.b': 1}}, 'ArgumentInvalid'),
                        ({'id': 'd1', 'importMode': 'updateTwinIfMatchETag', 'twinETag': 'AAAAAAAAAAE=',
                          'tags': {'t': 2}}, 'PreconditionFailed'),
                        ({'id': 'd1', 'importMode': 'updateTwinIfMatchETag', 'tags': {'t': 2}}, 'PreconditionFailed'),
                        ({'importMode': 'updateTwin'}, 'ArgumentNull')):
        assert service.post('/devices', [item]).json['errors'][0]['errorCode'] == error
    assert service.get('/twins/d1').json['tags'] == {'t': 1}


# --- an identity that is gone while its link is still there ---

def test_the_twin_of_nobody_is_404(devhub):
    for name, number in ('d1', 404001), ('d1/m1', 404010):
        identity = devhub.create_module('d1', 'm1') if '/' in name else devhub.create(name)
        with TwinClient(devhub, identity) as twin:
            with contextlib.closing(sqlite3.connect(devhub.directory / 'devhub.db')) as db, db:
                db.execute('DELETE FROM identities')
            assert twin.refused({'a': 1}) == (404, number)
            status, _, body = twin.response(twin.send('$iothub/twin/GET'))
            assert (status, json.loads(body)['errorCode']) == (404, number)
