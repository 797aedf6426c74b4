# SPDX-License-Identifier: Apache-2.0
"""What org.hublink1 tells unasked, and how it does when the bus itself fails; bus-peer in the place of the daemon."""

import signal
import time

import dbus
import pytest

from bus import DEAD_LETTERS, MANAGER, NAME, PATH, SENSOR
from bus_calls import ERROR, Calls, submit
from bus_peer import BusPeer, bus, peer  # noqa: F401: two fixtures

SENSOR_PATH = PATH + '/sensor/'


# ---- told unasked ----

@pytest.fixture
def ear(bus, peer):
    """Hears everything that is told."""
    ear = Calls(bus)
    ear.listen(MANAGER, 'Settled')
    ear.listen('org.freedesktop.DBus.Properties', 'PropertiesChanged')
    ear.listen('org.freedesktop.DBus.ObjectManager', None)
    ear.settle_down(0.1)
    yield ear
    ear.close()


def most_in_a_second(times, seconds=1.0):
    """The largest number of times in any window; a little jitter on the way is forgiven."""
    return max((sum(1 for t in times if start <= t < start + seconds - 0.05) for start in times), default=0)


def test_settled_is_told_to_subscribers_only(bus, peer, ear):
    peer.tell('storm 10')
    ear.settle_down(0.4)
    assert not [s for s in ear.signals if len(s[2]) == 1]
    ear.call('Subscribe')
    ear.call('Subscribe')
    assert ear.run(lambda: len(ear.answers) == 2)
    peer.tell('settle wind 7 1 5 acknowledged')
    peer.tell('settle wind 7 6 9 expired')
    peer.tell('settle alarms 8 1 1 breaks-link')
    assert ear.run(lambda: sum((s[2][0] for s in ear.signals if len(s[2]) == 1), []) == [
        ('wind', 7, 1, 5, 'acknowledged', ''), ('wind', 7, 6, 9, 'dropped', 'expired'),
        ('alarms', 8, 1, 1, 'dead_lettered', 'breaks-link')]), ear.signals
    ear.call('Unsubscribe')
    assert ear.run(lambda: len(ear.answers) == 3)
    ear.signals.clear()
    peer.tell('storm 10')
    ear.settle_down(0.4)
    assert not [s for s in ear.signals if len(s[2]) == 1]


def test_what_settles_just_before_the_end_is_told(bus, peer, ear):
    ear.call('Subscribe')
    assert ear.run(lambda: ear.answers)
    peer.tell('settle wind 7 1 5 acknowledged')
    assert ear.run(lambda: [s for s in ear.signals if len(s[2]) == 1])
    ear.signals.clear()
    peer.tell('settle wind 7 6 6 acknowledged')  # within the interval of the first
    peer.quit()
    assert ear.run(lambda: [s for s in ear.signals if len(s[2]) == 1]), ear.signals


def test_settled_ends_with_its_last_subscriber(bus, peer, ear):
    subscriber = Calls(bus)
    subscriber.call('Subscribe')
    assert subscriber.run(lambda: len(subscriber.answers) == 1)
    peer.tell('storm 1')
    assert ear.run(lambda: [s for s in ear.signals if len(s[2]) == 1])
    subscriber.close()
    ear.settle_down(0.3)
    ear.signals.clear()
    peer.tell('storm 1')
    ear.settle_down(0.4)
    assert not [s for s in ear.signals if len(s[2]) == 1]


def test_pressure_is_told_to_everybody(bus, peer):
    ear = Calls(bus)
    ear.listen(MANAGER, 'Pressure')
    ear.settle_down(0.1)
    peer.tell('pressure telemetry 0.8125')
    peer.tell('pressure wind 0.95')
    assert ear.run(lambda: [s[2] for s in ear.signals] == [('telemetry', 0.8125), ('wind', 0.95)]), ear.signals
    ear.close()


def test_an_alarm_is_told_to_everybody(bus, peer):
    ear = Calls(bus)
    ear.listen(MANAGER, 'Alarm')
    ear.settle_down(0.1)
    peer.tell('alarm cpu.temperature above 81.5')
    peer.tell('alarm cpu.temperature clear 74')
    assert ear.run(lambda: [s[2] for s in ear.signals] ==
                   [('cpu.temperature', 'above', 81.5), ('cpu.temperature', 'clear', 74.0)]), ear.signals
    ear.close()


