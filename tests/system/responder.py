# SPDX-License-Identifier: Apache-2.0
"""A local service that answers to direct methods, well or badly: a program of its own, so that it can hang and die.

    with Responder(bus, 'echo', 'hang') as responder:     # registered when this returns
        ...
    Responder(bus, 'die', who=As.SUBMITTER)

A method is named after what comes of it, with anything behind a dash: echo-1 is echo. What there is: DEEDS.
"""

import subprocess
import sys

from bus import METHODS, NAME, PATH, RESPONDER


def reply(connection, message, status, json):
    import dbus.lowlevel
    answer = dbus.lowlevel.MethodReturnMessage(message)
    answer.append(status, json, signature='is')
    connection.send_message(answer)


def echo(connection, message, json, later):
    reply(connection, message, 200, json)


def fail(connection, message, json, later):
    import dbus.lowlevel
    connection.send_message(dbus.lowlevel.ErrorMessage(message, 'org.example.Error.Jammed', 'paper jam'))


def hang(connection, message, json, later):
    pass


def die(connection, message, json, later):
    import os
    os._exit(3)


def late(connection, message, json, later):
    later(2, lambda: echo(connection, message, json, later))


def verylate(connection, message, json, later):
    later(6, lambda: echo(connection, message, json, later))


def stuck(connection, message, json, later):
    later(8, lambda: echo(connection, message, json, later))


def twice(connection, message, json, later):
    for status in (200, 201):
        reply(connection, message, status, json)


def large(connection, message, json, later):
    reply(connection, message, 200, '"%s"' % ('x' * 128 * 1024))


def full(connection, message, json, later):
    """As much as may be."""
    reply(connection, message, 200, '"%s"' % ('x' * (128 * 1024 - 2)))


def badjson(connection, message, json, later):
    reply(connection, message, 200, '{"a":')


def badform(connection, message, json, later):
    import dbus.lowlevel
    answer = dbus.lowlevel.MethodReturnMessage(message)
    answer.append('well')
    connection.send_message(answer)


def deadline(connection, message, json, later):
    """How long it has, in milliseconds."""
    import time
    left = message.get_args_list()[2] / 1000 - time.clock_gettime(time.CLOCK_BOOTTIME) * 1000
    reply(connection, message, 200, str(int(left)))


DEEDS = [echo, fail, hang, die, late, verylate, stuck, twice, large, full, badjson, badform, deadline]


class Responder:
    def __init__(self, bus, *methods, who=(), bus_name=None):
        self.process = subprocess.Popen(
            [*who, *command(bus.address, *methods, bus_name=bus_name)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline().split()
        self.name = self.said[1] if self.said[:1] == ['ready'] else None

    @property
    def complaint(self):
        """What it said when it could not begin."""
        return self.process.communicate(timeout=20)[1]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self):
        assert self.name, self.complaint
        return self

    def __exit__(self, *_):
        self.kill()


def command(address, *methods, bus_name=None):
    return ['/usr/bin/python3', __file__, address, bus_name or '-', *methods]


def main(address, bus_name, *methods):
    import dbus.bus
    import dbus.lowlevel
    import dbus.mainloop.glib
    from gi.repository import GLib

    deeds = {deed.__name__: deed for deed in DEEDS}
    connection = dbus.bus.BusConnection(address, mainloop=dbus.mainloop.glib.DBusGMainLoop())
    connection.set_exit_on_disconnect(True)  # a bus that ends leaves no responder behind
    loop = GLib.MainLoop()

    def later(seconds, action):
        GLib.timeout_add(int(seconds * 1000), lambda: (action(), False)[1])

    def on_message(connection, message):
        if not isinstance(message, dbus.lowlevel.MethodCallMessage) or message.get_interface() != RESPONDER:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        assert message.get_member() == 'Invoke' and message.get_path() == '/org/hublink1/Responder'
        name, json, _ = message.get_args_list()
        deeds[name.split('-')[0]](connection, message, json, later)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    connection.add_message_filter(on_message)
    if bus_name != '-':
        connection.request_name(bus_name)
    for method in methods:
        connection.call_blocking(NAME, PATH, METHODS, 'Register', 's', (method,), timeout=20)
    print('ready', connection.get_unique_name(), flush=True)
    loop.run()


if __name__ == '__main__':
    main(*sys.argv[1:])
