# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: a hub's content from a document and back, and a hub that forgets it."""

import json
import os
import pty
import sqlite3
import stat
import subprocess
import time

import mqtt
import pytest
from bus import SOURCE
from devhub import PROGRAM, Devhub, devhub  # noqa: F401  (a fixture)
from https import Service, policy_key
from scripted_hub import make_authority
from test_devhub_registry import device_of

EXAMPLE = SOURCE / 'conf/examples/fleet.json'
KEY, OTHER_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=', 'ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8='


@pytest.fixture
def hub(tmp_path):
    """Not running."""
    with_hub = Devhub(tmp_path / 'hub')
    yield with_hub
    if with_hub.process:
        with_hub.kill()


def run(hub, *words, stdin='', status=0):
    done = subprocess.run([PROGRAM, *words, '--state-dir', hub.directory], input=stdin, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def seed(hub, document, *words, status=0):
    text = document if isinstance(document, str) else json.dumps(document)
    done = run(hub, 'seed', '-', *words, stdin=text, status=status)
    return done.stdout if status == 0 else done.stderr


def dump(hub, *words):
    return json.loads(run(hub, 'dump', *words).stdout)


def device(name='d1', **more):
    return {'devices': [{'deviceId': name, **more}]}


def sas(primary=KEY, secondary=OTHER_KEY):
    return {'type': 'sas', 'symmetricKey': {'primaryKey': primary, 'secondaryKey': secondary}}


@pytest.fixture
def rich(tmp_path):
    """A document with all that there can be."""
    make_authority(tmp_path, ['d'])
    pem = (tmp_path / 'ca.pem').read_text()
    leaf = (tmp_path / 'server.pem').read_text()
    document = json.loads(EXAMPLE.read_text())
    document['enrollments'].append({
        'registrationId': 'by-certificate', 'provisioningStatus': 'disabled', 'iotHubs': ['a.example', 'b.example'],
        'attestation': {'type': 'x509', 'x509': {'clientCertificates': {'primary': {'certificate': leaf}}}},
        'capabilities': {'iotEdge': True}, 'optionalDeviceInformation': {'made': 'here'}, 'allocationPolicy': 'static'})
    document['enrollmentGroups'].append({
        'enrollmentGroupId': 'signed', 'iotHubHostName': 'devhub.localdomain',
        'attestation': {'type': 'x509', 'x509': {'signingCertificates': {'primary': {'certificate': pem},
                                                                        'secondary': {'certificate': pem}}}},
        'reprovisionPolicy': {'updateHubAssignment': False, 'migrateDeviceData': False}})
    document['certificateAuthorities'] = [{'name': 'plant', 'file': str(tmp_path / 'ca.pem')}]
    return document


# --- seeding ---

def test_the_example_seeds_a_hub(hub):
    assert run(hub, 'seed', EXAMPLE).stdout == '6 new, 0 changed, 0 as they were\n'
    assert run(hub, 'seed', EXAMPLE).stdout == '0 new, 0 changed, 6 as they were\n'
    service = Service(hub.start())
    record = service.get('/devices/mill-1').json
    assert record['authentication']['symmetricKey'] == {'primaryKey': KEY, 'secondaryKey': OTHER_KEY}
    twin = service.get('/twins/mill-1').json
    assert twin['tags'] == {'site': 'north', 'floor': 2} and twin['properties']['desired']['targetTemperature'] == 21.5
    assert service.get('/devices/mill-1/modules/meter').json['managedBy'] == 'IotEdge'
    assert service.get('/twins/mill-1/modules/meter').json['properties']['desired']['interval'] == 30
    pump = service.get('/devices/pump-1').json
    assert (pump['status'], pump['statusReason'], pump['authentication']['type']) == \
        ('disabled', 'in repair', 'selfSigned')
    assert len(service.get('/devices/valve-3').json['authentication']['symmetricKey']['primaryKey']) == 44
    assert service.get('/enrollments/mill-2').json['deviceId'] == 'mill-2'
    assert service.get('/enrollmentGroups/meters').json['allocationPolicy'] == 'hashed'
    with hub.client(device_of(hub, record)):
        pass


def test_seeding_twice_changes_nothing(hub, rich):
    assert seed(hub, rich).startswith('9 new, 0 changed')
    before = (hub.directory / 'devhub.db').stat(), dump(hub, '--secrets')
    service = Service(hub.start())
    etags = [service.get(path).json['etag'] for path in ('/devices/mill-1', '/twins/mill-1', '/enrollments/mill-2')]
    assert seed(hub, rich) == '0 new, 0 changed, 9 as they were\n'
    assert seed(hub, rich, '--replace') == '0 new, 0 changed, 9 as they were\n'
    assert dump(hub, '--secrets') == before[1]
    assert [service.get(path).json['etag']
            for path in ('/devices/mill-1', '/twins/mill-1', '/enrollments/mill-2')] == etags


def test_a_dump_seeds_an_equal_hub(hub, rich, tmp_path):
    seed(hub, rich)
    whole = run(hub, 'dump', '--secrets').stdout
    other = Devhub(tmp_path / 'other')
    assert run(other, 'seed', '-', stdin=whole).stdout == '9 new, 0 changed, 0 as they were\n'
    assert run(other, 'dump', '--secrets').stdout == whole
    document = json.loads(whole)
    assert [len(document[name]) for name in ('devices', 'enrollments', 'enrollmentGroups', 'certificateAuthorities')] \
        == [3, 2, 2, 1]
    assert document['enrollments'][0]['attestation']['x509']['clientCertificates']['primary']['certificate'] == \
        rich['enrollments'][1]['attestation']['x509']['clientCertificates']['primary']['certificate']
    # without its keys it is alike but for them
    third = Devhub(tmp_path / 'third')
    plain = run(hub, 'dump').stdout
    run(third, 'seed', '-', stdin=plain)
    assert run(third, 'dump').stdout == plain
    assert run(third, 'dump', '--secrets').stdout != whole


def test_keys_are_dumped_when_they_are_asked_for(hub, tmp_path):
    run(hub, 'seed', EXAMPLE)
    assert KEY not in run(hub, 'dump').stdout and 'symmetricKey"' not in json.dumps(dump(hub)['devices'])
    path = tmp_path / 'dump.json'
    path.write_text('old')
    path.chmod(0o666)
    assert run(hub, 'dump', path, '--secrets').stdout == ''
    assert KEY in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.glob('dump.json?*')) == []
    said = run(hub, 'dump', tmp_path / 'no-folder/x', status=1).stderr
    assert 'no-folder/x: No such file or directory' in said


