# SPDX-License-Identifier: Apache-2.0
"""A service's side over AMQP, by Qpid Proton for Python: another process, another language, another program.

    with Amqp(devhub) as amqp:                      # TLS, SASL ANONYMOUS
        amqp.allow('service')                       # a token of that policy, put to $cbs
        reader = amqp.read(partition, credit=10)    # messages: reader.receive(timeout)
    Amqp(devhub, bare=True)                         # no SASL
    Amqp(devhub, user='service@sas.root.devhub', password=token)
    Amqp(devhub, plain=True)                        # no TLS
"""

import base64
import hashlib
import hmac
import time
import urllib.parse
import uuid

import mqtt
from https import policy_key
from proton import Described, Message, SSLDomain, symbol, ulong
from proton.reactor import Filter, LinkOption
from proton.utils import BlockingConnection

SELECTOR = symbol('apache.org:selector-filter:string')


def event_hubs_token(key, resource, policy, expiry=None):
    """Signed with the key's text, not decoded."""
    sr = urllib.parse.quote(resource, safe='')
    se = str(int(time.time()) + 3600 if expiry is None else int(expiry))
    mac = hmac.new(key.encode(), (sr + '\n' + se).encode(), hashlib.sha256).digest()
    return 'SharedAccessSignature sr=%s&sig=%s&se=%s&skn=%s' % (
        sr, urllib.parse.quote(base64.b64encode(mac).decode(), safe=''), se, policy)


class Properties(LinkOption):
    def __init__(self, properties):
        self.properties = properties

    def apply(self, link):
        link.properties = self.properties


class Amqp(BlockingConnection):
    def __init__(self, devhub, bare=False, plain=False, user=None, password=None, mechanisms=None, timeout=20, **kwargs):
        self.devhub = devhub
        self.name = devhub.host.split('.')[0]
        domain = None
        if not plain:
            domain = SSLDomain(SSLDomain.MODE_CLIENT)
            domain.set_trusted_ca_db(devhub.ca_file)
            domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
        url = ('amqp://127.0.0.1:%d' % devhub.amqp_port) if plain else 'amqps://127.0.0.1:%d' % devhub.amqps_port
        super().__init__(url, timeout=timeout, ssl_domain=domain, virtual_host=devhub.host, sasl_enabled=not bare,
                         allowed_mechs=mechanisms or ('PLAIN' if user else 'ANONYMOUS'), user=user, password=password,
                         reconnect=False, **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- requests ---

    def request(self, node, properties, body=None):
        """Asks the node; the reply's message."""
        me = str(uuid.uuid4())
        receiver = self.create_receiver(node, credit=1, name=me)
        receiver.link.target.address = me
        sender = self.create_sender(node)
        sender.send(Message(id=me, reply_to=me, properties=properties, body=body))
        reply = receiver.receive(10)
        assert reply.correlation_id == me
        sender.close()
        receiver.close()
        return reply

    def put_token(self, name, token):
        """The status of the reply."""
        return self.request('$cbs', {'operation': 'put-token', 'type': 'servicebus.windows.net:sastoken',
                                     'name': name}, token).properties['status-code']

    def allow(self, policy='service'):
        key = policy_key(self.devhub, policy)
        assert self.put_token(self.devhub.host, mqtt.token(key, self.devhub.host, policy=policy)) == 200
        return self

    def entity(self):
        return self.request('$management', {'operation': 'READ', 'type': 'com.microsoft:eventhub',
                                            'name': self.name}).body

    def partition(self, number):
        return self.request('$management', {'operation': 'READ', 'type': 'com.microsoft:partition', 'name': self.name,
                                            'partition': str(number)}).body

    # --- events ---

    def address(self, partition, group='$Default'):
        return '%s/ConsumerGroups/%s/Partitions/%s' % (self.name, group, partition)

    def read(self, partition, position=None, epoch=None, group='$Default', credit=100):
        """position: the text of the filter"""
        options = []
        if position:
            options.append(Filter({SELECTOR: Described(ulong(0x0000468C00000004), position)}))
        if epoch is not None:
            options.append(Properties({'com.microsoft:epoch': epoch}))
        return self.create_receiver(self.address(partition, group), credit=credit, options=options,
                                    name=str(uuid.uuid4()))

    def read_all(self, count, within=20):
        """So many events of all partitions, as messages."""
        readers = [self.read(p, credit=count) for p in self.entity()['partition_ids'].elements]
        messages, deadline = [], time.monotonic() + within
        while len(messages) < count:
            assert time.monotonic() < deadline, 'only %d of %d events came' % (len(messages), count)
            self.container.do_work(0.05)
            for reader in readers:
                while reader.fetcher.has_message:
                    messages.append(reader.fetcher.pop())
                    reader.accept()
        for reader in readers:
            reader.close()
        return messages
