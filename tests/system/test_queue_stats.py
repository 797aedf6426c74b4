# SPDX-License-Identifier: Apache-2.0
"""What the queue asked of the disk: the property QueueStats and `hublinkctl queue stats`, with a real daemon."""

import json
import re
import subprocess
import time

import pytest

from bus import BUILD, PrivateBus
from daemon import Daemon

CTL = str(BUILD / 'src/ctl/hublinkctl')


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure('queue: { directory = "%s"; commit_interval = "100ms"; };\n'
                         'sensors: { w: { driver = "simulated"; model = "wind"; interval = "50ms"; }; };\n'
                         % (daemon.directory / 'queue'))
        yield daemon.start()


def ctl(daemon, *args):
    done = subprocess.run([CTL, '--bus', daemon.bus.address, *args], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and done.stderr == '', done
    return done.stdout


def test_the_figures_grow_with_what_is_stored(daemon):
    before = json.loads(ctl(daemon, 'queue', 'stats', '--json'))
    deadline = time.monotonic() + 20
    while True:
        after = json.loads(ctl(daemon, 'queue', 'stats', '--json'))
        if after['records'] >= before['records'] + 20:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert after['commits'] > before['commits'] and after['flushes'] >= after['commits']
    assert after['written_bytes'] > before['written_bytes'] and after['age_usec'] > before['age_usec']
    assert after['payload_bytes'] > 20 * 10
    assert 0 < after['latency_p50_usec'] <= after['latency_p99_usec'] <= after['latency_max_usec']
    assert after['written_bytes_per_record'] == pytest.approx(after['written_bytes'] / after['records'])
    assert after['flushes_per_commit'] == pytest.approx(after['flushes'] / after['commits'])
    assert after['written_bytes_per_day'] == pytest.approx(after['written_bytes'] / after['age_usec'] * 86400e6)
    assert after['disk_error'] == ''


def test_a_person_reads_the_same(daemon):
    time.sleep(0.5)
    told = dict(line.split(None, 1) for line in ctl(daemon, 'queue', 'stats').splitlines())
    assert re.match(r'made +\d+$', told['slots'])
    assert re.match(r'\d+, \d+\.\d\d a commit$', told['flushes'])
    assert re.match(r'\S+ \w+, [\d.]+ (B|KiB) a record$', told['written'])
    assert re.match(r'last {0}, half below {0}, 99% below {0}, longest {0}$'.format(r'[\d.]+ m?s'), told['latency'])
    assert told['wear'].startswith('not known before 10 min')


def test_no_signal_tells_of_them(daemon):
    """They change with every commit: whoever wants them asks."""
    monitor = subprocess.Popen(['dbus-monitor', '--address', daemon.bus.address,
                                "type='signal',member='PropertiesChanged'"], stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(3)
    finally:
        monitor.terminate()
    told = monitor.communicate(timeout=10)[0]
    assert 'QueueRecords' in told and 'QueueStats' not in told
