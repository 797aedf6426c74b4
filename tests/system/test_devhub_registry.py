# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: the identity registry over HTTPS, as each of the official clients speaks it."""

import base64
import calendar
import json
import sqlite3
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import mqtt
import pytest
from devhub import Device, Devhub, devhub  # noqa: F401  (a fixture)
from dps import Guest
from https import Service

NEVER = '0001-01-01T00:00:00Z'
# what the Node SDK sends to create an identity
NODE_CREATE = {'deviceId': 'dev1', 'authentication': {'type': 'sas', 'symmetricKey': {'primaryKey': '',
                                                                                     'secondaryKey': ''}}}


@pytest.fixture
def service(devhub):
    return Service(devhub)


def identity(device='dev1', **more):
    return {'deviceId': device, **more}


def refused(answer, status, name):
    """The old dialect: header, status and body agree."""
    assert (answer.status, answer.error) == (status, name), answer.body
    assert answer.json['Message'].startswith('ErrorCode:%s;' % name)
    return True


def seconds(text):
    """Of a time as the hub writes it, with seven digits."""
    head, digits = text[:-1].split('.')
    assert len(digits) == 7 and text[-1] == 'Z'
    return calendar.timegm(time.strptime(head, '%Y-%m-%dT%H:%M:%S')) + int(digits) / 1e7


def keys_of(record):
    keys = record['authentication']['symmetricKey']
    return keys['primaryKey'], keys['secondaryKey']


def device_of(devhub, record):
    primary, secondary = keys_of(record)
    return Device(devhub.host, {'deviceId': record['deviceId'], 'moduleId': record.get('moduleId'),
                                'primaryKey': primary, 'secondaryKey': secondary,
                                'generationId': record['generationId'], 'connectionString': ''})


def wait_for(condition, within=10):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- one identity ---

def test_trap_37_empty_keys_are_made_by_the_hub(devhub, service):
    answer = service.put('/devices/dev1', NODE_CREATE)
    assert answer.status == 200
    record = answer.json
    primary, secondary = keys_of(record)
    assert len(base64.b64decode(primary)) == len(base64.b64decode(secondary)) == 32
    assert primary != secondary
    with devhub.client(device_of(devhub, record)):
        pass
    # what the Node SDK's update without keys does: new ones
    again = service.put('/devices/dev1', {**NODE_CREATE, 'status': 'enabled'}, {'If-Match': '*'}).json
    assert set(keys_of(again)).isdisjoint(keys_of(record))
    # what was read, sent back, keeps them; so does an update that says nothing of keys
    assert keys_of(service.put('/devices/dev1', again, {'If-Match': '*'}).json) == keys_of(again)
    assert keys_of(service.put('/devices/dev1', identity(), {'If-Match': '*'}).json) == keys_of(again)


def test_a_new_record_is_whole(service):
    record = service.put('/devices/dev1', NODE_CREATE).json
    primary, secondary = keys_of(record)
    assert record == {
        'deviceId': 'dev1', 'generationId': record['generationId'], 'etag': record['etag'],
        'connectionState': 'Disconnected', 'status': 'enabled', 'statusReason': None,
        'connectionStateUpdatedTime': NEVER, 'statusUpdatedTime': NEVER, 'lastActivityTime': NEVER,
        'cloudToDeviceMessageCount': 0,
        'authentication': {'symmetricKey': {'primaryKey': primary, 'secondaryKey': secondary},
                           'x509Thumbprint': {'primaryThumbprint': None, 'secondaryThumbprint': None},
                           'type': 'sas'},
        'capabilities': {'iotEdge': False}}
    assert record['generationId'].isdigit() and base64.b64decode(record['etag'])
    assert service.get('/devices/dev1').json == record


def test_keys_that_the_caller_brings(devhub, service):
    mine = {'primaryKey': base64.b64encode(b'p' * 32).decode(), 'secondaryKey': base64.b64encode(b's' * 32).decode()}
    record = service.put('/devices/dev1', identity(authentication={'symmetricKey': mine})).json
    assert record['authentication']['symmetricKey'] == mine
    with devhub.client(device_of(devhub, record)):
        pass
    for bad in 'not base64!', base64.b64encode(b'x' * 15).decode(), base64.b64encode(b'x' * 65).decode(), 7:
        answer = service.put('/devices/dev2', identity('dev2', authentication={'symmetricKey': {'primaryKey': bad}}))
        assert refused(answer, 400, 'ArgumentInvalid')
    assert service.get('/devices/dev2').status == 404


