# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer before hubs that refuse, throttle, hang, lie, or are no hubs."""

import email.utils
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from explorer import FAILED, OK, PROGRAM, REFUSED, TIMEOUT, USAGE, Explorer
from odd_hub import HOST, KEY, OddHub, new_refusal, read_request, refusal, reply

DEVICE = {'deviceId': 'd1', 'etag': 'MTIz', 'status': 'enabled', 'connectionState': 'Disconnected',
          'authentication': {'type': 'sas', 'symmetricKey': {'primaryKey': KEY, 'secondaryKey': KEY}}}


@pytest.fixture(scope='module')
def hub(tmp_path_factory):
    with OddHub(tmp_path_factory.mktemp('odd')) as hub:
        yield hub


@pytest.fixture
def explorer(hub):
    hub.requests.clear()
    return Explorer(hub.directory)


def answers(hub, *those):
    hub.answers = list(those)


# --- what is asked ---

def test_a_request_is_as_the_hub_wants_it(hub, explorer):
    answers(hub, reply(200, DEVICE))
    explorer.run('get', 'd#1/m%+1')
    request = hub.requests[0]
    assert request.path == '/devices/d%231/modules/m%25%2B1?api-version=2021-04-12'
    assert request.headers['host'] == HOST
    token = request.headers['authorization']
    assert token.startswith('SharedAccessSignature sr=hub.example.test&sig=') and token.endswith('&skn=iothubowner')
    assert 'content-type' not in request.headers and 'expect' not in request.headers
    assert 'user-agent' in request.headers and len(request.headers['request-id']) == 36


def test_trap_35_etags_have_quotes_on_the_wire(hub, explorer):
    answers(hub, reply(200, DEVICE))
    explorer.run('update', 'd1', '--status', 'disabled')
    explorer.run('delete', 'd1')
    explorer.run('delete', 'd1', '--etag', 'abc')
    assert [r.headers.get('if-match') for r in hub.requests] == [None, '"MTIz"', '"*"', '"abc"']


def test_trap_37_update_keeps_the_keys(hub, explorer):
    answers(hub, reply(200, DEVICE))
    explorer.run('update', 'd1', '--status', 'disabled', '--status-reason', 'lent')
    get, put = hub.requests
    assert (get.method, put.method) == ('GET', 'PUT')
    assert put.json['authentication'] == DEVICE['authentication']
    assert (put.json['status'], put.json['statusReason']) == ('disabled', 'lent')


def test_trap_37_create_asks_for_keys_with_empty_ones(hub, explorer):
    answers(hub, reply(200, DEVICE))
    explorer.run('create', 'd1')
    assert hub.requests[0].json == {
        'deviceId': 'd1', 'authentication': {'type': 'sas', 'symmetricKey': {'primaryKey': '', 'secondaryKey': ''}}}
    assert 'if-match' not in hub.requests[0].headers


def test_an_update_goes_on_when_somebody_else_was_faster(hub, explorer):
    lost = refusal(412, 'PreconditionFailed')
    answers(hub, reply(200, DEVICE), lost, reply(200, dict(DEVICE, etag='bmV3')), reply(200, DEVICE))
    explorer.run('update', 'd1', '--status', 'disabled')
    assert [r.headers.get('if-match') for r in hub.requests] == [None, '"MTIz"', None, '"bmV3"']


def test_an_update_with_an_etag_does_not_go_on(hub, explorer):
    answers(hub, reply(200, DEVICE), refusal(412, 'PreconditionFailed'))
    said = explorer.fails(REFUSED, 'update', 'd1', '--status', 'disabled', '--etag', 'MTIz')
    assert 'changed by somebody else' in said and len(hub.requests) == 2


def test_a_query_follows_its_pages(hub, explorer):
    pages = [reply(200, [{'n': 1}, {'n': 2}], x_ms_continuation='first'), reply(200, [{'n': 3}])]
    answers(hub, *pages)
    assert explorer.json('query', 'SELECT * FROM devices', '--page', '2') == [{'n': 1}, {'n': 2}, {'n': 3}]
    assert [(r.headers.get('x-ms-continuation'), r.headers['x-ms-max-item-count']) for r in hub.requests] == \
        [(None, '2'), ('first', '2')]
    answers(hub, *pages)
    assert explorer.run('query', 'SELECT * FROM devices', '--top', '1').stdout == '{"n":1}\n'
    assert len(hub.requests) == 3


