# SPDX-License-Identifier: Apache-2.0
"""Direct methods to local services: real daemon, devhub, bus and responders, called by the explorer and from here."""

import json
import re
import subprocess
import time

import dbus
import pytest

from bus import BUILD, MANAGER, METHODS, NAME, PATH, As, PrivateBus
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from explorer import Explorer
from responder import Responder, command

SETTINGS = '''
methods: {
  timeout = "1500ms";
  registrants: { echo-reserved = "daemon"; };
};
sensors: {
  wind: { driver = "simulated"; model = "wind"; interval = "1h"; };
  apps: { driver = "socket"; listen = "unix-dgram:%s/in.sock"; };
};
'''
PRINTER = 'org.example.Printer'


@pytest.fixture
def bus():
    bus = PrivateBus()
    bus.activatable(PRINTER, ' '.join(command(bus.address, bus_name=PRINTER)))
    bus.activatable('org.example.Broken', '/bin/false')
    with bus:
        yield bus


@pytest.fixture
def offline(tmp_path, bus):
    """A daemon without a hub."""
    with Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % tmp_path)
        (daemon.directory / 'methods.d').mkdir()
        for method, service in (('echo-print', PRINTER), ('broken', 'org.example.Broken'), ('absent', 'org.example.Absent')):
            daemon.configure('responder = "%s";\n' % service, 'methods.d/%s.conf' % method)
        daemon.start()
        bus.wait_for_name()
        yield daemon


@pytest.fixture
def gateway(offline, devhub):  # noqa: F811
    offline.hub(devhub, devhub.create('gw-1'))
    offline.reload()
    offline.explorer = Explorer(devhub.directory)
    offline.wait_for_link('connected')
    return offline


def ctl(gateway, *words, who=(), input=''):
    return subprocess.run([*who, BUILD / 'src/ctl/hublinkctl', '--bus', gateway.bus.address, *words], input=input,
                          capture_output=True, text=True, timeout=30)


def call(gateway, name, json='', timeout=0):
    """As root, over the bus."""
    return tuple(gateway.caller.call_blocking(NAME, PATH, METHODS, 'Call', 'sst', (name, json, dbus.UInt64(timeout)),
                                              timeout=30))


def listed(gateway):
    rows = gateway.caller.call_blocking(NAME, PATH, METHODS, 'List', '', (), timeout=10)
    return {str(row[0]): tuple(row[1:]) for row in rows}


def audit(gateway, most=0):
    return gateway.caller.call_blocking(NAME, PATH, MANAGER, 'Audit', 'u', (most,), timeout=10)


def from_hub(gateway, name, payload=None, *options):
    answer = gateway.explorer.json('device-method', 'gw-1', name, *([] if payload is None else [payload]), *options,
                                   check=False)
    return answer['status'], answer['payload']


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return got


# --- from the hub ---


def test_the_hub_calls_and_a_local_service_answers(gateway):
    with Responder(gateway.bus, 'echo', who=As.SUBMITTER) as responder:
        assert from_hub(gateway, 'echo', '{"a":[1,2.50,"\u00e9"]}') == (200, {'a': [1, 2.5, '\u00e9']})
        assert from_hub(gateway, 'echo', '"2026-01-01T00:00:00Z"') == (200, '2026-01-01T00:00:00Z')
        assert listed(gateway)['echo'] == ('registered', responder.name, 2, 0, 0)
    status, payload = from_hub(gateway, 'echo')
    assert status == 404 and 'echo' in payload['error']
    assert [(str(e[1]), str(e[2]), int(e[3])) for e in audit(gateway)] == [
        ('hub', 'echo', 200), ('hub', 'echo', 200), ('hub', 'echo', 404)]
    assert len(gateway.lines('Method echo, called by hub: 200 after')) == 2
    assert '2026' not in ''.join(gateway.lines('Method echo'))


def test_the_allow_list_is_for_the_hub(gateway):
    gateway.configure('methods: { allow = [ "ping" ]; };', 'conf.d/allow.conf')
    gateway.reload()
    with Responder(gateway.bus, 'echo'):
        assert from_hub(gateway, 'ping')[0] == 200
        assert from_hub(gateway, 'echo')[0] == 403
        assert from_hub(gateway, 'nothing')[0] == 403
        assert call(gateway, 'echo', '1') == (200, '1')