def test_without_if_match_a_put_creates_and_409_if_it_is_there(service):
    assert service.put('/devices/dev1', NODE_CREATE).status == 200
    assert refused(service.put('/devices/dev1', NODE_CREATE), 409, 'DeviceAlreadyExists')
    assert refused(service.put('/devices/dev2', identity('dev2'), {'If-Match': '*'}), 404, 'DeviceNotFound')


def test_trap_35_if_match_has_quotes_and_etags_in_json_have_none(service):
    first = service.put('/devices/dev1', NODE_CREATE)
    etag = first.json['etag']
    assert '"' not in etag and first.headers['ETag'] == '"%s"' % etag
    update = identity(status='disabled', statusReason='lost')
    assert refused(service.put('/devices/dev1', update, {'If-Match': '"AAAA"'}), 412, 'PreconditionFailed')
    assert service.get('/devices/dev1').json['status'] == 'enabled'
    second = service.put('/devices/dev1', update, {'If-Match': '"%s"' % etag})
    assert second.status == 200 and second.json['etag'] != etag
    assert (second.json['status'], second.json['statusReason']) == ('disabled', 'lost')
    assert refused(service.put('/devices/dev1', update, {'If-Match': '"%s"' % etag}), 412, 'PreconditionFailed')
    third = service.put('/devices/dev1', identity(status='enabled'), {'If-Match': '"*"'})
    assert third.status == 200
    assert (third.json['status'], third.json['statusReason']) == ('enabled', 'lost')
    assert service.put('/devices/dev1', identity(statusReason=None), {'If-Match': '*'}).json['statusReason'] is None
    # deleting holds it as well
    assert refused(service.delete('/devices/dev1', {'If-Match': '"%s"' % etag}), 412, 'PreconditionFailed')
    assert service.delete('/devices/dev1', {'If-Match': '"%s"' % service.get('/devices/dev1').json['etag']}).status \
        == 204


def test_an_identity_that_is_deleted_is_gone(devhub, service):
    record = service.put('/devices/dev1', NODE_CREATE).json
    device = device_of(devhub, record)
    with devhub.client(device) as client:
        answer = service.delete('/devices/dev1', {'If-Match': '*'})
        assert (answer.status, answer.body) == (204, b'')
        assert 'Content-Type' not in answer.headers
        client.expect_close()
    assert refused(service.get('/devices/dev1'), 404, 'DeviceNotFound')
    assert refused(service.delete('/devices/dev1', {'If-Match': '*'}), 404, 'DeviceNotFound')
    with devhub.open() as client:
        assert client.connect('dev1', device.username(), device.token()) == (False, 5)
    again = service.put('/devices/dev1', NODE_CREATE).json
    assert again['generationId'] != record['generationId']
    assert again['lastActivityTime'] == NEVER


def test_a_disabled_device_is_cut_and_refused(devhub, service):
    record = service.put('/devices/dev1', NODE_CREATE).json
    service.put('/devices/dev1/modules/m', {'moduleId': 'm', 'deviceId': 'dev1'})
    module = device_of(devhub, service.get('/devices/dev1/modules/m').json)
    device = device_of(devhub, record)
    with devhub.client(device) as client, devhub.client(module) as part:
        before = time.time()
        record = service.put('/devices/dev1', {**record, 'status': 'disabled', 'statusReason': 'stolen'},
                             {'If-Match': '"%s"' % record['etag']}).json
        assert abs(seconds(record['statusUpdatedTime']) - before) < 10
        client.expect_close()
        part.expect_close()
    for who in device, module:
        with devhub.open() as client:
            assert client.connect(who.client_id, who.username(), who.token()) == (False, 5)
    # with the key of a policy as well
    owner = devhub.endpoints()['owner_connection_string'].split('SharedAccessKey=')[1]
    with devhub.open() as client:
        token = mqtt.token(owner, devhub.host, policy='iothubowner')
        assert client.connect('dev1', device.username(), token) == (False, 5)
    assert 'the device is disabled' in devhub.log.read_text()
    assert service.put('/devices/dev1', {**record, 'status': 'enabled'}, {'If-Match': '*'}).status == 200
    with devhub.client(device), devhub.client(module):
        pass


