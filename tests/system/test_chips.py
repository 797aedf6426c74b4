# SPDX-License-Identifier: Apache-2.0
"""Chips by their names: the daemon reads them through the kernel's calls, and tells what is wrong in a description."""

import shutil
import time

import pytest

from bus import SOURCE, PrivateBus
from daemon import Daemon
from rack import Rack

CHIPS = SOURCE / 'conf/chips'

ROOM = 'room: { driver = "i2c"; bus = %d; address = 0x48; chip = "%s"; interval = "100ms"; %s };\n'


@pytest.fixture
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def daemon(tmp_path, bus):
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        shutil.copytree(CHIPS, daemon.directory / 'chips')
        yield daemon


@pytest.fixture
def rack():
    """The same chip on a bus of each kind."""
    chips = ['chip %s %d 0x48 words' % (name, n) for n, name in enumerate(('one', 'two', 'three'), 1)]
    with Rack('bus 1 plain', 'bus 2 smbus', 'bus 3 words', *chips,
              *('set %s %s' % (chip, held) for chip in ('one', 'two', 'three') for held in ('0x00 1980', '0x0f 0f10')),
              'hold 1 0x4b lm75 hwmon temp1_input 25000') as rack:
        yield rack


def start(daemon, rack):
    daemon.start(prefix=rack.prefix)
    daemon.bus.wait_for_name()


