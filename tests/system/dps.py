# SPDX-License-Identifier: Apache-2.0
"""Provisioning over MQTT by hand: what a device says to the service, and what it hears.

    with Guest(devhub, 'dev1', key) as guest:       # connected and subscribed
        answer = guest.register()                   # .status .retry_after .json .topic
        answer = guest.wait(answer)                 # polls until it is no longer assigning
"""

import base64
import hashlib
import hmac
import json
import re
import sqlite3
import struct
import time

import mqtt
import pytest
import websocket
from devhub import Device, Devhub
from https import Service

API = '2019-03-31'
TOLD_AFTER = 0.6  # seconds, and a little more than that
RESPONSES = '$dps/registrations/res/#'


# --- fixtures: one hub a file, emptied after each test ---

@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    with Devhub(tmp_path_factory.mktemp('shared') / 'hub') as hub:
        yield hub


@pytest.fixture
def devhub(shared):
    yield shared
    shared.fault('clear')
    empty(shared)


@pytest.fixture
def service(devhub):
    return Service(devhub, 'provisioningserviceowner')


# --- keys, enrollments, devices ---

def derived(group_key, registration_id):
    """The device's key in a group."""
    mac = hmac.new(base64.b64decode(group_key), registration_id.encode(), hashlib.sha256).digest()
    return base64.b64encode(mac).decode()


def device_of(state, key):
    """The device that a registration speaks of."""
    return Device(state['assignedHub'], {'deviceId': state['deviceId'], 'primaryKey': key, 'secondaryKey': key,
                                         'generationId': '', 'connectionString': ''})


def put_enrollment(service, registration_id, attestation, headers=None, **more):
    return _put(service, 'enrollments', 'registrationId', registration_id, attestation, headers, more)


def put_group(service, group_id, attestation, headers=None, **more):
    return _put(service, 'enrollmentGroups', 'enrollmentGroupId', group_id, attestation, headers, more)


def _put(service, collection, member, name, attestation, headers, more):
    answer = service.put('/%s/%s' % (collection, name), {member: name, 'attestation': attestation, **more}, headers)
    assert answer.status == 200, answer.body
    return answer.json


def empty(hub):
    """As good as new, beneath a server that goes on: to start one takes longer than most tests."""
    db = sqlite3.connect(hub.directory / 'devhub.db', timeout=20)
    with db:
        for table in 'enrollments', 'registrations', 'identities', 'events', 'links':
            db.execute('DELETE FROM ' + table)
    db.close()


class Answer:
    """What came on the response topic; every packet is looked at as the pickiest client would."""

    def __init__(self, flags, body):
        self.at = time.monotonic()
        size, = struct.unpack('>H', body[:2])
        self.qos = flags >> 1 & 3
        self.topic = body[2:2 + size].decode()
        self.ident, = struct.unpack('>H', body[2 + size:4 + size])
        parts = re.fullmatch(r'\$dps/registrations/res/(\d+)/\?\$rid=([^&]*)(?:&retry-after=(\d+))?', self.topic)
        assert parts, self.topic
        self.status, self.rid = int(parts[1]), parts[2]
        self.retry_after = parts[3] and int(parts[3])
        self.body = body[4 + size:]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def state(self):
        return self.json['registrationState']


class Guest(mqtt.Client):
    def __init__(self, devhub, registration_id, key=None, subscribe=True, password=None, connack=0, scope=None,
                 username=None, client_id=None, clean=True, by_websocket=False, certificate=None, **token):
        super().__init__('127.0.0.1', devhub.port, devhub.ca_file, devhub.host, certificate=certificate)
        if by_websocket:
            super().close()
            self.tls, self.data = websocket.WebSocket(devhub, certificate=certificate), b''
        self.rid = 0
        scope = scope or devhub.endpoints()['id_scope']
        username = username or '%s/registrations/%s/api-version=%s' % (scope, registration_id, API)
        if key:
            token.setdefault('policy', 'registration')
            password = mqtt.token(key, token.pop('resource', '%s/registrations/%s' % (scope, registration_id)), **token)
        self.session_present, code = self.connect(client_id or registration_id, username, password, clean=clean)
        assert code == connack, 'CONNACK %d' % code
        if subscribe and code == 0:
            assert self.subscribe(RESPONSES) == [1]

    def ask(self, topic, body=b''):
        """The PUBACK comes first; then the answer, which is acknowledged."""
        self.rid += 1
        self.send(mqtt.publish(topic % {'rid': self.rid}, body, ident=self.rid))
        assert struct.unpack('>H', self.expect(mqtt.PUBACK))[0] == self.rid
        kind, flags, packet = self.receive()
        assert kind == mqtt.PUBLISH
        answer = Answer(flags, packet)
        assert answer.qos == 1 and answer.rid == str(self.rid)
        self.send(mqtt.packet(mqtt.PUBACK, 0, struct.pack('>H', answer.ident)))
        return answer

    def register(self, body=b''):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.ask('$dps/registrations/PUT/iotdps-register/?$rid=%(rid)d', body)

    def poll(self, operation_id, body=b' '):
        return self.ask('$dps/registrations/GET/iotdps-get-operationstatus/?$rid=%(rid)d&operationId=' + operation_id,
                        body)

    def wait(self, answer, within=20):
        """Polls sooner than it is told to: no client may suffer from that, as long as it does so seldom."""
        operation_id = answer.json['operationId']
        deadline = time.monotonic() + within
        while answer.status in (202, 429):
            assert time.monotonic() < deadline, 'still assigning'
            pause = TOLD_AFTER if answer.status == 202 else answer.retry_after
            time.sleep(max(0, answer.at + pause - time.monotonic()))
            answer = self.poll(operation_id)
        return answer

    def provision(self, body=b''):
        """The registrationState in the end."""
        return self.wait(self.register(body)).state
