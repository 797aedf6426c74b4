# SPDX-License-Identifier: Apache-2.0
"""Chips by their data files alone, and all that goes wrong on a bus, with a real daemon: through the C library's calls to
buses that umockdev plays.

HUBLINK_FAULT_SECONDS: how long faults come by dice (12; the campaign asks for 300). HUBLINK_SEED: other ones, or "random";
it is printed.
"""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import pytest

from bus import BUILD, SOURCE, PrivateBus
from chips import CHIPS, SMBUS, chip_orders, sensor
from daemon import Daemon
from rack import Rack

FAULT_SECONDS = float(os.environ.get('HUBLINK_FAULT_SECONDS', '12'))
SEED = os.environ.get('HUBLINK_SEED', '6')


@pytest.fixture
def gateway(tmp_path):
    """Waits for its rack and its sensors."""
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        shutil.copytree(SOURCE / 'conf/chips', daemon.directory / 'chips')
        yield daemon


def configure(daemon, sensors):
    daemon.configure('clock: { trust = true; };\nlog: { max_lines_per_hour = 10000; };\nsensors: {\n%s};\n' % ''.join(sensors))


def start(daemon, rack, sensors):
    configure(daemon, sensors)
    daemon.start(prefix=rack.prefix)
    daemon.bus.wait_for_name()