def test_a_file_of_an_authority_lies_beside_the_document(hub, tmp_path):
    (tmp_path / 'there').mkdir()
    make_authority(tmp_path / 'there', ['d'])
    path = tmp_path / 'there/seed.json'
    path.write_text('{"certificateAuthorities": [{"name": "plant", "file": "ca.pem"}]}')
    assert run(hub, 'seed', path).stdout.startswith('1 new')
    assert run(hub, 'ca', 'list').stdout.startswith('plant ')
    path.write_text('{"certificateAuthorities": [\n{"name": "a", "file": "server.pem"}]}')
    assert 'seed.json:2: certificateAuthorities[0]: this certificate may not sign' in \
        run(hub, 'seed', path, status=1).stderr
    path.write_text('{"certificateAuthorities": [\n{"name": "a",\n"file": "none.pem"}]}')
    assert 'seed.json:3: certificateAuthorities[0].file: ' in run(hub, 'seed', path, status=1).stderr


# --- what is wrong with it ---

@pytest.mark.parametrize('text, words', [
    ('', 'standard input:1: it ends too early'),
    ('{\n"devices": [\n{"deviceId": }]}', 'standard input:3: it has a malformed number'),
    ('[]', 'standard input:1: it is not an object'),
    ('{"devices": [{"deviceId": "new", "statusReason":\n"\\\\ud83d \\ud83d\\ude00 \\ud800"}]}',
     'standard input:2: it has half of a pair'),
    ('{"device": []}', ':1: device: no such member'),
    ('{\n"devices": {}}', ':2: devices: it is not a list'),
    ('{"devices": [\n{},\n{}]}', ':2: devices[0].deviceId: it is missing'),
    ('{"devices": [\n{"deviceId": "a/b"}]}', ':2: devices[0].deviceId: it is no id'),
    ('{"devices": [\n{"deviceId": 7}]}', ':2: devices[0].deviceId: it is not a text'),
    ('{"devices": [{"deviceId": "new"},\n"x"]}', ':2: devices[1]: it is not an object'),
    ('{"devices": [{"deviceId": "new"},\n{"deviceId": "new"}]}', ":2: devices[1]: 'new' stands in the document a second"),
    ('{"devices": [{"deviceId": "new",\n"tags": {}}]}', ':2: devices[0].tags: no such member'),
    ('{"devices": [{"deviceId": "new",\n"status": "lost"}]}', 'devices[0]: status is neither enabled nor disabled'),
    ('{"devices": [{"deviceId": "new", "authentication": {"symmetricKey": {"primaryKey": "x"}}}]}',
     'devices[0]: a key is not base64 of 16 to 64 bytes'),
    ('{"devices": [{"deviceId": "new",\n"modules": [{"moduleId": "m"},\n{"moduleId": "n",\n"twin": []}]}]}',
     ':4: devices[0].modules[1].twin: it is not an object'),
    ('{"devices": [{"deviceId": "new", "modules": [{"moduleId": "m", "deviceId": "x"}]}]}',
     "devices[0].modules[0]: it stands with device 'new' and says deviceId 'x'"),
    ('{"devices": [{"deviceId": "new", "twin": {\n"properties": {\n"wished": {}}}}]}',
     ':3: devices[0].twin.properties.wished: no such member'),
    ('{"devices": [{"deviceId": "new", "twin": {\n"tags": {"a.b": 1}}}]}', ':2: devices[0].twin.tags: '),
    ('{"devices": [{"deviceId": "new"}], "enrollments": [\n{"registrationId": "r"}]}',
     ':2: enrollments[0]: there is no attestation'),
    ('{"devices": [{"deviceId": "new"}], "enrollmentGroups": [{"enrollmentGroupId": "g", "attestation":'
     ' {"type": "x509", "x509": {"signingCertificates": {}}}}]}', 'enrollmentGroups[0].attestation.x509: it names no'),
    ('{"devices": [{"deviceId": "new"}], "certificateAuthorities": [{"name": "-"}]}',
     'certificateAuthorities[0].name: it must be'),
    ('{"devices": [{"deviceId": "new"}], "certificateAuthorities": [{"name": "a"}]}',
     'certificateAuthorities[0]: it has either file'),
    ('{"devices": [{"deviceId": "new"}], "certificateAuthorities": [{"name": "a", "certificate": "x"}]}',
     'certificateAuthorities[0]: this is no certificate'),
])
def test_what_is_wrong_is_named_and_nothing_is_seeded(hub, text, words):
    run(hub, 'seed', EXAMPLE)
    before = run(hub, 'dump', '--secrets').stdout
    assert words in seed(hub, text, status=1)
    assert run(hub, 'dump', '--secrets').stdout == before


