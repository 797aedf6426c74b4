# SPDX-License-Identifier: Apache-2.0
"""Odd hub: an HTTPS server that answers what the test says, be it no HTTP at all.

    with OddHub(folder) as hub:                 # folder/endpoints.json is what --devhub reads
        hub.answers = [reply(429, {}, retry_after=1), reply(200, {'deviceId': 'd1'})]
        Explorer(hub.directory).run('get', 'd1')
        hub.requests[0].method, .path, .headers['authorization'], .json

The last answer is given again for ever. An answer is bytes, or a function that is given the connection.
"""

import email.utils
import json
import pathlib
import socket
import ssl
import subprocess
import threading

HOST = 'hub.example.test'
KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='
EC = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'


def reply(status, body=None, date=None, **headers):
    """body: bytes, or what is to be JSON. retry_after=3 is a header."""
    data = b'' if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = ['HTTP/1.1 %d Whatever' % status, 'Content-Length: %d' % len(data), 'Connection: close',
             'Date: ' + email.utils.formatdate(date, usegmt=True)]
    lines += ['%s: %s' % (name.replace('_', '-'), value) for name, value in headers.items()]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + data


def refusal(status, name, message='told', **headers):
    """As the hub says it (protocol reference 8.6, the older dialect)."""
    body = {'Message': 'ErrorCode:%s;%s' % (name, message), 'ExceptionMessage': 'Tracking ID:abc-G:15-TimeStamp:x'}
    return reply(status, body, iothub_errorcode=name, **headers)


def new_refusal(status, number, name, message='told', **headers):
    """The newer one: JSON within a string (trap 34)."""
    body = {'Message': json.dumps({'errorCode': number, 'trackingId': 'abc', 'message': message}), 'ExceptionMessage': ''}
    return reply(status, body, iothub_errorcode=name, **headers)


class Request:
    def __init__(self, head, body):
        lines = head.decode().split('\r\n')
        self.method, self.path, _ = lines[0].split(' ')
        self.headers = {name.lower(): value for name, value in (line.split(': ', 1) for line in lines[1:] if line)}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


def read_request(connection):
    data = b''
    while b'\r\n\r\n' not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, body = data.split(b'\r\n\r\n', 1)
    request = Request(head, body)
    while len(request.body) < int(request.headers.get('content-length', 0)):
        request.body += connection.recv(65536)
    return request


class OddHub:
    def __init__(self, directory, names=(HOST,), days=2, tls=True):
        """tls=False: it answers whatever comes with plain HTTP."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.answers = [reply(200, {})]
        self.requests = []
        self.context = self._context(names, days) if tls else None
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        (self.directory / 'endpoints.json').write_text(json.dumps({
            'host': HOST, 'listen': '127.0.0.1', 'https_port': self.port, 'amqps_port': self.port,
            'ca_file': self.ca_file, 'owner_connection_string': self.login('iothubowner')}))

    @property
    def ca_file(self):
        return str(self.directory / 'ca.pem')

    @staticmethod
    def login(policy, key=KEY):
        return 'HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s' % (HOST, policy, key)

    def _context(self, names, days):
        (self.directory / 'names').write_text('subjectAltName=' + ','.join('DNS:' + name for name in names) + '\n')
        for command in (
                'req -x509 %s -days 2 -subj /CN=authority -keyout ca.key -out ca.pem' % EC,
                'req %s -subj /CN=%s -keyout server.key -out server.csr' % (EC, names[0]),
                'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days %d -extfile names '
                '-out server.pem' % days):
            subprocess.run(['openssl', *command.split()], cwd=self.directory, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / 'server.pem', self.directory / 'server.key')
        return context

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection):
        try:
            with connection:
                if not self.context:
                    connection.recv(65536)
                    connection.sendall(reply(400, b'speak plainly'))
                    return
                connection = self.context.wrap_socket(connection, server_side=True)
                request = read_request(connection)
                if request:
                    self.requests.append(request)
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    if callable(answer):
                        answer(connection)
                    else:
                        connection.sendall(answer)
        except OSError:
            pass  # the other side left, which is what most of these tests are about
