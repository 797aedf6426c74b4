# SPDX-License-Identifier: Apache-2.0
"""The devhub with a tier: what is billed, what a used-up quota ends, and the command that shows it."""

import time
import urllib.parse

import mqtt
import pytest
from amqp import Amqp
from bus import PrivateBus
from c2d import Poller
from daemon import Daemon
from https import Connection
from tier import DAYS, client_of, conditions, device_of, events, read_pubacks, service_of, start, stored, tally, usage  # noqa: F401,E501
from twin import TwinClient


# --- what is billed ---

def chunks(bag, body):
    """As the reference says it, and without the code under test."""
    size = len(body)
    for pair in filter(None, bag.decode().split('&')):
        name, _, value = pair.partition('=')
        name, value = urllib.parse.unquote(name), urllib.parse.unquote(value)
        size += len(value.encode()) + (0 if name.startswith('$.') else len(name.encode()))
    return max(1, -(-size // 4096))


def test_everything_is_billed_in_started_chunks(start):
    hub = start('F1')
    device = device_of(hub)
    service = service_of(hub)

    def billed(operation, do):
        before = tally(hub, operation)['billed']
        do()
        return tally(hub, operation)['billed'] - before

    with client_of(hub, device) as client:
        for size, n in (0, 1), (1, 1), (512, 1), (513, 2), (1024, 2), (5120, 10):
            assert billed('d2c-send', lambda size=size: client.publish(device.topic(), b'x' * size)) == n
        # values of system properties, names and values of the application's
        bag = '%24.ct=text%2Fplain&name=value'
        assert billed('d2c-send', lambda: client.publish(device.topic(bag), b'x' * (512 - 19))) == 1
        assert billed('d2c-send', lambda: client.publish(device.topic(bag), b'x' * (512 - 18))) == 2
    poller = Poller(hub, device)
    assert billed('d2c-send', lambda: poller.event(b'x' * 513)) == 2
    with Amqp(hub).allow() as amqp:
        assert billed('c2d-send', lambda: conditions(amqp, ['d1'], 1, b'x' * 1300)) == 3
    assert billed('c2d-receive', poller.take) == 0
    assert billed('registry', lambda: service.get('/devices/d1')) == 0
    size = len(service.get('/twins/d1').body)
    assert billed('twin-read', lambda: service.get('/twins/d1')) == -(-size // 512)
    assert billed('twin-update', lambda: service.patch('/twins/d1', {'tags': {'a': 'x' * 600}})) == 2
    item = {'id': 'd1', 'importMode': 'updateTwin', 'tags': {'b': 'x' * 900}}
    assert billed('twin-update', lambda: service.post('/devices', [item])) == 2
    with TwinClient(hub, device) as twin:
        assert billed('twin-update', lambda: twin.report({'a': 1})) == 1
        assert billed('twin-update', lambda: twin.report({'a': {'b': 'x' * 1000}})) == 2
        assert billed('twin-read', twin.get) == 3
        assert billed('twin-update', lambda: twin.refused([1])) == 0
    total = usage(hub)
    assert total['billed'] == sum(o['billed'] for o in total['operations'].values())
    assert (total['tier'], total['units'], total['chunk'], total['quota']) == ('F1', 1, 512, 8000)


def test_what_a_real_daemon_sends_is_billed_to_the_unit(start, tmp_path):
    hub = start('S1', '--units', '2')
    with PrivateBus() as bus, Daemon(tmp_path / 'daemon', bus) as daemon:
        daemon.configure('sensors: { w: { driver = "simulated"; model = "wind"; interval = "20ms"; }; };\n'
                         'clock: { trust = true; };\n')
        daemon.hub(hub, device_of(hub)).start()
        daemon.wait_for_link('connected')
        deadline = time.monotonic() + 20
        while len(stored(hub)) < 5:
            assert time.monotonic() < deadline, daemon.log()
            time.sleep(0.1)
        assert daemon.stop() == 0
    sent = stored(hub)
    assert usage(hub)['operations']['d2c-send']['billed'] == sum(chunks(*event) for event in sent) >= len(sent)
    assert usage(hub)['quota'] == 800000


@pytest.mark.parametrize('how', ['kill', 'stop'])
def test_a_restart_keeps_the_count(start, how):
    hub = start('F1')
    device = device_of(hub)
    with client_of(hub, device) as client:
        for _ in range(7):
            client.publish(device.topic(), b'x' * 600)
    assert usage(hub)['billed'] == 14
    getattr(hub, how)()
    start('F1')
    assert usage(hub)['billed'] == 14
    hub.stop()
    start('S1', '--units', '2')  # a larger hub on the same day
    assert (usage(hub)['billed'], usage(hub)['quota']) == (14, 800000)


# --- the quota ---

def use_up(hub, device):
    """8,000 messages of half a KiB, in 17."""
    with client_of(hub, device) as client:
        for _ in range(15):
            client.publish(device.topic(), b'x' * 262144)
        client.publish(device.topic(), b'x' * (319 * 512))
        assert usage(hub)['billed'] == 7999
        client.publish(device.topic())
    assert usage(hub)['billed'] == 8000


def is_cut(hub, device, packet):
    """CONNECT and SUBSCRIBE are heard, and this is not."""
    with client_of(hub, device) as client:
        assert client.subscribe('$iothub/twin/res/#', '$iothub/methods/POST/#') == [1, 1]
        client.send(packet)
        client.expect_close()
    return True


def test_trap_31_a_used_up_quota_cuts_links_until_midnight(start):
    hub = start('F1')
    device = device_of(hub)
    use_up(hub, device)
    n = len(stored(hub))
    for _ in range(2):
        assert is_cut(hub, device, mqtt.publish(device.topic(), b'1', 1))
        assert is_cut(hub, device, mqtt.publish(device.topic(), b'1', 0))
        assert is_cut(hub, device, mqtt.publish('$iothub/twin/GET/?$rid=1', b'', 0))
        hub.kill()
        start('F1')
    assert len(stored(hub)) == n and '403002' in hub.log.read_text()

    service = service_of(hub)
    assert service.get('/devices/d1').status == 200  # is not billed
    for answer in service.get('/twins/d1'), service.patch('/twins/d1', {'tags': {}}), \
            service.post('/twins/d1/methods', {'methodName': 'a'}), \
            service.post('/devices/query', {'query': 'SELECT * FROM devices'}), \
            Poller(hub, device).event(b'1'):
        assert (answer.status, answer.error) == (403, 'IotHubQuotaExceeded')
    with Amqp(hub).allow() as amqp:
        assert conditions(amqp, ['d1'], 2) == ['com.microsoft:quota-exceeded'] * 2
    assert 'used up' in hub.run('usage').stdout

    hub.run('clock', 'advance', '24h')
    assert usage(hub)['billed'] == 0
    with client_of(hub, device) as client:
        client.publish(device.topic(), b'1')
    assert service.get('/twins/d1').status == 200
    assert usage(hub)['operations']['d2c-send']['billed'] == 1


def test_the_day_ends_at_midnight_utc_of_the_hubs_clock(start):
    hub = start('F1')
    device = device_of(hub)
    with client_of(hub, device) as client:
        client.publish(device.topic(), b'1')
        today = usage(hub)['day']
        h, m, s = map(int, hub.run('clock', 'show').stdout[11:19].split(':'))
        left = DAYS - (3600 * h + 60 * m + s)
        if left > 60:
            hub.run('clock', 'advance', '%ds' % (left - 30))
            client.publish(device.topic(), b'2')
            assert (usage(hub)['day'], usage(hub)['billed']) == (today, 2)
        hub.run('clock', 'advance', '60s')
        client.publish(device.topic(), b'3')
        assert usage(hub)['day'] > today
        assert usage(hub)['billed'] == 1


# --- without a tier, and on the command line ---

def test_without_a_tier_nothing_is_limited_or_counted(start):
    hub = start()
    device = device_of(hub)
    with client_of(hub, device) as client:
        client.send(events(device.topic(), 0, 7000))
        read_pubacks(client, 7000)
    service, connection = service_of(hub), Connection(hub)
    for _ in range(150):
        assert service.get('/devices/d1', connection=connection).status == 200
    assert usage(hub) == {'tier': None}
    assert 'no tier' in hub.run('usage').stdout


def test_tiers_and_units_are_checked(start):
    for words, said in (('--tier', 'B1'), "--tier takes F1, S1, S2 or S3, not 'B1'"), \
            (('--tier', 'F1', '--units', '2'), 'F1 has 1 unit at most'), \
            (('--tier', 'S3', '--units', '11'), 'S3 has 10 units at most'), \
            (('--tier', 'S1', '--units', '0'), '--units takes'), \
            (('--units', '2'), '--units needs --tier'):
        refused = start.hub.run('serve', *words, check=False)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr
    start.hub.stop()
    refused = start.hub.run('usage', check=False)
    assert refused.returncode == 1 and 'no server runs' in refused.stderr


def test_usage_for_people(start):
    hub = start('s2', '--units', '3')
    lines = hub.run('usage').stdout.splitlines()
    assert lines[0] == 'tier S2, units 3'
    assert lines[1].endswith(': 0 of 18000000 messages, in chunks of 4096 bytes')
    row, = [line.split() for line in lines if line.startswith('d2c-send')]
    assert row == ['d2c-send', '21600', '0', '0', '0', '0']