def test_a_page_that_brings_a_new_column_has_a_head_again(hub, explorer):
    raw = dict(x_ms_item_type='raw')
    answers(hub, reply(200, [{'a': 1}], x_ms_continuation='x', **raw), reply(200, [{'a': 2}], x_ms_continuation='x', **raw),
            reply(200, [{'b\x1b[31m': 3, 'a': {'c': 'd\n'}}, {}], **raw))
    said = explorer.run('query', 'SELECT whatever FROM devices').stdout
    assert [line.split() for line in said.splitlines()[:4]] == [['a'], ['1'], ['2'], ['a', 'b\\u001b[31m']]
    assert '\x1b' not in said and len(said.splitlines()) == 6


@pytest.mark.parametrize('page', [[1, None, 'x'], [{}], [[]], [None]])
def test_rows_that_are_no_objects_are_shown_as_they_are(hub, explorer, page):
    answers(hub, reply(200, page, x_ms_item_type='raw'))
    said = explorer.run('query-twin', 'SELECT whatever FROM devices').stdout
    assert [json.loads(line) for line in said.splitlines()] == page


def test_many_questions_share_a_connection(hub, explorer):
    """As far as the hub keeps it open."""
    page, last = (reply(200, rows, **more).replace(b'Connection: close', b'Connection: keep-alive')
                  for rows, more in (([1], {'x_ms_continuation': 'x'}), ([2], {})))
    seen = []

    def serve(connection):
        for answer in [page] * 4 + [last]:
            connection.sendall(answer)
            seen.append(answer is last or read_request(connection))
    answers(hub, serve)
    assert explorer.json('query', 'SELECT * FROM devices') == [1, 1, 1, 1, 2]
    assert len(hub.requests) == 1 and all(seen) and len(seen) == 5


# --- refusals, each with its remedy ---

@pytest.mark.parametrize('answer, code, words, told', [
    (refusal(404, 'DeviceNotFound'), REFUSED, ['get', 'D1'], "there is no device 'D1'"),
    (refusal(404, 'ModuleNotFound'), REFUSED, ['get', 'd1/m1'], "there is no module 'd1/m1'"),
    (reply(404, {'errorCode': 404201, 'trackingId': 'x', 'message': 'Enrollment not found.'}), REFUSED,
     ['enrollment', 'get', 'e1'], "there is no enrollment 'e1'"),
    (reply(404, {'Message': 'no such path'}), REFUSED, ['enrollment', 'get', 'e1'], 'is it a provisioning service?'),
    (reply(401, {'errorCode': 401002, 'message': 'Unauthorized'}), REFUSED, ['enrollment', 'list'], 'provisioningserviceowner'),
    (refusal(401, 'IotHubNotFound'), REFUSED, ['get', 'd1'], 'HostName'),
    (refusal(409, 'DeviceAlreadyExists'), REFUSED, ['create', 'd1'], 'exists already'),
    (refusal(403, 'IotHubQuotaExceeded'), REFUSED, ['device-method', 'd1', 'm'], 'midnight UTC'),
    (refusal(400, 'ArgumentInvalid', 'bad <sql>'), REFUSED, ['query', 'x'], 'bad <sql>'),
    (reply(404, b'<html>nothing</html>'), REFUSED, ['get', 'd1'], 'has no such service: is it a hub?'),
    (reply(302, None, location='https://elsewhere/'), FAILED, ['get', 'd1'], 'is the host right?'),
    (new_refusal(504, 504101, 'GatewayTimeout'), TIMEOUT, ['device-method', 'd1', 'm'], 'did not answer in time'),
    (refusal(500, 'ServerError'), FAILED, ['create', 'd1'], 'in trouble'),
])
def test_a_refusal_is_said_in_words(hub, explorer, answer, code, words, told):
    answers(hub, answer)
    assert told in explorer.fails(code, *words)
    assert len(hub.requests) <= 2


