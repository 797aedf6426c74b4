# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: provisioning over MQTT, and the enrollments it goes by over HTTPS."""

import base64
import json
import time

import mqtt
import pytest
from devhub import Devhub
from dps import (API, Answer, Guest, derived, device_of, devhub, put_enrollment, put_group, service,  # noqa: F401
                 shared)
from https import Service

KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='
OTHER_KEY = 'c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M='


def attestation(primary=KEY, secondary=OTHER_KEY):
    return {'type': 'symmetricKey', 'symmetricKey': {'primaryKey': primary, 'secondaryKey': secondary}}


def enroll(service, registration_id, **more):
    return put_enrollment(service, registration_id, attestation(), **more)


def enroll_group(service, group_id, **more):
    return put_group(service, group_id, attestation(), **more)


def refused(answer, status, code):
    assert answer.status == status, answer.body
    error = answer.json
    assert error['errorCode'] == code and error['message'] and error['trackingId'] and error['timestampUtc']
    return True


# --- the whole way ---

def test_a_single_device_is_provisioned_and_connects(devhub, service):
    enroll(service, 'dev1', deviceId='Wind-1')
    with Guest(devhub, 'dev1', KEY) as guest:
        state = guest.provision({'registrationId': 'dev1', 'payload': {'a': 1}})
        guest.send(mqtt.unsubscribe(9, '$dps/registrations/res/#'))
        guest.expect(mqtt.UNSUBACK)
        guest.send(mqtt.packet(mqtt.DISCONNECT))
        guest.expect_close()
    assert (state['status'], state['substatus']) == ('assigned', 'initialAssignment')
    assert (state['assignedHub'], state['deviceId'], state['registrationId']) == (devhub.host, 'Wind-1', 'dev1')
    assert state['symmetricKey'] == {} and state['etag']
    assert state['createdDateTimeUtc'].startswith('20') and state['lastUpdatedDateTimeUtc'].endswith('Z')
    device = device_of(state, KEY)
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1')
    assert devhub.events(count=1)[0]['device'] == 'Wind-1'


def test_a_device_of_a_group_is_provisioned_and_connects(devhub, service):
    enroll_group(service, 'fleet')
    for registration_id, group_key in ('dev1', KEY), ('dev2', OTHER_KEY):
        key = derived(group_key, registration_id)
        with Guest(devhub, registration_id, key) as guest:
            state = guest.provision()
        assert state['status'] == 'assigned' and state['deviceId'] == registration_id
        assert state['symmetricKey'] == {'enrollmentGroupId': 'fleet'}
        with devhub.client(device_of(state, key)):
            pass


def test_a_device_is_provisioned_by_websocket(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY, by_websocket=True) as guest:
        assert guest.provision()['status'] == 'assigned'
    with Guest(devhub, 'dev1', OTHER_KEY.swapcase(), by_websocket=True) as guest:
        assert refused(guest.register(), 401, 401002)


def test_what_a_device_begins_with(devhub, service):
    twin = {'tags': {'site': 'north'}, 'properties': {'desired': {'interval': 5}}}
    enroll(service, 'dev1', initialTwin=twin, capabilities={'iotEdge': True})
    with Guest(devhub, 'dev1', KEY) as guest:
        assert guest.provision()['status'] == 'assigned'
    listed = json.loads(devhub.run('device', 'list', '--json').stdout)
    assert [d['deviceId'] for d in listed] == ['dev1']
    assert listed[0]['primaryKey'] == KEY and listed[0]['secondaryKey'] == OTHER_KEY
    with devhub.client(device_of({'assignedHub': devhub.host, 'deviceId': 'dev1'}, KEY)) as client:
        client.subscribe('$iothub/twin/res/#')
        client.publish('$iothub/twin/GET/?$rid=1', b'', ident=2)
        assert b'"interval":5' in client.expect(mqtt.PUBLISH)