def test_times_and_state_of_the_connection(devhub, service):
    record = service.put('/devices/dev1', NODE_CREATE).json
    device = device_of(devhub, record)
    start = time.time()
    with devhub.client(device) as client:
        on = service.get('/devices/dev1').json
        assert on['connectionState'] == 'Connected'
        assert start - 1 < seconds(on['connectionStateUpdatedTime']) < time.time() + 1
        assert on['lastActivityTime'] >= on['connectionStateUpdatedTime']
        assert service.get('/statistics/service').json == {'connectedDeviceCount': 1}
        client.publish(device.topic(), b'1')
        sent = service.get('/devices/dev1').json
        assert sent['connectionStateUpdatedTime'] == on['connectionStateUpdatedTime']
        assert sent['lastActivityTime'] > on['lastActivityTime']
        assert sent['etag'] == record['etag']
    wait_for(lambda: service.get('/devices/dev1').json['connectionState'] == 'Disconnected')
    off = service.get('/devices/dev1').json
    assert off['connectionStateUpdatedTime'] > on['connectionStateUpdatedTime']
    assert off['lastActivityTime'] >= sent['lastActivityTime']
    assert service.get('/statistics/service').json == {'connectedDeviceCount': 0}
    # it survives; who was connected when the hub stopped is not so when it starts
    with devhub.client(device):
        devhub.stop()
    devhub.start()
    late = service.get('/devices/dev1').json
    assert late['connectionState'] == 'Disconnected'
    assert late['lastActivityTime'] > off['lastActivityTime']
    assert late['connectionStateUpdatedTime'] == late['lastActivityTime']


def test_times_of_the_connection_outlive_a_kill(tmp_path):
    """Activity to within a minute; and who was connected is known to be so no more."""
    with Devhub(tmp_path / 'hub').start('--virtual-clock') as hub:
        service = Service(hub)
        device = device_of(hub, service.put('/devices/dev1', NODE_CREATE).json)
        with hub.client(device) as client:
            client.publish(device.topic(), b'1')
            on = service.get('/devices/dev1').json
            hub.run('clock', 'advance', '5min')
            client.publish(device.topic(), b'2', ident=2)
            sent = service.get('/devices/dev1').json
            assert seconds(sent['lastActivityTime']) > seconds(on['lastActivityTime']) + 299
            hub.kill()
        hub.start('--virtual-clock')
        late = service.get('/devices/dev1').json
        assert late['lastActivityTime'] == sent['lastActivityTime']
        assert late['connectionState'] == 'Disconnected'
        assert late['connectionStateUpdatedTime'] > sent['connectionStateUpdatedTime']


def test_trap_25_the_second_connection_is_the_one_that_counts(devhub, service):
    record = service.put('/devices/dev1', NODE_CREATE).json
    device = device_of(devhub, record)
    with devhub.client(device) as first, devhub.client(device):
        first.expect_close()
        assert service.get('/devices/dev1').json['connectionState'] == 'Connected'
        assert service.get('/statistics/service').json == {'connectedDeviceCount': 1}


def test_a_guest_of_the_provisioning_service_is_no_device(devhub, service):
    service.put('/devices/dev1', NODE_CREATE)
    with Guest(devhub, 'dev1', base64.b64encode(b'k' * 32).decode()):
        assert service.get('/statistics/service').json == {'connectedDeviceCount': 0}
        assert service.get('/devices/dev1').json['connectionState'] == 'Disconnected'
        assert devhub.stop() == 0
    devhub.start()
    assert service.get('/devices/dev1').json['lastActivityTime'] == NEVER


@pytest.mark.parametrize('kind, more', [
    ('selfSigned', {'x509Thumbprint': {'primaryThumbprint': 'ab' * 20, 'secondaryThumbprint': 'CD' * 32}}),
    ('certificateAuthority', {}), ('none', {})])
