# SPDX-License-Identifier: Apache-2.0
"""The queue alone, beside SQLite, LMDB and a bare loop of write and fdatasync; and commits that come rarely.

  store-N    hublink's queue, N samples a commit, back to back
  sqlite-N   a table in SQLite instead: WAL, synchronous=FULL, N samples a transaction
  lmdb-N     an LMDB tree instead, N samples a transaction
  bare-N     N samples written over old ones, fdatasync, again
  paced-1s   hublink's queue, a commit a second on ext4 as mkfs makes it; paced-10s: one in ten
"""

import threading

from figures.bed import FLUSHES, RATE, WRITTEN
from figures.goal import Goal, ratio, value

PACED = {'paced-1s': (1000, 100), 'paced-10s': (10000, 10)}  # interval in ms, commits

GOALS = [
    Goal('G4', 'device bytes per payload byte, 256 samples a commit', '<=', 1.15, value(WRITTEN, 'store-256'),
         fixed=True),
    Goal('G4', 'device bytes per payload byte, 16 samples a commit', '<=', 1.5, value(WRITTEN, 'store-16'), fixed=True),
    Goal('G4', 'the same against SQLite (WAL, FULL), 256', '<=', 0.5, ratio(WRITTEN, 'store-256', 'sqlite-256'),
         fixed=True),
    Goal('G4', 'the same against SQLite (WAL, FULL), 16', '<=', 0.5, ratio(WRITTEN, 'store-16', 'sqlite-16'),
         fixed=True),
    Goal('G5', 'samples/s against SQLite, 256 a commit', '>=', 1.5, ratio(RATE, 'store-256', 'sqlite-256')),
    Goal('G5', 'samples/s against bare write and fdatasync, 256', '>=', 0.85, ratio(RATE, 'store-256', 'bare-256')),
    Goal('G6', 'flushes per commit, back to back, 256', '<=', 1.05, value(FLUSHES, 'store-256'), fixed=True),
    Goal('G6', 'flushes per commit, back to back, 16', '<=', 1.05, value(FLUSHES, 'store-16'), fixed=True),
    Goal('G6', 'flushes per commit, one a second', '<=', 1.3, value(FLUSHES, 'paced-1s'), fixed=True),
    Goal('G6', 'flushes per commit, one in 10 s', '<=', 3.0, value(FLUSHES, 'paced-10s'), fixed=True),
]


class Part:
    ROUNDS_OF_WARMTH = 1

    def __init__(self, bed):
        self.bed = bed
        # Their flushes are counted by their device: each has one of its own, and they may run at once.
        self.paced = {name: bed.new_volume() for name in PACED}

    def play(self):
        results = {}
        for n, times in ((256, 4), (16, 1)):  # what is quick gets more to do
            for program in ('store', 'sqlite', 'lmdb', 'bare'):
                if self.bed.has(program):
                    name = '%s-%d' % (program, n)
                    shape = ['through'] if program == 'store' else []
                    results[name] = self.bed.run(program, *shape, self.bed.folder(name), n,
                                                 self.bed.options.samples * times)
        results.update(self.play_paced())
        return results

    def play_paced(self):
        results = {}

        def run(name):
            volume, (interval, commits) = self.paced[name], PACED[name]
            folder = volume.path / 'queue'
            folder.mkdir(exist_ok=True)
            results[name] = self.bed.watch(['store', 'paced', folder, interval, commits], volume)

        threads = [threading.Thread(target=run, args=[name]) for name in PACED]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results
