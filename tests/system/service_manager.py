# SPDX-License-Identifier: Apache-2.0
"""A machine's /etc of its own, and something that answers on the bus as systemd does and runs hublinkd as its unit says.

    with Machine(tmp_path) as machine, machine.manager(bus, daemon):
        machine.run([CTL, ...])         # sees machine.etc as /etc
    machine.calls                       # [('Reload',), ('RestartUnit', 'hublinkd.service', 'replace'), ...]

The manager hands over credentials as the drop-in says; what another unit is to open is opened by systemd-creds.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import threading

PRIVATE_ROOT = pathlib.Path(__file__).parent / 'private-root'
SYSTEMD = 'org.freedesktop.systemd1'
OBJECT = '/org/freedesktop/systemd1'
MANAGER = SYSTEMD + '.Manager'


def allow(bus):
    """Before the bus starts: its place on the bus is root's."""
    (bus.directory / 'others' / 'systemd.conf').write_text(
        '<busconfig><policy user="root"><allow own="%s"/></policy>'
        '<policy context="default"><allow send_destination="%s"/></policy></busconfig>\n' % (SYSTEMD, SYSTEMD))


class Machine:
    def __init__(self, folder):
        self.etc = folder / 'etc'
        # its users and names, and what programs need to run: not all of the machine's
        self.etc.mkdir()
        for name in 'passwd group gshadow shadow hosts nsswitch.conf ld.so.cache ld.so.conf ssl machine-id'.split():
            if os.path.isdir('/etc/' + name):
                shutil.copytree('/etc/' + name, self.etc / name, symlinks=True)
            elif os.path.exists('/etc/' + name):
                shutil.copy('/etc/' + name, self.etc / name)
        (self.etc / 'alternatives').symlink_to('/nonexistent')
        self.hublink = self.etc / 'hublink'
        self.dropins = self.etc / 'systemd/system/hublinkd.service.d'
        self.credentials = folder / 'credentials'
        self.keys = folder / 'keys'  # what is encrypted for the machine is encrypted by these
        self.keys.mkdir()
        self.calls = []
        self.result = 'done'
        (self.hublink / 'state').mkdir(parents=True)  # that of hublinkd, which runs outside
        self.holder = subprocess.Popen(
            [PRIVATE_ROOT, '--', 'sh', '-ec',
             'mount --bind "$1" /etc; mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/systemd /var/lib/hublink; '
             'mount --bind "$2" /var/lib/systemd; mount --bind "$1/hublink/state" /var/lib/hublink; echo ready; exec cat',
             'sh', str(self.etc), str(self.keys)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b'ready\n'

    def within(self, command):
        return ['nsenter', '--target', str(self.holder.pid), '--mount', '--root', '--wdns=' + os.getcwd(), '--',
                *map(str, command)]

    def run(self, command, stdin='', **kwargs):
        return subprocess.run(self.within(command), input=stdin, capture_output=True, text=True, timeout=50, **kwargs)

    def hand_over(self):
        """As systemd does it before a start. The environment that the unit sets."""
        shutil.rmtree(self.credentials, ignore_errors=True)
        self.credentials.mkdir(mode=0o700)
        unit = self.dropins / 'credential.conf'
        text = unit.read_text() if unit.exists() else ''
        openers = re.findall(r'^Wants=hublink-credential@(.*)\.service$', text, re.M)
        defaults = dict(re.findall(r'^SetCredential=([^:]*):(.*)$', text, re.M))
        for name, path in re.findall(r'^LoadCredential=([^:]*):(.*)$', text, re.M):
            command = ['cat', path]
            if path == '/run/hublink-credential-%s/opened' % name:
                assert name in openers
                command = ['systemd-creds', 'decrypt', '--name=' + name, '/etc/hublink/%s.cred' % name, '-']
            opened = subprocess.run(self.within(command), capture_output=True, check=False)
            assert opened.returncode == 0 or name in defaults, 'systemd would not start hublinkd: ' + text
            (self.credentials / name).write_bytes(opened.stdout if opened.returncode == 0 else defaults[name].encode())
        return dict(re.findall(r'^Environment=([^=]*)=(.*)$', text, re.M))

    def start_unit(self, daemon, restart):
        if daemon.is_running():
            daemon.stop()
        elif not restart:
            return
        daemon.environment.pop('HUBLINK_CREDENTIAL_ID', None)
        daemon.environment.update(self.hand_over())
        daemon.environment['CREDENTIALS_DIRECTORY'] = str(self.credentials)
        daemon.start()

    @contextlib.contextmanager
    def manager(self, bus, daemon):
        import dbus.bus
        import dbus.lowlevel
        import dbus.mainloop.glib
        from gi.repository import GLib
        dbus.mainloop.glib.threads_init()
        loop = GLib.MainLoop.new(None, False)
        connection = dbus.bus.BusConnection(bus.address, mainloop=dbus.mainloop.glib.DBusGMainLoop())

        def on_message(connection, message):
            if message.get_interface() != MANAGER or not isinstance(message, dbus.lowlevel.MethodCallMessage):
                return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
            member = str(message.get_member())
            self.calls.append((member, *map(str, message.get_args_list()[:2])))
            answer = dbus.lowlevel.MethodReturnMessage(message)
            if member == 'EnableUnitFiles':
                answer.append(True, dbus.Array([], signature='(sss)'), signature='ba(sss)')
            job = OBJECT + '/job/%d' % len(self.calls)
            if member in ('RestartUnit', 'TryRestartUnit'):
                answer.append(job, signature='o')
            connection.send_message(answer)
            if member in ('RestartUnit', 'TryRestartUnit'):
                if self.result == 'done':
                    self.start_unit(daemon, member == 'RestartUnit')
                signal = dbus.lowlevel.SignalMessage(OBJECT, MANAGER, 'JobRemoved')
                signal.append(len(self.calls), job, 'hublinkd.service', self.result, signature='uoss')
                connection.send_message(signal)
            return dbus.lowlevel.HANDLER_RESULT_HANDLED

        connection.add_message_filter(on_message)
        connection.request_name(SYSTEMD)
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            yield self
        finally:
            loop.quit()
            thread.join()
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.stdin.close()
        self.holder.wait(10)
        self.holder.stdout.close()
