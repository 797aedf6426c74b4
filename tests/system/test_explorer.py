# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer and hublink-devhub: what the tutorials do from the service side, over HTTPS."""

import base64
import hashlib
import hmac
import json
import threading
import time

import mqtt
import pytest
from devhub import API, Device, Devhub
from dps import Guest
from explorer import FAILED, REFUSED, TIMEOUT, USAGE, Explorer

KEY_1 = base64.b64encode(b'1' * 32).decode()
KEY_2 = base64.b64encode(b'2' * 32).decode()


@pytest.fixture(scope='module')
def hub(tmp_path_factory):
    with Devhub(tmp_path_factory.mktemp('devhub') / 'hub') as hub:
        yield hub


@pytest.fixture
def explorer(hub):
    explorer = Explorer(hub.directory)
    yield explorer
    for device in explorer.json('list'):
        explorer.run('delete', device['deviceId'])


def device_of(hub, made):
    return Device(hub.host, made)


class Answerer:
    """A connected device that answers methods: {'name': (status, payload)}; payload None: it says nothing."""

    def __init__(self, hub, device, methods):
        self.client = hub.client(device)
        self.client.subscribe('$iothub/methods/POST/#')
        self.methods = methods
        self.asked = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while True:
                _, _, body = self.client.receive(50)
                size = int.from_bytes(body[:2], 'big')
                topic, payload = body[2:2 + size].decode(), body[2 + size:]
                name, rid = topic.split('/')[3], topic.rsplit('=', 1)[1]
                self.asked.append((name, payload))
                status, answer = self.methods[name]
                if status:
                    self.client.send(mqtt.publish('$iothub/methods/res/%d/?$rid=%s' % (status, rid),
                                                  json.dumps(answer).encode(), qos=0))
        except (mqtt.Closed, OSError, ValueError):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()


# --- identities ---

def test_the_tutorial_creates_an_identity_and_prints_its_keys(hub, explorer):
    shown = explorer.lines('create', 'd1')
    assert list(shown)[0] == 'deviceId'
    for name in ('deviceId', 'primaryKey', 'secondaryKey', 'connectionState', 'status', 'lastActivityTime',
                 'cloudToDeviceMessageCount', 'isManaged', 'authMethod', 'connectionString'):
        assert name in shown, shown
    assert (shown['deviceId'], shown['connectionState'], shown['status'], shown['authMethod'], shown['isManaged']) == \
        ('d1', 'Disconnected', 'enabled', 'sas', 'false')
    assert len(base64.b64decode(shown['primaryKey'])) == 32 and shown['primaryKey'] != shown['secondaryKey']
    assert shown['connectionString'].strip() == \
        'HostName=%s;DeviceId=d1;SharedAccessKey=%s' % (hub.host, shown['primaryKey'])
    with hub.client(device_of(hub, explorer.json('get', 'd1'))) as client:
        client.publish('devices/d1/messages/events/', b'hello')
        assert explorer.lines('get', 'd1')['connectionState'] == 'Connected'
    assert explorer.lines('get', 'd1').keys() == shown.keys()


def test_trap_37_keys_survive_an_update(explorer):
    made = explorer.json('create', 'd1')
    changed = explorer.json('update', 'd1', '--status', 'disabled', '--status-reason', 'lent to Bob')
    assert (changed['primaryKey'], changed['secondaryKey']) == (made['primaryKey'], made['secondaryKey'])
    assert (changed['status'], changed['statusReason']) == ('disabled', 'lent to Bob')
    assert changed['etag'] != made['etag'] and changed['generationId'] == made['generationId']


def test_keys_of_ones_own(explorer, tmp_path):
    (tmp_path / 'key').write_text(KEY_2 + '\n')
    made = explorer.json('create', 'd1', '--primary-key', KEY_1, '--secondary-key', '@%s' % (tmp_path / 'key'))
    assert (made['primaryKey'], made['secondaryKey']) == (KEY_1, KEY_2)
    swapped = explorer.json('update', 'd1', '--renew-key', 'swap')
    assert (swapped['primaryKey'], swapped['secondaryKey']) == (KEY_2, KEY_1)
    renewed = explorer.json('update', 'd1', '--renew-key', 'primary')
    assert renewed['primaryKey'] not in (KEY_1, KEY_2) and renewed['secondaryKey'] == KEY_1
    assert 'base64' in explorer.fails(USAGE, 'create', 'd2', '--primary-key', 'short')


