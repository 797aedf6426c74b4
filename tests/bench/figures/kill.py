# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under 2,000 readings a second: tests/system/test_kill.py, which fails when one is lost."""

import os
import re
import subprocess
import sys

from figures.bed import BUILD
from figures.goal import Goal, value

SOURCE = os.path.join(os.path.dirname(__file__), '../../system')
LOST, BOUND = 'lost of those accepted', 'duplicates as a part of what the window allows'

GOALS = [
    Goal('G11', 'accepted samples that kill -9 lost', '<=', 0, value(LOST, 'kills'), fixed=True),
    Goal('G11', 'duplicates, of as many as window x pack + ack interval allow', '<=', 1, value(BOUND, 'kills'),
         fixed=True),
]


class Part:
    ROUNDS_OF_WARMTH = 0
    ONCE = True  # it has rounds of its own

    def __init__(self, bed):
        self.kills = bed.options.kills

    def play(self):
        done = subprocess.run([os.path.join(SOURCE, 'run-pytest'), '-s', os.path.join(SOURCE, 'test_kill.py')],
                              check=False,
                              capture_output=True, text=True, env={**os.environ, 'HUBLINK_KILLS': str(self.kills),
                                                                   'HUBLINK_BUILD': str(BUILD)})
        totals = re.search(r"'duplicates': (\d+).* duplicates<=(\d+) ledger=.*'accepted': (\d+)", done.stderr)
        if not totals:
            sys.exit('compare: test_kill failed: ' + done.stderr[-2000:])
        duplicates, bound, accepted = map(int, totals.groups())
        # The test itself holds every receipt and the hub's count against the ledger.
        return {'kills': {'kills': self.kills, 'accepted': accepted, 'duplicates': duplicates,
                          LOST: 0 if done.returncode == 0 else float('inf'), BOUND: duplicates / bound}}
