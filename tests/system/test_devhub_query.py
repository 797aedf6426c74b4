# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: queries for twins, page by page."""

import base64

import pytest
from devhub import devhub  # noqa: F401  (a fixture)
from https import Service


@pytest.fixture
def service(devhub):
    service = Service(devhub)
    for n in range(7):
        device = 'd%d' % n
        service.put('/devices/' + device, {'deviceId': device, 'status': 'disabled' if n % 3 == 0 else 'enabled'})
        service.patch('/twins/' + device, {'tags': {'room': 'a' if n < 3 else 'b', 'floor': n},
                                           'properties': {'desired': {'t': n * 1.5}}})
    service.put('/devices/d1/modules/m1', {})
    service.put('/devices/d1/modules/m2', {})
    service.put('/devices/d4/modules/m1', {})
    return service


def ask(service, query, size=None, continuation=None):
    headers = {'x-ms-max-item-count': size, 'x-ms-continuation': continuation}
    return service.post('/devices/query', {'query': query}, {k: str(v) for k, v in headers.items() if v})


def rows(service, query, size=None):
    """All of them, page by page."""
    found, continuation = [], None
    while True:
        answer = ask(service, query, size, continuation)
        assert answer.status == 200, answer.body
        assert answer.headers['x-ms-item-type'] == 'raw'
        found += answer.json
        continuation = answer.headers['x-ms-continuation']
        if not continuation:
            return found
        assert len(answer.json) == size


def ids(answer):
    assert answer.status == 200, answer.body
    assert answer.headers['x-ms-item-type'] == 'twin'
    return [t['deviceId'] + ('/' + t['moduleId'] if 'moduleId' in t else '') for t in answer.json]


def test_all_twins_are_whole(service):
    answer = ask(service, 'SELECT * FROM devices')
    assert ids(answer) == ['d%d' % n for n in range(7)]
    assert answer.headers['x-ms-continuation'] is None
    assert all(t['properties']['desired']['$version'] and t['etag'] and 'reported' in t['properties']
               for t in answer.json)
    assert answer.json[3] == service.get('/twins/d3').json


@pytest.mark.parametrize('condition, expected', [
    ("deviceId = 'd2'", 'd2'), ("status = 'disabled'", 'd0 d3 d6'), ("tags.room = 'a'", 'd0 d1 d2'),
    ("tags.floor >= 5 AND status = 'enabled'", 'd5'), ("properties.desired.t < 3", 'd0 d1'),
    ("deviceId IN ['d1', 'd6', 'd9']", 'd1 d6'), ("NOT is_defined(tags.room)", ''),
    ("connectionState = 'Connected'", ''), ("is_defined(properties.reported.x) OR tags.floor = 4", 'd4')])
def test_conditions(service, condition, expected):
    assert ids(ask(service, 'SELECT * FROM devices WHERE ' + condition)) == expected.split()


def test_who_is_connected(devhub, service):
    from test_devhub_registry import device_of
    with devhub.client(device_of(devhub, service.get('/devices/d2').json)):
        assert ids(ask(service, "select * from devices where connectionState = 'Connected'")) == ['d2']


def test_modules(service):
    assert ids(ask(service, 'SELECT * FROM devices.modules')) == ['d1/m1', 'd1/m2', 'd4/m1']
    assert ids(ask(service, "SELECT * FROM devices.modules WHERE moduleId = 'm1'")) == ['d1/m1', 'd4/m1']


@pytest.mark.parametrize('query', ['SELECT * FROM devices', "SELECT * FROM devices WHERE status = 'enabled'",
                                   'SELECT TOP 5 * FROM devices', 'SELECT * FROM devices.modules'])
@pytest.mark.parametrize('size', [1, 2, 3, 4, 7, 8])
def test_pages_together_are_the_whole(service, query, size):
    whole, pages, continuation = ids(ask(service, query)), [], None
    while True:
        answer = ask(service, query, size, continuation)
        page = ids(answer)
        pages += page
        continuation = answer.headers['x-ms-continuation']
        if not continuation:
            break
        assert len(page) == size
    assert pages == whole


# --- columns and summaries ---

