# SPDX-License-Identifier: Apache-2.0
"""A crowd on the bus: whoever asks to be told, takes or registers costs hublinkd no rule of the bus, of which a
connection may have so many; and whatever is called, as often and as large as the bus lets it, fits into its memory.
"""

import collections
import pathlib

import pytest
from gi.repository import GLib

from bus import BUILD, INBOX, MANAGER, METHODS, NAME, PATH, TWIN, PrivateBus
from bus_calls import ERROR, Calls
from bus_members import PEER
from bus_peer import bus, peer  # noqa: F401: two fixtures
from daemon import Daemon
from gateway_twin import until

CROWD = 24
PEAK = 44 << 20  # bytes: what it is without anything, one message of 16 MiB, and what may wait
RULES = 8

LIMITS = '<busconfig><limit name="max_match_rules_per_connection">%d</limit></busconfig>\n'


def limit_rules(bus, n):
    (bus.directory / 'others/limits.conf').write_text(LIMITS % n)


def resident(pid, what='VmRSS'):
    """Bytes that it has in memory now; VmHWM: that it ever had."""
    lines = pathlib.Path('/proc/%d/status' % pid).read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what))


def registered(gateway):
    rows = gateway.caller.call_blocking(NAME, PATH, METHODS, 'List', '', ())
    return {name for name, kind, *_ in rows if kind == 'registered'}


@pytest.fixture
def gateway(tmp_path):
    bus = PrivateBus()
    limit_rules(bus, RULES)
    with bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        yield daemon


def test_a_crowd_costs_no_rules(gateway):
    gateway.start()
    gateway.bus.wait_for_name()
    crowd = [Calls(gateway.bus) for _ in range(CROWD)]
    for i, client in enumerate(crowd):
        client.call('Subscribe')
        client.call('Register', GLib.Variant('(s)', ('method%d' % i,)), METHODS)
        client.call('Take', GLib.Variant('(t)', (999,)), INBOX)
    assert crowd[0].run(lambda: all(len(c.answers) + len(c.errors) == 3 for c in crowd), 30)
    assert [c.errors for c in crowd] == [[ERROR + 'NoSuchMessage']] * CROWD
    assert registered(gateway) == {'method%d' % i for i in range(CROWD)}
    for client in crowd:
        client.close()
    until(lambda: not registered(gateway))  # who leaves is seen to
    assert 'Message bus' not in gateway.log()
    assert gateway.stop() == 0


def test_a_bus_that_does_not_tell_who_leaves_is_of_no_use(gateway):
    limit_rules(gateway.bus, 0)
    gateway.bus.stop()
    gateway.bus.start()
    gateway.start()
    gateway.wait_for_log('it does not tell who leaves')
    limit_rules(gateway.bus, RULES)
    gateway.bus.stop()
    gateway.bus.start()
    gateway.wait_for_log('org.hublink1 answers again')
    assert gateway.properties(MANAGER)['LinkState']
    assert len(gateway.lines('it does not tell who leaves')) == 1
    assert gateway.stop() == 0


# ---- what waits ----

def test_calls_that_wait_keep_nothing_of_what_they_brought(bus, peer):  # noqa: F811
    peer.tell('answer hold')
    before = resident(peer.process.pid)
    clients = [Calls(bus) for _ in range(4)]
    body = GLib.Variant('ay', 250000 * b'x')
    for client in clients:
        for _ in range(64):
            client.call('SubmitMessage', GLib.Variant.new_tuple(
                body, GLib.Variant('s', ''), GLib.Variant('a{ss}', {}), GLib.Variant('a{sv}', {})))
    for _ in range(256):
        assert clients[0].run(lambda: not peer.lines.empty(), 30)
        assert peer.lines.get()['asked'] == 'submit-message'
    assert resident(peer.process.pid) - before < 8 << 20  # they brought 64 MB
    peer.tell('answer now')
    assert clients[0].run(lambda: all(len(client.answers) == 64 for client in clients))
    assert [client.errors for client in clients] == [[]] * 4
    for client in clients:
        client.close()


def answered(clients, n, seconds=60):
    assert clients[0].run(lambda: all(len(c.answers) + len(c.errors) == n for c in clients), seconds)
    return collections.Counter(error for c in clients for error in c.errors)


@pytest.fixture
def hang(gateway, tmp_path):
    """A folder: see hang.c."""
    folder = tmp_path / 'hang'
    folder.mkdir()
    gateway.environment.update(LD_PRELOAD=str(BUILD / 'tests/system/libhang.so'), HANG_DIRECTORY=str(folder))
    return folder


