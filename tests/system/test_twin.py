# SPDX-License-Identifier: Apache-2.0
"""The device twin through the daemon: real daemon, devhub, bus, and the explorer as the service."""

import json
import subprocess
import time

import dbus
import pytest

from bus import TWIN, As
from gateway_twin import (SETTINGS, Reporter, desire, devhub, error_of, facts, gateway,  # noqa: F401
                          printed, reported, settings_answers, until)


def test_the_daemon_tells_of_itself(gateway):
    mine = until(lambda: reported(gateway).get('hublink'))
    assert mine['__t'] == 'c' and mine['sensors']['wind']['driver'] == 'simulated'
    assert mine['version'] and mine['link']['connections'] == 1
    assert mine['statistics']['accepted'] >= 0
    # at a quiet point the hub has what is told here
    until(lambda: facts(gateway)['PendingBytes'] == 0)
    ours = Reporter(gateway.bus).reported()
    assert ours == {k: v for k, v in reported(gateway).items() if not k.startswith('$')}


def test_a_section_is_desired_told_and_answered(gateway):
    service = Reporter(gateway.bus)
    with service.listen() as heard:
        desire(gateway, {'valve': {'open': True, 'percent': 40}})
        section, value, version = heard.next()
    assert (section, value, version) == ('valve', {'open': True, 'percent': 40}, 2)
    assert service.desired('valve') == value and service.desired() == {'valve': value}
    service.report('valve', {'percent': {'value': 40, 'ac': 200, 'av': version, 'ad': 'done'}})
    # an answer does not wait for the pace
    until(lambda: reported(gateway).get('valve'), 8)
    assert reported(gateway)['valve'] == {'percent': {'value': 40, 'ac': 200, 'av': 2, 'ad': 'done'}}
    with service.listen() as heard:
        desire(gateway, {'valve': None, 'plain': 86.3})
        assert sorted(heard.next() for _ in range(2)) == [('plain', 86.3, 3), ('valve', {}, 3)]
    now = facts(gateway)
    assert (now['DesiredVersion'], now['Refused'], now['LastError']) == (3, 0, '')
    assert abs(now['LastDesired'] / 1e6 - time.time()) < 60 and abs(now['LastReported'] / 1e6 - time.time()) < 60


def test_what_changes_while_it_is_away_is_not_missed(gateway):
    service = Reporter(gateway.bus)
    service.report('a', {'x': 1, 'y': 1})
    for how in (gateway.stop, gateway.kill):
        how()
        desire(gateway, {'lamp': how.__name__})
        gateway.start()
        gateway.bus.wait_for_name()
        until(lambda: Reporter(gateway.bus).desired().get('lamp') == how.__name__)
    assert Reporter(gateway.bus).reported()['a'] == {'x': 1, 'y': 1}
    until(lambda: reported(gateway).get('a') == {'x': 1, 'y': 1})


def test_reports_merge_while_there_is_no_link(gateway):
    service = Reporter(gateway.bus)
    until(lambda: facts(gateway)['PendingBytes'] == 0)
    gateway.devhub.stop()
    for i in range(20):
        service.report('a', {'n': i, 'gone': None if i else 1})
    service.report('', {'b': {'x': 'y'}})
    assert facts(gateway)['PendingBytes'] > 0
    gateway.devhub.start()
    gateway.caller.call_blocking('org.hublink1', '/org/hublink1', 'org.hublink1.Manager', 'Reconnect', '', ())
    until(lambda: reported(gateway).get('a') == {'n': 19} and reported(gateway).get('b') == {'x': 'y'}, 40)


