# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: MQTT and AMQP over WebSocket, on the HTTPS port."""

import base64
import hashlib

import mqtt
import pytest
import websocket
from devhub import devhub  # noqa: F401  (a fixture)
from https import Service
from websocket import BINARY, CLOSE, PING, PONG, WebSocket, frame


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


def connected(devhub, device, **kwargs):
    client = websocket.Client(devhub, **kwargs)
    assert client.connect('d1', device.username(), device.token())[1] == 0
    return client


def test_telemetry(devhub, device):
    with connected(devhub, device) as client:
        for i in range(3):
            client.publish(device.topic('n=%d' % i), b'%d' % i, ident=i + 1)
        client.send(mqtt.packet(mqtt.PINGREQ))
        client.expect(mqtt.PINGRESP)
        client.send(mqtt.packet(mqtt.DISCONNECT))
        client.expect_close()
    assert [(e['body'], e['properties']) for e in devhub.events(count=3)] == [(i, {'n': str(i)}) for i in range(3)]


def test_the_handshake(devhub):
    with WebSocket(devhub, protocol='AMQPX, mqtt') as ws:
        accept = base64.b64encode(hashlib.sha1((ws.key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
        head = ws.head.lower()
        assert 'sec-websocket-accept: %s' % accept.decode().lower() in head
        assert 'sec-websocket-protocol: mqtt' in head and 'upgrade: websocket' in head


def test_paths_as_clients_write_them(devhub, device):
    for path in '/$iothub/websocket?iothub-no-client-cert=true', '/%24iothub/websocket':
        connected(devhub, device, path=path).close()


@pytest.mark.parametrize('status, kwargs', [
    (404, {'path': '/elsewhere'}),
    (400, {'protocol': 'stomp'}),
    (400, {'protocol': None}),
    (400, {'headers': 'Sec-WebSocket-Key: short\r\n'}),
    (426, {'headers': 'Sec-WebSocket-Version: 8\r\n'}),
])
def test_what_is_no_websocket_of_ours(devhub, status, kwargs):
    with pytest.raises(websocket.Refused) as caught:
        WebSocket(devhub, **kwargs)
    assert caught.value.args[0] == status


def test_a_packet_may_be_cut_anywhere(devhub, device):
    data = mqtt.connect('d1', device.username(), device.token()) + mqtt.publish(device.topic(), b'x' * 70000)
    with websocket.Client(devhub) as client:
        for i in range(0, 40):
            client.tls.tls.sendall(frame(BINARY, data[i:i + 1]))
        client.tls.tls.sendall(frame(BINARY, data[40:90], fin=False) + frame(PING, b'hello') + frame(0, data[90:]))
        assert client.tls.receive() == (PONG, b'hello')
        assert client.expect(mqtt.CONNACK) == b'\0\0'
        assert client.expect(mqtt.PUBACK) == b'\0\1'
    assert len(devhub.events(count=1)[0]['body_base64']) > 90000


def test_frames_right_behind_the_request(devhub, device):
    with websocket.Client(devhub, behind=frame(BINARY, mqtt.connect('d1', device.username(), device.token()))) as client:
        assert client.expect(mqtt.CONNACK) == b'\0\0'


def test_a_wrong_key_gets_its_connack_and_a_close_frame(devhub, device):
    with websocket.Client(devhub) as client:
        assert client.connect('d1', device.username(), 'nonsense')[1] == 5
        assert client.tls.receive()[0] == CLOSE


@pytest.mark.parametrize('bad', [
    frame(BINARY, b'abc', mask=False),                 # a client must mask
    bytes([0xf2, 0x80]) + b'\0' * 4,                   # reserved bits
    bytes([0x83, 0x80]) + b'\0' * 4,                   # a reserved opcode
    frame(1, b'text'),                                 # MQTT is binary
    bytes([0x82, 0xff]) + b'\x7f' + b'\xff' * 20,      # a frame of exabytes
    bytes([0x89, 0xfe, 0, 126]) + b'\0' * 130,         # a control frame that is too long
    frame(BINARY, b'\xf0\0'),                          # frames are well, MQTT is not
], ids=['unmasked', 'reserved-bits', 'opcode', 'text', 'huge', 'long-ping', 'mqtt'])
def test_bad_frames_end_the_link(devhub, device, bad):
    with connected(devhub, device) as client:
        client.tls.tls.sendall(bad)
        while True:
            try:
                if client.tls.receive()[0] == CLOSE:
                    break
            except ConnectionError:
                break
    connected(devhub, device).close()


def test_the_client_closes(devhub, device):
    with connected(devhub, device) as client:
        client.tls.tls.sendall(frame(CLOSE, b'\x03\xe8'))
        assert client.tls.receive() == (CLOSE, b'\x03\xe8')
        with pytest.raises(ConnectionError):
            client.tls.receive()
    assert 'the client closed the WebSocket' in devhub.log.read_text()


def test_many_come_and_go_beside_requests(devhub, device):
    service = Service(devhub)
    for i in range(30):
        ws = WebSocket(devhub)
        assert service.get('/devices/d1').status == 200
        ws.close()
    with connected(devhub, device) as client:
        client.publish(device.topic(), b'1')
    assert devhub.stop() == 0


@pytest.mark.parametrize('path', ['/$iothub/websocket', '/$servicebus/websocket'])
def test_amqp_too(devhub, path):
    """The header of AMQP without SASL, and of SASL, come back as they are."""
    for header in b'AMQP\0\1\0\0', b'AMQP\3\1\0\0':
        with WebSocket(devhub, path, 'AMQPWSB10') as ws:
            ws.sendall(header)
            got = b''
            while len(got) < 8:
                got += ws.recv(8 - len(got))
            assert got == header
    with WebSocket(devhub, path, 'AMQPWSB10') as ws:
        ws.sendall(b'GET / HTTP/1.1\r\n\r\n')
        while ws.recv(100):
            pass
    with WebSocket(devhub, path, 'AMQPWSB10') as ws:
        assert devhub.stop() == 0


def test_a_stop_ends_open_ones(devhub, device):
    with connected(devhub, device) as client, WebSocket(devhub):
        assert devhub.stop() == 0
        client.expect_close()
