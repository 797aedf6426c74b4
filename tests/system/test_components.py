# SPDX-License-Identifier: Apache-2.0
"""Two thermostats, components of one gateway: hublinkd with conf/examples/temperature-controller.conf."""

import json
import pathlib
import time

import pytest
from bus import PrivateBus
from daemon import Daemon
from devhub import Device, devhub  # noqa: F401 (the fixture)
from explorer import Explorer

EXAMPLE = (pathlib.Path(__file__).parents[2] / 'conf/examples/temperature-controller.conf').read_text()
MODEL = 'dtmi:com:example:TemperatureController;1'
THERMOSTATS = ['thermostat1', 'thermostat2']
TAKEN = 'Successfully executed patch'

# what a test cannot wait for
HURRY = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
sensors: { memory: { interval = "1s"; }; room: { interval = "300ms"; }; cellar: { interval = "700ms"; }; };
clock: { trust = true; };
'''


@pytest.fixture
def gateway(tmp_path, devhub):  # noqa: F811
    explorer = Explorer(devhub.directory)
    device = Device(devhub.host, explorer.json('create', 'gateway-1'))
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(HURRY % (daemon.directory / 'queue'), 'conf.d/zz-hurry.conf')
        daemon.configure(EXAMPLE, 'conf.d/controller.conf')
        daemon.hub(devhub, device)
        daemon.explorer = explorer
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon
        assert daemon.stop() == 0


def until(what, seconds=25):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return got


def events(gateway, *words):
    shown = gateway.explorer.run('--json', 'monitor-events', 'gateway-1', '--from', 'start', *words, check=False).stdout
    return [json.loads(line) for line in shown.splitlines()]


def twin(gateway):
    return gateway.explorer.json('get-twin', 'gateway-1')


def reported(gateway, component):
    return twin(gateway)['properties']['reported'].get(component) or {}


def desire(gateway, **components):
    """Returns the version."""
    desired = {component: {'__t': 'c', 'targetTemperature': target} for component, target in components.items()}
    gateway.explorer.run('update-twin', 'gateway-1', json.dumps({'properties': {'desired': desired}}))
    return twin(gateway)['properties']['desired']['$version']


def answer(gateway, component, version):
    def given():
        told = reported(gateway, component).get('targetTemperature')
        return told and told['av'] == version and told
    return until(given)


def call(gateway, method):
    return json.loads(gateway.explorer.run('--json', 'device-method', 'gateway-1', method, check=False).stdout)


def test_each_message_names_its_component(gateway):
    sent = {}
    for event in events(gateway, '--count', '15'):
        assert event['system']['dt-dataschema'] == MODEL
        sent.setdefault(event['system'].get('dt-subject'), []).append(event['body'])
    assert sorted(sent, key=str) == [None, *THERMOSTATS]
    assert all(list(body) == ['workingSet'] and body['workingSet'] > 1000 for body in sent[None])
    for thermostat in THERMOSTATS:
        assert all(list(body) == ['temperature'] and 21 <= body['temperature'] <= 25 for body in sent[thermostat])
    assert len(sent['thermostat1']) > len(sent['thermostat2'])


def test_each_reports_its_own_maximum_and_command(gateway):
    for thermostat in THERMOSTATS:
        until(lambda name=thermostat: call(gateway, name + '*getMaxMinReport')['status'] == 200)
    # both stand still, so that what they read can be compared
    still = 'sensors: { memory: { interval = "1h"; }; room: { interval = "1h"; }; cellar: { interval = "1h"; }; };'
    gateway.configure(still, 'conf.d/zzz-still.conf')
    gateway.reload()
    gateway.settle()
    highest = {}
    for event in events(gateway, '--for', '1s'):
        name = event['system'].get('dt-subject')
        highest[name] = max(highest.get(name, 0), event['body'].get('temperature', 0))
    for thermostat in THERMOSTATS:
        assert call(gateway, thermostat + '*getMaxMinReport')['payload']['maxTemp'] == highest[thermostat]
        until(lambda name=thermostat: reported(gateway, name).get('maxTempSinceLastReboot') == highest[name])
        assert reported(gateway, thermostat)['__t'] == 'c'
    assert call(gateway, 'getMaxMinReport')['status'] == 404
    assert call(gateway, 'thermostat3*getMaxMinReport')['status'] == 404


def test_each_has_a_target_of_its_own(gateway):
    version = desire(gateway, thermostat1=86.3)
    assert answer(gateway, 'thermostat1', version) == {'value': 86.3, 'ac': 200, 'av': version, 'ad': TAKEN}
    assert 'targetTemperature' not in reported(gateway, 'thermostat2')
    version = desire(gateway, thermostat1='warm', thermostat2={'value': 19})
    assert answer(gateway, 'thermostat2', version) == {'value': 19, 'ac': 200, 'av': version, 'ad': TAKEN}
    refused = answer(gateway, 'thermostat1', version)
    assert refused == {'value': 86.3, 'ac': 400, 'av': version, 'ad': 'expected a number'}
    for thermostat in THERMOSTATS:
        assert reported(gateway, thermostat)['__t'] == 'c'
    assert 'targetTemperature' not in twin(gateway)['properties']['reported']
