# SPDX-License-Identifier: Apache-2.0
"""hublinkctl sensors scan: what a machine has, as settings that a real daemon takes and reads."""

import json
import os
import pathlib
import pty
import shutil
import subprocess
import time

import pytest

from bus import BUILD, SOURCE, PrivateBus
from daemon import Daemon
from rack import Rack

CTL = str(BUILD / 'src/ctl/hublinkctl')


class Sysfs:
    """A tree of files as the kernel shows its devices."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        for folder in ('class/hwmon', 'class/thermal', 'bus/iio/devices', 'bus/i2c/devices', 'bus/i2c/drivers/lm75'):
            (self.root / folder).mkdir(parents=True)

    def add(self, place, link, **files):
        device = self.root / 'devices' / place
        device.mkdir(parents=True, exist_ok=True)
        (self.root / link).symlink_to(device)
        for name, text in files.items():
            (device / name).write_text('%s\n' % text)
        return device

    def hwmon(self, number, place, **files):
        return self.add('%s/hwmon/hwmon%d' % (place, number), 'class/hwmon/hwmon%d' % number, **files)


@pytest.fixture
def sysfs(tmp_path):
    sysfs = Sysfs(tmp_path / 'sys')
    sysfs.hwmon(4, 'platform/coretemp.0', name='coretemp', temp1_input=51500, temp1_label='Package "0"', temp2_input='junk')
    sysfs.hwmon(1, 'pci0/i2c-1/1-0048', name='lm75', temp1_input=22500)
    sysfs.hwmon(0, 'pci0/i2c-1/1-0049', name='lm75', temp1_input=23500)
    sysfs.hwmon(2, 'platform/nameless', temp1_input=1000)
    sysfs.add('pci0/i2c-1/1-0076/iio:device0', 'bus/iio/devices/iio:device0', name='bme280', in_temp_input=21500,
              in_temp_label='outside', in_pressure_input=101.325)
    sysfs.add('virtual/thermal/thermal_zone0', 'class/thermal/thermal_zone0', type='soc-thermal', temp=44000)
    sysfs.add('pci0/i2c-1', 'bus/i2c/devices/i2c-1')
    (sysfs.root / 'devices/pci0/i2c-1/name').write_text('SMBus adapter\n')
    sysfs.add('pci0/i2c-1/1-0048', 'bus/i2c/devices/1-0048', name='lm75')
    (sysfs.root / 'devices/pci0/i2c-1/1-0048/driver').symlink_to(sysfs.root / 'bus/i2c/drivers/lm75')
    return sysfs


def scan(*words, prefix=(), stdin=subprocess.DEVNULL, **more):
    return subprocess.run([*prefix, CTL, *map(str, words)], stdin=stdin, capture_output=True, text=True, timeout=50, **more)


def check(tmp_path, settings):
    path = tmp_path / 'scan.conf'
    path.write_text(settings)
    done = subprocess.run([BUILD / 'src/daemon/hublinkd', '--check', '--config', path], capture_output=True, text=True,
                          timeout=20)
    assert (done.returncode, done.stdout) == (0, 'OK\n'), done.stderr + settings


def test_what_is_printed_is_taken_by_the_daemon(tmp_path, sysfs):
    done = scan('sensors', 'scan', '--sysfs', sysfs.root)
    assert (done.returncode, done.stderr) == (0, '')
    for words in ('# I2C bus /dev/i2c-1: SMBus adapter\n', '0x48 lm75: belongs to driver lm75 of the kernel',
                  'label = "Package \\"0\\""; };  # 51.5 Cel\n', '# temp2: { attribute = "temp2_input"; };  # "junk" in ',
                  'at = "/1-0048/";\n', 'outside: { label = "outside"; };  # 21.5 Cel\n', '# 101.325 kPa\n', 'path = "/sys/class/thermal/thermal_zone0/temp";\n',
                  '# Not as it is: its file `name` says nothing by which it could be found.\n'):
        assert words in done.stdout, done.stdout
    assert 'device = "hwmon' not in done.stdout
    check(tmp_path, done.stdout)


def test_this_machine_is_looked_at_too(tmp_path):
    done = scan('sensors', 'scan')
    assert (done.returncode, done.stderr) == (0, '')
    check(tmp_path, done.stdout)


def test_json_names_the_same_sensors(sysfs):
    done = scan('--json', 'sensors', 'scan', '--sysfs', sysfs.root)
    found = json.loads(done.stdout)
    assert [s['name'] for s in found['sensors'] if not s['why_not']] == [
        'coretemp', 'lm75_1_0048', 'lm75_1_0049', 'bme280', 'soc_thermal']
    assert found['buses'][0]['addresses'] == [{
        'address': 0x48, 'type': 'lm75', 'held_by': 'lm75', 'driver': 'hwmon', 'device': 'lm75', 'place': '1-0048'}]
    assert found['buses'][0]['adapter'] is None and found['buses'][0]['probe'] is None
    channels = found['sensors'][0]['channels']
    assert channels[0] == {'name': 'package_0', 'attribute': None, 'label': 'Package "0"', 'unit': 'Cel', 'value': 51.5,
                           'error': None}
    assert channels[1]['value'] is None and 'is not a number' in channels[1]['error']


@pytest.mark.parametrize('words', [
    ('--probe', 'x'), ('--probe', '-1'), ('--probe', '1x'), ('--probe',), ('--probe', '1', '--sysfs', '/sys', '--yes'),
    ('more',), ('--no-such-option',)])
def test_wrong_words_are_told(words):
    done = scan('sensors', 'scan', *words)
    assert done.returncode == 2 and done.stdout == '' and 'sensors' in done.stderr


def test_a_bus_that_is_not_there_says_what_to_do():
    done = scan('sensors', 'scan', '--probe', '99999', '--yes')
    assert done.returncode == 1 and done.stdout == ''
    assert 'there is no /dev/i2c-99999' in done.stderr and 'modprobe i2c-dev' in done.stderr


def test_what_cannot_be_written_is_told(sysfs):
    with open('/dev/full', 'w') as full:
        done = subprocess.run([CTL, 'sensors', 'scan', '--sysfs', sysfs.root], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=20)
    assert done.returncode == 1 and 'could be written' in done.stderr


# --- probed: buses that umockdev plays ---

@pytest.fixture
def rack(tmp_path):
    """Four at a plain bus, one of which a driver has and one of which is a memory's; one at an SMBus."""
    shutil.copytree(SOURCE / 'conf/chips', tmp_path / 'chips')
    with Rack('bus 1 plain', 'bus 2 smbus', 'chip air 1 0x77 bytes', 'set air 0xd0 60', 'chip odd 1 0x48 words', 'set odd 0 1980',
              'chip memory 1 0x50 bytes', 'set memory 0x00 aa', 'hold 1 0x4b lm75 hwmon temp1_input 25000',
              'chip mux 1 0x70 mux', 'chip room 2 0x49 words', 'set room 0x0f 0117', 'set room 0x00 0c80',
              'set room 0x01 2220') as rack:
        yield rack