def test_trap_34_an_error_within_a_string_is_understood(hub, explorer):
    answers(hub, new_refusal(404, 404103, 'DeviceNotOnline'))
    said = explorer.fails(REFUSED, 'device-method', 'd1', 'm')
    assert 'not connected' in said and '--connect-timeout' in said and '404103' in said


@pytest.mark.parametrize('policy, words, right, who', [
    ('service', ['create', 'd1'], 'RegistryWrite', 'registryReadWrite'),
    ('service', ['list'], 'RegistryRead', 'registryRead'),
    ('registryReadWrite', ['device-method', 'd1', 'm'], 'ServiceConnect', 'service'),
    ('ours', ['delete', 'd1'], 'RegistryWrite', 'key'),
])
def test_a_missing_right_is_named(hub, policy, words, right, who):
    answers(hub, refusal(401, 'IotHubUnauthorizedAccess', 'Unauthorized'))
    explorer = Explorer(hub.directory)
    said = explorer.fails(REFUSED, *words, '--login', hub.login(policy))
    assert right in said and who in said and "'%s'" % policy in said, said


@pytest.mark.parametrize('ahead, told', [(-3600, '60 min ahead of'), (7 * 86400, '7 days behind')])
def test_a_wrong_clock_is_named(hub, explorer, ahead, told):
    answers(hub, refusal(401, 'IotHubUnauthorizedAccess', date=time.time() + ahead))
    said = explorer.fails(REFUSED, 'get', 'd1')
    assert told in said.replace('59 min', '60 min').replace('6 days', '7 days') and 'clock' in said, said


def test_a_throttled_question_is_asked_again_when_the_hub_says_so(hub, explorer):
    answers(hub, refusal(429, 'ThrottlingException', Retry_After=1), refusal(503, 'ServiceUnavailable'), reply(200, DEVICE))
    before = time.monotonic()
    done = explorer.run('create', 'd1')
    assert time.monotonic() - before >= 1 and len(hub.requests) == 3
    assert '429' in done.stderr and '503' in done.stderr
    assert len({r.headers['request-id'] for r in hub.requests}) == 3


@pytest.mark.parametrize('wish', ['-5', 'soon', '', 'Thu, 01 Jan 1970 00:00:00 GMT', '0'])
def test_a_wish_that_makes_no_sense_is_no_wish(hub, explorer, wish):
    answers(hub, refusal(429, 'ThrottlingException', Retry_After=wish), reply(200, DEVICE))
    explorer.run('get', 'd1', '--timeout', '20s')
    assert len(hub.requests) == 2


def test_a_throttle_until_a_date(hub, explorer):
    date = email.utils.formatdate(time.time() + 3600, usegmt=True)
    answers(hub, refusal(429, 'ThrottlingException', Retry_After=date))
    assert 'try again in 59 min' in explorer.fails(REFUSED, 'get', 'd1').replace('60 min', '59 min')


def test_a_long_throttle_is_told_with_its_time(hub, explorer):
    answers(hub, refusal(429, 'ThrottlingException', Retry_After=300))
    assert 'try again in 5 min' in explorer.fails(REFUSED, 'get', 'd1')
    assert len(hub.requests) == 1


def test_what_changes_something_is_not_repeated_after_an_error_within(hub, explorer):
    answers(hub, refusal(500, 'ServerError'))
    explorer.fails(FAILED, 'device-method', 'd1', 'm')
    assert len(hub.requests) == 1
    answers(hub, refusal(500, 'ServerError'), reply(200, DEVICE))
    explorer.run('get', 'd1')
    assert len(hub.requests) == 3


def test_a_silent_hub_ends_with_the_time_out(hub, explorer):
    answers(hub, lambda connection: time.sleep(40))
    assert '--timeout' in explorer.fails(TIMEOUT, 'get', 'd1', '--timeout', '1s')


# --- no hub at all ---

