# SPDX-License-Identifier: Apache-2.0
"""The tutorial's thermostat is hublinkd with conf/examples/thermostat.conf, and hublink-explorer talks to it."""

import json
import pathlib
import re
import time
from datetime import datetime, timezone

import pytest
from bus import METHODS, NAME, PATH, PrivateBus
from daemon import Daemon
from devhub import Device, devhub  # noqa: F401 (the fixture)
from explorer import Explorer

EXAMPLE = (pathlib.Path(__file__).parents[2] / 'conf/examples/thermostat.conf').read_text()
MODEL = 'dtmi:com:example:Thermostat;1'

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


def stamp(text):
    return datetime.fromisoformat(text.replace('Z', '+00:00'))


def test_the_example_alone_says_every_eight_seconds(tmp_path):
    daemon = Daemon(tmp_path / 'gateway')
    daemon.configure(EXAMPLE, 'conf.d/thermostat.conf')
    printed = daemon.run('--print-config').stdout
    assert re.search(r'interval = "8s";', printed)
    assert 'model_id = "%s";' % MODEL in printed


def test_the_model_is_announced_and_its_telemetry_sent(thermostat):
    assert twin(thermostat)['modelId'] == MODEL
    for event in events(thermostat, 3):
        assert list(event['body']) == ['temperature'] and 21 <= event['body']['temperature'] <= 25
        system = event['system']
        assert (system['content-type'], system['content-encoding']) == ('application/json', 'utf-8')
        assert system['dt-dataschema'] == MODEL and 'dt-subject' not in system


def test_telemetry_of_a_component_says_so(thermostat):
    thermostat.configure('sensors: { room: { component = "thermostat1"; }; };', 'conf.d/component.conf')
    thermostat.reload()
    seen = until(lambda: [e for e in events(thermostat, 6) if 'dt-subject' in e['system']])
    assert {event['system']['dt-subject'] for event in seen} == {'thermostat1'}


def test_the_maximum_is_reported_and_follows(thermostat):
    first = until(lambda: reported(thermostat, 'maxTempSinceLastReboot'))
    assert 21 <= first <= 25
    # the hub comes to know what the readings say: the report is paced, so they are compared in the end
    thermostat.configure('sensors: { room: { interval = "1h"; }; };', 'conf.d/zzz-still.conf')
    thermostat.reload()
    read = call(thermostat, 'getMaxMinReport')['payload']
    until(lambda: reported(thermostat, 'maxTempSinceLastReboot') == read['maxTemp'])


@pytest.mark.parametrize('target', [86.3, {'value': 86.3}])
def test_a_target_is_acknowledged(thermostat, target):
    version = wish(thermostat, target)
    assert answer(thermostat, version) == {'value': 86.3, 'ac': 200, 'av': version, 'ad': 'Successfully executed patch'}


def wish(thermostat, value):
    """Returns its version."""
    patch = {'properties': {'desired': {'targetTemperature': value}}}
    thermostat.explorer.run('update-twin', 'thermostat-1', json.dumps(patch))
    return twin(thermostat)['properties']['desired']['$version']


def answer(thermostat, version):
    """To the wish of that version."""
    def given():
        told = reported(thermostat, 'targetTemperature')
        return told and told['av'] == version and told
    return until(given)


@pytest.mark.parametrize('again', ['reload', 'start'])
def test_what_the_settings_name_no_more_is_taken_back(thermostat, again):
    until(lambda: reported(thermostat, 'maxTempSinceLastReboot'))
    answer(thermostat, wish(thermostat, 46))
    if again == 'start':
        assert thermostat.stop() == 0
    thermostat.configure(re.sub(r'report = .*', '', EXAMPLE).replace('targetTemperature', 'goal'),
                         'conf.d/thermostat.conf')
    getattr(thermostat, again)()
    until(lambda: not {'maxTempSinceLastReboot', 'targetTemperature'} & set(twin(thermostat)['properties']['reported']))
    thermostat.configure(EXAMPLE, 'conf.d/thermostat.conf')
    thermostat.reload()
    until(lambda: reported(thermostat, 'maxTempSinceLastReboot'))
    assert until(lambda: reported(thermostat, 'targetTemperature'))['value'] == 46


def test_a_target_that_is_none_is_refused_and_one_set_while_away_is_seen(thermostat):
    version = wish(thermostat, 'warm')
    told = answer(thermostat, version)
    assert (told['ac'], told['ad']) == (400, 'expected a number')
    assert thermostat.stop() == 0
    version = wish(thermostat, 21)
    thermostat.start()
    assert answer(thermostat, version) == {'value': 21, 'ac': 200, 'av': version, 'ad': 'Successfully executed patch'}


