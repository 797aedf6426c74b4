# SPDX-License-Identifier: Apache-2.0
"""A WebSocket by hand (RFC 6455), so that every frame is said and seen.

    with WebSocket(devhub, '/$iothub/websocket', 'mqtt') as ws:  # upgraded
        ws.sendall(b'...')                                        # one binary message; ws.recv(n) gives bytes
    client = Client(devhub)                                       # mqtt.Client inside one
"""

import base64
import os
import socket
import ssl
import struct

import mqtt

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


class Refused(Exception):
    """args: the status, the head as text."""


def frame(opcode, body=b'', fin=True, mask=True):
    size = struct.pack('>B', len(body) | (128 if mask else 0)) if len(body) < 126 else \
        struct.pack('>BH', 126 | (128 if mask else 0), len(body)) if len(body) < 65536 else \
        struct.pack('>BQ', 127 | (128 if mask else 0), len(body))
    key = os.urandom(4) if mask else b''
    if mask:
        body = bytes(b ^ key[i % 4] for i, b in enumerate(body))
    return bytes([opcode | (128 if fin else 0)]) + size + key + body


class WebSocket:
    """The part of a socket that mqtt.Client needs."""

    def __init__(self, devhub, path='/$iothub/websocket', protocol='mqtt', headers='', behind=b'', timeout=10,
                 certificate=None):
        context = ssl.create_default_context(cafile=devhub.ca_file)
        if certificate:
            context.load_cert_chain(*certificate)
        raw = socket.create_connection(('127.0.0.1', devhub.https_port), timeout)
        self.tls = context.wrap_socket(raw, server_hostname=devhub.host)
        self.key = base64.b64encode(os.urandom(16)).decode()
        head = 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' % (path, devhub.host)
        if 'Sec-WebSocket-Version' not in headers:
            head += 'Sec-WebSocket-Version: 13\r\n'
        if 'Sec-WebSocket-Key' not in headers:
            head += 'Sec-WebSocket-Key: %s\r\n' % self.key
        head += ('Sec-WebSocket-Protocol: %s\r\n' % protocol if protocol else '') + headers + '\r\n'
        self.tls.sendall(head.encode() + behind)
        self.data, self.inner = b'', b''
        while b'\r\n\r\n' not in self.data:
            more = self.tls.recv(4096)
            assert more, 'closed before an answer: %r' % self.data
            self.data += more
        text, self.data = self.data.split(b'\r\n\r\n', 1)
        self.head = text.decode()
        if not self.head.startswith('HTTP/1.1 101 '):
            self.tls.close()
            raise Refused(int(self.head.split()[1]), self.head)

    def _take(self, n):
        while len(self.data) < n:
            more = self.tls.recv(65536)
            if not more:
                raise ConnectionError('closed')
            self.data += more
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def receive(self):
        """The next frame: opcode, body."""
        first, size = self._take(2)
        assert not size & 128, 'a server does not mask'
        if size == 126:
            [size] = struct.unpack('>H', self._take(2))
        elif size == 127:
            [size] = struct.unpack('>Q', self._take(8))
        return first & 15, self._take(size)

    def recv(self, n):
        while not self.inner:
            opcode, body = self.receive()
            if opcode == CLOSE:
                return b''
            assert opcode in (0, BINARY), 'opcode %d' % opcode
            self.inner += body
        taken, self.inner = self.inner[:n], self.inner[n:]
        return taken

    def sendall(self, data):
        self.tls.sendall(frame(BINARY, data))

    def settimeout(self, seconds):
        self.tls.settimeout(seconds)

    def close(self):
        self.tls.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Client(mqtt.Client):
    def __init__(self, devhub, **kwargs):
        self.tls = WebSocket(devhub, **kwargs)
        self.data = b''
