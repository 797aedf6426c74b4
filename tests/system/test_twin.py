# SPDX-License-Identifier: Apache-2.0
"""The device twin through the daemon: real daemon, devhub, bus, and the explorer as the service."""

import json
import pathlib
import re
import subprocess
import time

import dbus
import pytest

from bus import TWIN, As
from gateway_twin import (SETTINGS, Reporter, desire, devhub, error_of, facts, gateway,  # noqa: F401
                          printed, reported, settings_answers, until)
from https import Service


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
    assert reported(gateway)['valve'] == {'__t': 'c', 'percent': {'value': 40, 'ac': 200, 'av': 2, 'ad': 'done'}}
    with service.listen() as heard:
        desire(gateway, {'valve': None, 'plain': 86.3})
        assert sorted(heard.next() for _ in range(2)) == [('plain', 86.3, 3), ('valve', {}, 3)]
    now = facts(gateway)
    assert (now['DesiredVersion'], now['Refused'], now['LastError']) == (3, 0, '')
    assert abs(now['LastDesired'] / 1e6 - time.time()) < 60 and abs(now['LastReported'] / 1e6 - time.time()) < 60


def peak_kib(gateway):
    """The most memory that it had since the last question."""
    status = pathlib.Path('/proc/%d/status' % gateway.process.pid).read_text()
    pathlib.Path('/proc/%d/clear_refs' % gateway.process.pid).write_text('5')
    return int(re.search(r'VmHWM:\s+(\d+)', status)[1])


