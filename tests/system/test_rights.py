# SPDX-License-Identifier: Apache-2.0
"""Who may do what on org.hublink1: each member of the XML has its row here, and each user tries them all.

A member without a row fails, so that nobody adds one without a thought of who may call it.
"""

import subprocess

import dbus
import dbus.lowlevel
import pytest

from bus import (DEAD_LETTERS, INBOX, MANAGER, METHODS, NAME, PATH, RESPONDER, SENSOR, TWIN, As, PrivateBus)
from bus_members import (INTROSPECTABLE, OBJECT_MANAGER, PEER, PROPERTIES, SENSOR_PATH, members, path_of, properties,
                         signals)
from caller import Caller
from daemon import Daemon
from responder import Responder

EVERYBODY, GROUP, ADMIN = 'everybody', 'group hublink', 'root and group hublink-admin'

METHOD_ROWS = {
    (MANAGER, 'Submit'): GROUP,
    (MANAGER, 'SubmitMessage'): GROUP,
    (MANAGER, 'Subscribe'): GROUP,
    (MANAGER, 'Unsubscribe'): GROUP,
    (MANAGER, 'Flush'): ADMIN,
    (MANAGER, 'Reconnect'): ADMIN,
    (MANAGER, 'Reload'): ADMIN,
    (MANAGER, 'Audit'): ADMIN, (MANAGER, 'AuditSince'): ADMIN,
    (DEAD_LETTERS, 'List'): EVERYBODY,
    (DEAD_LETTERS, 'Get'): EVERYBODY,
    (DEAD_LETTERS, 'Requeue'): ADMIN,
    (DEAD_LETTERS, 'Delete'): ADMIN,
    (INBOX, 'List'): EVERYBODY,
    (INBOX, 'Take'): GROUP,
    (INBOX, 'Complete'): GROUP,
    (INBOX, 'Reject'): GROUP,
    (INBOX, 'Extend'): GROUP,
    (METHODS, 'List'): EVERYBODY,
    (METHODS, 'Register'): GROUP,
    (METHODS, 'Unregister'): GROUP,
    (METHODS, 'Call'): ADMIN,
    (TWIN, 'GetDesired'): EVERYBODY,
    (TWIN, 'GetReported'): EVERYBODY,
    (TWIN, 'Report'): GROUP,
    (PROPERTIES, 'Get'): EVERYBODY,
    (PROPERTIES, 'GetAll'): EVERYBODY,
    (PROPERTIES, 'Set'): ADMIN,  # gets through, and is refused: no property can be written
    (INTROSPECTABLE, 'Introspect'): EVERYBODY,
    (PEER, 'Ping'): EVERYBODY,
    (PEER, 'GetMachineId'): EVERYBODY,
    (OBJECT_MANAGER, 'GetManagedObjects'): EVERYBODY,
}

# Read by everybody, with one Get for all: what is not for everybody must not be a property.
PROPERTY_ROWS = {
    MANAGER: 'Version LinkState LinkReason LinkDetail LinkSince NextAttempt Hub DeviceId SendState QueueRecords QueueBytes '
             'QueueFill DiskState DiskError OldestAge InFlight LastAcknowledged Ledger Dropped Refused '
             'MalformedOrders Orders MethodChanges Alarms SettingsProblem StateProblem QueueProblem MetricsProblem '
             'TwinProblem QueueStats',
    SENSOR: 'Name Driver State Values Units Time Errors ErrorKinds LastError Interval',
    DEAD_LETTERS: 'Count Bytes Dropped',
    INBOX: 'Received LastReceived Waiting Full Redelivered Completed Rejected Refused',
    METHODS: '',
    TWIN: 'Known DesiredVersion ReportedVersion LastDesired LastReported PendingBytes Reports Refused LastError '
          'Owners',
}

# Heard by everybody.
SIGNAL_ROWS = {(MANAGER, 'Settled'), (MANAGER, 'Pressure'), (MANAGER, 'Alarm'), (DEAD_LETTERS, 'Added'),
               (INBOX, 'Arrived'), (INBOX, 'Expired'), (TWIN, 'DesiredChanged')}

MAY = {
    'nobody': (As.NOBODY, {EVERYBODY}),
    'hublink': (As.SUBMITTER, {EVERYBODY, GROUP}),
    'hublink-admin': (As.ADMIN, {EVERYBODY, GROUP, ADMIN}),
    'root': (As.ROOT, {EVERYBODY, GROUP, ADMIN}),
}
users = pytest.mark.parametrize('who, may', MAY.values(), ids=MAY)

DENIED = 'org.freedesktop.DBus.Error.AccessDenied'