def report(client, number, size=131000):
    client.call('Report', GLib.Variant('(ss)', ('flood', ('{"v":%d' % number).ljust(size) + '}')), TWIN)


def test_reports_that_wait_for_the_disk_fit_into_its_memory(gateway, hang):
    gateway.start()
    gateway.bus.wait_for_name()
    (hang / 'disk').touch()
    clients = [Calls(gateway.bus) for _ in range(8)]
    for i, client in enumerate(clients):
        for k in range(64):
            report(client, 64 * i + k)
        client.call('Ping', None, PEER)
    assert clients[0].run(lambda: all(client.answers for client in clients), 60)  # it has seen all before
    (hang / 'disk').unlink()
    errors = answered(clients, 65)
    assert set(errors) <= {ERROR + 'Busy'} and all(len(client.answers) > 1 for client in clients)
    assert resident(gateway.process.pid, 'VmHWM') < PEAK  # they brought 67 MB
    for client in clients:
        client.close()
    assert gateway.stop() == 0


def test_what_waits_for_a_name_is_bounded(gateway, hang):
    """Of one client 1 MiB, of all 8 MiB: so many reports are kept while the password database does not answer. It is
    given up after a while: on a machine that is slow, the next time.
    """
    gateway.start()
    gateway.bus.wait_for_name()
    (hang / 'users').touch()

    def refusals(n_clients, n_reports):
        clients = [Calls(gateway.bus) for _ in range(n_clients)]
        for client in clients:
            for k in range(n_reports):
                report(client, k)
        errors = answered(clients, n_reports)
        for client in clients:
            client.close()
        assert set(errors) <= {ERROR + 'Busy'}
        return errors[ERROR + 'Busy']

    until(lambda: refusals(1, 12) == 4, 60)
    until(lambda: refusals(10, 8) == 80 - 64, 60)
    (hang / 'users').unlink()
    assert gateway.stop() == 0


PROPERTIES = 'org.freedesktop.DBus.Properties'
BIG = 'x' * (16 << 20)


@pytest.mark.parametrize('interface, member, arguments, error', [
    (PROPERTIES, 'GetAll', ('(s)', (BIG,)), 'org.freedesktop.DBus.Error.InvalidArgs'),
    (PROPERTIES, 'Get', ('(ss)', (BIG, 'Hub')), 'org.freedesktop.DBus.Error.InvalidArgs'),
    (PROPERTIES, 'Get', ('(ss)', (MANAGER, BIG)), 'org.freedesktop.DBus.Error.InvalidArgs'),
    (PROPERTIES, 'Set', ('(ssv)', (MANAGER, BIG, GLib.Variant('s', ''))), 'org.freedesktop.DBus.Error.InvalidArgs'),
    (MANAGER, 'SubmitMessage', ('(aysa{ss}a{sv})', (b'', BIG, {}, {})), ERROR + 'TooLarge'),
    (MANAGER, 'SubmitMessage', ('(aysa{ss}a{sv})', (b'', '', {'k': BIG}, {})), ERROR + 'TooLarge'),
    (MANAGER, 'Submit', ('(sa(svt)a{sv})', (BIG, [], {})), ERROR + 'BadValue'),
    (INBOX, 'Reject', ('(ts)', (1, BIG)), ERROR + 'TooLarge'),
    (METHODS, 'Register', ('(s)', (BIG,)), ERROR + 'BadValue'),
    (METHODS, 'Unregister', ('(s)', (BIG,)), ERROR + 'NotOwner'),
    (METHODS, 'Call', ('(sst)', (BIG, '', 0)), ERROR + 'BadValue'),
    (METHODS, 'Call', ('(sst)', ('ping', BIG, 0)), None),
    (TWIN, 'GetDesired', ('(s)', (BIG,)), ERROR + 'NotConnected'),
    (TWIN, 'Report', ('(ss)', (BIG, '{}')), ERROR + 'BadValue'),
    (TWIN, 'Report', ('(ss)', ('big', BIG)), ERROR + 'BadValue'),
], ids=lambda x: x if isinstance(x, str) and '.' not in x else '')
def test_a_large_argument_is_refused_and_not_kept_nor_repeated(gateway, interface, member, arguments, error):
    gateway.start()
    gateway.bus.wait_for_name()
    clients = [Calls(gateway.bus) for _ in range(3)]
    for client in clients:
        client.call(member, GLib.Variant(*arguments), interface)
    assert answered(clients, 1) == ({error: 3} if error else {})
    assert resident(gateway.process.pid, 'VmHWM') < PEAK
    for client in clients:
        client.close()
    assert gateway.stop() == 0
