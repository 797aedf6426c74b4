# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer's AMQP against a hub that has nothing of ours in it (rhea_hub.py): a mistake that both of our
sides made would show here."""

import base64
import json
import signal
import subprocess

import pytest

from explorer import Explorer
from rhea_hub import ENTITY, EVENTS_HOST, HOST, RheaHub


@pytest.fixture(scope='module')
def the_hub(tmp_path_factory):
    with RheaHub(tmp_path_factory.mktemp('hub'),
                 refuse={'unknown': 'amqp:not-found', 'full': 'amqp:resource-limit-exceeded'}) as hub:
        for n, partition in ((1, '0'), (2, '0'), (3, '1')):
            hub.do('event', partition=partition, body='{"n": %d}' % n, application={'k': 'v%d' % n},
                   properties={'content_type': 'application/json', 'message_id': 'm%d' % n},
                   annotations={'iothub-connection-device-id': 'd%d' % (n % 2)})
        yield hub


@pytest.fixture
def hub(the_hub):
    the_hub.forget()
    return the_hub


def explorer_of(hub, login):
    return Explorer(env={'HUBLINK_LOGIN': login}, options=['--ca', hub.ca_file], within=hub.within)


@pytest.fixture
def explorer(hub):
    return explorer_of(hub, hub.connection_string)


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- events ---

def test_trap_2_the_way_to_the_events_and_a_key_of_two_uses(hub, explorer):
    found = events(explorer.run('monitor-events', '--from', 'start', '--count', 3, '--json'))
    assert sorted((e['device'], e['sequence'], e['body']['n']) for e in found) == \
        [('d0', 101, 2), ('d1', 100, 1), ('d1', 100, 3)]
    one = next(e for e in found if e['body']['n'] == 1)
    assert one['properties'] == {'k': 'v1'}
    assert one['system']['message-id'] == 'm1' and one['system']['content-type'] == 'application/json'
    assert one['system']['iothub-message-source'] == 'Telemetry' and one['system']['x-opt-offset'] == '6400'
    assert one['enqueued'].endswith('Z')
    # the hub is asked first, and sends us on; each gets a token of its own making
    tokens = hub.saw('token'), hub.saw('token')
    assert [(t['host'], t['ok'], t['resource']) for t in tokens] == \
        [(HOST, True, HOST), (EVENTS_HOST, True, 'sb://%s/%s' % (EVENTS_HOST, ENTITY))]
    assert hub.saw('management')['token'] is True
    readers = sorted(((r['partition'], r['group'], r['filter']) for r in (hub.saw('reader'), hub.saw('reader'))))
    assert readers == [(p, '$default', "amqp.annotation.x-opt-offset > '-1'") for p in '01']


@pytest.mark.parametrize('where, expected', [
    ('101', [(0, 101)]), ('sequence:100', [(0, 100), (0, 101), (1, 100)]), ('offset:6400', [(0, 101)]),
    ('2020-01-01T00:00:00Z', [(0, 100), (0, 101), (1, 100)]), ('1h', [(0, 100), (0, 101), (1, 100)]),
    ('2100-01-01T00:00:00Z', [])])
def test_positions(explorer, where, expected):
    done = explorer.run('monitor-events', '--from', where, '--for', '1s')
    heads = [line.split('  ') for line in done.stdout.splitlines() if '  partition ' in line]
    assert sorted((int(h[2].split()[1]), int(h[3].split()[1])) for h in heads) == expected


def test_a_device_a_property_a_group(hub, explorer):
    found = events(explorer.run('monitor-events', 'd0', '--from', 'start', '--count', 1, '--json'))
    assert [e['body']['n'] for e in found] == [2]
    found = events(explorer.run('monitor-events', '--property', 'k=v3', '--from', 'start', '--count', 1, '--json',
                                '--consumer-group', 'mine'))
    assert [e['body']['n'] for e in found] == [3]
    while hub.saw('reader')['group'] != 'mine':
        pass


def test_what_comes_while_one_watches(hub, explorer):
    with explorer.watch('monitor-events', '--json') as watch:
        watch.until('reading 2 partitions')
        hub.do('event', partition='1', body='text', annotations={'iothub-connection-device-id': 'dev'})
        event = json.loads(watch.line())
        assert event['device'] == 'dev' and base64.b64decode(event['body_base64']) == b'text'
        assert watch.stop() == 0
        assert watch.rest() == [] and 'Traceback' not in str(watch.said)


def test_a_cut_loses_nothing_and_doubles_nothing(hub, explorer):
    with explorer.watch('monitor-events', 'cut', '--json') as watch:
        watch.until('reading 2 partitions')
        for n in range(20):
            hub.do('event', partition=str(n % 2), body=str(n), annotations={'iothub-connection-device-id': 'cut'})
            if n in (3, 10):
                hub.do('cut')
                hub.saw('end')
            if n in (6, 16):  # what came meanwhile waits for us
                watch.until('is back')
        seen = [json.loads(watch.line())['body'] for _ in range(20)]
        assert sorted(seen) == list(range(20))
        assert [n for n in seen if n % 2 == 0] == list(range(0, 20, 2))
        assert watch.stop(signal.SIGTERM) == 0
        assert watch.rest() == []
        assert any('trying again' in line for line in watch.said)


def test_verify_counts_records(hub, explorer):
    with explorer.watch('monitor-events', 'counted', '--verify', '--count', 30) as watch:
        watch.until('reading')
        for first, last in ((1, 10), (11, 20), (1, 10), (31, 40)):
            hub.do('event', partition='0', body='[]', annotations={'iothub-connection-device-id': 'counted'},
                   properties={'message_id': 'telemetry.0123456789abcdef.%d-%d' % (first, last)})
        assert watch.end() == 1
        assert watch.rest()[-1] == 'received=40 unique=30 duplicates=10 gaps=10'


def test_a_closed_pipe_ends_it(hub, explorer):
    process = subprocess.Popen(explorer.command('monitor-events', '--from', 'start', '--json'), env=explorer.env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline()
    process.stdout.close()  # no event comes any more: it is the pipe itself that tells
    assert process.wait(20) == 0
    assert 'roken' not in process.stderr.read()
    process.stderr.close()


# --- messages to devices ---

def test_a_message_as_the_hub_sees_it(hub, explorer):
    done = explorer.run('send', "d#1'/m", 'hello', '--property', 'a=b', '--property', 'e=', '--message-id', 'id 1',
                        '--correlation-id', 'c', '--user-id', 'u', '--content-type', 'text/plain', '--ack', 'full',
                        '--expiry', '2030-01-01T00:00:00Z')
    assert done.stdout == "sent id 1 to d#1'/m\n"
    seen = hub.saw('message')
    assert seen['system'] == {
        'to': '/devices/d%231%27/modules/m/messages/devicebound', 'message_id': 'id 1', 'correlation_id': 'c',
        'user_id': 'u', 'content_type': 'text/plain', 'absolute_expiry_time': 1893456000000}
    assert seen['application'] == {'a': 'b', 'e': '', 'iothub-ack': 'full'}
    assert base64.b64decode(seen['body']) == b'hello'
    assert seen['typecode'] == 0x75  # a data section


def test_bytes_from_a_file_and_from_standard_input(hub, explorer, tmp_path):
    body = bytes(range(256)) * 100
    (tmp_path / 'body').write_bytes(body)
    explorer.run('send', 'd1', '@%s' % (tmp_path / 'body'))
    assert base64.b64decode(hub.saw('message')['body']) == body
    explorer.run('send', 'd1', '-', stdin='from a pipe')
    assert base64.b64decode(hub.saw('message')['body']) == b'from a pipe'


@pytest.mark.parametrize('device, words', [('unknown', 'no such device'), ('full', '50 messages wait')])
def test_a_refused_message(explorer, device, words):
    assert words in explorer.fails(5, 'send', device, 'x')


def record(message_id, status='Success', device='d1'):
    return {'originalMessageId': message_id, 'deviceId': device, 'deviceGenerationId': '1', 'statusCode': status,
            'description': status, 'enqueuedTimeUtc': '2026-01-02T03:04:05.6789012Z'}


@pytest.mark.parametrize('status, code', [('Success', 0), ('Expired', 1)])
def test_waiting_for_what_becomes_of_it(hub, explorer, status, code):
    with explorer.watch('send', 'd1', 'x', '--message-id', 'mine', '--wait', '--json') as watch:
        assert hub.saw('message')['application'] == {'iothub-ack': 'full'}
        assert json.loads(watch.line()) == {'deviceId': 'd1', 'messageId': 'mine'}
        hub.do('feedback', records=[record('of others')])
        hub.do('feedback', records=[record('mine', device='another')])
        hub.do('feedback', records=[record('mine', status)])
        assert json.loads(watch.line())['statusCode'] == status
        assert watch.end() == code
    # others find theirs again
    assert sorted(hub.saw('outcome')['outcome'] for _ in range(3)) == ['accepted', 'released', 'released']


def test_feedback(hub, explorer):
    with explorer.watch('monitor-feedback') as watch:
        watch.until('waiting')
        hub.do('feedback', records=[record('a'), record('b', 'Rejected', 'd2')])
        assert watch.lines(2) == ['2026-01-02T03:04:05.6789012Z  d1  a  Success',
                                  '2026-01-02T03:04:05.6789012Z  d2  b  Rejected']
        assert hub.saw('outcome')['outcome'] == 'accepted'
        hub.do('cut')
        watch.until('is back')
        hub.do('feedback', records=[record('c')])
        assert watch.line().endswith('  c  Success')
        assert watch.stop() == 0


# --- who we are ---

@pytest.mark.parametrize('command', [['monitor-events'], ['monitor-feedback'], ['send', 'd1', 'x']])
def test_a_wrong_key(hub, command):
    wrong = hub.connection_string.rsplit('=', 2)[0] + '=' + base64.b64encode(b'x' * 32).decode()
    words = explorer_of(hub, wrong).fails(5, *command)
    assert 'did not take the token' in words and 'ServiceConnect' in words


def test_tokens_are_renewed(hub, explorer):
    with explorer.watch('monitor-events', '--json', '--token-life', '4s') as watch:
        watch.until('reading')
        hub.saw('token'), hub.saw('token')
        for n in range(2):
            assert hub.saw('token')['ok']
        hub.do('event', partition='0', body='1')
        assert json.loads(watch.line())['body'] == 1
        assert watch.stop() == 0
