# SPDX-License-Identifier: Apache-2.0
"""Direct methods by the thousand, fifty at a time, to responders of which some fail, hang, die or answer late: each call
has exactly one answer, its own, before the hub's time is over.

HUBLINK_CALLS says how many; at its full length, of 10,000, a minute is enough.
"""

import collections
import concurrent.futures
import os
import re
import threading
import time

from bus import METHODS, NAME, PATH, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from https import Connection, Service
from responder import Responder

CALLS = int(os.environ.get('HUBLINK_CALLS', '1000'))
FULL = 10000
AT_ONCE = 50
HUB_SECONDS = 5
OUR_SECONDS = 4
LEFT_MS = 200  # at least, of the hub's time: a machine that is busy may take its share of the rest

# which of a hundred calls does what, and what may come of it; all others are echoed
DEEDS = {
    3: ('stuck-1', {504, 429}), 53: ('verylate-1', {504, 429}), 10: ('fail', {500}), 60: ('badjson', {500}),
    20: ('large', {500}), 70: ('twice', {200}), 30: ('die', {503, 404}), 80: ('badform', {500}), 40: ('nobody', {404}),
    90: ('full', {200}),
}


def deed_of(i):
    name, may = DEEDS.get(i % 100, ('echo-%d' % (i % 2), {200}))
    if name in ('stuck-1', 'verylate-1'):
        name = name[:-1] + str(i // 100 % 4)
    return name, may


class Mortal:
    """One that dies of each call, and is started again."""

    def __init__(self, bus):
        self.bus = bus
        self.over = False
        self.deaths = 0
        self.thread = threading.Thread(target=self.live)
        self.thread.start()

    def live(self):
        while not self.over:
            with Responder(self.bus, 'die') as self.body:
                self.body.process.wait()
                self.deaths += 1

    def end(self):
        self.over = True
        self.body.process.kill()
        self.thread.join()


def late_answers(daemon):
    """The slowest responders still have theirs to give when the last call has its own."""
    deadline = time.monotonic() + 15
    while True:
        rows = daemon.caller.call_blocking(NAME, PATH, METHODS, 'List', '', (), timeout=10)
        late = sum(int(row[5]) for row in rows)
        if late > 0 or time.monotonic() > deadline:
            return late
        time.sleep(0.2)


def audit_lines(log):
    """How many calls the log tells of, by their status; and the longest took so many milliseconds."""
    one = re.findall(r'^Method \S+, called by hub: (\d+) after (\d+) ms\.$', log, re.M)
    more = re.findall(r'^Method \S+, called by hub: (\d+), (\d+) more within a minute, after (\d+) ms at most\.$', log, re.M)
    n = collections.Counter(int(status) for status, _ in one)
    for status, number, _ in more:
        n[int(status)] += int(number)
    assert len(one) + len(more) <= CALLS // 2, 'a storm of calls is no storm in the journal'
    return n, max(int(ms) for *_, ms in one + more)


def test_each_call_has_its_answer(tmp_path, devhub):  # noqa: F811
    seen, worst = collections.Counter(), 0
    local = threading.local()
    service = Service(devhub)
    paths = iter(range(CALLS))
    lock = threading.Lock()

    def call(i):
        name, may = deed_of(i)
        local.connection = getattr(local, 'connection', None) or Connection(devhub)
        begun = time.monotonic()
        answer = service.post('/twins/gw-1/methods', {'methodName': name, 'payload': {'n': i},
                                                      'responseTimeoutInSeconds': HUB_SECONDS},
                              connection=local.connection)
        took = time.monotonic() - begun
        assert answer.status == 200, (name, answer.status, answer.body)
        status, payload = answer.json['status'], answer.json['payload']
        assert status in may, (name, status, payload)
        if name.startswith('echo') or name == 'twice' and status == 200 and payload:
            assert payload == {'n': i}, (name, payload)
        elif status != 200:
            assert payload['error'], name
        return name.split('-')[0], status, took

    def work():
        done = []
        while True:
            with lock:
                i = next(paths, None)
            if i is None:
                return done
            done.append(call(i))

    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure('methods: { timeout = "%dms"; };' % (OUR_SECONDS * 1000))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.start()
        daemon.wait_for_link('connected')
        responders = [Responder(bus, *names) for names in (
            ['echo-0', 'fail', 'large', 'badjson'], ['echo-1', 'twice', 'badform', 'full'],
            *(['stuck-%d' % n, 'verylate-%d' % n] for n in range(4)))]
        mortal = Mortal(bus)
        try:
            begun = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                results = [r for f in [pool.submit(work) for _ in range(AT_ONCE)] for r in f.result()]
            seconds = time.monotonic() - begun
            late = late_answers(daemon)
        finally:
            mortal.end()
            for responder in responders:
                responder.kill()
        assert len(results) == CALLS
        for name, status, took in results:
            seen[name, status] += 1
            worst = max(worst, took)
        assert daemon.stop() == 0
        lines, own_worst = audit_lines(daemon.log())
        # as the hub sees it: when the answer arrived there, and that it was the only one
        words = devhub.log.read_text()
        left = [int(ms) for ms in re.findall(r'gw-1: answered a method with \d+, (\d+) ms before', words)]
        print('calls=%d seconds=%.1f a_second=%.0f longest_ms=%d longest_at_the_caller_ms=%d least_left_ms=%d late=%d deaths=%d'
              % (CALLS, seconds, CALLS / seconds, own_worst, worst * 1000, min(left), late, mortal.deaths))
        print(' '.join('%s:%d=%d' % (*key, n) for key, n in sorted(seen.items())))
        assert sum(lines.values()) == CALLS, 'each is in the log, by a line of its own or by the number of its like'
        assert collections.Counter(status for _, status in seen.elements()) == lines
        assert len(left) == CALLS and 'that nobody waits for' not in words, 'one answer each'
        assert min(left) >= LEFT_MS, 'of the hub\'s time'
        assert worst < HUB_SECONDS, 'the caller has it in time'
        # each kind of trouble was there
        assert seen['stuck', 504] > CALLS / 200 and seen['die', 503] > 0 and late > 0
        assert CALLS < FULL or seconds <= 60