@pytest.mark.parametrize('kib', [100, 300, 15000])
def test_a_report_beyond_all_limits_costs_its_length_and_no_more(gateway, kib):
    """It has a memory limit, and others to serve. An object of two bytes has some 800 in memory."""
    service = Reporter(gateway.bus)
    peak_kib(gateway)
    before = peak_kib(gateway)
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(dbus.DBusException) as caught:
            service.report_text('s', '{"a":[%s{}]}' % ('{},' * (kib * 1024 // 3)))
        assert error_of(caught) == 'BadValue' and ('4,096 values' if kib == 100 else '128 KiB') in str(caught.value)
    seconds, grown = time.monotonic() - begun, peak_kib(gateway) - before
    print('kib=%d seconds=%.2f grown_kib=%d' % (kib, seconds, grown))
    assert grown <= 4096 + 4 * kib and seconds < 10


def test_more_that_is_desired_than_is_taken(gateway):
    with Reporter(gateway.bus).listen() as heard:
        desire(gateway, {'valve': 1})
        heard.next()
    peak_kib(gateway)
    before = peak_kib(gateway)
    wish = {'properties': {'desired': {'many': [{}] * 60000}}}
    assert Service(gateway.devhub).patch('/twins/gw-1', wish).status == 200
    until(lambda: '4,096 values' in gateway.properties()['TwinProblem'])
    grown = peak_kib(gateway) - before
    print('grown_kib=%d' % grown)
    assert grown <= 8192
    assert Reporter(gateway.bus).desired() == {'valve': 1}
    desire(gateway, {'many': None, 'valve': 2})
    until(lambda: Reporter(gateway.bus).desired() == {'valve': 2})


def test_all_else_goes_on_beside_it_after_a_restart(gateway):
    desire(gateway, {'table': {'t': ['a'] * 4200}})
    until(lambda: gateway.properties()['TwinProblem'])
    gateway.stop()
    gateway.start()
    gateway.wait_for_link('connected')
    Reporter(gateway.bus).report('lamp', {'on': True})
    until(lambda: reported(gateway).get('lamp') == {'on': True, '__t': 'c'}, 60)
    desire(gateway, {'valve': 1, 'settings': {'log': {'level': 'debug'}}})
    until(lambda: Reporter(gateway.bus).desired('valve') == 1)
    assert settings_answers(gateway, 3)['log']['ac'] == 200
    assert gateway.properties()['TwinProblem'] == 'more than 4,096 values are desired: table is not taken over'
    desire(gateway, {'table': None})
    until(lambda: gateway.properties()['TwinProblem'] == '')


def test_what_changes_while_it_is_away_is_not_missed(gateway):
    service = Reporter(gateway.bus)
    service.report('a', {'x': 1, 'y': 1})
    for how in (gateway.stop, gateway.kill):
        how()
        desire(gateway, {'lamp': how.__name__})
        gateway.start()
        gateway.bus.wait_for_name()
        until(lambda: Reporter(gateway.bus).desired().get('lamp') == how.__name__)
    a = {'__t': 'c', 'x': 1, 'y': 1}
    assert Reporter(gateway.bus).reported()['a'] == a
    until(lambda: reported(gateway).get('a') == a)


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
    until(lambda: reported(gateway).get('a') == {'__t': 'c', 'n': 19} and reported(gateway).get('b') == {'x': 'y'}, 40)


def test_settings_are_acknowledged_beside_many_sensors_and_full_services(gateway):
    names = ['sensor%03d_of_a_large_house' % i for i in range(150)]
    gateway.configure((SETTINGS % (gateway.directory / 'queue')).replace('sensors: {', 'sensors: {\n' + '\n'.join(
        '%s: { driver = "simulated"; model = "wind"; };' % name for name in names)))
    gateway.reload()
    service = Reporter(gateway.bus)
    with pytest.raises(dbus.DBusException) as caught:
        for i in range(20):
            service.report('svc%d' % i, {'x': 'x' * 3000})
    assert 'local services' in str(caught.value) and i == 9
    desire(gateway, {'settings': {'log': {'level': 'debug'}, 'sensors': {name: {'interval': '17s'} for name in names}}})
    answers = until(lambda: (lambda s: s if s and s['log']['av'] == 2 else None)(reported(gateway).get('settings')), 60)
    assert (answers['log']['ac'], answers['sensors']['ac'], answers['log']['value']) == (200, 200, {'level': 'debug'})
    until(lambda: facts(gateway)['PendingBytes'] == 0, 60)
    now = reported(gateway)
    assert 'svc8' in now and 'sensors' not in now['hublink'] and 'value' not in now['settings']['sensors']
    assert facts(gateway)['Refused'] == 0 and gateway.properties()['TwinProblem'] == ''
    service.report('', {'svc%d' % i: None for i in range(9)})
    until(lambda: 'sensors' in reported(gateway)['hublink'] and 'value' in reported(gateway)['settings']['sensors'], 60)


def test_settings_are_applied_kept_and_shown(gateway):
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '1s'}}, 'log': {'level': 'debug'}}})
    answers = settings_answers(gateway, 2)
    assert answers['log'] == {'ac': 200, 'ad': 'in effect', 'av': 2, 'value': {'level': 'debug'}}
    assert answers['sensors']['ac'] == 200 and answers['__t'] == 'c'
    assert gateway.sensor('wind')['Interval'] == 1000000
    gateway.wait_for_log('settings desired by the cloud are in effect')

    place = str(gateway.state / 'twin.json (desired)')
    until(lambda: place in printed(gateway, 'level')[0])
    assert printed(gateway, 'level')[0].split(None, 4) == ['level', '=', '"debug";', '#', place]
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


def test_settings_that_are_no_group_are_answered(gateway):
    desire(gateway, {'settings': 'x'})  # nothing is in effect yet
    answers = settings_answers(gateway, 2)
    words = {'ac': 400, 'ad': 'settings: a group of settings is an object', 'value': {}}
    assert answers == {'settings': {**words, 'av': 2}, '__t': 'c'}
    desire(gateway, {'settings': {'log': {'level': 'notice'}}})
    assert set(settings_answers(gateway, 3)) == {'log', '__t'}
    for version, bad in enumerate((7, ['log'], True), 4):  # what is in effect stays, and is told
        desire(gateway, {'settings': bad})
        answers = settings_answers(gateway, version)
        assert answers['settings'] == {**words, 'av': version}
        assert answers['log'] == {**words, 'av': version, 'value': {'level': 'notice'}} and len(answers) == 3
    assert '"notice"' in printed(gateway, 'level')[0]


