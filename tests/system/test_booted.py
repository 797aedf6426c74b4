# SPDX-License-Identifier: Apache-2.0
"""The installed whole on a machine of its own: systemd, journal, system bus, users and rights.

booted/make-root made the machine once, booted/boot starts it, booted/job is what happens there; here is what must have
come of it.
"""

import json
import os
import pathlib
import re
import shutil

import pytest

from booted_machine import HERE, SOURCE, an_ordinary_user, boot, counts, ledger
from packages import quick

BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    """Of three boots: of the machine, of the same one by another name, and of one that got its storage."""
    job = tmp_path_factory.mktemp('machine')
    (job / 'packages').mkdir()
    for deb in quick('deb').values():
        shutil.copy(deb, job / 'packages')
    shutil.copy(HERE / 'job', job / 'run')
    for name in ('job-rebooted', 'job-moved', 'commands', 'command'):
        shutil.copy(HERE / name, job)
    for name in ('reboot.conf', 'reboot.service.conf'):
        shutil.copy(SOURCE / 'conf/examples/commands' / name, job)
    for name in ('probe', 'newer'):
        shutil.copy(BUILD / 'tests/system' / name, job)
    return boot(job, seconds=120)


def test_users_and_groups_are_made(facts):
    facts.good('install')
    assert re.match(r'hublink:x:\d+:\d+:.*:/var/lib/hublink:/usr/sbin/nologin$', facts.good('user'))
    assert facts.good('group').startswith('hublink-admin:')


def test_it_starts_without_a_credential_and_says_so(facts):
    assert facts.good('active') == 'active' and facts.good('enabled') == 'enabled'
    assert facts('first_restarts') == '0'
    assert 'no credential' in facts('text')
    assert 'there is no credential "device.cs"' in facts('status').splitlines()[0]


def test_it_owns_its_name_on_the_system_bus(facts):
    # at once: the maintainer script had the bus read its policy again when there was the user
    assert 'starts with' in facts.good('first_words') and 'is refused' not in facts('first_words')
    assert 'Unit=hublinkd.service' in facts.good('owner')


def exposure(facts, name):
    return float(re.search(r'Overall exposure level for hublinkd.service: ([\d.]+)', facts(name))[1])


def test_the_unit_is_what_it_should_be(facts):
    assert facts('type') == 'notify'
    assert facts('watchdog') == '30s'
    assert facts('process_user') == 'hublink'
    assert facts('state') == 'hublink 750'
    assert facts('run') == 'hublink 755'
    assert exposure(facts, 'security') <= 1.5, facts('security')


MAY = ('write to the state directory', 'write to the run directory', 'read /proc/loadavg', 'read /sys', 'connect by IPv4',
       'look at the clock')


def test_the_sandbox_holds(facts):
    """What root may do outside of it is refused inside, save what the daemon is there for."""
    inside, outside = (dict(line.rsplit(': ', 1) for line in facts(name).splitlines()) for name in ('inside', 'outside'))
    assert list(inside) == list(outside)
    assert [name for name in inside if inside[name] == 'yes'] == list(MAY), inside
    # so that what is refused is refused by the unit; but the clock is not moved for a test, and this is no real machine
    assert [name for name in outside if outside[name] != 'yes'] == ['set the clock', 'change the kernel'], outside


def test_the_drop_ins_open_what_they_say_and_nothing_else(facts):
    """All three at once: the modes of a device let everybody use it, so that the unit alone decides."""
    opened, before = (dict(line.rsplit(': ', 1) for line in facts(name).splitlines()) for name in ('opened_inside', 'inside'))
    assert [name for name in opened if opened[name] == 'yes'] == list(MAY), opened
    assert before['open a device of all'] == 'No such file or directory'
    assert opened['open a device of all'] == 'Operation not permitted'
    # no such line on this machine: so it was let through to the driver
    assert 'No such file' in facts('inside_line') and 'No such device or address' in facts('opened_inside_line')


def test_the_catalog_explains(facts):
    assert 'Subject: There is no credential' in facts('catalog')


