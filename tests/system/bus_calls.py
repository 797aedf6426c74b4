# SPDX-License-Identifier: Apache-2.0
"""Calls of org.hublink1 as a program makes them: one that waits, one that is refused, many at a time.

    number = submit(bus, [('a', 1, 0)])
    text = refused('InvalidArgument', submit, bus, [])
    client = Calls(bus); client.submit(10); client.run(lambda: len(client.answers) == 10); client.close()
"""

import time

import dbus
import pytest
from gi.repository import Gio, GLib

from bus import MANAGER, NAME, PATH

ERROR = 'org.hublink1.Error.'


def submit(bus, values, sensor='plc', options=None):
    return bus.call('Submit', 'sa(svt)a{sv}', (sensor, values, options or {}))


def refused(name, call, *args, **kwargs):
    """The text of the refusal."""
    with pytest.raises(dbus.DBusException) as e:
        call(*args, **kwargs)
    assert e.value.get_dbus_name() == ERROR + name, e.value
    return e.value.get_dbus_message()


class Calls:
    """Many calls at once on one connection, without a loop: their replies are read as they come."""

    def __init__(self, bus):
        self.address = bus.address
        self.connection = Gio.DBusConnection.new_for_address_sync(
            bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
            None, None)
        self.connection.set_exit_on_close(False)
        self.answers, self.errors = [], []
        self.signals = []

    def call(self, member, variant=None, interface=MANAGER):
        def done(connection, result):
            try:
                self.answers.append(connection.call_finish(result).unpack())
            except GLib.Error as e:
                self.errors.append(Gio.DBusError.get_remote_error(e))
        self.connection.call(NAME, PATH, interface, member, variant, None, Gio.DBusCallFlags.NONE, 60000, None, done)

    def submit(self, n=1):
        for i in range(n):
            self.call('Submit', GLib.Variant('(sa(svt)a{sv})', (
                'plc', [('c', GLib.Variant('i', i), 0)], {})))

    def listen(self, interface, member):
        def heard(connection, sender, path, interface, member, arguments):
            self.signals.append((time.monotonic(), path, arguments.unpack()))
        self.connection.signal_subscribe(NAME, interface, member, None, None, Gio.DBusSignalFlags.NONE, heard)

    def run(self, until, seconds=10):
        context = GLib.MainContext.default()
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                return False
            if not context.iteration(False):
                time.sleep(0.002)
        return True

    def settle_down(self, seconds):
        self.run(lambda: False, seconds)

    def close(self):
        self.connection.close_sync(None)
