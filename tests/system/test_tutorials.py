# SPDX-License-Identifier: Apache-2.0
"""What the tutorials of IoT Hub do, with our hub and our service side: devices are hublinkd, and the official client
for Node in the tutorials' own way (node/simulated-device.js, node/thermostat.js)."""

import json
import re
import time

import pytest
from bus import PrivateBus
from daemon import Daemon
from devhub import Device, Devhub, devhub  # noqa: F401
from explorer import REFUSED, Explorer
from sdk import HOST, Program, hub  # noqa: F401
from test_devhub_c2d import Poller

WIND = '''
queue: { commit_interval = "100ms"; };
streams: {
  wind: {
    format = "object"; max_latency = "0s";
    body = "{\\"deviceId\\": \\"${device}\\",\\"windSpeed\\": ${value:.2f}}";
    message_id = "message_${count}"; correlation_id = "correlation_${count}";
    properties: { Property = "PropMsg_${count}"; };
  };
};
sensors: { wind: { driver = "simulated"; model = "wind"; interval = "200ms"; stream = "wind"; }; };
clock: { trust = true; };
'''


@pytest.fixture
def explorer(hub):
    return Explorer(hub.directory, within=hub.within)


def number(event):
    """The place of the event in its device's row, having looked at all that the tutorial gives it."""
    n = int(re.fullmatch(r'message_(\d+)', event['system']['message-id'])[1])
    assert event['system']['correlation-id'] == 'correlation_%d' % n
    assert event['properties']['Property'] == 'PropMsg_%d' % n
    assert event['body']['deviceId'] == event['device'] == event['system']['iothub-connection-device-id']
    assert isinstance(event['body']['windSpeed'], float)
    return n


# --- create an identity; send telemetry; monitor events ---

def test_hublinkd_sends_its_wind_speed_and_the_explorer_shows_it(devhub, tmp_path):
    explorer = Explorer(devhub.directory)
    device = Device(devhub.host, explorer.json('create', 'windmill'))
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(WIND)
        daemon.hub(devhub, device)
        with explorer.watch('--json', 'monitor-events', 'windmill', '--from', 'start', '--count', '10') as watch:
            daemon.start()
            shown = [json.loads(line) for line in watch.lines(10)]
            assert watch.end() == 0
        # every reading that the hub confirmed is counted as such
        confirmed = daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] >= 10, 'ten confirmations')
        assert confirmed['LinkState'] == 'connected'
        assert daemon.stop() == 0
    assert [number(event) for event in shown] == list(range(1, 11))


def test_a_device_sends_every_interval_and_counts_its_confirmations(hub, explorer):
    created = explorer.json('create', 'simulated')
    with explorer.watch('--json', 'monitor-events', 'simulated', '--from', 'start', '--count', '5') as watch, \
            Program(hub, 'simulated-device.js', created['connectionString'], '200') as device:
        assert device.tells('open') == {'open': 'simulated'}
        assert [device.tells('confirmed')['confirmed'] for _ in range(5)] == [1, 2, 3, 4, 5]
        shown = [json.loads(line) for line in watch.lines(5)]
        assert watch.end() == 0
    assert [number(event) for event in shown] == [1, 2, 3, 4, 5]
    times = [event['system']['iothub-enqueuedtime'] for event in shown]
    assert times == sorted(times)


# --- messages to a device, and what became of them ---

def test_messages_are_received_or_expire_and_feedback_tells_which(hub, explorer):
    created = explorer.json('create', 'listener')
    explorer.run('create', 'away')
    with explorer.watch('--json', 'monitor-feedback', '--count', '2') as watch, \
            Program(hub, 'simulated-device.js', created['connectionString'], '60000') as device:
        device.tells('open')
        explorer.run('send', 'away', 'too late', '--message-id', 'c2d-1', '--expiry', '1s', '--ack', 'negative')
        explorer.run('send', 'listener', 'Cloud to device message.', '--message-id', 'c2d-2', '--property', 'a=b',
                     '--ack', 'positive')
        received = device.tells('received')
        records = [json.loads(line) for line in watch.lines(2, within=40)]
        assert watch.end() == 0
    assert (received['received'], received['id']) == ('Cloud to device message.', 'c2d-2')
    assert {'key': 'a', 'value': 'b'} in received['properties']
    told = {(record['originalMessageId'], record['deviceId'], record['statusCode']) for record in records}
    assert told == {('c2d-1', 'away', 'Expired'), ('c2d-2', 'listener', 'Success')}


