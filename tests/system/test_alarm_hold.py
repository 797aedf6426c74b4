# SPDX-License-Identifier: Apache-2.0
"""An alarm on its way through its hold time is raised after a stop and after a kill, though its source says nothing more."""

import time

import pytest

from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "200ms"; };
streams: { alarms: { priority = "urgent"; max_latency = "0s"; }; };
sensors: { meter: { driver = "tail"; path = "%s"; }; };
clock: { trust = true; };
rules: ( { channel = "meter.k"; alarm: { above = 80.0; hold = "6s"; stream = "alarms"; }; } );
'''


@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_the_hold_time_goes_on(tmp_path, how):
    path = tmp_path / 'meter.log'
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % path)
        daemon.hub(devhub, devhub.create('tail'))
        path.write_bytes(b'{"k":90}\n')
        daemon.start()
        daemon.bus.wait_for_name()
        time.sleep(2)
        assert 'beyond meter.k above 80' in (daemon.state / 'alarms').read_text()
        if how == 'stop':
            assert daemon.stop() == 0
        else:
            daemon.kill()
        daemon.start()
        deadline = time.monotonic() + 20
        while not (alarms := [r['alarm'] for e in devhub.events() for r in e['body'] if 'alarm' in r]):
            assert time.monotonic() < deadline, daemon.log()[-2000:]
            time.sleep(0.1)
        assert alarms == ['above']
