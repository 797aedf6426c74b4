# SPDX-License-Identifier: Apache-2.0
"""hublinkctl queue inspect, verify, export: on what a real daemon left, changing nothing."""

import json
import os
import re
import shutil
import subprocess

import pytest

from bus import BUILD, As, PrivateBus
from daemon import Daemon

CTL = str(BUILD / 'src/ctl/hublinkctl')
READINGS = 500

SETTINGS = '''
queue: { commit_interval = "50ms"; };
clock: { trust = true; };
'''


def ctl(*args, who=()):
    return subprocess.run([*who, CTL, *(str(word) for word in args)], capture_output=True, text=True, timeout=50)


def states(directory):
    """Of all that is in there: whatever a program can change."""
    return {str(path): (stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_atime_ns)
            for path in [directory, *sorted(directory.rglob('*'))] for stat in [path.stat()]}


@pytest.fixture(scope='module')
def left(tmp_path_factory):
    """The folder of a daemon that never had a hub: all waits."""
    directory = tmp_path_factory.mktemp('gateway')
    with PrivateBus() as bus, Daemon(directory, bus) as daemon:
        daemon.configure(SETTINGS)
        daemon.start()
        bus.wait_for_name()
        running = ctl('queue', 'verify', daemon.state / 'queue')
        for k in range(READINGS):
            daemon.submit({'k': float(k), 'ok': True})
        daemon.caller.call_blocking('org.hublink1', '/org/hublink1', 'org.hublink1.Manager', 'SubmitMessage',
                                    'aysa{ss}a{sv}', (b'\xff\x00 no text', 'application/x', {'who': 'me'}, {}))
        assert daemon.stop() == 0
        yield {'directory': directory, 'queue': daemon.state / 'queue', 'running': running, 'config': daemon.config}


def test_in_use_is_said_with_the_remedy(left):
    assert left['running'].returncode == 1
    assert 'stop hublinkd first' in left['running'].stderr
    assert left['running'].stdout == ''


def test_what_is_whole_is_whole_and_stays_as_it_is(left):
    before = states(left['queue'])
    done = ctl('queue', 'verify', left['queue'])
    assert (done.returncode, done.stderr) == (0, '')
    last = done.stdout.splitlines()[-1]
    assert last.startswith('whole: ') and ' waiting=%d ' % (READINGS + 1) in last and last.endswith('damaged=0 torn=0')
    assert ctl('queue', 'inspect', left['queue']).returncode == 0
    assert ctl('queue', 'export', left['queue']).returncode == 0
    assert states(left['queue']) == before


def test_inspect(left):
    told = json.loads(ctl('--json', 'queue', 'inspect', left['queue']).stdout)
    (stream,) = [s for s in told['streams'] if s['stream'] == 'telemetry']
    assert stream['accepted'] == stream['waiting'] == READINGS + 1
    assert stream['next'] == READINGS + 2 and stream['next_start'] == {'torn': 0, 'damaged': 0}
    assert [lane['lane'] for lane in told['lanes']] == ['normal', 'urgent']
    waiting = [slot for slot in told['slots'] if slot['state'] == 'waiting']
    assert waiting and waiting[0]['numbers']['telemetry'] == [1, READINGS + 1]
    text = ctl('queue', 'inspect', left['queue']).stdout
    assert 'telemetry' in text and 'normal/seg-0000' in text


def copied(left, tmp_path):
    copy = tmp_path / 'copy'
    subprocess.run(['cp', '-a', left['queue'], copy], check=True)
    return copy


def test_a_lane_that_is_not_there_is_not_made_up(left, tmp_path):
    copy = copied(left, tmp_path)
    shutil.rmtree(copy / 'urgent')
    told = json.loads(ctl('--json', 'queue', 'inspect', copy).stdout)
    assert [lane['lane'] for lane in told['lanes']] == ['normal']
    assert 'urgent' not in ctl('queue', 'inspect', copy).stdout