def test_a_file_that_is_not_there(hub, tmp_path):
    assert 'none.json: No such file or directory' in run(hub, 'seed', tmp_path / 'none.json', status=1).stderr
    (tmp_path / 'nul.json').write_bytes(b'{}\0')
    assert 'nul.json: it holds a NUL' in run(hub, 'seed', tmp_path / 'nul.json', status=1).stderr


# --- what is different ---

@pytest.mark.parametrize('more, member', [
    ({'authentication': sas(OTHER_KEY)}, 'devices[0].authentication.symmetricKey'),
    ({'authentication': {'type': 'certificateAuthority'}}, 'devices[0].authentication.type'),
    ({'status': 'disabled'}, 'devices[0].status'), ({'statusReason': 'x'}, 'devices[0].statusReason'),
    ({'capabilities': {'iotEdge': True}}, 'devices[0].capabilities.iotEdge'),
    ({'twin': {'tags': {'a': 2}}}, 'devices[0].twin.tags'), ({'twin': {'tags': {}}}, 'devices[0].twin.tags'),
    ({'twin': {'properties': {'desired': {'b': 2}}}}, 'devices[0].twin.properties.desired'),
    ({'modules': [{'moduleId': 'm', 'managedBy': 'me'}]}, 'devices[0].modules[0].managedBy')])
def test_what_is_different_is_replaced_when_that_is_said(hub, more, member):
    seed(hub, device(authentication=sas(), twin={'tags': {'a': 1}, 'properties': {'desired': {'b': 1}}},
                     modules=[{'moduleId': 'm'}]))
    before = dump(hub, '--secrets')
    said = seed(hub, device(**more), status=1)
    assert '%s: the hub has another one already; --replace' % member in said
    assert dump(hub, '--secrets') == before
    assert seed(hub, device(**more), '--replace').startswith('0 new, 1 changed')
    assert dump(hub, '--secrets') != before
    assert seed(hub, device(**more)).startswith('0 new, 0 changed')


def test_what_is_not_said_stays(hub):
    seed(hub, device(authentication=sas(), status='disabled', twin={'tags': {'a': 1}, 'properties': {'desired': {'b': 1}}}))
    before = dump(hub, '--secrets')
    assert seed(hub, device(authentication=sas('', ''))).startswith('0 new, 0 changed')
    seed(hub, device(twin={'tags': {'a': 2}}), '--replace')
    before['devices'][0]['twin']['tags'] = {'a': 2}
    assert dump(hub, '--secrets') == before


