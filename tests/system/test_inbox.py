# SPDX-License-Identifier: Apache-2.0
"""Messages from the cloud to local services: real daemon, devhub, bus, and the explorer as the sender."""

import ast
import contextlib
import json
import os
import pwd
import subprocess
import time

import dbus
import pytest

from bus import BUILD, INBOX, As, PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from explorer import Explorer
from inbox import Taker, error_of, listed
from plain_hub import PlainHub

SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; };
inbox: { max_messages = 8; report_rejects = true; report_completions = %s; };
'''


@pytest.fixture
def gateway(tmp_path, devhub):  # noqa: F811
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (daemon.directory / 'queue', 'false'))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.devhub = devhub
        daemon.explorer = Explorer(devhub.directory)
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon


def send(gateway, body, *options):
    return gateway.explorer.run('send', 'gw-1', body, *options)


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return got


def facts(gateway):
    return gateway.bus.properties(INBOX)


def test_a_full_queue_does_not_keep_a_message_that_is_done(gateway):
    """The cloud was to be told, and cannot: a service does what is asked once, all the same."""
    gateway.stop()
    gateway.configure((SETTINGS % (gateway.directory / 'queue', 'true')).replace(
        'commit_interval', 'max_bytes = "4M"; segment = "512K"; when_full = "drop-newest"; commit_interval'))
    gateway.start()
    gateway.wait_for_link('connected')
    send(gateway, 'open the valve', '--message-id', 'order-1')
    until(lambda: listed(gateway.bus))
    gateway.devhub.stop()
    for values in ({'c%02d' % i: 'x' * 4000 for i in range(50)}, {'one': 'x' * 200}):  # until no corner is free
        with pytest.raises(dbus.DBusException) as full:
            for _ in range(1000):
                gateway.submit(values)
        assert error_of(full) == 'QueueFull'
    taker = Taker(gateway.bus)
    taker.complete(taker.take().id)
    assert listed(gateway.bus) == [] and taker.take() is None
    gateway.wait_for_log('the cloud is not told that message 1 (order-1) was completed')


def test_a_message_is_taken_and_completed(gateway):
    send(gateway, 'open the valve', '--message-id', 'order-1', '--correlation-id', 'c-1', '--property', 'valve=7',
         '--content-type', 'text/plain', '--user-id', 'ann', '--expiry', '1h')
    until(lambda: listed(gateway.bus))
    [seen] = listed(gateway.bus)
    assert (seen.message_id, seen.size, seen.times_taken, seen.taker) == ('order-1', 14, 0, '')

    taker = Taker(gateway.bus)
    message = taker.take()
    assert message.body == b'open the valve' and message.id == seen.id and message.times_taken == 0
    assert (message.message_id, message.correlation_id) == ('order-1', 'c-1')
    assert message.properties['valve'] == '7' and message.properties['$.ct'] == 'text/plain'
    assert message.properties['$.uid'] == 'ann'
    assert abs(message.received / 1e6 - time.time()) < 60 and abs(message.expiry / 1e6 - time.time() - 3600) < 120
    [seen] = listed(gateway.bus)
    assert seen.taker == taker.name and abs(seen.until / 1e6 - time.time() - 60) < 30

    taker.complete(message.id)
    assert listed(gateway.bus) == [] and taker.take() is None
    now = facts(gateway)
    assert (now['Received'], now['Waiting'], now['Completed'], now['Rejected']) == (1, 0, 1, 0)
    assert abs(now['LastReceived'] / 1e6 - time.time()) < 60


def test_who_leaves_gives_back_and_the_next_is_told(gateway):
    send(gateway, 'x', '--message-id', 'order-1')
    first, second = Taker(gateway.bus), Taker(gateway.bus)
    message = first.wait()
    for refused in (second.take, second.complete, second.reject, lambda id: second.extend(id, 1000000)):
        with pytest.raises(dbus.DBusException) as caught:
            refused(message.id)
        assert error_of(caught) == 'NotOwner'
    with pytest.raises(dbus.DBusException) as caught:
        first.extend(message.id, 25 * 3600 * 10**6)
    assert error_of(caught) == 'BadValue'
    first.extend(message.id, 3600 * 10**6)
    assert listed(gateway.bus)[0].until / 1e6 > time.time() + 3000
    first.leave()
    again = second.wait()
    assert again.id == message.id and again.times_taken == 1
    second.extend(again.id, 100000)  # or lets his time run out
    third = Taker(gateway.bus)
    assert third.wait().times_taken == 2
    with pytest.raises(dbus.DBusException) as caught:
        second.complete(message.id)
    assert error_of(caught) == 'NotOwner'


def test_a_restart_keeps_what_waits_and_the_mark(gateway):
    for i in range(3):
        send(gateway, 'n %d' % i, '--message-id', 'order-%d' % i)
    until(lambda: len(listed(gateway.bus)) == 3)
    taker = Taker(gateway.bus)
    taker.complete(taker.take().id)
    assert taker.take().message_id == 'order-1'
    for end in (gateway.stop, gateway.kill):
        end()
        gateway.start()
        gateway.wait_for_link('connected')
        until(lambda: len(listed(gateway.bus)) == 2)
        assert [(m.message_id, m.times_taken, m.taker) for m in listed(gateway.bus)] == [
            ('order-1', 1, ''), ('order-2', 0, '')]


def test_a_reject_is_reported_and_logged(gateway):
    send(gateway, 'x', '--message-id', 'order-1')
    taker = Taker(gateway.bus)
    taker.reject(taker.wait().id, 'there is no valve 7')
    [event] = gateway.devhub.events(count=1)
    assert event['body'] == {'outcome': 'rejected', 'reason': 'there is no valve 7'}
    assert event['properties']['hl-inbox'] == 'rejected' and event['properties']['hl-inbox-id'] == '1'
    assert 'order-1' in event['system'].values()
    who = '%s (%s)' % (pwd.getpwuid(os.getuid()).pw_name, taker.name)
    assert gateway.lines('message 1 (order-1) was rejected by %s: there is no valve 7' % who)
    assert facts(gateway)['Rejected'] == 1
    assert gateway.lines('Cloud message 1 (order-1), rejected by %s: 406' % who)
    audit = ctl(gateway, 'audit').stdout
    assert 'message 1 (order-1)' in audit and '406' in audit and who in audit

    gateway.configure(SETTINGS % (gateway.directory / 'queue', 'true'))
    gateway.reload()
    send(gateway, 'x', '--message-id', 'order-2')
    taker.complete(taker.wait().id)
    assert gateway.devhub.events(count=2)[1]['properties']['hl-inbox'] == 'completed'
    assert gateway.lines('Cloud message 2 (order-2), completed by %s: 200' % who)


def test_when_it_is_full_the_hub_keeps_the_rest(gateway):
    for i in range(12):
        send(gateway, 'n %d' % i, '--message-id', 'order-%d' % i)
    until(lambda: len(listed(gateway.bus)) >= 8)
    gateway.wait_for_log('the hub keeps the rest')
    assert facts(gateway)['Full']
    told = ctl(gateway, 'status').stdout
    assert 'The inbox takes no more from the hub' in told and 'nothing to do' not in told, told
    assert json.loads(ctl(gateway, '--json', 'status').stdout)['inbox']['full'] is True
    with open('/dev/full', 'w', encoding='utf-8') as full:
        assert ctl(gateway, 'inbox', 'list', stdout=full).returncode == 1
    taker = Taker(gateway.bus)
    got = []
    while len(got) < 12:
        message = taker.wait()
        assert len(listed(gateway.bus)) <= 12
        got.append(message.body.decode())
        taker.complete(message.id)
    assert got == ['n %d' % i for i in range(12)]
    assert facts(gateway)['Waiting'] == 0
    until(lambda: not facts(gateway)['Full'])


def test_what_expires_is_gone(gateway):
    gateway.configure('clock: { trust = true; };', 'conf.d/clock.conf')
    gateway.reload()
    send(gateway, 'x', '--message-id', 'order-1', '--expiry', '5s')
    until(lambda: listed(gateway.bus))
    until(lambda: not listed(gateway.bus))
    assert gateway.lines('message 1 (order-1) was not completed before it expired')
    assert gateway.lines('Cloud message 1 (order-1), expired by hublinkd: 410')


def test_the_sender_hears_that_it_is_stored(gateway):
    """The feedback means that it is on our disk: nobody has taken it yet."""
    done = gateway.explorer.run('--json', 'send', 'gw-1', 'x', '--message-id', 'order-1', '--wait')
    assert 'success' in done.stdout.lower(), done.stdout
    assert [m.message_id for m in listed(gateway.bus)] == ['order-1']


# Connections of one user, all of which stay: each calls, and what came of it is counted.
CROWD = '''
import collections, sys, dbus.bus
address, n, interface, member, signature, argument = sys.argv[1:]
connections, found = [], collections.Counter()
for i in range(int(n)):
    connections.append(dbus.bus.BusConnection(address))
    try:
        connections[-1].call_blocking('org.hublink1', '/org/hublink1', interface, member, signature,
                                      (int(argument) if signature == 't' else argument + str(i),), timeout=20)
        found['taken'] += 1
    except dbus.DBusException as e:
        found[e.get_dbus_name().rsplit('.', 1)[1]] += 1
