# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: who may connect, sessions, the program and its devices, over real TLS.

Of the numbered traps four concern clients alone, and no server can be tested for them: 32 (an event that is too large
is sent again and again), 46 (whose certificates az and Python trust), 47 (a host without a dot) and 57 (suffixes of
host names).
"""

import base64
import json
import os
import signal
import socket
import sqlite3
import ssl
import stat
import struct
import subprocess
import time

import mqtt
import pytest
from devhub import API, PROGRAM, Devhub, devhub  # noqa: F401  (a fixture)

C2D = 'devices/%s/messages/devicebound/#'


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


# --- certificates and TLS ---

def test_secrets_are_the_owners_alone(devhub, device):
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in devhub.directory.iterdir()}
    for name in 'ca.key', 'server.key', 'devhub.db', 'devhub.db-wal', 'endpoints.json':
        assert modes[name] == 0o600, name
    assert 'BEGIN CERTIFICATE' in (devhub.directory / 'ca.pem').read_text()
    assert 'PRIVATE' not in (devhub.directory / 'ca.pem').read_text()


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_trap_48_tls_1_2_and_1_3(devhub, device, version):
    with devhub.open(versions=(version, version)) as client:
        assert client.tls.version() == {ssl.TLSVersion.TLSv1_2: 'TLSv1.2', ssl.TLSVersion.TLSv1_3: 'TLSv1.3'}[version]
        assert client.connect('d1', device.username(), device.token()) == (False, 0)


def test_the_certificate_is_for_its_names_only(devhub):
    for name in devhub.host, 'localhost', '127.0.0.1':
        mqtt.Client('127.0.0.1', devhub.port, devhub.ca_file, name).close()
    with pytest.raises(ssl.SSLCertVerificationError):
        mqtt.Client('127.0.0.1', devhub.port, devhub.ca_file, 'other.localdomain')


def test_another_ca_is_not_trusted(devhub, tmp_path):
    with Devhub(tmp_path / 'other') as other, pytest.raises(ssl.SSLCertVerificationError):
        mqtt.Client('127.0.0.1', devhub.port, other.ca_file, devhub.host)


def test_the_ca_stays_and_a_new_host_gets_its_certificate(devhub, device):
    ca = (devhub.directory / 'ca.pem').read_text()
    server = (devhub.directory / 'server.pem').read_text()
    assert devhub.stop() == 0
    devhub.start()
    assert (devhub.directory / 'server.pem').read_text() == server
    devhub.stop()
    devhub.host = 'hub2.example.net'
    devhub.start()
    assert (devhub.directory / 'ca.pem').read_text() == ca
    devhub.open().close()
    listed = json.loads(devhub.run('device', 'list', '--json').stdout)
    assert listed[0]['connectionString'].startswith('HostName=hub2.example.net;DeviceId=d1;')


def test_noise_instead_of_tls_harms_nobody(devhub, device):
    with devhub.client(device) as client:
        for noise in b'GET / HTTP/1.0\r\n\r\n', os.urandom(3000), b'':
            raw = socket.create_connection(('127.0.0.1', devhub.port), 5)
            raw.sendall(noise)
            raw.close()
        client.publish(device.topic(), b'1')


# --- CONNECT ---

USERNAMES = {
    'node': 'api-version=2021-04-12&model-id=dtmi:com:example:Thermostat;1&DeviceClientType=azure-iot-device%2F1.18.4'
            '%20(node%20v20.20.2%3B%20Debian%2012%3B%20x64)my%20agent%2F1.0',
    'python': 'api-version=2019-10-01&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0%28python%29',
    'c': 'api-version=2020-09-30&DeviceClientType=iothubclient%2f1.15.0%20(native%3b%20Linux%3b%20x86_64)'
         '&model-id=dtmi%3acom%3aexample%3aThermostat%3b1',
    'embedded': 'api-version=2020-09-30&DeviceClientType=azsdk-c%2F1.6.0',
    'java': 'api-version=2020-09-30&model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1&DeviceClientType=java%20x',
}


@pytest.mark.parametrize('sdk', USERNAMES)
def test_every_clients_username(devhub, device, sdk):
    with devhub.client(device, USERNAMES[sdk]) as client:
        client.publish(device.topic(), b'1')
    system = devhub.events(count=1)[0]['system']
    expected = 'dtmi:com:example:Thermostat;1' if 'model-id' in USERNAMES[sdk] else None
    assert system.get('dt-dataschema') == expected


def test_traps_1_and_29_each_credential_gets_its_connack(devhub, device):
    owner = dict(part.split('=', 1) for part in devhub.endpoints()['owner_connection_string'].split(';'))
    policies = dict(sqlite3.connect(devhub.directory / 'devhub.db').execute('SELECT name, primary_key FROM policies'))
    assert policies['iothubowner'] == owner['SharedAccessKey'] and len(policies) == 6
    d2 = devhub.create('d2')
    now = time.time()
    plain = device.username()
    good = device.token()
    cases = [
        # code, client id, user name, password
        (0, 'd1', plain, good),
        (0, 'd1', plain, device.token(key=device.secondary_key)),
        (0, 'd1', plain.replace('/?', '/'), good),
        (0, 'd1', plain, device.token(expiry=now - 200)),
        (0, 'd1', plain, device.token(encode=lambda s: s.replace('/', '%2f'))),
        (0, 'd1', plain, device.token(encode=str)),
        (0, 'd1', plain, device.token(key=policies['iothubowner'], policy='iothubowner', resource=devhub.host)),
        (0, 'd1', plain, device.token(key=policies['device'], policy='device')),
        (5, 'd1', plain, device.token(key=policies['service'], policy='service', resource=devhub.host)),
        (5, 'd1', plain, device.token(key=policies['registryRead'], policy='registryRead')),
        (5, 'd1', plain, device.token(policy='iothubowner')),
        (5, 'd1', plain, device.token(policy='nobody')),
        (5, 'd1', plain, device.token(key=d2.key)),
        (5, 'd1', plain, d2.token()),
        (5, 'd1', plain, device.token(expiry=now - 400)),
        (5, 'd1', plain, device.token(resource='other.localdomain/devices/d1')),
        (5, 'd1', plain, good[:-1]),
        (5, 'd1', plain, 'password'),
        (5, 'd1', plain, ''),
        (5, 'd1', plain, None),
        (5, 'd1', None, None),
        (5, 'd2', plain, good),
        (5, '', plain, good),
        (5, 'd3', plain.replace('d1', 'd3'), good.replace('d1', 'd3')),
        (5, 'd1', plain.split('/?')[0], good),
        (5, 'd1', plain.split('?')[0] + '?DeviceClientType=x', good),
        (5, 'd1', plain.replace(API, 'tomorrow'), good),
        (3, 'd1', plain.replace(devhub.host, 'other.localdomain'), good),
    ]
    for code, client_id, username, password in cases:
        with devhub.open() as client:
            client.send(mqtt.connect(client_id, username, password))
            assert client.expect(mqtt.CONNACK) == bytes([0, code]), (client_id, username, password)
            if code:
                client.expect_close()
    with devhub.open() as client:
        assert client.connect('d1', plain, good, level=5) == (False, 1)
        client.expect_close()
    log = devhub.log.read_text()
    assert 'the token has expired' in log and 'there is no such device' in log


def test_nothing_secret_is_logged(devhub, device):
    for password in device.token(), device.token(key=device.secondary_key), device.key:
        with devhub.open() as client:
            client.connect('d1', device.username(), password)
    devhub.stop()
    log = devhub.log.read_text()
    for secret in device.key, device.secondary_key, 'sig=', 'SharedAccess':
        assert secret not in log


def test_a_client_cannot_write_log_lines(devhub, device):
    with devhub.client(device, 'api-version=%s&DeviceClientType=a%%0Ab%%1b%s&model-id=m%%0D' % (API, 'c' * 5000)), \
            devhub.open() as other:
        other.connect('d1', '%s/d\n2/?x' % devhub.host, 'x')
    lines = devhub.log.read_text().split('\n')
    assert any('product a?b?ccc' in line and 'model m?' in line and len(line) < 400 for line in lines)
    assert any('d?2: refused' in line for line in lines)


def test_first_connect_then_all_else(devhub, device):
    for first in mqtt.packet(mqtt.PINGREQ), mqtt.publish(device.topic()), mqtt.packet(mqtt.DISCONNECT), \
            mqtt.connect('d1', name='AMQP'), b'\xff\xff\xff\xff\xff', b'\0\0':
        with devhub.open() as client:
            client.send(first)
            client.expect_close()
    with devhub.client(device) as client:
        client.send(mqtt.connect('d1', device.username(), device.token()))
        client.expect_close()


def test_bytes_may_come_one_at_a_time(devhub, device):
    with devhub.open() as client:
        for byte in mqtt.connect('d1', device.username(), device.token()) + mqtt.publish(device.topic('a=b'), b'[1]') \
                + mqtt.packet(mqtt.PINGREQ):
            client.send(bytes([byte]))
        assert client.expect(mqtt.CONNACK) == b'\0\0'
        assert {client.receive()[0], client.receive()[0]} == {mqtt.PUBACK, mqtt.PINGRESP}
    assert devhub.events(count=1)[0]['properties'] == {'a': 'b'}


def test_packets_may_come_all_at_once(devhub, device):
    with devhub.open() as client:
        client.send(mqtt.connect('d1', device.username(), device.token()) + mqtt.subscribe(1, C2D % 'd1')
                    + b''.join(mqtt.publish(device.topic(), b'%d' % i, ident=i) for i in range(1, 101)))
        assert client.expect(mqtt.CONNACK) == b'\0\0'
        assert client.expect(mqtt.SUBACK) == b'\0\1\1'
        acknowledged = [struct.unpack('>H', client.expect(mqtt.PUBACK))[0] for _ in range(100)]
        assert acknowledged == list(range(1, 101))
    assert [e['body'] for e in devhub.events(count=100)] == list(range(1, 101))


# --- sessions ---

def test_the_newer_link_wins(devhub, device):
    with devhub.client(device) as old, devhub.client(device) as new:
        old.expect_close()
        new.publish(device.topic(), b'1')
    assert '400027' in devhub.log.read_text()


def test_devices_do_not_take_over_one_another(devhub, device):
    d2 = devhub.create('d2')
    m1 = devhub.create('d1/m1')
    with devhub.client(device) as a, devhub.client(d2) as b, devhub.client(m1) as c:
        for client, who in (a, device), (b, d2), (c, m1):
            client.publish(who.topic(), b'1')


def test_session_present_is_honest(devhub, device):
    def present(**kwargs):
        with devhub.client(device, **kwargs) as client:
            client.send(mqtt.packet(mqtt.DISCONNECT))
            client.expect_close()
            return client.session_present

    assert [present(clean=c) for c in (False, False, True, False, False)] == [False, True, False, False, True]
    with devhub.client(device, clean=False), devhub.client(device, clean=False) as new:  # by takeover as well
        assert new.session_present


def test_a_kept_session_keeps_its_filters(devhub):
    module = devhub.create_module('d1', 'm1')
    mine = 'devices/d1/modules/m1/'
    with devhub.client(module, clean=False) as client:
        assert client.subscribe(mine + '#', mine + 'inputs/#', '$iothub/methods/POST/#',
                                '$iothub/twin/res/#') == [1] * 4
    with devhub.client(module, clean=False) as client:
        assert client.session_present
        assert client.subscribe((mine + '#', 0), '$iothub/twin/PATCH/properties/desired/#') == [0, 1]
        client.send(mqtt.subscribe(2, mine + 'messages/devicebound/#'))
        client.expect_close()


def test_trap_54_the_renewals_filter_is_the_clients_not_the_manuals(devhub, device):
    with devhub.client(device) as client:
        assert client.subscribe('$iothub/credential/#') == [0x80]
        assert client.subscribe('$iothub/credentials/res/#') == [1]


def test_trap_49_the_type_of_a_body_is_not_guessed(devhub, device):
    """What is not said to be JSON in UTF-8 is not told to be: whoever routes by bodies passes it over."""
    with devhub.client(device) as client:
        client.publish(device.topic(), b'{"t":1}')
        client.publish(device.topic('%24.ct=application%2Fjson'), b'{"t":2}', ident=2)
        client.publish(device.topic('%24.ct=application%2Fjson&%24.ce=utf-8'), b'{"t":3}', ident=3)
    told = [(e['system'].get('content-type'), e['system'].get('content-encoding')) for e in devhub.events(count=3)]
    assert told == [(None, None), ('application/json', None), ('application/json', 'utf-8')]


def test_subscriptions_are_granted_or_refused(devhub, device):
    with devhub.client(device) as client:
        assert client.subscribe((C2D % 'd1', 2), ('$iothub/methods/POST/#', 0), ('$iothub/twin/res/#', 1),
                                '$iothub/twin/PATCH/properties/desired/#',
                                '$iothub/credentials/res/#') == [1, 0, 1, 1, 1]
        client.send(mqtt.unsubscribe(9, '$iothub/twin/res/#', 'never/subscribed'))
        assert client.expect(mqtt.UNSUBACK) == b'\0\x09'
    bad = '#', 'devices/d1/#', C2D % 'd2', C2D % '+', '$iothub/#', 'mine'
    with devhub.client(device) as client:
        for filter in bad:
            assert client.subscribe(filter) == [0x80]
        assert client.subscribe('mine', C2D % 'd1', '#', ('$iothub/methods/POST/#', 0)) == [0x80, 1, 0x80, 0]
        client.publish(device.topic(), b'1')


def test_keep_alive_is_kept(devhub, device):
    with devhub.client(device, keep_alive=1) as client:
        for _ in range(4):  # longer than the deadline, a ping at a time
            time.sleep(0.5)
            client.send(mqtt.packet(mqtt.PINGREQ))
            client.expect(mqtt.PINGRESP)
        start = time.monotonic()
        client.expect_close()
        assert 1.2 < time.monotonic() - start < 5


# --- the program ---

def test_everything_outlives_a_restart(devhub, device):
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1')
    port = devhub.port
    start = time.monotonic()
    assert devhub.stop() == 0
    assert time.monotonic() - start < 2
    assert not (devhub.directory / 'endpoints.json').exists()
    assert not (devhub.directory / 'control').exists()
    assert len(devhub.events()) == 1  # readable meanwhile
    devhub.start()
    assert devhub.port == port
    with devhub.client(device) as client:
        client.publish(device.topic(), b'2')
    assert [e['sequence'] for e in devhub.events(count=2)] == [1, 2]


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT])
def test_trap_58_a_stop_closes_links_without_a_disconnect(devhub, device, how):
    with devhub.client(device) as client:
        start = time.monotonic()
        assert devhub.stop(how) == 0
        assert time.monotonic() - start < 2
        client.expect_close()


def test_one_server_a_directory(devhub):
    second = devhub.run('serve', '--mqtt-port', '0', check=False)
    assert second.returncode == 1
    assert 'in use by another server (process %d)' % devhub.process.pid in second.stderr
    assert devhub.endpoints()['pid'] == devhub.process.pid  # untouched


def test_a_port_in_use_is_said(devhub, tmp_path):
    done = subprocess.run([PROGRAM, 'serve', '--state-dir', tmp_path / 'b', '--mqtt-port', str(devhub.port)],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert 'port %d: cannot listen: Address already in use: another program has it; another with --mqtt-port, 0 takes ' \
        'a free one' % devhub.port in done.stderr
    assert not (tmp_path / 'b/endpoints.json').exists()


def test_broken_state_is_said(devhub):
    devhub.stop()
    (devhub.directory / 'ca.key').write_text('nonsense')
    done = devhub.run('serve', '--mqtt-port', '0', check=False)
    assert done.returncode == 1 and 'ca.key is not the key of ca.pem' in done.stderr
    (devhub.directory / 'devhub.db').write_bytes(b'no database' * 1000)
    for words in ('serve', '--mqtt-port', '0'), ('device', 'list'), ('monitor', '--for', '0s'):
        done = devhub.run(*words, check=False)
        assert done.returncode == 1 and 'devhub.db' in done.stderr or 'cannot read the events' in done.stderr


def test_usage(tmp_path):
    def run(*words):
        return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=20)

    assert run('--version').returncode == 0 and run('--version').stdout.startswith('hublink-devhub ')
    assert run('--help').returncode == 0 and 'withhold-puback' in run('--help').stdout
    for words in ['sreve'], ['--https-port', 'x'], ['fault', 'set', 'cat'], ['device', 'create'], ['serve', 'x']:
        done = run(*words)
        assert done.returncode == 2 and '--help' in done.stderr and not done.stdout, words
    assert 'did you mean \'serve\'' in run('sreve').stderr
    for words in ['device', 'list'], ['monitor'], ['fault', 'list']:
        assert run(*words, '--state-dir', str(tmp_path / 'none')).returncode == 1


# --- device ---

def test_devices_without_a_server(tmp_path):
    hub = Devhub(tmp_path / 'hub').start()
    hub.stop()
    d1 = hub.create('d1')
    assert len(base64.b64decode(d1.key)) == 32 and d1.key != d1.secondary_key
    assert d1.connection_string == 'HostName=devhub.localdomain;DeviceId=d1;SharedAccessKey=' + d1.key
    plain = hub.run('device', 'create', 'a:b@c').stdout
    assert plain.splitlines()[0] == 'deviceId: a:b@c'
    assert plain.splitlines()[-1].startswith('connectionString: HostName=devhub.localdomain;DeviceId=a:b@c;')
    assert hub.run('device', 'list').stdout == 'a:b@c\nd1\n'
    assert [d['primaryKey'] for d in json.loads(hub.run('device', 'list', '--json').stdout)][1] == d1.key
    again = hub.run('device', 'create', 'd1', check=False)
    assert again.returncode == 1 and 'exists already' in again.stderr
    for bad in '', 'a b', 'a/b/c', 'x' * 129, 'ü', 'a^':
        assert hub.run('device', 'create', bad, check=False).returncode == 2
    assert hub.run('device', 'create', 'x/m1', check=False).returncode == 1  # its device first
    with hub, hub.client(d1) as client:
        client.publish(d1.topic(), b'1')


def test_a_device_made_or_deleted_counts_at_once(devhub, device):
    module = devhub.create('d1/m1')
    with devhub.client(device) as client, devhub.client(module) as other:
        devhub.run('device', 'delete', 'd1/m1')
        other.expect_close()
        client.publish(device.topic(), b'1')
        devhub.run('device', 'delete', 'd1')
        client.expect_close()
    with devhub.open() as client:
        assert client.connect('d1', device.username(), device.token())[1] == 5
    assert devhub.run('device', 'delete', 'd1', check=False).returncode == 1
    again = devhub.create('d1')
    assert again.generation_id != device.generation_id and again.key != device.key
    devhub.client(again).close()
