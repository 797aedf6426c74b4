# SPDX-License-Identifier: Apache-2.0
"""The tutorial's thermostat: its telemetry and its command."""

import json
import re
from datetime import datetime, timezone

from bus import METHODS, NAME, PATH
from daemon import Daemon
from thermostat import EXAMPLE, call, devhub, events, reported, thermostat, twin, until  # noqa: F401 (two fixtures)

MODEL = 'dtmi:com:example:Thermostat;1'


def stamp(text):
    return datetime.fromisoformat(text.replace('Z', '+00:00'))


def test_the_example_alone_says_every_eight_seconds(tmp_path):
    daemon = Daemon(tmp_path / 'gateway')
    daemon.configure(EXAMPLE, 'conf.d/thermostat.conf')
    printed = daemon.run('--print-config').stdout
    assert re.search(r'interval = "8s";', printed)
    assert 'model_id = "%s";' % MODEL in printed


def test_the_model_is_announced_and_its_telemetry_sent(thermostat):  # noqa: F811
    assert twin(thermostat)['modelId'] == MODEL
    for event in events(thermostat, 3):
        assert list(event['body']) == ['temperature'] and 21 <= event['body']['temperature'] <= 25
        system = event['system']
        assert (system['content-type'], system['content-encoding']) == ('application/json', 'utf-8')
        assert system['dt-dataschema'] == MODEL and 'dt-subject' not in system


def test_telemetry_of_a_component_says_so(thermostat):  # noqa: F811
    thermostat.configure('sensors: { room: { component = "thermostat1"; }; };', 'conf.d/component.conf')
    thermostat.reload()
    seen = until(lambda: [e for e in events(thermostat, 6) if 'dt-subject' in e['system']])
    assert {event['system']['dt-subject'] for event in seen} == {'thermostat1'}


def test_the_command_answers_with_and_without_a_time(thermostat):  # noqa: F811
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


def test_a_command_of_a_component_has_its_name_before_it(thermostat):  # noqa: F811
    thermostat.configure('sensors: { room: { component = "thermostat1"; }; };', 'conf.d/component.conf')
    thermostat.stop()
    thermostat.start()
    thermostat.wait_for_link('connected')
    until(lambda: call(thermostat, 'thermostat1*getMaxMinReport')['status'] == 200)  # 404 before it has read
    assert call(thermostat, 'getMaxMinReport')['status'] == 404
    seen = until(lambda: reported(thermostat, 'thermostat1'))
    assert seen['__t'] == 'c' and 21 <= seen['maxTempSinceLastReboot'] <= 25


def test_a_command_has_its_name_as_long_as_the_settings_say_so(thermostat):  # noqa: F811
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