def test_settled_comes_four_times_a_second_and_says_all(bus, peer, ear):
    ear.call('Subscribe')
    assert ear.run(lambda: ear.answers)
    until = time.monotonic() + 2.5
    n = 0
    while time.monotonic() < until:
        peer.tell('storm 100')
        n += 100
        ear.settle_down(0.01)
    ear.settle_down(0.4)
    heard = [s for s in ear.signals if len(s[2]) == 1]
    assert 5 <= len(heard) and most_in_a_second([t for t, _, _ in heard]) <= 4
    ranges = sum((arguments[0] for _, _, arguments in heard), [])
    assert len(ranges) == len(heard)  # neighbours are one
    assert ranges[0][2] == 1 and ranges[-1][3] == n
    assert all(a[3] + 1 == b[2] for a, b in zip(ranges, ranges[1:]))


def test_ranges_without_neighbours_are_all_told(bus, peer, ear):
    ear.call('Subscribe')
    assert ear.run(lambda: ear.answers)
    for i in range(1000):
        peer.process.stdin.write('settle telemetry 1 %d %d acknowledged\n' % (2 * i + 1, 2 * i + 1))
    peer.asked()
    def told():
        return sum((s[2][0] for s in ear.signals if len(s[2]) == 1), [])
    assert ear.run(lambda: len(told()) >= 1000)
    assert sorted(r[2] for r in told()) == list(range(1, 2001, 2))


def test_subscribers_are_bounded(bus, peer):
    clients = [Calls(bus) for _ in range(129)]
    for client in clients:
        client.call('Subscribe')
        assert client.run(lambda: client.answers or client.errors)
    assert [len(c.errors) for c in clients] == [0] * 128 + [1]
    assert clients[128].errors == [ERROR + 'Busy']
    clients[0].close()
    until = time.monotonic() + 10  # the bus tells that it is gone, some time
    while not clients[128].answers and time.monotonic() < until:
        clients[128].call('Subscribe')
        refused = len(clients[128].errors)
        clients[128].run(lambda: clients[128].answers or len(clients[128].errors) > refused)
    assert clients[128].answers
    for client in clients[1:]:
        client.close()


def changes(ear, path=PATH):
    return [(t, arguments[1]) for t, p, arguments in ear.signals if p == path and len(arguments) == 3]


def test_counters_are_told_once_a_second_and_only_when_they_changed(bus, peer, ear):
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        peer.tell('count 200')
        ear.settle_down(0.01)
    ear.settle_down(1.2)
    told = changes(ear)
    assert 3 <= len(told) and most_in_a_second([t for t, _ in told]) == 1
    assert all(set(changed) == {'Ledger'} for _, changed in told)
    assert told[-1][1]['Ledger'] == bus.properties()['Ledger']
    ear.signals.clear()
    for _ in range(20):
        peer.tell('change')
        ear.settle_down(0.02)
    ear.settle_down(1.2)
    assert changes(ear) == []


def test_the_link_is_told_at_once(bus, peer, ear):
    peer.tell('count 1')
    ear.settle_down(0.2)  # a counter was told just now
    ear.signals.clear()
    before = ''
    for state, reason, detail in (('connecting', 'none', ''), ('waiting', 'tls-hostname', 'it is for other.example'),
                                  ('waiting', 'tls-hostname', 'it is for another one'), ('connecting', 'none', ''),
                                  ('connected', 'none', '')):
        begun = time.monotonic()
        peer.tell(('link %s %s %s' % (state, reason, detail)).rstrip())
        assert ear.run(lambda: changes(ear), 0.5)
        t, changed = changes(ear)[0]
        assert t - begun < 0.3
        assert changed.get('LinkState', state) == state and changed.get('LinkReason', reason) == reason
        assert changed.get('LinkDetail', detail) == detail and ('LinkDetail' in changed) == (detail != before)
        before = detail
        assert ('NextAttempt' in changed) == (state == 'waiting' or reason != 'none' or 'NextAttempt' in changed)
        ear.settle_down(0.1)
        ear.signals.clear()


def test_sensors_are_told_once_a_second_each(bus, peer, ear):
    peer.tell('sensor cpu file')
    peer.tell('sensor room i2c')
    ear.settle_down(0.3)
    until = time.monotonic() + 2.5
    n = 0
    while time.monotonic() < until:
        n += 1
        peer.tell('read cpu temperature Cel %d' % n)
        if n % 5 == 0:
            peer.tell('read room humidity %%RH %d' % n)
        ear.settle_down(0.01)
    ear.settle_down(1.2)
    for name, channel, unit in (('cpu', 'temperature', 'Cel'), ('room', 'humidity', '%RH')):
        told = changes(ear, SENSOR_PATH + name)
        assert 3 <= len(told) and most_in_a_second([t for t, _ in told]) == 1
        assert set(told[0][1]) == {'Values', 'Units', 'Time'} and told[0][1]['Units'] == {channel: unit}
        assert all(set(changed) == {'Values', 'Time'} for _, changed in told[1:])
        assert told[-1][1]['Values'] == bus.properties(SENSOR, SENSOR_PATH + name)['Values']
    ear.signals.clear()
    peer.tell('fail room no answer at 0x48')
    assert ear.run(lambda: changes(ear, SENSOR_PATH + 'room'))
    assert changes(ear, SENSOR_PATH + 'room')[0][1] == {
        'State': 'failing', 'Errors': 1, 'ErrorKinds': {'other': 1}, 'LastError': 'no answer at 0x48'}