def test_the_devhub_runs_when_it_is_wanted(facts):
    assert (facts('devhub_enabled'), facts('devhub_asleep')) == ('disabled', 'inactive')
    # and devices may connect as soon as the start is over
    facts.good('devhub_start')
    assert facts('devhub_text') == 'devhub.localdomain on 127.0.0.1, ports: MQTT 8883, HTTPS 443, AMQP 5671 and, plain, 5672'
    assert 61184 <= int(facts('devhub_user')) <= 65519  # a user that is there while it runs
    assert facts('devhub_state') == facts('devhub_user') + ' 700'
    unit = (BUILD / 'systemd/hublink-devhub.service').read_text()
    told = re.search(r'Exposure by systemd-analyze security: ([\d.]+)', unit)[1]
    assert 'Overall exposure level for hublink-devhub.service: %s ' % told in facts('devhub_security')
    facts.good('devhub_create')
    assert 'gw' in facts.good('devhub_list')


def test_the_devhub_stops_and_comes_again(facts):
    facts.good('devhub_stop')
    assert facts('devhub_result') == 'success'
    facts.good('devhub_reset')
    facts.good('devhub_seed')
    facts.good('devhub_again')
    seeded = facts.good('devhub_seeded')
    assert seeded and 'gw' not in seeded.split()


def test_with_a_credential_readings_arrive(facts):
    assert facts.good('check') == 'OK'
    setup = facts.good('setup')
    assert 'encrypted for this machine alone' in setup and 'Connected to devhub.localdomain as gw' in setup
    assert facts('credential') == 'root 600'
    assert facts.good('known'), 'which credential connected, for a later setup'
    text = facts.good('connected')
    assert ledger(text)['acknowledged'] > 0
    assert facts('connected_text').startswith('Connected to devhub.localdomain as gw')
    assert facts('secret_in_environment') == '0'


def test_a_drop_in_that_systemd_has_not_read_is_told(facts):
    assert '"unit-reload"' not in facts('read_doctor') and '"enabled"' in facts('read_doctor')
    assert '"unit-reload"' in facts('unread_doctor') and 'systemctl daemon-reload' in facts('unread_doctor')


def test_without_its_credential_it_collects_and_says_so(facts):
    """Encrypted for a machine that this is no longer, or gone: systemd would start no service that insists on it."""
    assert facts.good('opened_file') == 'root 600' and facts('opener') == 'active'
    for name in ('sealed', 'gone'):
        facts.good(name + '_restart')
        text = facts.good(name + '_status')
        assert re.search('^Not connected .*hublinkctl setup stores it anew', text, re.M), text
        assert re.search('^load +ok', text, re.M) and ledger(text)['accepted'] > 0, text
        assert facts.status(name + '_doctor') == 1 and 'hublinkctl setup' in facts(name + '_doctor')
    assert facts('sealed_opener') == 'failed' and facts.status('sealed_file') != 0
    assert 'cannot be decrypted here' in facts('sealed_doctor') and 'is not there' in facts('gone_doctor')
    assert facts('gone_restarts') == '0'
    facts.good('gone_submit')
    assert 'Connected to' in facts.good('healed')
    assert facts.status('closed') != 0, facts('closed')


def test_the_socket_is_for_its_group(facts):
    user, group, mode = facts.good('socket').split()
    assert (user, group) == ('hublink', 'hublink') and mode.endswith('0'), facts('socket')


def test_rights_on_the_bus(facts):
    facts.good('member_submits')
    assert facts.status('member_flushes') != 0 and 'not allowed' in facts('member_flushes')
    facts.good('root_flushes')


def test_an_ordinary_user_may_look_and_change_nothing(facts):
    an_ordinary_user(facts)


def answer_of(facts, name, status):
    """What the caller of a method got."""
    *line, answer = facts(name).splitlines()
    assert line == ([] if status == 200 else ['status %d' % status]), facts(name)
    return json.loads(answer)