@pytest.mark.parametrize('size', [1, 2, 6, 7, 1000])
def test_columns(service, size):
    assert rows(service, 'SELECT deviceId, tags.floor AS f, tags.none FROM devices WHERE tags.floor > 3', size) == [
        {'deviceId': 'd%d' % n, 'f': n} for n in (4, 5, 6)]
    assert rows(service, 'SELECT moduleId, deviceId AS id FROM devices.modules', size) == [
        {'moduleId': 'm1', 'id': 'd1'}, {'moduleId': 'm2', 'id': 'd1'}, {'moduleId': 'm1', 'id': 'd4'}]


def test_aggregates_are_of_all_pages(service):
    query = ('SELECT COUNT() AS n, SUM(tags.floor) AS s, AVG(properties.desired.t) AS a, MIN(tags.floor) AS l,'
             ' MAX(tags.floor) AS h FROM devices')
    for size in 1, 3, 100:
        assert rows(service, query, size) == [{'n': 7, 's': 21, 'a': 4.5, 'l': 0, 'h': 6}]
    assert rows(service, 'SELECT COUNT() AS n FROM devices.modules') == [{'n': 3}]
    assert rows(service, "SELECT COUNT() AS n FROM devices WHERE deviceId = 'none'") == [{'n': 0}]


@pytest.mark.parametrize('size', [1, 2, 100])
def test_groups(service, size):
    service.patch('/twins/d6', {'tags': {'room': None}})
    assert rows(service, 'SELECT tags.room AS room, COUNT() AS n FROM devices GROUP BY tags.room', size) == [
        {'room': 'a', 'n': 3}, {'room': 'b', 'n': 3}, {'n': 1}]
    assert rows(service, 'SELECT TOP 1 tags.room AS room, COUNT() AS n FROM devices GROUP BY tags.room', size) == [
        {'room': 'a', 'n': 3}]


def test_there_are_no_jobs(service):
    for query in 'SELECT * FROM devices.jobs', "SELECT * FROM devices.jobs WHERE devices.jobs.jobType = 'x'":
        answer = ask(service, query)
        assert (answer.status, answer.json, answer.headers['x-ms-item-type']) == (200, [], 'deviceJob')
    assert rows(service, 'SELECT COUNT() AS n FROM devices.jobs') == [{'n': 0}]


# --- what goes wrong ---

def test_a_device_that_goes_between_two_pages_leaves_no_hole(service):
    first = ask(service, 'SELECT * FROM devices', 3)
    service.delete('/devices/d2')
    service.delete('/devices/d3')
    assert ids(ask(service, 'SELECT * FROM devices', 3, first.headers['x-ms-continuation'])) == ['d4', 'd5', 'd6']


def test_what_is_no_query_is_400(service):
    def refused(answer, name='ArgumentInvalid'):
        assert (answer.status, answer.error) == (400, name), answer.body
        return True

    for query, words in (('', "SELECT at its end, column 1"), ('SELECT * FROM nowhere', "column 15, not 'nowhere'"),
                         ('SELECT * FROM devices ORDER BY deviceId', "column 23: IoT Hub's language has no 'ORDER'"),
                         ('SELECT * FROM devices\0', 'a NUL')):
        answer = ask(service, query)
        assert refused(answer) and words in answer.json['Message'], answer.body
    for body in {}, [], {'query': 7}, {'query': None}:
        assert refused(service.post('/devices/query', body), 'ArgumentNull')
    for size in '0', '-1', 'x', '1x':
        assert refused(ask(service, 'SELECT * FROM devices', size))
    for continuation in 'x', base64.b64encode(b'nonsense').decode(), base64.b64encode(b'1/d').decode(), \
            base64.b64encode(b'1/\0/').decode():
        assert refused(ask(service, 'SELECT * FROM devices', None, continuation))
    assert len(ids(ask(service, 'SELECT * FROM devices', 5000))) == 7


def test_rights(devhub, service):
    for policy, may in ('registryRead', True), ('registryReadWrite', True), ('service', False), ('device', False):
        answer = ask(Service(devhub, policy), 'SELECT * FROM devices')
        assert answer.status == 200 if may else answer.error == 'IotHubUnauthorizedAccess'
