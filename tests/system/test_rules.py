# SPDX-License-Identifier: Apache-2.0
"""Edge rules, with a real daemon, a real bus and the devhub; and hublinkctl rules test, which needs none of them."""

import json
import re
import socket
import subprocess
import time

import pytest

from bus import BUILD, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from explorer import Explorer

CTL = str(BUILD / 'src/ctl/hublinkctl')
SETTINGS = '''
queue: { directory = "%(folder)s/queue"; commit_interval = "100ms"; };
clock: { trust = true; };
streams: { telemetry: { max_latency = "0s"; }; alarms: { priority = "urgent"; max_latency = "0s"; }; };
sensors: {
  cpu: { driver = "file"; path = "%(folder)s/value"; interval = "100ms"; channels: { temperature: {}; }; };
  apps: { driver = "socket"; listen = "unix-dgram:%(folder)s/in.sock"; };
};
'''
RULES = '''
rules = (
  { channel = "cpu.temperature"; deadband = 1.0; range = [ -40.0, 125.0 ]; },
  { channel = "cpu.temperature"; alarm: { above = 80.0; clear = 75.0; hold = "300ms"; stream = "alarms"; }; },
  { channel = "apps.level"; stale_after = "1s"; },
  { channel = "pump.level"; stale_after = "1s"; deadband = 1.0; }
);
'''


@pytest.fixture
def gateway(tmp_path, devhub):  # noqa: F811
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % {'folder': daemon.directory})
        daemon.configure(RULES, 'conf.d/rules.conf')
        daemon.device = devhub.create('gw-1')
        daemon.hub(devhub, daemon.device)
        daemon.devhub = devhub
        read(daemon, 20)
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon


def read(daemon, value):
    """From now on the sensor reads this."""
    new = daemon.directory / 'value.new'
    new.write_text('%s\n' % value)
    new.rename(daemon.directory / 'value')


def say(daemon, **channels):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(json.dumps(channels).encode(), str(daemon.directory / 'in.sock'))


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return got


def arrived(daemon, stream='telemetry', sensor='cpu'):
    """The readings that the hub has, without their times; what came again after a kill once."""
    readings = []
    messages = {event['system']['message-id']: event['body'] for event in daemon.devhub.events('gw-1')}
    for name, body in messages.items():
        if name.startswith(stream + '.'):
            readings += [r for r in body if r['s'] == sensor]
    for r in readings:
        assert r.pop('t') > 0 and r.pop('s') == sensor
    return readings


