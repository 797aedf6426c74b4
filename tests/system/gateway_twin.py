# SPDX-License-Identifier: Apache-2.0
"""A gateway with a twin, the service's side of it, and a local service's side over D-Bus.

    def test_it(gateway):                  # the fixture: daemon, devhub, bus, explorer; the twin is known
    desire(gateway, {'valve': {'open': True}})
    reported(gateway)                      # as the service sees it

    service = Reporter(bus)
    service.desired('valve')               # parsed; '' is the whole half
    service.report('valve', {'open': True})
    with service.listen() as heard:        # DesiredChanged, by busctl
        section, value, version = heard.next()
"""

import json
import queue
import re
import subprocess
import threading
import time

import pytest

from bus import NAME, PATH, TWIN, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from explorer import Explorer

SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; };
sensors: { wind: { driver = "simulated"; model = "wind"; interval = "30s"; }; };
'''


@pytest.fixture
def gateway(tmp_path, devhub):  # noqa: F811
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.devhub = devhub
        daemon.explorer = Explorer(devhub.directory)
        daemon.start()
        daemon.wait_for_link('connected')
        until(lambda: facts(daemon)['Known'])
        yield daemon


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return got


def facts(gateway):
    return gateway.properties(TWIN)


def desire(gateway, properties):
    gateway.explorer.run('update-twin', 'gw-1', json.dumps({'properties': {'desired': properties}}))


def reported(gateway):
    return gateway.explorer.json('get-twin', 'gw-1')['properties']['reported']


def settings_answers(gateway, version):
    """Once they are of that version."""
    return until(lambda: (lambda s: s if s and all(a['av'] >= version for k, a in s.items() if k != '__t') else None)(
        reported(gateway).get('settings')), 60)


def printed(gateway, key):
    """The line of --print-config with this setting."""
    return [line for line in gateway.run('--print-config').stdout.splitlines() if re.match(r'\s*%s = ' % key, line)]


def error_of(caught):
    return caught.value.get_dbus_name().rsplit('.', 1)[1]


class Reporter:
    def __init__(self, bus):
        self.bus = bus
        self.connection = bus.connect()

    def call(self, member, signature='', args=()):
        return self.connection.call_blocking(NAME, PATH, TWIN, member, signature, args, timeout=20)

    def desired(self, section=''):
        return json.loads(self.call('GetDesired', 's', (section,)))

    def reported(self, section=''):
        return json.loads(self.call('GetReported', 's', (section,)))

    def report(self, section, values):
        self.report_text(section, json.dumps(values))

    def report_text(self, section, text):
        self.call('Report', 'ss', (section, text))

    def listen(self):
        return Listener(self.bus)


class Listener:
    def __init__(self, bus):
        self.process = subprocess.Popen(
            ['dbus-monitor', '--address', bus.address, "type='signal',interface='%s',member='DesiredChanged'" % TWIN],
            stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        # its own name is the first that it hears: from then on it hears everything
        while 'NameAcquired' not in self.lines.get(timeout=20):
            pass

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def _argument(self, kind):
        while not (line := self.lines.get(timeout=20)).startswith('   %s ' % kind):
            pass
        text = line.strip()[len(kind) + 1:]
        return text[1:-1] if kind == 'string' else int(text)

    def next(self):
        while 'member=DesiredChanged' not in self.lines.get(timeout=20):
            pass
        section, value = self._argument('string'), self._argument('string')
        return section, json.loads(value), self._argument('uint64')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join(10)
        self.process.stdout.close()