def wait_for(daemon, name, holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds(found := daemon.sensor(name)):
        assert time.monotonic() < deadline, '%s: %s\n%s' % (name, found, daemon.log())
        daemon.hear(0.02)
    return found


def wait_for_values(daemon, name, values, seconds=30):
    return wait_for(daemon, name, lambda s: s['State'] == 'ok' and {str(k): v for k, v in s['Values'].items()} == values, seconds)


def wait_for_kind(daemon, name, kind, seconds=30):
    """Counted so, twice and no other way, and failing."""
    found = wait_for(daemon, name, lambda s: s['State'] == 'failing' and s['Errors'] >= 2, seconds)
    assert kinds_of(found) == {kind: found['Errors']}, daemon.log()
    return found


def kinds_of(properties):
    return {str(k): int(v) for k, v in properties['ErrorKinds'].items()}


def check_untouched(daemon, name):
    """What happens on another bus is nothing to it. While another thread opens or closes a bus, umockdev now and then passes
    a call on to the node, an ordinary file that knows none (ENOTTY): that is told as "other", and not counted here."""
    assert set(kinds_of(daemon.sensor(name))) <= {'other'}, daemon.log()


def ctl(daemon, *words):
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', '--bus', daemon.bus.address, *words], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_ctl(daemon, name, kind):
    """As a table and as JSON it is what the bus has; a count may grow meanwhile."""
    for _ in range(20):
        before = daemon.sensor(name)
        table, told = ctl(daemon, 'sensors'), json.loads(ctl(daemon, 'sensors', '--json'))
        if daemon.sensor(name)['Errors'] == before['Errors']:
            break
    mine = next(s for s in told if s['name'] == name)
    assert mine['error_kinds'] == kinds_of(before) and mine['errors'] == before['Errors']
    assert mine['last_error'] == before['LastError']
    row = next(line for line in table.splitlines() if line.split()[:1] == [name])
    assert re.search(r'\b%s\b' % kind, row) and str(before['LastError']) in row, table


def story(daemon, name):
    """What the log tells of one sensor, without its time."""
    return [line.split('sensor %s: ' % name, 1)[1] for line in daemon.lines('sensor %s: ' % name)]


def check_story(daemon, name, words):
    """One line at its loss, with these words, and one at its return."""
    lost, found = story(daemon, name)
    assert words in lost and found.startswith('well again after '), daemon.log()


def test_every_chip_by_its_data_file(gateway):
    orders, sensors = ['bus 1 plain', 'bus 2 smbus'], []
    for name in CHIPS:
        orders += chip_orders(name, name, 1)
        sensors.append(sensor(name, 1, CHIPS[name][1], name, interval='1s'))
    for name in SMBUS:
        orders += chip_orders(name, name + '_smbus', 2)
        sensors.append(sensor(name + '_smbus', 2, CHIPS[name][1], name, interval='1s'))
    with Rack(*orders) as rack:
        start(gateway, rack, sensors)
        for name, (*_, values) in CHIPS.items():
            for told in [name] + [name + '_smbus'] * (name in SMBUS):
                found = wait_for(gateway, told, lambda s: s['State'] == 'ok' and s['Values'])
                assert {str(k): v for k, v in found['Values'].items()} == pytest.approx(values, abs=0.0151), told
        wait_for(gateway, 'scd4x', lambda s: s['Time'] > 0)
        assert not gateway.lines('sensor '), gateway.log()
        print('chips by data files alone: %d by plain I2C, %d of them by SMBus alone' % (len(CHIPS), len(SMBUS)))
        assert rack.order('forced') == '0'
        assert gateway.stop() == 0


def test_absent_and_spoiled(gateway):
    with Rack('bus 1 plain', *chip_orders('tmp102', 'room', 1), *chip_orders('sht3x', 'damp', 1)) as rack:
        start(gateway, rack, [sensor('room', 1, 0x48, 'tmp102'), sensor('damp', 1, 0x44, 'sht3x')])
        for name, fault, kind, words in (('room', 'absent', 'nak', 'no chip answers at 0x48 on /dev/i2c-1: check wiring'),
                                         ('damp', 'spoil', 'crc', 'its checksum is wrong')):
            values = CHIPS['tmp102' if name == 'room' else 'sht3x'][3]
            wait_for_values(gateway, name, values)
            rack.order('%s %s yes' % (fault, name))
            found = wait_for_kind(gateway, name, kind)
            assert words in found['LastError']
            check_ctl(gateway, name, kind)
            rack.order('%s %s no' % (fault, name))
            wait_for_values(gateway, name, values)
            check_story(gateway, name, words)
        assert gateway.stop() == 0


def recorded(daemon):
    """All readings that were accepted, by their sensors: [(seconds, channels), ...]; it has ended, and never had a hub."""
    told = subprocess.run([BUILD / 'src/ctl/hublinkctl', 'queue', 'export', daemon.state / 'queue'], capture_output=True,
                          text=True, timeout=20)
    assert told.returncode == 0, told.stderr
    readings = {}
    for line in map(json.loads, told.stdout.splitlines()):
        readings.setdefault(line['sensor'], []).append((line['time'] / 1e6, line['channels']))
    return readings


def check_pulse(name, times, interval):
    """None was left out, and their mean distance is the interval. Each distance by itself, without the noise of this
    machine, is the matter of the sensors' own tests."""
    gaps = [b - a for a, b in zip(times, times[1:])]
    mean = sum(gaps) / len(gaps)
    print('%s: %d readings, %.3f s apart, at least %.3f, at most %.3f' % (name, len(times), mean, min(gaps), max(gaps)))
    assert abs(mean - interval) <= 0.05 * interval
    assert max(gaps) < 1.9 * interval


def test_a_slow_bus_stays_alone(gateway):
    with Rack('bus 1 plain', 'bus 2 plain', *chip_orders('tmp102', 'slow', 1), *chip_orders('lm75', 'other', 2)) as rack:
        start(gateway, rack, [sensor('slow', 1, 0x48, 'tmp102', 'timeout = "200ms";'),
                              sensor('other', 2, 0x4a, 'lm75', interval='200ms'),
                              'wind: { driver = "simulated"; model = "wind"; interval = "200ms"; };\n'])
        wait_for_values(gateway, 'slow', {'temperature': 25})
        wait_for_values(gateway, 'other', {'temperature': -25})
        rack.order('slow slow 1500')
        begun = time.time()
        time.sleep(8)
        ended = time.time()
        found = wait_for_kind(gateway, 'slow', 'timeout')
        assert found['LastError'].startswith('/dev/i2c-1: ')
        check_ctl(gateway, 'slow', 'timeout')
        assert gateway.sensor('other')['Errors'] == gateway.sensor('wind')['Errors'] == 0
        rack.order('slow slow 0')
        wait_for_values(gateway, 'slow', {'temperature': 25})
        check_story(gateway, 'slow', '/dev/i2c-1: no answer within 0.2 s')
        assert gateway.stop() == 0
    for name, readings in recorded(gateway).items():
        if name != 'slow':
            check_pulse(name, [t for t, _ in readings if begun <= t <= ended], 0.2)


# Chips of one address, behind two multiplexers. What two of them would say together is something else.
NAMESAKES = ['bus 1 plain', 'chip mux 1 0x70 mux', 'chip mux2 1 0x71 mux', 'chip far 1 0x48 words mux 3', 'set far 0 0640',
             'chip side 1 0x48 words mux2 0', 'set side 0 3200', 'chip near 1 0x48 words mux 5',
             'set near 0 1980']
SAY = {'far': 6.25, 'side': 50, 'near': 25.5}


def namesakes(timeout):
    return [sensor(name, 1, 0x48, 'tmp102', 'timeout = "%s"; %s' % (timeout, mux)) for name, mux in (
        ('far', 'mux: { address = 0x70; channel = 3; };'), ('side', 'mux: { address = 0x71; channel = 0; };'),
        ('near', 'mux: { address = 0x70; channel = 5; };'))]


def test_who_is_given_up_behind_a_multiplexer_is_not_heard_by_others(gateway):
    with Rack(*NAMESAKES) as rack:
        start(gateway, rack, namesakes('250ms'))
        for name in SAY:
            wait_for(gateway, name, lambda s: s['Values'])
        for name in ('far', 'side'):
            rack.order('slow %s 300' % name)
            wait_for_kind(gateway, name, 'timeout')
            rack.order('slow %s 0' % name)
        for name in SAY:
            wait_for(gateway, name, lambda s: s['State'] == 'ok')
        assert gateway.stop() == 0
    for name, readings in recorded(gateway).items():
        assert {channels['temperature'] for _, channels in readings} == {SAY[name]}, name


def test_whatever_happens_values_are_right(gateway):
    """Faults by dice, of every kind and in every order: what is accepted is what the chips say, each fault has its kind,
    loss and return take turns in the log, and in the end all is well."""
    values = {**{name: {'temperature': value} for name, value in SAY.items()}, 'damp': CHIPS['sht3x'][3],
              'air': CHIPS['bmp280'][3], 'other': CHIPS['lm75'][3]}
    seed = random.randrange(1 << 32) if SEED == 'random' else int(SEED)
    print('HUBLINK_SEED=%d' % seed)
    dice = random.Random(seed)

    def fault(rack):
        chip = dice.choice(('mux', 'mux2', 'far', 'side', 'near', 'damp', 'air'))
        kind = dice.choice(('absent', 'slow', 'fail', 'spoil', 'unplug'))
        if kind == 'unplug':
            return ['unplug 1', 'plug 1']
        if kind == 'spoil':
            return ['spoil damp yes', 'spoil damp no']
        errors = ['EIO', 'ETIMEDOUT', 'EAGAIN']
        if not chip.startswith('mux'):  # one that does not answer passes nothing on
            errors += ['EREMOTEIO', 'ENODEV']
        return {'absent': ['absent %s yes' % chip, 'absent %s no' % chip],
                'slow': ['slow %s %d' % (chip, dice.choice((50, 400))), 'slow %s 0' % chip],
                'fail': ['fail %s %s' % (chip, dice.choice(errors)), 'fail %s 0' % chip]}[kind]

    with Rack(*NAMESAKES, *chip_orders('bmp280', 'air', 1), 'bus 2 plain', *chip_orders('lm75', 'other', 2),
              'chip damp 1 0x44 commands mux 3', 'answer damp 2400 15 6667a25eb93c') as rack:
        start(gateway, rack, namesakes('300ms') + [
            sensor('damp', 1, 0x44, 'sht3x', 'timeout = "300ms"; mux: { address = 0x70; channel = 3; };'),
            sensor('air', 1, 0x76, 'bmp280', 'timeout = "300ms";'), sensor('other', 2, 0x4a, 'lm75')])
        for name in values:
            wait_for_values(gateway, name, values[name])
        until, n = time.monotonic() + FAULT_SECONDS, 0
        while time.monotonic() < until:
            for order in fault(rack):
                rack.order(order)
                time.sleep(dice.uniform(0.02, 0.3))
            n += 1
        for name in values:
            found = wait_for_values(gateway, name, values[name], 60)
            assert sum(kinds_of(found).values()) == found['Errors']
            told = ['lost' if 'well again' not in line else 'found' for line in story(gateway, name)]
            assert told == ['lost', 'found'] * (len(told) // 2), gateway.log()
        check_untouched(gateway, 'other')
        kinds = {name: kinds_of(gateway.sensor(name)) for name in values}
        assert rack.order('forced') == '0'
        assert gateway.stop() == 0
    readings = recorded(gateway)
    print('%d faults; %s; readings %s' % (n, kinds, {name: len(readings[name]) for name in values}))
    for name in values:
        wrong = [channels for _, channels in readings[name] if channels != pytest.approx(values[name])]
        assert not wrong, '%s: %s' % (name, wrong)


def test_an_adapter_is_unplugged_and_comes_back(gateway):
    with Rack('bus 1 plain', 'bus 2 plain', *chip_orders('tmp102', 'room', 1), *chip_orders('bmp280', 'air', 1),
              *chip_orders('lm75', 'other', 2)) as rack:
        start(gateway, rack, [sensor('room', 1, 0x48, 'tmp102'), sensor('air', 1, 0x76, 'bmp280'),
                              sensor('other', 2, 0x4a, 'lm75')])
        for name, chip in (('room', 'tmp102'), ('air', 'bmp280'), ('other', 'lm75')):
            wait_for_values(gateway, name, CHIPS[chip][3])
        rack.order('unplug 1')
        for name in ('room', 'air'):
            found = wait_for_kind(gateway, name, 'unplugged')
            assert found['LastError'] == '/dev/i2c-1 is gone: its adapter was unplugged or reset'
            check_ctl(gateway, name, 'unplugged')
        rack.order('plug 1')
        for name, chip in (('room', 'tmp102'), ('air', 'bmp280')):
            wait_for_values(gateway, name, CHIPS[chip][3])
            check_story(gateway, name, '/dev/i2c-1 is gone: its adapter was unplugged or reset')
        check_untouched(gateway, 'other')
        assert gateway.stop() == 0


def test_what_a_driver_holds_is_read_where_it_shows_it(gateway):
    """The remedy that is told works, letter by letter; and the chip itself is let alone."""
    held = {'room': ('tmp102', 0x48, 'hwmon', 'lm75', 'temp1_input', '/1-0048/hwmon/hwmon3', 36.5),
            'air': ('bmp280', 0x76, 'iio', 'bmp280', 'in_temp_input', '/1-0076/iio:device2', 36.5)}
    with Rack('bus 1 plain', *chip_orders('tmp102', 'room', 1), *chip_orders('bmp280', 'air', 1)) as rack:
        sensors = [sensor(name, 1, address, chip) for name, (chip, address, *_) in held.items()]
        start(gateway, rack, sensors)
        for name, (chip, *_) in held.items():
            wait_for_values(gateway, name, CHIPS[chip][3])
        for name, (_, address, kind, driver, file, shown, value) in held.items():
            rack.order('hold 1 0x%02x %s %s %s 36500' % (address, driver, kind, file))
            found = wait_for_kind(gateway, name, 'driver-held')
            words = 'belongs to driver %s of the kernel, which shows it in /sys/bus/i2c/devices%s' % (driver, shown)
            assert words in found['LastError']
            check_ctl(gateway, name, 'driver-held')
            told = re.search(r'read it there, by  (driver = .*;)  or unbind it', found['LastError']).group(1)
            attribute = file if kind == 'hwmon' else file.removesuffix('_input')
            sensors.append('%s_there: { %s interval = "100ms"; channels: { temperature: { attribute = "%s"; }; }; };\n' % (
                name, told, attribute))
        reached = [rack.transfers(name) for name in held]
        configure(gateway, sensors)
        gateway.reload()
        for name, (*_, value) in held.items():
            wait_for_values(gateway, name + '_there', {'temperature': value})
        assert [rack.transfers(name) for name in held] == reached
        for name, (chip, address, *_) in held.items():
            rack.order('let 1 0x%02x' % address)
        for name, (chip, *_) in held.items():
            wait_for_values(gateway, name, CHIPS[chip][3])
            check_story(gateway, name, held[name][5])
        assert rack.order('forced') == '0'
        assert gateway.stop() == 0


def test_no_address_is_taken_by_force():
    """No line of the sources could."""
    for folder, _, files in os.walk(SOURCE / 'src'):
        for file in files:
            assert 'I2C_SLAVE_FORCE' not in (pathlib.Path(folder) / file).read_text(errors='replace'), file
