# SPDX-License-Identifier: Apache-2.0
"""How soon hublinkd is there with a million readings in its queue, with a tenth of them, and with none."""

import gateway
from figures.goal import Goal, value

READY, FIRST = 'ms to ready', 'ms to the first message at the hub'
QUEUED = {'1,000,000 queued': 1000000, '100,000 queued': 100000, 'an empty queue': 0}

GOALS = [
    Goal('G9', 'ms from start to ready, 1,000,000 queued', '<=', 100, value(READY, '1,000,000 queued')),
    Goal('G9', 'ms from start to the first message, 1,000,000 queued', '<=', 500, value(FIRST, '1,000,000 queued')),
    Goal('G9', 'ms to ready that 900,000 more queued add', '<=', 20,
         lambda r: r['1,000,000 queued'][READY] - r['100,000 queued'][READY]),
]


class Part:
    ROUNDS_OF_WARMTH = 1

    def __init__(self, bed):
        self.bed = bed
        for name, samples in QUEUED.items():
            if samples > 0:
                bed.fill(name, samples)

    def play(self):
        results = {}
        with self.bed.hub() as hub:
            for name, samples in QUEUED.items():
                ready, first = gateway.start_times(hub, self.bed.volume.path, self.bed.folder(name) if samples else None)
                results[name] = {READY: ready}
                if first is not None:
                    results[name][FIRST] = first
        return results
