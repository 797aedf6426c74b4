# SPDX-License-Identifier: Apache-2.0
"""A growing file whose lines rules hold back: none is lost by a stop or a kill."""

import time

import pytest

from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "200ms"; };
streams: { telemetry: { max_latency = "200ms"; }; };
sensors: { meter: { driver = "tail"; path = "%s"; };
           wind: { driver = "simulated"; model = "wind"; interval = "1s"; }; };
clock: { trust = true; };
rules: ( { channel = "meter.k"; %s } );
'''


def readings(devhub):
    """A message that the kill found unacknowledged comes twice, and is known by its id."""
    messages = {event['system']['message-id']: event['body'] for event in devhub.events()}
    return [r for body in messages.values() for r in body if r['s'] == 'meter']


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return got


@pytest.mark.parametrize('how', ['stop', 'kill'])
@pytest.mark.parametrize('rule, expected', [
    ('min_interval = "1h";', [{'k': 1}, {'k': 90}]),
    ('window = "8s"; send = ["max", "count"];', None),
])
def test_what_is_held_is_not_lost(tmp_path, rule, expected, how):
    path = tmp_path / 'meter.log'
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (path, rule))
        daemon.hub(devhub, devhub.create('tail'))
        with open(path, 'ab', buffering=0) as log:
            log.write(b'{"k":1}\n')
            daemon.start()
            daemon.bus.wait_for_name()
            time.sleep(1.5)
            log.write(b'{"k":90}\n')
            time.sleep(2)  # others are committed meanwhile
            if how == 'stop':
                assert daemon.stop() == 0
            else:
                daemon.kill()
            daemon.start()

            def arrived():
                got = [{name: value for name, value in r.items() if name.startswith('k')} for r in readings(devhub)]
                if expected:
                    return got == expected
                return sum(r['k_count'] for r in got) == 2 and max(r['k_max'] for r in got) == 90

            until(arrived)
            time.sleep(1)
            assert arrived()
