# SPDX-License-Identifier: Apache-2.0
"""A local service's side of the inbox, over D-Bus.

    taker = Taker(bus)                # a client of its own
    message = taker.take()            # .id .message_id .body .properties .times_taken ...; None: there is none
    taker.complete(message.id)
    listed(bus)                       # what everybody sees
"""

import collections
import time

import dbus

from bus import INBOX, NAME, PATH

Message = collections.namedtuple('Message', 'id message_id correlation_id body properties received expiry times_taken')
Listed = collections.namedtuple('Listed', 'id message_id correlation_id size properties received expiry times_taken '
                                'taker until')


def error_of(caught):
    return caught.value.get_dbus_name().rsplit('.', 1)[1]


class Taker:
    def __init__(self, bus):
        self.connection = bus.connect()
        self.name = self.connection.get_unique_name()

    def call(self, member, signature='', args=()):
        return self.connection.call_blocking(NAME, PATH, INBOX, member, signature, args, timeout=20)

    def take(self, id=0):
        try:
            got = self.call('Take', 't', (id,))
        except dbus.DBusException as e:
            if id == 0 and e.get_dbus_name().endswith('.NoSuchMessage'):
                return None
            raise
        message = Message(*got)
        return message._replace(body=bytes(bytearray(message.body)), properties=dict(message.properties))

    def wait(self, seconds=20):
        """Takes the oldest, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while not (message := self.take()):
            assert time.monotonic() < deadline, 'nothing to take after %s s' % seconds
            time.sleep(0.05)
        return message

    def complete(self, id):
        self.call('Complete', 't', (id,))

    def reject(self, id, reason=''):
        self.call('Reject', 'ts', (id, reason))

    def extend(self, id, usec):
        self.call('Extend', 'tt', (id, dbus.UInt64(usec)))

    def list(self):
        return [Listed(*one) for one in self.call('List')]

    def leave(self):
        self.connection.close()


def listed(bus):
    taker = Taker(bus)
    try:
        return taker.list()
    finally:
        taker.leave()