def test_built_in_methods(gateway):
    status, payload = from_hub(gateway, 'getStatus')
    assert status == 200 and payload['link_state'] == 'connected'
    assert {s['name'] for s in payload['sensors']} == {'wind', 'apps'}
    assert from_hub(gateway, 'flush') == (200, {'flushed': True})
    assert from_hub(gateway, 'setInterval', '{"sensor":"wind","interval":"50ms"}') == (
        200, {'sensor': 'wind', 'interval': '50ms'})
    assert gateway.sensor('wind')['Interval'] == 50000
    before = gateway.ledger()['accepted']
    until(lambda: gateway.ledger()['accepted'] > before + 3)
    for payload, status in (('{"sensor":"none","interval":1}', 404), ('{"sensor":"apps","interval":1}', 400),
                            ('{"sensor":"wind","interval":"1ms"}', 400), ('{"sensor":"wind"}', 400), ('7', 400)):
        assert from_hub(gateway, 'setInterval', payload)[0] == status, payload
    gateway.reload()
    assert gateway.sensor('wind')['Interval'] == 50000
    assert from_hub(gateway, 'setInterval', '{"sensor":"wind","interval":null}') == (
        200, {'sensor': 'wind', 'interval': '1h'})
    assert gateway.sensor('wind')['Interval'] == 3600 * 1000000


# --- what responders do ---


def test_every_fault_has_its_status(offline):
    deeds = {'echo': 200, 'late': 504, 'hang': 504, 'fail': 500, 'twice': 200, 'large': 500, 'full': 200, 'badjson': 500,
             'badform': 500, 'die': 503}
    with Responder(offline.bus, *deeds) as responder:
        for deed, status in deeds.items():
            got, payload = call(offline, deed, '{}')
            assert got == status, (deed, payload)
            assert status == 200 or json.loads(payload)['error'], deed
            if deed == 'fail':
                assert 'paper jam' in payload
            if deed == 'hang':
                # the late one answers while this is waited for, and is counted
                assert listed(offline)['late'] == ('registered', responder.name, 1, 1, 1)
        responder.process.wait(10)
    until(lambda: 'echo' not in listed(offline))
    assert call(offline, 'echo') == (404, '{"error":"nobody on this device answers to the method \\"echo\\""}')
    assert len(audit(offline)) == len(deeds) + 1
    assert [int(e[3]) for e in audit(offline, 2)] == [503, 404]