BROKEN = {
    'no http': b'220 mail.example.test ESMTP\r\n',
    'nothing': b'',
    'half json': reply(200, b'{"deviceId": "d1"'),
    'not json': reply(200, b'<html>welcome</html>'),
    'json and more': reply(200, b'{"deviceId":"d1"} x'),
    'not utf-8': reply(200, b'{"deviceId":"\xff"}'),
    'a number': reply(200, b'7'),
    'null': reply(200, b'null'),
    'no body': reply(200),
    'another kind': reply(200, b'[]'),
    'too deep': reply(200, b'[' * 1000 + b']' * 1000),
    'cut short': reply(200, DEVICE)[:-10],
    'no end of headers': b'HTTP/1.1 200 OK\r\n' + b'X-Filler: ' + b'x' * 90000 + b'\r\n\r\n',
    'many headers': b'HTTP/1.1 200 OK\r\n' + b'X-Filler: x\r\n' * 20000 + b'\r\n',
}


@pytest.mark.parametrize('kind', BROKEN)
@pytest.mark.parametrize('words', [['get', 'd1'], ['list'], ['get-twin', 'd1'], ['device-method', 'd1', 'm'],
                                   ['statistics']], ids=lambda words: words[0])
def test_what_is_no_answer_of_a_hub_is_a_failure(hub, explorer, kind, words):
    answers(hub, BROKEN[kind])
    done = explorer.run(*words, check=False)
    if (words[0], kind) == ('list', 'another kind'):
        return  # an empty registry
    assert done.returncode == FAILED and HOST in done.stderr, (done.returncode, done.stdout, done.stderr)


