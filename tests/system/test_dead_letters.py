# SPDX-License-Identifier: Apache-2.0
"""Records that the hub can never take, with a real daemon, a real bus and the devhub.

A reading within every limit of its own can still be too large as JSON: control characters in its texts take six bytes
each.
"""

import json
import re
import subprocess
import time

import dbus
import pytest

from bus import BUILD, DEAD_LETTERS, NAME, PATH, As, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)

CTL = str(BUILD / 'src/ctl/hublinkctl')
SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; alarms: { priority = "urgent"; max_latency = "0s"; }; };
'''


@pytest.fixture
def gateway(tmp_path, devhub):  # noqa: F811
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.devhub = devhub
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon


def ctl(gateway, *args, who=()):
    return subprocess.run([*who, CTL, '--bus', gateway.bus.address, *args], capture_output=True, text=True, timeout=30)


def good(result):
    assert result.returncode == 0 and result.stderr == '', result
    return result.stdout


def ledger(gateway):
    return {str(k): int(v) for k, v in gateway.bus.properties()['Ledger'].items()}


def listed(gateway):
    return json.loads(good(ctl(gateway, '--json', 'dead-letters', 'list')))


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_for_list(gateway, letters):
    """After a start: the name is on the bus, the list is read, and the hub's queue has no original of them any more."""
    gateway.wait_for_link('connected')
    until(lambda: ctl(gateway, 'dead-letters', 'list').returncode == 0 and listed(gateway) == letters
          and ledger(gateway)['waiting'] == 0)


def submit(gateway, values, stream='telemetry'):
    return gateway.bus.call('Submit', 'sa(svt)a{sv}', (
        'plc', [(channel, value, 0) for channel, value in values], {'stream': dbus.String(stream, variant_level=1)}))


def submit_giant(gateway, mark=1.5, stream='telemetry'):
    text = '\x01' * 4096
    return submit(gateway, [('mark', mark)] + [('c%d' % i, text) for i in range(12)], stream)


def balanced(gateway):
    now = ledger(gateway)
    return now['accepted'] == now['acknowledged'] + now['waiting'] + now['dropped'] + now['dead_lettered']


def test_one_that_is_too_large_stands_aside_and_the_rest_goes_on(gateway):
    submit(gateway, [('n', 1)])
    stream, epoch, first, _ = submit_giant(gateway)
    submit(gateway, [('n', 2)])
    [letter] = until(lambda: listed(gateway))
    assert (letter['stream'], letter['epoch'], letter['n']) == (stream, '%016x' % epoch, first)
    assert letter['reason'] == 'too-large' and letter['kind'] == 'reading' and letter['size'] > 12 * 4096
    assert abs(letter['time'] / 1e6 - time.time()) < 60
    until(lambda: ledger(gateway)['dead_lettered'] == 1 and ledger(gateway)['waiting'] == 0)
    assert balanced(gateway)
    values = [reading['n'] for event in gateway.devhub.events(count=3) if isinstance(event['body'], list)
              for reading in event['body']]
    assert values == [1, 2]

    shown = json.loads(good(ctl(gateway, '--json', 'dead-letters', 'show', str(letter['id']))))
    assert shown['values']['mark'] == 1.5 and shown['values']['c11'] == '\x01' * 4096
    assert shown['sensor'] == 'plc' and shown['quality'] == 'good'
    text = good(ctl(gateway, 'dead-letters', 'show', str(letter['id'])))
    assert re.search(r'^reason +too-large', text, re.M) and re.search(r'^mark +1\.5$', text, re.M)
    assert 'too-large' in good(ctl(gateway, 'dead-letters', 'list'))
    assert '1: hublinkctl dead-letters list' in good(ctl(gateway, 'status'))
    assert json.loads(good(ctl(gateway, '--json', 'status')))['dead_letters'] == 1
    assert 'set aside as dead letter %d' % letter['id'] in gateway.log()


def test_it_is_there_after_a_restart_and_goes_when_it_is_deleted(gateway):
    for mark in 1, 2, 3:
        submit_giant(gateway, mark)
    before = until(lambda: len(listed(gateway)) == 3 and listed(gateway))
    gateway.kill()
    gateway.start()
    wait_for_list(gateway, before)
    assert good(ctl(gateway, 'dead-letters', 'delete', str(before[1]['id']))) == '%d is deleted\n' % before[1]['id']
    assert listed(gateway) == [before[0], before[2]]
    assert gateway.stop() == 0
    gateway.start()
    wait_for_list(gateway, [before[0], before[2]])
    result = ctl(gateway, 'dead-letters', 'delete', str(before[1]['id']), str(before[0]['id']))
    assert result.returncode == 1 and 'no dead letter %d' % before[1]['id'] in result.stderr
    assert result.stdout == '%d is deleted\n' % before[0]['id']
    good(ctl(gateway, 'dead-letters', 'delete', '--all'))
    assert good(ctl(gateway, 'dead-letters', 'list')) == 'There are no dead letters.\n'
    assert 'dead letters' not in good(ctl(gateway, 'status'))
    assert ledger(gateway)['dead_lettered'] == 3 and balanced(gateway)


def test_export_to_a_file_and_to_the_screen(gateway, tmp_path):
    submit_giant(gateway, 1)
    submit_giant(gateway, 2, 'alarms')
    letters = until(lambda: len(listed(gateway)) == 2 and listed(gateway))
    file = tmp_path / 'letters.jsonl'
    assert good(ctl(gateway, 'dead-letters', 'export', '--all', '--output', str(file))) == ''
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line['id'] for line in lines] == [letter['id'] for letter in letters]
    assert sorted(line['values']['mark'] for line in lines) == [1, 2]
    again = ctl(gateway, 'dead-letters', 'export', '--all', '--output', str(file))
    assert again.returncode == 1 and 'exists' in again.stderr
    one = good(ctl(gateway, 'dead-letters', 'export', str(letters[1]['id'])))
    assert json.loads(one) == lines[1]
    assert len(listed(gateway)) == 2


def test_a_requeued_one_is_tried_again_under_a_new_name(gateway):
    submit_giant(gateway)
    [letter] = until(lambda: listed(gateway))
    told = json.loads(good(ctl(gateway, '--json', 'dead-letters', 'requeue', str(letter['id']))))
    assert told['id'] == letter['id'] and told['stream'] == 'telemetry' and told['n'] > letter['n']
    [again] = until(lambda: [new for new in listed(gateway) if new['id'] != letter['id']])
    assert again['n'] == told['n'] and again['id'] > letter['id'] and again['reason'] == 'too-large'
    until(lambda: len(listed(gateway)) == 1)
    until(lambda: ledger(gateway)['dead_lettered'] == 2 and balanced(gateway))


def test_who_may(gateway):
    submit_giant(gateway)
    [letter] = until(lambda: listed(gateway))
    number = str(letter['id'])
    for who in As.NOBODY, As.SUBMITTER:
        assert json.loads(good(ctl(gateway, '--json', 'dead-letters', 'show', number, who=who)))['id'] == letter['id']
        for verb in 'requeue', 'delete':
            result = ctl(gateway, 'dead-letters', verb, number, who=who)
            assert result.returncode == 1 and 'hublink-admin' in result.stderr
    assert len(listed(gateway)) == 1
    good(ctl(gateway, 'dead-letters', 'delete', number, who=As.ADMIN))
    assert listed(gateway) == []


def test_a_program_hears_of_it(gateway):
    monitor = subprocess.Popen(['dbus-monitor', '--address', gateway.bus.address,
                                "type='signal',interface='%s'" % DEAD_LETTERS], stdout=subprocess.PIPE, text=True)
    try:
        assert any('NameAcquired' in line for line in iter(monitor.stdout.readline, ''))
        submit_giant(gateway)
        [letter] = until(lambda: listed(gateway))
        time.sleep(0.5)
    finally:
        monitor.terminate()
    told = monitor.communicate(timeout=10)[0]
    assert 'member=Added' in told and 'uint64 %d' % letter['id'] in told
    assert gateway.bus.properties(DEAD_LETTERS)['Count'] == 1
    with pytest.raises(dbus.DBusException) as caught:
        gateway.bus.connect().call_blocking(NAME, PATH, DEAD_LETTERS, 'Get', 't', (999,))
    assert caught.value.get_dbus_name() == 'org.hublink1.Error.NoSuchMessage'