def test_other_ways_of_authentication_are_kept(devhub, service, kind, more):
    sas = service.put('/devices/dev1', NODE_CREATE).json
    record = service.put('/devices/dev1', identity(authentication={'type': kind, **more}), {'If-Match': '*'}).json
    shown = record['authentication']
    assert shown['type'] == kind
    assert shown['symmetricKey'] == {'primaryKey': None, 'secondaryKey': None}
    prints = {'primaryThumbprint': 'AB' * 20, 'secondaryThumbprint': 'CD' * 32} if more \
        else {'primaryThumbprint': None, 'secondaryThumbprint': None}
    assert shown['x509Thumbprint'] == prints
    assert service.get('/devices/dev1').json == record
    # the old key opens nothing
    device = device_of(devhub, sas)
    with devhub.open() as client:
        assert client.connect('dev1', device.username(), device.token()) == (False, 5)
    back = service.put('/devices/dev1', identity(authentication={'type': 'SAS'}), {'If-Match': '*'}).json
    assert back['authentication']['type'] == 'sas'
    assert back['authentication']['x509Thumbprint']['primaryThumbprint'] is None
    assert len(base64.b64decode(keys_of(back)[0])) == 32


def test_thumbprints_alone_mean_self_signed(service):
    record = service.put('/devices/dev1', identity(authentication={
        'x509Thumbprint': {'primaryThumbprint': '0' * 40}})).json
    assert record['authentication']['type'] == 'selfSigned'


def test_an_edge_device_stays_one(service):
    assert service.put('/devices/dev1', identity(capabilities={'iotEdge': True})).json['capabilities'] \
        == {'iotEdge': True}
    assert service.put('/devices/dev1', identity(), {'If-Match': '*'}).json['capabilities'] == {'iotEdge': True}


@pytest.mark.parametrize('bad', [
    {'deviceId': 'other'}, {'moduleId': 'm'}, {'deviceId': 7}, {'status': 'asleep'}, {'status': 1},
    {'statusReason': 'x' * 129}, {'statusReason': 1}, {'authentication': []}, {'authentication': {'type': 'key'}},
    {'authentication': {'type': 1}}, {'authentication': {'symmetricKey': 'x'}},
    {'authentication': {'type': 'selfSigned'}}, {'authentication': {'x509Thumbprint': {'primaryThumbprint': 'xyz'}}},
    {'authentication': {'x509Thumbprint': {'primaryThumbprint': 'g' * 40}}}, {'capabilities': 1},
    {'capabilities': {'iotEdge': 'yes'}}])
def test_records_that_cannot_be(service, bad):
    assert refused(service.put('/devices/dev1', {**identity(), **bad}), 400, 'ArgumentInvalid')
    assert refused(service.get('/devices/dev1'), 404, 'DeviceNotFound')


@pytest.mark.parametrize('body, name', [
    (b'', 'IotHubFormatError'), (b'{', 'IotHubFormatError'), (b'{"deviceId":"dev1"}x', 'IotHubFormatError'),
    (b'{"deviceId":"\xff"}', 'IotHubFormatError'), (b'{"deviceId":NaN}', 'IotHubFormatError'),
    (b'null', 'ArgumentNull'), (b'[]', 'ArgumentInvalid'), (b'"dev1"', 'ArgumentInvalid'), (b'7', 'ArgumentInvalid'),
    (b'[' * 1000, 'IotHubFormatError')])
def test_bodies_that_are_no_record(service, body, name):
    assert refused(service.put('/devices/dev1', body), 400, name)


def test_a_body_that_is_too_large_is_413(service):
    big = json.dumps(identity(statusReason='x' * (1024 * 1024))).encode()
    assert refused(service.put('/devices/dev1', big), 413, 'MessageTooLarge')
    # who has no right is not heard out on it
    assert refused(service.put('/devices/dev1', big, {'Authorization': None}), 401, 'IotHubUnauthorizedAccess')
    assert service.put('/devices/dev1', identity()).status == 200


# --- ids ---

def test_ids_of_every_character_that_is_allowed(service):
    for device in "AZaz09-:.+%_#*?!(),=@$'", 'x' * 128:
        path = '/devices/' + urllib.parse.quote(device, safe='')
        assert service.put(path, identity(device)).json['deviceId'] == device
        assert service.get(path).json['deviceId'] == device
        assert service.delete(path).status == 204