def test_a_disabled_device_is_locked_out_within_ten_seconds(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    with hub.client(device) as client:
        began = time.monotonic()
        explorer.run('update', 'd1', '--status', 'disabled')
        client.expect_close(timeout=10)
        assert time.monotonic() - began < 10
    with hub.open() as client:
        assert client.connect(device.client_id, device.username(), device.token())[1] == 5
    explorer.run('update', 'd1', '--status', 'enabled')
    hub.client(device).close()


def test_a_device_with_new_keys_cannot_use_the_old_ones(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    explorer.run('update', 'd1', '--renew-key', 'both')
    with hub.open() as client:
        assert client.connect(device.client_id, device.username(), device.token())[1] == 5


def test_trap_36_every_character_that_an_id_may_have(explorer):
    names = ["a-b:c.d+e%f_g#h*i?j!k(l)m,n=o@p$q'", '%2F', 'a%20b', 'x?y#z', '..']
    for name in names:
        assert explorer.json('create', name)['deviceId'] == name
        assert explorer.json('get', name)['deviceId'] == name
    assert {d['deviceId'] for d in explorer.json('list')} == set(names)


def test_trap_24_ids_are_told_apart_by_case(explorer):
    explorer.run('create', 'Gateway-17')
    said = explorer.fails(REFUSED, 'get', 'gateway-17')
    assert "no device 'gateway-17'" in said and "did you mean 'Gateway-17'?" in said
    assert 'told apart by case' in explorer.fails(REFUSED, 'get', 'nothing-like-it')


def test_modules(hub, explorer):
    explorer.run('create', 'd1')
    made = explorer.json('create', 'd1/m1')
    assert (made['deviceId'], made['moduleId']) == ('d1', 'm1')
    assert made['connectionString'] == 'HostName=%s;DeviceId=d1;ModuleId=m1;SharedAccessKey=%s' % (
        hub.host, made['primaryKey'])
    with hub.client(device_of(hub, made)) as client:
        client.publish('devices/d1/modules/m1/messages/events/', b'1')
    assert [m['moduleId'] for m in explorer.json('list', 'd1')] == ['m1']
    assert explorer.json('get-twin', 'd1/m1')['moduleId'] == 'm1'
    explorer.run('delete', 'd1/m1')
    assert "no module 'd1/m1'" in explorer.fails(REFUSED, 'get', 'd1/m1')
    assert 'is a module' in explorer.fails(USAGE, 'list', 'd1/m1')


def test_list_and_statistics(explorer):
    for n in range(3):
        explorer.run('create', 'd%d' % n)
    explorer.run('update', 'd2', '--status', 'disabled')
    table = [line.split() for line in explorer.run('list').stdout.splitlines()]
    assert [row[:2] for row in table] == [['deviceId', 'status'], ['d0', 'enabled'], ['d1', 'enabled'], ['d2', 'disabled']]
    assert len(explorer.json('list', '--top', '2')) == 2
    assert explorer.json('statistics') == {'totalDeviceCount': 3, 'enabledDeviceCount': 2, 'disabledDeviceCount': 1,
                                           'connectedDeviceCount': 0}


def test_delete_is_for_the_state_that_was_seen(explorer):
    old = explorer.json('create', 'd1')['etag']
    new = explorer.json('update', 'd1', '--status-reason', 'x')['etag']
    assert 'somebody else' in explorer.fails(REFUSED, 'delete', 'd1', '--etag', old)
    explorer.run('delete', 'd1', '--etag', new)
    assert 'no device' in explorer.fails(REFUSED, 'delete', 'd1')


def test_create_twice(explorer):
    explorer.run('create', 'd1')
    assert 'exists already' in explorer.fails(REFUSED, 'create', 'd1')


# --- what to log in with ---

def test_connection_strings_and_tokens_let_a_device_in(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    assert explorer.run('connection-string', 'd1').stdout.strip() == device.connection_string
    assert explorer.run('connection-string', 'd1', '--secondary').stdout.strip().endswith(device.secondary_key)
    for words in ['d1'], ['d1', '--secondary', '--for', '5min']:
        token = explorer.json('sas-token', *words)['sasToken']
        with hub.open() as client:
            assert client.connect('d1', device.username(), token)[1] == 0
    token = explorer.run('sas-token').stdout.strip()
    assert token.startswith('SharedAccessSignature sr=%s&' % hub.host) and token.endswith('&skn=iothubowner')


def test_a_policy_without_the_right_is_told_so(hub, explorer):
    service = hub.endpoints()['service_connection_string']
    said = explorer.fails(REFUSED, 'create', 'd1', '--login', service)
    assert "'service' has not the right RegistryWrite" in said and 'iothubowner' in said
    wrong = 'HostName=%s;SharedAccessKeyName=iothubowner;SharedAccessKey=%s' % (hub.host, KEY_1)
    said = explorer.fails(REFUSED, 'list', '--login', wrong)
    assert "the key of the policy 'iothubowner' is not the one" in said and KEY_1 not in said


def test_a_login_file_is_for_its_owner_only(hub, tmp_path):
    file = tmp_path / 'login'
    file.write_text(hub.endpoints()['owner_connection_string'] + '\n')
    file.chmod(0o600)
    explorer = Explorer(hub.directory)
    explorer.run('list', '--login-file', file)
    file.chmod(0o640)
    assert 'chmod 0600' in explorer.fails(USAGE, 'list', '--login-file', file)


# --- twins ---

def test_twins_are_read_and_merged(explorer):
    explorer.run('create', 'd1')
    twin = explorer.json('get-twin', 'd1')
    assert (twin['deviceId'], twin['version'], twin['tags']) == ('d1', 2, {})
    explorer.run('update-twin', 'd1', '{"tags":{"building":"43"},"properties":{"desired":{"t":{"low":1,"high":2.50}}}}')
    twin = explorer.json('update-twin', 'd1', '{"desired":{"t":{"low":null},"n":1e-7}}')
    desired = {k: v for k, v in twin['properties']['desired'].items() if not k.startswith('$')}
    assert desired == {'t': {'high': 2.5}, 'n': 1e-7} and twin['tags'] == {'building': '43'}
    assert twin['properties']['desired']['$version'] == 3
    twin = explorer.json('update-twin', 'd1', '--replace', '--tags', '{"floor":2}', '--desired', '{"x":true}')
    assert twin['tags'] == {'floor': 2} and 't' not in twin['properties']['desired']


def test_patches_come_from_files_and_from_standard_input(explorer, tmp_path):
    explorer.run('create', 'd1')
    (tmp_path / 'patch').write_text('{"desired": {"from": "file"}}\n')
    twin = explorer.json('update-twin', 'd1', '@%s' % (tmp_path / 'patch'))
    assert twin['properties']['desired']['from'] == 'file'
    twin = explorer.json('update-twin', 'd1', '-', stdin='{"desired": {"from": "standard input"}}')
    assert twin['properties']['desired']['from'] == 'standard input'


def test_a_patch_that_cannot_be_is_not_sent(explorer, tmp_path):
    for words, told in ((['{'], 'is not JSON'), (['[]'], 'is an object'), (['7'], 'is an object'), (['{"reported":{}}'], "'reported'"),
                        (['{"properties":{"reported":{}}}'], "'properties.reported'"), (['{"tags":7}'], "'tags'"),
                        ([], 'give the patch'), (['{}', '--tags', '{}'], 'give the patch'),
                        ([tmp_path], 'with an @'), (['@%s' % (tmp_path / 'nowhere')], 'No such file'), (['--tags', '[1'], '--tags is not JSON')):
        done = explorer.run('update-twin', 'd1', *words, check=False)
        assert done.returncode in (USAGE, FAILED) and told in done.stderr, (words, done.stderr)


def test_trap_35_a_twin_is_changed_only_in_the_state_that_was_seen(explorer):
    explorer.run('create', 'd1')
    etag = explorer.json('get-twin', 'd1')['etag']
    explorer.run('update-twin', 'd1', '{"tags":{"a":1}}', '--etag', etag)
    assert 'somebody else' in explorer.fails(REFUSED, 'update-twin', 'd1', '{"tags":{"a":2}}', '--etag', etag)
    assert explorer.json('get-twin', 'd1')['tags'] == {'a': 1}


def test_a_connected_device_hears_of_desired_properties(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    with hub.client(device) as client:
        client.subscribe('$iothub/twin/PATCH/properties/desired/#')
        explorer.run('update-twin', 'd1', '{"desired":{"t":21.5}}')
        body = client.expect(mqtt.PUBLISH)
        size = int.from_bytes(body[:2], 'big')
        assert body[2:2 + size] == b'$iothub/twin/PATCH/properties/desired/?$version=2'
        assert json.loads(body[2 + size:]) == {'t': 21.5, '$version': 2}


# --- queries ---

def test_queries_go_through_all_pages(explorer):
    for n in range(5):
        explorer.run('create', 'd%d' % n)
    explorer.run('update', 'd3', '--status', 'disabled')
    rows = explorer.json('query', 'SELECT * FROM devices', '--page', '2')
    assert sorted(row['deviceId'] for row in rows) == ['d0', 'd1', 'd2', 'd3', 'd4']
    assert len(explorer.json('query', 'SELECT * FROM devices', '--page', '2', '--top', '3')) == 3
    lines = explorer.run('query', "SELECT * FROM devices WHERE status = 'disabled'").stdout.splitlines()
    assert [json.loads(line)['deviceId'] for line in lines] == ['d3']


def test_twins_are_found_by_their_tags(explorer):
    explorer.run('create', 'd1')
    explorer.run('create', 'd2')
    explorer.run('update-twin', 'd2', '{"tags":{"building":"43"}}')
    found = explorer.run('query-twin', "SELECT * FROM devices WHERE tags.building = '43'").stdout
    assert json.loads(found)['deviceId'] == 'd2' and len(found.splitlines()) > 20


@pytest.mark.parametrize('command', ['query', 'query-twin'])
def test_what_was_chosen_is_a_table(explorer, command):
    for device, site in ('d1', 'north'), ('d2', 'south'), ('d3', 'north'), ('d4', None):
        explorer.run('create', device)
        explorer.run('update-twin', device, json.dumps({'tags': {'site': site}}))
    sql = 'SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site'
    assert [line.split() for line in explorer.run(command, sql).stdout.splitlines()] == [
        ['site', 'n'], ['north', '2'], ['south', '1'], ['-', '1']]
    assert explorer.json(command, sql) == [{'site': 'north', 'n': 2}, {'site': 'south', 'n': 1}, {'n': 1}]
    # a head once, however many pages; a name that only a later page brings has another
    sql = 'SELECT deviceId FROM devices'
    assert explorer.run(command, sql, '--page', '2').stdout.split() == ['deviceId', 'd1', 'd2', 'd3', 'd4']
    sql = "SELECT tags.none, tags.site FROM devices WHERE deviceId != 'd1'"
    assert [line.split() for line in explorer.run(command, sql, '--page', '1').stdout.splitlines()] == [
        ['site'], ['south'], ['north'], ['-']]
    sql = 'SELECT ' + ', '.join('deviceId AS c%d' % n for n in range(9)) + ' FROM devices'
    assert json.loads(explorer.run(command, sql).stdout.splitlines()[0]) == {'c%d' % n: 'd1' for n in range(9)}


def test_a_query_that_is_none(explorer):
    said = explorer.fails(REFUSED, 'query', 'DROP TABLE devices')
    assert 'the query: the hub does not accept what was asked' in said
    assert "'DROP'" in said and 'column 1' in said


# --- methods ---

def test_methods_are_answered(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    with Answerer(hub, device, {'echo': (200, {'said': 'yes'}), 'no': (501, None), 'mute': (0, None)}) as answerer:
        shown = explorer.run('device-method', 'd1', 'echo', '{"a":[1,2.50]}').stdout
        assert shown == 'status   200\npayload  {\n  "said": "yes"\n}\n'
        assert explorer.json('device-method', 'd1', 'echo') == {'status': 200, 'payload': {'said': 'yes'}}
        assert [json.loads(body or b'null') for _, body in answerer.asked] == [{'a': [1, 2.5]}, None]
        done = explorer.run('device-method', 'd1', 'no', check=False)
        assert done.returncode == FAILED and 'status   501' in done.stdout and 'did not work' in done.stderr
        began = time.monotonic()
        said = explorer.fails(TIMEOUT, 'device-method', 'd1', 'mute', '--response-timeout', '5s')
        assert 'did not answer in time' in said and 4 < time.monotonic() - began


def test_trap_33_a_device_that_does_not_listen_is_as_one_that_is_away(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    away = explorer.fails(REFUSED, 'device-method', 'd1', 'm')
    with hub.client(device):
        deaf = explorer.fails(REFUSED, 'device-method', 'd1', 'm')
    assert '404103' in away and '404103' in deaf and '--connect-timeout' in deaf
    assert '404001' in explorer.fails(REFUSED, 'device-method', 'nobody', 'm')


def test_a_method_waits_for_its_device(hub, explorer):
    device = device_of(hub, explorer.json('create', 'd1'))
    answerers = []
    timer = threading.Timer(1, lambda: answerers.append(Answerer(hub, device, {'m': (200, 1)})))
    timer.start()
    try:
        assert explorer.json('device-method', 'd1', 'm', '--connect-timeout', '20s') == {'status': 200, 'payload': 1}
    finally:
        timer.join()
        answerers[0].client.close()


def test_what_cannot_be_called(explorer):
    for words, told in ((['a b'], 'cannot be the name'), (['m', '{'], 'is not JSON'), (['m', 'text'], 'wants quotes'),
                        (['m', '--response-timeout', '1s'], '5s to 300s'), (['m', '--connect-timeout', '1h'], '300s')):
        assert told in explorer.fails(USAGE, 'device-method', 'd1', *words)


# --- enrollments ---

def test_an_enrollment_comes_and_goes(hub, explorer):
    made = explorer.json('enrollment', 'create', 'e1', '--device-id', 'gw-1', '--status', 'disabled', '--reprovision', 'never',
                         '--hub', hub.host, '--initial-twin', '{"tags":{"a":1}}')
    keys = made['attestation']['symmetricKey']
    assert len(base64.b64decode(keys['primaryKey'])) == 32
    assert (made['registrationId'], made['deviceId'], made['provisioningStatus']) == ('e1', 'gw-1', 'disabled')
    assert made['reprovisionPolicy'] == {'updateHubAssignment': False, 'migrateDeviceData': False}
    assert made['iotHubs'] == [hub.host] and made['initialTwin']['tags'] == {'a': 1}
    assert explorer.json('enrollment', 'get', 'e1', '--keys')['attestation']['symmetricKey'] == keys
    assert keys['primaryKey'] not in explorer.run('enrollment', 'get', 'e1').stdout
    assert [e['registrationId'] for e in explorer.json('enrollment', 'list')] == ['e1']
    assert explorer.run('enrollment', 'list').stdout.splitlines()[1].split()[:3] == ['e1', 'gw-1', 'symmetricKey']
    assert 'exists already' in explorer.fails(REFUSED, 'enrollment', 'create', 'e1')
    changed = explorer.json('enrollment', 'update', 'e1', '--status', 'enabled', '--edge', 'yes')
    assert (changed['provisioningStatus'], changed['capabilities']['iotEdge']) == ('enabled', True)
    same = {'registrationId', 'deviceId', 'attestation', 'reprovisionPolicy', 'iotHubs', 'initialTwin', 'createdDateTimeUtc'}
    assert {k: changed[k] for k in same} == {k: made[k] for k in same}
    assert 'somebody else' in explorer.fails(REFUSED, 'enrollment', 'update', 'e1', '--status', 'disabled', '--etag',
                                             made['etag'])
    assert 'somebody else' in explorer.fails(REFUSED, 'enrollment', 'delete', 'e1', '--etag', 'AAAA')
    explorer.run('enrollment', 'delete', 'e1')
    assert "no enrollment 'e1'" in explorer.fails(REFUSED, 'enrollment', 'get', 'e1')


def test_the_key_of_a_groups_device(explorer):
    made = explorer.json('enrollment-group', 'create', 'g1', '--primary-key', KEY_1, '--secondary-key', KEY_2)
    assert made['attestation']['symmetricKey'] == {'primaryKey': KEY_1, 'secondaryKey': KEY_2}
    wanted = base64.b64encode(hmac.new(b'1' * 32, b'dev-1', hashlib.sha256).digest()).decode()
    assert explorer.run('enrollment-group', 'device-key', 'g1', 'Dev-1').stdout == wanted + '\n'
    assert explorer.json('enrollment-group', 'device-key', 'x', 'dev-1', '--key', KEY_1)['primaryKey'] == wanted
    renewed = explorer.json('enrollment-group', 'update', 'g1', '--primary-key', KEY_2)
    assert renewed['attestation']['symmetricKey'] == {'primaryKey': KEY_2, 'secondaryKey': KEY_2}
    assert [g['enrollmentGroupId'] for g in explorer.json('enrollment-group', 'list')] == ['g1']
    explorer.run('enrollment-group', 'delete', 'g1')
    assert explorer.json('enrollment-group', 'list') == []


def test_a_device_is_provisioned_by_what_was_printed(hub, explorer):
    explorer.run('enrollment-group', 'create', 'fleet', '--initial-twin', '{"tags":{"site":"north"}}')
    key = explorer.run('enrollment-group', 'device-key', 'fleet', 'gw-1').stdout.strip()
    with Guest(hub, 'gw-1', key) as guest:
        assert guest.provision()['status'] == 'assigned'
    assert explorer.json('get', 'gw-1')['primaryKey'] == key
    came = explorer.json('registration', 'get', 'gw-1')
    assert (came['registrationId'], came['status'], came['assignedHub']) == ('gw-1', 'assigned', hub.host)
    assert explorer.lines('registration', 'get', 'gw-1')['deviceId'] == 'gw-1'
    assert explorer.run('registration', 'list', 'fleet').stdout.splitlines()[1].split()[:4] == \
        ['gw-1', 'assigned', 'gw-1', hub.host]
    assert explorer.json('get-twin', 'gw-1')['tags'] == {'site': 'north'}
    explorer.run('enrollment-group', 'update', 'fleet', '--status', 'disabled')
    with Guest(hub, 'gw-2', explorer.run('enrollment-group', 'device-key', 'fleet', 'gw-2').stdout.strip()) as guest:
        assert guest.provision()['status'] == 'disabled'
    explorer.run('registration', 'delete', 'gw-1')
    assert "no registration 'gw-1'" in explorer.fails(REFUSED, 'registration', 'get', 'gw-1')
    explorer.run('enrollment-group', 'delete', 'fleet')


def test_an_enrollment_with_a_certificate_wants_one(explorer, tmp_path):
    (tmp_path / 'no.pem').write_text('nothing')
    said = explorer.fails(FAILED, 'enrollment', 'create', 'e1', '--certificate', tmp_path / 'no.pem')
    assert 'no certificate' in said
    assert 'exclude' in explorer.fails(USAGE, 'enrollment', 'create', 'e1', '--certificate', 'x', '--primary-key', KEY_1)


def test_a_hub_of_azure_has_no_enrollments():
    login = 'HostName=h.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=' + KEY_1
    said = Explorer().fails(USAGE, 'enrollment', 'list', '--login', login)
    assert 'azure-devices-provisioning.net' in said
