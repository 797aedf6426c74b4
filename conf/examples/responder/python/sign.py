#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sign - a local service behind hublink, in Python: the display board at a gate.

    needs   python3-dbus and python3-gi (Fedora: python3-dbus, python3-gobject-base)
    rights  a user in the group hublink
    run     ./sign.py                 registers its method with hublinkd
            ./sign.py --activated     is started by the bus when its method is called: see ../activation

    method    blink, argument {"times": 1..10} or nothing; answers {"blinked": N}
    messages  a line of text, up to 80 bytes: it is shown; anything else is rejected
    twin      section sign: desired {"brightness": 0..100} is answered; reported {"showing": TEXT}
    readings  sensor sign: brightness, shown (texts so far)

Signals only say that there may be something to do. Whatever happens, look() looks at everything: at the start, when
hublinkd comes back, after a signal, and again a little after something failed. So nothing depends on a signal that was
heard, and nothing is lost with one that was not. The contract is on one page: conf/dbus/README.md.
"""

import json
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

HUBLINK = 'org.hublink1'
OWN_NAME = 'org.example.Sign'
SECTION = SENSOR = 'sign'
METHOD = 'blink'
LINE_MAX = 80
RETRY_SECONDS = 5
# What is said while hublinkd is not there: it comes back, and we hear of that.
AWAY = ('ServiceUnknown', 'NameHasNoOwner', 'NoReply', 'Disconnected')


def say(text):
    print(text, flush=True)


def short_name(error):
    """org.hublink1.Error.Busy is Busy."""
    return error.get_dbus_name().rsplit('.', 1)[-1]


def line_of(body):
    """A line of UTF-8. What can never be done is to be rejected: left alone it would be offered again without end."""
    try:
        text = bytes(body).decode()
    except UnicodeDecodeError:
        return None
    return text if 0 < len(body) <= LINE_MAX and text.isprintable() else None


class Board:
    """What all this is about."""

    def __init__(self):
        self.brightness = 50
        self.shown = 0

    def show(self, text):
        self.shown += 1
        say('shows: ' + text)

    def blink(self, times):
        say('blinks %d times' % times)

    def dim(self, brightness):
        self.brightness = brightness
        say('brightness %d' % brightness)


class Hublink:
    """org.hublink1, by plain calls."""

    def __init__(self, bus):
        self.bus = bus

    def call(self, interface, member, signature='', *args):
        return self.bus.call_blocking(HUBLINK, '/org/hublink1', interface, member, signature, args, byte_arrays=True)

    def twin(self, member, *args):
        return self.call(HUBLINK + '.Twin', member, 's' * len(args), *args)

    def desired(self, section):
        """(what is desired, its version): the version first, for a change in between brings a signal of its own."""
        version = self.call('org.freedesktop.DBus.Properties', 'Get', 'ss', HUBLINK + '.Twin', 'DesiredVersion')
        return json.loads(self.twin('GetDesired', section)), int(version)

    def report(self, section, values):
        self.twin('Report', section, json.dumps(values))

    def inbox(self, member, signature='', *args):
        return self.call(HUBLINK + '.Inbox', member, signature, *args)

    def submit(self, sensor, values):
        self.call(HUBLINK + '.Manager', 'Submit', 'sa(svt)a{sv}', sensor, [(k, v, 0) for k, v in values.items()], {})

    def register(self, method):
        self.call(HUBLINK + '.Methods', 'Register', 's', method)


class Responder(dbus.service.Object):
    """What hublinkd calls when somebody calls a method of ours. One that takes long would answer later, with
    async_callbacks, so that others are heard meanwhile."""

    def __init__(self, bus, board):
        super().__init__(bus, '/org/hublink1/Responder')
        self.board = board

    @dbus.service.method(HUBLINK + '.Responder', in_signature='sst', out_signature='is')
    def Invoke(self, name, argument, deadline):  # noqa: N802 (its name on the bus)
        try:
            status, answer = self.answer(name, json.loads(argument or 'null'))
        except ValueError as e:
            status, answer = 400, {'error': str(e)}
        return status, json.dumps(answer)

    def answer(self, name, argument):
        if name != METHOD:
            return 404, {'error': 'a sign does not answer to ' + name}
        times = 1 if argument is None else argument.get('times', 1) if isinstance(argument, dict) else None
        if type(times) is not int or not 1 <= times <= 10:
            raise ValueError('expected {"times": 1..10}')
        self.board.blink(times)
        return 200, {'blinked': times}


class Service:
    def __init__(self, bus, activated):
        self.board = Board()
        self.hublink = Hublink(bus)
        self.activated = activated
        self.responder = Responder(bus, self.board)
        self.read = None          # the board when it was last read
        self.answered = None      # the desired version that was last answered
        self.will_look = False
        if activated:
            self.name = dbus.service.BusName(OWN_NAME, bus)
        # first the signals, then the first look: nothing falls in between
        for signal, interface in (('Arrived', '.Inbox'), ('DesiredChanged', '.Twin')):
            bus.add_signal_receiver(self.look_soon, signal, HUBLINK + interface, HUBLINK)
        bus.watch_name_owner(HUBLINK, self.on_owner)

    def on_owner(self, owner):
        say('hublinkd is %s' % ('here' if owner else 'away'))
        self.answered = None
        if owner:
            self.look_soon()

    def look_soon(self, *_):
        if not self.will_look:
            self.will_look = True
            GLib.idle_add(self.look)

    def look(self):
        self.will_look = False
        for part in (self.register, self.follow_twin, self.take_messages, self.submit):
            try:
                part()
            except dbus.DBusException as e:
                if short_name(e) in AWAY:
                    break
                say('%s: %s' % (short_name(e), e.get_dbus_message()))
                GLib.timeout_add_seconds(RETRY_SECONDS, self.look_once_more)
        return GLib.SOURCE_REMOVE

    def look_once_more(self):
        self.look_soon()
        return GLib.SOURCE_REMOVE

    def register(self):
        if not self.activated:
            self.hublink.register(METHOD)  # twice is once

    def follow_twin(self):
        """The answer says which version it is for; Plug and Play's words: ac, av, ad."""
        try:
            desired, version = self.hublink.desired(SECTION)
        except dbus.DBusException as e:
            if short_name(e) == 'NotConnected':  # the hub was never there: a signal will tell
                return
            raise
        if version == self.answered:
            return
        if isinstance(desired, dict) and 'brightness' in desired:
            self.hublink.report(SECTION, {'brightness': self.obey(desired['brightness'], version)})
        self.answered = version

    def obey(self, brightness, version):
        if type(brightness) is not int or not 0 <= brightness <= 100:
            return {'value': self.board.brightness, 'ac': 400, 'av': version, 'ad': 'expected 0 to 100'}
        if brightness != self.board.brightness:
            self.board.dim(brightness)
        return {'value': brightness, 'ac': 200, 'av': version, 'ad': 'done'}

    def take_messages(self):
        while self.take_message():
            pass

    def take_message(self):
        """Completed when it is done, so one may come twice: then times_taken is above 0. To show a text again does no
        harm; where it does, see till.py."""
        try:
            number, _, _, body, _, _, _, times_taken = self.hublink.inbox('Take', 't', 0)
        except dbus.DBusException as e:
            if short_name(e) == 'NoSuchMessage':
                return False
            raise
        text = line_of(body)
        if text is None:
            self.hublink.inbox('Reject', 'ts', number, 'expected a line of text, up to %d bytes' % LINE_MAX)
            return True
        if times_taken:
            say('message %d was taken before' % number)
        self.board.show(text)
        self.hublink.report(SECTION, {'showing': text})
        self.hublink.inbox('Complete', 't', number)
        return True

    def submit(self):
        """When the answer is here the reading is on disk, and reaches the hub whatever happens."""
        now = {'brightness': self.board.brightness, 'shown': self.board.shown}
        if now != self.read:
            self.hublink.submit(SENSOR, now)
            self.read = now


def main():
    # a bus that goes away ends this program: its service manager starts it anew
    bus = dbus.SystemBus(mainloop=dbus.mainloop.glib.DBusGMainLoop())
    Service(bus, '--activated' in sys.argv[1:])
    GLib.MainLoop().run()


if __name__ == '__main__':
    main()
