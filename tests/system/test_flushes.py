# SPDX-License-Identifier: Apache-2.0
"""However many ask for a receipt each, the disk is flushed so often and no more; and each of them has its answer."""

import subprocess
import threading
import time

from bus import BUILD, MANAGER, NAME, PATH, PrivateBus
from daemon import Daemon

SECONDS = 10
FLUSHES = 21              # in any one second
CLIENTS, RATE = 5, 100    # 500 submits a second together, each client with as many open as it may have
SEQUENTIAL = 3            # clients more, that wait for each answer


class Sequential(threading.Thread):
    """Submits in a tight loop, one after another."""

    def __init__(self, bus, end):
        super().__init__(daemon=True)
        self.connection, self.end = bus.connect(), end
        self.n_answered = 0
        self.start()

    def run(self):
        while time.monotonic() < self.end:
            self.connection.call_blocking(NAME, PATH, MANAGER, 'Submit', 'sa(svt)a{sv}', ('loop', [('v', 1, 0)], {}),
                                          timeout=60)
            self.n_answered += 1


class Samples:
    """Flushes, each with the moments between which it was so many."""

    def __init__(self):
        self.taken = []

    def take(self, daemon):
        before = time.monotonic()
        stats = daemon.properties()['QueueStats']
        self.taken.append((before, time.monotonic(), int(stats['flushes']), int(stats['records'])))

    def worst(self):
        """Of every stretch between two samples: flushes over what its seconds, begun ones included, may have."""
        return max((later[2] - earlier[2]) / FLUSHES / (int(later[1] - earlier[0]) + 1)
                   for i, earlier in enumerate(self.taken) for later in self.taken[i + 1:])


def test_callers_in_tight_loops_do_not_wear_out_the_disk(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure('queue: { max_bytes = "64M"; };\n').start()
        bus.wait_for_name()
        samples = Samples()
        samples.take(daemon)
        began = time.monotonic()
        producers = [subprocess.Popen([BUILD / 'tests/system/producer', bus.address, tmp_path / 'none', str(RATE), '0',
                                       tmp_path / ('accepted-%d' % i)], stdout=subprocess.PIPE, text=True)
                     for i in range(CLIENTS)]
        try:
            loops = [Sequential(bus, began + SECONDS) for _ in range(SEQUENTIAL)]
            while time.monotonic() < began + SECONDS:
                samples.take(daemon)
                time.sleep(0.2)
            for producer in producers:
                producer.terminate()
            told = [dict(word.split('=') for word in producer.communicate(timeout=30)[0].split())
                    for producer in producers]
        finally:
            for producer in producers:
                producer.kill()
                producer.wait()
        for loop in loops:
            loop.join(30)
            assert not loop.is_alive() and loop.n_answered > 0
        samples.take(daemon)

        for client in told:
            assert int(client['refused']) == 0 and client['accepted'] == client['submits'], told
        submitted = sum(int(client['submits']) for client in told) + sum(loop.n_answered for loop in loops)
        assert daemon.ledger()['accepted'] == submitted
        assert submitted > 3 * SECONDS * FLUSHES  # or the bound would not have been put to the test
        assert samples.worst() <= 1, samples.taken
        assert daemon.stop() == 0