def test_a_setting_that_is_acknowledged_is_on_the_disk(gateway):
    in_the_way = gateway.state / 'twin.json.new'  # no file of this name can be made
    until(lambda: facts(gateway)['PendingBytes'] == 0)
    (in_the_way / 'x').mkdir(parents=True)
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '1s'}}}})
    until(lambda: gateway.sensor('wind')['Interval'] == 1000000)
    gateway.wait_for_log('Twin: it cannot be stored')
    time.sleep(2)
    assert 'settings' not in reported(gateway)
    (in_the_way / 'x').rmdir()
    in_the_way.rmdir()
    assert settings_answers(gateway, 2)['sensors']['ac'] == 200
    gateway.devhub.stop()  # what is in effect next comes from the disk
    gateway.kill()
    gateway.start()
    gateway.bus.wait_for_name()
    assert gateway.sensor('wind')['Interval'] == 1000000


def test_what_an_older_build_kept_is_taken_over(gateway):
    gateway.devhub.stop()
    gateway.stop()
    old = gateway.state / 'twin.conf'
    state = json.loads((gateway.state / 'twin.json').read_text())
    del state['overlay']
    (gateway.state / 'twin.json').write_text(json.dumps(state))
    old.write_text('sensors: {\n  wind: {\n    interval = "1s";\n  };\n};\n')
    for is_there in (True, False, False):
        gateway.start()
        gateway.bus.wait_for_name()
        assert gateway.sensor('wind')['Interval'] == 1000000
        until(lambda: '1s' in json.loads((gateway.state / 'twin.json').read_text()).get('overlay', {}).get('desired', ''))
        assert old.exists() == is_there
        gateway.stop()


def test_what_no_longer_fits_the_files_does_not_keep_it_from_starting(gateway):
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '1s'}}}})
    settings_answers(gateway, 2)
    gateway.stop()
    gateway.configure((SETTINGS % (gateway.directory / 'queue')).replace('wind:', 'breeze:'))
    gateway.start()
    gateway.wait_for_log('what the cloud set before is not in effect')
    answers = until(lambda: (lambda a: a if a['sensors']['ac'] == 400 else None)(reported(gateway)['settings']))
    assert 'sensors.wind: there is none of this name' in answers['sensors']['ad']
    assert answers['sensors']['value'] == {}  # what was in effect before is not now


def test_a_setting_that_fits_no_more_takes_the_others_with_it_and_the_log_says_so(gateway):
    two = (SETTINGS % (gateway.directory / 'queue')).replace('sensors: {', 'sensors: { two: { driver = "simulated"; model = "wind"; };')
    gateway.configure(two)
    gateway.reload()
    desire(gateway, {'settings': {'log': {'max_lines_per_hour': 999}, 'sensors': {'two': {'interval': '5s'}}}})
    assert settings_answers(gateway, 2)['log']['ac'] == 200
    gateway.configure(SETTINGS % (gateway.directory / 'queue'))
    gateway.reload()
    answers = until(lambda: (lambda a: a if a['sensors']['ac'] == 400 else None)(reported(gateway)['settings']))
    assert answers['log']['ac'] == 400 and answers['log']['value'] == {}
    gateway.stop()
    gateway.start()
    gateway.bus.wait_for_name()
    gateway.wait_for_link('connected')
    time.sleep(1)
    lines = [line for line in gateway.log().splitlines() if 'sensors.two' in line]
    assert all('not in effect' in line and 'there is none of this name' in line for line in lines), lines
    assert len(lines) == 2, lines  # once at the reload, once at the start
    assert 'those in effect stay' not in gateway.log()
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': 'soon'}, 'two': None}}})
    line = gateway.wait_for_log('the desired settings are refused')
    assert 'and none of them is in effect: sensors.wind.interval' in gateway.log()


def test_however_many_settings_fit_no_more_the_log_has_one_line(gateway):
    plain = SETTINGS % (gateway.directory / 'queue')
    names = ['s%d' % i for i in range(30)]
    many = plain.replace('sensors: {', 'sensors: {' + ''.join(' %s: { driver = "simulated"; model = "wind"; };' % n for n in names))
    told = r'sensors\.s0: there is none of this name.*not in effect \(29 more: hublinkd --print-config\)\.'

    def misfits():
        return [line for line in gateway.log().splitlines() if 'none of this name' in line]

    def reload(text):
        gateway.configure(text)
        gateway.reload()

    reload(many)
    desire(gateway, {'settings': {'sensors': {n: {'interval': '5min'} for n in names}}})
    assert settings_answers(gateway, 2)['sensors']['ac'] == 200
    for again in range(3):
        reload(plain)
        assert len(misfits()) == 1 and re.search(told, misfits()[0]), misfits()
    assert until(lambda: (lambda a: a if a['sensors']['ac'] == 400 else None)(reported(gateway)['settings']))
    named = [line for line in gateway.run('--print-config').stderr.splitlines() if 'not in effect' in line]
    assert len(named) == 30, named
    # it is told again once it was well, and at a start
    reload(many)
    reload(plain)
    assert len(misfits()) == 2 and re.search(told, misfits()[1]), misfits()
    gateway.stop()
    gateway.start()
    gateway.wait_for_link('connected')
    assert len(misfits()) == 3 and re.search(told, misfits()[2]), misfits()


