# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: callers over HTTPS who are slow, go away, say half of it, or all at once; raw bytes over TLS."""

import json
import os
import socket
import ssl
import time

import pytest
from devhub import devhub  # noqa: F401  (a fixture)
from https import Connection, Service
from processor import cpu_seconds

VERSION = '?api-version=2021-04-12'
# to a device that is away: the reply comes when the time is over
METHOD = {'methodName': 'm', 'payload': None, 'responseTimeoutInSeconds': 5}


def unseen(devhub):
    """Bytes of the log that would move a terminal."""
    return [byte for byte in devhub.log.read_bytes() if (byte < 0x20 and byte != 0x0a) or byte == 0x7f]


@pytest.fixture
def service(devhub):
    devhub.create('d1')
    return Service(devhub)


class Raw:
    """A TLS connection on which every byte is said here."""

    def __init__(self, devhub):
        context = ssl.create_default_context(cafile=devhub.ca_file)
        plain = socket.create_connection(('127.0.0.1', devhub.https_port), 20)
        self.tls = context.wrap_socket(plain, server_hostname=devhub.host)
        self.tls.settimeout(20)

    def send(self, text):
        self.tls.sendall(text if isinstance(text, bytes) else text.encode())
        return self

    def head(self, service, method='GET', path='/devices/d1', **headers):
        lines = ['%s %s%s HTTP/1.1' % (method, path, VERSION), 'Host: ' + service.devhub.host,
                 'Authorization: ' + service.token] + ['%s: %s' % (k.replace('_', '-'), v) for k, v in headers.items()]
        return '\r\n'.join(lines) + '\r\n\r\n'

    def answer(self):
        """(status, body); (None, b'') when it was closed."""
        data = b''
        while b'\r\n\r\n' not in data:
            more = self.tls.recv(65536)
            if not more:
                return None, data
            data += more
        head, body = data.split(b'\r\n\r\n', 1)
        lines = head.decode().split('\r\n')
        size = [int(line.split(':')[1]) for line in lines if line.lower().startswith('content-length:')]
        while size and len(body) < size[0]:
            body += self.tls.recv(65536)
        self.rest = body[size[0]:] if size else body
        return int(lines[0].split()[1]), body

    def close(self):
        self.tls.close()


def call_a_method(service, wait):
    """A call whose reply is far away."""
    body = json.dumps({**METHOD, 'connectTimeoutInSeconds': wait})
    raw = Raw(service.devhub)
    return raw.send(raw.head(service, 'POST', '/twins/d1/methods', Content_Length=len(body)) + body)


def n_files(devhub):
    return len(os.listdir('/proc/%d/fd' % devhub.process.pid))


def wait_for(condition, within=20):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_half_of_a_request_hurts_nobody(devhub, service):
    before = n_files(devhub)
    whole = Raw(devhub).head(service, 'PUT', '/devices/d9', Content_Length=100) + '{"deviceId":"d9"'
    for size in list(range(0, len(whole), 23)) + [len(whole)]:
        raw = Raw(devhub)
        raw.send(whole[:size])
        raw.close()
    wait_for(lambda: n_files(devhub) <= before)
    assert service.get('/devices/d9').status == 404
    assert service.get('/devices/d1').status == 200


def test_a_slow_caller_is_heard_to_the_end(service):
    body = b'{"deviceId":"slow"}'
    raw = Raw(service.devhub)
    for byte in raw.head(service, 'PUT', '/devices/slow', Content_Length=len(body)).encode() + body:
        raw.send(bytes([byte]))
        time.sleep(0.001)
    status, answer = raw.answer()
    assert (status, json.loads(answer)['deviceId']) == (200, 'slow')


def test_several_requests_at_once_are_answered_in_their_order(service):
    raw = Raw(service.devhub)
    raw.send(''.join(raw.head(service, path='/devices/d%d' % n) for n in (1, 2, 1)))
    data = b''
    while data.count(b'HTTP/1.1 ') < 3 or not data.endswith(b'}'):
        data += raw.tls.recv(65536)
    assert [int(part[:3]) for part in data.split(b'HTTP/1.1 ')[1:]] == [200, 404, 200]


def test_a_body_in_chunks(service):
    raw = Raw(service.devhub)
    raw.send(raw.head(service, 'PUT', '/devices/chunks', Transfer_Encoding='chunked') +
             '5\r\n{"dev\r\n12\r\niceId":"chunks"}  \r\n0\r\n\r\n')
    assert raw.answer()[0] == 200
    assert service.get('/devices/chunks').status == 200


def test_chunks_without_end_are_thrown_away_and_refused(service):
    raw = Raw(service.devhub)
    raw.send(raw.head(service, 'PUT', '/devices/chunks', Transfer_Encoding='chunked'))
    chunk = b'10000\r\n' + b'x' * 65536 + b'\r\n'
    for _ in range(64):
        raw.send(chunk)
    raw.send('0\r\n\r\n')
    status, body = raw.answer()
    assert status == 413 and b'MessageTooLarge' in body