def test_scope_enrollments_and_registrations_outlive_the_server(devhub, service):
    scope = devhub.endpoints()['id_scope']
    assert scope.startswith('0ne') and len(scope) == 11
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        first = guest.provision()
    devhub.kill()
    devhub.start()
    assert devhub.endpoints()['id_scope'] == scope
    service = Service(devhub, 'provisioningserviceowner')
    assert service.get('/registrations/dev1').json['etag'] == first['etag']
    with Guest(devhub, 'dev1', KEY) as guest:
        again = guest.provision()
    assert again['substatus'] == 'reprovisionedToInitialAssignment'
    assert again['createdDateTimeUtc'] == first['createdDateTimeUtc']


# --- states ---

def test_a_disabled_device_is_told_so(devhub, service):
    enroll_group(service, 'fleet')
    enroll(service, 'dev1', provisioningStatus='disabled')
    with Guest(devhub, 'dev1', KEY) as guest:
        state = guest.provision()
        assert state['status'] == 'disabled' and 'deviceId' not in state
    # its own enrollment keeps it out of the group
    with Guest(devhub, 'dev1', derived(KEY, 'dev1')) as guest:
        assert refused(guest.register(), 401, 401002)
    assert json.loads(devhub.run('device', 'list', '--json').stdout) == []


def test_a_device_whose_hubs_are_not_linked_fails(devhub, service):
    enroll(service, 'dev1', iotHubs=['other.azure-devices.net'])
    with Guest(devhub, 'dev1', KEY) as guest:
        answer = guest.wait(guest.register())
    assert answer.status == 200 and answer.json['status'] == 'failed'
    assert answer.state['errorCode'] == 400208 and 'linked' in answer.state['errorMessage']


@pytest.mark.parametrize('policy, substatus, hub', [
    ({'updateHubAssignment': True, 'migrateDeviceData': True}, 'deviceDataMigrated', 'new'),
    ({'updateHubAssignment': True, 'migrateDeviceData': False}, 'deviceDataReset', 'new'),
    ({'updateHubAssignment': False, 'migrateDeviceData': False}, 'reprovisionedToInitialAssignment', 'old'),
])
def test_a_hub_that_got_another_name_is_another_hub(tmp_path, policy, substatus, hub):
    with Devhub(tmp_path / 'hub') as devhub:
        check_another_name(devhub, policy, substatus, hub)


def check_another_name(devhub, policy, substatus, hub):
    enroll(Service(devhub), 'dev1', reprovisionPolicy=policy)
    with Guest(devhub, 'dev1', KEY) as guest:
        assert guest.provision()['assignedHub'] == devhub.host
    names = {'old': devhub.host, 'new': 'hub2.example.net'}
    devhub.stop()
    devhub.host = names['new']
    devhub.start()
    with Guest(devhub, 'dev1', KEY) as guest:
        state = guest.provision()
    assert (state['status'], state['substatus'], state['assignedHub']) == ('assigned', substatus, names[hub])


# --- traps ---

def test_a_link_ends_with_its_token(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY, expiry=time.time() - 297) as guest:  # it is taken for 300 s
        assert guest.register().status == 202
        guest.expect_close()


def test_five_polls_in_ten_seconds(devhub, service):
    for name in 'many1', 'many2':
        enroll(service, name)
    with Guest(devhub, 'many1', KEY) as guest, Guest(devhub, 'many2', KEY) as other:
        operation = guest.register().json['operationId']
        assert all(guest.poll(operation).status in (200, 202) for _ in range(5))
        answer = guest.poll(operation)
        assert refused(answer, 429, 429001) and 1 <= answer.retry_after <= 10
        assert other.poll(other.register().json['operationId']).status == 202
        assert guest.register().status == 202


