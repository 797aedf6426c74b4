# SPDX-License-Identifier: Apache-2.0
"""The same source on a machine of 32 bits: its suites pass, and one queue is carried to and fro between the two.

HUBLINK_ROUNDS: how often it is carried (8).
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from machine import BUILD, HERE, SOURCE

ROOT = SOURCE / 'build/i386-root'
ROUNDS = int(os.environ.get('HUBLINK_ROUNDS', '8'))


def run_in(*command):
    return subprocess.run([HERE / 'i386/run-in', ROOT, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)


@pytest.fixture(scope='module')
def source():
    """Ours, built in there; what was built before is gone on with."""
    subprocess.run([HERE / 'i386/make-root', ROOT], check=True, stdout=subprocess.DEVNULL)
    (ROOT / 'src').mkdir(exist_ok=True)
    pack = subprocess.Popen(['tar', '-c', '--exclude=./build*', '--exclude=./.git', '.'], cwd=SOURCE,
                            stdout=subprocess.PIPE)
    subprocess.run(['tar', '-x', '-C', ROOT / 'src'], stdin=pack.stdout, check=True)
    assert pack.wait() == 0
    built = run_in('sh', '-c', 'cd /src && { [ -f build/build.ninja ] || meson setup build; } && nice ninja -C build')
    assert built.returncode == 0, built.stdout[-3000:]
    warnings = re.findall(r'.*warning:.*', built.stdout)
    assert not warnings, '\n'.join(warnings)


def test_the_suites_pass_on_32_bits(source):
    """All that is of unit and flow; they are not skipped for want of something either."""
    ran = run_in('nice', 'meson', 'test', '-C', '/src/build', '--no-rebuild', '--timeout-multiplier', '3',
                 '--suite', 'unit', '--suite', 'flow', '--print-errorlogs')
    counts = {k: int(v) for k, v in re.findall(r'^(Ok|Fail|Timeout|Skipped):\s+(\d+)', ran.stdout, re.M)}
    print('i386: %s' % counts, file=sys.stderr)
    assert ran.returncode == 0, ran.stdout[-6000:]
    assert counts['Ok'] > 50


def test_a_queue_is_carried_between_32_and_64_bits(source):
    shutil.rmtree(ROOT / 'tmp/carry', ignore_errors=True)
    (ROOT / 'tmp/carry').mkdir()
    for round in range(ROUNDS):
        if round % 2 == 0:
            carried = subprocess.run([BUILD / 'tests/campaign/queue-carry', ROOT / 'tmp/carry/queue', str(round)],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        else:
            carried = run_in('/src/build/tests/campaign/queue-carry', '/tmp/carry/queue', str(round))
        print('%s %s' % ('64 32'.split()[round % 2], carried.stdout.strip()), file=sys.stderr)
        assert carried.returncode == 0, carried.stdout
