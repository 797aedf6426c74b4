# SPDX-License-Identifier: Apache-2.0
"""The real hublinkd, looked at from outside: its memory under load, its wake-ups at rest, how soon it is there.

Memory is PSS, the greatest of a few seconds; wake-ups are the voluntary context switches of all its threads.
"""

import contextlib
import datetime
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from bus import PrivateBus
from daemon import Daemon

BUILD = pathlib.Path(os.environ['HUBLINK_BUILD'])
LIVE_RATE = 2000  # readings a second
WATCHED = 3       # seconds of memory
AT_REST = 20      # seconds of wake-ups
GROWN_TIRED = 40  # seconds after which tries to connect have become rare

# The queue's sizes are those of loop.c, which makes backlogs.
SETTINGS = '''
queue: { max_bytes = "512M"; segment = "4M"; };
sensors: { %s };
clock: { trust = true; };
'''
SOCKET = 'apps: { driver = "socket"; listen = "unix-dgram:%s"; max_rate = 0; };'


class Producer:
    """tests/system/producer.c, datagrams only."""

    def __init__(self, bus, socket, rate):
        self.process = subprocess.Popen(
            [BUILD / 'tests/system/producer', bus.address, socket, '0', str(rate), '/dev/null'],
            stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def gateway(hub, directory, queue=None, sensors=''):
    """(daemon, bus), not started. queue: a folder whose copy it begins with."""
    with tempfile.TemporaryDirectory(dir=directory) as folder, PrivateBus() as bus, Daemon(folder, bus) as daemon:
        daemon.configure(SETTINGS % sensors)
        daemon.hub(hub, hub.create(os.path.basename(folder)))
        if queue:
            shutil.copytree(queue, daemon.state / 'queue')
            subprocess.run(['sync', '--file-system', folder], check=True)
        yield daemon, bus
        if daemon.is_running():
            daemon.kill()


def pss_mib(daemon):
    for line in pathlib.Path('/proc/%d/smaps_rollup' % daemon.process.pid).read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) / 1024
    raise ValueError('no Pss')


def peak(daemon, holds=None):
    """Over some seconds, or as long as it holds."""
    seen, end = [], time.monotonic() + WATCHED
    while holds() if holds else time.monotonic() < end:
        seen.append(pss_mib(daemon))
        time.sleep(0.1)
    return max(seen, default=pss_mib(daemon))


def memory_under_load(hub, directory):
    """MiB, while readings go out."""
    with tempfile.TemporaryDirectory(dir='/dev/shm') as shm:
        socket = pathlib.Path(shm, 'in.sock')
        with gateway(hub, directory, sensors=SOCKET % socket) as (daemon, bus):
            daemon.start()
            daemon.wait_for_link('connected')
            with Producer(bus, socket, LIVE_RATE):
                daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 2 * LIVE_RATE, 'acknowledgements')
                return peak(daemon)


def memory_while_away(hub, directory, queue=None):
    """MiB, while as many readings come in and go nowhere, on top of a queue. The hub is stopped."""
    with tempfile.TemporaryDirectory(dir='/dev/shm') as shm:
        socket = pathlib.Path(shm, 'in.sock')
        with gateway(hub, directory, queue, SOCKET % socket) as (daemon, bus):
            daemon.start()
            daemon.wait_for_link('waiting')
            before = daemon.ledger()['accepted']
            with Producer(bus, socket, LIVE_RATE):
                daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] > before + 2 * LIVE_RATE, 'readings')
                return peak(daemon)


def memory_while_draining(hub, directory, queue):
    """MiB, while a queue goes out."""
    with gateway(hub, directory, queue) as (daemon, _):
        daemon.start()
        daemon.wait_for_link('connected')
        return peak(daemon, lambda: daemon.ledger()['waiting'] > 0)


def switches(daemon):
    total = 0
    for status in pathlib.Path('/proc/%d/task' % daemon.process.pid).glob('*/status'):
        for line in status.read_text().splitlines():
            if line.startswith('voluntary_ctxt_switches:'):
                total += int(line.split()[1])
    return total


def wakeups(daemon):
    before = switches(daemon)
    time.sleep(AT_REST)
    return (switches(daemon) - before) / AT_REST


def wakeups_at_rest(hub, directory):
    """(a second when connected, a second when the hub is away), without a sensor. Stops the hub."""
    with gateway(hub, directory) as (daemon, _):
        daemon.start()
        daemon.wait_for_link('connected')
        time.sleep(2)
        idle = wakeups(daemon)
        hub.stop()
        daemon.wait_for_link('waiting')
        time.sleep(GROWN_TIRED)
        return idle, wakeups(daemon)


def start_times(hub, directory, queue=None, forget=None):
    """(milliseconds from its start until it is ready, until the hub has its first message; None without a queue)

    forget: called with the folder of the queue before the start.
    """
    with gateway(hub, directory, queue) as (daemon, _):
        if forget:
            forget(daemon.state / 'queue')
        wall, began = time.time(), time.monotonic()
        daemon.start()
        ready = time.monotonic() - began
        if not queue:
            return ready * 1000, None
        daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 0, 'a first message')
        daemon.kill()
        event = hub.events(daemon.directory.name, count=1)[0]
        enqueued = datetime.datetime.fromisoformat(event['enqueued'].replace('Z', '+00:00')).timestamp()
        return ready * 1000, (enqueued - wall) * 1000
