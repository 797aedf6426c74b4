# SPDX-License-Identifier: Apache-2.0
"""The watchdog is fed while all parts get on, slow ones too, and no longer when one is stuck for good.

One daemon a part, all at the same time: each needs its patience. hang.c holds up what it is told to.
"""

import concurrent.futures
import contextlib
import os
import time

from bus import MANAGER, NAME, PATH, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)

HANG = os.path.join(os.environ.get('HUBLINK_BUILD', 'build'), 'tests/system/libhang.so')
FED = 0.2  # s; the daemon feeds it twice as often as it must
PATIENCE = 20 * FED
WORDS = {'disk': 'disk %s/queue: stuck for', 'sensor': 'sensors on %s/a-hangs: stuck for', 'link': 'link (the lookup'}

SETTINGS = '''
hub: { backoff: { first = "100ms"; max = "1s"; }; };
queue: { directory = "%(directory)s/queue"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; };
sensors: {
  well: { driver = "file"; path = "%(directory)s/well"; interval = "100ms"; channels: { v: { }; }; };
  %(bad)s
};
'''
# Of one path: they have one thread in turn, and each is read less and less often.
BAD = 'bad%d: { driver = "file"; path = "%s/a-hangs"; interval = "100ms"; timeout = "100ms"; channels: { v: { }; }; };'


class Patient:
    """A daemon that is fed and watched."""

    def __init__(self, directory, bus, devhub, part):
        self.part, self.hang = part, directory / 'hang'
        self.hang.mkdir(parents=True)
        self.daemon = Daemon(directory, bus, environment={
            'LD_PRELOAD': HANG, 'HANG_DIRECTORY': str(self.hang), 'WATCHDOG_USEC': str(int(2e6 * FED))})
        for name in 'well', 'a-hangs':
            (directory / name).write_text('1\n')
        self.daemon.configure(SETTINGS % {
            'directory': directory, 'bad': '\n'.join(BAD % (n, directory) for n in range(8))})
        device = devhub.create('gw-' + part)
        self.daemon.hub(devhub, device, address='localhost:%d' % devhub.port)
        self.daemon.start()
        self.daemon.wait_for_link('connected')

    def begin(self):
        """From now on the part hangs. A link does only with a lookup under way, and counts when that was given up: 30 s."""
        (self.hang / self.part).touch()
        self.daemon.caller.call_blocking(NAME, PATH, MANAGER, 'Reconnect', '', ())

    def end(self):
        (self.hang / self.part).unlink()

    def wait_until_well(self):
        deadline = time.monotonic() + 30
        while any(self.daemon.sensor('bad%d' % n)['State'] != 'ok' for n in range(8)):
            assert time.monotonic() < deadline, self.daemon.log()
            self.daemon.hear(0.1)

    def feeds(self, seconds):
        """How often it was fed within so long."""
        self.daemon.hear(0)
        self.daemon.notified.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.daemon.hear(0.05)
        return self.daemon.notified.count('WATCHDOG=1')

    def seconds_until_hungry(self, most):
        """From now until it has not been fed for eight times its interval."""
        begun = last = time.monotonic()
        while time.monotonic() - last < 8 * FED:
            self.daemon.notified.clear()
            self.daemon.hear(0.05)
            if 'WATCHDOG=1' in self.daemon.notified:
                last = time.monotonic()
            assert last - begun < most, 'still fed:\n' + self.daemon.log()
        return last - begun


def live_through(patient):
    part, daemon = patient.part, patient.daemon
    with daemon:
        assert patient.feeds(3 * FED) >= 1
        # slow: half as long as patience lasts
        patient.begin()
        assert patient.feeds(PATIENCE / 2) >= PATIENCE / 2 / FED / 4
        patient.end()
        daemon.wait_for_link('connected')
        patient.wait_until_well()
        assert patient.feeds(8 * FED) >= 2
        assert 'stuck for' not in daemon.log()
        # stuck
        patient.begin()
        seconds = patient.seconds_until_hungry(PATIENCE + 50)
        assert seconds >= PATIENCE - 6 * FED
        assert len(daemon.lines(WORDS[part].replace('%s', str(daemon.directory)))) == 1, daemon.log()
        # what the service manager does then: another process finds everything
        before = daemon.log()
        daemon.kill()
        patient.end()
        daemon.start()
        daemon.wait_for_link('connected')
        accepted = daemon.ledger()['accepted']
        daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > accepted, 'more than it found')
        assert 'damage' not in daemon.log()[len(before):]
        return '%s: hungry after %.1f s' % (part, seconds)


def test_what_is_stuck_is_not_fed_and_what_is_slow_is(tmp_path, devhub):  # noqa: F811
    with contextlib.ExitStack() as stack:
        patients = [Patient(tmp_path / part, stack.enter_context(PrivateBus()), devhub, part) for part in WORDS]
        with concurrent.futures.ThreadPoolExecutor(len(patients)) as pool:
            for words in pool.map(live_through, patients):
                print(words)
