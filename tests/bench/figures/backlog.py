# SPDX-License-Identifier: Apache-2.0
"""A million readings that waited: what they cost in memory, how fast they go out, and what a slow link leaves of it.

  drain        1,000,000 readings, packed toward 4 KiB, from hublink's queue to the hub
  bridge       a mosquitto broker that bridges to the hub, 1,000,000 samples in its memory, one a message
  link of 50 ms, live and backlog: one sample a message through a link of 50 ms there and back, window 16
"""

import contextlib
import sqlite3
import time

import gateway
from bridge import PROGRAM, Bridge
from delay import Delay
from figures.bed import CPU, CPUS, PSS, RATE, SAMPLE_SIZE, credential, pinned
from figures.goal import Goal, ratio, value

BACKLOG = 1000000
SLOW = 4000  # messages
ROUND_TRIP = 0.050
WINDOW = 16
OF_WINDOW = 'of window / RTT'

GOALS = [
    Goal('G7', 'MiB of PSS that a backlog of 1,000,000 adds, hub away', '<=', 1,
         lambda r: r['hublinkd, 1,000,000 queued'][PSS] - r['hublinkd, nothing queued'][PSS], fixed=True, slack=2),
    Goal('G7', 'PSS of hublinkd in MiB while 1,000,000 drain', '<=', 8, value(PSS, 'hublinkd, draining'), fixed=True),
    Goal('G8', 'samples/s of the drain, packed, against the mosquitto bridge', '>=', 10,
         ratio(RATE, 'drain', 'bridge')),
    Goal('G10', 'messages/s on a link of 50 ms, of window / RTT, live', '>=', 0.9,
         value(OF_WINDOW, 'link of 50 ms, live')),
    Goal('G10', 'messages/s on a link of 50 ms, of window / RTT, backlog', '>=', 0.9,
         value(OF_WINDOW, 'link of 50 ms, backlog')),
]


class Part:
    ROUNDS_OF_WARMTH = 0

    def __init__(self, bed):
        self.bed = bed
        bed.fill('1,000,000 queued', BACKLOG)
        bed.fill('slow', SLOW)

    def play(self):
        results = {}
        with self.bed.hub() as hub:
            results['drain'] = self.drain(hub, 'drain-packed', '1,000,000 queued', BACKLOG, '127.0.0.1:%d' % hub.port)
            with Delay(hub.port, ROUND_TRIP / 2) as delay:
                address = '127.0.0.1:%d' % delay.port
                for name, figures in (
                        ('link of 50 ms, live', self.bed.run('road', 'one', self.bed.folder('slow-live'),
                                                             self.login(hub), hub.ca_file, address, SLOW)),
                        ('link of 50 ms, backlog', self.drain(hub, 'drain-one', 'slow', SLOW, address))):
                    results[name] = {**figures, OF_WINDOW: figures[RATE] / (WINDOW / ROUND_TRIP)}
        with self.bed.hub() as hub:
            results['hublinkd, draining'] = {
                PSS: gateway.memory_while_draining(hub, self.bed.volume.path, self.bed.folder('1,000,000 queued'))}
            hub.stop()
            results['hublinkd, nothing queued'] = {PSS: gateway.memory_while_away(hub, self.bed.volume.path)}
            results['hublinkd, 1,000,000 queued'] = {
                PSS: gateway.memory_while_away(hub, self.bed.volume.path, self.bed.folder('1,000,000 queued'))}
        if PROGRAM:
            with self.bed.hub() as hub:
                results['bridge'] = self.bridge(hub)
        return results

    def login(self, hub):
        return credential(hub.directory, hub.create('d%d' % time.monotonic_ns()))

    def drain(self, hub, how, queue, samples, address):
        """Of a copy: what is drained is gone."""
        folder = self.bed.copy(queue)
        return self.bed.run('road', how, folder, self.login(hub), hub.ca_file, address, samples)

    def bridge(self, hub):
        device = hub.create('bridge')
        hub.stop()
        with Bridge(hub.directory, device, hub, lambda command: pinned(command, CPUS[-1])) as bridge:
            bridge.fill(BACKLOG, SAMPLE_SIZE)
            memory, cpu = gateway.pss_mib(bridge), bridge.cpu_seconds()
            hub.start()
            while (stored := events_of(hub))[0] < BACKLOG:
                time.sleep(0.5)
            cpu = bridge.cpu_seconds() - cpu
        return {RATE: stored[0] / (stored[2] - stored[1]), CPU: cpu * 1e6 / BACKLOG, PSS: memory}


def events_of(hub):
    """(how many, when the first came, when the last came), without troubling the hub."""
    with contextlib.closing(sqlite3.connect('file:%s/devhub.db?mode=ro' % hub.directory, uri=True)) as db:
        n, first, last = db.execute('SELECT count(*), min(enqueued_usec), max(enqueued_usec) FROM events').fetchone()
    return n, (first or 0) / 1e6, (last or 0) / 1e6