def test_an_identity_that_is_not_there_is_not_made_up(left, tmp_path):
    copy = copied(left, tmp_path)
    for name in os.listdir(copy / 'urgent'):
        (copy / 'urgent' / name).unlink()
    told = json.loads(ctl('--json', 'queue', 'inspect', copy).stdout)
    assert [lane['identity'] is None for lane in told['lanes']] == [False, True]
    assert re.search(r'^urgent +none ', ctl('queue', 'inspect', copy).stdout, re.M)


@pytest.mark.parametrize('instead', [None, 'a file'])
def test_a_lane_that_is_lost_is_not_whole(left, tmp_path, instead):
    copy = copied(left, tmp_path)
    shutil.rmtree(copy / 'normal')
    if instead:
        (copy / 'normal').write_text(instead)
    done = ctl('queue', 'verify', copy)
    assert done.returncode == 1 and done.stdout.startswith('%s/normal, byte 0: no lane' % copy), done
    assert 'damaged' in ctl('queue', 'export', copy).stderr


def test_all_that_the_next_start_would_say_is_counted(left, tmp_path):
    copy = copied(left, tmp_path)
    for i in range(20):
        (copy / ('normal/seg-%04u' % (100 + i))).mkdir()
    (lane, _) = json.loads(ctl('--json', 'queue', 'inspect', copy).stdout)['lanes']
    assert len(lane['notes']) + lane['more_notes'] == 20 and lane['more_notes'] > 0
    assert 'next start: %d more like these in %s/normal\n' % (lane['more_notes'], copy) in ctl(
        'queue', 'inspect', copy).stdout


def test_what_stands_in_the_lock_s_place_is_named_and_keeps_nobody(left, tmp_path):
    copy = copied(left, tmp_path)
    (copy / 'normal/lock').unlink()
    (copy / 'normal/lock').mkdir()
    done = ctl('queue', 'inspect', copy)
    assert done.returncode == 0, done
    assert 'next start: %s/normal/lock: is a directory' % copy in done.stdout
    done = ctl('queue', 'verify', copy)
    assert done.returncode == 0 and done.stdout.startswith('whole: '), done
    assert len(ctl('queue', 'export', copy).stdout.splitlines()) == READINGS + 1
    assert (copy / 'normal/lock').is_dir()


@pytest.mark.parametrize('what', ['normal', 'normal/lock', 'normal/lane', 'normal/seg-0000'])
def test_what_may_not_be_read_does_not_pass_for_what_is_not_there(left, tmp_path, what):
    copy = copied(left, tmp_path)
    subprocess.run(['chmod', '-R', 'a+rX', copy], check=True)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    (copy / what).chmod(0)
    for view in ('inspect', 'verify', 'export'):
        done = ctl('queue', view, copy, who=As.NOBODY)
        assert (done.returncode, done.stdout) == (1, ''), (view, done)
        assert 'queue: %s/%s may not be read: be root' % (copy, what) in done.stderr


def test_dead_letters_that_cannot_be_looked_into_are_not_left_out(left, tmp_path):
    copy = copied(left, tmp_path)
    subprocess.run(['chmod', '-R', 'a+rX', copy], check=True)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    (copy / 'dead-letters').chmod(0o700)
    for view in ('inspect', 'verify'):
        done = ctl('queue', view, copy, who=As.NOBODY)
        assert done.returncode == 1 and 'dead-letters' in done.stderr, (view, done)
    (copy / 'dead-letters/normal').rename(copy / 'dead-letters/elsewhere')
    done = ctl('queue', 'verify', copy)
    assert done.returncode == 1 and 'dead-letters: it has neither normal/ nor urgent/' in done.stderr, done