@pytest.mark.parametrize('fate, word, code', [('complete', 'Success', 0), ('reject', 'Rejected', 1)])
def test_who_sends_may_wait_for_what_becomes_of_it(tmp_path, fate, word, code):
    with Devhub(tmp_path / 'timed').start('--virtual-clock') as hub:
        explorer = Explorer(hub.directory)
        poller = Poller(hub, Device(hub.host, explorer.json('create', 'poller')))
        with explorer.watch('send', 'poller', 'Well?', '--wait') as watch:
            deadline = time.monotonic() + 20
            while (answer := poller.take()).status == 204:
                assert time.monotonic() < deadline, 'no message'
                time.sleep(0.1)
            assert answer.body == b'Well?'
            assert getattr(poller, fate)(answer.headers['ETag'].strip('"')) == 204
            hub.run('clock', 'advance', '16s')
            assert watch.end() == code
            assert word in '\n'.join(watch.rest() + watch.said)


# --- a device locked out ---

def test_a_device_that_is_disabled_is_heard_no_more(hub, explorer):
    created = explorer.json('create', 'stolen')
    with Program(hub, 'simulated-device.js', created['connectionString'], '100') as device:
        device.tells('confirmed')
        explorer.run('update', 'stolen', '--status', 'disabled')
        deadline = time.monotonic() + 10
        while explorer.json('get', 'stolen')['connectionState'] != 'Disconnected':
            assert time.monotonic() < deadline, 'still connected'
        before = len(hub.events('stolen'))
        time.sleep(0.5)
        assert len(hub.events('stolen')) == before


# --- Plug and Play, provisioned ---

@pytest.fixture(scope='module')
def thermostat(hub):
    """Enrolled by the explorer, provisioned by itself, and at work."""
    explorer = Explorer(hub.directory, within=hub.within)
    made = explorer.json('enrollment', 'create', 'thermostat-1')
    key = made['attestation']['symmetricKey']['primaryKey']
    with Program(hub, 'thermostat.js', HOST, hub.endpoints()['id_scope'], 'thermostat-1', key) as device:
        assert device.tells('assigned') == {'assigned': HOST, 'device': 'thermostat-1'}
        device.tells('ready')
        yield device


def reported(explorer):
    return explorer.json('get-twin', 'thermostat-1')['properties']['reported']


def test_the_model_stands_in_twin_and_telemetry(hub, explorer, thermostat):
    assert explorer.json('get-twin', 'thermostat-1')['modelId'] == 'dtmi:com:example:Thermostat;1'
    shown = explorer.run('--json', 'monitor-events', 'thermostat-1', '--from', 'start', '--count', '3').stdout
    events = [json.loads(line) for line in shown.splitlines()]
    assert [event['body']['temperature'] for event in events] == [20, 21, 22]
    assert {event['system']['dt-dataschema'] for event in events} == {'dtmi:com:example:Thermostat;1'}


def test_what_the_thermostat_reports_at_its_start(explorer, thermostat):
    seen = reported(explorer)
    assert seen['maxTempSinceLastReboot'] == 22
    assert seen['targetTemperature'] == {'value': 20, 'ac': 203, 'av': 0, 'ad': 'from the start'}


@pytest.mark.parametrize('wish, value, code', [(23.2, 23.2, 200), (99, 23.2, 400)])
def test_a_writable_property_is_answered_with_value_code_and_version(explorer, thermostat, wish, value, code):
    explorer.run('update-twin', 'thermostat-1',
                 json.dumps({'properties': {'desired': {'targetTemperature': wish}}}))
    version = explorer.json('get-twin', 'thermostat-1')['properties']['desired']['$version']
    assert thermostat.tells('target') == {'target': value, 'version': version}
    answer = reported(explorer)['targetTemperature']
    assert (answer['value'], answer['ac'], answer['av']) == (value, code, version)
    assert answer['ad']


def test_the_command_reports_the_extremes(explorer, thermostat):
    told = explorer.json('device-method', 'thermostat-1', 'getMaxMinReport', '"2026-01-01T00:00:00Z"')
    assert told['status'] == 200
    report = told['payload']
    assert (report['maxTemp'], report['minTemp'], report['avgTemp']) == (22, 20, 21)
    assert report['startTime'] == '2026-01-01T00:00:00Z'


def test_a_command_of_a_thermostat_that_is_away(explorer):
    explorer.run('create', 'thermostat-2')
    explorer.fails(REFUSED, 'device-method', 'thermostat-2', 'getMaxMinReport')