def test_who_asks_before_a_body_is_answered_before_it(service):
    raw = Raw(service.devhub)
    raw.send(raw.head(service, 'PUT', '/devices/big', Content_Length=2 * 1024 * 1024, Expect='100-continue'))
    assert raw.answer()[0] == 413
    body = '{"deviceId":"asked"}'
    raw = Raw(service.devhub)
    raw.send(raw.head(service, 'PUT', '/devices/asked', Content_Length=len(body), Expect='100-continue'))
    assert raw.answer()[0] == 100
    assert raw.send(body).answer()[0] == 200


@pytest.mark.parametrize('bytes_', [b'\r\n\r\n', b'GET\r\n\r\n', b'\0' * 100, b'GET / HTTP/9.9\r\n\r\n',
                                    b'\x10\x10\0\x04MQTT\x04\x02\0<\0\0', b'A' * 100000,
                                    b'GET / HTTP/1.1\r\nHost: x\r\nX: ' + b'y' * 100000 + b'\r\n\r\n',
                                    b'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
                                    b'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'])
def test_nonsense_is_refused_or_cut(devhub, service, bytes_):
    raw = Raw(devhub)
    try:
        raw.send(bytes_)
        raw.tls.settimeout(1)
        status = raw.answer()[0]
    except (OSError, ssl.SSLError):
        status = None
    raw.close()
    assert status is None or 400 <= status < 600
    assert service.get('/devices/d1').status == 200


def test_who_does_not_speak_tls_is_cut(devhub, service):
    with socket.create_connection(('127.0.0.1', devhub.https_port), 20) as plain:
        plain.sendall(b'GET /devices HTTP/1.1\r\nHost: x\r\n\r\n')
        try:
            assert b'200' not in plain.recv(100)
        except ConnectionResetError:
            pass
    assert service.get('/devices/d1').status == 200


def test_calls_that_wait_hold_nobody_up(devhub, service):
    waiting = [call_a_method(service, 2) for _ in range(40)]
    connection = Connection(devhub)
    for _ in range(20):
        assert service.get('/devices/d1', connection=connection).status == 200
    connection.close()
    for raw in waiting:
        status, body = raw.answer()
        assert status == 404 and b'404103' in body


def test_a_caller_who_goes_while_the_reply_is_far_is_let_go_at_once(devhub, service):
    before = n_files(devhub)
    waiting = [call_a_method(service, 250) for _ in range(20)]
    wait_for(lambda: n_files(devhub) >= before + 20)
    service.get('/devices/d1')
    for n, raw in enumerate(waiting):
        if n % 2:  # a reset instead of an end
            raw.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        raw.close()
    wait_for(lambda: n_files(devhub) <= before)
    assert service.get('/devices/d1').status == 200


def test_a_stop_ends_what_is_open(devhub, service):
    waiting = [call_a_method(service, 250) for _ in range(10)]
    idle = [Raw(devhub) for _ in range(10)]
    half = [Raw(devhub) for _ in range(5)]
    for raw in half:
        raw.send(raw.head(service, 'PUT', '/devices/x', Content_Length=50) + '{')
    service.get('/devices/d1')
    start = time.monotonic()
    assert devhub.stop() == 0
    assert time.monotonic() - start < 5
    for raw in waiting + idle + half:
        try:
            assert raw.answer()[0] is None
        except OSError:
            pass


def test_one_who_does_not_read_costs_no_time(devhub):
    """Replies back up, the inner connection ends, the caller resets: nobody may be asked about it without end."""
    context = ssl.create_default_context(cafile=devhub.ca_file)
    plain = socket.create_connection(('127.0.0.1', devhub.https_port), 20)
    with context.wrap_socket(plain, server_hostname=devhub.host) as own:
        request = b'GET /devices?api-version=2021-04-12 HTTP/1.1\r\nHost: hub\r\n\r\n'
        own.setblocking(False)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            try:
                own.send(request * 200)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                time.sleep(0.05)
        before = cpu_seconds(devhub.process.pid)
        time.sleep(2)
        assert cpu_seconds(devhub.process.pid) - before < 0.5
    time.sleep(0.2)
    before = cpu_seconds(devhub.process.pid)
    time.sleep(1)
    assert cpu_seconds(devhub.process.pid) - before < 0.3


def test_what_strangers_write_moves_no_terminal(devhub):
    for method, path in ('GET', '/devices/x\x1b[31mRED\x07'), ('DELETE', '/devices/' + '\x1b' * 2000):
        raw = Raw(devhub).send('%s %s%s HTTP/1.1\r\nHost: x\r\nAuthorization: \x1b[31m\r\n\r\n' % (method, path, VERSION))
        assert raw.answer()[0] == 401
        raw.close()
    assert 'GET /devices/x\\u001b[31mRED\\u0007: refused with 401' in devhub.log.read_text()
    assert unseen(devhub) == []