def test_export_loses_nothing(left, tmp_path):
    lines = [json.loads(line) for line in ctl('queue', 'export', left['queue']).stdout.splitlines()]
    assert [line['n'] for line in lines] == list(range(1, READINGS + 2))
    assert [line['channels'] for line in lines[:-1]] == [{'k': k, 'ok': True} for k in range(READINGS)]
    assert all(line['sensor'] == 'test' and line['time'] > 1e15 and len(line['epoch']) == 16 for line in lines[:-1])
    assert lines[-1]['body_base64'] == '/wAgbm8gdGV4dA==' and lines[-1]['properties'] == {'who': 'me'}
    few = ctl('queue', 'export', left['queue'], '--stream', 'telemetry', '--from', '10', '--to', '12')
    assert [json.loads(line)['n'] for line in few.stdout.splitlines()] == [10, 11, 12]
    file = tmp_path / 'records'
    other = ctl('queue', 'export', left['queue'], '--stream', 'other', '--output', file)
    assert (other.returncode, other.stdout) == (1, '') and not file.exists()
    assert "no stream 'other' is in %s" % left['queue'] in other.stderr and 'There are: telemetry' in other.stderr
    done = ctl('queue', 'export', '--output', file, left['queue'])
    assert done.returncode == 0 and len(file.read_text().splitlines()) == READINGS + 1
    assert ctl('queue', 'export', '--output', file, left['queue']).returncode == 1, 'it wrote over a file'


def test_a_copy_on_a_read_only_mount_and_a_user_who_may_only_read(left, tmp_path):
    copy = tmp_path / 'copy'
    subprocess.run(['cp', '-a', left['queue'], copy], check=True)
    (copy / 'normal/lock').unlink()
    subprocess.run(['chmod', '-R', 'a+rX', copy], check=True)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    subprocess.run(['mount', '--bind', copy, copy], check=True)
    try:
        subprocess.run(['mount', '-o', 'remount,ro,bind', copy], check=True)
        for who in (As.ROOT, As.NOBODY):
            for view in ('inspect', 'verify', 'export'):
                done = ctl('queue', view, copy, who=who)
                assert (done.returncode, done.stderr) == (0, ''), (view, who)
        assert not (copy / 'normal/lock').exists()
    finally:
        subprocess.run(['umount', copy], check=True)


def test_damage_is_named_with_file_and_byte(left, tmp_path):
    copy = tmp_path / 'copy'
    subprocess.run(['cp', '-a', left['queue'], copy], check=True)
    slot = copy / 'normal/seg-0000'
    with open(slot, 'r+b') as file:
        for page in (1, 2):  # the last page of a commit may lie there twice
            file.seek(4096 * page + 100)
            file.write(b'damage')
    done = ctl('queue', 'verify', copy)
    assert done.returncode == 1
    assert '%s, byte 4096: ' % slot in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith('damaged: ')
    told = json.loads(ctl('--json', 'queue', 'verify', copy).stdout)
    assert any(f['file'] == str(slot) and f['offset'] == 4096 and f['damaged'] for f in told['findings'])
    saved = ctl('queue', 'export', copy)
    rest = [json.loads(line)['n'] for line in saved.stdout.splitlines()]
    assert 0 < len(rest) < READINGS + 1 and rest == sorted(set(rest))
    lost = sum(f['last'] - f['first'] + 1 for f in told['findings'] if 'first' in f)
    assert len(rest) + lost == READINGS + 1
    assert told['missing'] == lost and ' missing=%d damaged=' % lost in last
    assert saved.returncode == 1 and saved.stderr.startswith('%d records that wait are not to be had' % lost), saved


def test_the_directory_of_the_settings(left):
    (left['directory'] / 'conf.d/where.conf').write_text('queue: { directory = "%s"; };\n' % left['queue'])
    done = ctl('--config', left['config'], 'queue', 'verify')
    assert done.returncode == 0, done.stderr
    assert ' waiting=%d ' % (READINGS + 1) in done.stdout


def test_usage_and_what_is_no_queue(tmp_path):
    for args in (['queue'], ['queue', 'x'], ['queue', 'verify', 'a', 'b'], ['queue', 'inspect', '--all'],
                 ['queue', 'export', '--from', 'x'], ['queue', 'export', '--from', '5', '--to', '3']):
        assert ctl(*args).returncode == 2, args
    done = ctl('queue', 'verify', tmp_path)
    assert done.returncode == 1 and 'no queue is in' in done.stderr
    assert not os.listdir(tmp_path)
