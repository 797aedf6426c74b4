# SPDX-License-Identifier: Apache-2.0
"""The inbox on a file system that somebody else fills.

    from room import devhub, gateway, telemetry_goes_on   # two fixtures
    telemetry_goes_on(gateway, devhub, 3500)               # with messages of so many bytes
"""

import os
import time

import pytest

from bus import INBOX, PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401: a fixture
from https import Service
from inbox import Taker
from mount import Mount

HUB_KEEPS = 50


@pytest.fixture
def gateway(tmp_path, devhub):  # noqa: F811
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        with Mount(daemon.state, 'size=40m'):
            daemon.configure('queue: { max_bytes = "8M"; min_free = "1M"; };\n'
                             'streams: { telemetry: { max_latency = "0s"; }; };\n'
                             'sensors: { w: { driver = "simulated"; model = "wind"; interval = "500ms"; }; };\n')
            daemon.hub(devhub, devhub.create('d1')).start()
            daemon.bus.wait_for_name()
            daemon.wait_for_link('connected')
            daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 1, 'telemetry')
            yield daemon
            daemon.kill()


def fill(daemon):
    found = os.statvfs(daemon.state)
    others = daemon.state / 'others'
    others.write_bytes(b'x' * (found.f_bavail * found.f_frsize - (1 << 20)))
    return others


def kept(devhub):  # noqa: F811
    return Service(devhub).get('/devices/d1').json['cloudToDeviceMessageCount']


def waiting(daemon):
    return daemon.bus.properties(INBOX)['Waiting']


def send_until_the_hub_keeps(devhub, cloud, size, least, seconds=30):  # noqa: F811
    """Until so many stay with it."""
    end, n = time.monotonic() + seconds, 0
    while kept(devhub) < least:
        assert time.monotonic() < end, 'all are taken'
        for _ in range(HUB_KEEPS - 2 - kept(devhub)):
            cloud.send('d1', b'x' * size, id='m%d' % n)
            n += 1
        time.sleep(0.5)
    return n


def telemetry_goes_on(daemon, devhub, size):  # noqa: F811
    """The hub keeps what finds no room, telemetry goes on, and what is there can be brought to its end."""
    others = fill(daemon)
    with Cloud(devhub) as cloud:
        sent = send_until_the_hub_keeps(devhub, cloud, size, HUB_KEEPS - 10)
        time.sleep(2)  # whatever was under way
        daemon.wait_for_link('connected')
        lost = len(daemon.lines('Lost the connection'))
        before = daemon.ledger()['acknowledged']
        for _ in range(10):
            time.sleep(0.5)
            assert daemon.properties()['LinkState'] == 'connected', daemon.log()
        assert daemon.ledger()['acknowledged'] >= before + 5
        assert lost <= 2 and len(daemon.lines('Lost the connection')) == lost, daemon.log()
        assert daemon.lines('its disk has no room for more'), daemon.log()

        taker, seen = Taker(daemon.bus), set()
        for _ in range(waiting(daemon)):
            message = taker.take()
            assert len(message.body) == size
            taker.complete(message.id)
            seen.add(message.message_id)
        others.unlink()
        end = time.monotonic() + 60
        while len(seen) < sent:
            assert time.monotonic() < end, (len(seen), sent, kept(devhub), waiting(daemon), daemon.log())
            message = taker.take()
            if not message:
                time.sleep(0.2)
                continue
            assert message.message_id not in seen or message.times_taken > 0
            taker.complete(message.id)
            seen.add(message.message_id)
        assert kept(devhub) == 0
