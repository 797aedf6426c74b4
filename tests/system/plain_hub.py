# SPDX-License-Identifier: Apache-2.0
"""Plain hub: the device side of a hub that does what the test says, right or wrong.

    with PlainHub(folder) as hub:
        daemon.hub(hub, hub.device('gw-1'))          # it stands in a devhub's place
        hub.await_subscribed('devices/gw-1/messages/devicebound/#')
        hub.publish('devices/gw-1/messages/devicebound/%24.mid=a', b'...', ident=7)
        hub.await_puback(7)
        hub.published                                # [(topic, body)] of the device; .connections: how many there were

It accepts, grants and acknowledges whatever comes, and keeps nothing for who is away.
"""

import collections
import socket
import ssl
import threading
import time

import mqtt
from scripted_hub import HOST, KEY, certify

Device = collections.namedtuple('Device', 'connection_string')


class PlainHub:
    def __init__(self, folder):
        certify(folder, (HOST,))
        self.ca_file = folder / 'ca.pem'
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / 'server.pem', folder / 'server.key')
        self.context = context
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.connections, self.subscribed, self.pubacks, self.published = 0, set(), [], []
        self.stream, self.writing = None, threading.Lock()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def device(self, name):
        return Device('HostName=%s;DeviceId=%s;SharedAccessKey=%s' % (HOST, name, KEY))

    def publish(self, topic, body=b'', ident=1):
        self._write(mqtt.publish(topic, body, ident=ident))

    def await_subscribed(self, topic, seconds=20):
        self._await(lambda: topic in self.subscribed, seconds, 'no subscription to ' + topic)

    def await_puback(self, ident, seconds=20):
        self._await(lambda: ident in self.pubacks, seconds, 'no PUBACK of %d' % ident)

    def await_published(self, n, seconds=20):
        self._await(lambda: len(self.published) >= n, seconds, 'only %d publishes' % len(self.published))

    # --- the wire ---

    def _await(self, what, seconds, words):
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, words
            time.sleep(0.02)

    def _write(self, data):
        with self.writing:
            self.stream.sendall(data)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # it is closed
            try:
                self.stream = self.context.wrap_socket(connection, server_side=True)
                self._talk(self.stream.makefile('rb'))
            except OSError:
                pass
            self.subscribed.clear()

    def _talk(self, reader):
        while first := reader.read(1):
            size, shift = 0, 0
            while True:
                byte = reader.read(1)[0]
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            self._hear(first[0] >> 4, first[0] & 15, reader.read(size))

    def _hear(self, kind, flags, body):
        if kind == mqtt.CONNECT:
            self.connections += 1
            self._write(mqtt.packet(mqtt.CONNACK, 0, b'\0\0'))
        elif kind == mqtt.SUBSCRIBE:
            names = list(filters(body[2:]))
            self._write(mqtt.packet(mqtt.SUBACK, 0, body[:2] + bytes(qos for _, qos in names)))
            self.subscribed |= {name for name, _ in names}
        elif kind == mqtt.UNSUBSCRIBE:
            self._write(mqtt.packet(mqtt.UNSUBACK, 0, body[:2]))
        elif kind == mqtt.PINGREQ:
            self._write(mqtt.packet(mqtt.PINGRESP))
        elif kind == mqtt.PUBACK:
            self.pubacks.append(int.from_bytes(body[:2], 'big'))
        elif kind == mqtt.PUBLISH:
            self._take(flags >> 1 & 3, body)

    def _take(self, qos, body):
        end = 2 + int.from_bytes(body[:2], 'big')
        topic = body[2:end].decode()
        if qos:
            self._write(mqtt.packet(mqtt.PUBACK, 0, body[end:end + 2]))
            end += 2
        self.published.append((topic, body[end:]))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.stream:
            try:
                self.stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.stream.close()
        self.thread.join(10)


def filters(body):
    while body:
        end = 2 + int.from_bytes(body[:2], 'big')
        yield body[2:end].decode(), body[end]
        body = body[end + 1:]
