# SPDX-License-Identifier: Apache-2.0
"""Orders over the wire: the Hub with its real transport, a real devhub, and the cloud's side by Qpid Proton and REST.

Above all, that a message is acknowledged once it is stored and never before, wherever the process dies.
"""

import concurrent.futures
import json
import time

import pytest
from bus import PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401  (a fixture)
from hub_peer import peer_of
from https import Service


@pytest.fixture
def device(devhub):
    return devhub.create('d1')


@pytest.fixture
def cloud(devhub):
    with Cloud(devhub) as cloud:
        yield cloud


def listening(devhub, device):
    """A hub-peer that has subscribed to methods and the twin."""
    peer = peer_of(devhub, device, orders='no-messages')
    peer.await_that(lambda line: line.get('listening'))
    return peer


def message(peer, within=20):
    return peer.await_that(lambda line: 'message' in line, within)


def none_comes(peer, seconds=1.0):
    with pytest.raises(AssertionError):
        peer.await_that(lambda line: 'message' in line, seconds)


def waiting(devhub):
    """How many messages the hub keeps for the device."""
    return Service(devhub).get('/devices/d1').json['cloudToDeviceMessageCount']


def wait_until_completed(devhub, seconds=20):
    end = time.monotonic() + seconds
    while waiting(devhub):
        assert time.monotonic() < end
        time.sleep(0.05)


# --- cloud messages ---

def test_a_message_is_acknowledged_when_it_is_stored(devhub, device, cloud):
    with peer_of(devhub, device, orders='all') as peer:
        cloud.send('d1', b'hello', id='m1', ack='full')
        first = message(peer)
        assert (first['id'], first['body']) == ('m1', 'hello')
        peer.tell('send 5')          # waits as well
        with pytest.raises(AssertionError):
            peer.await_that(lambda line: 'delivered' in line, 1)
        assert waiting(devhub) == 1
        peer.tell('store %d' % first['message'])
        peer.await_delivered(5)
        record, = cloud.feedback(1)
        assert (record['originalMessageId'], record['statusCode']) == ('m1', 'Success')


def test_killed_between_arrival_and_storing_it_gets_the_message_again(devhub, device, cloud):
    cloud.send('d1', b'precious', id='m1')
    for _ in range(5):
        with peer_of(devhub, device, orders='all') as peer:
            assert message(peer)['id'] == 'm1'
            peer.process.kill()      # the ticket is out
            peer.process.wait()
        assert waiting(devhub) == 1
    with peer_of(devhub, device, orders='all') as peer:
        again = message(peer)
        assert (again['id'], again['body']) == ('m1', 'precious')
        peer.tell('store %d' % again['message'])
        wait_until_completed(devhub)
    with peer_of(devhub, device, orders='all') as peer:
        none_comes(peer)


def test_what_came_while_we_were_away_comes_with_the_kept_session(devhub, device, cloud):
    with peer_of(devhub, device, orders='all') as peer:
        peer.tell('send 1')
        peer.await_delivered(1)      # the subscription is older than that
    for n in range(10):
        cloud.send('d1', b'%d' % n, id='m%d' % n)
    with peer_of(devhub, device, orders='all') as peer:
        for n in range(10):
            came = message(peer)
            assert came['id'] == 'm%d' % n
            peer.tell('store %d' % came['message'])
        wait_until_completed(devhub)


def test_one_that_cannot_be_stored_ends_the_link_and_comes_again(devhub, device, cloud):
    with peer_of(devhub, device, orders='all') as peer:
        for n in range(3):
            cloud.send('d1', b'%d' % n, id='m%d' % n)
        tickets = [message(peer)['message'] for _ in range(3)]
        peer.tell('store %d' % tickets[0])
        peer.tell('fail %d' % tickets[1])
        detail = peer.await_link('waiting', 'closed')['detail']
        assert 'could not be stored' in detail
        for n in range(3):           # not even the first was acknowledged: it waited for the others
            came = message(peer)
            assert came['id'] == 'm%d' % n
            peer.tell('store %d' % came['message'])
        wait_until_completed(devhub)


def test_what_nobody_wants_stays_with_the_hub(devhub, device, cloud):
    with peer_of(devhub, device, orders='all') as peer:
        peer.tell('want no')
        peer.tell('send 1')
        peer.await_delivered(1)
        cloud.send('d1', b'later', id='m1')
        none_comes(peer)
        peer.tell('reconnect')
        peer.await_link('connected')
        none_comes(peer)
        peer.tell('want yes')
        peer.tell('store %d' % message(peer)['message'])
        wait_until_completed(devhub)


# --- methods and the twin ---

def test_a_method_is_called_and_answered(devhub, device):
    service = Service(devhub)
    with listening(devhub, device) as peer, concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(service.post, '/twins/d1/methods', {'methodName': 'reboot', 'payload': {'in': 5}})
        call = peer.await_that(lambda line: 'call' in line)
        assert (call['name'], json.loads(call['payload'])) == ('reboot', {'in': 5})
        peer.tell('answer 207 %s {"ok":true}' % call['call'])
        assert answer.result().status == 200
        assert answer.result().json == {'status': 207, 'payload': {'ok': True}}


def test_the_twin_is_read_reported_and_followed(devhub, device):
    service = Service(devhub)
    with listening(devhub, device) as peer:
        peer.tell('get')
        twin = peer.await_that(lambda line: 'twin' in line)
        assert twin['status'] == 200
        version = json.loads(twin['body'])['reported']['$version']
        peer.tell('report {"a":{"b":1}}')
        report = peer.await_that(lambda line: 'twin' in line)
        assert (report['status'], report['version'], report['body']) == (204, version + 1, '')
        assert service.get('/twins/d1').json['properties']['reported']['a'] == {'b': 1}
        service.patch('/twins/d1', {'properties': {'desired': {'c': 2}}})
        desired = peer.await_that(lambda line: 'desired' in line)
        assert json.loads(desired['body']) == {'c': 2, '$version': desired['desired']}
        peer.tell('report {"$version":1}')
        assert peer.await_that(lambda line: 'twin' in line)['status'] == 400


# --- the daemon ---

def test_who_calls_a_method_that_nobody_answers_is_told_so_at_once(devhub, device, tmp_path):
    service = Service(devhub)
    with PrivateBus() as bus, Daemon(tmp_path / 'daemon', bus) as daemon:
        daemon.configure('hub: { address = "127.0.0.1:%d"; ca_file = "%s"; };' % (devhub.port, devhub.ca_file))
        daemon.credential(device.connection_string)
        daemon.start()
        daemon.wait_for_link('connected')
        begun = time.monotonic()
        while (answer := service.post('/twins/d1/methods', {'methodName': 'nosuch'})).status == 404:
            assert time.monotonic() < begun + 20   # it has not subscribed yet
        assert answer.json['status'] == 404
        assert 'nosuch' in answer.json['payload']['error']
