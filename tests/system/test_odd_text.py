# SPDX-License-Identifier: Apache-2.0
"""Noncharacters of Unicode from anywhere. JSON and MQTT carry them and sd-bus does not: one of them may cost itself its
place in a reply, and nobody else anything. Texts then have U+FFFD in its place, JSON texts its escape.
"""

import itertools
import json
import socket
import subprocess
import urllib.parse

import dbus
import pytest

from bus import BUILD, INBOX, MANAGER, NAME, PATH, TWIN, PrivateBus
from daemon import Daemon
from gateway_twin import Listener, Reporter
from inbox import Taker
from mqtt_hub import MqttHub
from responder import Responder

# The ends of the three ranges, and a common one.
ODD = '\uffff', '\ufffe', '\ufdd0', '\ufdef', '\U0001fffe', '\U0010ffff'
ALL = ''.join(ODD)
GONE = '\ufffd' * len(ODD)

SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
sensors: { apps: { driver = "socket"; listen = "unix-dgram:%s"; }; };
'''

numbers = itertools.count(1)


@pytest.fixture(scope='module')
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp('odd')
    with MqttHub(folder / 'hub') as hub, PrivateBus() as bus, Daemon(folder / 'gateway', bus) as daemon:
        daemon.socket = str(folder / 'in.sock')
        daemon.configure(SETTINGS % (daemon.directory / 'queue', daemon.socket))
        daemon.configure(hub.settings, 'conf.d/hub.conf')
        daemon.credential(hub.connection_string)
        daemon.hub = hub
        daemon.start()
        daemon.wait_for_link('connected')
        hub.wait_for_listener()
        yield daemon
        assert daemon.stop() == 0


@pytest.fixture
def hub(gateway):
    return gateway.hub


@pytest.fixture(scope='module')
def service(gateway):
    return Reporter(gateway.bus)


@pytest.fixture(scope='module')
def taker(gateway):
    return Taker(gateway.bus)


def ctl(gateway, *words):
    """It says nothing of an invalid argument, and is well."""
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', '--bus', gateway.bus.address, *words], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def bag(**properties):
    return '&'.join('%s=%s' % (urllib.parse.quote(name), urllib.parse.quote(value)) for name, value in properties.items())


# --- the inbox ---

def test_a_message_is_listed_taken_and_completed(gateway, hub, taker):
    system = {'$.mid': 'm' + ALL, '$.cid': 'c' + ALL, '$.uid': 'u' + ALL, '$.ct': 't' + ALL, '$.ce': 'e' + ALL}
    assert hub.message(bag(**system, **{'k' + ALL: 'v' + ALL}), ALL.encode())
    assert hub.message(bag(plain='1'), b'behind it')
    first, second = taker.list()
    assert (first.message_id, first.correlation_id) == ('m' + GONE, 'c' + GONE)
    message = taker.take()
    assert (message.message_id, message.correlation_id) == ('m' + GONE, 'c' + GONE)
    assert message.properties == {'k' + GONE: 'v' + GONE, '$.uid': 'u' + GONE, '$.ct': 't' + GONE, '$.ce': 'e' + GONE}
    assert message.body == ALL.encode(), 'bytes stay as they are'
    assert taker.take().id == second.id
    taker.complete(first.id)
    taker.complete(second.id)


def test_by_hand(gateway, hub, taker):
    assert hub.message(bag(**{'$.mid': 'hand' + ALL}), b'x')
    [one] = taker.list()
    assert 'hand' + GONE in ctl(gateway, 'inbox', 'list')
    assert json.loads(ctl(gateway, 'inbox', 'list', '--json'))
    ctl(gateway, 'inbox', 'reject', str(one.id))
    assert taker.list() == []


# --- the audit ---

def test_the_audit_names_it(gateway, hub, taker):
    assert hub.message(bag(**{'$.mid': 'noted' + ALL}), b'x')
    taker.complete(taker.take().id)
    for member, signature in ('Audit', 'u'), ('AuditSince', 't'):
        entries = gateway.caller.call_blocking(NAME, PATH, MANAGER, member, signature, (0,))
        entries = entries[1] if member == 'AuditSince' else entries
        assert any('noted' + GONE in entry[2] for entry in entries), entries
    assert 'noted' + GONE in ctl(gateway, 'audit')


# --- the twin ---

@pytest.fixture
def desire(gateway, hub):
    def change(patch):
        version = gateway.properties(TWIN)['DesiredVersion'] + 1
        hub.desire(version, json.dumps(patch, ensure_ascii=False).encode())
        hub.wait(lambda: gateway.properties(TWIN)['DesiredVersion'] == version)
        changed.update(patch)
    changed = {}
    yield change
    change(dict.fromkeys(changed))


@pytest.mark.parametrize('odd', ODD + (ALL,), ids=ascii)
def test_what_is_desired_is_given_and_told_whole(gateway, service, desire, odd):
    value = {'t': 'x' + odd, 'k' + odd: [odd]}
    with Listener(gateway.bus) as heard:
        desire({'other': value})
        assert heard.next()[:2] == ('other', value)
    assert service.desired('other') == value
    assert service.desired()['other'] == value
    assert ctl(gateway, 'twin', 'get', 'other')


def test_a_section_of_such_a_name_is_told(gateway, service, desire):
    with Listener(gateway.bus) as heard:
        desire({'s' + ALL: 1})
        assert heard.next()[:2] == ('s' + GONE, 1)
    assert service.desired() == {'s' + ALL: 1}


def test_what_is_reported_is_given(gateway, service):
    service.report('valve', {'t': ALL, 'k' + ALL: 1})  # as escapes
    assert service.reported('valve') == {'t': ALL, 'k' + ALL: 1, '__t': 'c'}
    service.report('', {'s' + ALL: 1})
    assert service.reported()['s' + ALL] == 1
    assert 's' + GONE in gateway.properties(TWIN)['Owners']
    assert 'valve' in ctl(gateway, 'twin')


def test_a_refusal_that_quotes_it_is_an_answer(service):
    for section in 'a' + ALL, '\xe4' * 600:  # and one that is cut
        with pytest.raises(dbus.DBusException) as caught:
            service.report('', {section: {'t': 'x' * 5000}})
        assert caught.value.get_dbus_name() == 'org.hublink1.Error.BadValue', caught.value


# --- methods ---

def test_a_responder_gets_it_as_an_escape(gateway, hub):
    argument = {'t': ALL, 'k' + ALL: ['\\' + ALL]}
    with Responder(gateway.bus, 'echo-odd'):
        status, answer = hub.call('echo-odd', 'odd-%d' % next(numbers), json.dumps(argument, ensure_ascii=False).encode())
    assert status == 200 and json.loads(answer) == argument


def test_a_call_from_here_is_answered(gateway):
    with Responder(gateway.bus, 'echo-here'):
        status, answer = gateway.caller.call_blocking(NAME, PATH, 'org.hublink1.Methods', 'Call', 'sst',
                                                      ('echo-here', json.dumps({'t': ALL}), 0))
    assert status == 200 and json.loads(answer) == {'t': ALL}


# --- sensors ---

def send_line(gateway, line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as producer:
        producer.sendto(line.encode(), gateway.socket)


def test_a_reading_is_shown(gateway):
    send_line(gateway, json.dumps({'s': 'pump', 'note': 'a' + ALL}, ensure_ascii=False))
    assert gateway.hub.wait(lambda: gateway.sensor('apps')['Values']) == {'note': 'a' + GONE}
    assert gateway.caller.call_blocking(NAME, PATH, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects', '', ())
    for words in ('status',), ('sensors',), ('status', '--json'):
        ctl(gateway, *words)


def test_an_error_that_quotes_it_is_shown(gateway):
    errors = gateway.sensor('apps')['Errors']
    send_line(gateway, ALL + '{')
    gateway.hub.wait(lambda: gateway.sensor('apps')['Errors'] > errors)
    assert gateway.sensor('apps')['LastError']
    ctl(gateway, 'status')


# --- settings ---

def test_a_problem_of_the_settings_that_quotes_it_is_shown(gateway):
    gateway.configure('include = "%s";\n' % ALL, 'conf.d/odd.conf')
    try:
        with pytest.raises(dbus.DBusException):
            gateway.caller.call_blocking(NAME, PATH, MANAGER, 'Reload', '', ())
        assert gateway.properties(MANAGER)['SettingsProblem']
        ctl(gateway, 'status')
    finally:
        (gateway.directory / 'conf.d/odd.conf').unlink()
        gateway.caller.call_blocking(NAME, PATH, MANAGER, 'Reload', '', ())


# --- the other way: what local programs send ---

def test_what_a_client_sends_is_refused_and_it_stays(gateway):
    """libdbus lets it through; sd-bus does not read it."""
    for interface, member, signature, arguments in (
            (TWIN, 'Report', 'ss', ('a', '{"t":"%s"}' % ALL)), (TWIN, 'GetDesired', 's', (ALL,)),
            (INBOX, 'Reject', 'ts', (1, ALL)), ('org.hublink1.Methods', 'Register', 's', (ALL,))):
        with pytest.raises(dbus.DBusException) as caught:
            gateway.caller.call_blocking(NAME, PATH, interface, member, signature, arguments, timeout=20)
        assert caught.value.get_dbus_name() == 'org.freedesktop.DBus.Error.InconsistentMessage', caught.value
    assert gateway.is_running()