def ctl(*words, stdin=''):
    return subprocess.run([CTL, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=30)


def status(daemon):
    return ctl('--bus', daemon.bus.address, 'status').stdout


def test_what_says_nothing_new_stays_here(gateway):
    until(lambda: arrived(gateway) == [{'temperature': 20}])
    read(gateway, 20.9)
    until(lambda: gateway.sensor('cpu')['Values'].get('temperature') == 20.9)  # shown is what is read
    read(gateway, 22.5)
    until(lambda: arrived(gateway) == [{'temperature': 20}, {'temperature': 22.5}])
    read(gateway, 999)
    until(lambda: len(arrived(gateway)) == 3)
    read(gateway, 22.5)
    until(lambda: len(arrived(gateway)) == 4)
    assert arrived(gateway)[2:] == [{'temperature': 999, 'q': 'range'}, {'temperature': 22.5}]
    assert len(gateway.lines('such values go up marked')) == 1
    cpu = gateway.sensor('cpu')
    assert (cpu['State'], cpu['LastError']) == (
        'stale', 'temperature is not within -40 to 125: look at the sensor and its wire')
    time.sleep(1)
    assert gateway.settle()['accepted'] == 4  # so many reads, so few records


def test_an_alarm_goes_up_and_out(gateway):
    watch = subprocess.Popen([CTL, '--bus', gateway.bus.address, '--json', 'watch', '--for', '30s'],
                             stdout=subprocess.PIPE, text=True)
    assert json.loads(watch.stdout.readline())['event'] == 'link'
    read(gateway, 81.5)
    until(lambda: arrived(gateway, 'alarms'))
    read(gateway, 78)  # within the hysteresis
    until(lambda: gateway.sensor('cpu')['Values'].get('temperature') == 78)
    assert re.search(r'^1 alarm is raised: cpu.temperature above 80 since [\d:]+\.$', status(gateway), re.M)
    assert '=78; alarm: temperature above 80' in ctl('--bus', gateway.bus.address, 'sensors').stdout
    read(gateway, 74)
    until(lambda: len(arrived(gateway, 'alarms')) == 2)
    assert 'alarm' not in status(gateway)
    assert arrived(gateway, 'alarms') == [{'temperature': 81.5, 'alarm': 'above', 'limit': 80},
                                          {'temperature': 74, 'alarm': 'clear', 'limit': 80}]
    watch.terminate()
    told = [json.loads(line) for line in watch.communicate()[0].splitlines()]
    told = [(t['channel'], t['state'], t['value']) for t in told if t['event'] == 'alarm']
    assert told == [('cpu.temperature', 'above', 81.5), ('cpu.temperature', 'clear', 74)]
    assert len(gateway.lines('Alarm: cpu.temperature is 81.5, above 80.')) == 1
    assert len(gateway.lines('Alarm cleared: cpu.temperature is 74.')) == 1


def test_an_alarm_outlives_the_daemon(gateway):
    stored = gateway.state / 'alarms'

    def alarms(n):
        until(lambda: len(arrived(gateway, 'alarms')) == n)
        return [(a['temperature'], a['alarm']) for a in arrived(gateway, 'alarms')]

    read(gateway, 90)
    assert alarms(1) == [(90, 'above')]
    assert stored.read_text() == ('hublink-alarms 1\n'
                                  'alarm cpu.temperature above 80 75 300000 alarms 90\n')
    gateway.kill()
    read(gateway, 20)
    gateway.start()
    assert alarms(2)[-1] == (20, 'clear')
    until(lambda: stored.read_text() == 'hublink-alarms 1\n')
    read(gateway, 91)
    assert alarms(3)[-1] == (91, 'above')
    assert gateway.stop() == 0
    read(gateway, 78)  # within the hysteresis: raised still, which is told again
    gateway.start()
    assert alarms(4)[-1] == (78, 'above')
    gateway.kill()
    gateway.configure('rules = ( );', 'conf.d/rules.conf')
    gateway.start()
    assert alarms(5)[-1] == (78, 'clear')
    until(lambda: stored.read_text() == 'hublink-alarms 1\n')


def test_an_alarm_ends_though_its_stream_is_removed_as_well(gateway):
    stored = gateway.state / 'alarms'
    settings = gateway.config.read_text()
    alarms = ' alarms: { priority = "urgent"; max_latency = "0s"; };'
    assert alarms in settings
    read(gateway, 90)
    until(lambda: len(arrived(gateway, 'alarms')) == 1)
    gateway.configure('rules = ( );', 'conf.d/rules.conf')
    gateway.configure(settings.replace(alarms, ''))
    gateway.reload()
    until(lambda: stored.read_text() == 'hublink-alarms 1\n')
    until(lambda: {'temperature': 90, 'alarm': 'clear', 'limit': 80} in arrived(gateway))
    assert not gateway.lines('there is no stream')
    assert sum(gateway.bus.properties()['Refused'].values()) == 0
    assert gateway.stop() == 0


def test_a_silent_source_is_stale_until_it_speaks(gateway):
    until(lambda: gateway.sensor('apps')['State'] == 'stale')  # from the start on
    assert gateway.sensor('apps')['LastError'] == 'level has not come for 1s'
    say(gateway, level=3)
    until(lambda: gateway.sensor('apps')['State'] == 'ok')
    until(lambda: gateway.sensor('apps')['State'] == 'stale')
    until(lambda: arrived(gateway, sensor='apps') == [{'level': 3}, {'level': 3, 'q': 'stale'}])
    assert len(gateway.lines('sensor apps: stale: level has not come for 1s.')) == 2
    assert len(gateway.lines('sensor apps: not stale any more.')) == 1
    assert 'stale' in ctl('--bus', gateway.bus.address, 'sensors').stdout
    gateway.reload()
    assert gateway.sensor('apps')['State'] == 'stale'


def test_lines_meet_the_rules_of_the_sensor_that_they_name(gateway):
    gateway.wait_for_log('sensor pump: stale: level has not come for 1s.')  # from the start on
    say(gateway, s='pump', level=3)
    gateway.wait_for_log('sensor pump: not stale any more.')
    say(gateway, s='pump', level=3.5)  # says nothing new
    until(lambda: arrived(gateway, sensor='pump') == [{'level': 3}, {'level': 3.5, 'q': 'stale'}])
    gateway.configure('log: { level = "debug"; };', 'conf.d/log.conf').reload()
    assert len(gateway.lines('sensor pump: stale: level has not come for 1s.')) == 2
    gateway.configure('rules = ( { channel = "app.level"; deadband = 1.0; } );', 'conf.d/rules.conf')
    assert 'rules.0.channel: there is no sensor "app", did you mean "apps"?' in gateway.run('--check').stderr


def test_a_reload_leaves_rules_alone_that_did_not_change(gateway):
    read(gateway, 90)
    until(lambda: len(arrived(gateway, 'alarms')) == 1)
    n = len(arrived(gateway))
    gateway.configure('log: { level = "debug"; };', 'conf.d/log.conf').reload()
    gateway.configure(SETTINGS.replace('100ms"; channels', '150ms"; channels') % {'folder': gateway.directory}).reload()
    time.sleep(1)
    assert len(arrived(gateway, 'alarms')) == 1 and len(arrived(gateway)) == n  # it is known there, and raised still
    gateway.configure('rules = ( { channel = "cpu.temperatur"; deadband = 1.0; } );', 'conf.d/rules.conf').reload()
    gateway.wait_for_log('did you mean "temperature"?')
    gateway.configure('rules = ( );', 'conf.d/rules.conf').reload()
    until(lambda: len(arrived(gateway)) > n + 3)
    assert arrived(gateway, 'alarms')[1:] == [{'temperature': 90, 'alarm': 'clear', 'limit': 80}]


def test_a_window_is_not_lost_to_a_reload(gateway):
    own = SETTINGS.replace('alarms:', 'own: { max_latency = "0s"; }; alarms:')
    own = own.replace('interval = "100ms"; channels', 'interval = "100ms"; stream = "own"; channels')
    window = '{ channel = "cpu.temperature"; window = "1d"; send = [ "mean", "max", "count" ]; decimals = %d; }'
    for decimals, expected in (1, 20.3), (0, 20):
        gateway.configure(own % {'folder': gateway.directory})
        gateway.configure('rules = ( %s );' % (window % decimals), 'conf.d/rules.conf').reload()
        read(gateway, 20.26)
        time.sleep(1)
        # with its rule, and the second time with its stream as well
        if decimals == 0:
            gateway.configure(SETTINGS % {'folder': gateway.directory})
        gateway.configure('rules = ( );', 'conf.d/rules.conf').reload()
        stream = 'own' if decimals else 'telemetry'
        until(lambda: any('temperature_count' in r for r in arrived(gateway, stream)))
        sent = [r for r in arrived(gateway, stream) if 'temperature_count' in r]
        assert len(sent) == 1 and sent[0]['temperature_max'] == expected and sent[0]['temperature_count'] > 3


def test_plug_and_play_hears_what_was_read(gateway):
    gateway.configure('''
        sensors: { cpu: { report = ( { property = "highest"; of = "temperature"; value = "max"; } ); }; };
        rules = ( { channel = "cpu.temperature"; window = "1h"; send = [ "mean" ]; } );''', 'conf.d/rules.conf').reload()
    read(gateway, 33.25)
    until(lambda: gateway.sensor('cpu')['Values'].get('temperature') == 33.25)
    explorer = Explorer(gateway.devhub.directory)
    until(lambda: explorer.json('get-twin', 'gw-1')['properties']['reported'].get('highest') == 33.25, 25)


# ---- hublinkctl rules test ----

def recording(n=600, step=10):
    """A quiet channel with one hot minute, as queue export writes it."""
    for i in range(n):
        value = 90 if 300 <= i < 306 else 50 + i % 3 / 10
        yield {'stream': 'telemetry', 'n': i + 1, 'time': 1763647200000000 + i * step * 1000000, 'sensor': 'cpu',
               'channels': {'temperature': value}}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'hublink.conf'
    path.write_text(SETTINGS % {'folder': tmp_path} + RULES)
    return path


def lines(records):
    return ''.join(json.dumps(record) + '\n' for record in records)


def rehearse(config, text, *words):
    done = ctl('--json', '--config', config, 'rules', 'test', *words, '-', stdin=text)
    assert done.returncode == 0 and done.stderr == '', done
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_recorded_readings_are_rehearsed(config, tmp_path):
    told = rehearse(config, lines(recording()))
    sums = told.pop()
    assert sums['event'] == 'sums' and sums['recorded'] == 600 and sums['without_reading'] == 0
    assert sums['without_rules']['messages'] == sums['without_rules']['units'] == 600
    sent = [t for t in told if t['event'] == 'message']
    values = [(t['stream'], r['temperature'], r.get('alarm')) for t in sent for r in json.loads(t['body'])]
    assert values == [('telemetry', 50, None), ('telemetry', 90, None), ('alarms', 90, 'above'),
                      ('telemetry', 50, None), ('alarms', 50, 'clear')]
    assert sums['with_rules']['messages'] == len(sent) == 5
    assert sums['with_rules']['bytes'] == sum(t['bytes'] for t in sent)
    assert [(t['state'], t['value']) for t in told if t['event'] == 'alarm'] == [('above', 90), ('clear', 50)]
    times = [t['time'] for t in told]
    assert times == sorted(times)

    (tmp_path / 'recording').write_text(lines(recording()))
    text = ctl('--config', config, 'rules', 'test', tmp_path / 'recording').stdout.splitlines()
    assert any(line.startswith('without any') and '600' in line for line in text)
    quiet = ctl('--config', config, 'rules', 'test', '--quiet', tmp_path / 'recording').stdout.splitlines()
    assert quiet == text[-len(quiet):] and len(quiet) == 4


def test_all_who_write_readings_down_are_understood(config):
    t = 1763647200000
    written = lines([
        {'event': 'link', 'time': 1, 'link_state': 'connected'},
        {'event': 'reading', 'time': t * 1000, 'sensor': {'name': 'cpu', 'values': {'temperature': 1}, 'time': t}},
        {'device': 'gw', 'sequence': 7, 'body': [{'t': t + 2000, 's': 'cpu', 'temperature': 30.5},
                                                 {'t': t + 1000, 's': 'cpu', 'temperature': 20}]},
        {'t': t + 3000, 's': 'cpu', 'temperature': 40, 'q': 'unknown'},
        [{'t': t + 4000, 's': 'cpu', 'temperature': 50}, 7],
        {'stream': 'telemetry', 'notice': 'expired', 'ranges': [[1, 2]]}]) + 'not JSON\n\n'
    told = rehearse(config, written)
    sums = told.pop()
    assert (sums['lines'], sums['without_reading'], sums['recorded']) == (7, 3, 5)
    sent = [r['temperature'] for m in told for r in json.loads(m['body'])]
    assert sent == [1, 20, 30.5, 40, 50]  # by time


def test_times_are_what_the_daemon_takes_them_for(config, tmp_path):
    t = 1763647200000
    told = rehearse(config, lines([
        {'t': t + 0.25, 's': 'cpu', 'temperature': 1},
        {'t': (t + 3000) / 1000, 's': 'cpu', 'temperature': 2},  # in seconds
        {'t': (t + 1000) * 1000, 's': 'cpu', 'temperature': 3},  # in microseconds
        [{'t': t // 1000, 's': 'cpu', 'temperature': 4}, {'t': t + 2000.5, 's': 'cpu', 'temperature': 50}],
        {'t': 86400000, 's': 'cpu', 'temperature': 6, 'q': 'unknown'},  # of a gateway that did not know better
        {'s': 'cpu', 'temperature': 7}]))
    sums = told.pop()
    assert (sums['lines'], sums['without_reading'], sums['wrong_time'], sums['recorded']) == (6, 1, 3, 3)
    sent = [r for m in told for r in json.loads(m['body'])]
    assert [(r['temperature'], r['t'], r.get('q')) for r in sent] == [
        (6, 86400000, 'unknown'), (1, t, None), (50, t + 2000, None)]
    seconds = lines({'t': t // 1000 + i, 's': 'cpu', 'temperature': i} for i in range(9))
    done = ctl('--config', config, 'rules', 'test', '-', stdin=seconds)
    assert done.returncode == 1 and done.stdout == '' and '9 readings' in done.stderr and 'seconds?' in done.stderr
    done = ctl('--config', config, 'rules', 'test', '--quiet', '-', stdin=seconds + lines(recording(3)))
    assert done.returncode == 0 and '9 readings whose time nobody means' in done.stdout and 'seconds?' in done.stdout


def test_a_queue_that_was_exported_is_rehearsed(gateway, tmp_path):
    gateway.devhub.stop()
    gateway.configure('rules = ( );', 'conf.d/rules.conf').reload()
    until(lambda: gateway.ledger()['waiting'] > 20)
    assert gateway.stop() == 0
    exported = ctl('queue', 'export', gateway.directory / 'queue')
    assert exported.returncode == 0
    gateway.configure(RULES, 'conf.d/rules.conf')
    sums = rehearse(gateway.config, exported.stdout, '--quiet')[-1]
    assert sums['recorded'] == len(exported.stdout.splitlines()) > 20
    assert sums['with_rules']['readings'] == 1


@pytest.mark.parametrize('rules, words', [
    ('rules = (\n { channel = "cpu.temperatur"; deadband = 1.0; } );', ('hublink.conf:', 'did you mean "temperature"?')),
    ('rules = 5;', ('expected a list',)),
])
def test_bad_rules_are_told_with_their_line(config, rules, words):
    config.write_text(config.read_text().split('rules =')[0] + rules)
    done = ctl('--config', config, 'rules', 'test', '-', stdin=lines(recording(3)))
    assert done.returncode == 1 and done.stdout == ''
    for word in words:
        assert word in done.stderr


def test_what_cannot_be_rehearsed_is_told(config, tmp_path):
    for args, code, words in [
            (['test', tmp_path / 'nowhere'], 1, 'No such file'), (['test', '/dev/null'], 1, 'there is no reading'),
            (['test', tmp_path], 1, f'{tmp_path}: Is a directory'),
            (['test'], 2, 'which file'), (['test', 'a', 'b'], 2, 'one file'), ([], 2, 'what of it'),
            (['tset'], 2, 'there is no'), (['test', '--loud', 'a'], 2, 'not understood')]:
        done = ctl('--config', config, 'rules', *args)
        assert done.returncode == code and words in done.stderr and done.stdout == '', done
