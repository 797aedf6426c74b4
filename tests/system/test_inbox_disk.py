# SPDX-License-Identifier: Apache-2.0
"""A disk that fails under the inbox, for real: what cannot be stored stays with the hub, and comes when it is repaired."""

import time

import pytest

from bus import PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401: a fixture
from https import Service
from inbox import listed
from volume import Unavailable, Volume


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure('queue: { max_bytes = "16M"; min_free = "1M"; };\n'
                         'hub: { backoff: { first = "100ms"; max = "1s"; }; };\n')
        yield daemon


@pytest.fixture
def image(daemon, tmp_path):
    try:
        with Volume(tmp_path / 'image', daemon.state):
            pass
    except Unavailable as e:
        pytest.skip(str(e))
    return tmp_path / 'image'


def kept(devhub):  # noqa: F811
    return Service(devhub).get('/devices/d1').json['cloudToDeviceMessageCount']


def start_on(volume, daemon):
    daemon.within = volume.within
    daemon.start()
    daemon.bus.wait_for_name()
    daemon.wait_for_link('connected')


def wait_for(names, daemon, seconds=20):
    end = time.monotonic() + seconds
    while sorted(m.message_id for m in listed(daemon.bus)) != names:
        assert time.monotonic() < end, (listed(daemon.bus), daemon.log())
        time.sleep(0.1)


def test_what_cannot_be_stored_stays_with_the_hub(daemon, devhub, image):  # noqa: F811
    daemon.hub(devhub, devhub.create('d1'))
    with Volume(image, daemon.state) as volume, Cloud(devhub) as cloud:
        start_on(volume, daemon)
        cloud.send('d1', b'0', id='m0')
        wait_for(['m0'], daemon)
        volume.fail()
        for i in range(1, 4):
            cloud.send('d1', b'x', id='m%d' % i)
        end = time.monotonic() + 20
        while not daemon.lines('stays with the hub'):
            assert time.monotonic() < end, daemon.log()
            time.sleep(0.1)
        time.sleep(2)  # and is not confirmed later
        assert kept(devhub) == 3
        daemon.stop()
    with Volume(image, daemon.state) as volume:
        start_on(volume, daemon)
        wait_for(['m0', 'm1', 'm2', 'm3'], daemon)
        assert all(m.times_taken == 0 for m in listed(daemon.bus))
        end = time.monotonic() + 10
        while kept(devhub):
            assert time.monotonic() < end
            time.sleep(0.1)
        daemon.stop()
