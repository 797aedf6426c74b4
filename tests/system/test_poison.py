# SPDX-License-Identifier: Apache-2.0
"""A reading that makes the hub close the connection ends alone among the dead letters; a bad link makes none."""

import json
import socket
import threading
import time

from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub

# Alarms go one by one and at once: there is always another message to be sent.
SETTINGS = '''
hub: { backoff: { first = "100ms"; max = "1s"; }; };
queue: { commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "300ms"; }; };
sensors: { apps: { driver = "socket"; listen = "unix-dgram:%s"; }; };
clock: { trust = true; };
'''


class Readings:
    """Twenty a second, until it is stopped."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def send(self, sensor, value):
        self.socket.sendto(json.dumps({'s': sensor, 'value': value}).encode() + b'\n', self.path)

    def run(self):
        n = 0
        while not self.ended.wait(0.05):
            n += 1
            self.send('cpu', n)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.socket.close()


def notices(events):
    return [e['body'] for e in events if e['properties'].get('hl-notice') == '1']


def wait_for(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_one_poison_and_then_bad_links(tmp_path):
    path = tmp_path / 'in.sock'
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % path)
        daemon.hub(devhub, devhub.create('gw'))
        daemon.start()
        daemon.wait_for_link('connected')
        devhub.fault('set', 'poison', '--match', '"s":"bad"')
        with Readings(path) as readings:
            time.sleep(1)
            readings.send('bad', 1)
            daemon.wait_for_properties(lambda p: p['Ledger']['dead_lettered'] == 1, 'a dead letter', seconds=45)
            daemon.wait_for_link('connected')
            # a hub that cuts each link after a while
            for _ in range(10):
                devhub.fault('set', 'cut')
                time.sleep(0.3)
        wait_for(lambda: notices(devhub.events()))
        ledger = daemon.settle()
        assert daemon.stop() == 0
        events = devhub.events()
    assert ledger['dead_lettered'] == 1 and ledger['dropped'] == 0
    assert ledger['acknowledged'] == ledger['accepted'] - 1
    assert not any('"s":"bad"' in json.dumps(e['body'], separators=(',', ':')) for e in events)
    [notice] = notices(events)
    [[first, last]] = notice['ranges']
    assert notice['reason'] == 'breaks-link' and first == last
