# SPDX-License-Identifier: Apache-2.0
"""Something that answers on the bus as systemd does to whoever starts units, and runs them: functions of the test.

    with UnitRunner(bus, folder) as units:       # folder: the daemon's RUNTIME_DIRECTORY
        units['pump'] = lambda run: run.answer({'speed': 3})        # a status, or None for 0
        units['slow'] = hang                                  # until it is stopped
        units.calls                                                 # [('StartUnit', 'hublink-command@pump.service'), ...]

What a unit does runs in a thread of its own, as its process would.
"""

import json
import threading

import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib
from service_manager import MANAGER, OBJECT, SYSTEMD

PROPERTIES = 'org.freedesktop.DBus.Properties'


class Refused(Exception):
    """StartUnit is answered this error."""


class Run:
    def __init__(self, folder, name):
        self.name = name
        self.request = (folder / 'command' / name / 'request').read_text()
        self.argument = json.loads(self.request)
        self.response = folder.parent / (folder.name + '-command') / name / 'response'
        self.response.parent.mkdir(parents=True, exist_ok=True)
        self.stopped = threading.Event()

    def answer(self, value, status=0):
        beside = self.response.with_suffix('.new')
        beside.write_text(value if isinstance(value, str) else json.dumps(value))
        beside.rename(self.response)
        return status


def hang(run):
    run.stopped.wait(30)
    return 'canceled'


class UnitRunner(dict):
    def __init__(self, bus, folder):
        super().__init__()
        self.bus, self.folder = bus, folder
        self.calls = []
        self.requests = []  # what they were asked
        self.states = {}    # of units that run for others
        self.running = {}
        self.ended = {}     # (Result, ExecMainCode, ExecMainStatus) of those that failed
        self.jobs = 0
        self.odd = {}       # what members answer instead: signature and value
        self.silent = set()  # members that do it, and do not answer

    # --- what is asked ---

    def on_message(self, connection, message):
        if not isinstance(message, dbus.lowlevel.MethodCallMessage) or \
                message.get_interface() not in (MANAGER, PROPERTIES):
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        member, args = str(message.get_member()), [str(arg) for arg in message.get_args_list()]
        try:
            answer = getattr(self, member)(message, *args)
        except Refused as e:
            answer = dbus.lowlevel.ErrorMessage(message, *e.args)
        if member in self.odd:
            signature, value = self.odd[member]
            answer = self.reply(message, *([value] if signature else []), signature=signature)
        if member not in self.silent:
            connection.send_message(answer)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    @staticmethod
    def reply(message, *args, signature):
        answer = dbus.lowlevel.MethodReturnMessage(message)
        answer.append(*args, signature=signature)
        return answer

    @staticmethod
    def name_of(unit):
        return unit.split('@')[1].split('.')[0]

    @staticmethod
    def path_of(name):
        return OBJECT + '/unit/' + name

    def LoadUnit(self, message, unit):
        return self.reply(message, self.path_of(self.name_of(unit)), signature='o')

    def Get(self, message, interface, member):
        assert (interface, member) == (SYSTEMD + '.Unit', 'ActiveState')
        name = str(message.get_path()).rsplit('/', 1)[1]
        state = self.states.get(name) or ('activating' if name in self.running else
                                          'failed' if name in self.ended else 'inactive')
        return self.reply(message, dbus.String(state, variant_level=1), signature='v')

    def GetAll(self, message, interface):
        assert interface == SYSTEMD + '.Service'
        # of one that it has thrown away it knows nothing
        result, code, status = self.ended.get(str(message.get_path()).rsplit('/', 1)[1], ('success', 0, 0))
        return self.reply(message, {'Type': 'oneshot', 'Result': result, 'ExecMainStatus': dbus.Int32(status), 'Nice': 5,
                                    'ExecStart': dbus.Array([], signature='s'), 'ExecMainCode': dbus.Int32(code)},
                          signature='a{sv}')

    def StartUnit(self, message, unit, mode):
        self.calls.append(('StartUnit', unit))
        assert mode == 'fail'
        name = self.name_of(unit)
        deed = self.get(name)
        if deed is None:
            raise Refused(SYSTEMD + '.BadUnitSetting', 'Unit %s has a bad unit file setting.' % unit)
        if isinstance(deed, Refused):
            raise deed
        self.jobs += 1
        job, run = OBJECT + '/job/%d' % self.jobs, Run(self.folder, name)
        self.requests.append(run.request)
        self.running[name] = run
        self.ended.pop(name, None)
        threading.Thread(target=self.live, args=(deed, run, unit, job, self.jobs), daemon=True).start()
        return self.reply(message, job, signature='o')

    def StopUnit(self, message, unit, mode):
        self.calls.append(('StopUnit', unit))
        self.running[self.name_of(unit)].stopped.set()
        return self.reply(message, OBJECT + '/job/0', signature='o')

    # --- what is done ---

    def live(self, deed, run, unit, job, number):
        """Its status, the job's word for how it ended, or what systemd knows of that."""
        status = deed(run) or 0
        if isinstance(status, str):
            result = status
        elif status == 0:
            result = 'done'
        else:
            self.ended[run.name] = status if isinstance(status, tuple) else ('exit-code', 1, status)
            result = 'failed'
        GLib.idle_add(self.end, run, unit, job, number, result)

    def end(self, run, unit, job, number, result):
        if self.running.get(run.name) is run:
            del self.running[run.name]
        signal_removed(self.connection, number, job, unit, result)
        return False

    # --- life ---

    def __enter__(self):
        dbus.mainloop.glib.threads_init()
        self.loop = GLib.MainLoop.new(None, False)
        self.begin_anew()
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()
        return self

    def begin_anew(self):
        """Another connection, with all that is under way."""
        self.connection = dbus.bus.BusConnection(self.bus.address, mainloop=dbus.mainloop.glib.DBusGMainLoop())
        self.connection.set_exit_on_disconnect(False)
        self.connection.add_message_filter(self.on_message)
        self.connection.request_name(SYSTEMD)

    def __exit__(self, *_):
        for run in list(self.running.values()):
            run.stopped.set()
        self.loop.quit()
        self.thread.join()
        self.connection.close()


def signal_removed(connection, number, job, unit, result, destination=None):
    signal = dbus.lowlevel.SignalMessage(OBJECT, MANAGER, 'JobRemoved')
    signal.append(dbus.UInt32(number), job, unit, result, signature='uoss')
    if destination:
        signal.set_destination(destination)
    connection.send_message(signal)
