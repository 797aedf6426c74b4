# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: what it says to a command that was mistyped, or that cannot be followed."""

import json
import subprocess

import pytest
from devhub import PROGRAM, devhub  # noqa: F401  (a fixture)

FAILED, USAGE, TIMEOUT = 1, 2, 4


def fails(hub, code, *words):
    done = hub.run(*words, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith('hublink-devhub: ') and not done.stdout
    return done.stderr


# --- a directory without a hub ---

@pytest.mark.parametrize('words', [
    ['device', 'create', 'd1'], ['device', 'list'], ['device', 'delete', 'd1'], ['monitor'], ['monitor', '--verify'],
    ['fault', 'set', 'cut'], ['fault', 'list'], ['fault', 'clear'], ['ca', 'add', 'x', '/dev/null'], ['ca', 'list'],
    ['ca', 'delete', 'x'], ['clock', 'show'], ['clock', 'advance', '1h'],
    ['usage']], ids=' '.join)
def test_a_mistyped_directory_makes_no_hub(tmp_path, words):
    for folder in tmp_path / 'none', tmp_path:
        done = subprocess.run([PROGRAM, '--state-dir', folder, *words], capture_output=True, text=True, timeout=20)
        assert done.returncode == FAILED and not done.stdout
        assert 'no hub lives in %s' % folder in done.stderr and 'serve --state-dir %s' % folder in done.stderr
        assert not (tmp_path / 'none').exists() and not (tmp_path / 'devhub.db').exists()


PORTS = ['--mqtt-port', '0', '--https-port', '0', '--amqps-port', '0', '--amqp-port', '0']


@pytest.mark.parametrize('words', [['serve', '--mqtt-port', 'TAKEN', *PORTS[2:]], ['serve', *PORTS, '--seed', '/dev/null'],
                                   ['serve', *PORTS[:-1], 'TAKEN'], ['seed', '/dev/null'], ['seed', '/absent']], ids=' '.join)
def test_a_hub_that_cannot_begin_leaves_nothing(tmp_path, devhub, words):
    words = [str(devhub.port) if word == 'TAKEN' else word for word in words]
    mine = tmp_path / 'mine'
    mine.mkdir()
    for folder in mine / 'deep/down', mine / 'plain', mine / 'blank//x/', mine:
        done = subprocess.run([PROGRAM, *words, '--state-dir', folder], capture_output=True, text=True, timeout=20)
        assert done.returncode == FAILED, done
        assert mine.is_dir() and (folder == mine or not list(mine.iterdir())), list(mine.iterdir())


def test_a_hub_that_has_begun_stays(devhub):
    devhub.create('d1')
    devhub.stop()
    assert devhub.run('serve', *PORTS, '--seed', '/absent', check=False).returncode == FAILED
    assert [d['deviceId'] for d in json.loads(devhub.run('device', 'list', '--json').stdout)] == ['d1']


def test_a_hub_that_does_not_run_is_started_by_serve(devhub):
    devhub.stop()
    for words in ['fault', 'list'], ['clock', 'show']:
        assert 'no server runs' in (said := fails(devhub, FAILED, *words)) and 'serve' in said


# --- a database that is damaged ---

@pytest.mark.parametrize('spoil', [lambda data: b'x' * len(data), lambda data: data[:4096],
                                   lambda data: data[:100] + bytes(4096 - 100) + data[4096:]], ids=['noise', 'cut', 'hole'])
def test_a_damaged_database_is_named_with_the_way_out(devhub, spoil):
    devhub.create('d1')
    devhub.stop()
    database = devhub.directory / 'devhub.db'
    database.write_bytes(spoil(database.read_bytes()))
    done = devhub.run('serve', *PORTS, check=False)
    said = done.stderr
    assert done.returncode == FAILED and '%s is damaged (' % database in said and 'serve --seed FILE' in said
    for words in ['device', 'list'], ['monitor'], ['dump'], ['reset', '--yes']:
        assert '%s is damaged (' % database in fails(devhub, FAILED, *words)
    way_out = said.split('begin anew: ')[1].split(' (devices')[0]
    subprocess.run(way_out, shell=True, check=True)
    with devhub:
        assert json.loads(devhub.run('device', 'list', '--json').stdout) == []
    assert (devhub.directory / 'damaged/devhub.db').exists()


# --- faults ---

@pytest.mark.parametrize('words, said', [
    (['cut', '--delay', '1s'], 'cut has no use for --delay: it takes --device, --for and --count'),
    (['cut', '--code', '3'], 'no use for --code'),
    (['refuse-connect', '--match', 'x'], '--device, --for, --count and --code'),
    (['poison', '--offset', '+1h'], 'no use for --offset'),
    (['clock-offset', '--offset', '+1h', '--count', '1'], 'clock-offset has no use for --count: it takes --for and --offset'),
    (['clock-offset'], 'needs --offset'),
    (['token-cut', '--count', '1'], 'it takes --device and --for'),
    (['dps-busy', '--hub', 'x.y'], 'no use for --hub'),
    (['tls-stall', '--device', 'd1'], 'leave out --device'),
    (['cut', '--device', 'd1/m1'], 'whose modules are struck with it'),
    (['cut', '--device', 'd 1'], "--device takes the id of a device, not 'd 1'"),
    (['cat'], "did you mean 'cut'"),
])
def test_a_fault_takes_what_it_uses(devhub, words, said):
    assert said in fails(devhub, USAGE, 'fault', 'set', *words)
    assert devhub.fault('list').stdout == ''


def test_a_fault_for_a_device_that_is_not_there_yet(devhub):
    devhub.create('gateway-17')
    done = devhub.fault('set', 'silent', '--device', 'gatewy-17')
    assert 'there is no gatewy-17 yet; did you mean gateway-17?' in done.stderr
    assert [f['device'] for f in json.loads(devhub.fault('list', '--json').stdout)] == ['gatewy-17']
    assert devhub.fault('set', 'silent', '--device', 'gateway-17').stderr == ''
    assert devhub.fault('set', 'dps-busy', '--device', 'reg-1').stderr == ''  # a registration, and no device


# --- output that nobody gets ---

def send_one(hub):
    device = hub.create('d1')
    with hub.client(device) as client:
        client.publish(device.topic(), b'1')


@pytest.mark.parametrize('words', [
    ['device', 'list'], ['device', 'list', '--json'], ['fault', 'list'], ['ca', 'list'], ['clock', 'show'], ['dump'],
    ['monitor', '--from', 'start', '--count', '1'], ['monitor', '--verify'], ['--help'], ['fault', '--help'], ['--version']],
    ids=' '.join)
def test_output_that_is_lost_is_a_failure(devhub, words):
    send_one(devhub)
    devhub.fault('set', 'delay-puback')
    devhub.run('ca', 'add', 'plant', devhub.ca_file)
    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = subprocess.run([PROGRAM, '--state-dir', devhub.directory, *words], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=20)
    assert done.returncode == FAILED and done.stderr == 'hublink-devhub: standard output: No space left on device\n'


@pytest.mark.parametrize('words', [['monitor'], ['monitor', '--from', 'start']], ids=' '.join)
def test_a_reader_who_has_had_enough_ends_the_monitor(devhub, words):
    """Whether anything comes after that or not."""
    send_one(devhub)
    monitor = subprocess.Popen([PROGRAM, '--state-dir', devhub.directory, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    monitor.stdout.close()
    assert monitor.wait(20) == 0 and monitor.stderr.read() == ''
    monitor.stderr.close()


# --- other words ---

def test_nobody_of_that_name(devhub):
    devhub.create('gateway-17')
    devhub.create('gateway-17/camera')
    assert 'no gateway-71; did you mean gateway-17?' in fails(devhub, FAILED, 'device', 'delete', 'gateway-71')
    assert 'did you mean gateway-17/camera?' in fails(devhub, FAILED, 'device', 'delete', 'gateway-17/camra')
    assert 'device list' in fails(devhub, FAILED, 'device', 'delete', 'something')
    devhub.run('ca', 'add', 'plant', devhub.ca_file)
    assert 'did you mean plant?' in fails(devhub, FAILED, 'ca', 'delete', 'plnat')
    assert 'ca list' in fails(devhub, FAILED, 'ca', 'delete', 'other')
    done = devhub.run('monitor', 'gatway-17', '--for', '0s')
    assert 'there is no gatway-17 yet; did you mean gateway-17?' in done.stderr
    assert devhub.run('monitor', 'gateway-17', '--for', '0s').stderr == ''


def test_monitor_tells_how_many_came_in_time(devhub):
    device = devhub.create('d1')
    with devhub.client(device) as client:
        client.publish(device.topic(), b'1')
    done = devhub.run('monitor', '--from', 'start', '--count', '3', '--for', '200ms', check=False)
    assert done.returncode == TIMEOUT and '1 of 3 came within the time of --for' in done.stderr
    assert len(done.stdout.splitlines()) == 1
    done = devhub.run('monitor', '--verify', '--count', '3', '--for', '0s', check=False)
    assert done.returncode == TIMEOUT and 'unique=1' in done.stdout and '1 of 3 came' in done.stderr


@pytest.mark.parametrize('words, said', [
    (['clock', 'advance', '-1h'], "not '-1h': a clock only goes forward"),
    (['clock', 'advance', 'soon'], 'such as 10min'),
    (['clock', 'advance', '99999999h'], 'ten years'),
    (['device', 'create', 'a b'], 'cannot be an id'),
    (['device', 'delete', 'a/b/c'], 'cannot be an id'),
    (['device', 'create', '-1'], 'before an id that begins so put --'),
    (['monitor', 'a b'], 'cannot be an id'),
    (['monitor', '--coutn', '3'], 'did you mean --count'),
    (['device', 'list', '--json=1'], '--json takes no value'),
    (['device', 'list', '-x'], "unknown option '-x'"),
    (['ca', 'add', 'a b', '/dev/null'], 'cannot be the name of an authority'),
    (['serve', '--listen', 'localhost'], 'numeric address'),
])
def test_usage(devhub, words, said):
    assert said in fails(devhub, USAGE, *words)


def test_an_id_that_looks_like_an_option(devhub):
    done = subprocess.run([PROGRAM, '--state-dir', devhub.directory, 'device', 'create', '--', '-1'],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and 'deviceId: -1\n' in done.stdout
