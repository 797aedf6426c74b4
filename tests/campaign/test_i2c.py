# SPDX-License-Identifier: Apache-2.0
"""Real kernel I2C: every chip by its data file, by plain I2C and by SMBus alone, and all that can befall a bus."""

import json
import re
import shutil
import statistics
import sys

import pytest

from chips import CHIPS, SMBUS, chip_orders, sensor
from devhub import Devhub
from machine import BUILD, SOURCE, Machine

BENCH, FAULTY, WEDGED, STUB = range(4)  # buses of jobs/i2c
STUBBED = SMBUS[:10]  # the kernel's stub has room for so many
EVERY = 20  # seconds; whoever waits for an emulated machine waits for tenths of them

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "2s"; }; };
streams: { telemetry: { max_latency = "500ms"; }; };
clock: { trust = true; };
sensors: {
%s};
'''
# The drivers of the kernel show two of the chips, while they have them.
BY_DRIVER = '''
sensors: {
  held_by_driver: { driver = "hwmon"; device = "lm75"; interval = "1s";
    channels: { temperature: { attribute = "temp1_input"; }; }; };
  pressed_by_driver: { driver = "iio"; device = "bmp280"; interval = "1s";
    channels: { pressure: { attribute = "in_pressure"; }; temperature: { attribute = "in_temp"; }; }; };
};
'''


def lm75(name, bus, address, more='', interval='1s'):
    return sensor(name, bus, address, 'lm75', more, interval)


def behind(mux, channel):
    return 'mux: { address = 0x%02x; channel = %d; };' % (mux, channel)


def settings():
    every = '%ds' % EVERY
    sensors = [sensor(chip, BENCH, CHIPS[chip][1], chip, interval=every) for chip in CHIPS]
    sensors += [lm75('behind_%d' % n, BENCH, 0x4c, behind(0x70, n), every) for n in (2, 5)]
    sensors += [sensor(chip + '_smbus', STUB, CHIPS[chip][1], chip, interval=every) for chip in STUBBED]
    sensors += [lm75('nobody', BENCH, 0x4f), lm75('nobody_smbus', STUB, 0x4f)]

    # an adapter that goes and comes is named by a link, by all of its sensors
    sensors += [each.replace('bus = %d;' % FAULTY, 'bus = "/dev/i2c-roof";') for each in (
        lm75('near', FAULTY, 0x48), lm75('rare', FAULTY, 0x49, interval='1h'), lm75('absent', FAULTY, 0x4a),
        lm75('held', FAULTY, 0x4b), sensor('noisy', FAULTY, 0x44, 'sht3x', interval='1s'),
        sensor('pressed', FAULTY, 0x76, 'bmp280', interval='1s'))]
    sensors += [lm75('slow', WEDGED, 0x48, 'timeout = "1s";'), lm75('weary', WEDGED, 0x4a, 'timeout = "10s";'),
                lm75('beside', WEDGED, 0x49),
                lm75('behind_a', WEDGED, 0x4d, 'timeout = "1s"; ' + behind(0x70, 1)),
                lm75('behind_b', WEDGED, 0x4d, 'timeout = "10s"; ' + behind(0x71, 1))]
    return SETTINGS % ''.join(sensors)


def bench():
    """One of each chip, and two of one address behind a multiplexer."""
    orders = [order for chip in CHIPS for order in chip_orders(chip, chip, BENCH)]
    orders += ['chip tca9548a %d 0x70 mux' % BENCH]
    for n, raw in ((2, '1900'), (5, '0080')):
        orders += ['chip behind_%d %d 0x4c words tca9548a %d' % (n, BENCH, n), 'set behind_%d 0x00 %s' % (n, raw)]
    return '\n'.join(orders) + '\n'


def stub():
    """Its registers: two bytes alone are a word, of which the low byte goes over the wire first."""
    lines = []
    for chip in STUBBED:
        address, orders = CHIPS[chip][1], CHIPS[chip][2]
        for _, register, value in map(str.split, orders):
            pairs = re.findall('..', value)
            if len(pairs) == 2:
                lines.append('0x%02x %s 0x%s%s w' % (address, register, pairs[1], pairs[0]))
            else:
                lines += ['0x%02x 0x%02x 0x%s b' % (address, int(register, 0) + i, pair) for i, pair in enumerate(pairs)]
    return '\n'.join(lines) + '\n'


class Gateway:
    """What a run of jobs/i2c left."""

    def __init__(self, machine, events):
        self.machine = machine
        self.log = machine.read('daemon.log').splitlines()
        self.readings = [reading for event in events for reading in event['body']]
        marks = [line.split() for line in machine.read('times').splitlines()]
        self.times = {name: 1000 * float(at) for name, at, _ in marks}  # as readings have it
        self.lines = {name: int(n) for name, _, n in marks}

    def sensors(self, snapshot):
        return {sensor['name']: sensor for sensor in json.loads(self.machine.read(snapshot + '.json'))}

    def values(self, name):
        """[values, of each reading of that sensor]"""
        return [{k: v for k, v in r.items() if k not in ('s', 't')} for r in self.readings if r['s'] == name]

    def told(self, name, words):
        """Since the faults began."""
        return [line for line in self.log[self.lines['fault']:] if line.startswith('sensor %s: ' % name) and words in line]

    def off(self, names, begin, end):
        """How far intervals of these sensors were off in between, sorted, as parts of one; and their mean in seconds. The
        first of all is shorter, and none of them."""
        gaps = []
        for name in names:
            times = [r['t'] for r in self.readings if r['s'] == name and r['t'] >= self.times['well']]
            gaps += [(b - a) / 1000 for a, b in zip(times, times[1:]) if b >= self.times[begin] and a <= self.times[end]]
        return sorted(abs(gap / EVERY - 1) for gap in gaps), statistics.mean(gaps)


@pytest.fixture(scope='module')
def gateway(tmp_path_factory):
    directory = tmp_path_factory.mktemp('i2c')
    with Devhub(directory / 'hub') as devhub, \
            Machine(directory / 'machine', 'i2c', 900, [BUILD / 'tests/campaign/i2c-gadget/i2c-gadget']) as machine:
        machine.configure(settings(), devhub, devhub.create('i2c'))
        shutil.copytree(SOURCE / 'conf/chips', machine.job / 'chips')
        (machine.job / 'bench.model').write_text(bench())
        (machine.job / 'stub').write_text(stub())
        (machine.job / 'by-driver.conf').write_text(BY_DRIVER)
        assert machine.start().wait() == 0, machine.words()
        assert machine.ledger()['dropped'] == 0
        yield Gateway(machine, devhub.events())


def check_values(gateway, chips, end=''):
    """Returns how many readings there were."""
    for chip in chips:
        values = gateway.values(chip + end)
        assert len(values) >= 3
        assert all(each == pytest.approx(CHIPS[chip][3], abs=0.0151) for each in values), (chip + end, values)
        assert all(each == values[0] for each in values)
    return sum(len(gateway.values(chip + end)) for chip in chips)


def test_every_chip_is_read_by_its_data_file_alone(gateway):
    n = check_values(gateway, CHIPS)
    assert all(each == {'temperature': 25} for each in gateway.values('behind_2'))
    assert all(each == {'temperature': 0.5} for each in gateway.values('behind_5'))
    print('%d chips and 2 behind a TCA9548A by I2C_RDWR, %d readings, all as the data sheets say' % (len(CHIPS), n),
          file=sys.stderr)


def test_so_they_are_where_the_adapter_knows_smbus_alone(gateway):
    n = check_values(gateway, STUBBED, '_smbus')
    assert all(gateway.values(chip)[0] == gateway.values(chip + '_smbus')[0] for chip in STUBBED)
    print('%d chips by SMBus alone (i2c-stub), %d readings, the same values' % (len(STUBBED), n), file=sys.stderr)


def test_what_fails_is_counted_by_its_kind(gateway):
    """And by no other: (snapshot, sensor): kind."""
    kinds = {('faults', 'nobody'): 'nak', ('faults', 'nobody_smbus'): 'nak', ('faults', 'absent'): 'nak',
             ('faults', 'noisy'): 'crc', ('faults', 'slow'): 'timeout', ('faults', 'behind_a'): 'timeout',
             ('faults', 'weary'): 'timeout', ('faults', 'held'): 'driver-held', ('faults', 'pressed'): 'driver-held',
             ('unplugged', 'near'): 'unplugged'}
    found = {case: gateway.sensors(case[0])[case[1]]['error_kinds'] for case in kinds}
    print('counted: %s' % ', '.join('%s %s' % (case[1], counts) for case, counts in found.items()), file=sys.stderr)
    assert {case: list(counts) for case, counts in found.items()} == {case: [kind] for case, kind in kinds.items()}


def test_who_holds_an_address_is_named_with_its_path(gateway):
    sensors = gateway.sensors('faults')
    assert re.search(r'0x4b on /dev/i2c-(?:1|roof) belongs to driver lm75 .* /sys/bus/i2c/devices/1-004b/hwmon/hwmon\d+: read it '
                     r'there, by  driver = "hwmon"; device = "lm75"', sensors['held']['last_error'])
    assert re.search(r'0x76 on /dev/i2c-(?:1|roof) belongs to driver bmp280 .* /sys/bus/i2c/devices/1-0076/iio:device\d+: read it '
                     r'there, by  driver = "iio"; device = "bmp280"', sensors['pressed']['last_error'])


def test_losses_and_returns_are_told_once(gateway):
    """Each has one, and those on the adapter that was pulled out another."""
    for name, n in (('absent', 2), ('noisy', 2), ('held', 2), ('pressed', 2), ('near', 1), ('slow', 1),
                    ('behind_a', 1), ('weary', 1)):
        lost, found = gateway.told(name, 'It is tried again'), gateway.told(name, 'well again after')
        assert (len(lost), len(found)) == (n, n), '\n'.join(lost + found)
    assert sum(line.startswith('sensor nobody: ') for line in gateway.log) == 1


def test_the_kernels_drivers_read_the_same(gateway):
    by_i2c, by_driver = gateway.sensors('well'), gateway.sensors('faults')
    held, shown = by_i2c['held']['values'], by_driver['held_by_driver']['values']
    pressed, pressure = by_i2c['pressed']['values'], by_driver['pressed_by_driver']['values']
    print('one LM75 by I2C %s, by hwmon %s; one BMP280 by I2C %s, by IIO %s' % (held, shown, pressed, pressure),
          file=sys.stderr)
    assert held == shown == {'temperature': 25.5}
    assert pressure['pressure'] * 1000 == pytest.approx(pressed['pressure'], abs=0.1)
    assert pressure['temperature'] == pressed['temperature'] == 25.08


def test_a_channel_of_a_multiplexer_is_not_left_open(gateway):
    """When a read behind it is given up, the other multiplexer's chip of that address is not mixed with this one's."""
    for name, value in (('behind_a', 25), ('behind_b', 12.5)):
        values = [each['temperature'] for each in gateway.values(name)]
        assert len(values) > 10 and set(values) == {value}, (name, values)


def test_the_others_keep_their_times(gateway):
    """Those on other buses, while one is wedged, one is pulled out, and drivers come and go: within 5 %, more than they were
    off before. For this machine is emulated, and others may want its processors."""
    names = [*CHIPS, 'behind_2', 'behind_5', *(chip + '_smbus' for chip in STUBBED)]
    noise = 0
    for phase, begin, end in (('before', 'well', 'fault'), ('beside', 'fault', 'end')):
        off, mean = gateway.off(names, begin, end)
        most = off[len(off) * 95 // 100]
        print('%s the faults: %d sensors of %d s, %d intervals: mean %.3f s, 95 of 100 within %.1f %%, all within %.1f %%'
              % (phase, len(names), EVERY, len(off), mean, 100 * most, 100 * off[-1]), file=sys.stderr)
        noise = most if phase == 'before' else noise
    assert abs(mean / EVERY - 1) <= 0.05
    assert most <= noise + 0.05
    assert off[-1] < 0.5, 'one was left out'
