# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer: what it says to a command that was mistyped, that means nobody, or that waits."""

import subprocess

import pytest
from devhub import Devhub
from explorer import FAILED, OK, REFUSED, TIMEOUT, USAGE, Explorer

NEVER = '0001-01-01T00:00:00Z'


@pytest.fixture(scope='module')
def hub(tmp_path_factory):
    with Devhub(tmp_path_factory.mktemp('words') / 'hub') as hub:
        for identity in 'gateway-17', 'gateway-17/camera', 'd1':
            hub.create(identity)
        yield hub


@pytest.fixture(scope='module')
def explorer(hub):
    return Explorer(hub.directory)


# --- who is not there ---

@pytest.mark.parametrize('command', [['get'], ['get-twin'], ['delete'], ['connection-string'], ['sas-token']], ids=' '.join)
def test_a_module_of_a_device_that_is_not_there(explorer, command):
    said = explorer.fails(REFUSED, *command, 'gatewy-17/camera')
    assert "there is no device 'gatewy-17' in" in said and "did you mean 'gateway-17'?" in said
    assert "there is no module 'gateway-17/lamp' in" in explorer.fails(REFUSED, *command, 'gateway-17/lamp')


def test_other_ways_to_mean_nobody(explorer):
    assert "no device 'nix' in" in explorer.fails(REFUSED, 'create', 'nix/m')
    assert "no device 'nix' in" in explorer.fails(REFUSED, 'device-method', 'nix/m', 'reboot')
    assert "did you mean 'gateway-17'?" in explorer.fails(REFUSED, 'list', 'gateway-71')
    assert 'no such device or module: ' in explorer.fails(REFUSED, 'send', 'gateway-17/lamp', 'x')
    assert 'no such device: ' in explorer.fails(REFUSED, 'send', 'nix', 'x')
    said = explorer.fails(REFUSED, 'registration', 'list', 'nix')
    assert "there is no enrollment group 'nix' in" in said and '404' in said
    explorer.run('enrollment-group', 'create', 'plant')
    assert explorer.json('registration', 'list', 'plant') == []


def test_monitor_events_of_nobody(hub, explorer):
    done = explorer.run('monitor-events', 'gatewy-17', '--for', '1s')
    assert "there is no device 'gatewy-17'" in done.stderr and "did you mean 'gateway-17'?" in done.stderr
    assert "there is no module 'gateway-17/lamp'" in explorer.run('monitor-events', 'gateway-17/lamp', '--for', '1s').stderr
    assert 'there is no' not in explorer.run('monitor-events', 'gateway-17/camera', '--for', '1s').stderr
    assert explorer.run('--quiet', 'monitor-events', 'gatewy-17', '--for', '1s').stderr == ''
    with explorer.watch('--json', 'monitor-events', 'later', '--count', '1', '--for', '20s') as watch:
        watch.until("there is no device 'later'")
        later = hub.create('later')
        with hub.client(later) as client:
            client.publish(later.topic(), b'7')
        assert '"body":7' in watch.line() and watch.end() == OK


# --- output that nobody gets ---

@pytest.mark.parametrize('words', [['list'], ['--json', 'list'], ['statistics'], ['query', 'SELECT * FROM devices'],
                                   ['get', 'd1'], ['get-twin', 'd1'], ['--help'], ['list', '--help'], ['--version']],
                         ids=' '.join)
def test_output_that_is_lost_is_a_failure(explorer, words):
    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = subprocess.run(explorer.command(*words), stdout=full, stderr=subprocess.PIPE, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (FAILED, 'hublink-explorer: standard output: No space left on device\n')


# --- what is wrong with the line ---

@pytest.mark.parametrize('words, said', [
    (['send', 'd1', '@/nix'], 'the data: cannot read /nix: No such file'),
    (['send', 'd1', '@/tmp'], 'the data: cannot read /tmp: Is a directory'),
    (['update-twin', 'd1', '@/nix'], 'the patch: cannot read /nix: '),
    (['update-twin', 'd1', '--tags', '@/nix'], '--tags: cannot read /nix: '),
    (['device-method', 'd1', 'm', '@/nix'], 'the payload: cannot read /nix: '),
    (['create', 'd2', '--primary-key', '@/nix'], '--primary-key: cannot read /nix: '),
    (['enrollment', 'create', 'e', '--certificate', '/nix'], '--certificate: cannot read /nix: '),
    (['enrollment', 'create', 'e', '--initial-twin', '@/nix'], '--initial-twin: cannot read /nix: '),
    (['list', '--login-file', '/nix'], '--login-file: /nix cannot be read: No such file'),
    (['list', '--ca', '/nix'], '/nix cannot be read: No such file'),
])
def test_a_file_that_cannot_be_read_is_no_usage(explorer, words, said):
    assert said in explorer.fails(FAILED, *words)


@pytest.mark.parametrize('words, said', [
    (['update-twin', 'd1'], 'what is to change?'),
    (['update-twin', 'd1', '{}', '--tags', '{}'], 'not both'),
    (['update-twin', 'd1', '{"a":1}'], "'a' is nothing that a service writes"),
    (['update-twin', 'd1', '{"properties":{"reported":{}}}'], "'properties.reported' is nothing that a service writes"),
    (['update-twin', 'd1', '{"tags":1}'], "'tags' of a patch is an object"),
    (['update-twin', 'd1', '{"desired":[]}'], "'properties.desired' of a patch is an object"),
    (['update', 'd1'], 'what is to change?'),
    (['update', 'd1', '--etag', 'x'], 'what is to change?'),
    (['update', 'gateway-17/camera', '--status', 'disabled'], "give it to device 'gateway-17'"),
    (['create', 'd1/m', '--edge', 'yes'], '--edge is of a device'),
    (['enrollment', 'update', 'plant'], 'what is to change?'),
    (['enrollment-group', 'update', 'plant', '--etag', 'x'], 'what is to change?'),
    (['send', 'd1'], "'send' needs DEVICE DATA"),
    (['send', 'd1', 'x', '--ack', 'some'], '--ack takes none, positive, negative or full'),
    (['monitor-events', '--count', '0'], '--count takes'),
    (['device-method', 'd1', 'm', '--response-timeout', '1s'], '--response-timeout takes 5s to 300s'),
])
def test_usage(explorer, words, said):
    assert said in explorer.fails(USAGE, *words)


# --- what waits ---

def test_send_says_what_it_waits_for(explorer):
    done = explorer.run('--timeout', '1s', 'send', 'd1', 'x', '--wait', check=False)
    assert done.returncode == TIMEOUT and 'waiting for its feedback, for ' in done.stderr
    assert 'waiting' not in explorer.run('--timeout', '1s', '--quiet', 'send', 'd1', 'x', '--wait', check=False).stderr
    assert 'waiting' not in explorer.run('send', 'd1', 'x', '--ack', 'full').stderr


def test_what_has_never_been_is_said_so_to_people(explorer):
    assert explorer.lines('get', 'd1')['lastActivityTime'] == 'never'
    assert explorer.run('list').stdout.splitlines()[1].endswith('never')
    assert explorer.json('get', 'd1')['lastActivityTime'] == NEVER
    assert explorer.json('list')[0]['lastActivityTime'] == NEVER
