# SPDX-License-Identifier: Apache-2.0
"""The packages over their life, on a machine whose bus is dbus-broker: upgraded under load, removed, purged.

booted/job-packages is what happens there; here is what must have come of it.
"""

import json
import re
import shutil

import pytest

from booted_machine import BROKER, HERE, SOURCE, an_ordinary_user, boot, ledger
from packages import earlier, quick

EARLIER = '0.0.9-1'


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    job = tmp_path_factory.mktemp('machine')
    debs = quick('deb')
    for folder in ('now', 'earlier'):
        (job / folder).mkdir()
    for deb in debs.values():
        shutil.copy(deb, job / 'now')
    for name in ('hublink', 'hublink-devhub'):
        earlier(debs[name], EARLIER, job / 'earlier')
    shutil.copy(HERE / 'job-packages', job / 'run')
    shutil.copy(SOURCE / 'packaging/debian/tests/first-contact', job)
    return boot(job, 85, BROKER)


def readings(facts):
    """What arrived at the hub; bodies of the other kind fill the queue."""
    messages = [json.loads(line) for line in facts.good('everything').splitlines()]
    return [reading for message in messages if isinstance(message.get('body'), list) for reading in message['body']]


def test_the_bus_is_the_other_one(facts):
    assert facts.good('bus_program').startswith('dbus-broker')


def test_a_first_install_starts_at_once(facts):
    facts.good('install')
    assert facts.good('earlier_version') == EARLIER
    assert (facts.good('earlier_active'), facts('earlier_restarts'), facts.good('enabled')) == ('active', '0', 'enabled')


def test_an_ordinary_user_may_look_and_change_nothing(facts):
    an_ordinary_user(facts)


def test_the_queue_was_full(facts):
    facts.good('restart')
    before = json.loads(facts.good('full'))
    assert before['ledger']['waiting'] >= int(facts('messages')) > 20
    assert sum(before['ledger']['refused'].values()) > 0 and before['link_state'] != 'connected'


def test_an_upgrade_under_load_loses_nothing(facts):
    facts.good('upgrade')
    assert facts.good('upgraded_active') == 'active' and facts('upgraded_restarts') == '0'
    assert facts.good('upgraded_version') != EARLIER
    before, after = (json.loads(facts.good(name))['ledger'] for name in ('full', 'upgraded'))
    assert after['accepted'] >= before['accepted'] and sum(after['dropped'].values()) == 0
    facts.good('flush')
    drained = ledger(facts.good('drained'))
    assert drained['accepted'] == drained['acknowledged'] >= after['accepted']
    totals = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', facts('verify').splitlines()[-1])}
    assert totals['gaps'] == 0 and totals['unique'] == drained['acknowledged']
    stored = {int(n) for n in facts('stored').split()}
    arrived = {reading['n'] for reading in readings(facts) if reading['s'] == 'load'}
    assert stored <= arrived and len(stored) > 10, sorted(stored - arrived)


def test_an_upgrade_keeps_what_was_edited(facts):
    assert facts.good('settings') == '# edited here'
    assert facts.good('first_line') == '# hublink ' + EARLIER
    assert 'drop-newest' in facts.good('mine')
    assert 'hublink.conf.dpkg-dist' in facts.good('dist').split()


def test_a_hub_for_development_goes_on_as_the_new_one(facts):
    facts.good('hub_upgrade')
    assert facts.good('hub_active') == 'active' and '0' != facts('hub_before') != facts('hub_after') != '0'


def test_the_bus_lets_the_daemon_ask_whoever_has_registered(facts):
    """And what this one says is that it has no such thing: the bus let the question through."""
    assert 'Unknown object' in facts('asks_invoke')
    for name in ('asks_other', 'asks_stranger'):
        assert facts.status(name) != 0 and 'Unknown' not in facts(name), facts(name)


def test_a_removal_keeps_queue_and_settings(facts):
    facts.good('kept_submit')
    facts.good('remove')
    assert facts('removed_unit') != 'active'
    assert facts.status('removed_name') != 0
    left = facts.good('removed_files').split()
    others = {re.sub('^/lib/', '/usr/lib/', path) for path in facts.good('others_files').split()}
    kept = {'/run/hublink-command'}  # what commands were given, until the next boot
    assert not [path for path in left if path.startswith(('/usr/', '/run/')) and path not in others | kept], left
    assert 'queue' in facts.good('removed_queue').split() and 'hublink.conf' in facts('removed_queue').split()
    # and what waited is sent when it comes back
    facts.good('reinstall')
    facts.good('reinstalled')
    assert [reading['n'] for reading in readings(facts) if reading['s'] == 'kept'] == [1]


def test_a_purge_leaves_nothing_but_the_user(facts):
    """Of all packages, with a hub that runs, and with what setup and systemctl edit have put into /etc."""
    facts.good('enabled_users')
    facts.good('purge')
    # a disk that is mounted on the state folder is emptied, and stays
    assert facts.good('enabled_i2c') and facts.good('purged_disk') == ''
    facts.good('purged_again')
    assert facts('failed') == ''
    assert facts.status('purged_unit') != 0 and facts.status('purged_hub') != 0
    assert facts.status('purged_processes') != 0, facts('purged_processes')
    assert facts.good('purged_files') == ''
    assert facts.good('purged_user').startswith('hublink:')
    assert facts('purged_catalog') == '0'
    assert facts.status('packages') != 0, facts('packages')


def test_the_packages_test_themselves(facts):
    facts.good('again')
    assert re.search(r'acknowledged=[1-9]', facts.good('autopkgtest'))
