# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer's AMQP against what is no hub at all."""

import socket
import ssl
import struct
import threading

import pytest

from explorer import Explorer
from scripted_hub import HOST, certify, write_endpoints


class Stranger:
    """A TLS server that says some bytes to each who comes, and waits for the end."""

    def __init__(self, folder, said, names=(HOST,), secured=True):
        certify(folder, names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / 'server.pem', folder / 'server.key')
        self.said, self.secured = said, secured
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        write_endpoints(folder, self.socket.getsockname()[1])

    def _serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(client, server_side=True) if self.secured else client as c:
                    for part in self.said:
                        c.recv(4096)
                        c.sendall(part)
                    while c.recv(4096):
                        pass
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)  # or accept() would hold it open
        self.thread.join(20)
        self.socket.close()


def frame(body, kind=0, channel=0, size=None):
    return struct.pack('>IBBH', size if size is not None else len(body) + 8, 2, kind, channel) + body


SASL, AMQP = b'AMQP\x03\x01\x00\x00', b'AMQP\x00\x01\x00\x00'
MECHANISMS = frame(b'\x00\x53\x40\xc0\x0f\x01\xe0\x0c\x01\xa3\x09ANONYMOUS', kind=1)
OUTCOME = frame(b'\x00\x53\x44\xc0\x03\x01\x50\x00', kind=1)
OPEN = frame(b'\x00\x53\x10\xc0\x04\x01\xa1\x01h')

HOSTILE = {
    'noise': [b'HTTP/1.1 400 Bad Request\r\n\r\n'],
    'another version': [b'AMQP\x00\x09\x01\x00'],
    'nothing allowed': [SASL, frame(b'\x00\x53\x40\xc0\x0b\x01\xe0\x08\x01\xa3\x05PLAIN', kind=1)],
    'not us': [SASL + MECHANISMS, frame(b'\x00\x53\x44\xc0\x03\x01\x50\x01', kind=1)],
    'a giant frame': [SASL + MECHANISMS, OUTCOME + AMQP, frame(b'', size=0xffffffff) + b'x' * 4096],
    'a frame of no size': [SASL + MECHANISMS, OUTCOME + AMQP, frame(b'', size=0)],
    'a broken performative': [SASL + MECHANISMS, OUTCOME + AMQP, frame(b'\x00\x53\x10\xd0\xff\xff\xff\xff\xff\xff\xff\xff')],
    'a transfer at once': [SASL + MECHANISMS, OUTCOME + AMQP + OPEN + frame(b'\x00\x53\x14\xc0\x04\x02\x43\x43\xa0\x00')],
    'an unknown performative': [SASL + MECHANISMS, OUTCOME + AMQP + OPEN + frame(b'\x00\x53\x7f\x45')],
}


@pytest.mark.parametrize('what', HOSTILE)
def test_hostile_bytes(tmp_path, what):
    with Stranger(tmp_path, HOSTILE[what]):
        done = Explorer(tmp_path).run('--timeout', '1s', 'monitor-events', check=False)
    assert done.returncode in (1, 4, 5), (done.returncode, done.stderr)
    assert done.stderr.startswith('hublink-explorer: cannot read the events of ' + HOST) and done.stdout == ''


def test_a_host_that_says_nothing(tmp_path):
    with Stranger(tmp_path, []):
        assert 'has no answer' in Explorer(tmp_path).fails(4, '--timeout', '1s', 'send', 'd1', 'x')


def test_a_host_that_never_shakes_hands(tmp_path):
    with Stranger(tmp_path, [], secured=False):
        assert 'does not answer' in Explorer(tmp_path).fails(4, '--timeout', '1s', 'send', 'd1', 'x')


def test_a_host_without_tls(tmp_path):
    with Stranger(tmp_path, [b'AMQP\x00\x01\x00\x00'], secured=False):
        assert 'no TLS with' in Explorer(tmp_path).fails(1, '--timeout', '2s', 'send', 'd1', 'x')


def test_a_certificate_for_another_name(tmp_path):
    with Stranger(tmp_path, [], names=['other.example.net']):
        assert 'is for other.example.net, not for ' + HOST in Explorer(tmp_path).fails(1, 'send', 'd1', 'x')


def test_an_unknown_authority(tmp_path):
    with Stranger(tmp_path, []):
        certify(tmp_path, [HOST], turn=1)  # now ca.pem is another one
        said = Explorer(tmp_path).fails(1, 'send', 'd1', 'x')
    assert 'is not trusted' in said and '--ca' in said


def test_nobody_there(tmp_path):
    with Stranger(tmp_path, []):
        pass
    said = Explorer(tmp_path).fails(1, 'send', 'd1', 'x')
    assert 'no connection to' in said and 'Connection refused' in said