@pytest.fixture(scope='module')
def bus(tmp_path_factory):
    with PrivateBus() as bus, Daemon(tmp_path_factory.mktemp('gateway'), bus) as daemon:
        daemon.configure('queue: { directory = "%s"; };\n'
                         'sensors: { wind: { driver = "simulated"; model = "wind"; }; };' % (daemon.directory / 'queue'))
        daemon.start()
        bus.wait_for_name()
        with daemon.heard():
            yield bus
        assert daemon.stop() == 0


def rows():
    return [(m, METHOD_ROWS[m.interface, m.name]) for m in members()]


def test_each_member_has_a_row():
    assert {(m.interface, m.name) for m in members()} == set(METHOD_ROWS)
    assert set(properties()) == {(i, name) for i, names in PROPERTY_ROWS.items() for name in names.split()}
    assert set(signals()) == SIGNAL_ROWS


def is_denied(bus, who, calls):
    return [error == DENIED for error in Caller(bus, who).call(calls)]


@users
def test_methods(bus, who, may):
    for name in NAME, str(bus.connect().get_name_owner(NAME)):
        calls = [(name, m.path, m.interface, m.name, m.signature) for m, _ in rows()]
        for (member, group), denied in zip(rows(), is_denied(bus, who, calls)):
            assert denied == (group not in may), (name, member)


@pytest.mark.parametrize('who', [As.NOBODY, As.SUBMITTER], ids=['nobody', 'hublink'])
def test_without_an_interface_nothing_gets_through(bus, who):
    """The field may be left out, and then the object finds the member by itself."""
    calls = [(NAME, m.path, None, m.name, m.signature) for m, _ in rows()]
    assert all(is_denied(bus, who, calls))


@users
def test_properties_are_read_and_never_written(bus, who, may):
    before = {i: bus.properties(i, path_of(i)) for i in PROPERTY_ROWS if i in (MANAGER, SENSOR)}
    result = subprocess.run([*who, 'busctl', '--address=' + bus.address, 'call', NAME, PATH, OBJECT_MANAGER,
                             'GetManagedObjects'], capture_output=True, text=True, timeout=20)
    assert SENSOR_PATH in result.stdout, result.stderr
    for interface, name in properties():
        got = subprocess.run([*who, 'busctl', '--address=' + bus.address, 'get-property', NAME, path_of(interface),
                              interface, name], capture_output=True, text=True, timeout=20)
        assert got.returncode == 0, (interface, name, got.stderr)
    for interface, name in (MANAGER, 'Version'), (MANAGER, 'Ledger'), (SENSOR, 'Interval'), (TWIN, 'Known'):
        put = subprocess.run([*who, 'busctl', '--address=' + bus.address, 'set-property', NAME, path_of(interface),
                              interface, name, 's', 'x'], capture_output=True, text=True, timeout=20)
        assert put.returncode != 0, (interface, name)
    assert bus.properties(MANAGER)['Version'] == before[MANAGER]['Version']
    assert bus.properties(SENSOR, SENSOR_PATH)['Interval'] == before[SENSOR]['Interval']


@users
def test_signals_are_heard(who, may):
    """Of whoever has the name, by this policy: the daemon would need a reason for each."""
    with PrivateBus() as bus:
        owner = bus.connect()
        owner.request_name(NAME)
        with Caller(bus, who).listen(NAME) as ear:
            for interface, member in sorted(SIGNAL_ROWS):
                owner.send_message(dbus.lowlevel.SignalMessage(PATH, interface, member))
            owner.flush()
            assert set(ear.heard(sorted(SIGNAL_ROWS)[-1])) == SIGNAL_ROWS


# --- what the bus cannot tell, and the daemon must ---

def test_a_method_is_its_registrants(bus):
    with Responder(bus, 'echo', who=As.SUBMITTER) as responder:
        for who in As.SUBMITTER, As.ADMIN, As.ROOT:
            for member in 'Register', 'Unregister':
                done = subprocess.run([*who, 'busctl', '--address=' + bus.address, 'call', NAME, PATH, METHODS, member, 's',
                                       'echo'], capture_output=True, text=True, timeout=20)
                assert done.returncode != 0 and 'echo' in done.stderr, (who, member, done)
        [row] = [row for row in bus.connect().call_blocking(NAME, PATH, METHODS, 'List', '', ()) if row[0] == 'echo']
        assert row[2] == responder.name


@pytest.mark.parametrize('who', [As.NOBODY, As.SUBMITTER, As.ADMIN], ids=['nobody', 'hublink', 'hublink-admin'])
def test_nobody_but_the_daemon_asks_a_responder(bus, who):
    """It could not tell that it is not asked by the hub."""
    with Responder(bus, 'echo', who=As.SUBMITTER) as responder:
        assert is_denied(bus, who, [(responder.name, '/org/hublink1/Responder', RESPONDER, 'Invoke', 'sst')]) == [True]