def test_settings_are_applied_kept_and_shown(gateway):
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '1s'}}, 'log': {'level': 'debug'}}})
    answers = settings_answers(gateway, 2)
    assert answers['log'] == {'ac': 200, 'ad': 'in effect', 'av': 2, 'value': {'level': 'debug'}}
    assert answers['sensors']['ac'] == 200 and answers['__t'] == 'c'
    assert gateway.sensor('wind')['Interval'] == 1000000
    gateway.wait_for_log('settings desired by the cloud are in effect')

    place = str(gateway.state / 'twin.conf')
    until(lambda: place in printed(gateway, 'level')[0])
    assert printed(gateway, 'level')[0].split() == ['level', '=', '"debug";', '#', printed(gateway, 'level')[0].split()[-1]]
    assert place in printed(gateway, 'interval')[0] and '"1s"' in printed(gateway, 'interval')[0]

    # neither SIGHUP nor a restart undoes it
    gateway.reload()
    assert gateway.sensor('wind')['Interval'] == 1000000
    gateway.stop()
    gateway.start()
    gateway.wait_for_link('connected')
    assert gateway.sensor('wind')['Interval'] == 1000000

    # what is taken back is the files' again
    desire(gateway, {'settings': {'sensors': None}})
    until(lambda: gateway.sensor('wind')['Interval'] == 30000000)
    until(lambda: 'sensors' not in reported(gateway)['settings'])
    desire(gateway, {'settings': None})
    until(lambda: 'settings' not in reported(gateway))
    until(lambda: place not in gateway.run('--print-config').stdout)


@pytest.mark.parametrize('bad, words', [
    ({'sensors': {'wind': {'interval': '1 fortnight'}}}, 'sensors.wind.interval: expected a time from'),
    ({'sensors': {'wind': {'model': 'thermostat'}}}, 'sensors.wind.model: this cannot be set from the cloud'),
    ({'sensors': {'rain': {'interval': '1s'}}}, 'sensors.rain: there is none of this name'),
    ({'sensors': {'wind': {'intervall': '1s'}}}, 'did you mean "interval"'),
    ({'sensors': 7}, 'sensors: '),
    ({'sensors': {'wind': {'interval': ['1s']}}}, 'sensors.wind.interval: a setting is'),
    ({'sensors': {'wind': 'x'}}, 'sensors.wind: this cannot be set'),
])
def test_settings_are_all_taken_or_none(gateway, bad, words):
    desire(gateway, {'settings': {'log': {'level': 'notice'}}})
    settings_answers(gateway, 2)
    desire(gateway, {'settings': {'log': {'level': 'debug'}, **bad}})
    answers = settings_answers(gateway, 3)
    assert answers['log']['ac'] == 400 and answers['log']['value'] == {'level': 'notice'}
    assert answers['sensors']['ac'] == 400 and words in answers['sensors']['ad'], answers
    assert str(gateway.directory) not in json.dumps(answers)
    assert '"notice"' in printed(gateway, 'level')[0]
    gateway.wait_for_log('the desired settings are refused')


def test_what_no_longer_fits_the_files_does_not_keep_it_from_starting(gateway):
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '1s'}}}})
    settings_answers(gateway, 2)
    gateway.stop()
    gateway.configure((SETTINGS % (gateway.directory / 'queue')).replace('wind:', 'breeze:'))
    gateway.start()
    gateway.wait_for_log('what the cloud set before is not in effect')
    answers = until(lambda: (lambda a: a if a['sensors']['ac'] == 400 else None)(reported(gateway)['settings']))
    assert 'sensors.wind: there is none of this name' in answers['sensors']['ad']


def test_who_may_report(gateway):
    for who, code in ((As.NOBODY, 1), (As.SUBMITTER, 0), (As.ADMIN, 0), (As.ROOT, 0)):
        done = subprocess.run([*who, 'busctl', '--address=' + gateway.bus.address, 'call', 'org.hublink1',
                               '/org/hublink1', TWIN, 'Report', 'ss', 'who', '{"code":%d}' % code],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == code, done.stderr
        done = subprocess.run([*who, 'busctl', '--address=' + gateway.bus.address, 'call', 'org.hublink1',
                               '/org/hublink1', TWIN, 'GetReported', 's', 'who'], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
    service = Reporter(gateway.bus)
    for section, body, error in (('settings', '{"x":1}', 'NotOwner'), ('', '{"hublink":null}', 'NotOwner'),
                                 ('a b', '{}', 'BadValue'), ('a', '[]', 'BadValue'), ('a', '{"x":', 'BadValue'),
                                 ('a', '{"x":"%s"}' % ('y' * 4097), 'BadValue')):
        with pytest.raises(dbus.DBusException) as caught:
            service.report_text(section, body)
        assert error_of(caught) == error
