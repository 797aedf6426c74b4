# SPDX-License-Identifier: Apache-2.0
"""The official SDKs for Node, unmodified, where a hub of ours lives.

They know no ports but the real ones and ask the system for names: hub and SDK share a network and a hosts file of
their own (namespace.py).

    PROGRAM = 'registry.js'                 # in tests/system/node; its cases are those of harness.js
    globals().update(sdk.cases(PROGRAM))    # def test_...(the_cases), one for each
"""

import contextlib
import json
import os
import pathlib
import queue
import re
import sqlite3
import subprocess
import threading

import pytest

from devhub import PROGRAM as DEVHUB, Devhub
from namespace import Namespace

SOURCE = pathlib.Path(os.environ['HUBLINK_SOURCE'])
PROGRAMS = SOURCE / 'tests/system/node'
NODE = SOURCE / 'build/node/node'
PACKAGES = SOURCE / 'build/node/node_modules'
HOST = 'devhub.localdomain'
PATIENCE = 40  # seconds for one case; harness.js gives up earlier


def policies(hub):
    """The key of each policy, which no command tells but the owner's. None of a hub that is not ours."""
    file = hub.directory / 'devhub.db'
    if not file.exists():
        return {}
    with contextlib.closing(sqlite3.connect(file)) as store:
        return dict(store.execute('SELECT name, primary_key FROM policies'))


def environment(hub, trusts=True):
    made = dict(os.environ, NODE_PATH=str(PACKAGES), NODE_NO_WARNINGS='1', DEVHUB=str(DEVHUB.resolve()),
                DEVHUB_STATE_DIR=str(hub.directory), DEVHUB_POLICIES=json.dumps(policies(hub)))
    made.pop('NODE_EXTRA_CA_CERTS', None)
    if trusts:
        made['NODE_EXTRA_CA_CERTS'] = hub.ca_file
    return made


def start(hub, program, trusts=True, words=(), **pipes):
    """One of the programs in tests/system/node, where the hub lives."""
    return subprocess.Popen(hub.within([NODE, PROGRAMS / program, *words]), env=environment(hub, trusts), text=True,
                            **pipes)


class Program:
    """One that tells what it does, a line of JSON each, until its input ends."""

    def __init__(self, hub, name, *words):
        self.process = start(hub, name, words=words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def tells(self, key):
        """The next line with this member."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            assert line is not None, 'the program ended (%s)' % self.process.wait(10)
            told = json.loads(line)
            assert 'error' not in told, told['error']
            if key in told:
                return told

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()


@pytest.fixture(scope='module')
def hub(tmp_path_factory):
    """On the real ports of a network of its own."""
    folder = tmp_path_factory.mktemp('hub')
    namespace = Namespace(folder, [HOST])
    hub = Devhub(folder / 'hub', HOST, namespace.within)
    hub.port, hub.https_port, hub.amqps_port, hub.amqp_port = 8883, 443, 5671, 5672
    with hub:
        yield hub
    namespace.close()


# --- cases told by a program ---

class Cases:
    """What a program told of its cases so far. It goes on while the first are judged."""

    def __init__(self, hub, program):
        self.told = {}
        self.over = False
        self.lines = queue.Queue()
        self.log = hub.directory / 'program.log'
        with open(self.log, 'w') as log:
            self.process = start(hub, program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def of(self, name):
        while name not in self.told:
            assert not self.over, 'the program ended before the case:\n' + self.log.read_text()
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                line = None
            if line is None:
                self.over = True
                continue
            told = json.loads(line)
            self.told[told['name']] = told
        return self.told[name]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


@pytest.fixture(scope='module')
def the_cases(hub, request):
    cases = Cases(hub, request.module.PROGRAM)
    yield cases
    cases.close()


def _judge(name):
    def judge(the_cases):
        told = the_cases.of(name)
        assert told['ok'], told['error']
    return judge


def cases(program):
    """A test function for each test('name', ...) of the program."""
    names = re.findall(r"^test\('([^']+)'", (PROGRAMS / program).read_text(), re.MULTILINE)
    assert names and len(names) == len(set(names)), program
    return {'test_' + re.sub(r'\W+', '_', name): _judge(name) for name in names}
