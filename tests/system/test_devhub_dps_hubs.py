# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: a provisioning service with a second hub linked to it."""

import json

import pytest
from devhub import Devhub
from dps import Guest, derived, device_of, put_enrollment
from https import Service
from test_devhub_x509 import Pki

KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='
A, B = 'a.example.net', 'b.example.net'


@pytest.fixture(scope='module')
def b(tmp_path_factory):
    with Devhub(tmp_path_factory.mktemp('b') / 'hub', B) as hub:
        yield hub


@pytest.fixture(scope='module')
def a(tmp_path_factory, b):
    """Provisions, for itself and for b."""
    with Devhub(tmp_path_factory.mktemp('a') / 'hub', A).start('--linked-hub', '%s=%s' % (B, b.directory)) as hub:
        yield hub


def attestation():
    return {'type': 'symmetricKey', 'symmetricKey': {'primaryKey': KEY, 'secondaryKey': KEY}}


def enroll(a, registration_id, headers=None, **more):
    how = more.pop('attestation', attestation())
    put_enrollment(Service(a), registration_id, how, headers, **more)


def change(a, registration_id, **more):
    enroll(a, registration_id, {'If-Match': '*'}, **more)


def provision(a, registration_id, key=KEY):
    with Guest(a, registration_id, key) as guest:
        return guest.provision()


def devices(hub):
    return {d['deviceId'] for d in json.loads(hub.run('device', 'list', '--json').stdout)}


def twin(hub, device):
    answer = Service(hub).get('/twins/' + device)
    assert answer.status == 200, answer.body
    return answer.json


def plain(section):
    return {k: v for k, v in section.items() if not k.startswith('$')}


def report(hub, device, text):
    with hub.client(device) as client:
        client.subscribe('$iothub/twin/res/#')
        client.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', text, ident=3)
        client.receive()


@pytest.mark.parametrize('how', [{'iotHubs': [B]}, {'iotHubHostName': B}, {'iotHubs': [B], 'allocationPolicy': 'static'}],
                         ids=['iotHubs', 'iotHubHostName', 'static'])
def test_a_device_is_assigned_to_the_other_hub_and_sends_there(a, b, request, how):
    name = 'sent-' + request.node.callspec.id.lower()
    enroll(a, name, initialTwin={'tags': {'site': 'north'}}, **how)
    state = provision(a, name)
    assert (state['status'], state['assignedHub'], state['substatus']) == ('assigned', B, 'initialAssignment')
    device = device_of(state, KEY)
    with b.client(device) as client:
        client.publish(device.topic(), b'1')
    assert b.events(name, count=1)[0]['device'] == name
    assert name in devices(b) and name not in devices(a)
    assert twin(b, name)['tags'] == {'site': 'north'}
    assert provision(a, name)['substatus'] == 'reprovisionedToInitialAssignment'


@pytest.mark.parametrize('there, back', [(A, B), (B, A)], ids=['away', 'back'])
@pytest.mark.parametrize('policy, substatus', [
    ({'updateHubAssignment': True, 'migrateDeviceData': True}, 'deviceDataMigrated'),
    ({'updateHubAssignment': True, 'migrateDeviceData': False}, 'deviceDataReset'),
    ({'updateHubAssignment': False, 'migrateDeviceData': False}, 'reprovisionedToInitialAssignment'),
], ids=['migrate', 'reset', 'never'])
def test_a_device_is_moved_as_its_enrollment_wants_it(a, b, request, there, back, policy, substatus):
    hubs = {A: a, B: b}
    name = 'moved-' + request.node.callspec.id
    begin = {'tags': {'site': 'first'}, 'properties': {'desired': {'interval': 1}}}
    common = dict(reprovisionPolicy=policy, initialTwin=begin)
    enroll(a, name, iotHubs=[there], **common)
    state = provision(a, name)
    assert state['assignedHub'] == there
    device = device_of(state, KEY)
    changed = Service(hubs[there]).call('PATCH', '/twins/' + name, {'properties': {'desired': {'interval': 2}}})
    assert changed.status == 200, changed.body
    report(hubs[there], device, b'{"temperature":5}')

    with hubs[there].client(device) as client:
        change(a, name, iotHubs=[back], **common)
        state = provision(a, name)
        assert state['substatus'] == substatus
        if not policy['updateHubAssignment']:
            assert state['assignedHub'] == there
            client.publish(device.topic(), b'1')
            assert name not in devices(hubs[back])
            return
        client.expect_close()  # its place is elsewhere now
    assert state['assignedHub'] == back
    assert name in devices(hubs[back]) and name not in devices(hubs[there])
    properties = twin(hubs[back], name)['properties']
    if policy['migrateDeviceData']:
        assert plain(properties['desired']) == {'interval': 2} and plain(properties['reported']) == {'temperature': 5}
    else:
        assert plain(properties['desired']) == {'interval': 1} and plain(properties['reported']) == {}
    assert twin(hubs[back], name)['tags'] == {'site': 'first'}
    with hubs[back].client(device_of(state, KEY)) as client:
        client.publish(device.topic(), b'2')
    assert hubs[back].events(name)[-1]['device'] == name