@pytest.mark.parametrize('device', ['a b', 'x' * 129, 'a/b', 'ü', 'a"b', 'a\\b', 'a&b', '<a>', 'a\tb'])
def test_ids_that_cannot_be(service, device):
    path = '/devices/' + urllib.parse.quote(device, safe='')
    assert refused(service.put(path, identity(device)), 400, 'ArgumentInvalid')
    assert refused(service.get(path), 400, 'ArgumentInvalid')
    assert refused(service.delete(path), 400, 'ArgumentInvalid')


def test_trap_24_ids_have_a_case(service):
    service.put('/devices/Dev', identity('Dev'))
    assert service.get('/devices/dev').status == 404
    assert service.put('/devices/dev', identity('dev')).status == 200
    assert service.get('/devices/Dev').json['deviceId'] == 'Dev'
    assert len(service.get('/devices').json) == 2


# --- lists ---

def test_trap_36_devices_with_a_slash(service):
    for device in 'b', 'a', 'c':
        service.put('/devices/' + device, identity(device))
    service.put('/devices/a/modules/m', {'moduleId': 'm', 'deviceId': 'a'})
    for path in '/devices/', '/devices':
        answer = service.get(path)
        assert answer.status == 200
        assert [d['deviceId'] for d in answer.json] == ['a', 'b', 'c']
        assert all('authentication' in d and 'etag' in d for d in answer.json)
    assert [d['deviceId'] for d in service.get('/devices?top=2').json] == ['a', 'b']
    assert [d['deviceId'] for d in service.get('/devices/?top=1000').json] == ['a', 'b', 'c']
    for bad in '0', '1001', 'x', '-1', '', '99999':
        assert refused(service.get('/devices?top=' + bad), 400, 'ArgumentInvalid')


def test_a_hub_without_devices(service):
    assert service.get('/devices').json == []
    assert service.get('/statistics/devices').json == {'totalDeviceCount': 0, 'enabledDeviceCount': 0,
                                                       'disabledDeviceCount': 0}


def test_statistics(service):
    for n, status in enumerate(['enabled', 'disabled', 'disabled', 'enabled', 'enabled']):
        service.put('/devices/d%d' % n, identity('d%d' % n, status=status))
    service.put('/devices/d1/modules/m', {'moduleId': 'm', 'deviceId': 'd1'})
    assert service.get('/statistics/devices').json == {'totalDeviceCount': 5, 'enabledDeviceCount': 3,
                                                       'disabledDeviceCount': 2}


# --- modules ---

def test_modules(devhub, service):
    module = {'moduleId': 'm1', 'deviceId': 'dev1', 'managedBy': 'me'}
    path = '/devices/dev1/modules/m1'
    assert refused(service.put(path, module), 404, 'DeviceNotFound')
    assert refused(service.get(path), 404, 'DeviceNotFound')
    assert refused(service.get('/devices/dev1/modules'), 404, 'DeviceNotFound')
    service.put('/devices/dev1', NODE_CREATE)
    assert refused(service.get(path), 404, 'ModuleNotFound')
    assert refused(service.delete(path), 404, 'ModuleNotFound')
    assert refused(service.put(path, module, {'If-Match': '*'}), 404, 'ModuleNotFound')
    record = service.put(path, module).json
    assert (record['moduleId'], record['deviceId'], record['managedBy']) == ('m1', 'dev1', 'me')
    assert record['connectionState'] == 'Disconnected' and 'status' not in record
    assert len(base64.b64decode(keys_of(record)[0])) == 32
    assert refused(service.put(path, module), 409, 'ModuleAlreadyExistsOnDevice')
    assert refused(service.put('/devices/dev1/modules/x', module), 400, 'ArgumentInvalid')
    assert refused(service.put('/devices/dev1/modules/a%20b', {}), 400, 'ArgumentInvalid')
    assert refused(service.put(path, module, {'If-Match': '"AAAA"'}), 412, 'PreconditionFailed')
    assert service.put(path, {**record, 'managedBy': None}, {'If-Match': '"%s"' % record['etag']}).json['managedBy'] \
        is None
    service.put('/devices/dev1/modules/m0', {'moduleId': 'm0'})
    assert [m['moduleId'] for m in service.get('/devices/dev1/modules').json] == ['m0', 'm1']
    with devhub.client(device_of(devhub, service.get(path).json)) as client:
        assert service.get(path).json['connectionState'] == 'Connected'
        assert service.get('/devices/dev1').json['connectionState'] == 'Disconnected'
        assert service.get('/statistics/service').json == {'connectedDeviceCount': 0}
        assert service.delete(path, {'If-Match': '*'}).status == 204
        client.expect_close()
    assert [m['moduleId'] for m in service.get('/devices/dev1/modules').json] == ['m0']
    # a device takes its modules along
    service.delete('/devices/dev1')
    service.put('/devices/dev1', NODE_CREATE)
    assert service.get('/devices/dev1/modules').json == []


