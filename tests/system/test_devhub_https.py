# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: its HTTPS door: rights, routes, errors, and callers who misbehave."""

import re
import time
import uuid

import mqtt
import pytest
from devhub import devhub  # noqa: F401  (a fixture)
from https import Connection, Service, policy_key


@pytest.fixture
def service(devhub):
    return Service(devhub)


# --- rights ---

def test_endpoints_tell_the_port_and_both_logins(devhub):
    ends = devhub.endpoints()
    assert ends['https_port'] > 0
    for name, policy in ('owner_connection_string', 'iothubowner'), ('service_connection_string', 'service'):
        assert ends[name] == 'HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s' % (
            devhub.host, policy, policy_key(devhub, policy))


def test_every_reply_has_the_hubs_headers(devhub, service):
    devhub.create('d1')
    answer = service.get('/devices/d1')
    assert answer.status == 200
    assert answer.json['deviceId'] == 'd1'
    assert answer.headers['Content-Type'] == 'application/json; charset=utf-8'
    assert answer.headers['Server'] == 'Microsoft-HTTPAPI/2.0'
    assert uuid.UUID(answer.headers['x-ms-request-id']).version == 4
    assert answer.headers['Date']
    assert answer.error is None
    again = service.get('/devices/d1')
    assert again.headers['x-ms-request-id'] != answer.headers['x-ms-request-id']


def unauthorized(answer):
    assert answer.status == 401
    assert answer.error == 'IotHubUnauthorizedAccess'
    assert answer.json['Message'] == 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized'
    return True


@pytest.mark.parametrize('policy, reads', [('iothubowner', True), ('registryRead', True), ('registryReadWrite', True),
                                           ('service', False), ('device', False)])
def test_rights_of_the_policies_to_read(devhub, policy, reads):
    devhub.create('d1')
    answer = Service(devhub, policy).get('/devices/d1')
    assert answer.status == 200 if reads else unauthorized(answer)


def test_tokens_that_are_refused(devhub):
    device = devhub.create('d1')
    devhub.create('d2')
    owner = policy_key(devhub, 'iothubowner')
    host = devhub.host

    def token(key=owner, resource=host, policy='iothubowner', **kwargs):
        return Service(devhub, token=mqtt.token(key, resource, policy=policy, **kwargs)).get('/devices/d1')

    assert token().status == 200
    assert unauthorized(token(key=device.key))
    assert unauthorized(token(resource='other.localdomain'))
    assert unauthorized(token(resource=host + '.x'))
    assert unauthorized(token(resource=host + '/devices/d2'))
    assert token(resource=host + '/devices/d1').status == 200
    assert token(resource=host.upper()).status == 200
    assert token(resource=host + '/').status == 200
    assert unauthorized(token(policy='nobody'))
    assert unauthorized(token(policy='service'))
    assert unauthorized(token(policy=None))
    assert unauthorized(token(expiry=time.time() - 600))
    assert token(expiry=time.time() - 60).status == 200  # within the clock's skew
    assert unauthorized(Service(devhub).get('/devices/d1', {'Authorization': ''}))
    assert unauthorized(Service(devhub, token='Bearer abc').get('/devices/d1'))
    assert unauthorized(Service(devhub).get('/devices/d1', {'Authorization': None}))
    # a device's own key acts as the device, and a device may not read the registry
    own = Service(devhub, token=device.token())
    assert unauthorized(own.get('/devices/d1'))
    assert 'no right to do that' in devhub.log.read_text()


# --- routes ---

def test_an_unknown_path_is_404_and_a_method_that_is_not_there_405(service):
    for path in '/', '/nowhere', '/devices/d1/nowhere', '/devices/d1/modules/m/x', '//devices/d1':
        answer = service.get(path)
        assert answer.status == 404, path
        assert 'Message' in answer.json and answer.error is None
    answer = service.call('OPTIONS', '/devices/d1')
    assert answer.status == 405
    assert 'GET' in answer.headers['Allow'].split(', ')


def test_the_api_version_is_asked_for(devhub, service):
    devhub.create('d1')
    for path in '/devices/d1', '/devices/d1?api-version=', '/devices/d1?api-versio=2021-04-12':
        answer = service.get(path, api=None)
        assert (answer.status, answer.error) == (400, 'InvalidProtocolVersion')
        assert answer.json['Message'].startswith('ErrorCode:InvalidProtocolVersion;')
    for version in '2016-11-14', '2020-09-30', '2024-03-31', 'anything':
        assert service.get('/devices/d1', api=version).status == 200
    # who has no right is not told about versions
    assert unauthorized(service.get('/devices/d1', {'Authorization': 'x'}, api=None))


def test_path_parts_are_decoded_one_by_one(devhub, service):
    for device, path in ('a%b', 'a%25b'), ("q'$@=", 'q%27%24%40%3D'), ('x?y', 'x%3Fy'), ('d:1', 'd:1'):
        devhub.create(device)
        assert service.get('/devices/' + path).json['deviceId'] == device
    assert service.get('/DEVICES/d%3A1?API-Version=x', api=None).json['deviceId'] == 'd:1'
    assert service.get('/devices/a%2Fb').status == 400  # one part, and no id
    assert service.get('/devices/a%FFb').status == 400
    assert service.get('/devices/a%00b').status == 400


def test_the_old_dialect_of_errors(service):
    answer = service.get('/devices/nobody')
    assert (answer.status, answer.error) == (404, 'DeviceNotFound')
    assert answer.headers['Content-Type'] == 'application/json; charset=utf-8'
    assert set(answer.json) == {'Message', 'ExceptionMessage'}
    # as Node reads it: the word behind the colon of the first part
    assert answer.json['Message'].split(';')[0].split(':')[1] == 'DeviceNotFound'
    assert re.fullmatch(r'Tracking ID:[0-9A-F]{32}-G:\d+-TimeStamp:\d\d/\d\d/\d{4} \d\d:\d\d:\d\d',
                        answer.json['ExceptionMessage'])


# --- connections ---

def test_one_connection_carries_many_calls(devhub, service):
    devhub.create('d1')
    connection = Connection(devhub)
    for _ in range(50):
        assert service.get('/devices/d1', connection=connection).status == 200
        assert service.get('/devices/d2', connection=connection).status == 404
    connection.close()


def test_a_hundred_connections_stay_open(devhub, service):
    devhub.create('d1')
    connections = [Connection(devhub) for _ in range(100)]
    for _ in range(2):
        for connection in connections:
            assert service.get('/devices/d1', connection=connection).status == 200
    for connection in connections:
        connection.close()
    assert service.get('/devices/d1').status == 200
