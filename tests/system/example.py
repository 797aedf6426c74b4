# SPDX-License-Identifier: Apache-2.0
"""What the tests of conf/examples share: a gateway to run them at, and a program that runs.

    def test_it(bus, gateway):                                # fixtures: connected to a devhub, as gw-1
        program = Running(bus, [SIGNS / 'python/sign.py'])    # a user in group hublink
        program.wait_for('hublinkd is here')
        program.kill()
"""

import contextlib
import os
import signal
import subprocess
import threading

import pytest

from bus import BUILD, INBOX, METHODS, NAME, PATH, SOURCE, As, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from explorer import Explorer
from gateway_twin import until

EXAMPLES = SOURCE / 'conf/examples'
SIGNS = EXAMPLES / 'responder'
SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; };
'''


class Running:
    """A program in group hublink, and what it says."""

    def __init__(self, bus, command):
        environment = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': bus.address,
                       'PATH': '%s:%s' % (BUILD.resolve() / 'src/ctl', os.environ['PATH'])}
        self.process = subprocess.Popen([*As.SUBMITTER, *map(str, command)], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                                        start_new_session=True)
        self.said = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip('\n'))

    def wait_for(self, line, times=1):
        until(lambda: self.said.count(line) >= times or self.process.poll() is not None)
        assert self.process.poll() is None, self.said

    def has_children(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self):
        """With its children: a pipeline has some."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join(10)
        self.process.stdout.close()


@pytest.fixture
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def gateway(tmp_path, bus, devhub):  # noqa: F811
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.devhub = devhub
        daemon.explorer = Explorer(devhub.directory)
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon


def method(gateway, name):
    rows = gateway.caller.call_blocking(NAME, PATH, METHODS, 'List', '', (), timeout=10)
    return next((tuple(row) for row in rows if row[0] == name), None)


def inbox_is_empty(gateway):
    return not gateway.caller.call_blocking(NAME, PATH, INBOX, 'List', '', (), timeout=10)
