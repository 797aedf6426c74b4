# SPDX-License-Identifier: Apache-2.0
"""A growing file with rotation of both kinds, while the daemon is killed: each line arrives, and none is two readings.

HUBLINK_TAIL_LINES, HUBLINK_TAIL_KILLS: how many (100,000 and 5; the campaign asks for 1,000,000 and 50). HUBLINK_SEED: to
repeat a run; it is printed.
"""

import os
import pathlib
import random
import re
import shutil
import sys
import threading
import time

from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub
from seed import SEED

LINES = int(os.environ.get('HUBLINK_TAIL_LINES', '100000'))
KILLS = int(os.environ.get('HUBLINK_TAIL_KILLS', '5'))

KEPT = 200  # rotated files

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "200ms"; };
streams: { telemetry: { max_latency = "200ms"; }; };
sensors: { meter: { driver = "tail"; path = "%s"; max_rate = 0; %s }; };
clock: { trust = true; };
'''


class Log:
    """A file that is written to, and rotated as logrotate does it: shifted, then renamed or copied."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, 'ab', buffering=0)
        self.rotations = {'rename': 0, 'copy': 0}

    def write(self, data):
        self.file.write(data)

    def _rotated(self, i):
        return pathlib.Path('%s.%d' % (self.path, i))

    def rotate(self, how):
        for i in range(KEPT, 0, -1):
            if self._rotated(i).exists():
                assert i < KEPT, 'more rotated files than are kept: the test would lose lines by itself'
                self._rotated(i).rename(self._rotated(i + 1))
        if how == 'rename':
            self.path.rename(self._rotated(1))
            self.file.close()
            self.file = open(self.path, 'ab', buffering=0)
        else:
            shutil.copyfile(self.path, self._rotated(1))
            self.file.truncate(0)
        self.rotations[how] += 1


class Writer(threading.Thread):
    """LINES lines in chunks that end anywhere; a file is rotated between lines."""

    def __init__(self, log, dice, a_rotation):
        super().__init__()
        self.log, self.dice, self.a_rotation = log, dice, a_rotation
        self.written = 1
        self.wait = 0.0
        self.start()

    def run(self):
        next_rotation = self.a_rotation
        while self.written < LINES:
            n = min(self.dice.choice((1, 3, 40, 400)), LINES - self.written)
            data = b''.join(b'{"k":%d}\n' % (self.written + i + 1) for i in range(n))
            cut = self.dice.randrange(len(data) + 1)
            self.log.write(data[:cut])
            if self.dice.random() < 0.05:
                time.sleep(0.002)
            self.log.write(data[cut:])
            self.written += n
            time.sleep(self.wait)
            if self.written >= next_rotation:
                self.log.rotate(self.dice.choice(('rename', 'copy')))
                next_rotation = self.written + self.dice.randrange(1, 2 * self.a_rotation)


def content(events):
    """number of the record -> the line's own number; a record that came twice is the same."""
    numbers = {}
    for event in events:
        first, last = map(int, re.search(r'\.(\d+)-(\d+)$', event['system']['message-id']).groups())
        assert last - first + 1 == len(event['body'])
        for i, reading in enumerate(event['body']):
            assert numbers.setdefault(first + i, reading['k']) == reading['k']
    return numbers


def settle(daemon, n, seconds):
    deadline = time.monotonic() + seconds
    daemon.bus.wait_for_name()
    while daemon.ledger()['acknowledged'] < n:
        assert time.monotonic() < deadline, '%s of %d\n%s' % (daemon.ledger(), n, daemon.log()[-3000:])
        time.sleep(0.1)
    return daemon.settle(seconds=60)


def test_no_line_is_lost_and_none_read_twice(tmp_path):
    dice = random.Random(SEED)
    print('HUBLINK_SEED=%d' % SEED, file=sys.stderr)
    path = tmp_path / 'log' / 'meter.log'
    path.parent.mkdir()
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (path, ''))
        daemon.hub(devhub, devhub.create('tail'))
        log = Log(path)
        log.write(b'{"k":1}\n')
        daemon.start()
        settle(daemon, 1, 20)  # what is rotated before the very first look is not read
        began = time.monotonic()
        writer = Writer(log, random.Random(SEED + 1), max(LINES // 25, 1))
        # paced, so that the kills fall all over it
        writer.wait = 1.0 * KILLS / (LINES / 110)
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.3, 1.5))
            daemon.kill()
            if dice.random() < 0.3:
                time.sleep(dice.uniform(0, 0.5))
            daemon.start()
        writer.wait = 0
        writer.join()
        ledger = settle(daemon, LINES, 60 + LINES / 5000)
        took = time.monotonic() - began
        assert daemon.stop() == 0
        totals, numbers = devhub.verify(), content(devhub.events())
    print('lines=%d kills=%d rotations=%s %s ledger=%s %.1f s' % (LINES, KILLS, log.rotations, totals, ledger, took),
          file=sys.stderr)
    told = daemon.lines('was cut or replaced')
    assert totals['gaps'] == 0
    assert sorted(numbers.values()) == list(range(1, LINES + 1)), 'twice or lost: %s' % told
    assert ledger['accepted'] == ledger['acknowledged'] == totals['unique'] == LINES
    assert sum(log.rotations.values()) > 10
    assert not told


SENSOR = 'sensors: { %s: { driver = "tail"; path = "%s"; from = "%s"; }; };\nclock: { trust = true; };\n'


def test_a_position_is_that_of_the_path(tmp_path):
    """A sensor that has a new name sends nothing again, by a reload or a start; a path that is new begins by its `from`."""
    old, new = tmp_path / 'old.log', tmp_path / 'new.log'
    old.write_text('{"k":1}\n{"k":2}\n')
    new.write_text('{"k":100}\n')
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:

        def configure(name, path, begin):
            daemon.configure(SETTINGS.split('sensors:')[0] + SENSOR % (name, path, begin))

        def came(n):
            settle(daemon, n, 20)
            time.sleep(0.5)
            assert daemon.ledger()['accepted'] == n
            return [(r['s'], r['k']) for event in devhub.events() for r in event['body']]

        configure('meter', old, 'start')
        daemon.hub(devhub, devhub.create('tail'))
        daemon.start()
        expected = [('meter', 1), ('meter', 2)]
        assert came(2) == expected

        configure('counter', old, 'end')
        daemon.reload()
        with open(old, 'a') as log:
            log.write('{"k":3}\n')
        expected.append(('counter', 3))
        assert came(3) == expected

        assert daemon.stop() == 0
        with open(old, 'a') as log:
            log.write('{"k":4}\n')
        configure('water', old, 'end')
        daemon.start()
        expected.append(('water', 4))
        assert came(4) == expected

        configure('water', new, 'end')
        daemon.reload()
        daemon.wait_for_properties(lambda _: daemon.sensor('water')['State'] == 'ok', 'a look at the new path')
        with open(new, 'a') as log:
            log.write('{"k":101}\n')
        expected.append(('water', 101))
        assert came(5) == expected
        assert daemon.stop() == 0