def busctl(gateway, who, *words):
    return subprocess.run([*who, 'busctl', '--address=' + gateway.bus.address, 'call', 'org.hublink1', '/org/hublink1',
                           TWIN, *words], capture_output=True, text=True, timeout=20)


def test_a_section_has_an_owner(gateway):
    """Who reported it first, over a restart; root may; and the settings may name another."""
    def refused(who, section, body='{"x":1}'):
        done = busctl(gateway, who, 'Report', 'ss', section, body)
        assert done.returncode == 0 or 'belongs to' in done.stderr or 'alone' in done.stderr, done
        return done.stderr

    assert not refused(As.SUBMITTER, 'pump')
    for end in (gateway.stop, gateway.kill):
        assert 'belongs to user daemon' in refused(As.ADMIN, 'pump') and refused(As.ADMIN, '', '{"pump":null}')
        assert not refused(As.ROOT, 'pump') and not refused(As.SUBMITTER, 'pump')
        end()
        gateway.start()
        gateway.bus.wait_for_name()
    gateway.configure('twin: { sections: { pump = "bin"; }; };', 'conf.d/sections.conf')
    gateway.reload()
    assert 'for user bin alone (twin.sections); you are daemon' in refused(As.SUBMITTER, 'pump')
    assert facts(gateway)['Owners'] == {'pump': 'bin'}
    assert not refused(As.ADMIN, 'pump', '{"y":2}')
    until(lambda: reported(gateway).get('pump') == {'__t': 'c', 'x': 1, 'y': 2})
    # the owner deletes it, and it is anybody's again
    assert not refused(As.ADMIN, '', '{"pump":null}')
    gateway.configure('', 'conf.d/sections.conf')
    gateway.reload()
    assert not refused(As.SUBMITTER, 'pump')


def test_what_the_settings_report_is_the_daemons_own(gateway):
    [channel] = until(lambda: list(gateway.sensor('wind')['Values']))
    gateway.configure('sensors: { wind: { interval = "1s"; report = ( { property = "strongest"; of = "%s"; '
                      'value = "max"; } ); }; };' % channel, 'conf.d/report.conf')
    gateway.reload()
    until(lambda: 'strongest' in Reporter(gateway.bus).reported())
    done = busctl(gateway, As.SUBMITTER, 'Report', 'ss', '', '{"strongest":99}')
    assert done.returncode == 1 and 'belongs to hublinkd itself' in done.stderr, done
    assert facts(gateway)['Owners'] == {'strongest': ''}


def test_who_may_report(gateway):
    for who, code in ((As.NOBODY, 1), (As.SUBMITTER, 0), (As.ADMIN, 0), (As.ROOT, 0)):
        section = 'by-%s' % '-'.join(who[1:2])
        done = busctl(gateway, who, 'Report', 'ss', section, '{"code":%d}' % code)
        assert done.returncode == code, done.stderr
        done = busctl(gateway, who, 'GetReported', 's', section)
        assert done.returncode == 0, done.stderr
    service = Reporter(gateway.bus)
    for section, body, error in (('settings', '{"x":1}', 'NotOwner'), ('', '{"hublink":null}', 'NotOwner'),
                                 ('a b', '{}', 'BadValue'), ('a', '[]', 'BadValue'), ('a', '{"x":', 'BadValue'),
                                 ('a', '{"x":"%s"}' % ('y' * 4097), 'BadValue')):
        with pytest.raises(dbus.DBusException) as caught:
            service.report_text(section, body)
        assert error_of(caught) == error