def probe(tmp_path, rack, *words, **more):
    return scan('--config', tmp_path / 'hublink.conf', *words, prefix=rack.prefix, **more)


def test_a_probe_has_to_be_meant(tmp_path, rack):
    done = probe(tmp_path, rack, 'sensors', 'scan', '--probe', '1')
    assert done.returncode != 0 and done.stdout == ''
    assert 'Probing /dev/i2c-1 may do harm' in done.stderr and '0x30 to 0x37' in done.stderr and '--yes' in done.stderr


@pytest.mark.parametrize('answer, goes_on', [(b'y\n', True), (b'n\n', False), (b'\n', False), (b'\x04', False)])
def test_on_a_terminal_it_asks(tmp_path, rack, answer, goes_on):
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        done = probe(tmp_path, rack, 'sensors', 'scan', '--probe', '1', stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert 'Go on? [y/N]' in done.stderr
    assert ('Probed:' in done.stdout) == goes_on and ('Nothing was probed' in done.stderr) == (not goes_on)


def test_without_it_nobody_is_asked(tmp_path, rack):
    done = probe(tmp_path, rack, 'sensors', 'scan')
    for words in ('# I2C bus /dev/i2c-1: bus 1 of a rack; plain I2C and SMBus\n', '# I2C bus /dev/i2c-2: bus 2 of a rack; SMBus only\n',
                  '#   0x4b: belongs to driver lm75 of the kernel; driver hwmon reads it: device lm75, at /1-004b/\n',
                  '  lm75: {\n    driver = "hwmon";\n    device = "lm75";\n', '# 25 Cel\n', 'Not probed: '):
        assert words in done.stdout, done.stdout
    check(tmp_path, done.stdout)


def test_who_answers_is_named(tmp_path, rack):
    done = probe(tmp_path, rack, 'sensors', 'scan', '--probe', '1', '--yes')
    assert done.returncode == 0 and 'may do harm' not in done.stderr
    for words in ('Probed: 4 of 112 addresses answered', '  # 0x48 on /dev/i2c-1\n  # Answers, and no register tells',
                  '#   lm75: ', '#   tmp102: ', '  #   address = 0x48;\n', '  #   bme280: Bosch BME280\n',
                  '  bme280: {\n    driver = "i2c";\n    bus = "/dev/i2c-1";\n    address = 0x77;\n    chip = "bme280";\n',
                  'its channels: temperature in Cel, pressure in Pa, humidity in %RH\n  # It can choose (man hublink-chips): ',
                  '  # 0x50 on /dev/i2c-1\n  # Answers. No description of a chip has this address',
                  'a multiplexer tca9548a: a sensor behind it says  mux = { address = 0x70; channel = 0; };\n'):
        assert words in done.stdout, done.stdout
    assert '#   tmp117' not in done.stdout  # its register says that it is not
    check(tmp_path, done.stdout)


def test_an_smbus_is_probed_as_well(tmp_path, rack):
    done = probe(tmp_path, rack, '--json', 'sensors', 'scan', '--probe', '/dev/i2c-2', '--yes')
    found = json.loads(done.stdout)
    bus = next(bus for bus in found['buses'] if bus['bus'] == 2)
    assert bus['adapter'] == 'smbus' and bus['probe']['stuck'] == 0
    assert bus['probe']['found'] == [{'address': 0x49, 'identified': True, 'chips': ['tmp117'], 'multiplexer': None}]
    assert next(bus for bus in found['buses'] if bus['bus'] == 1)['probe'] is None


def test_what_was_found_is_read_by_the_daemon(tmp_path, rack):
    done = probe(tmp_path, rack, 'sensors', 'scan', '--probe', '2', '--yes')
    assert done.returncode == 0 and '  tmp117: {\n' in done.stdout
    with PrivateBus() as bus, Daemon(tmp_path, bus) as daemon:
        daemon.configure(done.stdout.replace('"10s"', '"100ms"'))
        daemon.start(prefix=rack.prefix)
        bus.wait_for_name()
        for name, channel, value in (('tmp117', 'temperature', 25), ('lm75', 'temp1', 25)):
            deadline = time.monotonic() + 20
            while dict(daemon.sensor(name)['Values']) != {channel: value}:
                assert time.monotonic() < deadline, daemon.log()
                daemon.hear(0.05)
            assert dict(daemon.sensor(name)['Units']) == {channel: 'Cel'}
        assert daemon.stop() == 0


def test_a_broken_description_is_told_and_the_others_are_known(tmp_path, rack):
    (tmp_path / 'chips/broken.conf').write_text('title = 5;\n')
    done = probe(tmp_path, rack, 'sensors', 'scan', '--probe', '1', '--yes')
    assert done.returncode == 0 and '%s:1: ' % (tmp_path / 'chips/broken.conf') in done.stderr
    assert '#   tmp102: ' in done.stdout