def test_hashed_devices_are_spread_and_stay(a, b):
    answer = Service(a).put('/enrollmentGroups/spread', {'enrollmentGroupId': 'spread', 'attestation': attestation(),
                                                         'allocationPolicy': 'hashed'})
    assert answer.status == 200
    names = ['spread-%d' % i for i in range(12)]
    first = {name: provision(a, name, derived(KEY, name))['assignedHub'] for name in names}
    assert set(first.values()) == {A, B}
    again = {name: provision(a, name, derived(KEY, name))['assignedHub'] for name in names[:4]}
    assert again == {name: first[name] for name in names[:4]}


def test_a_device_with_a_certificate_comes_in_at_the_other_hub(a, b, tmp_path):
    own = Pki(tmp_path).self_signed('certified')
    clients = {'primary': {'certificate': own[0].read_text()}}
    enroll(a, 'certified', attestation={'type': 'x509', 'x509': {'clientCertificates': clients}}, iotHubs=[B])
    with Guest(a, 'certified', certificate=own) as guest:
        assert guest.provision()['assignedHub'] == B
    with b.open(certificate=own) as client:
        assert client.connect('certified', '%s/certified/?api-version=2021-04-12' % B)[1] == 0


def test_a_web_hook_is_refused_with_words(a):
    answer = Service(a).put('/enrollments/hooked', {
        'registrationId': 'hooked', 'attestation': attestation(), 'allocationPolicy': 'custom',
        'customAllocationDefinition': {'webhookUrl': 'https://example.net/', 'apiVersion': '2021-10-01'}})
    assert answer.status == 400 and 'web hook' in answer.json['message']


def test_a_linked_hub_that_is_not_there_or_another_is_refused_at_the_start(tmp_path, b):
    hub = Devhub(tmp_path / 'hub', A)
    for words, said in [('c.example.net=%s' % (tmp_path / 'nowhere'), 'No hub lives in %s' % (tmp_path / 'nowhere')),
                        ('c.example.net=%s' % tmp_path, 'serve it there once, with --host c.example.net'),
                        ('d.example.net=%s' % b.directory, 'which is b.example.net')]:
        done = hub.run('serve', '--host', A, '--mqtt-port', '0', '--linked-hub', words, check=False)
        assert done.returncode == 1 and said in done.stderr
        assert not (tmp_path / 'nowhere').exists()
    twice = ['--linked-hub', '%s=%s' % (B, b.directory)] * 2
    for words, said in [(twice, 'given twice'), (['--host', B, *twice[:2]], 'this hub itself')]:
        done = hub.run('serve', *words, check=False)
        assert done.returncode == 2 and said in done.stderr


def test_a_linked_hub_that_goes_while_it_is_needed(tmp_path):
    with Devhub(tmp_path / 'c', 'c.example.net') as c:
        c.stop()
        with Devhub(tmp_path / 'hub', A).start('--linked-hub', 'c.example.net=%s' % c.directory) as hub:
            enroll(hub, 'c', iotHubs=['c.example.net'])
            enroll(hub, 'e', iotHubs=[A])
            c.directory.rename(tmp_path / 'gone')
            with Guest(hub, 'c', KEY) as guest:
                answer = guest.register()
                assert answer.status == 500 and answer.json['errorCode'] == 500001
                assert 'linked hub' in answer.json['message']
            assert provision(hub, 'e')['assignedHub'] == A
            assert 'No hub lives in %s' % c.directory in hub.log.read_text()
            (tmp_path / 'gone').rename(c.directory)
            assert provision(hub, 'c')['assignedHub'] == 'c.example.net'


@pytest.mark.parametrize('value', ['b.example.net', 'b.example.net=', '=/tmp', 'b_c=/tmp'])
def test_what_is_no_linked_hub(tmp_path, value):
    done = Devhub(tmp_path / 'hub').run('serve', '--linked-hub', value, check=False)
    assert done.returncode == 2 and '--linked-hub takes' in done.stderr