def test_an_enrollment_that_is_different(hub):
    def document(status, **more):
        return {'enrollments': [{'registrationId': 'R', 'provisioningStatus': status,
                                 'attestation': {'type': 'symmetricKey', **more}}]}
    seed(hub, document('enabled'))
    keys = dump(hub, '--secrets')['enrollments'][0]['attestation']
    assert 'enrollments[0].provisioningStatus: the hub has another' in seed(hub, document('disabled'), status=1)
    assert 'enrollments[0].attestation: the hub has another' in \
        seed(hub, document('enabled', symmetricKey={'primaryKey': KEY}), status=1)
    seed(hub, document('disabled'), '--replace')
    after = dump(hub, '--secrets')['enrollments'][0]
    assert (after['provisioningStatus'], after['attestation']) == ('disabled', keys)


# --- while it serves ---

def test_a_running_hub_is_seeded(devhub):
    run(devhub, 'seed', EXAMPLE)
    service = Service(devhub)
    client = devhub.client(device_of(devhub, service.get('/devices/mill-1').json))
    assert seed(devhub, device('mill-1', status='disabled'), '--replace') == '0 new, 1 changed, 0 as they were\n'
    with pytest.raises(mqtt.Closed):
        client.expect(mqtt.PUBLISH)
    assert service.get('/devices/mill-1').json['status'] == 'disabled'


def fleet(n):
    return {'devices': [{'deviceId': 'd%05d' % i, 'authentication': sas(), 'twin': {'tags': {'i': i}}}
                        for i in range(n)]}


def test_a_seed_that_changes_nothing_waits_for_nobody(devhub):
    """Nor does it keep anybody waiting: it needs no lock."""
    assert seed(devhub, fleet(250)).startswith('250 new')
    other = sqlite3.connect(devhub.directory / 'devhub.db', isolation_level=None)
    other.execute('BEGIN IMMEDIATE')
    began = time.monotonic()
    assert seed(devhub, fleet(250)) == '0 new, 0 changed, 250 as they were\n'
    assert 'the hub has another one already' in seed(devhub, {'devices': [{'deviceId': 'd00000', 'status': 'disabled'}]},
                                                     status=1)
    assert time.monotonic() - began < 5  # what SQLite waits for a lock
    other.close()


def test_a_running_hub_goes_on_while_it_is_seeded(devhub):
    """Each slice has the store for a moment only: others write in between."""
    other = sqlite3.connect(devhub.directory / 'devhub.db', isolation_level=None, timeout=20)
    process = subprocess.Popen([PROGRAM, 'seed', '-', '--state-dir', devhub.directory], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(fleet(1000)))
    process.stdin.close()
    seen = set()
    while process.poll() is None:
        other.execute('BEGIN IMMEDIATE')
        seen.add(other.execute('SELECT count(*) FROM identities').fetchone()[0])
        other.execute('COMMIT')
        time.sleep(0.005)
    assert process.stdout.read() == '1000 new, 0 changed, 0 as they were\n' and process.returncode == 0
    process.stdout.close()
    assert len(seen - {0, 1000}) >= 3
    assert all(n % 100 == 0 for n in seen)
    assert len(dump(devhub)['devices']) == 1000
    other.close()


def test_a_long_document_with_a_mistake_at_its_end_seeds_nothing(devhub):
    document = fleet(300)
    document['devices'].append({'deviceId': 'd00000'})
    assert "devices[300]: 'd00000' stands in the document a second time" in seed(devhub, document, status=1)
    assert dump(devhub)['devices'] == []


