# SPDX-License-Identifier: Apache-2.0
"""How soon hublinkd is there with a million readings in its queue, with a tenth of them, and with none.

Cold: before the start the pages of the queue's files are dropped from memory (posix_fadvise), those of the image below
them as well; programs, libraries and what the file system knows of itself stay.
"""

import gateway
from figures.goal import Goal, value

READY, FIRST = 'ms to ready', 'ms to the first message at the hub'
COLD = '1,000,000 queued, cold'
QUEUED = {'1,000,000 queued': 1000000, '100,000 queued': 100000, 'an empty queue': 0}

GOALS = [
    Goal('G9', 'ms from start to ready, 1,000,000 queued', '<=', 100, value(READY, '1,000,000 queued')),
    Goal('G9', 'ms from start to the first message, 1,000,000 queued', '<=', 500, value(FIRST, '1,000,000 queued')),
    Goal('G9', 'ms to ready that 900,000 more queued add', '<=', 20,
         lambda r: r['1,000,000 queued'][READY] - r['100,000 queued'][READY]),
    Goal('G9 cold', 'ms to ready, 1,000,000 queued, pages dropped (posix_fadvise)', '<=', 100, value(READY, COLD)),
    Goal('G9 cold', 'ms to the first message, the same', '<=', 500, value(FIRST, COLD)),
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
                results[name] = self.start(hub, self.bed.folder(name) if samples else None)
            results[COLD] = self.start(hub, self.bed.folder('1,000,000 queued'), self.bed.volume.forget)
        return results

    def start(self, hub, queue, forget=None):
        ready, first = gateway.start_times(hub, self.bed.volume.path, queue, forget)
        return {READY: ready} | ({} if first is None else {FIRST: first})
