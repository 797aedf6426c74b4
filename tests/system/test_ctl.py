# SPDX-License-Identifier: Apache-2.0
"""hublinkctl against the real bus, with bus-peer in the place of the daemon."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import pytest

from bus import BUILD, SOURCE, As
from bus_peer import bus, peer  # noqa: F401: two fixtures

CTL = str(BUILD / 'src/ctl/hublinkctl')
EPOCH = '0123456789abcdef'
LEDGER = re.compile(r'^ledger: accepted=(\d+) acknowledged=(\d+) waiting=(\d+) dropped=(\d+) dead_lettered=(\d+)$')


def ctl(bus, *args, who=(), stdin='', **kwargs):
    return subprocess.run([*who, CTL, '--bus', bus.address, *args], input=stdin, capture_output=True, text=True,
                          timeout=30, **kwargs)


def good(result):
    assert result.returncode == 0 and result.stderr == '', (result.returncode, result.stderr)
    return result.stdout


# ---- usage ----

@pytest.mark.parametrize('args', [
    [], ['flap'], ['--bus'], ['--config'], ['status', 'x'], ['status', '--verbose'], ['sensors', 'x'],
    ['reconnect', 'x'], ['methods', 'x'], ['methods', '--for', '1s'], ['audit', 'x'], ['audit', '--for', '1s'],
    ['flush', 'x'], ['flush', '--timeout', 'soon'], ['check', 'x'], ['watch', 'x'], ['watch', '--for', '-1s'],
    ['watch', '--count', '0'], ['watch', '--count', '-3'], ['watch', '--count', '3x'],
    ['submit'], ['submit', 'plc'], ['submit', 'plc', 'a'], ['submit', 'plc', '=1'], ['submit', 'plc', '9=1'],
    ['submit', 'plc', 'a=1', '--time', 'noon'], ['submit', 'plc', 'a=1', '--time', '2026-13-01T00:00:00Z'],
    ['submit', 'plc', 'a=1', '--time', '2026-01-01T00:00:00'], ['submit', 'plc', 'a=1', '--timeout', '5 parsec'],
    ['submit', 'plc'] + ['c%d=1' % i for i in range(65)],
    ['submit-message'], ['submit-message', 'a', 'b'], ['submit-message', '-', '--property', 'x'],
    ['submit-message', '-', '--property', '=x'], ['queue'], ['queue', 'x'],
    ['dead-letters'], ['dead-letters', 'x'], ['dead-letters', 'list', 'x'],
    ['dead-letters', 'show'], ['dead-letters', 'show', 'x'], ['dead-letters', 'show', '1', '2'],
    ['dead-letters', 'delete'],
    ['dead-letters', 'delete', '1', '-2'], ['dead-letters', 'requeue', '--all', '1'], ['dead-letters', 'export'],
    ['dead-letters', 'delete', '1', '--output', 'x'], ['queue', 'stats', 'x'],
    ['inbox'], ['inbox', 'x'], ['inbox', 'list', 'x'], ['inbox', 'list', '--for', '1s'],
    ['inbox', 'list', '--watch', '--for', 'x'], ['inbox', 'take', 'x'], ['inbox', 'take', '0'],
    ['inbox', 'take', '1', '2'], ['inbox', 'take', '--all'], ['inbox', 'complete'], ['inbox', 'complete', '-1'],
    ['inbox', 'reject'], ['inbox', 'reject', '1', 'no', 'no'],
], ids=' '.join)
def test_wrong_usage_is_exit_2(args):
    result = subprocess.run([CTL, *args], capture_output=True, text=True, timeout=10)
    assert result.returncode == 2 and result.stdout == '', result
    assert 'usage: hublinkctl ' in result.stderr or 'hublinkctl --help' in result.stderr


def test_help_and_version():
    commands = {'status', 'watch', 'sensors', 'submit', 'submit-message', 'flush', 'reconnect', 'methods', 'call',
                'audit', 'dead-letters', 'inbox', 'twin', 'queue', 'rules', 'setup', 'doctor', 'check'}
    for args in (['--help'], ['-h'], ['--json', '--help']):
        out = good(subprocess.run([CTL, *args], capture_output=True, text=True))
        assert set(re.findall(r'^  ([a-z][a-z-]+)', out, re.M)) == commands
        assert all(len(line) <= 100 for line in out.splitlines())
    for command in commands:
        for args in ([command, '--help'], ['-h', command, 'list']):
            out = good(subprocess.run([CTL, *args], capture_output=True, text=True))
            assert out.startswith('usage: hublinkctl %s' % command) and '--bus' in out and len(out.splitlines()) < 20
            assert not re.findall(r'^  ([a-z][a-z-]+)', out, re.M)
    assert subprocess.run([CTL, 'flap', '--help'], capture_output=True).returncode == 2
    with open('/dev/full', 'w') as full:
        for args in (['--help'], ['inbox', '--help'], ['--version']):
            lost = subprocess.run([CTL, *args], stdout=full, stderr=subprocess.PIPE, text=True)
            assert lost.returncode == 1 and 'could be written' in lost.stderr
    assert re.fullmatch(r'hublinkctl \d+\.\d+\.\d+\n', good(subprocess.run([CTL, '--version'], capture_output=True,
                                                                          text=True)))


@pytest.mark.parametrize('page', ['src/ctl/hublinkctl.1', 'src/daemon/hublinkd.8', 'src/devhub/hublink-devhub.1'])
def test_a_tag_of_a_man_page_is_one_line(page):
    """Only the line after .TP hangs to the left of its paragraph."""
    lines = (SOURCE / page).read_text().splitlines()
    tags = [lines[i + 1] for i, line in enumerate(lines[:-1]) if line in ('.TP', '.TQ')]
    assert len(tags) > 5
    for tag in tags:
        assert tag.count('[') == tag.count(']'), tag


def test_the_bus_goes_away_meanwhile_exit_3(bus, peer):
    process, _ = watch(bus)
    bus.stop()
    assert process.wait(10) == 3


# ---- status ----

def test_status_json_has_its_members(bus, peer):
    for command in ('sensor cpu file', 'read cpu temperature Cel 48.31', 'sensor room i2c', 'fail room no answer',
                    'link waiting credential the key is wrong', 'disk it is full', 'queue 12 34567 300000000',
                    'count 7'):
        peer.tell(command)
    peer.tell('settle telemetry 1 1 2 expired')
    told = json.loads(good(ctl(bus, 'status', '--json')))
    assert list(told) == ['version', 'link_state', 'link_reason', 'link_detail', 'since', 'next_try', 'hub',
                          'device_id', 'ledger', 'queue', 'dead_letters', 'malformed_orders', 'inbox', 'alarms',
                          'settings_problem', 'state_problem', 'queue_problem', 'metrics_problem', 'twin_problem',
                          'sensors']
    assert told['alarms'] == [] and told['settings_problem'] == told['metrics_problem'] == ''
    assert (told['link_state'], told['link_reason']) == ('waiting', 'credential')
    assert told['link_detail'] == 'the key is wrong'
    assert (told['hub'], told['device_id']) == ('hub.example', 'gw-1')
    assert told['next_try'] - told['since'] == 30000000 and abs(told['since'] / 1e6 - time.time()) < 30
    assert list(told['ledger']) == ['accepted', 'acknowledged', 'waiting', 'dropped', 'dead_lettered', 'refused']
    assert told['ledger']['accepted'] == 7 and told['ledger']['acknowledged'] == 7
    assert set(told['ledger']['dropped']) == set('queue-full age free-space expired damaged disk'.split())
    assert told['ledger']['dropped']['expired'] == 2
    assert set(told['ledger']['refused']) == set('malformed too-long rate overload unreadable range nan'.split())
    assert told['queue'] == {'records': 12, 'bytes': 34567, 'oldest_age': 300000000, 'in_flight': 0, 'fill': 0,
                             'disk_state': 'failed', 'disk_error': 'it is full'}
    cpu, room = told['sensors']
    assert cpu.pop('time') > 0
    assert cpu == {'name': 'cpu', 'driver': 'file', 'state': 'ok', 'values': {'temperature': 48.31},
                   'units': {'temperature': 'Cel'}, 'errors': 0, 'error_kinds': {}, 'last_error': '', 'interval': 10000000}
    assert (room['state'], room['errors'], room['last_error'], room['values']) == ('failing', 1, 'no answer', {})
    assert room['error_kinds'] == {'other': 1}
    assert json.loads(good(ctl(bus, '--json', 'sensors')))[1] == room


def give_a_sensor(peer):
    peer.tell('sensor s file')
    peer.tell('read s v Cel 20')


def test_sensors_alarms_and_bad_settings_stand_in_the_head(bus, peer):
    """What goes wrong before the hub is told above the link, which is well all the while."""
    peer.tell('link connected none')
    for sensor in ('a', 'b', 'c'):
        peer.tell('sensor %s file' % sensor)
        peer.tell('read %s v Cel 90' % sensor)
    assert head(bus)[0].endswith('; nothing to do.')
    peer.tell('fail a no answer')
    sensors, link = head(bus)
    assert sensors == '1 of 3 sensors fails: hublinkctl sensors.'
    assert link.startswith('Connected') and 'nothing to do' not in link
    peer.tell('fail b no answer')
    assert head(bus)[0] == '2 of 3 sensors fail: hublinkctl sensors.'
    for channel in 'vwxy':
        peer.tell('raised c %s above 80' % channel)
        assert json.loads(good(ctl(bus, '--json', 'status')))['alarms'][-1]['channel'] == 'c.' + channel
    alarms, sensors, link = head(bus)
    assert re.fullmatch(r'4 alarms are raised: c\.v above 80 since [\d:]+, c\.w above 80 since [\d:]+, '
                        r'c\.x above 80 since [\d:]+, and 1 more\.', alarms), alarms
    marked = [line for line in good(ctl(bus, 'sensors')).splitlines() if 'alarm' in line]
    assert len(marked) == 1 and marked[0].startswith('c ')
    assert marked[0].endswith('v=90 Cel; alarm: v above 80, w above 80, x above 80, y above 80')
    peer.tell('settings /etc/hublink/hublink.conf:4: hub.window: too much')
    settings, alarms, sensors, link = head(bus)
    assert settings.startswith('The settings on disk are bad, those from before are in effect: '
                               '/etc/hublink/hublink.conf:4: hub.window: too much. hublinkctl check tells all')
    told = json.loads(good(ctl(bus, '--json', 'status')))
    assert told['settings_problem'] == '/etc/hublink/hublink.conf:4: hub.window: too much'
    assert told['alarms'][0].pop('since') > 0
    assert told['alarms'][0] == {'channel': 'c.v', 'state': 'above', 'limit': 80}
    peer.tell('raised')
    peer.tell('settings')
    peer.tell('metrics there is no socket: there is no group "prometheus" on this system')
    metrics, sensors, link = head(bus)
    assert metrics == 'Metrics: there is no socket: there is no group "prometheus" on this system. It is tried again.'
    assert 'nothing to do' not in link
    assert json.loads(good(ctl(bus, '--json', 'status')))['metrics_problem'].startswith('there is no socket')
    peer.tell('metrics')
    peer.tell('twin more than 4,096 values are desired: valve is not taken over')
    twin, sensors, link = head(bus)
    assert twin.startswith('Device twin: more than 4,096 values are desired: valve is not taken over: hublinkctl twin get')
    assert 'nothing to do' not in link
    assert json.loads(good(ctl(bus, '--json', 'status')))['twin_problem'].endswith('valve is not taken over')
    peer.tell('twin')
    for sensor in 'ab':
        peer.tell('read %s v Cel 20' % sensor)
    link, = head(bus)
    assert link.endswith('; nothing to do.')


REASONS = {
    'no-credential': 'hublinkctl setup', 'network': 'firewall', 'name': 'name server', 'refused': 'hub.address',
    'tls-untrusted': 'ca_file', 'tls-hostname': 'HostName', 'tls-expired': 'clock', 'credential': 'key',
    'hub-unavailable': 'unavailable', 'clock': 'NTP', 'takeover': 'identity', 'throttled': 'throttles',
    'quota': 'quota', 'silent': 'stopped answering', 'provisioning': 'enrollment', 'closed': 'journalctl',
}


def test_the_first_line_says_what_is_wrong_and_what_to_do(bus, peer):
    give_a_sensor(peer)
    first = {}
    for reason, word in REASONS.items():
        peer.tell('link waiting ' + reason)
        lines = good(ctl(bus, 'status')).splitlines()
        first[reason] = lines[0]
        assert lines[0].startswith('Not connected since ') and word in lines[0], lines[0]
        assert re.search(r'Next try in (29|30) s\.$', lines[0]), lines[0]
        assert LEDGER.match(lines[-1])
    assert len({re.sub(r'[\d:.]+', '', line) for line in first.values()}) == len(REASONS)
    peer.tell('link connected none')
    assert re.match(r'Connected to hub\.example as gw-1 since [\d:]+ \([\d.]+ s\)', good(ctl(bus, 'status')))
    peer.tell('disk No space left on device')
    disk, link = good(ctl(bus, 'status')).splitlines()[:2]
    assert disk.startswith("The queue's disk fails: No space left on device.") and 'Connected' not in disk
    assert link.startswith('Connected to hub.example') and 'nothing to do' not in link
    peer.tell('disk')
    assert good(ctl(bus, 'status')).splitlines()[0].endswith('; nothing to do.')
    for state in ('connecting', 'offline', 'stopped'):
        peer.tell('link %s none' % state)
        assert 'Not connected' in good(ctl(bus, 'status'))


def head(bus):
    """What stands above the table."""
    return good(ctl(bus, 'status')).split('\n\n')[0].splitlines()


@pytest.mark.parametrize('bad, well, words', [
    ('fill 1', 'fill 0.5', ('The queue is full: ', 'queue.when_full', 'Restore the link, or raise queue.max_bytes.')),
    ('dead-count 1', 'dead-count 0', ('1 dead letter waits for you', 'hublinkctl dead-letters list.')),
    ('dead-count 2', 'dead-count 0', ('2 dead letters wait for you',)),
])
def test_nothing_to_do_is_said_only_when_there_is_nothing(bus, peer, bad, well, words):
    give_a_sensor(peer)
    peer.tell('link connected none')
    peer.tell(bad)
    trouble, link = head(bus)
    assert all(word in trouble for word in words), trouble
    assert link.startswith('Connected to') and 'nothing to do' not in link
    peer.tell('link waiting network')
    trouble, link = head(bus)
    assert words[0] in trouble and link.startswith('Not connected')
    peer.tell(well)
    peer.tell('link connected none')
    (link,) = head(bus)
    assert link.endswith('; nothing to do.')


def test_the_head_of_status_has_the_worst_first(bus, peer):
    for command in ('link connected none', 'settle telemetry 1 1 33523 damaged', 'dead-count 1', 'fill 0.999',
                    'disk-state full only 2 MiB are free'):
        peer.tell(command)
    disk, room, losses, link = head(bus)
    assert disk.startswith("The queue's disk is full: only 2 MiB are free.")
    assert room.startswith('The queue is full: ') and 'Free some space' in room and 'max_bytes' not in room
    assert losses.startswith('33523 records could not be read any more') and 'dead-letters list' in losses
    assert link.startswith('Connected') and 'nothing to do' not in link
    peer.tell('disk it fails')  # its line says what becomes of readings
    assert not any('The queue is full' in line for line in head(bus))


def test_a_gateway_that_reads_nothing_has_something_to_do(bus, peer):
    peer.tell('link connected none')
    assert head(bus)[0].endswith('; 0 sensors: nothing is read (hublinkctl sensors scan).')
    give_a_sensor(peer)
    assert head(bus)[0].endswith('; nothing to do.')


def test_a_link_that_delivers_nothing_is_not_well(bus, peer):
    give_a_sensor(peer)
    for command in ('link connected none', 'queue 5 4096 400000000', 'since 300000000'):
        peer.tell(command)
    (link,) = head(bus)
    assert '5 records wait, and the hub has acknowledged none for 5 min: ' in link and 'nothing to do' not in link
    for well in ('queue 5 4096 1000000', 'queue 0 4096 0'):  # what came just now; nothing waits
        peer.tell(well)
        assert head(bus)[0].endswith('; nothing to do.')
    peer.tell('queue 5 4096 400000000')
    peer.tell('since 1000000')
    assert head(bus)[0].endswith('; nothing to do.')


def test_a_link_that_the_hub_gives_and_takes_is_not_well(bus, peer):
    give_a_sensor(peer)
    words = 'the hub closed the last 3 connections within a minute each, as it does when another client connects with our identity'
    peer.tell('link connected none %s' % words)
    (link,) = head(bus)
    assert link.startswith('Connected to hub.example as gw-1') and 'nothing to do' not in link
    assert ', but %s: find it and give it an identity of its own. ' % words in link
    peer.tell('link connected none')
    assert head(bus)[0].endswith('; nothing to do.')


@pytest.mark.parametrize('reason, detail, remedy, not_this', [
    ('no-credential', 'others can read /etc/cs (mode 0644): chmod 0600 /etc/cs', 'systemctl reload hublinkd',
     'connection_string_file'),
    ('tls-untrusted', 'the CA file /x (hub.ca_file) cannot be used: No such file', 'hublinkctl reconnect',
     'ca-certificates'),
    ('refused', '10.0.0.7:8883: Connection refused', 'hub.address', "the hub's address refuses"),
])
def test_what_the_daemon_knows_stands_in_the_first_line(bus, peer, reason, detail, remedy, not_this):
    peer.tell('link waiting %s %s' % (reason, detail))
    first = good(ctl(bus, 'status')).splitlines()[0]
    assert ': %s. ' % detail in first and remedy in first and not_this not in first
    assert re.search(r'Next try in (29|30) s\.$', first)


def test_the_first_line_says_what_is_kept_while_there_is_no_link(bus, peer):
    for command in ('link waiting name', 'since 86400000000', 'queue 1 4096 86400000000'):
        peer.tell(command)
    first = head(bus)[0]
    assert re.match(r"Not connected since .* \(24 h\): the hub's name is not found\. .* 1 record waits on disk\. Next try in ", first), first
    peer.tell('queue 8640 900000 86400000000')
    assert ' 8640 records wait on disk. Next try in ' in head(bus)[0]
    peer.tell('disk Read-only file system')  # its line says what becomes of readings
    assert not any(' on disk.' in line for line in head(bus))
    peer.tell('disk')
    peer.tell('queue 0 0 0')
    assert ' on disk' not in head(bus)[0]


def test_numbers_are_short_in_text_and_exact_in_json(bus, peer):
    peer.tell('sensor cpu file')
    for value, text in ((11.585796210801501, '11.5858'), (12345678.25, '12345678'), (-0.000123456789, '-0.000123457'),
                        (300, '300'), (1e20, '1e+20')):
        peer.tell('read cpu v W %r' % value)
        assert 'v=%s W' % text in good(ctl(bus, 'sensors'))
        assert json.loads(good(ctl(bus, 'sensors', '--json')))[0]['values'] == {'v': value}


def on_a_terminal(bus, *args, columns=80, env=None, seconds=10):
    """What a person sees, and the exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update({'TERM': 'xterm', **(env or {})})
        time.sleep(0.1)
        os.execv(CTL, [CTL, '--bus', bus.address, *args])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    seen = b''
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(fd)
    return seen.decode().replace('\r\n', '\n'), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


