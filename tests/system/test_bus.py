# SPDX-License-Identifier: Apache-2.0
"""org.hublink1 on a real dbus-daemon, with bus-peer in the place of the daemon."""

import subprocess
import time
import xml.etree.ElementTree

import dbus
import pytest

from bus import BUILD, DEAD_LETTERS, INBOX, MANAGER, METHODS, NAME, PATH, SENSOR, SOURCE, TWIN, As
from bus_calls import ERROR, Calls, refused, submit
from bus_peer import bus, peer  # noqa: F401: two fixtures

EPOCH = 0x0123456789abcdef
SENSOR_PATH = PATH + '/sensor/'


# ---- the contract ----

def members(interface):
    """All that an interface's XML says, one line each."""
    said = set()
    for member in interface:
        name = '%s %s' % (member.tag, member.get('name'))
        said.add('%s %s %s' % (name, member.get('type', ''), member.get('access', '')))
        for i, arg in enumerate(member.findall('arg')):
            said.add('%s: arg %d %s %s %s' % (name, i, arg.get('name'), arg.get('type'), arg.get('direction', 'out')))
        for a in member.findall('annotation'):
            said.add('%s: %s=%s' % (name, a.get('name'), a.get('value')))
    return said


@pytest.mark.parametrize('name, path', [(MANAGER, PATH), (DEAD_LETTERS, PATH), (INBOX, PATH), (METHODS, PATH), (TWIN, PATH),
                                        (SENSOR, SENSOR_PATH + 'cpu')])
def test_xml_is_what_the_bus_says(bus, peer, name, path):
    peer.tell('sensor cpu file')
    live = xml.etree.ElementTree.fromstring(bus.connect().call_blocking(
        NAME, path, 'org.freedesktop.DBus.Introspectable', 'Introspect', '', ()))
    written = xml.etree.ElementTree.parse(SOURCE / 'conf/dbus' / (name + '.xml')).getroot()
    find = "interface[@name='%s']" % name
    assert members(written.find(find)) == members(live.find(find))
    assert len(written) == 1 and len(members(written[0])) > 8
    ours = {i.get('name') for i in live if i.get('name', '').startswith(NAME)}
    assert ours == ({MANAGER, DEAD_LETTERS, INBOX, METHODS, TWIN} if path == PATH else {name})


def test_a_difference_in_the_xml_is_seen():
    written = xml.etree.ElementTree.parse(SOURCE / 'conf/dbus' / (MANAGER + '.xml')).getroot()[0]
    whole = members(written)
    for member in list(written):
        written.remove(member)
        assert members(written) != whole, member.get('name')
        written.append(member)
        assert members(written) == whole
    for element in written.iter():
        for key in ('name', 'type', 'direction', 'access', 'value'):
            if element is not written and key in element.attrib:
                kept = element.get(key)
                element.set(key, 'other')
                assert members(written) != whole, (element.tag, key)
                element.set(key, kept)


# ---- Submit ----

@pytest.mark.parametrize('value, told', [
    (dbus.Boolean(True), True), (dbus.Boolean(False), False),
    (dbus.Byte(255), 255),
    (dbus.Int16(-32768), -32768), (dbus.UInt16(65535), 65535),
    (dbus.Int32(-2**31), -2**31), (dbus.UInt32(2**32 - 1), 2**32 - 1),
    (dbus.Int64(-2**63), -2**63), (dbus.UInt64(2**63 - 1), 2**63 - 1),
    (dbus.Double(48.31), 48.31), (dbus.Double(5e-324), 5e-324),
    (dbus.String('warm \u2600 "quoted"\n'), 'warm \u2600 "quoted"\n'), (dbus.String(''), ''),
    (dbus.String('x' * 4096), 'x' * 4096),
], ids=lambda x: type(x).__name__)
def test_every_type_of_value_arrives(bus, peer, value, told):
    assert submit(bus, [('c', value, 0)]) == ('telemetry', EPOCH, 1, 1)
    (asked,) = peer.asked()
    assert asked == {'asked': 'submit', 'stream': None,
                     'readings': [{'sensor': 'plc', 'time': 0, 'trusted': False, 'values': {'c': told}}]}
    assert type(asked['readings'][0]['values']['c']) is type(told)


