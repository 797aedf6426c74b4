# SPDX-License-Identifier: Apache-2.0
"""Kills the daemon at random moments under 2,000 readings a second, and asks where everything went.

HUBLINK_KILLS: how often (20; the campaign asks for 100). HUBLINK_SEED: to repeat a run; it is printed.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub
from seed import SEED

BUILD = pathlib.Path(os.environ['HUBLINK_BUILD'])
KILLS = int(os.environ.get('HUBLINK_KILLS', '20'))

SUBMITS, DATAGRAMS = 400, 1600  # a second
WINDOW = 16                     # messages
CHECKPOINT_INTERVAL = 10        # seconds


SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "500ms"; };
streams: { telemetry: { max_latency = "200ms"; }; };
sensors: { apps: { driver = "socket"; listen = "unix-dgram:%s"; }; };
clock: { trust = true; };
'''


class Producer:
    """tests/system/producer.c: goes on whatever becomes of the daemon."""

    def __init__(self, bus, socket, accepted):
        self.process = subprocess.Popen(
            [BUILD / 'tests/system/producer', bus.address, socket, str(SUBMITS), str(DATAGRAMS), accepted],
            stdout=subprocess.PIPE, text=True)

    def stop(self):
        """What it tells of itself."""
        self.process.send_signal(signal.SIGTERM)
        return dict(word.split('=') for word in self.process.communicate(timeout=15)[0].split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Arrived:
    """What the hub holds: the submitted numbers, and how many records the largest message had."""

    def __init__(self, events):
        self.submitted = set()
        self.largest_pack = 0
        for event in events:
            first, last = re.search(r'\.(\d+)-(\d+)$', event['system']['message-id']).groups()
            self.largest_pack = max(self.largest_pack, int(last) - int(first) + 1)
            self.submitted.update(reading['k'] for reading in event['body'] if reading['s'] == 'submitted')


def test_nothing_accepted_is_lost(tmp_path):
    dice = random.Random(SEED)
    print('HUBLINK_SEED=%d' % SEED, file=sys.stderr)
    socket, accepted = tmp_path / 'in.sock', tmp_path / 'accepted'
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % socket)
        daemon.hub(devhub, devhub.create('kill'))
        daemon.start()
        with Producer(bus, socket, accepted) as producer:
            for _ in range(KILLS):
                time.sleep(dice.uniform(0.05, 1.2))
                daemon.kill()
                daemon.start()  # returns when READY: the queue has opened
            time.sleep(0.5)
            told = producer.stop()
        ledger = daemon.settle()
        assert daemon.stop() == 0
        totals, arrived = devhub.verify(), Arrived(devhub.events())
    receipts = {int(line) for line in accepted.read_text().split()}
    bound = KILLS * (WINDOW * arrived.largest_pack + (SUBMITS + DATAGRAMS) * CHECKPOINT_INTERVAL)
    print('kills=%d %s %s receipts=%d largest_pack=%d duplicates<=%d ledger=%s'
          % (KILLS, told, totals, len(receipts), arrived.largest_pack, bound, ledger), file=sys.stderr)

    assert len(receipts) > KILLS * 20, 'hardly any Submit was answered: the test shows nothing'
    assert receipts <= arrived.submitted, 'lost: %s' % sorted(receipts - arrived.submitted)[:20]
    assert totals['gaps'] == 0
    assert totals['duplicates'] <= bound
    assert ledger['accepted'] == ledger['acknowledged'] == totals['unique']