ESCAPE = re.compile(r'\033\[[0-9;]*m')


@pytest.mark.parametrize('columns', [80, 60, 132])
def test_a_terminal_gets_colours_and_no_line_over_its_width(bus, peer, columns):
    for command in ('sensor cpu file', 'read cpu a_rather_long_channel_name Cel 48.3123456789', 'sensor room i2c',
                    'fail room ' + 'the chip at 0x48 on /dev/i2c-1 does not answer; ' * 3,
                    'link waiting tls-untrusted', 'disk a rather long explanation of what happened to the disk'):
        peer.tell(command)
    for args in (['status'], ['sensors']):
        seen, code = on_a_terminal(bus, *args, columns=columns)
        assert code == 0 and ESCAPE.search(seen)
        lines = ESCAPE.sub('', seen).splitlines()
        # the ledger's line is a contract: never wrapped
        assert max(len(line) for line in lines if not line.startswith('ledger: ')) <= columns, lines
        assert any(line.endswith('…') for line in lines)
        plain, code = on_a_terminal(bus, *args, columns=columns, env={'NO_COLOR': '1'})
        assert code == 0 and '\033' not in plain
        heads = [re.match(r'(sensor +)(state +)(read +)(errors +)values$', line) for line in lines]
        (head,) = [m for m in heads if m]
        for name in ('cpu', 'room'):
            (row,) = [line for line in lines if line.startswith(name + ' ')]
            assert row[head.end(1) - 1] == ' ' and row[head.end(1)] != ' '  # aligned
    assert '\033' not in good(ctl(bus, 'status'))


