# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer's AMQP against a hub that does what the test says."""

import json
import time

import pytest
from proton import int32, symbol

from explorer import Explorer
from scripted_hub import EVENTS_HOST, HOST, ScriptedHub


@pytest.fixture
def hub(tmp_path):
    with ScriptedHub(tmp_path) as hub:
        yield hub


@pytest.fixture
def explorer(hub):
    return Explorer(hub.directory)


def sequences(done):
    return sorted(json.loads(line)['sequence'] for line in done.stdout.splitlines())


def from_start(explorer, count):
    return explorer.run('monitor-events', '--from', 'start', '--count', count, '--json')


# --- the way ---

@pytest.mark.parametrize('address, info', [
    ('amqps://localhost:{port}/entity/$management', {}),
    ('amqps://localhost:{port}/entity/ConsumerGroups/$Default/Partitions/0', {'hostname': 'localhost'}),
    ('amqps://localhost:{port}/entity/', {}),
    ('amqps://hub.example.net:{port}/entity', {}),  # the hub sends us to itself: no name service knows it
    ('amqps://hub.example.net:{port}/entity', {'network-host': '127.0.0.1'}),
])
def test_every_form_of_redirect(hub, explorer, address, info):
    hub.redirect, hub.redirect_info = address, info
    hub.event('0', 1)
    assert sequences(from_start(explorer, 1)) == [1]
    assert hub.saw('connection') == HOST
    there = EVENTS_HOST if 'localhost' in address else HOST
    assert hub.saw('connection') == there
    host, name, token = hub.saw('token')
    assert name == 'sb://%s/entity' % there and 'sr=sb%%3A%%2F%%2F%s%%2Fentity&' % there in token


@pytest.mark.parametrize('address', [None, 'amqps://localhost', 'elsewhere', 'amqps://localhost:x/entity'])
def test_a_redirect_that_leads_nowhere(hub, explorer, address):
    hub.redirect = address
    assert 'leads nowhere' in explorer.fails(1, 'monitor-events')


def test_trap_45_ids_as_a_list_and_many_partitions(hub, explorer):
    hub.as_list = True
    hub.partitions = [str(n) for n in range(32)]
    for n in range(32):
        hub.event(str(n), n + 1)
    assert sequences(from_start(explorer, 32)) == list(range(1, 33))


# --- tokens ---

@pytest.mark.parametrize('host', [HOST, EVENTS_HOST])
@pytest.mark.parametrize('status, code, words', [
    ((401, 'ExpiredToken'), 5, 'clock'), ((404, 'no entity'), 5, 'no entity'), ((500, 'hm'), 5, 'try again later'),
    ((400, 'hm'), 5, 'status 400')])
def test_a_token_is_not_taken(hub, explorer, host, status, code, words):
    hub.token_status[host] = status
    said = explorer.fails(code, 'monitor-events')
    assert words in said and status[1] in said and host in said


def test_no_answer_to_a_token(hub, explorer):
    hub.token_status[HOST] = (0, '')
    assert 'has no answer to $cbs' in explorer.fails(4, '--timeout', '1s', 'send', 'd1', 'x')


# --- refusals ---

CONDITIONS = ['amqp:not-found', 'amqp:resource-limit-exceeded', 'amqp:link:message-size-exceeded',
              'com.microsoft:quota-exceeded', 'com.microsoft:device-container-throttled', 'amqp:unauthorized-access',
              'com.microsoft:argument-error', 'com.microsoft:argument-out-of-range',
              'com.microsoft:precondition-failed', 'com.microsoft:message-lock-lost',
              'com.microsoft:iot-hub-suspended', 'com.microsoft:iot-hub-not-found-error', 'com.microsoft:timeout',
              'com.microsoft:device-already-exists', 'somebody:else']


@pytest.mark.parametrize('condition', CONDITIONS)
def test_a_message_is_rejected(hub, explorer, condition):
    hub.reject = (condition, 'the hub says \x1b[2J')
    said = explorer.fails(5, 'send', 'd1', 'x')
    assert 'cannot send to d1: the hub says' in said and condition in said and '\x1b' not in said


