# SPDX-License-Identifier: Apache-2.0
"""Calls on the bus as another user: a program of its own, that makes all calls over one connection and hears signals.

    Caller(bus, As.NOBODY).call([(name, path, interface, member, signature), ...])  # the error's name of each, '' for none
    with Caller(bus, As.NOBODY).listen('org.hublink1') as ear: ...                  # ear.heard(): (interface, member), ...

Arguments are made up to fit: what is asked is whether the call gets through.
"""

import json
import subprocess
import sys

NONE_SENT = {'s': 'none', 't': 7, 'u': 1, 'v': 'none', 'ay': b'x', 'a{ss}': {}, 'a{sv}': {}, 'a(svt)': []}


class Ear:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == 'ready\n'

    def heard(self, last):
        """Up to that one."""
        found = []
        while not found or found[-1] != last:
            found.append(tuple(json.loads(self.process.stdout.readline())))
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Caller:
    def __init__(self, bus, who):
        self.command = [*who, '/usr/bin/python3', __file__, bus.address]

    def call(self, calls):
        done = subprocess.run([*self.command, 'call'], input=json.dumps(calls), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def listen(self, sender):
        return Ear([*self.command, 'listen', sender])


def arguments(signature):
    import dbus
    return [NONE_SENT[str(part)] for part in dbus.Signature(signature)]


def call_all(connection, calls):
    import dbus
    errors = []
    for name, path, interface, member, signature in calls:
        try:
            connection.call_blocking(name, path, interface, member, signature, arguments(signature), timeout=30)
            errors.append('')
        except dbus.DBusException as e:
            errors.append(e.get_dbus_name())
    print(json.dumps(errors))


def listen(connection, sender):
    import dbus.lowlevel
    from gi.repository import GLib

    def on_message(_, message):
        if isinstance(message, dbus.lowlevel.SignalMessage) and message.get_interface().startswith('org.hublink1'):
            print(json.dumps([message.get_interface(), message.get_member()]), flush=True)
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    connection.add_message_filter(on_message)
    connection.add_match_string("type='signal',sender='%s'" % sender)
    print('ready', flush=True)
    GLib.MainLoop().run()


def main(address, what, *args):
    import dbus.bus
    import dbus.mainloop.glib
    connection = dbus.bus.BusConnection(address, mainloop=dbus.mainloop.glib.DBusGMainLoop())
    connection.set_exit_on_disconnect(True)
    if what == 'call':
        call_all(connection, json.load(sys.stdin))
    else:
        listen(connection, *args)


if __name__ == '__main__':
    main(*sys.argv[1:])