def test_sensors_without_any(bus, peer):
    assert 'no sensors' in good(ctl(bus, 'sensors'))
    assert json.loads(good(ctl(bus, 'sensors', '--json'))) == []


def test_what_the_queue_does_not_know_yet_is_said_to_be_unknown(bus, peer):
    text = good(ctl(bus, 'queue', 'stats'))
    assert 'latency      not known' in text and 'wear         not known' in text and '0.0 ms' not in text
    told = json.loads(good(ctl(bus, 'queue', 'stats', '--json')))
    assert (told['written_bytes_per_record'], told['flushes_per_commit'], told['written_bytes_per_day']) == (None,) * 3


# ---- submit ----

def test_submit_knows_numbers_booleans_and_texts(bus, peer):
    out = good(ctl(bus, 'submit', 'plc', 'i=-5', 'd=2.5', 'e=1e3', 'b=true', 'f=false', 't=hi there', 'n=""',
                   'x="0x10"',
                   'q=a=b', 'big=9223372036854775808', '--stream', 'wind', '--time', '2026-01-31T12:00:00.5Z'))
    assert out == 'on disk: wind.%s.1-1\n' % EPOCH
    (asked,) = peer.asked()
    assert asked['stream'] == 'wind'
    assert asked['readings'] == [{'sensor': 'plc', 'time': 1769860800500000, 'trusted': True, 'values': {
        'i': -5, 'd': 2.5, 'e': 1000, 'b': True, 'f': False, 't': 'hi there', 'n': '', 'x': '0x10', 'q': 'a=b',
        'big': 9223372036854775808}}]
    good(ctl(bus, 'submit', 'plc', 'a=1', '--time=1769860800.25'))
    assert peer.asked()[0]['readings'][0]['time'] == 1769860800250000
    assert json.loads(good(ctl(bus, 'submit', 'plc', 'a=1', '--json'))) == {
        'stream': 'telemetry', 'epoch': EPOCH, 'first': 3, 'last': 3}


