# SPDX-License-Identifier: Apache-2.0
"""A growing file whose lines a `pattern` takes seconds for: the daemon answers meanwhile, and goes on where it was."""

import time

from bus import PrivateBus
from daemon import Daemon

GROUPS, LINES = 4, 4  # lines that are costly, then a good one
SETTINGS = '''
queue: { commit_interval = "100ms"; };
sensors: { meter: { driver = "tail"; path = "%s"; channels: { v: { pattern = "%s"; }; }; }; };
clock: { trust = true; };
'''
PATTERN = '([0-9.]+) *Cel|([0-9.]+) *hPa|([0-9.]+) *%'
COSTLY = b'0' * 8000 + b'\n'  # some 0.4 s; on a machine twenty times as slow it is not given up yet


def test_the_daemon_answers_while_lines_are_looked_through(tmp_path):
    path = tmp_path / 'meter.log'
    path.write_bytes(b''.join(COSTLY * LINES + b'%d Cel\n' % (n + 1) for n in range(GROUPS)))
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (path, PATTERN))
        longest = 0

        def refused_until(n):
            """How many lines were, when the good one of that number came."""
            nonlocal longest
            daemon.start()
            bus.wait_for_name()
            deadline = time.monotonic() + 120
            while True:
                begun = time.monotonic()
                values, refused = daemon.sensor('meter')['Values'], daemon.properties()['Refused']
                longest = max(longest, time.monotonic() - begun)
                assert begun < deadline, daemon.log()
                if values.get('v', 0) >= n:
                    return int(refused.get('malformed', 0))
                daemon.hear(0.05)

        before = refused_until(2)
        daemon.kill()
        after = refused_until(GROUPS)
        assert daemon.stop() == 0
    print('%d of %d lines, %d after a kill; %.2f s for an answer' % (before, GROUPS * LINES, after, longest))
    assert longest < 1.5
    assert after <= (GROUPS - 1) * LINES  # what is known by the first good one is not looked through again