def wait_for(daemon, name, holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds(sensor := daemon.sensor(name)):
        assert time.monotonic() < deadline, '%s: %s\n%s' % (name, sensor, daemon.log())
        daemon.hear(0.05)
    return sensor


def test_chips_are_read_by_plain_i2c_and_by_smbus(daemon, rack):
    daemon.configure('sensors: {\n' + ROOM % (1, 'tmp102', '') + 'by_smbus' + (ROOM % (2, 'lm75', ''))[4:] +
                     'by_words' + (ROOM % (3, 'tmp102', 'channels: { temperature: { offset = -0.5; }; };'))[4:] + '};\n')
    start(daemon, rack)
    for name, value in (('room', 25.5), ('by_smbus', 25.5), ('by_words', 25.0)):
        sensor = wait_for(daemon, name, lambda sensor: sensor['State'] == 'ok' and sensor['Values'])
        assert dict(sensor['Values']) == {'temperature': value} and dict(sensor['Units']) == {'temperature': 'Cel'}
    assert daemon.stop() == 0


def test_what_does_not_answer_is_told_with_its_place(daemon, rack):
    daemon.configure('sensors: {\n' + ROOM % (1, 'tmp117', '') + 'behind' +
                     (ROOM % (1, 'tmp102', 'mux: { address = 0x70; channel = 3; };'))[4:].replace('0x48', '0x49') + 'taken' +
                     (ROOM % (1, 'tmp102', ''))[4:].replace('0x48', '0x4B') + 'plain' + (ROOM % (2, 'sht3x', ''))[4:].replace(
                         '0x48', '0x44') + '};\n')
    start(daemon, rack)
    for name, words in (('room', '0x48 on /dev/i2c-1 is no TI TMP117: its register 0x0f holds 0xF10, not 0x117'),
                        ('behind', 'no multiplexer answers at 0x70 on /dev/i2c-1'),
                        ('taken', 'belongs to driver lm75 of the kernel'), ('plain', 'no chip answers at 0x44 on /dev/i2c-2')):
        sensor = wait_for(daemon, name, lambda sensor: sensor['State'] == 'failing')
        assert words in sensor['LastError']
    assert daemon.stop() == 0


def test_a_reload_takes_a_changed_description_and_refuses_a_broken_one(daemon, rack):
    own = daemon.directory / 'chips/tmp102.conf'
    good = own.read_text()
    daemon.configure('sensors: {\n' + ROOM % (1, 'tmp102', '') + '};\n')
    start(daemon, rack)
    wait_for(daemon, 'room', lambda sensor: sensor['Values'].get('temperature') == 25.5)
    own.write_text(good.replace('scale = 0.0625', 'scale = 0.125'))
    daemon.reload()
    wait_for(daemon, 'room', lambda sensor: sensor['Values'].get('temperature') == 51)
    own.write_text(good.replace('register = 0x00', 'regster = 0x00'))
    daemon.reload()
    daemon.wait_for_log('did you mean "register"?')
    assert '%s:' % own in daemon.log()
    wait_for(daemon, 'room', lambda sensor: sensor['State'] == 'ok' and sensor['Values'].get('temperature') == 51)
    assert daemon.stop() == 0


def test_check_names_file_line_and_remedy(daemon):
    own = daemon.directory / 'chips/tmp102.conf'
    text = own.read_text()
    daemon.configure('sensors: {\n' + ROOM % (1, 'tmp102', '') + '};\n')
    assert daemon.run('--check').stdout == 'OK\n'
    line = next(n for n, line in enumerate(text.splitlines(), 1) if 'scale' in line and not line.startswith('#'))
    own.write_text(text.replace('from = "temperature"', 'from = "humidity"'))
    done = daemon.run('--check')
    assert done.returncode == 78
    assert done.stderr == '%s:%d: channels.temperature.from: no step reads a block "humidity"; there are "temperature"\n' % (
        own, line)
    daemon.configure('sensors: {\n' + ROOM % (1, 'tmp1022', '') + '};\n')
    done = daemon.run('--check')
    assert done.returncode == 78 and done.stderr.startswith(
        '%s:2: sensors.room.chip: there is no chip "tmp1022"; did you mean "tmp102"?' % daemon.config)


def test_print_config_names_the_chip_and_loads_again(daemon):
    daemon.configure('sensors: {\n' + ROOM % (1, 'tmp102', 'mux: { address = 0x70; channel = 3; };') + '};\n')
    first = daemon.run('--print-config')
    assert first.returncode == 0 and 'chip = "tmp102";' in first.stdout and 'channel = 3;' in first.stdout
    daemon.configure(first.stdout)
    second = daemon.run('--print-config')

    def bare(text):
        return [line.split('#')[0].rstrip() for line in text.splitlines()]
    assert second.returncode == 0 and bare(first.stdout) == bare(second.stdout)


VOLTS = 'volts: { driver = "i2c"; bus = 1; address = 0x49; chip = "ads1115"; interval = "100ms"; %s };\n'
# what was written to the register of its configuration the last time
WRITTEN = 'written: { driver = "i2c"; bus = 1; address = 0x49; interval = "100ms"; channels: { word: { register = 1; }; }; };\n'


def test_a_sensor_chooses_and_chooses_anew(daemon):
    def settings(options):
        return 'sensors: {\n' + VOLTS % options + WRITTEN + '};\n'

    def check(volts, word):
        wait_for(daemon, 'volts', lambda s: s['State'] == 'ok' and s['Values'] and s['Values']['a3'] == volts)
        wait_for(daemon, 'written', lambda s: s['Values'] and s['Values']['word'] == word)
        assert not daemon.lines('sensor volts:')

    with Rack('bus 1 plain', 'chip volts 1 0x49 words', 'set volts 0x00 4000') as rack:
        daemon.configure(settings(''))
        start(daemon, rack)
        check(2.048, 0xF383)
        for options, volts, word in (('range = "6.144";', 3.072, 0xF183), ('range = "0.256"; rate = "250";', 0.128, 0xFBA3),
                                     ('', 2.048, 0xF383)):
            daemon.configure(settings('options: { %s };' % options))
            daemon.reload()
            check(volts, word)
        daemon.configure(settings('options: { range = "2.084"; };'))
        done = daemon.run('--check')
        assert done.returncode == 78
        assert done.stderr == (
            '%s:2: sensors.volts.options.range: expected "6.144", "4.096", "2.048", "1.024", "0.512" or "0.256"; found '
            '"2.084"; did you mean "2.048"?\n' % daemon.config)
        assert daemon.stop() == 0


def test_a_bus_has_one_name(daemon):
    """A link to it is another: nobody would know that two sensors are on the same."""
    bus, link = daemon.directory / 'i2c-7', daemon.directory / 'by-link'
    bus.touch()
    link.symlink_to(bus)
    daemon.configure('sensors: {\n  one: { driver = "i2c"; bus = "%s"; address = 0x48; chip = "lm75"; };\n'
                     '  two: { driver = "i2c"; bus = "%s"; address = 0x49; chip = "lm75"; };\n};\n' % (link, bus))
    done = daemon.run('--check')
    assert done.returncode == 78
    assert done.stderr == ('%s:3: sensors.two.bus: sensor one calls this bus "%s": all its sensors have to name it alike\n'
                           % (daemon.config, link))
