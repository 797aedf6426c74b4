# SPDX-License-Identifier: Apache-2.0
"""The tutorial's thermostat, from its registration on: hublinkd with conf/examples/thermostat.conf and the sample's
environment variables. The official service SDKs for Node talk to it (node/thermostat-tour.js), then hublink-explorer."""

import contextlib
import json
import pathlib
import re
import time
from datetime import datetime

import pytest
import sdk
from bus import PrivateBus
from daemon import Daemon
from explorer import Explorer
from sdk import HOST, hub, the_cases  # noqa: F401

PROGRAM = 'thermostat-tour.js'
EXAMPLE = (pathlib.Path(__file__).parents[2] / 'conf/examples/thermostat.conf').read_text()
MODEL = 'dtmi:com:example:Thermostat;1'
LONG_AGO = '2026-01-01T00:00:00Z'

# All that the example lacks: a disk of the test's own, and whom to trust.
PLACE = 'queue: { directory = "%s"; };\nhub: { ca_file = "%s"; };\n'

# For who cannot wait 8 seconds for a reading. With this seed it grows warmer for the next minute.
HURRY = 'sensors: { room: { interval = "400ms"; seed = 5583; }; };\nqueue: { commit_interval = "100ms"; };\n'


def enrolled(hub, explorer, bus, folder, name):
    """A daemon as the sample is begun, not started yet."""
    key = explorer.json('enrollment', 'create', name)['attestation']['symmetricKey']['primaryKey']
    daemon = Daemon(folder / name, bus, hub.within, environment={
        'IOTHUB_DEVICE_SECURITY_TYPE': 'DPS', 'IOTHUB_DEVICE_DPS_ENDPOINT': HOST,
        'IOTHUB_DEVICE_DPS_ID_SCOPE': hub.endpoints()['id_scope'], 'IOTHUB_DEVICE_DPS_DEVICE_ID': name,
        'IOTHUB_DEVICE_DPS_DEVICE_KEY': key})
    daemon.configure(EXAMPLE, 'conf.d/thermostat.conf')
    return daemon.configure(PLACE % (daemon.directory / 'queue', hub.ca_file), 'conf.d/place.conf')


@pytest.fixture(scope='module')
def explorer(hub):
    return Explorer(hub.directory, within=hub.within)


@pytest.fixture(scope='module', autouse=True)
def thermostats(hub, explorer, tmp_path_factory):
    """One that hurries, for the talk, and one that is the example and nothing else."""
    folder = tmp_path_factory.mktemp('gateways')
    with contextlib.ExitStack() as stack:
        made = {}
        for name in 'thermostat-1', 'patient':
            daemon = enrolled(hub, explorer, stack.enter_context(PrivateBus()), folder, name)
            made[name] = stack.enter_context(daemon)
        made['thermostat-1'].configure(HURRY, 'conf.d/zz-hurry.conf')
        for daemon in made.values():
            daemon.start()
        for daemon in made.values():
            daemon.wait_for_link('connected')
        yield made
        for daemon in made.values():
            assert daemon.stop() == 0
            assert daemon.environment['IOTHUB_DEVICE_DPS_DEVICE_KEY'] not in daemon.log()


# --- the service SDK ---

globals().update(sdk.cases(PROGRAM))


# --- the explorer ---

def until(what, seconds=25):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return got


def events(explorer, device, count=None):
    count = ['--count', str(count)] if count else ['--for', '1s']
    shown = explorer.run('--json', 'monitor-events', device, '--from', 'start', *count, check=False).stdout
    return [json.loads(line) for line in shown.splitlines()]


def twin(explorer):
    return explorer.json('get-twin', 'thermostat-1')


def reported(explorer, name):
    return twin(explorer)['properties']['reported'][name]


def call(explorer, *argument):
    return json.loads(explorer.run('--json', 'device-method', 'thermostat-1', 'getMaxMinReport', *argument,
                                   check=False).stdout)


def stamp(text):
    return datetime.fromisoformat(re.sub(r'(\.\d{6})\d*', r'\1', text).replace('Z', '+00:00'))


def test_the_registration_and_the_model_are_seen(explorer):
    state = explorer.json('registration', 'get', 'thermostat-1')
    assert (state['status'], state['deviceId'], state['assignedHub']) == ('assigned', 'thermostat-1', HOST)
    assert twin(explorer)['modelId'] == MODEL


def test_the_report_is_of_what_was_sent(explorer):
    """Highest and lowest of all, the mean of the last ten: looked up in the telemetry around the call."""
    report = call(explorer)['payload']
    time.sleep(2)
    sent = [event['body']['temperature'] for event in events(explorer, 'thermostat-1')]
    told = report['maxTemp'], report['minTemp'], round(report['avgTemp'], 9)
    assert told in [(max(sent[:n]), min(sent[:n]), round(sum(sent[n - 10:n]) / 10, 9))
                    for n in range(10, len(sent) + 1)], sent
    assert stamp(report['startTime']) < stamp(report['endTime'])


def test_the_command_takes_a_time_or_nothing(explorer):
    told = call(explorer, json.dumps(LONG_AGO))
    assert told['status'] == 200 and stamp(told['payload']['startTime']) == stamp(LONG_AGO)
    assert call(explorer, '"2999-01-01T00:00:00Z"')['status'] == 404
    assert call(explorer, '5')['status'] == 400


@pytest.mark.parametrize('wish', [21.5, {'value': 86.3}])
def test_a_target_is_acknowledged(explorer, wish):
    explorer.run('update-twin', 'thermostat-1', json.dumps({'properties': {'desired': {'targetTemperature': wish}}}))
    version = twin(explorer)['properties']['desired']['$version']
    answer = until(lambda: (told := reported(explorer, 'targetTemperature'))['av'] == version and told)
    value = wish['value'] if isinstance(wish, dict) else wish
    assert answer == {'value': value, 'ac': 200, 'av': version, 'ad': 'Successfully executed patch'}


def test_the_property_is_the_highest_that_was_sent(explorer, thermostats):
    thermostats['thermostat-1'].configure('sensors: { room: { interval = "1h"; }; };', 'conf.d/zzz-still.conf').reload()
    highest = until(lambda: max(event['body']['temperature'] for event in events(explorer, 'thermostat-1')))
    until(lambda: reported(explorer, 'maxTempSinceLastReboot') == highest)


def test_the_example_alone_sends_every_eight_seconds(explorer, thermostats):
    """Once there is one: the first reading does not wait for its time."""
    shown = events(explorer, 'patient', 4)
    times = [stamp(event['enqueued']) for event in shown[1:]]
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(times, times[1:])]
    assert all(4 < gap < 12 for gap in gaps), gaps
    for event in shown:
        system = event['system']
        assert (system['content-type'], system['content-encoding']) == ('application/json', 'utf-8')
        assert system['dt-dataschema'] == MODEL
