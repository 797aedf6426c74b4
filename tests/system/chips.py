# SPDX-License-Identifier: Apache-2.0
"""One of each chip that conf/chips knows, with the examples of its data sheet, for racks and for real buses.

    rack.order(...) of each of chip_orders('tmp102', 'room', 1)     # orders of tests/support/i2c-rack
    settings = sensor('room', 1, 0x48, 'tmp102')
    CHIPS['tmp102'][3]                                              # what it then says
"""

BMP280_TRIM = '706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017'
# Kind of chip, address, what it holds, what that is.
CHIPS = {
    'tmp102': ('words', 0x48, ['set 0x00 1900'], {'temperature': 25}),
    'tmp117': ('words', 0x49, ['set 0x0f 0117', 'set 0x01 2220', 'set 0x00 0c80'], {'temperature': 25}),
    'lm75': ('words', 0x4a, ['set 0x00 e700'], {'temperature': -25}),
    'ads1115': ('words', 0x4b, ['set 0x00 7fff'], dict.fromkeys(('a0', 'a1', 'a2', 'a3'), 4.095875)),
    'mcp9808': ('words', 0x18, ['set 0x06 0054', 'set 0x05 c190'], {'temperature': 25}),
    'ina219': ('words', 0x41, ['set 0x01 07d0', 'set 0x02 5d98', 'set 0x03 1766', 'set 0x04 2710'],
               {'shunt_voltage': 0.02, 'bus_voltage': 11.98, 'current': 1, 'power': 11.98}),
    'veml7700': ('words', 0x10, ['set 0x04 ffff'], {'illuminance': 35231.6}),
    'bmp280': ('bytes', 0x76, ['set 0xd0 58', 'set 0x88 ' + BMP280_TRIM, 'set 0xf7 655ac07eed00'],
               {'temperature': 25.08, 'pressure': 100653.3}),
    'bme280': ('bytes', 0x77, ['set 0xd0 60', 'set 0x88 %s004b' % BMP280_TRIM, 'set 0xe1 6a01001420031e',
                               'set 0xf7 655ac07eed007148'],
               {'temperature': 25.08, 'pressure': 100653.3, 'humidity': 46.93}),
    'lps22hb': ('bytes', 0x5c, ['set 0x0f b1', 'set 0x28 8df53fc409'], {'pressure': 1023.347, 'temperature': 25}),
    'ds3231': ('bytes', 0x68, ['set 0x11 1940'], {'temperature': 25.25}),
    'mpu6050': ('bytes', 0x69, ['set 0x75 68', 'set 0x3b 40000000c000000000830000ff7d'],
                {'acceleration_x': 9.807, 'acceleration_y': 0, 'acceleration_z': -9.807, 'temperature': 36.53,
                 'rotation_x': 1, 'rotation_y': 0, 'rotation_z': -1}),
    'sht3x': ('commands', 0x44, ['answer 2400 15 6667a25eb93c'], {'temperature': 25, 'humidity': 37}),
    'sht4x': ('commands', 0x45, ['answer fd 8 6667a25eb93c'], {'temperature': 25, 'humidity': 40.25}),
    'si7021': ('commands', 0x40, ['answer f5 22 7c80f5', 'answer e0 0 683a'], {'humidity': 54.8, 'temperature': 24.7}),
    'bh1750': ('commands', 0x23, ['answer 20 180 8390'], {'illuminance': 28066.7}),
    'scd4x': ('commands', 0x62, ['answer e4b8 1 800604', 'answer ec05 1 01f4336667a25eb93c'],
              {'co2': 500, 'temperature': 25, 'humidity': 37}),
}
SMBUS = [name for name, (kind, *_) in CHIPS.items() if kind != 'commands']


def chip_orders(name, sensor, bus):
    kind, address, holds, _ = CHIPS[name]
    return ['chip %s %d 0x%02x %s' % (sensor, bus, address, kind)] + [
        ' '.join([*line.split()[:1], sensor, *line.split()[1:]]) for line in holds]


def sensor(name, bus, address, chip, more='', interval='100ms'):
    return '%s: { driver = "i2c"; bus = %d; address = 0x%02x; chip = "%s"; interval = "%s"; %s };\n' % (
        name, bus, address, chip, interval, more)