@pytest.mark.parametrize('words, address', [
    (['send', 'd1', 'x'], '/messages/devicebound'), (['monitor-feedback'], '/messages/serviceBound/feedback'),
    (['send', 'd1', 'x', '--wait'], '/messages/serviceBound/feedback'), (['monitor-events'], '$management'),
    (['monitor-events'], 'entity/ConsumerGroups/$Default/Partitions/1'), (['monitor-events'], '$cbs')])
def test_a_link_is_refused(hub, explorer, words, address):
    hub.refuse[address] = ('amqp:unauthorized-access', 'Unauthorized', {})
    said = explorer.fails(5, *words)
    assert 'Unauthorized (amqp:unauthorized-access)' in said and 'ServiceConnect' in said


def test_a_hub_that_says_when_to_come_again(hub, explorer):
    hub.refuse['/messages/devicebound'] = ('com.microsoft:device-container-throttled', 'slowly',
                                           {symbol('com.microsoft:retry-after'): int32(9)})
    assert 'try again in 9 s' in explorer.fails(5, 'send', 'd1', 'x')


# --- on the way ---

def test_losses_of_every_kind(hub, explorer):
    """Each is waited out, and what came meanwhile is not passed over, though nothing had come before."""
    hub.event('0', 1)
    with explorer.watch('monitor-events', '--json') as watch:
        watch.until('reading 2 partitions')
        for n, lose in enumerate((hub.cut, lambda: hub.detach('1', 'amqp:link:detach-forced'),
                                  lambda: hub.close('amqp:connection:forced', 'upgrade'),
                                  lambda: hub.detach('0', 'com.microsoft:server-busy')), 2):
            lose()
            watch.until('trying again')
            hub.event('1', n)
            watch.until('is back')
            assert json.loads(watch.line())['sequence'] == n
        assert watch.stop() == 0
        assert watch.rest() == []
    # the end was made an offset, at once
    assert hub.filters[:2] == [('0', "amqp.annotation.x-opt-offset > '10'"), ('1', "amqp.annotation.x-opt-offset > '-1'")]
    assert hub.filters[-1] == ('1', "amqp.annotation.x-opt-offset > '40'")


def test_a_link_is_stolen(hub, explorer):
    with explorer.watch('monitor-events') as watch:
        watch.until('reading')
        hub.detach('0', 'amqp:link:stolen', 'a new receiver')
        assert watch.end() == 5
        assert any('a new receiver' in line and 'consumer group' in line for line in watch.said)


def test_an_idle_connection_is_kept_up(hub, explorer):
    hub.idle_timeout = 1.0
    with explorer.watch('monitor-events', '--json') as watch:
        watch.until('reading')
        time.sleep(4)
        hub.event('0', 1)
        assert json.loads(watch.line())['sequence'] == 1
        assert watch.stop() == 0
        assert not any('lost' in line or 'trying' in line for line in watch.said)


def test_a_right_is_taken_away(hub, explorer):
    with explorer.watch('monitor-feedback') as watch:
        watch.until('waiting')
        hub.token_status[HOST] = (401, 'gone')
        hub.cut()
        assert watch.end() == 5
        assert any('gone' in line for line in watch.said)


def test_a_token_that_ended_while_the_machine_slept(hub, explorer):
    with explorer.watch('monitor-events', '--json') as watch:
        watch.until('reading')
        hub.detach('0', 'amqp:unauthorized-access', 'ExpiredToken')
        watch.until('is back')
        hub.event('0', 1)
        assert json.loads(watch.line())['sequence'] == 1
        assert watch.stop() == 0


def test_a_renewal_is_refused(hub, explorer):
    with explorer.watch('monitor-feedback', '--token-life', '4s') as watch:
        watch.until('waiting')
        hub.token_status[HOST] = (401, 'no more')
        assert watch.end() == 5
        assert any('no more' in line for line in watch.said)
