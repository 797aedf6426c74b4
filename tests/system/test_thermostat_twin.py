# SPDX-License-Identifier: Apache-2.0
"""The tutorial's thermostat: what it reports, and the target that it is given."""

import json
import re

import pytest
from thermostat import EXAMPLE, call, devhub, reported, thermostat, twin, until  # noqa: F401 (two fixtures)


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


def test_the_maximum_is_reported_and_follows(thermostat):  # noqa: F811
    first = until(lambda: reported(thermostat, 'maxTempSinceLastReboot'))
    assert 21 <= first <= 25
    # the hub comes to know what the readings say: the report is paced, so they are compared in the end
    thermostat.configure('sensors: { room: { interval = "1h"; }; };', 'conf.d/zzz-still.conf')
    thermostat.reload()
    read = call(thermostat, 'getMaxMinReport')['payload']
    until(lambda: reported(thermostat, 'maxTempSinceLastReboot') == read['maxTemp'])


@pytest.mark.parametrize('target', [86.3, {'value': 86.3}])
def test_a_target_is_acknowledged(thermostat, target):  # noqa: F811
    version = wish(thermostat, target)
    assert answer(thermostat, version) == {'value': 86.3, 'ac': 200, 'av': version, 'ad': 'Successfully executed patch'}


@pytest.mark.parametrize('again', ['reload', 'start'])
def test_what_the_settings_name_no_more_is_taken_back(thermostat, again):  # noqa: F811
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


def test_a_target_that_is_none_is_refused_and_one_set_while_away_is_seen(thermostat):  # noqa: F811
    version = wish(thermostat, 'warm')
    told = answer(thermostat, version)
    assert (told['ac'], told['ad']) == (400, 'expected a number')
    assert thermostat.stop() == 0
    version = wish(thermostat, 21)
    thermostat.start()
    assert answer(thermostat, version) == {'value': 21, 'ac': 200, 'av': version, 'ad': 'Successfully executed patch'}


def test_what_was_refused_stays_so_after_a_restart_with_what_is_in_effect(thermostat):  # noqa: F811
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


def test_an_initial_target_is_reported_until_one_is_set_and_again_without(thermostat):  # noqa: F811
    initial = {'value': 21.5, 'ac': 203, 'av': 0, 'ad': 'initial value'}
    assert reported(thermostat, 'targetTemperature') is None
    thermostat.configure('twin: { writable: { targetTemperature: { initial = 21.5; }; }; };', 'conf.d/zz-initial.conf')
    thermostat.reload()
    assert answer(thermostat, 0) == initial
    version = wish(thermostat, 86.3)
    assert answer(thermostat, version)['value'] == 86.3
    wish(thermostat, None)
    assert answer(thermostat, 0) == initial
