# SPDX-License-Identifier: Apache-2.0
"""A device's side of messages from the cloud: as they come over MQTT, and by HTTPS as it asks for them.

    client.subscribe(c2d_filter(device))     # a devhub.client()
    message = arrived(client)                # .topic .bag .body .qos .dup .ident
    acknowledge(client, message)
    poller = Poller(devhub, device)
    poller.complete(poller.lock())
"""

import struct
import urllib.parse

import mqtt
from https import Service


class Poller(Service):
    """A device (or module) over HTTPS."""

    def __init__(self, devhub, device, token=None, certificate=None):
        """certificate: the files of one and of its key, instead of a token"""
        super().__init__(devhub, token=token or (not certificate and device.token()), certificate=certificate)
        self.base = '/devices/%s%s/messages' % (device.id, '/modules/' + device.module if device.module else '')

    def take(self, headers=None):
        return self.get(self.base + '/deviceBound', headers)

    def lock(self):
        """Takes the next; its lock."""
        answer = self.take()
        assert answer.status == 200
        return answer.headers['ETag'].strip('"')

    def complete(self, lock):
        return self.delete('%s/deviceBound/%s' % (self.base, lock)).status

    def reject(self, lock):
        return self.delete('%s/deviceBound/%s?reject' % (self.base, lock)).status

    def abandon(self, lock):
        return self.post('%s/deviceBound/%s/abandon' % (self.base, lock), b'').status

    def event(self, body, headers=None):
        return self.post(self.base + '/events', body, headers)


class Arrived:
    """A PUBLISH of the hub's, taken apart."""

    def __init__(self, packet):
        kind, flags, rest = packet
        assert kind == mqtt.PUBLISH, packet
        size, = struct.unpack('>H', rest[:2])
        self.topic, rest = rest[2:2 + size].decode(), rest[2 + size:]
        self.qos, self.dup, self.retain = flags >> 1 & 3, bool(flags & 8), bool(flags & 1)
        self.ident = None
        if self.qos:
            self.ident, rest = struct.unpack('>H', rest[:2])[0], rest[2:]
        self.body = rest
        self.bag = [tuple(urllib.parse.unquote(part) for part in pair.split('=', 1))
                    for pair in self.topic.split('/')[-1].split('&')]


def c2d_filter(device):
    return 'devices/%s%s/messages/devicebound/#' % (device.id, '/modules/' + device.module if device.module else '')


def arrived(client, timeout=10):
    return Arrived(client.receive(timeout))


def acknowledge(client, message):
    client.send(mqtt.packet(mqtt.PUBACK, 0, struct.pack('>H', message.ident)))
