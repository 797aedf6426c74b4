# SPDX-License-Identifier: Apache-2.0
"""Disk, sensor and link, each slow and then stuck, under the unit and a systemd that starts the daemon anew.

stuck/job is what happens there; here is what must have come of it. What hangs is what tests/system/hang.c holds up.
"""

import os
import pathlib
import re
import shutil

import pytest

from booted_machine import SOURCE, boot, ledger
from packages import quick

BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))
PATIENCE = 20  # s
PARTS = {'disk': 'disk /var/lib/hublink/queue: stuck for', 'sensor': 'sensors on /var/lib/hublink/a-hangs: stuck for',
         'link': "link (the lookup of the hub's name): stuck for"}


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    job = tmp_path_factory.mktemp('machine')
    (job / 'packages').mkdir()
    for deb in quick('deb').values():
        shutil.copy(deb, job / 'packages')
    shutil.copy(SOURCE / 'tests/campaign/stuck/job', job / 'run')
    shutil.copy(BUILD / 'tests/system/libhang.so', job)
    return boot(job, 400)


@pytest.mark.parametrize('part', PARTS)
def test_a_slow_one_is_left_alone(facts, part):
    facts.good('install')
    facts.good(part + '_slow')


@pytest.mark.parametrize('part', PARTS)
def test_a_stuck_one_is_told_and_the_daemon_started_anew(facts, part):
    facts.good(part + '_stuck')
    seconds, journal = int(facts(part + '_seconds')), facts.good(part + '_journal')
    assert seconds >= PATIENCE - 2
    assert PARTS[part] in journal, journal
    assert 'Watchdog timeout' in journal and "Failed with result 'watchdog'" in journal, journal
    print('# %s: started anew after %d s' % (part, seconds))


@pytest.mark.parametrize('part', PARTS)
def test_nothing_is_lost_by_it(facts, part):
    before, after = ledger(facts.good(part + '_before')), ledger(facts.good(part + '_after'))
    assert after['acknowledged'] >= before['accepted'] and after['dropped'] == 0


def test_all_of_it_arrived(facts):
    totals = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', facts('verify').splitlines()[-1])}
    assert totals['gaps'] == 0 and totals['unique'] > 0
