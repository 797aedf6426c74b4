# SPDX-License-Identifier: Apache-2.0
"""A raw MQTT 3.1.1 client over TLS, to say exactly what one means, right or wrong, and see what comes back.

Every byte is made here; nothing is shared with the code under test. A Client reads packets as (type, flags, body).
"""

import base64
import hashlib
import hmac
import socket
import ssl
import struct
import time
import urllib.parse

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, \
    PINGRESP, DISCONNECT = range(1, 15)


# --- packets ---

def text(s):
    data = s.encode() if isinstance(s, str) else s
    return struct.pack('>H', len(data)) + data


def length(n):
    out = b''
    while True:
        n, low = divmod(n, 128)
        out += bytes([low | (128 if n else 0)])
        if not n:
            return out


def packet(kind, flags=0, body=b''):
    return bytes([kind << 4 | flags]) + length(len(body)) + body


def connect(client_id, username=None, password=None, clean=True, keep_alive=60, will=None, level=4, name='MQTT'):
    flags = 2 * clean
    payload = text(client_id)
    if will:
        topic, body, qos, retain = will
        flags |= 4 | qos << 3 | 32 * retain
        payload += text(topic) + text(body)
    if username is not None:
        flags |= 128
        payload += text(username)
    if password is not None:
        flags |= 64
        payload += text(password)
    return packet(CONNECT, 0, text(name) + bytes([level, flags]) + struct.pack('>H', keep_alive) + payload)


def publish(topic, body=b'', qos=1, ident=1, dup=False, retain=False):
    head = text(topic) + (struct.pack('>H', ident) if qos else b'')
    return packet(PUBLISH, 8 * dup | qos << 1 | retain, head + (body.encode() if isinstance(body, str) else body))


def subscribe(ident, *filters):
    """filters: names, or (name, qos)"""
    body = struct.pack('>H', ident)
    for f in filters:
        name, qos = f if isinstance(f, tuple) else (f, 1)
        body += text(name) + bytes([qos])
    return packet(SUBSCRIBE, 2, body)


def unsubscribe(ident, *filters):
    return packet(UNSUBSCRIBE, 2, struct.pack('>H', ident) + b''.join(text(f) for f in filters))


# --- credentials ---

def token(key, resource, expiry=None, policy=None, encode=None):
    """resource as in host/devices/id; expiry in Unix seconds, default in an hour; encode: how sr is written"""
    sr = (encode or (lambda s: urllib.parse.quote(s, safe='')))(resource)
    se = str(int(time.time()) + 3600 if expiry is None else int(expiry))
    mac = hmac.new(base64.b64decode(key), (sr + '\n' + se).encode(), hashlib.sha256).digest()
    out = 'SharedAccessSignature sr=%s&sig=%s&se=%s' % (
        sr, urllib.parse.quote(base64.b64encode(mac).decode(), safe=''), se)
    return out + ('&skn=' + policy if policy else '')


# --- a connection ---

class Closed(Exception):
    """The other side closed."""


class Client:
    def __init__(self, address, port, ca_file, host, timeout=10, versions=None, certificate=None):
        """certificate: the files of one and of its key"""
        context = ssl.create_default_context(cafile=ca_file)
        if certificate:
            context.load_cert_chain(*certificate)
        if versions:
            context.minimum_version, context.maximum_version = versions
        self.raw = socket.create_connection((address, port), timeout)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(self.raw, server_hostname=host)
        self.data = b''

    def close(self):
        self.tls.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.tls.sendall(data)

    def _fill(self, n):
        while len(self.data) < n:
            try:
                more = self.tls.recv(65536)
            except (ConnectionError, ssl.SSLError) as e:
                if isinstance(e, ssl.SSLWantReadError):
                    raise
                raise Closed() from e
            if not more:
                raise Closed()
            self.data += more

    def receive(self, timeout=10):
        """The next packet; Closed, or TimeoutError."""
        self.tls.settimeout(timeout)
        self._fill(2)
        n, size = 1, 0
        while True:
            self._fill(n + 1)
            size |= (self.data[n] & 127) << 7 * (n - 1)
            n += 1
            if not self.data[n - 1] & 128:
                break
        self._fill(n + size)
        first, body = self.data[0], self.data[n:n + size]
        self.data = self.data[n + size:]
        return first >> 4, first & 15, body

    def expect(self, kind, timeout=10):
        """The body of the next packet, which is of that kind."""
        got, _, body = self.receive(timeout)
        assert got == kind, 'packet of type %d, not %d: %r' % (got, kind, body)
        return body

    def expect_close(self, timeout=10):
        """Nothing but the end; not even a DISCONNECT, which MQTT 3.1.1 servers do not have."""
        try:
            got = self.receive(timeout)
        except Closed:
            return
        raise AssertionError('not closed but %r' % (got,))

    def expect_silence(self, seconds):
        try:
            got = self.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError('not silent but %r' % (got,))

    # the usual exchanges

    def connect(self, *args, **kwargs):
        """Returns (session present, code)."""
        self.send(connect(*args, **kwargs))
        present, code = self.expect(CONNACK)
        return bool(present), code

    def publish(self, topic, body=b'', ident=1, **kwargs):
        """At QoS 1, and waits for the PUBACK."""
        self.send(publish(topic, body, 1, ident, **kwargs))
        got, = struct.unpack('>H', self.expect(PUBACK))
        assert got == ident

    def subscribe(self, *filters, ident=1):
        """Returns the granted codes."""
        self.send(subscribe(ident, *filters))
        body = self.expect(SUBACK)
        assert struct.unpack('>H', body[:2])[0] == ident
        return list(body[2:])
