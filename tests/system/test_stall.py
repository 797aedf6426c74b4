# SPDX-License-Identifier: Apache-2.0
"""A disk that does not answer for half a minute, with a real daemon: it goes on, says so, and nothing is lost."""

import threading
import time

import pytest

from bus import MANAGER, NAME, PATH, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from volume import Unavailable, Volume

STALL = 32  # seconds

SETTINGS = '''
queue: { max_bytes = "16M"; min_free = "1M"; };
streams: { telemetry: { max_latency = "200ms"; }; };
clock: { trust = true; };
sensors: { load: { driver = "file"; path = "/proc/loadavg"; interval = "1s"; channels: { one: { field = 1; }; }; }; };
'''


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        try:
            volume = Volume(tmp_path / 'disk', daemon.state)
        except Unavailable as e:
            pytest.skip(str(e))
        with volume:
            daemon.volume = volume
            daemon.within = volume.within
            yield daemon
            if daemon.process:  # before its disk goes
                daemon.kill()


class Caller(threading.Thread):
    """A Submit that waits as long as the disk does."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.connection = daemon.bus.connect()
        self.answer = None
        self.start()

    def run(self):
        self.answer = self.connection.call_blocking(NAME, PATH, MANAGER, 'Submit', 'sa(svt)a{sv}',
                                                    ('test', [('v', 1, 0)], {}), timeout=3 * STALL)


def times(devhub):
    """Of the sensor's readings, in seconds."""
    return sorted(reading['t'] / 1000 for event in devhub.events('d1') for reading in event['body']
                  if reading['s'] == 'load')


def test_the_disk_stalls_for_half_a_minute(daemon, devhub):
    daemon.configure(SETTINGS).hub(devhub, devhub.create('d1')).start()
    daemon.wait_for_link('connected')
    daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 2, 'readings')
    assert daemon.properties()['DiskError'] == ''

    slowest, told = 0, ''
    daemon.volume.freeze()
    frozen = time.time()
    caller = Caller(daemon)
    try:
        while time.time() < frozen + STALL:
            asked = time.monotonic()
            told = str(daemon.properties()['DiskError']) or told
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.5)
        assert caller.answer is None  # it is on disk when it is answered
    finally:
        daemon.volume.thaw()
    thawed = time.time()
    assert slowest < 5, slowest
    assert 'has not ended since' in told and 'the disk stalls' in told, told

    caller.join(20)
    assert caller.answer is not None and caller.answer[0] == 'telemetry'
    daemon.wait_for_properties(lambda p: p['DiskError'] == '', 'disk well again')
    ledger = daemon.settle()
    assert ledger['dropped'] == ledger['dead_lettered'] == 0
    totals = devhub.verify('d1')
    assert totals['gaps'] == 0 and totals['unique'] == ledger['acknowledged'], (totals, ledger)

    taken = [t for t in times(devhub) if frozen - 1 < t < thawed + 1]
    assert max(b - a for a, b in zip(taken, taken[1:])) < 5, taken
    assert len(taken) > 0.8 * (thawed - frozen), taken
    log = daemon.log()
    assert log.count('the disk stalls') == 1 and log.count('can be written to again') == 1, log
    assert daemon.stop() == 0
