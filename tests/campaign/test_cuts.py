# SPDX-License-Identifier: Apache-2.0
"""Cuts the power of a whole machine in the midst of its writing, again and again: what was answered is there.

HUBLINK_CUTS: how often (20). HUBLINK_SEED: to repeat a run; it is printed.
"""

import os
import random
import sys
import time

from devhub import Devhub
from machine import Machine
from test_kill import Arrived

CUTS = int(os.environ.get('HUBLINK_CUTS', '20'))
SEED = int(os.environ.get('HUBLINK_SEED', random.randrange(1 << 32)))

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "200ms"; max_bytes = "48M"; };
streams: { telemetry: { max_latency = "200ms"; }; };
sensors: { apps: { driver = "socket"; listen = "unix-dgram:/run/in.sock"; }; };
clock: { trust = true; };
'''


def test_nothing_answered_is_lost_when_the_power_goes(tmp_path):
    dice = random.Random(SEED)
    print('HUBLINK_SEED=%d' % SEED, file=sys.stderr)
    receipts = set()
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'cuts') as machine:
        machine.make_disk()
        machine.configure(SETTINGS, devhub, devhub.create('cut'))
        for cut in range(CUTS):
            if cut % 3 == 1:  # it stays away for two boots: then there is a backlog
                devhub.stop()
            elif cut % 3 == 0 and cut > 0:
                devhub.start()
            (machine.job / 'boot').write_text('%d\n' % cut)
            machine.start()
            machine.wait_for('accepted.%d' % cut, lines=dice.randrange(1, 400))
            time.sleep(dice.uniform(0, 0.3))
            machine.cut()
            receipts |= machine.receipts('accepted.%d' % cut)
        if not devhub.process:
            devhub.start()
        (machine.job / 'last').touch()
        assert machine.start().wait() == 0, machine.words()
        ledger, log = machine.ledger(), machine.read('daemon.log')
        totals, arrived = devhub.verify(), Arrived(devhub.events())
    print('cuts=%d receipts=%d %s ledger=%s' % (CUTS, len(receipts), totals, ledger), file=sys.stderr)

    assert len(receipts) > CUTS * 20, 'hardly any Submit was answered: the test shows nothing'
    assert receipts <= arrived.submitted, 'lost: %s' % sorted(receipts - arrived.submitted)[:20]
    assert totals['gaps'] == 0
    assert ledger['accepted'] == ledger['acknowledged'] == totals['unique'], log[-3000:]
    assert ledger['dropped'] == ledger['dead_lettered'] == ledger['waiting'] == 0
