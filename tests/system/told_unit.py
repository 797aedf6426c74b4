# SPDX-License-Identifier: Apache-2.0
"""A systemd that only tells of hublinkd.service, on a private bus.

    with ToldUnit(bus, ActiveState='failed', Result='exit-code', ExecMainStatus=78):
        ...
"""

import threading

from service_manager import MANAGER, OBJECT, SYSTEMD

UNIT = OBJECT + '/unit/hublinkd_2eservice'


class ToldUnit:
    def __init__(self, bus, **told):
        self.bus = bus
        self.told = {'LoadState': 'loaded', 'ActiveState': 'inactive', 'SubState': 'dead', 'Result': 'success',
                     'ExecMainStatus': 0, 'NRestarts': 0, 'NeedDaemonReload': False, **told}

    def on_message(self, connection, message):
        import dbus
        import dbus.lowlevel
        if not isinstance(message, dbus.lowlevel.MethodCallMessage):
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        answer, words = dbus.lowlevel.MethodReturnMessage(message), message.get_args_list()
        if (message.get_interface(), message.get_member()) == (MANAGER, 'LoadUnit'):
            assert words == ['hublinkd.service']
            answer.append(UNIT, signature='o')
        elif message.get_member() == 'Get' and message.get_path() == UNIT:
            value = self.told[words[1]]
            types = {'ExecMainStatus': dbus.Int32, 'NRestarts': dbus.UInt32, 'NeedDaemonReload': dbus.Boolean}
            answer.append(types.get(words[1], dbus.String)(value), signature='v')
        else:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        connection.send_message(answer)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def __enter__(self):
        import dbus.bus
        import dbus.mainloop.glib
        from gi.repository import GLib
        dbus.mainloop.glib.threads_init()
        self.loop = GLib.MainLoop.new(None, False)
        self.connection = dbus.bus.BusConnection(self.bus.address, mainloop=dbus.mainloop.glib.DBusGMainLoop())
        self.connection.add_message_filter(self.on_message)
        self.connection.request_name(SYSTEMD)
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.quit()
        self.thread.join()
        self.connection.close()