def test_commands_start_units_that_hold_nothing_else(facts):
    """By the real systemd, and polkit. As root, and yet nothing to write but its own answer."""
    nothing = {'capabilities': '0' * 16, 'wrote': []}
    assert answer_of(facts, 'command_asked', 200) == {'asked': {'a': 1}, 'uid': 0, **nothing}
    assert facts.good('command_files').splitlines() == [
        '/run/hublink/command/asked hublink hublink 750', '/run/hublink/command/asked/request hublink hublink 640',
        '/run/hublink-command root root 755', '/run/hublink-command/asked root hublink 750',
        '/run/hublink-command/asked/response root hublink 640']
    assert answer_of(facts, 'command_humble', 200) == {'asked': [2], 'uid': 1, **nothing}
    assert answer_of(facts, 'command_failing', 500) == {'status': 1}
    assert 'within 1s, and is stopped' in answer_of(facts, 'command_slow', 504)['error']
    assert facts('command_slow_state') == 'failed'
    assert 'systemctl edit hublink-command@bare.service' in answer_of(facts, 'command_bare', 503)['error']
    assert json.loads(facts.good('command_mail'))['asked'] == 'by mail'
    assert re.search(r' 200 .*\(mail\).* hublink-command@asked\.service', facts('command_audit'))
    assert 'runs already' in answer_of(facts, 'command_late', 429)['error']
    assert facts.good('command_late_asked') == '"A"'


def test_polkit_lets_hublinkd_start_these_and_no_others(facts):
    facts.good('command_start')
    for name in ('command_start_other', 'command_start_odd', 'command_restart', 'command_stranger'):
        assert facts.status(name) != 0 and 'authentication required' in facts(name), (name, facts(name))


def test_a_socket_that_systemd_opens(facts):
    facts.good('ingest_enable')
    assert facts('ingest_file') == 'root hublink 660'
    assert facts.status('ingest_stranger') != 0 and 'Permission denied' in facts('ingest_stranger')
    assert facts('ingest_asleep') == 'inactive'
    pid, _ = facts.good('ingest_member').split()
    assert facts('ingest_values') == 'a{sv} 2 "n" x 1 "pid" x ' + pid  # PrivateUsers=yes
    assert 'hublinkctl setup --enable users' in facts.good('ingest_journal')
    facts.good('ingest_reload')
    assert 'restarted' in facts.good('enable_users') and 'restarted' in facts.good('disable_users')
    for n, name in [(2, 'ingest_seen'), (3, 'ingest_later')]:
        pid, uid = facts.good(name).split()
        assert facts(name + '_values') == 'a{sv} 3 "n" x %d "uid" x %s "pid" x %s' % (n, uid, pid)


def test_what_setup_opens_counts_at_once(facts):
    assert 'restarted' in facts.good('enable_i2c')
    assert facts('after_i2c') not in ('0', facts('before_i2c'))
    assert '/etc/systemd/system/hublinkd.service.d/i2c.conf' in facts('i2c_dropins').split()
    assert facts('i2c_groups') == 'i2c' and 'char-i2c rw' in facts('i2c_devices')
    told = re.search(r'security: ([\d.]+) \(', (SOURCE / 'systemd/dropins/i2c.conf').read_text())[1]
    assert exposure(facts, 'i2c_security') == float(told)
    facts.good('disable_i2c')
    assert 'i2c.conf' not in facts('without_i2c')


def test_a_reload_by_the_service_manager(facts):
    facts.good('reload')
    facts.good('bad_reload')
    assert facts.good('after_bad_reload') == 'active'


def test_lines_in_the_journal_have_fields(facts):
    ids = dict(re.findall(r'#define LOG_ID_(\w+)\s+"(\w+)"', (SOURCE / 'src/base/log-id.h').read_text()))
    ours = [json.loads(line) for line in facts.good('journal').splitlines()]
    ours = [line for line in ours if line.get('SYSLOG_IDENTIFIER', line.get('_COMM')) == 'hublinkd']
    found = {line.get('MESSAGE_ID'): line for line in ours}
    for name, priority in [('DAEMON_STARTED', '6'), ('CREDENTIAL_UNFIT', '3'), ('LINK_CONNECTED', '5'),
                           ('SENSOR_FAILING', '4'), ('SETTINGS_RELOADED', '5'), ('SETTINGS_BAD', '3'),
                           ('DAEMON_STOPPED', '6')]:
        assert ids[name] in found, (name, [line['MESSAGE'] for line in ours])
        assert found[ids[name]]['PRIORITY'] == priority, name
    assert 'windw' in found[ids['SETTINGS_BAD']]['MESSAGE']
    told = facts.good('one_sensor').splitlines()
    assert told and all('absent' in line for line in told), told
    assert all('_TRANSPORT' in line and line['_TRANSPORT'] == 'journal' for line in ours), 'plain lines in the journal'


