# SPDX-License-Identifier: Apache-2.0
"""A sensor's interval stands in the files, the device twin desires one, and the method setInterval sets one: whichever of
the two came last counts, and is shown with its place."""

import json
import re

from bus import METHODS, NAME, PATH
from gateway_twin import desire, devhub, gateway, printed, reported, settings_answers, until  # noqa: F401

SECOND = 1000000
FILES, DESIRED, SET = r'hublink.conf:\d+', r'twin.json \(desired\)', r'twin.json \(setInterval\)'  # where an interval stands
LATER = 'in effect, but for what setInterval has set since'


def set_interval(gateway, interval, how='hub', sensor='wind'):
    """Over the hub, or on the bus."""
    wish = json.dumps({'sensor': sensor, 'interval': interval})
    if how == 'hub':
        told = gateway.explorer.json('device-method', 'gw-1', 'setInterval', wish, check=False)
        return told['status'], told['payload']
    status, told = gateway.caller.call_blocking(NAME, PATH, METHODS, 'Call', 'sst', ('setInterval', wish, 0), timeout=20)
    return int(status), json.loads(told)


def wish(gateway, interval, **more):
    """The answer of the section, once it is given."""
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': interval}}, **more}})
    version = gateway.explorer.json('get-twin', 'gw-1')['properties']['desired']['$version']
    return settings_answers(gateway, version)['sensors']


def expect(gateway, seconds, place):
    """In effect, and shown so: by the daemon, and by --print-config once it is on the disk."""
    assert gateway.sensor('wind')['Interval'] == seconds * SECOND
    until(lambda: re.search(r'"%s"; +# .*%s$' % (seconds, place), printed(gateway, 'interval')[0].replace('s"', '"')))


def test_whichever_came_last_counts(gateway):
    expect(gateway, 30, FILES)
    assert set_interval(gateway, '20s') == (200, {'sensor': 'wind', 'interval': '20s'})
    expect(gateway, 20, SET)
    answer = wish(gateway, 0.5)
    assert (answer['ac'], answer['ad'], answer['value']) == (200, 'in effect', {'wind': {'interval': 0.5}})
    answer = wish(gateway, '15s')
    assert (answer['ac'], answer['ad'], answer['value']) == (200, 'in effect', {'wind': {'interval': '15s'}})
    expect(gateway, 15, DESIRED)
    assert set_interval(gateway, 10, 'bus')[0] == 200
    expect(gateway, 10, SET)
    # what the service sees is what is in effect
    until(lambda: reported(gateway)['settings']['sensors']['value'] == {'wind': {'interval': '10s'}})
    assert reported(gateway)['settings']['sensors']['ad'] == LATER
    # the same wish beside another is nothing new
    answer = wish(gateway, '15s', log={'level': 'debug'})
    assert (answer['ac'], answer['ad'], answer['value']) == (200, LATER, {'wind': {'interval': '10s'}})
    expect(gateway, 10, SET)
    # one that is refused changes nothing
    answer = wish(gateway, 'soon')
    assert (answer['ac'], answer['value']) == (400, {'wind': {'interval': '10s'}})
    expect(gateway, 10, SET)
    assert wish(gateway, '40s')['value'] == {'wind': {'interval': '40s'}}
    expect(gateway, 40, DESIRED)
    assert set_interval(gateway, '5s')[0] == 200
    desire(gateway, {'settings': None})
    until(lambda: gateway.sensor('wind')['Interval'] == 30 * SECOND)
    expect(gateway, 30, FILES)


def test_what_was_answered_is_on_the_disk(gateway):
    """Killed at once, ten times."""
    for seconds in range(11, 21):
        assert set_interval(gateway, '%ds' % seconds, 'bus')[0] == 200
        kill(gateway)
        assert gateway.sensor('wind')['Interval'] == seconds * SECOND


