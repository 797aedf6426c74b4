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


def test_a_hub_that_does_not_run_is_started_by_serve(devhub):
    devhub.stop()
    for words in ['fault', 'list'], ['clock', 'show']:
        assert 'no server runs' in (said := fails(devhub, FAILED, *words)) and 'serve' in said


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
