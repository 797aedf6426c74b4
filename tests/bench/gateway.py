# SPDX-License-Identifier: Apache-2.0
"""How much memory the real hublinkd takes: fed by a socket, TLS up, and then with a backlog.

The figure is PSS, the greatest of a few seconds.
"""

import os
import pathlib
import subprocess
import tempfile
import time

from bus import PrivateBus
from daemon import Daemon

BUILD = pathlib.Path(os.environ['HUBLINK_BUILD'])
LIVE_RATE = 2000   # readings a second
FILL_RATE = 25000  # to make a backlog in little time
WATCHED = 3        # seconds

SETTINGS = '''
queue: { max_bytes = "1G"; };
sensors: { apps: { driver = "socket"; listen = "unix-dgram:%s"; max_rate = 0; }; };
clock: { trust = true; };
'''


class Producer:
    """tests/system/producer.c, datagrams only."""

    def __init__(self, bus, socket, rate):
        self.process = subprocess.Popen([BUILD / 'tests/system/producer', bus.address, socket, '0', str(rate), '/dev/null'],
                                        stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def pss_mib(pid):
    for line in pathlib.Path('/proc/%d/smaps_rollup' % pid).read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) / 1024


def peak(daemon):
    seen = []
    for _ in range(10 * WATCHED):
        seen.append(pss_mib(daemon.process.pid))
        time.sleep(0.1)
    return max(seen)


def measure(devhub, device, directory, backlog):
    """(MiB while readings go out, MiB while as many come in and the hub is away, MiB with the backlog on top)"""
    with tempfile.TemporaryDirectory(dir=directory) as folder, PrivateBus() as bus, Daemon(folder, bus) as daemon:
        socket = pathlib.Path(folder, 'in.sock')
        daemon.configure(SETTINGS % socket)
        daemon.hub(devhub, device)
        daemon.start()
        daemon.wait_for_link('connected')
        with Producer(bus, socket, LIVE_RATE):
            daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 2 * LIVE_RATE, 'acknowledgements')
            live = peak(daemon)
            devhub.stop()
            daemon.wait_for_link('waiting')
            away = peak(daemon)
        with Producer(bus, socket, FILL_RATE):
            daemon.wait_for_properties(lambda p: p['QueueRecords'] >= backlog, 'backlog', seconds=120)
        with Producer(bus, socket, LIVE_RATE):
            loaded = peak(daemon)
        daemon.kill()
        devhub.start()
        return live, away, loaded