def test_fifty_modules_are_enough(service):
    service.put('/devices/dev1', NODE_CREATE)
    for n in range(50):
        assert service.put('/devices/dev1/modules/m%d' % n, {}).status == 200
    assert refused(service.put('/devices/dev1/modules/m50', {}), 413, 'TooManyModulesOnDevice')


# --- bulk ---

def test_trap_38_modes_are_spelled_with_and_without_a_capital(service):
    made = service.post('/devices', [
        {'id': 'b1', 'importMode': 'create', 'authentication': NODE_CREATE['authentication']},
        {'id': 'b2', 'importMode': 'Create', 'status': 'disabled'}])
    assert (made.status, made.json) == (200, {'isSuccessful': True, 'errors': [], 'warnings': []})
    assert len(base64.b64decode(keys_of(service.get('/devices/b1').json)[0])) == 32
    assert service.get('/devices/b2').json['status'] == 'disabled'
    gone = service.post('/devices/', [{'id': 'b1', 'importMode': 'Delete'}, {'id': 'b2', 'importMode': 'delete'}])
    assert gone.json['isSuccessful']
    assert service.get('/devices').json == []


def test_trap_50_a_bulk_with_errors_says_so_under_status_200(service):
    service.put('/devices/b1', identity('b1'))
    answer = service.post('/devices', [
        {'id': 'b1', 'importMode': 'create'}, {'id': 'b2', 'importMode': 'create'},
        {'id': 'b3', 'importMode': 'delete'}, {'id': 'b4', 'importMode': 'explode'}, {'id': 'b5'},
        {'importMode': 'create'}, {'id': 'a b', 'importMode': 'create'},
        {'id': 'b6', 'moduleId': 'm', 'importMode': 'create'}])
    assert answer.status == 200
    assert answer.json['isSuccessful'] is False and answer.json['warnings'] == []
    assert [(e['deviceId'], e['moduleId'], e['errorCode'], e['operation']) for e in answer.json['errors']] == [
        ('b1', None, 'DeviceAlreadyExists', 'create'), ('b3', None, 'DeviceNotFound', 'delete'),
        ('b4', None, 'ArgumentInvalid', 'explode'), ('b5', None, 'ArgumentNull', None),
        (None, None, 'ArgumentNull', 'create'), ('a b', None, 'ArgumentInvalid', 'create'),
        ('b6', 'm', 'DeviceNotFound', 'create')]
    assert all(e['errorStatus'] for e in answer.json['errors'])
    assert service.get('/devices/b2').status == 200  # the others are done


def test_every_mode_of_a_bulk(service):
    def bulk(**item):
        answer = service.post('/devices', [{'id': 'b', **item}]).json
        return answer['isSuccessful'] or answer['errors'][0]['errorCode']

    assert bulk(importMode='update') == 'DeviceNotFound'
    assert bulk(importMode='createOrUpdate', status='disabled') is True
    assert bulk(importMode='createOrUpdate', status='enabled') is True
    assert bulk(importMode='update', status='disabled') is True
    etag = service.get('/devices/b').json['etag']
    assert bulk(importMode='updateIfMatchETag', status='enabled') == 'PreconditionFailed'
    assert bulk(importMode='updateIfMatchETag', eTag='AAAA', status='enabled') == 'PreconditionFailed'
    assert bulk(importMode='UpdateIfMatchETag', eTag=etag, status='enabled') is True
    assert bulk(importMode='createOrUpdateIfMatchETag', eTag=etag) == 'PreconditionFailed'
    assert bulk(importMode='deleteIfMatchETag', eTag=etag) == 'PreconditionFailed'
    etag = service.get('/devices/b').json['etag']
    assert bulk(importMode='create', moduleId='m', managedBy='me') is True
    assert service.get('/devices/b/modules/m').json['managedBy'] == 'me'
    assert bulk(importMode='delete', moduleId='m') is True
    assert bulk(importMode='deleteIfMatchETag', eTag=etag) is True
    assert service.get('/devices/b').status == 404


