# SPDX-License-Identifier: Apache-2.0
"""org.hublink1 on a real dbus-daemon, with bus-peer in the place of the daemon."""

import collections
import json
import os
import queue
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree

import dbus
import pytest

from bus import BUILD, MANAGER, NAME, PATH, SENSOR, SOURCE, As, PrivateBus

ERROR = 'org.hublink1.Error.'
EPOCH = 0x0123456789abcdef
SENSOR_PATH = PATH + '/sensor/'


class BusPeer:
    """The test program, and both ends of its talk."""

    def __init__(self, address):
        self.process = subprocess.Popen([BUILD / 'tests/system/bus-peer', address], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.log = []
        self.readers = [threading.Thread(target=self.read_output), threading.Thread(target=self.read_log)]
        for reader in self.readers:
            reader.start()

    def read_output(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip())

    def tell(self, command):
        """Returns once it is done, with what was asked meanwhile."""
        asked = []
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        while True:
            line = self.lines.get(timeout=10)
            if line.get('did') == command:
                return asked
            asked.append(line)

    def asked(self):
        """What local services asked since the last question."""
        return self.tell('change')

    def quit(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write('quit\n')
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        code = self.process.wait(10)
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def cpu_seconds(self):
        fields = open('/proc/%d/stat' % self.process.pid).read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


@pytest.fixture
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def peer(bus):
    peer = BusPeer(bus.address)
    bus.wait_for_name()
    yield peer
    assert peer.quit() == 0, peer.log


# ---- the contract ----

def members(interface):
    """All that an interface's XML says, one line each."""
    said = set()
    for member in interface:
        name = '%s %s' % (member.tag, member.get('name'))
        said.add('%s %s %s' % (name, member.get('type', ''), member.get('access', '')))
        for i, arg in enumerate(member.findall('arg')):
            said.add('%s: arg %d %s %s %s' % (name, i, arg.get('name'), arg.get('type'), arg.get('direction', 'out')))
        for a in member.findall('annotation'):
            said.add('%s: %s=%s' % (name, a.get('name'), a.get('value')))
    return said


@pytest.mark.parametrize('name, path', [(MANAGER, PATH), (SENSOR, SENSOR_PATH + 'cpu')])
def test_xml_is_what_the_bus_says(bus, peer, name, path):
    peer.tell('sensor cpu file')
    live = xml.etree.ElementTree.fromstring(bus.connect().call_blocking(
        NAME, path, 'org.freedesktop.DBus.Introspectable', 'Introspect', '', ()))
    written = xml.etree.ElementTree.parse(SOURCE / 'conf/dbus' / (name + '.xml')).getroot()
    find = "interface[@name='%s']" % name
    assert members(written.find(find)) == members(live.find(find))
    assert len(written) == 1 and len(members(written[0])) > 8
    ours = {i.get('name') for i in live if i.get('name', '').startswith(NAME)}
    assert ours == {name}


def test_a_difference_in_the_xml_is_seen():
    written = xml.etree.ElementTree.parse(SOURCE / 'conf/dbus' / (MANAGER + '.xml')).getroot()[0]
    whole = members(written)
    for member in list(written):
        written.remove(member)
        assert members(written) != whole, member.get('name')
        written.append(member)
        assert members(written) == whole
    for element in written.iter():
        for key in ('name', 'type', 'direction', 'access', 'value'):
            if element is not written and key in element.attrib:
                kept = element.get(key)
                element.set(key, 'other')
                assert members(written) != whole, (element.tag, key)
                element.set(key, kept)