def test_bad_settings_are_not_tried_again_and_again(facts):
    assert facts.status('bad_start') != 0
    assert facts('bad_start_status') == '78'
    assert facts('bad_start_restarts') == '0'
    assert facts('bad_start_state') == 'failed'


def test_a_read_only_state_folder(facts):
    """Its mount is the unit's own, and stays read-only when the disk does not: the daemon has itself started anew."""
    facts.good('ro_start')
    assert facts('ro_restarts') == '0'
    first = facts.good('ro_status').splitlines()[0]
    for told in (facts('ro_text'), first):
        assert "the queue's disk is read-only: " in told.lower() and 'remount it writable' in told, told
    assert facts('ro_mended_restarts') == '1' and ledger(facts.good('ro_mended'))['accepted'] > 0
    assert "The queue's disk is writable again, but not for this process" in facts.good('ro_journal')


def test_a_state_folder_without_room(facts):
    facts.good('full_start')
    first = facts.good('full_status').splitlines()[0]
    for told in (facts('full_text'), first):
        assert "the queue's disk is full: " in told.lower() and 'free some space' in told, told
    assert facts('full_restarts') == '0' and ledger(facts.good('full_mended'))['accepted'] > 0


def test_a_daemon_that_hangs_is_replaced_and_loses_nothing(facts):
    assert facts('hung_restarts') == '1'
    before, after = ledger(facts.good('before_hang')), ledger(facts.good('after_hang'))
    assert after['accepted'] >= before['accepted'] and after['dropped'] == 0


def test_it_stops_in_time_and_everything_arrived(facts):
    facts.good('stop')
    assert int(facts('stop_msec')) < 5000
    assert facts('result') == 'success'
    totals = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', facts('verify').splitlines()[-1])}
    assert totals['gaps'] == 0 and totals['unique'] >= ledger(facts.good('before_stop'))['acknowledged']
    assert facts('failed') == ''


# ---- three boots ----

def numbers(facts, name, sensor):
    """Of all that had arrived by then: [n, ...] of that sensor, by n."""
    messages = [json.loads(line) for line in facts.good(name).splitlines()]
    return sorted(reading['n'] for message in messages for reading in message['body'] if reading['s'] == sensor)


def test_a_reboot_with_the_hub_away_loses_nothing(facts):
    """Nor does the new name that the machine has then."""
    assert answer_of(facts, 'reboot_command', 200) == {'status': 0}  # and it did
    before, after = counts(facts('away')), counts(facts('rebooted'))
    assert before['waiting'] >= 20 and after['waiting'] >= before['waiting'], (before, after)
    assert facts.good('rebooted_name') == 'gateway-in-the-barn' and facts.good('rebooted_active') == 'active'
    ledger(facts.good('rebooted_ledger'))
    assert numbers(facts, 'rebooted_events', 'away') == list(range(1, 24))


def test_a_queue_of_a_newer_hublink_is_left_as_it_is(facts):
    assert facts.good('newer_active') == 'active' and facts('newer_restarts') == '0'
    assert 'was written by a newer hublink: upgrade it' in facts.good('newer_journal')
    assert "Subject: Something in the queue's folder is not as the queue left it" in facts('newer_journal')
    assert '"queue-set-aside"' in facts('newer_doctor')
    assert facts.good('newer_after') == facts.good('newer_before') != ''
    # collecting went on, and what waited in it is served once it can be read
    assert numbers(facts, 'newer_events', 'newer') == [1, 2]


def test_the_storage_moves_to_another_machine(facts):
    assert facts.good('moved_machine_id') != facts.good('machine_id')
    facts.good('moved_install')
    theirs, ours = facts.good('moved_owners').split()
    assert theirs != ours
    assert counts(facts.good('moved'))['waiting'] >= counts(facts.good('before_move'))['waiting'] >= 20
    facts.good('moved_setup')
    assert ledger(facts.good('moved_ledger'))['dropped'] == 0
    assert numbers(facts, 'moved_events', 'moved') == list(range(1, 21))
    facts.good('moved_stop')
    assert facts('moved_failed') == ''
