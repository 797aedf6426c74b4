# SPDX-License-Identifier: Apache-2.0
"""The tutorial's thermostat: hublinkd with conf/examples/thermostat.conf, and hublink-explorer beside it.

    from thermostat import thermostat, devhub, twin, until    # two fixtures, and what asks
    until(lambda: reported(thermostat, 'maxTempSinceLastReboot'))
"""

import json
import pathlib
import time

import pytest
from bus import PrivateBus
from daemon import Daemon
from devhub import Device, devhub  # noqa: F401 (the fixture)
from explorer import Explorer

EXAMPLE = (pathlib.Path(__file__).parents[2] / 'conf/examples/thermostat.conf').read_text()

# what a test cannot wait for: it reads more often, and is believed without NTP
HURRY = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
sensors: { room: { interval = "500ms"; }; };
clock: { trust = true; };
'''


@pytest.fixture
def thermostat(tmp_path, devhub):  # noqa: F811
    explorer = Explorer(devhub.directory)
    device = Device(devhub.host, explorer.json('create', 'thermostat-1'))
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(HURRY % (daemon.directory / 'queue'), 'conf.d/zz-hurry.conf')
        daemon.configure(EXAMPLE, 'conf.d/thermostat.conf')
        daemon.hub(devhub, device)
        daemon.explorer = explorer
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon


def until(what, seconds=25):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return got


def events(thermostat, count):
    shown = thermostat.explorer.run('--json', 'monitor-events', 'thermostat-1', '--from', 'start', '--count',
                                    str(count)).stdout
    return [json.loads(line) for line in shown.splitlines()]


def twin(thermostat):
    return thermostat.explorer.json('get-twin', 'thermostat-1')


def reported(thermostat, name):
    return twin(thermostat)['properties']['reported'].get(name)


def call(thermostat, *words):
    """The answer, also one that says no: for the explorer that is a failure."""
    return json.loads(thermostat.explorer.run('--json', 'device-method', 'thermostat-1', *words, check=False).stdout)
