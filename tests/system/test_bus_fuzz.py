# SPDX-License-Identifier: Apache-2.0
"""Everything on the bus called with whatever the dice say, by clients that stay, leave and lie: the daemon answers each
call once, keeps nothing, and goes on, with the memory that its unit has.

HUBLINK_CALLS says how many, HUBLINK_SEED with which dice; HUBLINKD names another build of the daemon, HUBLINK_CHECKER a
program that runs it and finds its faults: both need more memory and time, so that only the log tells whether it is well.
"""

import contextlib
import json
import os
import pathlib
import shlex
import subprocess
import threading
import time

import pytest

from bus import BUILD, INBOX, MANAGER, METHODS, NAME, PATH, TWIN, PrivateBus
from bus_members import PEER, members
from daemon import PROGRAM, Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from explorer import Explorer
from memory_group import MemoryGroup, Unavailable
from seed import SEED

CALLS = int(os.environ.get('HUBLINK_CALLS', '5000'))
MEMORY = '128M'  # MemoryMax= of the unit
CHECKER = shlex.split(os.environ.get('HUBLINK_CHECKER', ''))
IS_CHECKED = bool(CHECKER) or 'HUBLINKD' in os.environ
FAULTS = 'ERROR: AddressSanitizer', 'ERROR: LeakSanitizer', 'runtime error: ', '==ERROR', 'Invalid read', 'uninitialised'

# How often each is called. The link is to be there most of the time; what does most is to be done most.
USUAL = 40
WEIGHTS = {'Reconnect': 1, 'Reload': 2, 'Flush': 10, 'GetManagedObjects': 10, 'GetMachineId': 10, 'Call': 400,
           'Register': 120, 'Unregister': 20, 'Submit': 160, 'SubmitMessage': 120, 'Take': 80, 'Report': 120}

PING_SECONDS = 20        # however busy this machine is; with a checker the call's own time
PSS_MAY_GROW_KIB = 16384 # the library's own pools after messages of a megabyte; a leak of 1 KiB a call is six times that
LINES_MAX = 60           # of the log, beside those that there are one a call of

SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; alarms: { priority = "urgent"; }; };
sensors: { wind: { driver = "simulated"; model = "wind"; interval = "1h"; }; };
methods: { timeout = "1s"; };
'''


def pss_kib(pid):
    for line in pathlib.Path('/proc/%d/smaps_rollup' % pid).read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1])
    raise AssertionError('no Pss')


def descriptors(daemon):
    """Sockets, pipes and the like, and files that are not the queue's: it has as many as it has segments."""
    found = []
    for path in pathlib.Path('/proc/%d/fd' % daemon.process.pid).iterdir():
        try:
            found.append(os.readlink(path))
        except FileNotFoundError:
            pass
    return sorted(name for name in found if not name.startswith(str(daemon.directory / 'queue')))


class Pinger(threading.Thread):
    """Asks now and then whether the daemon still answers."""

    def __init__(self, bus):
        super().__init__()
        self.connection = bus.connect()
        self.worst, self.n, self.over = 0, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            begun = time.monotonic()
            self.connection.call_blocking(NAME, PATH, PEER, 'Ping', '', (), timeout=60)
            self.worst = max(self.worst, time.monotonic() - begun)
            self.n += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def fuzz(daemon, seed, calls):
    """Meanwhile the service manager hears what it is told, or the daemon would wait for it."""
    table = ''.join('%d %s %s %s %s\n' % (WEIGHTS.get(m.name, USUAL), *m) for m in members())
    (daemon.directory / 'members').write_text(table)
    with open(daemon.directory / 'members') as members_file, open(daemon.directory / 'result', 'w+') as out, \
            open(daemon.directory / 'complaints', 'w+') as complaints:
        process = subprocess.Popen([BUILD / 'tests/system/bus-fuzzer/bus-fuzzer', daemon.bus.address, str(seed), str(calls)],
                                   stdin=members_file, stdout=out, stderr=complaints)
        try:
            while process.poll() is None:
                assert daemon.is_running(), daemon.log()[-5000:]
                daemon.hear(0.1)
        finally:
            process.kill()
            process.wait()
        out.seek(0), complaints.seek(0)
        result, words = out.read(), complaints.read()
    assert process.returncode == 0, (seed, process.returncode, result, words[-3000:])
    return json.loads(result)


@contextlib.contextmanager
def little_memory(daemon):
    """As in its unit, where this machine can do it; what checks it needs more. Gives how many were killed for it."""
    try:
        if IS_CHECKED:
            raise Unavailable
        with MemoryGroup(MEMORY) as group:
            daemon.within = group.within
            try:
                yield group.kills
            finally:
                if daemon.process:  # who is in it keeps it
                    daemon.kill()
    except Unavailable:
        yield lambda: 0


def check_readable(bus):
    """Whatever was put there: nothing of it closes a list for everybody."""
    connection = bus.connect()
    for interface, member, signature, arguments in (
            (INBOX, 'List', '', ()), (TWIN, 'GetReported', 's', ('',)), (TWIN, 'GetDesired', 's', ('',)),
            (METHODS, 'List', '', ()), (MANAGER, 'Audit', 'u', (0,)), ('org.freedesktop.DBus.Properties', 'GetAll', 's', ('',)),
            ('org.freedesktop.DBus.ObjectManager', 'GetManagedObjects', '', ())):
        connection.call_blocking(NAME, PATH, interface, member, signature, arguments, timeout=60)


def lines_beside(log):
    """Without those that come by their number: one of the audit a call, those about the link and reloads."""
    usual = ('Method ', 'Link: ', 'Connected to ', 'Disconnected', 'Settings ', 'The settings ')
    return [line for line in log.splitlines() if not line.startswith(usual)]


def stop(daemon):
    """Memory that is lost is told at the end, which takes its time."""
    code = daemon.stop(seconds=60 if IS_CHECKED else 5)
    assert code == 0 and not any(fault in daemon.log() for fault in FAULTS), (code, daemon.log()[-20000:])


def test_whatever_is_called(tmp_path, devhub):  # noqa: F811
    if not pathlib.Path(PROGRAM).exists():
        pytest.skip('there is no %s: tests/run builds it' % PROGRAM)
    print('seed=%d' % SEED)
    environment = {'UBSAN_OPTIONS': 'print_stacktrace=1'}
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus, environment=environment) as daemon, \
            little_memory(daemon) as kills:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'))
        explorer = Explorer(devhub.directory)
        for n in range(12):
            odd = chr(0xffff) if n % 3 == 0 else ''  # well-formed, and not for D-Bus
            explorer.run('send', 'gw-1', 'order %d' % n, '--message-id', 'order-%d%s' % (n, odd), '--property', 'k=' + odd)
        daemon.start(prefix=CHECKER, ready=not IS_CHECKED)
        daemon.wait_notified('READY=1', 120)
        daemon.wait_for_link('connected', seconds=120)
        pid = daemon.process.pid
        fuzz(daemon, SEED + 1, CALLS // 5)  # until its pools have their size
        daemon.settle()
        before, had = pss_kib(pid), descriptors(daemon)
        begun = time.monotonic()
        with Pinger(bus) as pinger:
            result = fuzz(daemon, SEED, CALLS)
        seconds = time.monotonic() - begun
        assert daemon.is_running(), daemon.log()
        check_readable(bus)
        ledger = daemon.settle()
        after = pss_kib(pid)
        deadline = time.monotonic() + 10
        while len(has := descriptors(daemon)) > len(had) and time.monotonic() < deadline:
            time.sleep(0.1)
        lines = lines_beside(daemon.log())
        print('calls=%d seconds=%.1f a_second=%.0f good=%d refused=%d longest_ms=%d with_responder_ms=%d ping_ms=%.0f/%d' % (
            result['calls'], seconds, result['calls'] / seconds, result['good'], result['answers'] - result['good'],
            result['longest_ms'], result['longest_waiting_ms'], pinger.worst * 1000, pinger.n))
        print('unread=%d huge=%d mute=%d left=%d invoked=%d records=%d pss_kib=%d->%d fds=%+d lines=%d' % (
            result['unread'], result['huge'], result['mute'], result['left'], result['invoked'], result['records'], before, after,
            len(has) - len(had), len(lines)))
        print('errors: ' + ' '.join('%s=%d' % (name.rsplit('.', 2)[-1] if 'hublink' in name else name, n)
                                    for name, n in sorted(result['errors'].items())))
        assert kills() == 0 and result['huge'] > 0
        assert result['calls'] >= CALLS and all(result['members'].values()), result['members']
        assert pinger.n > 0 and (IS_CHECKED or pinger.worst < PING_SECONDS)
        assert ledger['accepted'] == ledger['acknowledged'] + ledger['waiting'] + ledger['dropped'] + ledger['dead_lettered']
        assert ledger['accepted'] >= result['records'] > 0
        assert len(has) <= len(had), (had, has)
        assert IS_CHECKED or after - before <= PSS_MAY_GROW_KIB
        assert len(lines) <= LINES_MAX, '\n'.join(lines[:200])
        stop(daemon)
