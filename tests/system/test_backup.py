# SPDX-License-Identifier: Apache-2.0
"""Backed up, run on, restored, run on: no number means two things, and nothing is missed or taken for seen."""

import shutil
import subprocess
import time

import pytest

from bus import MANAGER, NAME, PATH, PrivateBus
from daemon import Daemon
from devhub import Devhub

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "100ms"; max_bytes = "%s"; };
streams: { telemetry: { max_latency = "100ms"; }; };
clock: { trust = true; };
'''


class Gateway:
    """A daemon and its hub; what it was given, and what the hub has of it."""

    def __init__(self, tmp_path, bus, devhub, max_bytes='256M'):
        self.devhub = devhub
        self.daemon = Daemon(tmp_path / 'gateway', bus)
        self.daemon.configure(SETTINGS % max_bytes)
        self.daemon.hub(devhub, devhub.create('gw'))
        self.queue = self.daemon.state / 'queue'
        self.copies = tmp_path
        self.given = []

    def submit(self, n):
        for _ in range(n):
            self.given.append(len(self.given))
            self.daemon.submit({'k': float(self.given[-1])})

    def start(self):
        self.daemon.start()
        self.daemon.bus.wait_for_name()

    def run(self, n):
        """Starts, hands in n readings, waits until the hub has them, stops."""
        self.start()
        self.submit(n)
        self.daemon.settle()
        assert self.daemon.stop() == 0

    def back_up(self, name):
        subprocess.run(['cp', '-a', self.queue, self.copies / name], check=True)

    def restore(self, name):
        shutil.rmtree(self.queue)
        subprocess.run(['cp', '-a', self.copies / name, self.queue], check=True)

    def arrived(self):
        return {int(reading['k']) for event in self.devhub.events() if isinstance(event['body'], list)
                for reading in event['body'] if 'k' in reading}


@pytest.fixture
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def devhub(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub:
        yield devhub


def test_a_backup_restored(tmp_path, bus, devhub):
    gateway = Gateway(tmp_path, bus, devhub)
    gateway.run(20)
    gateway.back_up('copy')
    gateway.run(30)  # delivered under numbers that the copy knows nothing of
    gateway.restore('copy')
    gateway.run(40)  # and those numbers once more, under another epoch
    totals = devhub.verify()
    assert totals['gaps'] == 0
    assert totals['duplicates'] == 0, 'a reading after the restore was taken for one before it'
    assert totals['unique'] == 90
    assert gateway.arrived() == set(gateway.given)


def test_a_backup_with_a_backlog_restored_twice(tmp_path, bus, devhub):
    gateway = Gateway(tmp_path, bus, devhub)
    gateway.run(10)
    devhub.stop()
    gateway.start()
    gateway.submit(15)
    assert gateway.daemon.stop() == 0
    gateway.back_up('backlog')
    devhub.start()
    gateway.run(5)  # the backlog goes up, and five more
    before = devhub.verify()
    assert before == {**before, 'unique': 30, 'gaps': 0}
    for again in range(2):
        gateway.restore('backlog')
        gateway.run(7)
        totals = devhub.verify()
        # what waited in the copy goes up again under its own names: duplicates, and known to be
        assert totals['duplicates'] == before['duplicates'] + 15 * (again + 1)
        assert totals['unique'] == 30 + 7 * (again + 1)
        assert totals['gaps'] == 0
    assert gateway.arrived() == set(gateway.given)


def test_an_older_copy_after_drops(tmp_path, bus, devhub):
    gateway = Gateway(tmp_path, bus, devhub, max_bytes='4M')
    gateway.run(10)
    gateway.back_up('old')
    devhub.stop()
    gateway.start()
    for call in range(400):  # readings of many times in one call: each call waits for its commit
        if gateway.daemon.ledger()['dropped'] > 0:
            break
        gateway.daemon.caller.call_blocking(NAME, PATH, MANAGER, 'Submit', 'sa(svt)a{sv}', (
            'test', [('note', 'x' * 3000, (1700000000 + call * 16 + i) * 1000000) for i in range(16)], {}))
    assert gateway.daemon.ledger()['dropped'] > 0
    assert gateway.daemon.stop() == 0
    devhub.start()
    gateway.start()
    gateway.submit(5)
    deadline = time.monotonic() + 20
    while devhub.verify()['gaps'] > 0:  # a notice comes some seconds after what it tells of
        assert time.monotonic() < deadline, 'a drop that its notice explains is no gap'
        time.sleep(0.5)
    gateway.daemon.settle()
    assert gateway.daemon.stop() == 0
    totals = devhub.verify()
    gateway.restore('old')
    gateway.run(25)
    after = devhub.verify()
    assert after['gaps'] == 0
    assert after['duplicates'] == totals['duplicates']
    assert after['unique'] == totals['unique'] + 25
    assert gateway.arrived() == set(gateway.given)