def test_one_that_is_killed_in_between(offline):
    with Responder(offline.bus, 'hang') as responder:
        begun = time.monotonic()
        waiting = subprocess.Popen([BUILD / 'src/ctl/hublinkctl', '--bus', offline.bus.address, 'call', 'hang', '--timeout',
                                    '1min'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: listed(offline)['hang'][2] == 1)
        responder.process.kill()
        out, err = waiting.communicate(timeout=20)
        assert waiting.returncode == 1 and 'status 503' in err and 'left' in out, (out, err)
        assert time.monotonic() - begun < 30


def test_one_that_hangs_is_left_alone(offline):
    with Responder(offline.bus, 'hang'), Responder(offline.bus, 'echo'):
        for _ in range(16):
            assert call(offline, 'hang', timeout=20000)[0] == 504
        status, payload = call(offline, 'hang')
        assert status == 429 and 'has not answered 16 calls' in payload
        assert call(offline, 'echo', '1') == (200, '1')
    until(lambda: 'hang' not in listed(offline))
    with Responder(offline.bus, 'hang'):
        assert call(offline, 'hang', timeout=20000)[0] == 504


def test_a_responder_knows_its_time(offline):
    with Responder(offline.bus, 'deadline'):
        status, left = call(offline, 'deadline', timeout=60 * 1000000)
        assert status == 200 and 30000 < int(left) <= 60000
        assert int(call(offline, 'deadline')[1]) <= 1500


def test_services_are_started_on_demand(offline):
    assert listed(offline)['echo-print'] == ('activated', PRINTER, 0, 0, 0)
    assert not offline.caller.name_has_owner(PRINTER)
    assert call(offline, 'echo-print', '[7]', 20 * 1000000) == (200, '[7]')
    assert offline.caller.name_has_owner(PRINTER)
    for name in ('broken', 'absent'):
        status, payload = call(offline, name, timeout=20 * 1000000)
        assert status == 503 and 'org.example.' in payload, payload


def test_without_a_bus_for_a_while(gateway):
    """Names and calls end with the bus; the daemon does not, and answers."""
    with Responder(gateway.bus, 'hang'):
        watch = subprocess.Popen([*map(str, gateway.explorer.command('--json', 'device-method', 'gw-1', 'hang'))],
                                 stdout=subprocess.PIPE, text=True, env=gateway.explorer.env)
        until(lambda: listed(gateway)['hang'][2] == 1)
        gateway.bus.stop()
        out, _ = watch.communicate(timeout=30)
        assert json.loads(out)['status'] == 503
    assert from_hub(gateway, 'hang')[0] == 404
    assert from_hub(gateway, 'ping')[0] == 200
    gateway._caller = None
    gateway.bus.start()
    gateway.bus.wait_for_name(seconds=30)
    with Responder(gateway.bus, 'echo'):
        assert from_hub(gateway, 'echo', '1') == (200, 1)


def test_those_who_wait_are_answered_at_the_stop(gateway):
    """While the link is there still."""
    with Responder(gateway.bus, 'hang'):
        gateway.configure('methods: { timeout = "1min"; };', 'conf.d/timeout.conf')
        gateway.reload()
        watch = subprocess.Popen([*map(str, gateway.explorer.command('--json', 'device-method', 'gw-1', 'hang'))],
                                 stdout=subprocess.PIPE, text=True, env=gateway.explorer.env)
        here = subprocess.Popen([BUILD / 'src/ctl/hublinkctl', '--bus', gateway.bus.address, '--json', 'call', 'hang'],
                                stdout=subprocess.PIPE, text=True)
        until(lambda: listed(gateway)['hang'][2] == 2)
        assert gateway.stop() == 0
        for process in (watch, here):
            out, _ = process.communicate(timeout=30)
            assert json.loads(out)['status'] == 503 and 'stopping' in out


# --- who may ---


def test_names_and_their_owners(offline):
    with Responder(offline.bus, 'echo') as first:
        second = Responder(offline.bus, 'echo')
        assert second.name is None and 'NotOwner' in second.complaint
        third = Responder(offline.bus, 'ping')
        assert third.name is None and 'hublinkd itself' in third.complaint
        reserved = Responder(offline.bus, 'echo-reserved')
        assert reserved.name is None and 'for user daemon alone' in reserved.complaint
        with Responder(offline.bus, 'echo-reserved', who=As.SUBMITTER):
            assert call(offline, 'echo-reserved', '1') == (200, '1')
        assert listed(offline)['echo'][1] == first.name
        bad = Responder(offline.bus, 'a b')
        assert 'BadValue' in bad.complaint


def test_one_user_does_not_get_all_names(offline):
    names = ['echo-%d' % i for i in range(129)]
    with Responder(offline.bus, *names[:64], who=As.SUBMITTER), Responder(offline.bus, *names[64:128], who=As.SUBMITTER):
        refused = Responder(offline.bus, names[128], who=As.SUBMITTER)
        assert refused.name is None and 'Busy' in refused.complaint and '128 by one user' in refused.complaint
        with Responder(offline.bus, names[128], who=As.ADMIN):
            assert call(offline, names[128], '1') == (200, '1')
        with Responder(offline.bus, names[128]):
            assert call(offline, names[128], '1') == (200, '1')


def test_rights(offline):
    with Responder(offline.bus, 'echo'):
        for who, may in ((As.NOBODY, {'methods'}), (As.SUBMITTER, {'methods'}), (As.ADMIN, {'methods', 'call', 'audit'}),
                         (As.ROOT, {'methods', 'call', 'audit'})):
            for words in (['methods'], ['call', 'echo', '1'], ['audit']):
                done = ctl(offline, *words, who=who)
                assert (done.returncode == 0) == (words[0] in may), (who, words, done)
        nobody = Responder(offline.bus, 'echo-2', who=As.NOBODY)
        assert nobody.name is None and 'AccessDenied' in nobody.complaint
        with Responder(offline.bus, 'echo-2', who=As.SUBMITTER):
            pass
        assert ' bin (' in ' ' + ' '.join(str(e[1]) for e in audit(offline))


# --- hublinkctl ---


def test_the_audit_goes_on(offline):
    """Each is seen once, those too that come while nobody waits for the next."""
    def audit(*words):
        return subprocess.Popen([BUILD / 'src/ctl/hublinkctl', '--bus', offline.bus.address, *words, 'audit', '--watch', '--for',
                                 '30s'], stdout=subprocess.PIPE, text=True)

    call(offline, 'before')
    watch, table = audit('--json'), audit()
    try:
        assert [e['name'] for e in json.loads(watch.stdout.readline())] == ['before']
        assert [table.stdout.readline().split()[0], table.stdout.readline().split()[2]] == ['TIME', 'before']
        for i in range(300):
            call(offline, 'm%d' % i)
        assert [json.loads(watch.stdout.readline())['name'] for _ in range(300)] == ['m%d' % i for i in range(300)]
        assert [table.stdout.readline().split()[2] for _ in range(300)] == ['m%d' % i for i in range(300)]
        assert int(offline.properties()['Orders']) == 301
    finally:
        for process in watch, table:
            process.terminate()
            assert process.wait(10) == 0
            process.stdout.close()


def test_the_list_of_methods_goes_on(offline):
    watch = subprocess.Popen([BUILD / 'src/ctl/hublinkctl', '--bus', offline.bus.address, '--json', 'methods', '--watch', '--for',
                              '30s'], stdout=subprocess.PIPE, text=True)
    table = subprocess.Popen([BUILD / 'src/ctl/hublinkctl', '--bus', offline.bus.address, 'methods', '--watch', '--for', '30s'],
                             stdout=subprocess.PIPE, text=True)

    def event():
        said = json.loads(watch.stdout.readline())
        return said['event'], said['method']['name'], said['method']['calls']
    try:
        n = len(json.loads(watch.stdout.readline()))
        assert [table.stdout.readline() for _ in range(n + 1)][0].split()[0] == 'METHOD'
        with Responder(offline.bus, 'echo') as responder:
            assert event() == ('new', 'echo', 0)
            assert re.match(r'\S+  new     echo  0 calls, 0 failed, 0 late  %s$' % re.escape(responder.name),
                            table.stdout.readline())
            call(offline, 'echo', '1')
            assert event() == ('called', 'echo', 1)
        assert event() == ('gone', 'echo', 1)
        call(offline, 'ping')
        assert event() == ('called', 'ping', 1)
        assert [table.stdout.readline().split()[1:3] for _ in range(3)] == [['called', 'echo'], ['gone', 'echo'],
                                                                            ['called', 'ping']]
    finally:
        for process in watch, table:
            process.terminate()
            assert process.wait(10) == 0
            process.stdout.close()


def test_ctl(offline):
    with Responder(offline.bus, 'echo', 'hang') as responder:
        done = ctl(offline, 'methods')
        assert [line.split()[0] for line in done.stdout.splitlines()][1:] == [
            'absent', 'broken', 'echo', 'echo-print', 'flush', 'getStatus', 'hang', 'ping', 'setInterval']
        assert '%s (registered)' % responder.name in done.stdout and 'org.example.Printer (activated)' in done.stdout
        rows = {row['name']: row for row in json.loads(ctl(offline, '--json', 'methods').stdout)}
        assert rows['ping'] == {'name': 'ping', 'kind': 'builtin', 'responder': '', 'calls': 0, 'failures': 0, 'late': 0}

        assert ctl(offline, 'call', 'echo', '{"a":1}').stdout == '{"a":1}\n'
        assert ctl(offline, 'call', 'echo').stdout == ''
        assert ctl(offline, 'call', 'echo', '-', input='{"b": 2}').stdout == '{"b": 2}\n'
        assert ctl(offline, 'call', 'echo', '-', input='').stdout == ''
        done = ctl(offline, 'call', 'echo', '-', input='"\0"')
        assert done.returncode == 1 and 'standard input: it holds a NUL' in done.stderr
        done = ctl(offline, 'call', 'echo', '-', input='"%s"' % ('x' * (128 << 10)))
        assert done.returncode == 1 and 'more than 128 KiB' in done.stdout
        assert json.loads(ctl(offline, '--json', 'call', 'echo', '[1]').stdout) == {'status': 200, 'payload': [1]}
        assert json.loads(ctl(offline, '--json', 'call', 'echo').stdout) == {'status': 200, 'payload': None}
        done = ctl(offline, 'call', 'hang', '--timeout', '100ms')
        assert done.returncode == 4 and 'within 100ms' in done.stdout and 'status 504' in done.stderr
        done = ctl(offline, 'call', 'echo', '{1}')
        assert done.returncode == 1 and 'status 400' in done.stderr
        assert ctl(offline, 'call').returncode == 2
        assert ctl(offline, 'call', 'echo', '1', '2').returncode == 2
        assert ctl(offline, 'call', 'echo', '--timeout', 'soon').returncode == 2
        done = ctl(offline, 'call', 'echo', '--timeout', '1h')
        assert done.returncode == 1 and '5 minutes' in done.stderr

        done = ctl(offline, 'audit')
        lines = done.stdout.splitlines()
        assert len(lines) == 10 and '504' in lines[8] and 'root (:' in lines[8], done.stdout
        assert {row['request'] for row in json.loads(ctl(offline, '--json', 'audit').stdout)} == {''}
        offline.configure('audit: { payload = true; };', 'conf.d/audit.conf')
        offline.reload()
        ctl(offline, 'call', 'echo', '"\\u001b[2J"')
        assert '"\\u001b[2J" -> "\\u001b[2J"' in ctl(offline, 'audit').stdout
        assert 'asked "\\u001b[2J"; answered "\\u001b[2J"' in offline.log()
