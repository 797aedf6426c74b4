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
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))
HERE = pathlib.Path(__file__).resolve().parent / 'booted'
ROOT = SOURCE / 'build/booted-root'

SECONDS = 55


class Facts:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        """What the command said."""
        return (self.folder / name).read_text().rstrip('\n')

    def status(self, name):
        return int(self(name + '.status'))

    def good(self, name):
        """What the command said, which must have ended well."""
        assert self.status(name) == 0, self(name)
        return self(name)


@pytest.fixture(scope='module')
def facts(tmp_path_factory):
    able = subprocess.run([HERE.parent / 'private-root', '--', 'sh', '-c',
                           'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup'],
                          capture_output=True, text=True, check=False)
    if able.returncode != 0:
        pytest.skip('this kernel lets nobody mount a control group hierarchy: ' + able.stderr.strip())
    assert (ROOT / 'etc/hublink-test-root').exists(), 'no machine to boot: tests/system/booted/make-root makes it'
    job = tmp_path_factory.mktemp('machine')
    subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', job / 'install'],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.copy(HERE / 'job', job / 'run')
    done = subprocess.run([HERE / 'boot', ROOT, job, str(SECONDS)], check=False)
    output = (job / 'output').read_text() if (job / 'output').exists() else ''
    console = (job / 'console').read_text(errors='replace')[-3000:]
    assert done.returncode == 0, 'the machine ended with %d\n%s\n%s' % (done.returncode, output, console)
    return Facts(job / 'facts')


def ledger(text):
    line = next(line for line in text.splitlines() if line.startswith('ledger:'))
    counts = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', line)}
    assert counts['accepted'] == (counts['acknowledged'] + counts['waiting'] + counts['dropped'] +
                                  counts['dead_lettered']), line
    return counts


def test_users_and_groups_are_made(facts):
    facts.good('sysusers')
    assert re.match(r'hublink:x:\d+:\d+:.*:/var/lib/hublink:/usr/sbin/nologin$', facts.good('user'))
    assert facts.good('group').startswith('hublink-admin:')


def test_it_starts_without_a_credential_and_says_so(facts):
    facts.good('start')
    assert facts.good('active') == 'active'
    assert 'no credential' in facts('text')
    assert 'there is no credential "device.cs"' in facts('status').splitlines()[0]


def test_it_owns_its_name_on_the_system_bus(facts):
    assert 'Unit=hublinkd.service' in facts.good('owner')


def test_the_unit_is_what_it_should_be(facts):
    assert facts('type') == 'notify'
    assert facts('watchdog') == '30s'
    assert facts('process_user') == 'hublink'
    assert facts('state') == 'hublink 750'
    assert facts('run') == 'hublink 755'
    exposure = float(re.search(r'Overall exposure level for hublinkd.service: ([\d.]+)', facts('security'))[1])
    assert exposure < 3.5, facts('security')


def test_the_catalog_explains(facts):
    assert 'Subject: There is no credential' in facts('catalog')


def test_with_a_credential_readings_arrive(facts):
    assert facts.good('check') == 'OK'
    facts.good('restart')
    text = facts.good('connected')
    assert ledger(text)['acknowledged'] > 0
    assert facts('connected_text').startswith('Connected to devhub.localdomain as gw')
    assert facts('secret_in_environment') == '0'


def test_the_socket_is_for_its_group(facts):
    user, group, mode = facts.good('socket').split()
    assert (user, group) == ('hublink', 'hublink') and mode.endswith('0'), facts('socket')


def test_rights_on_the_bus(facts):
    facts.good('member_submits')
    assert facts.status('stranger_submits') != 0 and 'not allowed' in facts('stranger_submits')
    assert 'ledger:' in facts('stranger_reads')
    assert facts.status('member_flushes') != 0 and 'not allowed' in facts('member_flushes')
    facts.good('root_flushes')


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
    assert all('_TRANSPORT' in line and line['_TRANSPORT'] == 'journal' for line in ours), 'plain lines in the journal'


def test_bad_settings_are_not_tried_again_and_again(facts):
    assert facts.status('bad_start') != 0
    assert facts('bad_start_status') == '78'
    assert facts('bad_start_restarts') == '0'
    assert facts('bad_start_state') == 'failed'


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