def test_sensors_come_and_go(bus, peer, ear):
    def sensors():
        return {p for p in bus.connect().call_blocking(
            NAME, PATH, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects', '', ()) if p.startswith(SENSOR_PATH)}
    for name in ('a', 'b', 'c'):
        peer.tell('sensor %s file' % name)
    assert ear.run(lambda: len([s for s in ear.signals if s[2][0] == SENSOR_PATH + 'c']) == 1)
    assert sensors() == {SENSOR_PATH + name for name in 'abc'}
    peer.tell('gone a')
    assert ear.run(lambda: ear.signals[-1][2] == (SENSOR_PATH + 'a', [SENSOR]))
    assert sensors() == {SENSOR_PATH + name for name in 'bc'}
    with pytest.raises(dbus.DBusException):
        bus.properties(SENSOR, SENSOR_PATH + 'a')


def test_a_new_dead_letter_is_told(bus, peer, ear):
    ear.listen(DEAD_LETTERS, 'Added')
    ear.settle_down(0.1)
    peer.tell('dead 7')
    assert ear.run(lambda: [s[2] for s in ear.signals] == [(7,)]), ear.signals


# ---- the bus itself ----

def test_the_bus_dies_and_comes_back(bus, peer):
    for signum in (signal.SIGKILL, signal.SIGTERM):
        peer.tell('answer hold')
        client = Calls(bus)
        client.submit(10)
        assert client.run(lambda: peer.lines.qsize() >= 10)
        bus.stop(signum)
        used = peer.cpu_seconds()
        time.sleep(1.5)
        assert len(peer.tell('answer now')) == 10  # answers for whom the bus took away
        assert peer.cpu_seconds() - used < 0.2
        bus.start()
        bus.wait_for_name(seconds=15)
        assert submit(bus, [('a', 1, 0)])
        assert bus.properties()['Ledger']['accepted'] >= 11
        peer.asked()
    told = [('lost' in line, 'answers again' in line) for line in peer.log]
    assert told == [(True, False), (False, True)] * 2, peer.log


def test_without_a_bus_the_daemon_lives(bus):
    bus.stop()
    peer = BusPeer(bus.address)
    time.sleep(2)
    peer.tell('count 5')
    assert peer.cpu_seconds() < 0.3
    assert len(peer.log) == 1 and 'cannot connect' in peer.log[0] and 'whether the bus runs' in peer.log[0], peer.log
    bus.start()
    bus.wait_for_name(seconds=15)
    assert bus.properties()['Ledger']['accepted'] == 5
    assert peer.quit() == 0


def test_a_second_daemon_says_so_and_waits(bus, peer):
    second = BusPeer(bus.address)
    assert second.logs('another hublinkd'), second.log
    assert peer.quit() == 0
    bus.wait_for_name(seconds=15)
    assert second.quit() == 0


def test_a_bus_without_our_policy_is_told(bus):
    (bus.directory / 'org.hublink1.conf').write_text('<busconfig/>')
    bus.stop()
    bus.start()
    peer = BusPeer(bus.address)
    assert peer.logs('refused', 'org.hublink1.conf'), peer.log
    assert peer.quit() == 0


def test_the_last_answers_leave_before_the_daemon_does(bus, peer):
    peer.tell('answer hold')
    client = Calls(bus)
    client.submit(64)
    assert client.run(lambda: peer.lines.qsize() >= 64)
    assert peer.quit() == 0
    assert client.run(lambda: len(client.answers) == 64), (len(client.answers), client.errors)
    client.close()


def test_a_bus_that_hangs_holds_nothing_up(bus):
    """Stopped in the midst, the bus takes no byte: the daemon's loop goes on, and ends in time."""
    bus.process.send_signal(signal.SIGSTOP)
    try:
        peer = BusPeer(bus.address)
        begun = time.monotonic()
        peer.tell('count 5')
        assert peer.quit() == 0
        assert time.monotonic() - begun < 2
    finally:
        bus.process.send_signal(signal.SIGCONT)