print(dict(found), flush=True)
sys.stdin.read()
'''


@contextlib.contextmanager
def crowd(gateway, n, *call):
    """What came of its calls, and then it goes on being there."""
    process = subprocess.Popen([*As.SUBMITTER, '/usr/bin/python3', '-c', CROWD, gateway.bus.address, str(n), *call],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield ast.literal_eval(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_who_takes_nothing_keeps_nobody_out(gateway):
    with crowd(gateway, 140, INBOX, 'Take', 't', '999') as found:
        assert found == {'NoSuchMessage': 140}
        send(gateway, 'for root', '--message-id', 'order-1')
        taker = Taker(gateway.bus)
        taker.complete(taker.wait().id)


def test_one_user_has_half_of_the_places(gateway):
    methods = 'org.hublink1.Methods'
    with crowd(gateway, 100, methods, 'Register', 's', 'crowd') as found:
        assert found == {'taken': 64, 'Busy': 36}
        other = gateway.bus.connect()
        other.call_blocking('org.hublink1', '/org/hublink1', methods, 'Register', 's', ('mine',))
    with crowd(gateway, 100, methods, 'Register', 's', 'again') as found:
        assert found == {'taken': 64, 'Busy': 36}, 'who has left has given it back'
    with crowd(gateway, 140, methods, 'Register', 's', 'no name') as found:
        assert found == {'BadValue': 140}


@pytest.mark.parametrize('who,may', [(As.NOBODY, False), (As.SUBMITTER, True), (As.ADMIN, True), (As.ROOT, True)])
def test_everybody_looks_and_the_group_takes(gateway, who, may):
    send(gateway, 'x', '--message-id', 'order-1')
    until(lambda: listed(gateway.bus))

    def ask(member, *args):
        return subprocess.run([*who, 'busctl', '--address=' + gateway.bus.address, 'call', 'org.hublink1',
                               '/org/hublink1', INBOX, member, *args], capture_output=True, text=True, timeout=20)

    assert ask('List').returncode == 0
    for member, args in (('Complete', ('t', '1')), ('Reject', ('ts', '1', 'no')), ('Extend', ('tt', '1', '5')),
                         ('Take', ('t', '1'))):
        refused = 'Access denied' in ask(member, *args).stderr
        assert refused != may, (member, may)


def ctl(gateway, *args, who=(), **options):
    return subprocess.run([*who, str(BUILD / 'src/ctl/hublinkctl'), '--bus', gateway.bus.address, *args],
                          **{'stdout': subprocess.PIPE, **options}, stderr=subprocess.PIPE, text=True, timeout=30)


def test_the_operator_looks_takes_and_ends(gateway, tmp_path):
    for i in range(5):
        send(gateway, 'n %d' % i, '--message-id', 'order-%d' % i, '--property', 'a=b')
    until(lambda: len(listed(gateway.bus)) == 5)
    table = ctl(gateway, 'inbox', 'list', who=As.NOBODY)
    assert table.returncode == 0 and 'order-4' in table.stdout, table
    first = json.loads(ctl(gateway, '--json', 'inbox', 'list').stdout)[0]
    assert (first['message_id'], first['size'], first['properties']['a']) == ('order-0', 3, 'b')
    assert (first['times_taken'], first['taker']) == (0, '')

    took = ctl(gateway, 'inbox', 'take')
    assert (took.returncode, took.stdout, took.stderr) == (0, 'n 0', '')
    file = tmp_path / 'order'
    took = ctl(gateway, '--json', 'inbox', 'take', '--output', str(file))
    assert took.returncode == 0 and json.loads(took.stdout)['message_id'] == 'order-1' and file.read_text() == 'n 1'
    assert list(tmp_path.glob('order*')) == [file]  # it came whole, by a name of its own
    taker = Taker(gateway.bus)
    again = taker.take()
    taker.leave()
    until(lambda: [m for m in listed(gateway.bus) if m.id == again.id and m.times_taken == 1])
    took = ctl(gateway, '--json', 'inbox', 'take', str(again.id))
    assert json.loads(took.stdout)['body'] == 'n 2' and 'taken 1 time before' in took.stderr, took
    fourth, fifth = (str(m.id) for m in listed(gateway.bus))
    assert ctl(gateway, 'inbox', 'complete', fourth).stdout == '%s is completed\n' % fourth
    assert ctl(gateway, 'inbox', 'reject', fifth, 'no').stdout == '%s is rejected\n' % fifth
    assert ctl(gateway, 'inbox', 'list').stdout == 'The inbox is empty.\n'
    nothing = ctl(gateway, 'inbox', 'take')
    assert nothing.returncode == 1 and 'no message that can be taken' in nothing.stderr
    assert ctl(gateway, 'inbox', 'complete', fifth).returncode == 1
    for words in (('take',), ('reject', '1', 'no'), ('complete', '1')):  # each begins with the same call of the bus
        denied = ctl(gateway, 'inbox', *words, who=As.NOBODY)
        assert denied.returncode == 1 and 'hublinkctl: not allowed for user nobody.' in denied.stderr, denied
        assert 'usermod -aG hublink USER' in denied.stderr and 'Take' not in denied.stderr, denied


def test_where_nothing_can_be_written_nothing_is_taken(gateway, tmp_path):
    """Each taking is marked, and whoever takes next is told that it may be done already."""
    send(gateway, 'n', '--message-id', 'order-1')
    until(lambda: listed(gateway.bus))
    there = tmp_path / 'there'
    there.write_text('as it was')
    reader, writer = os.pipe()
    os.close(reader)
    full, inside = os.open('/dev/full', os.O_WRONLY), os.open('/dev/null', os.O_RDONLY)
    for words, options, why in (
            (('--output', there), {}, 'there: File exists.'),
            (('--output', tmp_path / 'absent/order'), {}, 'absent/order: No such file'),
            (('--output', '/proc/order'), {}, '/proc/order: '),
            ((), {'stdout': full}, 'standard output: No space left'),
            ((), {'stdout': writer}, 'standard output: Broken pipe'),
            ((), {'stdout': inside}, 'standard output: Bad file descriptor'),
            (('--json', '--output', tmp_path / 'order'), {'stdout': full}, 'standard output: No space left')):
        refused = ctl(gateway, 'inbox', 'take', *(str(w) for w in words), **options)
        assert refused.returncode == 1 and why in refused.stderr, (words, refused)
        assert 'offered' not in refused.stderr
        assert [m.times_taken for m in listed(gateway.bus)] == [0], words
    for fd in (writer, full, inside):
        os.close(fd)
    assert there.read_text() == 'as it was' and not [f for f in tmp_path.glob('*') if f.name.startswith(('order', 'there.'))]
    assert ctl(gateway, 'inbox', 'take', '--output', str(tmp_path / 'order')).returncode == 0
    assert (tmp_path / 'order').read_text() == 'n' and not listed(gateway.bus)


def test_the_operator_watches(gateway):
    watch = subprocess.Popen([str(BUILD / 'src/ctl/hublinkctl'), '--bus', gateway.bus.address, '--json', 'inbox',
                              'list', '--watch', '--for', '20s'], stdout=subprocess.PIPE, text=True)
    try:
        assert watch.stdout.readline() == '[]\n'
        send(gateway, 'x', '--message-id', 'order-1')
        event = json.loads(watch.stdout.readline())
        assert (event['event'], event['message']['message_id']) == ('arrived', 'order-1')
        taker = Taker(gateway.bus)
        taker.take(event['id'])
        taker.leave()
        event = json.loads(watch.stdout.readline())
        assert event['event'] == 'arrived' and event['message']['times_taken'] == 1
    finally:
        watch.terminate()
        watch.wait(10)
        watch.stdout.close()
    assert watch.returncode == 0


def test_the_tools_of_the_queue_look_into_it_too(gateway):
    send(gateway, 'x', '--message-id', 'order-1')
    until(lambda: listed(gateway.bus))
    gateway.stop()
    ctl = [str(BUILD / 'src/ctl/hublinkctl'), '--json', 'queue']
    directory = str(gateway.directory / 'queue')
    done = subprocess.run([*ctl, 'inspect', directory], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done
    store = json.loads(done.stdout)['inbox']
    assert store['directory'].endswith('queue/inbox'), store
    done = subprocess.run([*ctl, 'verify', directory], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and json.loads(done.stdout)['damaged'] == 0, done


DEVICEBOUND = 'devices/gw-1/messages/devicebound/'


def test_one_that_can_never_be_stored_does_not_stop_the_way(tmp_path):
    """No hub of Microsoft's sends it; but who did would send it for ever, and nothing after it."""
    with PrivateBus() as bus, PlainHub(tmp_path) as hub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % (daemon.directory / 'queue', 'false'))
        daemon.hub(hub, hub.device('gw-1'))
        daemon.start()
        daemon.wait_for_link('connected')
        hub.await_subscribed(DEVICEBOUND + '#')
        hub.publish(DEVICEBOUND + '%24.mid=big', b'x' * (300 << 10), ident=7)
        hub.publish(DEVICEBOUND + '%24.mid=small', b'x', ident=8)
        hub.await_puback(7)
        hub.await_puback(8)
        [seen] = listed(bus)
        assert seen.message_id == 'small'
        now = bus.properties(INBOX)
        assert (now['Refused'], now['Received'], hub.connections) == (1, 1, 1)
        entries = json.loads(subprocess.run(
            [BUILD / 'src/ctl/hublinkctl', '--bus', bus.address, '--json', 'audit'], capture_output=True, text=True,
            check=True, timeout=20).stdout)
        assert [(e['name'], e['caller'], e['status']) for e in entries] == [('message (big)', 'hublinkd', 413)]
        assert daemon.lines('Cloud message (big), refused by hublinkd: 413')
        topic, body = until(lambda: next((p for p in hub.published if 'hl-inbox' in p[0]), None))
        assert '%24.cid=big' in topic and 'hl-inbox=rejected' in topic
        assert json.loads(body)['outcome'] == 'rejected'


def test_one_taker_is_not_held_up_by_the_disk(gateway):
    """Each message costs two commits. What the machine can do is printed; the bound only tells commits that come when
    they are asked for from those that wait for an interval of 100 ms."""
    n, taker = 120, Taker(gateway.bus)
    settings = SETTINGS.replace('max_messages = 8', 'max_messages = 200')
    gateway.configure(settings % (gateway.directory / 'queue', 'false'))
    gateway.reload()
    with Cloud(gateway.devhub) as cloud:
        for i in range(n):
            cloud.send('gw-1', b'x', id='order-%d' % i)
            until(lambda: i - facts(gateway)['Waiting'] < 10)  # the hub keeps 50, and hears of each when it is stored
    until(lambda: facts(gateway)['Waiting'] == n)
    began = time.monotonic()
    for _ in range(n):
        taker.complete(taker.take().id)
    took = time.monotonic() - began
    print('one taker: %.0f messages a second' % (n / took))
    assert took < n * 0.1 and facts(gateway)['Waiting'] == 0