@pytest.mark.parametrize('value, word', [
    (dbus.UInt64(2**63), 'largest integer'),
    (dbus.Double('nan'), 'NaN'), (dbus.Double('inf'), 'infinity'), (dbus.Double('-inf'), 'infinity'),
    (dbus.String('x' * 4097), '4096 bytes'),
    (dbus.ObjectPath('/x'), "'o'"), (dbus.Signature('s'), "'g'"),
    (dbus.Array([1.0], signature='d'), "'ad'"), (dbus.Struct((1, 2), signature='ii'), "'(ii)'"),
    (dbus.Dictionary({'a': 1}, signature='si'), "'a{si}'"), (dbus.Int32(1, variant_level=2), "'v'"),
], ids=lambda x: type(x).__name__)
def test_no_other_value_is_taken_and_the_channel_is_named(bus, peer, value, word):
    text = refused('BadValue', submit, bus, [('good', 1.5, 0), ('faulty', value, 0)])
    assert "'faulty'" in text and word in text
    assert peer.asked() == []


@pytest.mark.parametrize('kind', ['channel', 'sensor', 'stream'])
@pytest.mark.parametrize('name', ['', '9x', 'a b', 'a-b', '\u00e4', 'a' * 33])
def test_names_are_names(bus, peer, kind, name):
    call = {'sensor': 'plc', 'channel': 'c', 'stream': 's', kind: name}
    text = refused('BadValue', submit, bus, [(call['channel'], 1, 0)], call['sensor'], {'stream': call['stream']})
    assert kind in text.lower() and "'%s'" % name in text
    assert peer.asked() == []


def test_equal_times_are_one_reading(bus, peer):
    t = int(time.time()) * 1000000
    values = [('a', 1, t), ('b', 2, t - 5), ('c', 3, t), ('d', 4, 0), ('b', 5, t), ('e', 6, 0)]
    assert submit(bus, values, options={'stream': 'wind'}) == ('wind', EPOCH, 1, 3)
    (asked,) = peer.asked()
    assert asked['stream'] == 'wind'
    assert [(r['time'], r['trusted'], r['values']) for r in asked['readings']] == [
        (t, True, {'a': 1, 'c': 3, 'b': 5}), (t - 5, True, {'b': 2}), (0, False, {'d': 4, 'e': 6})]
    assert submit(bus, [('a', 1, 0)])[2:] == (4, 4)


def test_a_channel_stands_once_in_a_reading(bus, peer):
    assert "'a'" in refused('BadValue', submit, bus, [('a', 1, 0), ('b', 1, 0), ('a', 2, 0)])


@pytest.mark.parametrize('t', [1, int(time.time()), int(time.time() * 1e3), int(time.time() * 1e9), 2**64 - 1])
def test_absurd_times_are_refused(bus, peer, t):
    text = refused('BadValue', submit, bus, [('a', 1, t)])
    assert str(t) in text and "'a'" in text and 'microseconds' in text


def test_options_are_known_or_refused(bus, peer):
    assert "'retain'" in refused('BadValue', submit, bus, [('a', 1, 0)], options={'retain': True})
    assert "'stream'" in refused('BadValue', submit, bus, [('a', 1, 0)], options={'stream': 7})
    assert refused('BadValue', submit, bus, [])
    assert peer.asked() == []


