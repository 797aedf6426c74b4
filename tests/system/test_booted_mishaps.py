# SPDX-License-Identifier: Apache-2.0
"""What befalls a gateway that nobody looks after: booted/job-mishaps is what happens, here is what must have come of it."""

import re
import shutil

import pytest

from booted_machine import HERE, boot
from packages import quick


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    job = tmp_path_factory.mktemp('machine')
    (job / 'packages').mkdir()
    for name, deb in quick('deb').items():
        if name in ('hublink', 'hublink-devhub'):
            shutil.copy(deb, job / 'packages')
    shutil.copy(HERE / 'job-mishaps', job / 'run')
    return boot(job, seconds=300)


def test_it_is_set_up(facts):
    facts.good('install')
    assert 'encrypted for this machine alone' in facts.good('setup')


def test_many_restarts_in_a_row_leave_it_its_credential(facts):
    assert facts.good('often_opener') == 'active'
    assert re.match('Connected ', facts('often_status')), facts('often_status')


def test_a_credential_that_could_not_be_opened_for_a_while_is_tried_again(facts):
    """Without a restart for each try, and with just one when it is open."""
    facts.good('busy_tried')
    assert facts('busy_opener') == 'failed'
    facts.good('busy_pid')
    assert re.match('Connected ', facts.good('busy_over')), facts('busy_over')
    assert facts.good('busy_over_opener') == 'active'
    facts.good('busy_over_again')
    facts.good('busy_once')


def test_a_try_under_way_ends_with_hublinkd(facts):
    facts.good('stopped_stop')
    facts.good('stopped_again')


def test_settings_that_root_alone_can_read_are_told_before_they_stop_it(facts):
    remedy = 'chmod a+r /etc/hublink/conf.d/site.conf'
    for name, status in ('closed_check', 78), ('closed_enable', 1), ('closed_setup', 1), ('closed_doctor', 1):
        assert facts.status(name) == status and remedy in facts(name), facts(name)
    assert re.match('Connected ', facts('closed_status')), facts('closed_status')
    # nobody asks before an upgrade: it says what is wrong
    assert facts('closed_exit') == '78' and remedy in facts('closed_install'), facts('closed_install')
    assert facts.good('opened_check') == 'OK'


def test_a_command_keeps_its_argument_while_hublinkd_is_stopped(facts):
    assert facts.good('asked_late') == '"A"'


def test_a_purge_after_a_crash_leaves_nothing_of_a_command(facts):
    facts.good('crashed_waits')
    assert 'abc' in facts.good('crashed_asked')
    facts.good('crashed_purge')
    assert facts('crashed_run') == ''
    assert facts('crashed_failed') == ''