def test_what_was_set_outlives_restarts_and_is_taken_back(gateway):
    wish(gateway, '40s')
    assert set_interval(gateway, '20s')[0] == 200
    for again in (gateway.reload, restart, kill):
        again() if again == gateway.reload else again(gateway)
        expect(gateway, 20, SET)
    # what it was refused for stays refused
    answer = wish(gateway, 'soon')
    assert answer['ac'] == 400
    restart(gateway)
    expect(gateway, 20, SET)
    assert reported(gateway)['settings']['sensors'] == answer
    # and what its answer names is what is in effect
    assert set_interval(gateway, None)[0] == 200
    until(lambda: reported(gateway)['settings']['sensors'] == {**answer, 'value': {'wind': {'interval': '40s'}}})
    assert set_interval(gateway, '20s')[0] == 200
    # while it was away the cloud desired another
    gateway.stop()
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '50s'}}}})
    gateway.start()
    gateway.wait_for_link('connected')
    until(lambda: gateway.sensor('wind')['Interval'] == 50 * SECOND)
    expect(gateway, 50, DESIRED)
    assert set_interval(gateway, '20s')[0] == 200
    assert set_interval(gateway, None) == (200, {'sensor': 'wind', 'interval': '50s'})
    expect(gateway, 50, DESIRED)


def test_of_a_sensor_that_is_gone_it_is_passed_over(gateway):
    assert set_interval(gateway, '20s')[0] == 200
    expect(gateway, 20, SET)
    main = gateway.config.read_text()
    gateway.configure(re.sub(r'sensors: .*\n', '', main))
    gateway.reload()
    assert all(line.endswith('# default') for line in printed(gateway, 'interval'))  # of metrics alone
    wished = {'settings': {'log': {'level': 'debug'}}}
    desire(gateway, wished)
    assert until(lambda: reported(gateway).get('settings'))['log']['ac'] == 200
    gateway.configure(main)
    gateway.reload()
    expect(gateway, 20, SET)


def test_while_the_wishes_of_the_cloud_do_not_count_it_is_set_over_the_files(gateway):
    main = gateway.config.read_text()
    two = main.replace('interval = "30s"; };', 'interval = "30s"; }; two: { driver = "simulated"; model = "wind"; };')
    assert two != main
    gateway.configure(two)
    gateway.reload()
    wished = {'settings': {'log': {'max_lines_per_hour': 999}, 'sensors': {'wind': {'interval': '40s'}, 'two': {'interval': '5s'}}}}
    desire(gateway, wished)
    assert settings_answers(gateway, 2)['sensors']['ac'] == 200
    expect(gateway, 40, DESIRED)
    gateway.configure(main)
    gateway.reload()
    expect(gateway, 30, FILES)
    assert set_interval(gateway, '20s') == (200, {'sensor': 'wind', 'interval': '20s'})
    expect(gateway, 20, SET)
    assert set_interval(gateway, None) == (200, {'sensor': 'wind', 'interval': '30s'})
    expect(gateway, 30, FILES)
    assert set_interval(gateway, '20s')[0] == 200
    restart(gateway)
    expect(gateway, 20, SET)
    # it is kept beside what the cloud desires, which counts again once it fits
    gateway.configure(two)
    gateway.reload()
    expect(gateway, 20, SET)
    assert gateway.sensor('two')['Interval'] == 5 * SECOND
    assert '999' in printed(gateway, 'max_lines_per_hour')[0]
    assert set_interval(gateway, None) == (200, {'sensor': 'wind', 'interval': '40s'})


def test_one_that_does_not_go_with_the_rest_is_refused_with_the_reason(gateway):
    rule = 'rules = ( { channel = "wind.windSpeed"; stale_after = "35s"; } );'
    gateway.configure(rule, 'conf.d/rule.conf')
    gateway.reload()
    status, told = set_interval(gateway, '50s')
    assert status == 400 and re.fullmatch(r'interval: it does not go with other settings: rules.*\.stale_after: sensor wind is '
                                          'read every 50s: this must be longer', told['error']), told
    expect(gateway, 30, FILES)
    # what the cloud desires and does not count is not the reason
    desire(gateway, {'settings': {'sensors': {'wind': {'interval': '31s'}}}})
    assert settings_answers(gateway, 2)['sensors']['ac'] == 200
    main = gateway.config.read_text()
    gateway.configure(main.replace('wind:', 'gust:'))
    gateway.configure(rule.replace('wind.', 'gust.'), 'conf.d/rule.conf')
    gateway.reload()
    status, told = set_interval(gateway, '50s', sensor='gust')
    assert status == 400 and 'stale_after: sensor gust is read every 50s' in told['error'], told


def restart(gateway):
    assert gateway.stop() == 0
    gateway.start()
    gateway.wait_for_link('connected')


def kill(gateway):
    gateway.kill()
    gateway.start()
    gateway.wait_for_link('connected')
