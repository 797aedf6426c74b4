# SPDX-License-Identifier: Apache-2.0
"""The cloud's side of messages to devices, over AMQP.

    with Cloud(devhub) as cloud:                         # as policy service
        cloud.send('d1', b'hello', id='m1', ack='full')  # Rejected, with .condition, when the hub refuses it
        records = cloud.feedback(2)                      # waits for as many; completes their batches
"""

import json
import urllib.parse

import mqtt
from amqp import Amqp
from https import policy_key
from proton import Delivery, Message


class Rejected(Exception):
    def __init__(self, condition, description):
        super().__init__('%s: %s' % (condition, description))
        self.condition = condition


class Cloud(Amqp):
    def __init__(self, devhub, policy='service'):
        super().__init__(devhub, user='%s@sas.root.%s' % (policy, devhub.host.split('.')[0]),
                         password=mqtt.token(policy_key(devhub, policy), devhub.host, policy=policy))
        self.sender = None
        self.receiver = None

    def send(self, device, body=b'', id=None, ack=None, properties=None, expiry=None, to=None, **fields):
        """device: d or d/m; expiry: Unix time."""
        if not self.sender:
            self.sender = self.create_sender('/messages/devicebound')
        message = Message(body=body, inferred=True, id=id, properties=dict(properties or {}), **fields)
        if ack:
            message.properties['iothub-ack'] = ack
        device, _, module = device.partition('/')
        message.address = to or '/devices/%s%s/messages/devicebound' % (
            urllib.parse.quote(device, safe=''), '/modules/' + urllib.parse.quote(module, safe='') if module else '')
        if expiry:
            message.expiry_time = expiry
        delivery = self.sender.link.send(message)
        self.wait(lambda: delivery.settled or delivery.remote_state, msg='sending')
        state, condition = delivery.remote_state, delivery.remote.condition
        delivery.settle()
        if state != Delivery.ACCEPTED:
            raise Rejected(condition.name if condition else str(state), condition.description if condition else None)

    def batch(self, timeout=30):
        """The next feedback message; accepted."""
        if not self.receiver:
            self.receiver = self.create_receiver('/messages/serviceBound/feedback', credit=10)
        message = self.receiver.receive(timeout)
        self.receiver.accept()
        return message

    def feedback(self, count):
        """As many records, in as many batches as they come."""
        records = []
        while len(records) < count:
            records += json.loads(bytes(self.batch().body))
        return records
