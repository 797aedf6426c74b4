# SPDX-License-Identifier: Apache-2.0
"""A queue and an inbox that a newer hublink wrote: set aside as they are, told as long as they are there, and served again."""

import json
import subprocess
import time

import pytest

from bus import BUILD, PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401: a fixture
from inbox import listed

NEWER = BUILD / 'tests/system/newer'
OURS = 1  # the version that this build writes


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure('hub: { backoff: { first = "100ms"; max = "1s"; }; };\n'
                         'sensors: { w: { driver = "simulated"; model = "wind"; interval = "1h"; }; };\n')
        yield daemon


def convert(version, lane):
    subprocess.run([NEWER, str(version), lane / 'lane', *lane.glob('seg-*')], check=True)


def status(daemon, *words):
    return subprocess.run([BUILD / 'src/ctl/hublinkctl', 'status', *words, '--bus', daemon.bus.address],
                          capture_output=True, text=True, timeout=20).stdout


def wait_for_inbox(daemon, names):
    end = time.monotonic() + 30
    while [m.message_id for m in listed(daemon.bus)] != names:
        assert time.monotonic() < end, daemon.log()
        time.sleep(0.05)


def begin(daemon):
    daemon.start()
    daemon.bus.wait_for_name()
    daemon.wait_for_link('connected')


def told(daemon, *lanes):
    """Names of lanes, each set aside once."""
    words = ': a newer hublink wrote it, and what waits there is not served'
    daemon.wait_for_properties(lambda p: p['QueueProblem'].count('-newer-') == len(lanes), 'problem')
    problem = daemon.properties()['QueueProblem']
    aside = [path for lane in lanes for path in daemon.state.glob('queue/%s-newer-*' % lane)]
    assert problem == ', '.join(str(path) for path in aside) + words
    shown = status(daemon)
    assert 'Set aside: %s. Install that one again' % problem in shown and 'nothing to do' not in shown
    assert json.loads(status(daemon, '--json'))['queue_problem'] == problem


def test_what_waits_aside_is_told_until_it_is_served(daemon, devhub):  # noqa: F811
    daemon.hub(devhub, devhub.create('d1'))
    inbox, queue = daemon.state / 'queue/inbox/normal', daemon.state / 'queue/normal'
    with Cloud(devhub) as cloud:
        begin(daemon)
        assert daemon.properties()['QueueProblem'] == ''
        cloud.send('d1', b'open the door', id='m1')
        wait_for_inbox(daemon, ['m1'])
    assert daemon.stop() == 0

    convert(OURS + 1, inbox)
    begin(daemon)
    told(daemon, 'inbox/normal')
    wait_for_inbox(daemon, [])
    assert daemon.stop() == 0

    # the next start finds nothing wrong, save that it is there; and now the queue as well
    convert(OURS + 1, queue)
    begin(daemon)
    told(daemon, 'normal', 'inbox/normal')
    assert daemon.stop() == 0

    for aside in [*(daemon.state / 'queue').glob('**/*-newer-*')]:  # the urgent lane may have gone along
        lane = aside.with_name(aside.name.split('-newer-')[0])
        lane.rename(daemon.directory / ('fresh-' + aside.name))
        aside.rename(lane)
        convert(OURS, lane)
    begin(daemon)
    wait_for_inbox(daemon, ['m1'])
    assert daemon.properties()['QueueProblem'] == ''
    assert status(daemon).splitlines()[0].endswith('; nothing to do.')
    assert daemon.stop() == 0
