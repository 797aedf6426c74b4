# SPDX-License-Identifier: Apache-2.0
"""The hub goes away and comes back under load: the queue grows, then drains, and nothing is missing."""

from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub
from test_kill import Producer

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "500ms"; };
streams: { telemetry: { max_latency = "200ms"; }; };
sensors: { apps: { driver = "socket"; listen = "unix-dgram:%s"; }; };
clock: { trust = true; };
'''


def test_the_queue_grows_then_drains(tmp_path):
    socket = tmp_path / 'in.sock'
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % socket)
        daemon.hub(devhub, devhub.create('gw'))
        daemon.start()
        with Producer(bus, socket, tmp_path / 'accepted') as producer:
            daemon.wait_for_link('connected')
            daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 0, 'traffic')
            for stop in (devhub.stop, devhub.kill):
                stop()
                daemon.wait_for_link('waiting', 'refused')
                before = daemon.ledger()
                daemon.wait_for_properties(lambda p: p['Ledger']['accepted'] > before['accepted'] + 2500,
                                           'records while the hub is away', seconds=60)
                after = daemon.ledger()
                assert after['acknowledged'] == before['acknowledged']
                assert after['waiting'] - before['waiting'] == after['accepted'] - before['accepted']
                devhub.start()
                daemon.wait_for_link('connected')
                daemon.wait_for_properties(lambda p: p['QueueRecords'] < 2000, 'a drained queue')
            producer.stop()
        ledger = daemon.settle()
        assert daemon.stop() == 0
        totals = devhub.verify()
        backfilled = [e for e in devhub.events() if e['properties'].get('hl-backfill') == '1']
    assert totals['gaps'] == 0
    assert totals['unique'] == ledger['accepted'] == ledger['acknowledged']
    assert backfilled, 'what waited is not marked'
