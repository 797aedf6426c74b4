# SPDX-License-Identifier: Apache-2.0
"""conf/examples, as a reader finds them: each loads, says for whom it is, is listed and installed; and what the gateways
among them read arrives at a hub, with the shipped text but for paths, and time that runs faster.

The other settings there have tests of their own: thermostat, components, tutorials.
"""

import re
import socket
import subprocess
import time

import pytest

from bus import SOURCE, PrivateBus
from daemon import Daemon
from devhub import Devhub
from explorer import Explorer
from ports import free_port
from rack import Rack

FOLDER = SOURCE / 'conf/examples'
PAGE = (FOLDER / 'README.md').read_text()
SETTINGS = sorted(path.name for path in FOLDER.glob('*.conf'))
QUICK = 'queue: { commit_interval = "50ms"; };\nclock: { trust = true; };\n'
USEC = {'ms': 1000, 's': 10 ** 6, 'min': 60 * 10 ** 6, 'h': 3600 * 10 ** 6, 'd': 86400 * 10 ** 6}


def text_of(name):
    return (FOLDER / name).read_text()


def hastened(text, factor=100):
    """All of its times in settings, so many times shorter."""
    def shorter(found):
        return '"%dms"' % (int(found[1]) * USEC[found[2]] // factor // 1000)
    return re.sub(r'"(\d+)(ms|s|min|h|d)"', shorter, text)


@pytest.fixture(scope='module')
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture(scope='module')
def devhub(tmp_path_factory):
    with Devhub(tmp_path_factory.mktemp('hub')) as hub:
        yield hub


@pytest.fixture
def daemon(tmp_path, bus):
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        (daemon.directory / 'chips').symlink_to(SOURCE / 'conf/chips')
        daemon.configure(QUICK)
        yield daemon


def named(daemon):
    """The name that fleet.conf leaves to the first boot, by the command that it gives."""
    command, = re.findall(r'^#   (echo .*)$', text_of('fleet.conf'), re.MULTILINE)
    subprocess.run(['sh', '-c', command.replace('/etc/hublink', str(daemon.directory))], check=True, timeout=10)
    return re.search(r'"(.*)"', (daemon.directory / 'conf.d/name.conf').read_text())[1]


# --- what a reader finds ---

@pytest.mark.parametrize('name', SETTINGS)
def test_it_loads(daemon, name):
    daemon.configure(text_of(name), 'conf.d/example.conf')
    if name == 'fleet.conf':
        assert 'registration_id is missing' in daemon.run('--check').stderr
        named(daemon)
    done = daemon.run('--check')
    assert (done.returncode, done.stdout, done.stderr) == (0, 'OK\n', '')


@pytest.mark.parametrize('name', SETTINGS)
def test_it_says_what_to_do_with_it(name):
    head = re.match(r'(?:#.*\n)+', text_of(name))[0]
    assert '/etc/hublink/conf.d' in head
    assert re.search(r'\bchange\b|connection string', head)
    assert max(map(len, text_of(name).splitlines())) <= 125


def test_all_are_listed_and_installed():
    listed = re.findall(r'^\| \[(\S+)\]\((\S+)\)', PAGE, re.MULTILINE)
    assert all(word == link for word, link in listed)
    there = {path.name for path in FOLDER.iterdir()} - {'README.md'}
    assert {link for _, link in listed} == there
    installed = (SOURCE / 'conf/meson.build').read_text()
    assert not {name for name in there if "'examples/%s'" % name not in installed}


# --- what they read arrives ---

def start(daemon, devhub, name, text, prefix=()):
    daemon.hub(devhub, devhub.create(name))
    daemon.configure(text, 'conf.d/example.conf')
    daemon.start(prefix=prefix)
    daemon.wait_for_link('connected')


def arrived(devhub, device):
    """(stream, reading without its time) of all that came."""
    return [(event['system']['message-id'].split('.')[0], {k: v for k, v in reading.items() if k != 't'})
            for event in devhub.events(device) for reading in event['body']]


def until(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return got


def test_a_weather_mast(daemon, devhub):
    log = daemon.directory / 'station.log'
    example = re.search(r'^  # (2026.*)$', text_of('weather-mast.conf'), re.MULTILINE)[1]
    storm = re.sub(r'WG=[\d.]+', 'WG=26.20', example)
    log.write_text(example + '\n')
    text = hastened(text_of('weather-mast.conf').replace('/var/log/station/station.log', str(log)), 300)
    trim = '706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017'
    with Rack('bus 1 plain', 'chip air 1 0x76 bytes', 'set air 0xd0 60', 'set air 0x88 %s004b' % trim,
              'set air 0xe1 6a01001420031e', 'set air 0xf7 655ac07eed007148',
              'chip light 1 0x23 commands', 'answer light 20 180 8390') as rack:
        start(daemon, devhub, 'mast', text, prefix=rack.prefix)
        with open(log, 'a', encoding='utf-8') as more:
            more.write(storm + '\n')

        def all_of():
            got = arrived(devhub, 'mast')
            return got if {'air', 'light', 'station'} <= {r['s'] for _, r in got} and \
                any('gust_max' in r for _, r in got) and any('alarm' in r for _, r in got) and \
                any('illuminance_max' in r for _, r in got) else None
        got = until(all_of)
    air = next(r for stream, r in got if stream == 'weather' and r['s'] == 'air')
    assert (air['temperature'], air['pressure'], air['humidity']) == (25.08, 1006.533, pytest.approx(46.93, abs=0.011))
    assert ('storm', {'s': 'station', 'gust': 26.2, 'alarm': 'above', 'limit': 24.5}) in got
    assert [r for _, r in got if r.get('illuminance_max') == 28066.7 and 'illuminance_mean' in r]
    rows = [r for _, r in got if r['s'] == 'station']
    assert max(r.get('gust_max', 0) for r in rows) == 26.2
    assert {r['wind_mean'] for r in rows if 'wind_mean' in r} == {3.42}
    assert {r['direction'] for r in rows if 'direction' in r} == {271} and {r['rain'] for r in rows if 'rain' in r} == {0.2}
    assert daemon.ledger()['dropped'] == 0


def test_a_plc(daemon, devhub):
    example = re.search(r'^#   (press,.*) \d+$', text_of('plc.conf'), re.MULTILINE)[1]
    port = free_port()
    text = hastened(text_of('plc.conf').replace('127.0.0.1:8094', '127.0.0.1:%d' % port))
    start(daemon, devhub, 'plc', text)
    with socket.create_connection(('127.0.0.1', port)) as plc:
        minute = (time.time_ns() // 10 ** 9 - 60) * 10 ** 9  # windows of lines go by the lines' own times
        for i, pressure in enumerate((180, 184, 330, 330)):
            line = re.sub(r'pressure=[\d.]+', 'pressure=%s' % pressure, example)
            plc.sendall(b'%s %d\n' % (line.encode(), minute + i * 10 ** 6))
        plc.sendall(b'%s %d\n' % (example.encode(), minute + 10 ** 9))
        plc.sendall(b'oven temperature=1140.5 %d\n' % minute)
        got = until(lambda: [g for g in [arrived(devhub, 'plc')] if any('pressure_max' in r for _, r in g) and
                             sum('alarm' in r for _, r in g) == 2 and any(r['s'] == 'oven' for _, r in g)])[0]
    window = next(r for _, r in got if 'pressure_max' in r)
    assert (window['pressure_mean'], window['pressure_max'], window['pressure_count']) == (256, 330, 4)
    assert [(stream, r['alarm'], r['limit']) for stream, r in got if 'alarm' in r] == [
        ('alarms', 'above', 320), ('alarms', 'clear', 320)]
    machine = [r for stream, r in got if stream == 'machine']
    assert {r['stroke'] for r in machine if 'stroke' in r} == {1203} and {r['guard'] for r in machine if 'guard' in r} == {True}
    assert [r['temperature'] for r in machine if r['s'] == 'oven'] == [1140.5]


def test_two_fridges(daemon, devhub):
    text = hastened(text_of('fridge.conf'), 300)
    with Rack('bus 1 plain', 'hold 1 0x48 lm75 hwmon temp1_input 9500', 'hold 1 0x49 lm75 hwmon temp1_input 4500') as rack:
        start(daemon, devhub, 'shop', text, prefix=rack.prefix)
        began = time.monotonic()
        alarms = until(lambda: [r for stream, r in arrived(devhub, 'shop') if stream == 'alarms'])
        assert time.monotonic() - began > 0.5, 'an open door raises no alarm'
        assert alarms == [{'s': 'dairy', 'temperature': 9.5, 'alarm': 'above', 'limit': 8}]
        assert daemon.sensor('dairy')['Units'] == {'temperature': 'Cel'}
        # by and by it cools down: no second alarm around the limit, its end at `clear`
        rack.order('hold 1 0x48 lm75 hwmon temp1_input 7900')
        until(lambda: daemon.sensor('dairy')['Values'] == {'temperature': 7.9})
        rack.order('hold 1 0x48 lm75 hwmon temp1_input 6900')
        got = until(lambda: [g for g in [arrived(devhub, 'shop')]
                             if ('cold', {'s': 'vaccines', 'temperature': 4.5}) in g and
                             ('cold', {'s': 'dairy', 'temperature': 9.5}) in g and
                             len([1 for stream, _ in g if stream == 'alarms']) == 2])[0]
    assert [r['alarm'] for stream, r in got if stream == 'alarms'] == ['above', 'clear']


def test_one_of_a_fleet(daemon, devhub):
    explorer = Explorer(devhub.directory)
    devhub.run('seed', FOLDER / 'fleet.json', '--replace')
    group = explorer.json('enrollment-group', 'get', 'meters', '--keys')
    key = daemon.directory / 'group.key'
    key.touch(mode=0o600)
    key.write_text(group['attestation']['symmetricKey']['primaryKey'] + '\n')
    address = '127.0.0.1:%d' % devhub.port
    daemon.configure(text_of('fleet.conf').replace('"group.key"', '"%s"' % key), 'conf.d/example.conf')
    daemon.configure('hub: { ca_file = "%s"; address = "%s"; dps: { id_scope = "%s"; host = "%s"; address = "%s"; }; };\n'
                     'streams: { telemetry: { max_latency = "0s"; }; };\n' %
                     (devhub.ca_file, address, devhub.endpoints()['id_scope'], devhub.host, address), 'conf.d/hub.conf')
    name = named(daemon)
    daemon.start()
    link = daemon.wait_for_link('connected')
    assert link['DeviceId'] == name
    until(lambda: {r['s'] for _, r in arrived(devhub, name)} == {'load', 'memory'})
