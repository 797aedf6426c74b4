# SPDX-License-Identifier: Apache-2.0
"""A hublink-devhub in a folder of its own: started, stopped, killed, asked.

    def test_it(devhub):                    # the fixture: running, on ports of its own
        device = devhub.create('d1')        # .id .key .connection_string
        with devhub.client(device) as c:    # connected; see mqtt.Client
            c.publish(device.topic(), b'1')
        events = devhub.events(count=1)     # waits for one
        totals = devhub.verify()            # {'received': ..., 'unique': ..., 'duplicates': ..., 'gaps': ...}
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import mqtt
from ports import free_port

PROGRAM = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build')) / 'src/devhub/hublink-devhub'
API = '2021-04-12'


class Device:
    """What `device create --json` printed."""

    def __init__(self, host, made):
        self.host = host
        self.id = made['deviceId']
        self.module = made.get('moduleId')
        self.key = made['primaryKey']
        self.secondary_key = made['secondaryKey']
        self.generation_id = made['generationId']
        self.connection_string = made['connectionString']

    @property
    def client_id(self):
        return self.id + ('/' + self.module if self.module else '')

    @property
    def resource(self):
        return '%s/devices/%s' % (self.host, self.id) + ('/modules/' + self.module if self.module else '')

    def username(self, query='api-version=' + API):
        return '%s/%s/?%s' % (self.host, self.client_id, query)

    def token(self, **kwargs):
        return mqtt.token(kwargs.pop('key', self.key), kwargs.pop('resource', self.resource), **kwargs)

    def topic(self, bag=''):
        module = '/modules/' + self.module if self.module else ''
        return 'devices/%s%s/messages/events/%s' % (self.id, module, bag)


class Devhub:
    def __init__(self, directory, host='devhub.localdomain', within=list):
        """within: makes the command line that runs a command where the hub is to live (Namespace.within)."""
        self.within = within
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.host = host
        self.port, self.https_port, self.amqps_port, self.amqp_port = (free_port() for _ in range(4))
        self.process = None
        self.log = self.directory / 'log'

    # --- life ---

    @property
    def ca_file(self):
        return str(self.directory / 'ca.pem')

    def start(self, *options):
        """Returns when it listens."""
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                self.within([PROGRAM, 'serve', '--state-dir', self.directory, '--host', self.host,
                             '--mqtt-port', str(self.port), '--https-port', str(self.https_port),
                             '--amqps-port', str(self.amqps_port), '--amqp-port', str(self.amqp_port), *options]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self._is_ours():
            assert self.process.poll() is None, 'the devhub did not start:\n' + self.log.read_text()
            assert time.monotonic() < deadline, 'the devhub is not ready:\n' + self.log.read_text()
            time.sleep(0.02)
        self.port = self.endpoints()['mqtt_port']
        self.https_port = self.endpoints()['https_port']
        self.amqps_port = self.endpoints()['amqps_port']
        self.amqp_port = self.endpoints()['amqp_port']
        return self

    def _is_ours(self):
        """A file that a killed server left does not count."""
        try:
            return self.endpoints()['pid'] == self.process.pid
        except FileNotFoundError:
            return False

    def endpoints(self):
        return json.loads((self.directory / 'endpoints.json').read_text())

    def stop(self, how=signal.SIGTERM):
        """Returns the exit status."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(20)
        self.process = None
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    # --- commands ---

    def run(self, *words, check=True, timeout=60):
        """Any command; returns the CompletedProcess."""
        done = subprocess.run([PROGRAM, *words, '--state-dir', self.directory], capture_output=True, text=True,
                              timeout=timeout)
        assert not check or done.returncode == 0, done.stderr
        return done

    def create(self, device):
        return Device(self.host, json.loads(self.run('device', 'create', device, '--json').stdout))

    def create_module(self, device, module):
        """With its device."""
        self.create(device)
        return self.create(device + '/' + module)

    def events(self, device=None, count=None, start='start', within=30):
        """The events from there on: those there are, or, with count, as many as soon as they are there."""
        words = ['monitor', *([device] if device else []), '--from', str(start)]
        words += ['--count', str(count), '--for', '%ds' % within] if count else ['--for', '0s']
        return [json.loads(line) for line in self.run(*words, timeout=within + 30).stdout.splitlines()]

    def verify(self, device=None, count=None, within=30):
        """The totals; with count, as soon as so many unique records are there (or the time is up)."""
        words = ['monitor', *([device] if device else []), '--verify']
        words += ['--count', str(count), '--for', '%ds' % within] if count else []
        out = self.run(*words, check=False, timeout=within + 60).stdout
        return {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', out.splitlines()[-1])}

    def fault(self, *words, check=True):
        """devhub.fault('set', 'cut', '--device', 'd1')"""
        return self.run('fault', *words, check=check)

    # --- clients ---

    def open(self, **kwargs):
        """TLS, and nothing said yet."""
        return mqtt.Client('127.0.0.1', self.port, self.ca_file, self.host, **kwargs)

    def client(self, device, query='api-version=' + API, **kwargs):
        """Connected as the device."""
        client = self.open()
        answer = client.connect(device.client_id, device.username(query), device.token(), **kwargs)
        assert answer[1] == 0, 'CONNACK %d\n' % answer[1] + self.log.read_text()
        client.session_present = answer[0]
        return client


@pytest.fixture
def devhub(tmp_path):
    with Devhub(tmp_path / 'hub') as hub:
        yield hub
