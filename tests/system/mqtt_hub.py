# SPDX-License-Identifier: Apache-2.0
"""MqttHub: the MQTT side of a hub that publishes to its one device whatever a test says, right or wrong.

    with MqttHub(folder) as hub:
        daemon.credential(hub.connection_string); daemon.configure(hub.settings)
        hub.wait_for_listener()
        hub.call('ping', '1', b'{"a":')          # (400, b'...'), or None: there is no answer
        hub.message('a=1', b'body')              # True: it was acknowledged
        hub.publish(topic, body, qos)

It takes what any device says: connections, subscriptions, telemetry. The twin is hub.twin, bytes that may be anything.
"""

import json
import queue
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import mqtt
from scripted_hub import KEY, certify

HOST = 'hub.example.net'
DEVICE = 'gw-1'
TWIN = {'desired': {'$version': 1}, 'reported': {'$version': 1}}


class Gone(Exception):
    """The device left, or another connection of it came."""


class MqttHub:
    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        certify(folder, [HOST])
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / 'server.pem', folder / 'server.key')
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.connection_string = 'HostName=%s;DeviceId=%s;SharedAccessKey=%s' % (HOST, DEVICE, KEY)
        self.settings = 'hub: { address = "127.0.0.1:%d"; ca_file = "%s"; backoff: { first = "100ms"; max = "1s"; }; };\n' % (
            self.port, folder / 'ca.pem')
        self.twin = json.dumps(TWIN).encode()
        self.filters = set()
        self.n_connections = self.n_gets = self.n_ident = 0
        self.reports = []
        self.answers = queue.Queue()     # to methods: (rid, status, body)
        self.acknowledged = queue.Queue()
        self.outgoing = queue.Queue()    # bytes
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.close()
        self.thread.join(10)

    # --- what a test does ---

    def publish(self, topic, body=b'', qos=0):
        """Returns the packet's number."""
        self.n_ident = self.n_ident % 65535 + 1
        self.outgoing.put(mqtt.publish(topic, body, qos, self.n_ident))
        return self.n_ident

    def call(self, name, rid, body=b'', seconds=20, qos=0):
        """Status and body of the answer with that request id; None after so many seconds."""
        self.publish('$iothub/methods/POST/%s/?$rid=%s' % (name, rid), body, qos)
        return self.answer(rid, seconds)

    def answer(self, rid, seconds=20):
        end = time.monotonic() + seconds
        while True:
            try:
                got, status, body = self.answers.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                return None
            if got == rid:
                return status, body

    def message(self, bag, body=b'', seconds=20):
        ident = self.publish('devices/%s/messages/devicebound/%s' % (DEVICE, bag), body, 1)
        end = time.monotonic() + seconds
        while True:
            try:
                if self.acknowledged.get(timeout=max(0, end - time.monotonic())) == ident:
                    return True
            except queue.Empty:
                return False

    def desire(self, version, body):
        self.publish('$iothub/twin/PATCH/properties/desired/?$version=%s' % version, body)

    def wait(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not (got := what()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return got

    def wait_for_listener(self):
        self.wait(lambda: len(self.filters) == 4 and self.n_gets > 0)

    # --- the device's connection, one at a time ---

    def _serve(self):
        while not self.over.is_set():
            try:
                raw, _ = self.listener.accept()
                with self.context.wrap_socket(raw, server_side=True) as connection:
                    self.filters, self.outgoing = set(), queue.Queue()
                    self.n_connections += 1
                    self._talk(connection)
            except (OSError, Gone):
                pass

    def _talk(self, connection):
        """Both ways in one thread: a TLS connection takes no two."""
        data = b''
        connection.settimeout(0.02)
        while not self.over.is_set():
            while not self.outgoing.empty():
                connection.settimeout(20)
                connection.sendall(self.outgoing.get())
                connection.settimeout(0.02)
            try:
                more = connection.recv(65536)
                if not more:
                    raise Gone
                data += more
            except TimeoutError:
                continue
            while (found := self._take(data)):
                kind, flags, body, data = found
                self._hear(kind, flags, body)

    @staticmethod
    def _take(data):
        """The first packet and what is behind it; None: there is none yet."""
        size, shift, n = 0, 0, 1
        while n < len(data):
            size |= (data[n] & 127) << shift
            shift, n = shift + 7, n + 1
            if not data[n - 1] & 128:
                return (data[0] >> 4, data[0] & 15, data[n:n + size], data[n + size:]) if len(data) >= n + size else None
        return None

    def _hear(self, kind, flags, body):
        if kind == mqtt.CONNECT:
            self.outgoing.put(mqtt.packet(mqtt.CONNACK, 0, b'\0\0'))
        elif kind == mqtt.SUBSCRIBE:
            self._subscribe(body)
        elif kind == mqtt.UNSUBSCRIBE:
            self.outgoing.put(mqtt.packet(mqtt.UNSUBACK, 0, body[:2]))
        elif kind == mqtt.PINGREQ:
            self.outgoing.put(mqtt.packet(mqtt.PINGRESP))
        elif kind == mqtt.PUBACK:
            self.acknowledged.put(struct.unpack('>H', body)[0])
        elif kind == mqtt.PUBLISH:
            self._published(flags >> 1 & 3, body)
        elif kind == mqtt.DISCONNECT:
            raise Gone

    def _subscribe(self, body):
        codes, rest = b'', body[2:]
        while rest:
            size, = struct.unpack('>H', rest[:2])
            self.filters.add(rest[2:2 + size].decode())
            codes, rest = codes + rest[2 + size:3 + size], rest[3 + size:]
        self.outgoing.put(mqtt.packet(mqtt.SUBACK, 0, body[:2] + codes))

    def _published(self, qos, body):
        size, = struct.unpack('>H', body[:2])
        topic, rest = body[2:2 + size].decode(), body[2 + size:]
        if qos:
            self.outgoing.put(mqtt.packet(mqtt.PUBACK, 0, rest[:2]))
            rest = rest[2:]
        if (found := re.fullmatch(r'\$iothub/methods/res/(-?\d+)/\?\$rid=(.*)', topic, re.S)):
            self.answers.put((found[2], int(found[1]), rest))
        elif (found := re.fullmatch(r'\$iothub/twin/GET/\?\$rid=(.*)', topic)):
            self.n_gets += 1
            self.publish('$iothub/twin/res/200/?$rid=' + found[1], self.twin)
        elif (found := re.fullmatch(r'\$iothub/twin/PATCH/properties/reported/\?\$rid=(.*)', topic)):
            self.reports.append(rest)
            self.publish('$iothub/twin/res/204/?$rid=%s&$version=%d' % (found[1], 1 + len(self.reports)))


def encoded(text):
    return urllib.parse.quote(text, safe='')
