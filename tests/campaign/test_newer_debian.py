# SPDX-License-Identifier: Apache-2.0
"""The next Debian: the packages are built and tested on it, with its libraries, and its systemd - which knows
Type=notify-reload - runs them.

newer-debian/job is what happens there; here is what must have come of it. The tree with what that takes is made once, from
the network (tests/system/booted/make-root).
"""

import re
import shutil
import subprocess

import pytest

from booted_machine import HERE, SOURCE, boot
from packages import run

SUITE = 'trixie'
ROOT = SOURCE / 'build/newer-root'


def needed():
    table = [line.split() for line in (SOURCE / 'packaging/requirements').read_text().splitlines()]
    return ['build-essential', 'debhelper', 'check', *(row[1] for row in table if row[:1] == ['build'])]


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    run(HERE / 'make-root', ROOT, SUITE, *needed())
    job = tmp_path_factory.mktemp('machine')
    tree = job / 'tree'
    tree.mkdir()
    archive = subprocess.run(['git', '-C', SOURCE, 'archive', 'HEAD'], capture_output=True, check=True)
    subprocess.run(['tar', '-x', '-C', tree], input=archive.stdout, check=True)
    shutil.copytree(tree / 'packaging/debian', tree / 'debian')
    shutil.copy(SOURCE / 'tests/campaign/newer-debian/job', job / 'run')
    return boot(job, 2400, root=ROOT)


def test_it_is_built_for_its_systemd(facts):
    facts.good('build')
    assert int(re.match(r'systemd (\d+)', facts('systemd'))[1]) >= 253
    assert re.search(r' \./usr/lib/systemd/system/hublinkd.service$', facts.good('where'), re.M)
    facts.good('install')
    assert facts('type') == 'notify-reload' and facts.good('active') == 'active'


def test_its_systemd_has_nothing_to_say_of_the_units(facts):
    assert facts.good('verify') == ''
    for name in ('security', 'devhub_security'):
        exposure = float(re.search(r'Overall exposure level for \S+: ([\d.]+)', facts(name))[1])
        print('# %s: exposure %s' % (name, exposure))
        assert exposure <= 1.5, facts(name)


def test_readings_arrive(facts):
    assert re.search(r'acknowledged=[1-9]', facts.good('first_contact'))


def test_a_reload_is_over_when_the_settings_are_in_effect(facts):
    assert facts('missing') == ''
    # one that is refused is over as well, and told
    facts.good('bad_reload')
    assert facts.good('after_bad') == 'active'


def test_a_purge_leaves_nothing(facts):
    facts.good('devhub_start')
    facts.good('devhub_create')
    facts.good('purge')
    assert facts.good('purged') == '' and facts('failed') == ''
