# SPDX-License-Identifier: Apache-2.0
"""What the hub bills: an hour of twelve sensors in virtual time, counted far off by tests/flow/test-billing.c."""

import re
import subprocess

from figures.bed import BUILD
from figures.goal import Goal, value

SAMPLES, FILL = 'samples per billed 4 KiB', '% of what is billed is filled'

GOALS = [
    Goal('G12', 'samples per billed 4 KiB, 12 sensors, JSON array', '>=', 75, value(SAMPLES, 'array'), fixed=True),
    Goal('G12', 'the same, gzip', '>=', 550, value(SAMPLES, 'gzip'), otherwise='hublink sends no compressed bodies'),
    Goal('G12', 'the same, columns and deflate', '>=', 1400, value(SAMPLES, 'columns'),
         otherwise='hublink sends no compressed bodies'),
    Goal('G13', 'percent of the billed 4 KiB that steady load fills', '>=', 95, value(FILL, 'array'), fixed=True),
]


class Part:
    ROUNDS_OF_WARMTH = 0

    def __init__(self, bed):
        pass

    def play(self):
        words = subprocess.run([BUILD / 'tests/flow/test-flow-whole-billing'], check=True, capture_output=True,
                               text=True).stdout
        return {'array': {SAMPLES: float(re.search(r'# G12: ([\d.]+)', words)[1]),
                          FILL: float(re.search(r'# G13: ([\d.]+)', words)[1])}}