@pytest.mark.parametrize('value', ['', 'nan', 'NaN', '-inf', 'Infinity', '1e400', '-1e400', '0x10', '1,5', '.5.',
                                   '3 bar', '"open', '"a"b', r'"\q"', '"\\'])
def test_submit_takes_no_failed_number_for_text(bus, peer, value):
    result = ctl(bus, 'submit', 'plc', 'pressure=' + value)
    assert result.returncode == 2, result
    assert 'pressure' in result.stderr
    assert peer.asked() == []


def test_submit_takes_texts_in_quotes(bus, peer):
    good(ctl(bus, 'submit', 'plc', 'a="nan"', r'b="say \"hi\"\n"', 'c=nancy', 'd=-', 'e="1=1"'))
    (asked,) = peer.asked()
    assert asked['readings'][0]['values'] == {'a': 'nan', 'b': 'say "hi"\n', 'c': 'nancy', 'd': '-', 'e': '1=1'}


def test_submit_tells_the_daemons_no(bus, peer):
    result = ctl(bus, 'submit', 'plc', 'a=1', '--time', '1000')
    assert result.returncode == 1 and "'a'" in result.stderr and result.stdout == ''
    peer.tell('answer error 9 no space left')
    result = ctl(bus, 'submit', 'plc', 'a=1')
    assert result.returncode == 1 and 'no space left' in result.stderr
    result = ctl(bus, 'submit', 'plc', 'a=\udcff')
    assert result.returncode == 1 and 'UTF-8' in result.stderr