def test_limits_of_one_submit(bus, peer):
    t = int(time.time()) * 1000000
    assert submit(bus, [('c%d' % i, i, 0) for i in range(64)])[3] == 1
    assert '64' in refused('BadValue', submit, bus, [('c%d' % i, i, 0) for i in range(65)])
    assert submit(bus, [('c%d' % (i % 4), i, t + i // 4) for i in range(4096)])[2:] == (2, 1025)
    assert '4096' in refused('TooLarge', submit, bus, [('c%d' % (i % 4), i, t + i // 4) for i in range(4097)])
    assert '1024' in refused('TooLarge', submit, bus, [('c', i, t + i) for i in range(1025)])


@pytest.mark.parametrize('signature, args', [('s', ('x',)), ('sa(svt)', ('x', [('a', 1, 0)])),
                                             ('sa(sv)a{sv}', ('x', [('a', 1)], {}))])
def test_another_signature_is_refused(bus, peer, signature, args):
    with pytest.raises(dbus.DBusException) as e:
        bus.call('Submit', signature, args)
    assert e.value.get_dbus_name() == 'org.freedesktop.DBus.Error.InvalidArgs'


# ---- SubmitMessage ----

def submit_message(bus, body=b'{}', content_type='', properties=None, options=None):
    return bus.call('SubmitMessage', 'aysa{ss}a{sv}', (body, content_type, properties or {}, options or {}))


def test_a_message_goes_as_it_is(bus, peer):
    assert submit_message(bus, b'{"a": 1}', 'application/json', {'level': 'high', 'b c': '\u00e4='},
                          {'stream': 'alarms', 'encoding': 'utf-8', 'correlation-id': 'c-7'}) == ('alarms', EPOCH, 1)
    assert submit_message(bus, b'') == ('telemetry', EPOCH, 2)
    assert peer.asked() == [
        {'asked': 'submit-message', 'stream': 'alarms', 'content_type': 'application/json', 'encoding': 'utf-8',
         'correlation_id': 'c-7', 'properties': {'level': 'high', 'b c': '\u00e4='}, 'body': '{"a": 1}'},
        {'asked': 'submit-message', 'stream': None, 'content_type': None, 'encoding': None, 'correlation_id': None,
         'properties': {}, 'body': ''}]


def test_limits_of_one_message(bus, peer):
    assert submit_message(bus, b'x' * 262144)
    assert '262144' in refused('TooLarge', submit_message, bus, b'x' * 262145)
    assert '262144' in refused('TooLarge', submit_message, bus, b'x' * 262140, properties={'ab': 'cde'})
    assert submit_message(bus, properties={'p%d' % i: '' for i in range(255)})
    assert '255' in refused('TooLarge', submit_message, bus, properties={'p%d' % i: '' for i in range(256)})
    for name in ('', '$.mid', '$.anything', 'hl', 'hl-backfill', 'hl-notice'):
        assert "'%s'" % name in refused('BadValue', submit_message, bus, properties={name: 'x'}) or name == ''
    assert "'colour'" in refused('BadValue', submit_message, bus, options={'colour': 'red'})
    assert "'encoding'" in refused('BadValue', submit_message, bus, options={'encoding': 8})
    assert '128' in refused('BadValue', submit_message, bus, options={'correlation-id': 'x' * 129})
    assert len(peer.asked()) == 2


# ---- answers that come later ----

def test_answers_wait_for_the_disk_and_are_bounded(bus, peer):
    peer.tell('answer hold')
    clients = [Calls(bus) for _ in range(17)]
    for client in clients[:16]:
        client.submit(65)
        assert client.run(lambda: len(client.errors) == 1), (client.answers, client.errors)
        assert client.errors == [ERROR + 'Busy'] and client.answers == []
    clients[16].submit(1)  # 16 x 64 wait: that is all
    assert clients[16].run(lambda: clients[16].errors == [ERROR + 'Busy'])
    assert len(peer.tell('answer now')) == 1024
    for client in clients[:16]:
        assert client.run(lambda: len(client.answers) == 64)
    # and there is room again, for each and for all
    clients[16].submit(64)
    assert clients[16].run(lambda: len(clients[16].answers) == 64)
    for client in clients:
        client.close()


@pytest.mark.parametrize('n, name', enumerate([
    'NotConnected', 'QueueFull', 'TooLarge', 'BadValue', 'NoSuchSensor', 'NoSuchStream', 'NoSuchMessage', 'NotOwner',
    'DiskError', 'Busy', 'Timeout'], 1))
def test_each_error_has_its_name_and_a_text(bus, peer, n, name):
    peer.tell('answer error %d the detail' % n)
    assert refused(name, submit, bus, [('a', 1, 0)]) == 'the detail'
    assert refused(name, submit_message, bus) == 'the detail'
    assert refused(name, bus.call, 'Flush') == 'the detail'
    assert refused(name, bus.call, 'Reload') == 'the detail'
    peer.tell('answer error %d' % n)
    assert len(refused(name, submit, bus, [('a', 1, 0)])) > 10


def test_a_caller_that_left_gets_no_answer_and_no_place(bus, peer):
    peer.tell('answer hold')
    for _ in range(16):
        client = Calls(bus)
        client.submit(64)
        assert client.run(lambda: peer.lines.qsize() >= 64)
        while not peer.lines.empty():
            peer.lines.get()
        client.close()
    stays = Calls(bus)
    stays.submit(1)
    assert stays.run(lambda: stays.errors == [ERROR + 'Busy'])  # their calls count until they are answered
    peer.tell('answer now')
    stays.submit(1)
    assert stays.run(lambda: len(stays.answers) == 1)
    assert peer.log == []
    stays.close()


def test_flush_reconnect_reload(bus, peer):
    peer.tell('answer hold')
    client = Calls(bus)
    client.call('Flush')
    client.call('Reload')
    assert not client.run(lambda: client.answers or client.errors, 0.2)
    assert peer.tell('answer now') == [{'asked': 'flush'}, {'asked': 'reload'}]
    assert client.run(lambda: len(client.answers) == 2)
    client.call('Reconnect')
    assert client.run(lambda: len(client.answers) == 3)
    assert peer.asked() == [{'asked': 'reconnect'}]
    client.close()


# ---- rights ----

def as_user(who, bus, *args):
    return subprocess.run([*who, 'busctl', '--address=' + bus.address, *args], capture_output=True, text=True)


CALLS = {
    'Submit': ['sa(svt)a{sv}', 'plc', '1', 'c', 'd', '1.5', '0', '0'],
    'SubmitMessage': ['aysa{ss}a{sv}', '1', '65', '', '0', '0'],
    'Subscribe': [], 'Unsubscribe': [], 'Flush': [], 'Reconnect': [], 'Reload': [],
    'Audit': ['u', '5'], 'AuditSince': ['t', '5'],
}
SUBMITTER_MAY = {'Submit', 'SubmitMessage', 'Subscribe', 'Unsubscribe'}
METHOD_CALLS = {'List': [], 'Register': ['s', 'reboot'], 'Unregister': ['s', 'reboot'], 'Call': ['sst', 'hung', '', '0']}
LETTER_CALLS = {'List': [], 'Get': ['t', '7'], 'Requeue': ['t', '7'], 'Delete': ['t', '7']}


@pytest.mark.parametrize('who, may', [(As.NOBODY, set()), (As.SUBMITTER, SUBMITTER_MAY), (As.ADMIN, set(CALLS)),
                                      (As.ROOT, set(CALLS))], ids=['nobody', 'submitter', 'admin', 'root'])
def test_rights(bus, peer, who, may):
    peer.tell('sensor cpu file')
    xml_methods = {m.get('name') for m in xml.etree.ElementTree.parse(
        SOURCE / 'conf/dbus' / (MANAGER + '.xml')).getroot()[0].findall('method')}
    assert xml_methods == set(CALLS)
    for member, args in CALLS.items():
        result = as_user(who, bus, 'call', NAME, PATH, MANAGER, member, *args)
        assert (result.returncode == 0) == (member in may), (member, result.stderr)
        assert result.returncode == 0 or 'ccess denied' in result.stderr, result.stderr
    for interface, path in ((MANAGER, PATH), (SENSOR, SENSOR_PATH + 'cpu')):
        result = as_user(who, bus, '-l', 'introspect', NAME, path, interface)
        values = [line.split(None, 3) for line in result.stdout.splitlines() if ' property ' in line]
        assert len(values) >= 9, result.stderr
        for name, _, signature, _ in values:
            got = as_user(who, bus, 'get-property', NAME, path, interface, name[1:])
            assert got.returncode == 0 and got.stdout.startswith(signature), got.stderr
    result = as_user(who, bus, 'call', NAME, PATH, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
    assert '/org/hublink1/sensor/cpu' in result.stdout


@pytest.mark.parametrize('who, may', [(As.NOBODY, {'List'}), (As.SUBMITTER, {'List', 'Register'}),
                                      (As.ADMIN, set(METHOD_CALLS)), (As.ROOT, set(METHOD_CALLS))],
                         ids=['nobody', 'submitter', 'admin', 'root'])
def test_everybody_sees_methods_and_few_call_them(bus, peer, who, may):
    xml_methods = {m.get('name') for m in xml.etree.ElementTree.parse(
        SOURCE / 'conf/dbus' / (METHODS + '.xml')).getroot()[0].findall('method')}
    assert xml_methods == set(METHOD_CALLS)
    for member, args in METHOD_CALLS.items():
        result = as_user(who, bus, 'call', NAME, PATH, METHODS, member, *args)
        denied = 'ccess denied' in result.stderr
        if member == 'Unregister':  # nobody has registered anything: the bus says no, or the methods do
            assert result.returncode != 0 and denied == ('Register' not in may), result.stderr
        else:
            assert (result.returncode == 0, denied) == (member in may, member not in may), (member, result.stderr)


@pytest.mark.parametrize('who, may', [(As.NOBODY, {'List', 'Get'}), (As.SUBMITTER, {'List', 'Get'}),
                                      (As.ADMIN, set(LETTER_CALLS)), (As.ROOT, set(LETTER_CALLS))],
                         ids=['nobody', 'submitter', 'admin', 'root'])
def test_everybody_sees_dead_letters_and_few_change_them(bus, peer, who, may):
    xml_methods = {m.get('name') for m in xml.etree.ElementTree.parse(
        SOURCE / 'conf/dbus' / (DEAD_LETTERS + '.xml')).getroot()[0].findall('method')}
    assert xml_methods == set(LETTER_CALLS)
    for member, args in LETTER_CALLS.items():
        result = as_user(who, bus, 'call', NAME, PATH, DEAD_LETTERS, member, *args)
        assert (result.returncode == 0) == (member in may), (member, result.stderr)
        assert result.returncode == 0 or 'ccess denied' in result.stderr, result.stderr
    for name in 'Count', 'Bytes', 'Dropped':
        got = as_user(who, bus, 'get-property', NAME, PATH, DEAD_LETTERS, name)
        assert got.stdout == 't 0\n', got.stderr


def letters_call(bus, member, signature='', *args):
    return bus.connect().call_blocking(NAME, PATH, DEAD_LETTERS, member, signature, args)


def test_dead_letters_on_the_wire(bus, peer):
    listed = letters_call(bus, 'List')
    assert [tuple(letter) for letter in listed] == [
        (7, 'telemetry', EPOCH, 42, 'too-large', 'over the limit', 'reading', 30, 1767225600000000),
        (8, 'events', EPOCH, 43, 'bad-property', '', 'message', 31, 1767225601000000),
        (9, 'telemetry', EPOCH, 44, 'breaks-link', '', 'other', 3, 1767225602000000)]
    letter, content = letters_call(bus, 'Get', 't', 7)
    assert letter == listed[0]
    assert content == {'sensor': 'cpu', 'time': 1767225500000000, 'time_trusted': True, 'quality': 'good',
                       'values': {'v': 1.5, 'name': 'a "text"'}}
    letter, content = letters_call(bus, 'Get', 't', 8)
    assert bytes(content.pop('body')) == b'hello\n'
    assert content == {'content_type': 'text/plain', 'content_encoding': '', 'correlation_id': '',
                       'properties': {'colour': 'blue'}}
    letter, content = letters_call(bus, 'Get', 't', 9)
    assert set(content) == {'record'} and bytes(content['record']) == b'\1\2\3'
    assert letters_call(bus, 'Requeue', 't', 8) == ('telemetry', EPOCH, 108)
    assert letters_call(bus, 'Delete', 't', 9) is None
    for member, number, error in (('Get', 3, 'NoSuchMessage'), ('Get', 10, 'DiskError'),
                                  ('Requeue', 3, 'NoSuchMessage'), ('Delete', 3, 'NoSuchMessage')):
        with pytest.raises(dbus.DBusException) as caught:
            letters_call(bus, member, 't', number)
        assert caught.value.get_dbus_name() == 'org.hublink1.Error.' + error
        assert caught.value.get_dbus_message()


def test_only_the_daemons_users_may_own_the_name(bus):
    for who in As.NOBODY, As.SUBMITTER, As.ADMIN:
        peer = subprocess.run([*who, BUILD / 'tests/system/bus-peer', bus.address], input='', text=True,
                              capture_output=True, timeout=10)
        assert not bus.connect().name_has_owner(NAME), peer