def test_a_message_of_more_than_96_kb(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        body = json.dumps({'payload': ''}).encode()
        fill = 96 * 1024 - len(body)
        assert guest.register(json.dumps({'payload': 'x' * fill}).encode()).status == 202
        assert refused(guest.register(json.dumps({'payload': 'x' * (fill + 1)}).encode()), 413, 413001)


def test_trap_8_a_user_name_without_a_question_mark(devhub, service):
    enroll(service, 'dev1')
    scope = devhub.endpoints()['id_scope']
    with Guest(devhub, 'dev1', KEY,
               username='%s/registrations/dev1/api-version=%s&ClientVersion=azure-iot%%2F1.8.1' % (scope, API)) as guest:
        assert guest.register().status == 202
    with Guest(devhub, 'dev1', KEY, username='%s/registrations/dev1/?api-version=%s' % (scope, API), connack=3):
        pass


REFUSALS = {
    'a wrong key': dict(key=OTHER_KEY.swapcase()),
    'no enrollment': dict(registration_id='dev9', key=KEY),
    'another scope': dict(key=KEY, scope='0neFFFFFFFF'),
    'an ended token': dict(key=KEY, expiry=1),
    "another device's token": dict(key=KEY, resource='x/registrations/dev2'),
    'a policy of the hub': dict(key=KEY, policy='iothubowner'),
    'no token': dict(),
    'a secret': dict(password='secret'),
    'a bad id': dict(registration_id='dev1.', key=KEY),
}


@pytest.mark.parametrize('what', REFUSALS)
def test_trap_9_who_may_not_is_let_in_and_told_afterwards(devhub, service, what):
    enroll(service, 'dev1')
    with Guest(devhub, **{'registration_id': 'dev1', **REFUSALS[what]}) as guest:
        answer = guest.register()
        assert refused(answer, 401, 401002)
        assert answer.topic == '$dps/registrations/res/401/?$rid=1'
        assert refused(guest.poll('5.a.b'), 401, 401002)
        assert refused(guest.register(), 401, 401002)


def test_trap_10_there_is_never_a_session(devhub, service):
    enroll(service, 'dev1')
    for clean in False, True, False:
        with Guest(devhub, 'dev1', KEY, clean=clean) as guest:
            assert not guest.session_present
            guest.send(mqtt.packet(mqtt.DISCONNECT))
            guest.expect_close()
    # nor is a subscription kept
    with Guest(devhub, 'dev1', KEY, clean=False, subscribe=False) as guest:
        guest.publish('$dps/registrations/PUT/iotdps-register/?$rid=1')
        guest.expect_silence(0.3)


@pytest.mark.parametrize('body', [b'', b' ', b'{}', b'{"payload":null}', b'{"registrationId":"DEV1"}',
                                  b'{"registrationId":"dev1","payload":{"x":[1,2]}}'])
def test_trap_11_puback_first_and_any_body_or_none(devhub, service, body):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        assert guest.register(body).status == 202  # Guest.ask() wants the PUBACK first


def test_trap_12_rid_is_the_last_dollar_key(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        first = guest.register()
        for answer in first, guest.wait(first):
            query = answer.topic.split('?', 1)[1]
            assert query.startswith('$rid=') and query.count('$') == 1


@pytest.mark.parametrize('encode', [None, str, lambda s: s.replace('/', '%2f')])
@pytest.mark.parametrize('policy', [None, 'registration'])
def test_trap_13_with_a_policy_or_without(devhub, service, policy, encode):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY, policy=policy, encode=encode) as guest:
        assert guest.register().status == 202


def test_trap_14_a_poll_may_come_too_soon(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        first = guest.register()
        soon = guest.poll(first.json['operationId'], b'')
        assert soon.status == 202 and soon.retry_after == 3 and soon.json == first.json
        assert guest.wait(soon).state['status'] == 'assigned'


def test_trap_24_registration_ids_have_no_case(devhub, service):
    enroll(service, 'Dev1')
    assert service.get('/enrollments/DEV1').json['registrationId'] == 'dev1'
    with Guest(devhub, 'dEV1', KEY) as guest:
        assert guest.provision()['registrationId'] == 'dev1'
    enroll_group(service, 'fleet')
    with Guest(devhub, 'DEV2', derived(KEY, 'dev2')) as guest:
        assert guest.provision()['deviceId'] == 'dev2'


def test_trap_53_and_55_assigning_first_and_retry_after_in_lower_case(devhub, service):
    enroll(service, 'dev1')
    for _ in range(2):  # also the second time
        with Guest(devhub, 'dev1', KEY) as guest:
            answer = guest.register()
            assert answer.status == 202 and answer.topic == '$dps/registrations/res/202/?$rid=1&retry-after=3'
            assert answer.json['status'] == 'assigning' and answer.json['operationId'].startswith('5.')
            final = guest.wait(answer)
            assert final.retry_after is None and final.json['operationId'] == answer.json['operationId']


# --- what else goes wrong ---

@pytest.mark.parametrize('body', [b'{', b'[]', b'1', b'{"registrationId":"dev2"}', b'\xff'])
def test_a_body_that_says_something_else(devhub, service, body):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        assert refused(guest.register(body), 400, 400004)
        assert guest.register().status == 202


def test_operations_that_are_not_known(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        assert refused(guest.poll('5.a.b'), 404, 404203)
        old = guest.register().json['operationId']
        new = guest.register().json['operationId']
        assert refused(guest.poll(old), 404, 404204)
        assert guest.poll(new).status in (200, 202)
        assert refused(guest.ask('$dps/registrations/GET/iotdps-get-operationstatus/?$rid=%(rid)d'), 404, 404204)


def test_an_enrollment_that_goes_meanwhile(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        operation = guest.register()
        assert service.delete('/enrollments/dev1').status == 204
        assert refused(guest.poll(operation.json['operationId']), 404, 404203)
        assert refused(guest.register(), 401, 401002)


def test_connects_that_no_client_would_send(devhub, service):
    enroll(service, 'dev1')
    scope = devhub.endpoints()['id_scope']
    for kwargs in (dict(username=scope + '/registrations/dev1/'), dict(username=scope + '/registrations/dev1'),
                   dict(client_id='dev2'), dict(username=scope + '/registrations/dev1/api-version=%00')):
        with Guest(devhub, 'dev1', KEY, connack=5, **kwargs) as guest:
            guest.expect_close()


@pytest.mark.parametrize('topic', ['$dps/registrations/res/200/?$rid=1', '$dps/registrations/PUT/iotdps-register/',
                                   '$dps/other', '$iothub/twin/GET/?$rid=1', 'devices/dev1/messages/events/'])
def test_topics_that_are_not_for_guests(devhub, service, topic):
    enroll(service, 'dev1')
    devhub.create('dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        guest.send(mqtt.publish(topic, b'{}'))
        guest.expect_close()
    assert devhub.events() == []


def test_topics_of_guests_are_not_for_devices(devhub, service):
    device = devhub.create('d1')
    with devhub.client(device) as client:
        client.send(mqtt.publish('$dps/registrations/PUT/iotdps-register/?$rid=1', b''))
        client.expect_close()
    with devhub.client(device) as client:
        assert client.subscribe('$dps/registrations/res/#') == [0x80]


def test_a_guest_and_its_device_do_not_fight(devhub, service):
    """They have one name, and are two clients all the same."""
    enroll(service, 'd1')
    device = devhub.create('d1')
    with devhub.client(device) as client, Guest(devhub, 'd1', KEY) as guest:
        client.publish(device.topic(), b'1')
        assert guest.register().status == 202
        client.publish(device.topic(), b'2', ident=2)


def test_faults_for_all_strike_guests(devhub, service):
    enroll(service, 'dev1')
    devhub.fault('set', 'refuse-connect', '--count', '1')
    Guest(devhub, 'dev1', KEY, connack=3).close()
    with Guest(devhub, 'dev1', KEY) as guest:
        devhub.fault('set', 'cut')
        guest.expect_close()
    devhub.fault('clear')
    with Guest(devhub, 'dev1', KEY) as guest:
        assert guest.provision()['status'] == 'assigned'


def test_the_service_is_busy(devhub, service):
    for registration_id in 'dev1', 'dev2':
        enroll(service, registration_id)
    devhub.fault('set', 'dps-busy', '--device', 'dev1', '--count', '3', '--delay', '2500ms')
    with Guest(devhub, 'dev1', KEY) as guest, Guest(devhub, 'dev2', KEY) as other:
        for answer in guest.register(), guest.register(), guest.poll('5.a.b'):
            assert refused(answer, 429, 429001) and answer.retry_after == 3
        assert guest.register().status == other.register().status == 202
        devhub.fault('set', 'throttle')
        assert refused(guest.register(), 429, 429001)
    devhub.fault('clear')


def test_a_device_is_reassigned_and_comes_back(devhub, service):
    enroll(service, 'dev1')
    with Guest(devhub, 'dev1', KEY) as guest:
        state = guest.provision()
        device = device_of(state, KEY)
        with devhub.client(device) as client:
            devhub.fault('set', 'dps-reassign', '--hub', 'hub2.example.net')
            away = guest.provision()
            client.expect_close()
        assert (away['assignedHub'], away['substatus']) == ('hub2.example.net', 'deviceDataMigrated')
        with devhub.open() as client:
            assert client.connect(device.client_id, device.username(), device.token()) == (False, 5)
        devhub.fault('set', 'dps-reassign')
        assert guest.provision()['assignedHub'] == 'reassigned.invalid'
        assert '--hub' not in devhub.fault('list').stdout
        devhub.fault('clear')
        back = guest.provision()
        assert (back['assignedHub'], back['substatus']) == (devhub.host, 'deviceDataMigrated')
    with devhub.client(device):
        pass


def test_links_of_guests_end_with_their_token_on_the_hubs_clock(tmp_path):
    """Ahead by a step or by a fault; before the token's end, and to a guest without one, nothing happens."""
    now = time.time()
    with Devhub(tmp_path / 'timed').start('--virtual-clock') as hub:
        enroll(Service(hub), 'dev1')
        enroll(Service(hub), 'dev2')
        with Guest(hub, 'dev1', KEY, expiry=now + 3600) as first, Guest(hub, 'dev2', KEY, expiry=now + 7200) as second, \
                Guest(hub, 'dev3', password='none') as refused:
            hub.run('clock', 'advance', '50min')
            assert first.register().status == 202
            hub.run('clock', 'advance', '20min')  # five minutes of it are forgiven
            first.expect_close()
            assert second.register().status == 202
            hub.fault('set', 'clock-offset', '--offset', '+1h')
            second.expect_close()
            assert refused.register().status == 401


def test_many_at_once(devhub, service):
    enroll_group(service, 'fleet')
    ids = ['dev%d' % n for n in range(60)]
    guests = [Guest(devhub, i, derived(KEY, i)) for i in ids]
    begun = [guest.register() for guest in guests]
    time.sleep(1)
    states = [guest.wait(answer).state for guest, answer in zip(guests, begun)]
    for guest in guests:
        guest.close()
    assert [s['deviceId'] for s in states] == ids
    assert len(json.loads(devhub.run('device', 'list', '--json').stdout)) == 60


# --- devices over HTTPS ---

class Caller(Service):
    """A device that speaks HTTPS; its token is over its registration."""

    def __init__(self, devhub, registration_id, key, scope=None, **token):
        self.scope = scope or devhub.endpoints()['id_scope']
        token.setdefault('policy', 'registration')
        super().__init__(devhub, token=mqtt.token(key, '%s/registrations/%s' % (self.scope, registration_id), **token))
        self.home = '/%s/registrations/%s' % (self.scope, registration_id)

    def register(self, body=None):
        return self.put(self.home + '/register', body, api='2021-06-01')


def test_a_device_is_provisioned_over_https(devhub, service):
    enroll_group(service, 'fleet')
    key = derived(KEY, 'dev1')
    caller = Caller(devhub, 'dev1', key)
    assert refused(caller.post(caller.home, {'registrationId': 'dev1'}), 404, 404203)
    begun = caller.put(caller.home + '/register?forceRegistration=true', {'registrationId': 'dev1', 'payload': {}})
    assert begun.status == 202 and begun.headers['Retry-After'] == '3' and begun.headers['x-ms-request-id']
    assert begun.json['status'] == 'assigning'
    path = '%s/operations/%s' % (caller.home, begun.json['operationId'])
    assert begun.headers['Location'].startswith('https://%s%s?api-version=' % (devhub.host, path))
    answer = begun
    for _ in range(50):
        answer = caller.get(path)
        if answer.status != 202:
            break
        assert answer.headers['Retry-After'] == '3' and answer.json == begun.json
        time.sleep(0.25)
    assert answer.status == 200 and answer.headers['Retry-After'] is None
    state = answer.json['registrationState']
    assert (state['status'], state['assignedHub'], state['deviceId']) == ('assigned', devhub.host, 'dev1')
    assert caller.post(caller.home, {'registrationId': 'dev1'}).json == state
    assert service.get('/registrations/dev1').json == state
    with devhub.client(device_of(state, key)):
        pass


def test_over_https_the_refusal_comes_at_once(devhub, service):
    enroll(service, 'dev1')
    for caller in (Caller(devhub, 'dev1', OTHER_KEY.swapcase()), Caller(devhub, 'dev9', KEY),
                   Caller(devhub, 'dev1', KEY, scope='0neFFFFFFFF'), Caller(devhub, 'dev1', KEY, expiry=1),
                   Caller(devhub, 'dev1', KEY, policy='iothubowner')):
        for answer in (caller.register(), caller.get(caller.home + '/operations/5.a.b'), caller.post(caller.home, {})):
            assert refused(answer, 401, 401002)
    good = Caller(devhub, 'dev1', KEY)
    assert refused(good.put(good.home + '/register', {}, {'Authorization': None}), 401, 401002)
    assert refused(good.register(b'[]'), 400, 400004)
    assert refused(good.get(good.home + '/operations/5.a.b'), 404, 404203)
    assert good.register(b'').status == 202
    assert refused(good.get(good.home + '/operations/5.a.b'), 404, 404204)
    assert good.get(good.home + '/register').status == 405
    devhub.fault('set', 'dps-busy', '--count', '1')
    busy = good.register()
    assert refused(busy, 429, 429001) and busy.headers['Retry-After'] == '1'
    assert good.register().status == 202


# --- enrollments over HTTPS ---

def test_an_enrollment_goes_in_and_out(devhub, service):
    given = {'registrationId': 'dev1', 'deviceId': 'Wind-1', 'attestation': attestation(),
             'capabilities': {'iotEdge': False}, 'provisioningStatus': 'enabled', 'allocationPolicy': 'static',
             'reprovisionPolicy': {'updateHubAssignment': True, 'migrateDeviceData': True}, 'iotHubs': [devhub.host],
             'initialTwin': {'tags': {'a': 1}, 'properties': {'desired': {}}}}
    put = service.put('/enrollments/dev1', given)
    assert put.status == 200
    got = service.get('/enrollments/dev1').json
    assert got == put.json
    # keys are asked for by themselves, as in the real service
    assert got.pop('attestation') == {'type': 'symmetricKey'}
    assert {k: v for k, v in got.items() if k not in ('etag', 'createdDateTimeUtc', 'lastUpdatedDateTimeUtc')} == {
        k: v for k, v in given.items() if k != 'attestation'}
    for path in '/enrollments/dev1/attestationmechanism', '/ENROLLMENTS/dev1/attestationMechanism':
        assert service.post(path, None).json == attestation()


@pytest.mark.parametrize('keys', [{}, {'symmetricKey': None}, {'symmetricKey': {'primaryKey': '', 'secondaryKey': ''}}])
def test_keys_that_are_empty_are_made(devhub, service, keys):
    for path in '/enrollments/dev1', '/enrollmentGroups/fleet':
        assert service.put(path, {'attestation': {'type': 'symmetricKey', **keys}}).status == 200
        made = service.post(path + '/attestationmechanism', None).json['symmetricKey']
        assert len(base64.b64decode(made['primaryKey'])) == len(base64.b64decode(made['secondaryKey'])) == 32
        # and stay when what was read is written back
        assert service.put(path, service.get(path).json, {'If-Match': '*'}).status == 200
        assert service.post(path + '/attestationmechanism', None).json['symmetricKey'] == made


def test_both_spellings_of_the_groups_attestationmechanism(devhub, service):
    enroll_group(service, 'Fleet')
    for path in '/enrollmentGroups/Fleet', '/enrollmentgroups/fleet':
        assert service.post(path + '/attestationmechanism', b'').json == attestation()


def test_etags_guard_enrollments(devhub, service):
    body = {'attestation': attestation()}
    for path, not_found, exists in (('/enrollments/dev1', 404201, 409201), ('/enrollmentGroups/g', 404202, 409202)):
        assert refused(service.get(path), 404, not_found)
        assert refused(service.put(path, body, {'If-Match': '*'}), 404, not_found)
        first = service.put(path, body).json['etag']
        assert refused(service.put(path, body), 409, exists)
        second = service.put(path, body, {'If-Match': '"%s"' % first}).json['etag']
        assert second != first
        assert refused(service.put(path, body, {'If-Match': '"%s"' % first}), 412, 412201)
        third = service.put(path, body, {'If-Match': second}).json['etag']  # one official client leaves the quotes out
        assert refused(service.delete(path, {'If-Match': second}), 412, 412201)
        assert service.delete(path, {'If-Match': '"%s"' % third}).status == 204
        assert refused(service.delete(path), 404, not_found)


@pytest.mark.parametrize('body, word', [
    (b'[1]', 'object'), ({'attestation': None}, 'attestation'),
    ({'attestation': {'type': 'tpm'}}, 'symmetricKey'),
    ({'attestation': attestation('short')}, 'base64'),
    ({'attestation': attestation(), 'registrationId': 'dev2'}, 'path'),
    ({'attestation': attestation(), 'provisioningStatus': 'maybe'}, 'provisioningStatus'),
    ({'attestation': attestation(), 'allocationPolicy': 'custom'}, 'web hooks'),
    ({'attestation': attestation(), 'initialTwin': {'tags': {'a.b': 1}}}, 'tags'),
])
def test_what_is_wrong_is_said(devhub, service, body, word):
    answer = service.put('/enrollments/dev1', body)
    assert refused(answer, 400, 400004) and word in answer.json['message']
    assert service.get('/enrollments/dev1').status == 404


def test_ids_that_are_none(devhub, service):
    for path in '/enrollments/a%20b', '/enrollments/dev1.', '/enrollmentGroups/' + 'x' * 129:
        assert refused(service.put(path, {'attestation': attestation()}), 400, 400004)


def test_queries_come_in_pages(devhub, service):
    for n in range(5):
        enroll(service, 'dev%d' % n)
        enroll_group(service, 'g%d' % n)
    for path, member, item_type in (('/enrollments/query', 'registrationId', 'enrollment'),
                                    ('/enrollmentGroups/query', 'enrollmentGroupId', 'enrollmentGroup')):
        for query in 'SELECT * FROM enrollments', 'select  *  from enrollmentGroups ', '*':
            answer = service.post(path, {'query': query})
            assert len(answer.json) == 5 and answer.headers['x-ms-continuation'] is None
            assert answer.headers['x-ms-item-type'] == item_type
        found, continuation = [], None
        for size in 2, 2, 1:
            answer = service.post(path, {'query': '*'}, {'x-ms-max-item-count': '2', 'x-ms-continuation': continuation})
            assert len(answer.json) == size
            found += [e[member] for e in answer.json]
            continuation = answer.headers['x-ms-continuation']
        assert continuation is None and found == sorted(found) and len(found) == 5
        exact = service.post(path, {'query': '*'}, {'x-ms-max-item-count': '5'})
        assert exact.headers['x-ms-continuation'] is None


@pytest.mark.parametrize('body, headers', [
    ({}, {}), ({'query': 1}, {}), ({'query': "SELECT * FROM enrollments WHERE registrationId = 'x'"}, {}),
    ({'query': '*'}, {'x-ms-max-item-count': '0'}), ({'query': '*'}, {'x-ms-max-item-count': 'all'}),
    ({'query': '*'}, {'x-ms-continuation': 'not base64'}),
])
def test_queries_that_are_not_answered(devhub, service, body, headers):
    assert refused(service.post('/enrollments/query', body, headers), 400, 400004)


def test_trap_50_bulk_says_what_failed_with_200(devhub, service):
    def bulk(mode, *enrollments):
        answer = service.post('/enrollments', {'mode': mode, 'enrollments': list(enrollments)})
        assert answer.status == 200
        assert answer.json['isSuccessful'] == (not answer.json['errors'])
        return [(e['registrationId'], e['errorCode']) for e in answer.json['errors']]

    one, two = ({'registrationId': i, 'attestation': attestation()} for i in ('one', 'two'))
    assert bulk('create', one) == []
    assert bulk('Create', one, two, {'registrationId': 'bad'}) == [('one', 409201), ('bad', 400004)]
    etag = service.get('/enrollments/two').json['etag']
    assert bulk('update', one, {**two, 'registrationId': 'none'}) == [('none', 404201)]
    assert bulk('updateIfMatchETag', {**two, 'etag': etag}) == []
    assert bulk('updateIfMatchETag', {**two, 'etag': etag}, two) == [('two', 412201), ('two', 412201)]
    assert bulk('delete', one, two, {'registrationId': 'none'}, {}) == [('none', 404201), ('', 404201)]
    assert service.post('/enrollments/query', {'query': '*'}).json == []
    assert refused(service.post('/enrollments', {'mode': 'rename', 'enrollments': []}), 400, 400004)
    assert refused(service.post('/enrollments', {'mode': 'create', 'enrollments': {}}), 400, 400004)


def test_registrations_are_told_and_deleted(devhub, service):
    enroll_group(service, 'fleet')
    for registration_id in 'dev1', 'dev2':
        with Guest(devhub, registration_id, derived(KEY, registration_id)) as guest:
            guest.provision()
    answer = service.post('/registrations/fleet/query', {'query': '*'}, {'x-ms-max-item-count': '1'})
    assert [r['registrationId'] for r in answer.json] == ['dev1']
    answer = service.post('/registrations/fleet/query', {'query': '*'},
                          {'x-ms-continuation': answer.headers['x-ms-continuation']})
    assert [r['registrationId'] for r in answer.json] == ['dev2']
    assert answer.headers['x-ms-item-type'] == 'deviceRegistration'
    state = service.get('/registrations/DEV1').json
    assert state['status'] == 'assigned' and state['assignedHub'] == devhub.host
    assert refused(service.delete('/registrations/dev1', {'If-Match': '"x"'}), 412, 412201)
    assert service.delete('/registrations/dev1', {'If-Match': '"%s"' % state['etag']}).status == 204
    assert refused(service.get('/registrations/dev1'), 404, 404203)
    assert refused(service.get('/registrations/a%20b'), 404, 404203)
    with Guest(devhub, 'dev1', derived(KEY, 'dev1')) as guest:
        assert guest.provision()['substatus'] == 'initialAssignment'
    assert service.delete('/enrollmentGroups/fleet').status == 204
    assert refused(service.get('/registrations/dev2'), 404, 404203)


def test_who_may_write_enrollments(devhub, service):
    enroll(service, 'dev1')
    for policy, allowed in (('provisioningserviceowner', True), ('iothubowner', True), ('service', False),
                            ('device', False), ('registryReadWrite', False)):
        answer = Service(devhub, policy).get('/enrollments/dev1')
        assert answer.status == 200 if allowed else refused(answer, 401, 401002), policy
    devhub.create('d1')
    assert service.get('/devices/d1').status == 401