def test_submit_waits_for_the_hub(bus, peer):
    waiting = subprocess.Popen([CTL, '--bus', bus.address, 'submit', 'plc', 'a=1', '--wait'], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert peer.lines.get(timeout=10)['asked'] == 'submit'
    time.sleep(0.3)
    assert waiting.poll() is None
    peer.tell('settle telemetry 1 1 1 acknowledged')  # another epoch
    peer.tell('settle wind %d 1 1 acknowledged' % int(EPOCH, 16))  # another stream
    peer.tell('settle telemetry %d 2 9 acknowledged' % int(EPOCH, 16))  # other numbers
    time.sleep(0.5)
    assert waiting.poll() is None
    peer.tell('settle telemetry %d 1 1 acknowledged' % int(EPOCH, 16))
    out, err = waiting.communicate(timeout=10)
    assert (waiting.returncode, out, err) == (0, 'acknowledged by the hub: telemetry.%s.1-1\n' % EPOCH, '')
    peer.tell('acknowledge 1')  # settled in the same breath as accepted
    assert json.loads(good(ctl(bus, 'submit', 'plc', 'a=1', '--wait', '--json')))['outcome'] == 'acknowledged'
    assert json.loads(good(ctl(bus, 'submit-message', '-', '--wait', '--json')))['outcome'] == 'acknowledged'


def test_submit_waits_no_longer_than_told(bus, peer):
    begun = time.monotonic()
    result = ctl(bus, 'submit', 'plc', 'a=1', '--wait', '--timeout', '500ms')
    assert result.returncode == 4 and 'on disk: telemetry' in result.stdout and 'in time' in result.stderr
    assert 0.5 <= time.monotonic() - begun < 5
    peer.tell('answer hold')
    for args in (['submit', 'plc', 'a=1'], ['submit-message', '-'], ['flush']):
        result = ctl(bus, *args, '--timeout', '300ms')
        assert result.returncode == 4 and result.stdout == '' and 'in time' in result.stderr
        assert ('It may still be stored.' in result.stderr) == (args != ['flush'])
    peer.tell('answer now')


def test_a_dropped_record_is_no_success(bus, peer):
    waiting = subprocess.Popen([CTL, '--bus', bus.address, 'submit', 'plc', 'a=1', '--wait'], stdout=subprocess.PIPE,
                               text=True)
    assert peer.lines.get(timeout=10)['asked'] == 'submit'
    peer.tell('settle telemetry %d 1 1 expired' % int(EPOCH, 16))
    assert waiting.communicate(timeout=10)[0] == 'dropped: expired telemetry.%s.1-1\n' % EPOCH
    assert waiting.returncode == 1


def test_the_daemon_leaves_while_submit_waits(bus, peer):
    waiting = subprocess.Popen([CTL, '--bus', bus.address, 'submit', 'plc', 'a=1', '--wait'], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert peer.lines.get(timeout=10)['asked'] == 'submit'
    peer.quit()
    out, err = waiting.communicate(timeout=10)
    assert waiting.returncode == 3 and 'on disk' in err


def test_submit_message(bus, peer, tmp_path):
    body = tmp_path / 'body.json'
    body.write_text('{"a": 1}')
    out = good(ctl(bus, 'submit-message', str(body), '--stream', 'alarms', '--content-type', 'application/json',
                   '--property', 'level=high', '--property', 'a=b=c'))
    assert out == 'on disk: alarms.%s.1-1\n' % EPOCH
    good(ctl(bus, 'submit-message', '-', stdin='x' * 262144))
    first, second = peer.asked()
    assert first == {'asked': 'submit-message', 'stream': 'alarms', 'content_type': 'application/json',
                     'encoding': None,
                     'correlation_id': None, 'properties': {'level': 'high', 'a': 'b=c'}, 'body': '{"a": 1}'}
    assert second['body'] == 'x' * 262144
    result = ctl(bus, 'submit-message', '-', stdin='x' * 300000)
    assert result.returncode == 1 and '262144' in result.stderr
    result = ctl(bus, 'submit-message', str(tmp_path / 'absent'))
    assert result.returncode == 1 and 'absent: No such file' in result.stderr
    result = ctl(bus, 'submit-message', str(tmp_path))
    assert result.returncode == 1 and 'directory' in result.stderr


# ---- flush, reconnect, rights ----

def test_flush_and_reconnect(bus, peer):
    assert good(ctl(bus, 'flush')) == 'All that waited is settled.\n'
    assert json.loads(good(ctl(bus, '--json', 'flush'))) == {'flushed': True}
    good(ctl(bus, 'reconnect'))
    assert json.loads(good(ctl(bus, 'reconnect', '--json'))) == {'reconnecting': True}
    assert [a['asked'] for a in peer.asked()] == ['flush', 'flush', 'reconnect', 'reconnect']
    peer.tell('link stopped no-credential')
    result = ctl(bus, 'reconnect')
    assert result.returncode == 1 and 'hublinkctl setup' in result.stderr
    peer.asked()
    peer.tell('answer error 1 there is no connection')
    result = ctl(bus, 'flush')
    assert result.returncode == 1 and 'there is no connection' in result.stderr


def test_who_may_not_is_told_the_group(bus, peer):
    for args in (['submit', 'plc', 'a=1'], ['flush'], ['reconnect']):
        result = ctl(bus, *args, who=As.NOBODY)
        assert result.returncode == 1 and 'group' in result.stderr.lower() and 'hublink-admin' in result.stderr
    good(ctl(bus, 'status', who=As.NOBODY))
    good(ctl(bus, 'submit', 'plc', 'a=1', who=As.SUBMITTER))
    assert ctl(bus, 'flush', who=As.SUBMITTER).returncode == 1
    good(ctl(bus, 'flush', who=As.ADMIN))


# ---- watch ----

def watch(bus, *args, who=()):
    process = subprocess.Popen([*who, CTL, '--bus', bus.address, 'watch', *args], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    return process, process.stdout.readline()


def test_watch_tells_readings_and_confirmations(bus, peer):
    peer.tell('sensor cpu file')
    peer.tell('link connected none')
    process, first = watch(bus, '--json', '--count', '5')
    assert json.loads(first)['event'] == 'link' and json.loads(first)['link_state'] == 'connected'
    peer.tell('busy 1')
    time.sleep(1.2)
    peer.tell('read cpu temperature Cel 48.31')
    reading = json.loads(process.stdout.readline())
    assert reading['event'] == 'reading' and reading['sensor']['values'] == {'temperature': 48.31}
    assert reading['time'] == reading['sensor']['time']
    peer.tell('settle telemetry 255 1 20 acknowledged')
    peer.tell('settle telemetry 255 21 22 expired')
    settled = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [s.pop('time') > 0 for s in settled] == [True, True]
    assert settled == [
        {'event': 'settled', 'stream': 'telemetry', 'epoch': '00000000000000ff', 'first': 1, 'last': 20,
         'outcome': 'acknowledged', 'reason': '', 'total': 20, 'send_state': 'BUSY'},
        {'event': 'settled', 'stream': 'telemetry', 'epoch': '00000000000000ff', 'first': 21, 'last': 22,
         'outcome': 'dropped', 'reason': 'expired', 'total': 20, 'send_state': 'BUSY'}]
    peer.tell('storm 100')
    assert json.loads(process.stdout.readline())['total'] == 120
    assert process.wait(10) == 0 and process.stdout.read() == '' and process.stderr.read() == ''


def test_watch_tells_of_the_disk(bus, peer):
    process, _ = watch(bus, '--count', '3')
    time.sleep(0.3)
    peer.tell('disk it is full; free some space')
    assert "  disk     The queue's disk fails: it is full; free some space. Until" in process.stdout.readline()
    time.sleep(1.1)
    peer.tell('disk')
    assert process.stdout.readline().endswith("  disk     The queue's disk is well again.\n")
    assert process.wait(10) == 0


@pytest.mark.parametrize('state, words', [
    ('full', "The queue's disk is full"), ('stalled', 'The queue waits for its disk'),
    ('read-only', "The queue's disk is read-only")])
def test_watch_has_the_words_of_the_disks_state(bus, peer, state, words):
    process, _ = watch(bus, '--count', '2')
    peer.tell('disk-state %s so it is; do this' % state)
    assert "  disk     %s: so it is; do this. " % words in process.stdout.readline()
    assert process.wait(10) == 0
    assert good(ctl(bus, 'status')).startswith('%s: so it is' % words)
    seen, _ = on_a_terminal(bus, 'watch', '--count', '1', columns=60)
    assert 'do this' in seen
    peer.tell('disk-state well')


def test_watch_tells_of_pressure(bus, peer):
    process, _ = watch(bus, '--count', '2')
    peer.tell('pressure telemetry 0.8125')
    assert process.stdout.readline().endswith('  pressure  telemetry  the queue is 81 % full\n')
    assert process.wait(10) == 0
    process, _ = watch(bus, '--json', '--count', '2')
    peer.tell('pressure wind 0.9609375')
    told = json.loads(process.stdout.readline())
    assert told.pop('time') > 0 and told == {'event': 'pressure', 'stream': 'wind', 'fill': 0.9609375}
    assert process.wait(10) == 0


def test_watch_tells_of_alarms(bus, peer):
    process, _ = watch(bus, '--count', '3')
    peer.tell('alarm cpu.temperature above 81.5')
    assert process.stdout.readline().endswith('  alarm    cpu.temperature  above: 81.5\n')
    peer.tell('alarm cpu.temperature clear 74')
    assert process.stdout.readline().endswith('  alarm    cpu.temperature  over: 74\n')
    assert process.wait(10) == 0
    process, _ = watch(bus, '--json', '--count', '2')
    peer.tell('alarm cpu.temperature below -3')
    told = json.loads(process.stdout.readline())
    assert told.pop('time') > 0
    assert told == {'event': 'alarm', 'channel': 'cpu.temperature', 'state': 'below', 'value': -3}
    assert process.wait(10) == 0


def test_watch_as_text(bus, peer):
    peer.tell('sensor cpu file')
    process, first = watch(bus, '--count', '4')
    assert re.fullmatch(r'\d\d:\d\d:\d\d\.\d{3}  link     offline \(none\)\n', first)
    peer.tell('read cpu temperature Cel 48.31')
    assert re.fullmatch(r'[\d:.]{12}  reading  cpu  temperature=48.31 Cel\n', process.stdout.readline())
    time.sleep(1.1)
    peer.tell('fail cpu it went away')
    assert process.stdout.readline().endswith('reading  cpu  failing: it went away\n')
    peer.tell('settle telemetry 255 1 20 acknowledged')
    assert process.stdout.readline().endswith(
        'settled  acknowledged  telemetry.00000000000000ff.1-20  total 20  IDLE\n')
    assert process.wait(10) == 0


@pytest.mark.parametrize('signum', [signal.SIGINT, signal.SIGTERM])
def test_watch_ends_by_a_signal_and_by_time(bus, peer, signum):
    process, _ = watch(bus)
    process.send_signal(signum)
    assert process.wait(5) == 0
    begun = time.monotonic()
    process, _ = watch(bus, '--for', '1s')
    assert process.wait(10) == 0 and 0.9 < time.monotonic() - begun < 5


def test_watch_ends_with_the_daemon(bus, peer):
    process, _ = watch(bus)
    peer.quit()
    assert process.wait(5) == 3 and 'hublinkd left' in process.stderr.read()


def test_watch_without_rights_goes_on_with_readings(bus, peer):
    peer.tell('sensor cpu file')
    process, _ = watch(bus, '--count', '2', who=As.NOBODY)
    peer.tell('read cpu temperature Cel 1')
    assert 'temperature=1 Cel' in process.stdout.readline()
    assert process.wait(5) == 0 and 'without confirmations' in process.stderr.read()


# ---- check ----

def test_check_hands_on_what_the_daemon_says(tmp_path):
    """The daemon is found beside hublinkctl, as meson builds and as packages install."""
    for folder, place in (('src/ctl', 'src/daemon'), ('usr/bin', 'usr/sbin'), ('one', 'one')):
        root = tmp_path / folder.replace('/', '-')
        (root / folder).mkdir(parents=True)
        (root / place).mkdir(parents=True, exist_ok=True)
        ctl_copy = root / folder / 'hublinkctl'
        ctl_copy.write_bytes(open(CTL, 'rb').read())
        ctl_copy.chmod(0o755)
        result = subprocess.run([ctl_copy, 'check'], capture_output=True, text=True)
        assert result.returncode == 1 and 'not found' in result.stderr
        daemon = root / place / 'hublinkd'
        daemon.write_text('#!/bin/sh\necho "$@"\necho wrong >&2\nexit 78\n')
        daemon.chmod(0o755)
        result = subprocess.run([ctl_copy, 'check'], capture_output=True, text=True)
        assert (result.returncode, result.stdout, result.stderr) == (78, '--check\n', 'wrong\n')
        result = subprocess.run([ctl_copy, 'check', '--config', '/a b'], capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (78, '--check --config /a b\n')
