# SPDX-License-Identifier: Apache-2.0
"""A second hublinkd with the queue and the credential of the first: it waits, and takes over when it may."""

import json
import os
import pathlib
import subprocess

import dbus
import pytest

from bus import PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)

CTL = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build')) / 'src/ctl/hublinkctl'
WIND = 'sensors: { w: { driver = "simulated"; model = "wind"; interval = "100ms"; }; };\n'
TRUST = 'clock: { trust = true; };\n'


def status(daemon, *words):
    return subprocess.run([CTL, 'status', *words, '--bus', daemon.bus.address], capture_output=True, text=True,
                          timeout=20, check=True).stdout



def test_a_second_daemon_waits_for_the_queue(devhub, tmp_path):
    device = devhub.create('d1')
    with PrivateBus() as bus, PrivateBus() as other, Daemon(tmp_path / 'one', bus) as first, \
            Daemon(tmp_path / 'two', other) as second:
        first.configure(WIND + TRUST).hub(devhub, device).start()
        since = first.wait_for_link('connected')['LinkSince']
        words = '%s/queue is in use by another process (pid %d)' % (first.state, first.process.pid)

        second.state = first.state
        second.configure(TRUST).hub(devhub, device).start()
        told = second.wait_for_link('stopped', 'none')
        assert words in told['LinkDetail'] and told['DiskState'] == 'in-use', told
        assert words in told['DiskError'] and told['NextAttempt'] == 0, told
        assert not told['Ledger'] and not told['Dropped'], told  # nobody knows
        assert words in second.status and 'what waits is not known' in second.status, second.status
        assert len(second.lines(words)) >= 1 and second.lines('Not connecting'), second.log()
        with pytest.raises(dbus.DBusException, match='in use by another process') as e:
            second.submit({'v': 1})
        assert e.value.get_dbus_name() == 'org.hublink1.Error.DiskError'

        text = status(second)
        assert words in text.splitlines()[0] and text.splitlines()[-1] == 'ledger: not known', text
        answer = json.loads(status(second, '--json'))
        assert [answer['ledger'][k] for k in ('accepted', 'acknowledged', 'waiting', 'dropped', 'dead_lettered')] == \
            [None] * 5, answer
        assert [answer['queue'][k] for k in ('records', 'bytes', 'oldest_age')] == [None] * 3, answer
        assert answer['dead_letters'] is None and answer['ledger']['refused']['rate'] == 0, answer

        # neither a wish nor new settings move it
        other.call('Reconnect')
        second.hub(devhub, device, keepalive='1min').reload()
        before = first.ledger()['acknowledged']
        first.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > before + 10, 'acknowledgements')
        now = first.properties()
        assert (now['LinkState'], now['LinkSince']) == ('connected', since), now
        assert second.properties()['LinkState'] == 'stopped'

        assert first.stop() == 0
        second.wait_for_link('connected', seconds=50)
        assert second.ledger()['accepted'] > 0
        assert second.properties()['DiskState'] == 'well'
        assert second.submit({'v': 1})[3] > 0
        assert second.stop() == 0
        assert devhub.verify('d1')['gaps'] == 0