def test_a_bulk_cuts_who_is_deleted_or_disabled(devhub, service):
    clients = []
    for name in 'b1', 'b2':
        clients.append(devhub.client(device_of(devhub, service.put('/devices/' + name, identity(name)).json)))
    service.post('/devices', [{'id': 'b1', 'importMode': 'delete'},
                              {'id': 'b2', 'importMode': 'update', 'status': 'disabled'}])
    for client in clients:
        client.expect_close()


@pytest.mark.parametrize('how', ['ABORT', 'ROLLBACK'])
def test_a_bulk_that_cannot_be_committed_cuts_and_changes_nobody(devhub, service, how):
    """The store fails at the last of its items, or loses the transaction: who went before stays as it was."""
    one, two, three = (device_of(devhub, service.put('/devices/' + n, identity(n)).json) for n in ('b1', 'b2', 'b3'))
    with sqlite3.connect(devhub.directory / 'devhub.db') as db:
        db.execute("CREATE TRIGGER stop BEFORE UPDATE ON identities WHEN new.device_id = 'b3'"
                   " BEGIN SELECT RAISE(%s, 'stopped'); END" % how)
    with devhub.client(one, clean=False) as a, devhub.client(two) as b, ThreadPoolExecutor() as pool:
        a.subscribe('$iothub/methods/POST/#')
        waiting = pool.submit(service.post, '/twins/b1/methods',
                              {'methodName': 'x', 'responseTimeoutInSeconds': 5, 'payload': None})
        assert a.receive()[0] == mqtt.PUBLISH  # the call is under way, and its caller waits
        answer = service.post('/devices', [{'id': 'b1', 'importMode': 'update', 'status': 'disabled'},
                                           {'id': 'b2', 'importMode': 'delete'},
                                           {'id': 'b3', 'importMode': 'update', 'status': 'disabled'}])
        assert answer.status == 500
        for client, who in (a, one), (b, two):
            client.publish(who.topic(), b'still here')
        assert waiting.result().status == 504
    for name in 'b1', 'b2', 'b3':
        assert service.get('/devices/' + name).json['status'] == 'enabled'
    with devhub.client(one, clean=False) as a:
        assert a.session_present


def test_a_methods_caller_hears_at_once_that_the_device_is_disabled(devhub, service):
    device = device_of(devhub, service.put('/devices/b1', identity('b1')).json)
    with devhub.client(device) as client, ThreadPoolExecutor() as pool:
        client.subscribe('$iothub/methods/POST/#')
        waiting = pool.submit(service.post, '/twins/b1/methods',
                              {'methodName': 'x', 'responseTimeoutInSeconds': 60, 'payload': None})
        assert client.receive()[0] == mqtt.PUBLISH
        record = {'id': 'b1', 'importMode': 'update', 'status': 'disabled'}
        assert service.post('/devices', [record]).json['isSuccessful']
        assert waiting.result(10).status == 404
        client.expect_close()


def test_bulks_that_cannot_be(service):
    item = {'id': 'b', 'importMode': 'create'}
    assert refused(service.post('/devices', item), 400, 'ArgumentInvalid')
    assert refused(service.post('/devices', []), 400, 'ArgumentInvalid')
    assert refused(service.post('/devices', [{**item, 'id': str(n)} for n in range(101)]), 400, 'ArgumentInvalid')
    assert refused(service.post('/devices', [item, 7]), 400, 'DeserializationError')
    assert refused(service.post('/devices', [item, item]), 400, 'DeviceDefinedMultipleTimes')
    assert service.get('/devices').json == []
    assert service.post('/devices', [{**item, 'id': str(n)} for n in range(100)]).json['isSuccessful']
    assert len(service.get('/devices').json) == 100


# --- rights ---

