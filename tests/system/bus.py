# SPDX-License-Identifier: Apache-2.0
"""A private dbus-daemon with the rules of a system bus and our own policy.

    with PrivateBus() as bus:
        subprocess.Popen([..., '--bus', bus.address])
        manager = bus.connect().get_object('org.hublink1', '/org/hublink1')

The policy is conf/dbus/org.hublink1.conf, with two of every machine's groups in the place of hublink and
hublink-admin, which exist only where hublink is installed. `As` tells how to run a program as one of their users.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import dbus
import dbus.bus

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))
POLICY = SOURCE / 'conf/dbus/org.hublink1.conf'

NAME = 'org.hublink1'
PATH = '/org/hublink1'
MANAGER = 'org.hublink1.Manager'
SENSOR = 'org.hublink1.Sensor'
DEAD_LETTERS = 'org.hublink1.DeadLetters'
INBOX = 'org.hublink1.Inbox'
TWIN = 'org.hublink1.Twin'
METHODS = 'org.hublink1.Methods'
RESPONDER = 'org.hublink1.Responder'

# The bus asks the user database which groups a client is in: users whose own group stands in for ours.
STAND_IN = {'hublink': 'daemon', 'hublink-admin': 'bin'}

CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%(directory)s/socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <servicedir>%(directory)s/services</servicedir>
  <include>%(directory)s/org.hublink1.conf</include>
  <includedir>%(directory)s/others</includedir>
</busconfig>
'''


class As:
    """Prefixes of a command line: run it as one of these."""
    ROOT = []
    NOBODY = ['setpriv', '--reuid=nobody', '--regid=65534', '--clear-groups']
    SUBMITTER = ['setpriv', '--reuid=daemon', '--regid=daemon', '--clear-groups']
    ADMIN = ['setpriv', '--reuid=bin', '--regid=bin', '--clear-groups']


def our_policy():
    text = POLICY.read_text()
    for group, stand_in in STAND_IN.items():
        text, n = re.subn('group="%s"' % group, 'group="%s"' % stand_in, text)
        assert n > 0, 'no rules for group ' + group
    return text


class PrivateBus:
    def __init__(self):
        # not pytest's tmp_path: other users have to reach the socket
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='hublink-bus-'))
        self.directory.chmod(0o755)
        self.address = 'unix:path=%s/socket' % self.directory
        self.process = None
        self.options = []  # of dbus-daemon
        self.connections = []
        (self.directory / 'org.hublink1.conf').write_text(our_policy())
        (self.directory / 'services').mkdir()
        (self.directory / 'others').mkdir()
        (self.directory / 'bus.conf').write_text(CONFIG % {'directory': self.directory})

    def activatable(self, name, command):
        """A service that the bus starts on demand, as root. Before the bus itself starts."""
        (self.directory / 'services' / (name + '.service')).write_text(
            '[D-BUS Service]\nName=%s\nExec=%s\nUser=root\n' % (name, command))
        (self.directory / 'others' / (name + '.conf')).write_text(
            '<busconfig><policy user="root"><allow own="%s"/></policy></busconfig>\n' % name)

    def start(self):
        assert not self.process
        (self.directory / 'socket').unlink(missing_ok=True)
        with open(self.directory / 'log', 'a') as log:
            self.process = subprocess.Popen(
                ['dbus-daemon', '--config-file=%s/bus.conf' % self.directory, '--nofork', '--nopidfile',
                 '--print-address=1', *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        if not self.process.stdout.readline():
            raise RuntimeError('dbus-daemon did not start: ' + self.log())
        return self

    def stop(self, signum=signal.SIGTERM):
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        if self.process:
            self.process.send_signal(signum)
            self.process.wait(10)
            self.process.stdout.close()
            self.process = None

    def log(self):
        return (self.directory / 'log').read_text()

    def connect(self):
        """A connection of its own, which does not end the test when the bus does."""
        connection = dbus.bus.BusConnection(self.address)
        connection.set_exit_on_disconnect(False)
        self.connections.append(connection)
        return connection

    def wait_for_name(self, name=NAME, present=True, seconds=10):
        connection = self.connect()
        deadline = time.monotonic() + seconds
        while connection.name_has_owner(name) != present:
            assert time.monotonic() < deadline, '%s %s after %s s' % (
                name, 'is not there' if present else 'is still there', seconds)
            time.sleep(0.02)

    def properties(self, interface=MANAGER, path=PATH):
        """All properties, by a call."""
        return self.connect().call_blocking(NAME, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', [interface])

    def call(self, member, signature='', args=(), timeout=10):
        """A method of the Manager."""
        return self.connect().call_blocking(NAME, PATH, MANAGER, member, signature, args, timeout=timeout)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
