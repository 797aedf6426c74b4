# SPDX-License-Identifier: Apache-2.0
"""Files of another user in the daemon's folders: brought there by a copy, a restore, or a start by hand as root."""

import os
import subprocess

import dbus
import pytest

from bus import BUILD, PrivateBus
from daemon import Daemon

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason='only root can give files away')

OTHER = 1  # whoever that is
# Without what lets root look into everybody's files: so it is as the service's own user is among root's.
BARE = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


def give(path, uid):
    os.chown(path, uid, uid)


def status(daemon, *words):
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', 'status', *words, '--bus', daemon.bus.address],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 1), done
    return done.stdout


def restart(daemon):
    assert daemon.stop() in (0, 1)
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()


# ---- the queue ----

def test_no_number_is_given_twice_while_a_slot_is_out_of_reach(daemon):
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    assert [daemon.submit({'v': i})[3] for i in range(3)] == [1, 2, 3]
    slots = sorted((daemon.state / 'queue/normal').glob('seg-*'))
    assert daemon.stop() == 0
    for slot in slots:
        give(slot, OTHER)
    daemon.start(prefix=BARE)
    daemon.bus.wait_for_name()
    told = daemon.properties()
    assert told['DiskState'] == 'failed' and 'belongs to another user' in told['DiskError'], told
    assert 'chown -R hublink: %s/queue' % daemon.state in status(daemon)
    with pytest.raises(dbus.DBusException) as refused:
        daemon.submit({'v': 3})
    assert refused.value.get_dbus_name() == 'org.hublink1.Error.DiskError'
    restart(daemon)
    assert daemon.properties()['DiskState'] == 'failed'
    for slot in slots:
        give(slot, 0)
    daemon.wait_for_properties(lambda p: p['DiskState'] == 'well', 'well disk', 70)
    assert daemon.ledger()['accepted'] == 3
    assert daemon.submit({'v': 4})[2:] == (4, 4)
    assert daemon.stop() == 0


@pytest.mark.parametrize('whose', ['state', 'queue'])
def test_root_does_not_start_in_folders_of_another_user(daemon, whose):
    queue = daemon.state / 'queue'
    queue.mkdir()
    give(daemon.state if whose == 'state' else queue, OTHER)
    done = daemon.run()
    assert done.returncode == 1
    assert '%s belongs to user daemon' % (daemon.state if whose == 'state' else queue) in done.stderr
    assert 'setpriv --reuid=daemon --regid=daemon --init-groups hublinkd' in done.stderr
    assert not list(queue.iterdir())
    assert daemon.run('--check').returncode == 0
