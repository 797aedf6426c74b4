#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""till - carries out each message once, though it may come twice: where doing it again does harm

    needs   python3-dbus and python3-gi (Fedora: python3-dbus, python3-gobject-base)
    rights  a user in the group hublink
    run     ./till.py FILE         of SQLite, made when it is not there

    messages  {"amount": N}: added to the till; anything else is rejected

A message is completed when it was carried out, so one that was carried out just before the till, hublinkd or the machine
failed is offered again, with times_taken above 0. What tells that it was done is a row in the same database as the deed,
and of the same transaction: both are there, or none. A deed that is not in a database has no such step; then note it
before if it must not happen twice, and after if it must happen.
"""

import json
import sqlite3
import sys

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

HUBLINK = 'org.hublink1'
RETRY_SECONDS = 5
TABLES = '''
create table if not exists till (amount integer not null);
create table if not exists done (id integer not null, message_id text not null, primary key (id, message_id));
'''


class Till:
    def __init__(self, file):
        self.database = sqlite3.connect(file, timeout=20)
        self.database.executescript(TABLES)

    def is_done(self, key):
        return self.database.execute('select 1 from done where id = ? and message_id = ?', key).fetchone() is not None

    def add(self, amount, key):
        with self.database:  # one transaction: on disk when it ends
            self.database.execute('insert into till values (?)', (amount,))
            self.database.execute('insert into done values (?, ?)', key)

    def forget(self, key):
        """Completed, it never comes again."""
        with self.database:
            self.database.execute('delete from done where id = ? and message_id = ?', key)


def amount_of(body):
    """None: it is none."""
    try:
        amount = json.loads(bytes(body))['amount']
    except (ValueError, TypeError, KeyError):
        return None
    return amount if type(amount) is int and abs(amount) < 2**53 else None


class Service:
    def __init__(self, bus, till):
        self.bus = bus
        self.till = till
        bus.add_signal_receiver(self.look, 'Arrived', HUBLINK + '.Inbox', HUBLINK)
        bus.watch_name_owner(HUBLINK, lambda owner: owner and self.look())

    def inbox(self, member, signature, *args):
        return self.bus.call_blocking(HUBLINK, '/org/hublink1', HUBLINK + '.Inbox', member, signature, args,
                                      byte_arrays=True)

    def look(self, *_):
        try:
            while True:
                self.carry_out(*self.inbox('Take', 't', 0))
        except dbus.DBusException as e:
            if not e.get_dbus_name().endswith('.NoSuchMessage'):
                print(e, flush=True)
                GLib.timeout_add_seconds(RETRY_SECONDS, self.look)
        return GLib.SOURCE_REMOVE

    def carry_out(self, number, message_id, correlation_id, body, properties, received, expiry, times_taken):
        key = (int(number), str(message_id))
        amount = amount_of(body)
        if amount is None:
            self.inbox('Reject', 'ts', number, 'expected {"amount": N}')
            return
        if times_taken > 0 and self.till.is_done(key):
            print('message %d was done already' % number, flush=True)
        else:
            print('message %d says %d' % (number, amount), flush=True)
            self.till.add(amount, key)
        self.inbox('Complete', 't', number)
        self.till.forget(key)


def main(file):
    # a bus that goes away ends this program: its service manager starts it anew
    bus = dbus.SystemBus(mainloop=dbus.mainloop.glib.DBusGMainLoop())
    Service(bus, Till(file))
    GLib.MainLoop().run()


if __name__ == '__main__':
    main(*sys.argv[1:])