def test_what_was_refused_stays_so_after_a_restart_with_what_is_in_effect(thermostat):
    answer(thermostat, wish(thermostat, 21))
    version = wish(thermostat, 'warm')
    refused = {'value': 21, 'ac': 400, 'av': version, 'ad': 'expected a number'}
    assert answer(thermostat, version) == refused
    before = twin(thermostat)['properties']['reported']['$version']
    assert thermostat.stop() == 0
    thermostat.start()
    # the hub hears of the new start: by then the answer would have come, too
    until(lambda: twin(thermostat)['properties']['reported']['$version'] > before)
    assert reported(thermostat, 'targetTemperature') == refused
    version = wish(thermostat, 'warmer')
    assert answer(thermostat, version) == {**refused, 'av': version}


def test_an_initial_target_is_reported_until_one_is_set_and_again_without(thermostat):
    initial = {'value': 21.5, 'ac': 203, 'av': 0, 'ad': 'initial value'}
    assert reported(thermostat, 'targetTemperature') is None
    thermostat.configure('twin: { writable: { targetTemperature: { initial = 21.5; }; }; };', 'conf.d/zz-initial.conf')
    thermostat.reload()
    assert answer(thermostat, 0) == initial
    version = wish(thermostat, 86.3)
    assert answer(thermostat, version)['value'] == 86.3
    wish(thermostat, None)
    assert answer(thermostat, 0) == initial


def test_the_command_answers_with_and_without_a_time(thermostat):
    sent = [event['body']['temperature'] for event in events(thermostat, 3)]
    told = call(thermostat, 'getMaxMinReport')
    assert told['status'] == 200
    report = told['payload']
    assert sorted(report) == ['avgTemp', 'endTime', 'maxTemp', 'minTemp', 'startTime']
    assert report['minTemp'] <= min(sent) and report['maxTemp'] >= max(sent)
    assert report['minTemp'] <= report['avgTemp'] <= report['maxTemp']
    start, end = stamp(report['startTime']), stamp(report['endTime'])
    assert start < end and abs((datetime.now(timezone.utc) - end).total_seconds()) < 60

    since = report['startTime']
    told = call(thermostat, 'getMaxMinReport', json.dumps(since))
    assert told['status'] == 200 and told['payload']['startTime'] == since
    assert call(thermostat, 'getMaxMinReport', '"2999-01-01T00:00:00Z"')['status'] == 404
    for bad in ('"yesterday"', '5', '{"since":"2026-01-01T00:00:00Z"}'):
        told = call(thermostat, 'getMaxMinReport', bad)
        assert told['status'] == 400 and 'expected a time' in told['payload']['error']


def test_a_command_of_a_component_has_its_name_before_it(thermostat):
    thermostat.configure('sensors: { room: { component = "thermostat1"; }; };', 'conf.d/component.conf')
    thermostat.stop()
    thermostat.start()
    thermostat.wait_for_link('connected')
    until(lambda: call(thermostat, 'thermostat1*getMaxMinReport')['status'] == 200)  # 404 before it has read
    assert call(thermostat, 'getMaxMinReport')['status'] == 404
    seen = until(lambda: reported(thermostat, 'thermostat1'))
    assert seen['__t'] == 'c' and 21 <= seen['maxTempSinceLastReboot'] <= 25


def test_a_command_has_its_name_as_long_as_the_settings_say_so(thermostat):
    """Against who registers, and against services of the settings; in both directions, at a reload."""
    name = 'getMaxMinReport'
    without, n = re.subn(r'commands: \{.*?\n\};', '', EXAMPLE, flags=re.DOTALL)
    assert n == 1

    def reload(text, *more):
        thermostat.configure(text, 'conf.d/thermostat.conf')
        thermostat.configure(''.join(more), 'conf.d/zz-service.conf')
        thermostat.reload()

    def listed():
        rows = thermostat.caller.call_blocking(NAME, PATH, METHODS, 'List', '', (), timeout=10)
        return {str(row[0]): (str(row[1]), str(row[2])) for row in rows}.get(name)

    assert listed() == ('builtin', '')
    reload(without)
    assert listed() is None
    client = thermostat.bus.connect()
    client.call_blocking(NAME, PATH, METHODS, 'Register', 's', (name,), timeout=20)
    assert listed() == ('registered', client.get_unique_name())
    reload(EXAMPLE)
    assert listed() == ('builtin', '')
    assert '%s: the settings give it to another; %s does not' % (name, client.get_unique_name()) in thermostat.log()
    until(lambda: call(thermostat, name)['status'] == 200)
    reload(without, 'methods: { services: { %s = "org.example.Other"; }; };' % name)
    assert listed() == ('activated', 'org.example.Other')
    reload(EXAMPLE)
    assert listed() == ('builtin', '')
    assert 'is built in' not in thermostat.log()