def test_an_endless_answer_is_cut_off(hub, explorer):
    def endless(connection):
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n[')
        while True:
            connection.sendall(b' ' * 1000000)
    answers(hub, endless)
    assert 'more than a hub' in explorer.fails(FAILED, 'list')


@pytest.mark.parametrize('json', ['', '--json'])
def test_nothing_reaches_the_terminal_raw(hub, explorer, json):
    evil = '\x1b]0;gone\x07\x9b31m\x7f\u202eexe'
    options = [json] if json else []
    answers(hub, reply(200, dict(DEVICE, statusReason=evil)))
    shown = explorer.run('get', 'd1', *options).stdout
    answers(hub, reply(200, [dict(DEVICE, authentication={'type': evil})]))
    shown += explorer.run('list', *options).stdout
    answers(hub, reply(200, {'deviceId': 'd1', 'tags': {evil: evil}}))
    shown += explorer.run('get-twin', 'd1', *options).stdout
    answers(hub, reply(200, {'status': 200, 'payload': evil}))
    shown += explorer.run('device-method', 'd1', 'm', *options).stdout
    answers(hub, refusal(400, 'ArgumentInvalid', evil))
    shown += explorer.fails(REFUSED, 'get', 'd1', *options)
    assert not set(shown) & set('\x1b\x07\x9b\x7f\u202e') and '\\u001b' in shown and 'gone' in shown


# --- TLS ---

def test_an_unknown_authority_is_refused_with_the_remedy(hub, tmp_path):
    answers(hub, reply(200, DEVICE))
    with OddHub(tmp_path / 'other') as other:
        text = (hub.directory / 'endpoints.json').read_text()
        (tmp_path / 'endpoints.json').write_text(text.replace(hub.ca_file, other.ca_file))
        explorer = Explorer(tmp_path)
        said = explorer.fails(FAILED, 'get', 'd1')
        assert 'cannot prove that it is the hub' in said and other.ca_file in said
        explorer.run('get', 'd1', '--ca', hub.ca_file)


def test_the_systems_authorities_stay_trusted_beside_ours(hub, tmp_path):
    """The hub's own becomes one of the system's, in a mount namespace; --ca names another."""
    answers(hub, reply(200, DEVICE))
    systems = '/etc/ssl/certs/ca-certificates.crt'
    with OddHub(tmp_path) as other:
        text = (hub.directory / 'endpoints.json').read_text()
        (tmp_path / 'endpoints.json').write_text(text.replace(hub.ca_file, other.ca_file))
        words = [PROGRAM, '--devhub', tmp_path, 'get', 'd1']
        assert subprocess.run(words, capture_output=True).returncode == FAILED
        script = 'mount --bind "$0" %s && exec "$@"' % systems
        done = subprocess.run(['unshare', '-m', 'sh', '-c', script, hub.ca_file, *words], capture_output=True, text=True)
        assert done.returncode == OK, done.stderr


def test_another_name_is_refused(tmp_path):
    with OddHub(tmp_path, names=['other.example.test']) as hub:
        said = Explorer(tmp_path).fails(FAILED, 'get', 'd1')
        assert 'HostName' in said and hub.requests == []


def test_an_expired_certificate_points_at_the_clock(tmp_path):
    with OddHub(tmp_path, days=-1) as hub:
        said = Explorer(tmp_path).fails(FAILED, 'get', 'd1')
        assert 'expired' in said and 'clock' in said and hub.requests == []


def test_no_tls_at_all(hub, tmp_path):
    with OddHub(tmp_path, tls=False) as plain:
        text = (hub.directory / 'endpoints.json').read_text()
        (tmp_path / 'endpoints.json').write_text(text.replace(str(hub.port), str(plain.port)))
        assert 'did not answer as a hub does' in Explorer(tmp_path).fails(FAILED, 'get', 'd1', '--timeout', '5s')
        assert plain.requests == []


@pytest.mark.parametrize('text, told', [(None, 'cannot be read'), ('', 'no certificate'), ('\0', 'no PEM'),
                                        ('-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n', 'CA')])
def test_a_bad_authority_file_is_named(hub, explorer, tmp_path, text, told):
    file = tmp_path / 'some.pem'
    if text is not None:
        file.write_text(text)
    done = explorer.run('get', 'd1', '--ca', file, check=False)
    assert done.returncode in (FAILED, USAGE) and told in done.stderr, done.stderr


# --- nobody there ---

def test_a_closed_port_and_an_unknown_name(hub, tmp_path):
    with socket.create_server(('127.0.0.1', 0)) as probe:
        free = probe.getsockname()[1]
    text = (hub.directory / 'endpoints.json').read_text()
    (tmp_path / 'endpoints.json').write_text(text.replace('"https_port": %d' % hub.port, '"https_port": %d' % free))
    said = Explorer(tmp_path).fails(FAILED, 'get', 'd1')
    assert 'cannot be reached' in said and str(free) in said
    said = Explorer().fails(FAILED, 'get', 'd1', '--login', hub.login('iothubowner').replace(HOST, 'no.such.invalid'))
    assert 'no.such.invalid' in said and 'spelt' in said


# --- secrets ---

def test_the_secret_is_not_in_the_process_list(hub):
    started = []

    def look(connection):
        for _ in range(100):
            if started:
                break
            time.sleep(0.05)
        pid = started[0].pid
        seen.append([open('/proc/%d/%s' % (pid, name), 'rb').read() for name in ('cmdline', 'environ')])
        connection.sendall(reply(200, DEVICE))

    login = hub.login('iothubowner')
    for options, env in (['--login', login], {}), (['--login=' + login], {}), ([], {'HUBLINK_LOGIN': login}):
        seen = []
        started.clear()
        answers(hub, look)
        text = (hub.directory / 'endpoints.json').read_text()
        bare = hub.directory / 'bare'
        bare.mkdir(exist_ok=True)
        (bare / 'endpoints.json').write_text(text)
        words = [PROGRAM, '--devhub', bare, *options, 'get', 'd1']
        started.append(subprocess.Popen(words, env=dict(os.environ, **env), stdout=subprocess.DEVNULL))
        assert started[0].wait(20) == OK
        assert seen and KEY.encode() not in seen[0][0] + seen[0][1], seen


def test_an_interrupted_question_leaves_at_once(hub):
    asked = threading.Event()

    def keep_quiet(connection):
        asked.set()
        time.sleep(40)
    answers(hub, keep_quiet)
    with subprocess.Popen([PROGRAM, '--devhub', hub.directory, 'get', 'd1'], stderr=subprocess.DEVNULL) as process:
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT
