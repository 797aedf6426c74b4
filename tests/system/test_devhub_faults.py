# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: each fault, seen from the device's side."""

import datetime
import email.utils
import json
import os
import re
import socket
import sqlite3
import ssl
import time

import mqtt
import pytest
from bus import SOURCE
from devhub import devhub  # noqa: F401  (a fixture)
from https import Service


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.02)


# --- faults ---

def test_refuse_connect(devhub, device):
    devhub.fault('set', 'refuse-connect', '--count', '2')
    devhub.fault('set', 'refuse-connect', '--device', 'd1', '--code', '5', '--count', '1')
    codes = []
    for _ in range(4):
        with devhub.open() as client:
            codes.append(client.connect('d1', device.username(), device.token())[1])
    assert codes == [5, 3, 3, 0]
    devhub.fault('set', 'refuse-connect', '--code', '0', '--device', 'd1')
    with devhub.open() as client:
        client.send(mqtt.connect('d1', device.username(), device.token()))
        client.expect_close()
    devhub.client(devhub.create('d2')).close()
    devhub.fault('clear', 'refuse-connect')
    devhub.client(device).close()


def test_cut(devhub, device):
    d2 = devhub.create('d2')
    with devhub.client(device) as client, devhub.client(d2) as other:
        devhub.fault('set', 'cut', '--device', 'd1')
        client.expect_close()
        other.publish(d2.topic(), b'1')
    with devhub.client(device) as client:  # it was a single stroke
        client.publish(device.topic(), b'1')
        devhub.fault('set', 'cut', '--count', '2')
        client.expect_close()
    with devhub.client(device) as client:
        client.send(mqtt.publish(device.topic(), b'lost'))
        client.expect_close()
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1')
    assert len(devhub.events()) == 3


def test_delay_puback(devhub, device):
    devhub.fault('set', 'delay-puback', '--delay', '700ms', '--count', '1')
    with devhub.client(device) as client:
        start = time.monotonic()
        client.send(mqtt.publish(device.topic(), b'1', ident=1) + mqtt.publish(device.topic(), b'2', ident=2))
        assert len(devhub.events(count=2)) == 2  # stored all the same
        assert client.expect(mqtt.PUBACK) == b'\0\1'
        assert time.monotonic() - start >= 0.7
        assert client.expect(mqtt.PUBACK) == b'\0\2'


def test_withhold_puback(devhub, device):
    devhub.fault('set', 'withhold-puback', '--count', '1')
    with devhub.client(device) as client:
        client.send(mqtt.publish(device.topic(), b'1', ident=1) + mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP)
        client.expect_silence(0.3)
        client.publish(device.topic(), b'2', ident=2)
    assert len(devhub.events(count=2)) == 2


def test_silent(devhub, device):
    with devhub.client(device) as client:
        devhub.fault('set', 'silent', '--for', '1s')
        client.send(mqtt.publish(device.topic(), b'1') + mqtt.packet(mqtt.PINGREQ))
        with devhub.open() as new:  # TLS is served, and then nothing
            new.send(mqtt.connect('d1', device.username(), device.token()))
            new.expect_silence(0.3)
        wait_for(lambda: devhub.fault('list').stdout == '')
        with devhub.client(device) as newer:
            newer.publish(device.topic(), b'2')
        client.expect_silence(0.3)  # what was struck stays so
    assert [e['body'] for e in devhub.events()] == [2]


def test_reset(devhub, device):
    with devhub.client(device) as client, socket.socket(fileno=os.dup(client.tls.fileno())) as raw:
        devhub.fault('set', 'reset', '--device', 'd1')
        raw.settimeout(10)
        with pytest.raises(ConnectionResetError):  # the TLS layer would call it a mere end
            while raw.recv(4096):
                pass
    with devhub.client(device) as client:  # a single stroke
        client.publish(device.topic(), b'1')


def test_takeover(devhub, device):
    with devhub.client(device) as client:
        devhub.fault('set', 'takeover', '--count', '1')
        client.expect_close()
    assert '400027' in devhub.log.read_text()
    devhub.client(device).close()


def test_tls_stall(devhub, device):
    devhub.fault('set', 'tls-stall', '--count', '1')
    with pytest.raises(TimeoutError):
        devhub.open(timeout=0.5)
    devhub.client(device).close()


@pytest.mark.parametrize('fault, words', [('cert-wrong-name', 'mismatch'), ('cert-expired', 'expired'),
                                          ('cert-new-ca', 'unable to get local issuer|self.signed|signature failure')])
def test_certificate(devhub, device, fault, words):
    devhub.fault('set', fault, '--count', '1')
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        devhub.open()
    assert re.search(words, str(caught.value))
    devhub.client(device).close()
    devhub.fault('set', fault, '--count', '1')
    with pytest.raises(ssl.SSLCertVerificationError):
        Service(devhub).get('/devices/d1')
    assert Service(devhub).get('/devices/d1').status == 200
    devhub.fault('set', fault, '--count', '1')
    context = ssl.create_default_context(cafile=devhub.ca_file)
    with socket.create_connection(('127.0.0.1', devhub.endpoints()['amqps_port']), 10) as raw:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(raw, server_hostname=devhub.host)


def test_what_strikes_before_a_name_is_said_is_for_all(devhub):
    for fault in 'tls-stall', 'cert-expired', 'clock-offset':
        done = devhub.fault('set', fault, '--device', 'd1', check=False)
        assert done.returncode == 2 and 'leave out --device' in done.stderr


def test_a_new_authority_can_be_trusted(devhub, device):
    devhub.fault('set', 'cert-new-ca')
    with mqtt.Client('127.0.0.1', devhub.port, str(devhub.directory / 'new-ca/ca.pem'), devhub.host) as client:
        assert client.connect('d1', device.username(), device.token())[1] == 0


def test_clock_offset(devhub, device):
    devhub.fault('set', 'clock-offset', '--offset', '+2d', '--for', '2s')
    with devhub.open() as client:  # to the hub the token ended yesterday
        assert client.connect('d1', device.username(), device.token())[1] == 5
    wait_for(lambda: devhub.fault('list').stdout == '')
    devhub.client(device).close()
    devhub.fault('set', 'clock-offset', '--offset', '-1h')
    date = email.utils.parsedate_to_datetime(Service(devhub).get('/devices/d1').headers['Date']).timestamp()
    assert abs(date - (time.time() - 3600)) < 60
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1')
    [event] = devhub.events()
    enqueued = datetime.datetime.fromisoformat(event['enqueued'].replace('Z', '+00:00')).timestamp()
    assert abs(enqueued - (time.time() - 3600)) < 60
    assert 'needs --offset' in devhub.fault('set', 'clock-offset', check=False).stderr


def test_trap_28_token_cut(devhub, device):
    soon = int(time.time()) + 3
    with devhub.open() as client, devhub.open() as other:
        d2 = devhub.create('d2')
        devhub.fault('set', 'token-cut', '--device', 'd1')
        assert client.connect('d1', device.username(), device.token(expiry=soon))[1] == 0
        assert other.connect('d2', d2.username(), d2.token(expiry=soon))[1] == 0
        client.expect_close()
        assert time.time() >= soon
        other.publish(d2.topic(), b'1')  # trap 28: it lives ten minutes longer


def test_trap_30_throttle(devhub, device):
    devhub.fault('set', 'throttle', '--delay', '500ms', '--count', '1')
    with devhub.client(device) as client:
        start = time.monotonic()
        client.publish(device.topic(), b'1')  # trap 30: only the PUBACK tells
        assert time.monotonic() - start >= 0.5
    devhub.fault('set', 'throttle', '--delay', '7s', '--count', '1')
    answer = Service(devhub).get('/devices/d1')
    assert (answer.status, answer.error, answer.headers['Retry-After']) == (429, 'ThrottlingException', '7')
    assert Service(devhub).get('/devices/d1').status == 200


def test_trap_31_quota_connects_and_cuts(devhub, device):
    devhub.fault('set', 'quota', '--count', '2')
    for _ in range(2):
        with devhub.client(device) as client:
            client.send(mqtt.publish(device.topic(), b'1'))
            client.expect_close()
    with devhub.client(device) as client:
        client.publish(device.topic(), b'2')
    assert [e['body'] for e in devhub.events()] == [2]
    devhub.fault('set', 'quota')
    answer = Service(devhub).get('/twins/d1')
    assert (answer.status, answer.error) == (403, 'IotHubQuotaExceeded')
    assert Service(devhub).get('/devices/d1').status == 200  # is not billed


def test_a_clock_that_can_be_moved(devhub, device):
    devhub.stop()
    devhub.start('--virtual-clock')
    with devhub.client(device) as client:
        before = devhub.run('clock', 'show').stdout.strip()
        devhub.run('clock', 'advance', '10min')  # the token is good for an hour, and ten minutes more
        client.publish(device.topic(), b'1')
        devhub.run('clock', 'advance', '62min')
        client.expect_close()
    assert 'ten years' in devhub.run('clock', 'advance', '99999999h', check=False).stderr
    after = devhub.run('clock', 'show').stdout.strip()
    parse = datetime.datetime.fromisoformat
    assert 72 * 60 <= (parse(after[:-1]) - parse(before[:-1])).total_seconds() < 73 * 60
    devhub.kill()
    devhub.start()
    moved = devhub.run('clock', 'advance', '1h', check=False)
    assert moved.returncode == 1 and '--virtual-clock' in moved.stderr
    again = devhub.run('clock', 'show').stdout.strip()  # it does not fall back
    assert 0 <= (parse(again[:-1]) - parse(after[:-1])).total_seconds() < 60
    assert re.search(r"clock is 43[12]\d s ahead", devhub.log.read_text())  # 4,320 s, less what passed between two looks
    # what is beside the server knows of it
    devhub.run('seed', SOURCE / 'conf/examples/fleet.json')
    store = sqlite3.connect(devhub.directory / 'devhub.db')
    made, = store.execute('SELECT max(created_usec) FROM identities').fetchone()
    store.close()
    assert made / 1e6 > time.time() + 71 * 60
    devhub.stop()
    devhub.run('reset', '--yes')
    devhub.start()
    anew = devhub.run('clock', 'show').stdout.strip()
    assert (parse(anew[:-1]) - parse(before[:-1])).total_seconds() < 600


def test_faults_are_listed_and_cleared(devhub, device):
    devhub.fault('set', 'delay-puback', '--device', 'd1', '--count', '3', '--for', '10min')
    devhub.fault('set', 'silent', '--device', 'd9')
    with devhub.client(device) as client:
        client.send(mqtt.publish(device.topic(), b'1'))
        wait_for(lambda: devhub.events())
    listed = {f['fault']: f for f in json.loads(devhub.fault('list', '--json').stdout)}
    assert (listed['delay-puback']['count'], listed['delay-puback']['delay_usec']) == (2, 10**6) and listed['delay-puback']['strikes'] == 1
    assert 0 < listed['delay-puback']['for_usec'] <= 600 * 10**6
    assert listed['silent'] == {'fault': 'silent', 'device': 'd9', 'strikes': 0}
    text = devhub.fault('list').stdout
    assert 'silent --device d9   struck 0 times\n' in text
    assert re.search(r'^delay-puback --device d1 --delay 1s   struck 1 times, 2 more, ends in (10min|5\d\ds)$', text, re.M)
    devhub.fault('clear')
    assert devhub.fault('list').stdout == ''
    devhub.stop()
    assert 'no server runs' in devhub.fault('list', check=False).stderr