def test_a_replacement_reaches_those_whom_it_concerns(devhub):
    """Other keys cut, and keep the session; other wishes are told; of tags no device hears; a module is no device."""
    seed(devhub, device(authentication=sas(), twin={'tags': {'a': 1}, 'properties': {'desired': {'b': 1, 'c': 1}}},
                        modules=[{'moduleId': 'm', 'authentication': sas()}]))
    service = Service(devhub)
    identity = device_of(devhub, service.get('/devices/d1').json)
    module = device_of(devhub, service.get('/devices/d1/modules/m').json)
    with devhub.client(identity, clean=False) as client, devhub.client(module) as other:
        client.subscribe('$iothub/twin/PATCH/properties/desired/#', 'devices/d1/messages/devicebound/#')
        assert seed(devhub, device(twin={'tags': {'a': 2}}), '--replace').startswith('0 new, 1 changed')
        client.publish(identity.topic())
        assert service.get('/twins/d1').json['properties']['desired']['$version'] == 2
        seed(devhub, device(twin={'tags': {'a': 3}, 'properties': {'desired': {'b': 2}}}), '--replace')
        told = client.expect(mqtt.PUBLISH)
        assert told.endswith(b'desired/?$version=3{"b":2,"c":null,"$version":3}'), told
        seed(devhub, device(statusReason='none'), '--replace')
        client.publish(identity.topic())
        seed(devhub, device(authentication=sas(OTHER_KEY)), '--replace')
        client.expect_close()
        other.publish(module.topic())
    assert 'closed: its keys or certificates were changed' in devhub.log.read_text()
    assert 'deleted or disabled' not in devhub.log.read_text()
    with devhub.client(device_of(devhub, service.get('/devices/d1').json), clean=False) as client:
        assert client.session_present


def test_serve_seeds_before_it_opens(hub, tmp_path):
    hub.start('--seed', str(EXAMPLE))
    assert Service(hub).get('/devices/mill-1').status == 200
    hub.stop()
    hub.start('--seed', str(EXAMPLE))
    hub.stop()
    path = tmp_path / 'bad.json'
    path.write_text('{"devices": [\n{"deviceId": "mill-1", "status": "disabled"}]}')
    said = run(hub, 'serve', '--seed', path, '--mqtt-port', '0', '--https-port', '0', '--amqps-port', '0', '--amqp-port',
               '0', status=1).stderr
    assert 'bad.json:2: devices[0].status: the hub has another one already' in said


# --- reset ---

def test_reset_keeps_what_others_hold(hub):
    hub.start()
    run(hub, 'seed', EXAMPLE)
    with hub.client(hub.create('talker')) as client:
        client.publish('devices/talker/messages/events/', b'1')
    assert len(hub.events('talker', 1)) == 1
    kept = hub.endpoints()['id_scope'], policy_key(hub, 'iothubowner'), (hub.directory / 'ca.pem').read_text()
    assert 'runs on' in run(hub, 'reset', '--yes', status=1).stderr
    assert len(dump(hub)['devices']) == 4
    hub.stop()
    assert run(hub, 'reset', '--yes').stdout == ''
    assert dump(hub) == {'devices': [], 'enrollments': [], 'enrollmentGroups': [], 'certificateAuthorities': []}
    assert hub.events() == []
    hub.start()
    assert kept == (hub.endpoints()['id_scope'], policy_key(hub, 'iothubowner'), (hub.directory / 'ca.pem').read_text())
    with hub.client(hub.create('talker')) as client:
        client.publish('devices/talker/messages/events/', b'2')
    assert len(hub.events('talker', 1)) == 1


def test_reset_of_all_leaves_nothing_of_the_hub(hub):
    hub.start()
    hub.fault('set', 'cert-new-ca', '--for', '1s')
    assert (hub.directory / 'new-ca').exists()
    hub.stop()
    (hub.directory / 'notes').write_text('mine')
    run(hub, 'reset', '--all', '--yes')
    assert sorted(path.name for path in hub.directory.iterdir()) == ['lock', 'log', 'notes']
    assert 'no hub lives in' in run(hub, 'dump', status=1).stderr
    hub.start()


def test_reset_asks_before(hub):
    run(hub, 'seed', EXAMPLE)
    assert '--yes' in run(hub, 'reset', stdin='y\n', status=2).stderr

    def answer(words):
        leader, follower = pty.openpty()
        process = subprocess.Popen([PROGRAM, 'reset', '--state-dir', hub.directory], stdin=follower,
                                   stderr=subprocess.PIPE, text=True)
        os.write(leader, words)
        said = process.communicate(timeout=30)[1]
        os.close(leader)
        os.close(follower)
        return process.returncode, said

    for words in b'\n', b'no\n', b'\x04', b'yyyyyyyyyyyyyyyyyyyyyy\n':
        status, said = answer(words)
        assert status == 1 and '3 devices' in said and 'nothing was changed' in said
    assert len(dump(hub)['devices']) == 3
    assert answer(b'yes\n')[0] == 0
    assert dump(hub)['devices'] == []


def test_there_is_no_hub_to_dump_or_reset(tmp_path):
    for command in ['dump'], ['reset', '--yes']:
        assert 'no hub lives in' in run(Devhub(tmp_path / 'none'), *command, status=1).stderr
