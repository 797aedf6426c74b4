# SPDX-License-Identifier: Apache-2.0
"""A local service's side of the twin, over D-Bus.

    service = Reporter(bus)
    service.desired('valve')               # parsed; '' is the whole half
    service.report('valve', {'open': True})
    with service.listen() as heard:        # DesiredChanged, by busctl
        section, value, version = heard.next()
"""

import json
import queue
import subprocess
import threading

from bus import NAME, PATH, TWIN


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