CALLS = [('PUT', '/devices/dev1', {}, 'write'), ('PUT', '/devices/dev1/modules/m', {}, 'write'),
         ('GET', '/devices/dev1', None, 'read'), ('GET', '/devices/dev1/modules/m', None, 'read'),
         ('GET', '/devices/dev1/modules', None, 'read'), ('GET', '/devices', None, 'read'),
         ('GET', '/statistics/devices', None, 'read'), ('GET', '/statistics/service', None, 'read'),
         ('POST', '/devices', [{'id': 'b', 'importMode': 'create'}], 'write'),
         ('DELETE', '/devices/dev1/modules/m', None, 'write'), ('DELETE', '/devices/dev1', None, 'write')]


@pytest.mark.parametrize('policy, may', [('iothubowner', 'read write'), ('registryReadWrite', 'read write'),
                                         ('registryRead', 'read'), ('service', ''), ('device', '')])
def test_rights_call_by_call(devhub, service, policy, may):
    as_policy = Service(devhub, policy)
    service.put('/devices/dev1', {})
    service.put('/devices/dev1/modules/m', {})
    for method, path, body, right in CALLS:
        headers = {'If-Match': '*'} if method in ('PUT', 'DELETE') else {}
        answer = as_policy.call(method, path, body, headers)
        if right in may.split():
            assert answer.status in (200, 204), (method, path, answer.body)
        else:
            assert refused(answer, 401, 'IotHubUnauthorizedAccess')


# --- the store ---

def test_registry_and_commands_share_the_store(devhub, service):
    made = devhub.create('d1')
    shown = service.get('/devices/d1').json
    assert keys_of(shown) == (made.key, made.secondary_key)
    assert shown['generationId'] == made.generation_id and shown['etag']
    record = service.put('/devices/d2', identity('d2')).json
    listed = json.loads(devhub.run('device', 'list', '--json').stdout)
    assert [d['deviceId'] for d in listed] == ['d1', 'd2']
    assert listed[1]['primaryKey'] == keys_of(record)[0]
    devhub.run('device', 'delete', 'd2')
    assert service.get('/devices/d2').status == 404
    devhub.kill()
    devhub.start()
    assert service.get('/devices/d1').json == shown


def test_what_is_answered_survives_a_kill(devhub, service):
    for n in range(20):
        record = service.put('/devices/k%d' % n, identity('k%d' % n)).json
        devhub.kill()
        devhub.start()
        assert service.get('/devices/k%d' % n).json == record
        if n % 5 == 4:
            assert len(service.get('/devices').json) == n + 1


def test_the_store_of_an_older_hub_is_brought_up_to_date(tmp_path):
    old = tmp_path / 'old'
    old.mkdir()
    db = sqlite3.connect(old / 'devhub.db')
    db.executescript('''
        CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE identities (device_id TEXT NOT NULL, module_id TEXT NOT NULL DEFAULT '',
          primary_key TEXT NOT NULL, secondary_key TEXT NOT NULL, generation_id TEXT NOT NULL,
          created_usec INTEGER NOT NULL, PRIMARY KEY (device_id, module_id)) WITHOUT ROWID;
        CREATE TABLE policies (name TEXT PRIMARY KEY, primary_key TEXT NOT NULL, secondary_key TEXT NOT NULL,
          device_connect INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE links (id INTEGER PRIMARY KEY, device_id TEXT NOT NULL, module_id TEXT,
          generation_id TEXT NOT NULL, auth_method TEXT NOT NULL, model_id TEXT);
        CREATE TABLE events (sequence INTEGER PRIMARY KEY, enqueued_usec INTEGER NOT NULL,
          link INTEGER NOT NULL REFERENCES links (id), bag BLOB NOT NULL, body BLOB NOT NULL);
        PRAGMA user_version = 1;''')
    key = base64.b64encode(b'k' * 32).decode()
    db.executemany('INSERT INTO identities VALUES (?, ?, ?, ?, ?, 0)',
                   [('old', '', key, key, '1'), ('old', 'm', key, key, '2')])
    db.commit()
    db.close()
    assert Devhub(old).run('device', 'list').stdout == 'old\nold/m\n'
    with Devhub(old) as devhub:
        service = Service(devhub)
        record = service.get('/devices/old').json
        assert keys_of(record) == (key, key) and record['generationId'] == '1'
        assert record['etag'] and record['status'] == 'enabled' and record['authentication']['type'] == 'sas'
        assert service.get('/devices/old/modules/m').json['etag'] != record['etag']
        with devhub.client(device_of(devhub, record)):
            pass
