# SPDX-License-Identifier: Apache-2.0
"""Methods and messages of the cloud that start units: real daemon, devhub and bus, and a systemd that the test plays.

With the real one, and polkit: test_booted_commands.py.
"""

import subprocess
import threading
import time

import dbus
import pytest

import service_manager
from bus import BUILD, METHODS, NAME, PATH, PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import Devhub
from explorer import Explorer
from inbox import Taker, listed
from service_manager import OBJECT
from unit_runner import Refused, UnitRunner, hang, signal_removed

SETTINGS = '''
queue: { directory = "%s"; commit_interval = "100ms"; };
streams: { telemetry: { max_latency = "0s"; }; };
inbox: { report_rejects = true; report_completions = true; };
command_units: { hand: { method = "by-hand"; timeout = "2s"; }; };
'''
COMMANDS = {
    'pump': 'method = "pump"; c2d: { hl-command = "pump"; };',
    'slow': 'method = "slow"; c2d: { hl-command = "slow"; site = "a"; }; timeout = "1s";',
    'again': 'c2d: { hl-command = "again"; }; timeout = "1h"; idempotent = true;',
    'bare': 'method = "bare";',
    'begun': 'method = "begun"; c2d: { hl-command = "begun"; };',
}
UNIT = 'hublink-command@%s.service'


@pytest.fixture(scope='module')
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp('command-units')
    run = folder / 'run'
    run.mkdir()
    bus = PrivateBus()
    service_manager.allow(bus)
    with Devhub(folder / 'hub') as devhub, bus, Cloud(devhub) as cloud, \
            Daemon(folder / 'gateway', bus, environment={'RUNTIME_DIRECTORY': str(run)}) as daemon, \
            UnitRunner(bus, run) as units:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        (daemon.directory / 'commands.d').mkdir()
        for name, text in COMMANDS.items():
            daemon.configure(text + '\n', 'commands.d/%s.conf' % name)
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.devhub, daemon.cloud, daemon.units = devhub, cloud, units
        daemon.explorer = Explorer(devhub.directory)
        daemon.start()
        daemon.wait_for_link('connected')
        yield daemon


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return got


def call(gateway, name, json=''):
    status, text = gateway.caller.call_blocking(NAME, PATH, METHODS, 'Call', 'sst', (name, json, dbus.UInt64(0)), timeout=30)
    return int(status), str(text)


def from_hub(gateway, name, *payload):
    answer = gateway.explorer.json('device-method', 'gw-1', name, *payload, check=False)
    return answer['status'], answer['payload']


class CallFromHub(threading.Thread):
    """Under way, until it is asked for its answer."""

    def __init__(self, gateway, method, unit=None):
        super().__init__(target=lambda: setattr(self, 'got', from_hub(gateway, method)))
        self.start()
        until(lambda: (unit or method) in gateway.units.running)

    def answer(self):
        self.join()
        return self.got


def reports(gateway):
    """What the cloud was told of its messages: {message id: (outcome, reason)}."""
    return {event['system']['correlation-id']: (event['properties']['hl-inbox'], event['body']['reason'])
            for event in gateway.devhub.events() if 'hl-inbox' in event['properties']}


def send(gateway, name, body=b'', id=None, **properties):
    gateway.cloud.send('gw-1', body, id=id, properties={'hl-command': name, **properties})


def report_of(gateway, id):
    return until(lambda: reports(gateway).get(id))


# --- methods ---

def test_the_hub_calls_and_the_unit_answers(gateway):
    gateway.units['pump'] = lambda run: run.answer({'did': run.argument})
    assert from_hub(gateway, 'pump', '{"speed":[1,2.50]}') == (200, {'did': {'speed': [1, 2.5]}})
    assert gateway.units.requests[-1] == '{"speed":[1,2.50]}'  # as it came
    assert call(gateway, 'pump') == (200, '{"did": null}')
    rows = {str(row[0]): tuple(map(str, row[1:])) for row in
            gateway.caller.call_blocking(NAME, PATH, METHODS, 'List', '', ())}
    assert rows['pump'] == ('unit', UNIT % 'pump', '2', '0', '0')
    assert rows['by-hand'][:2] == ('unit', UNIT % 'hand')
    assert 'again' not in rows
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', '--bus', gateway.bus.address, 'methods'], capture_output=True, text=True)
    assert UNIT % 'pump' + ' (unit)' in done.stdout, done.stdout + done.stderr
    assert gateway.lines('Method pump, called by hub: 200')


def test_the_exit_status_is_an_answer(gateway):
    gateway.units['pump'] = lambda run: 3
    assert call(gateway, 'pump') == (500, '{"status":3}')  # the answer of before is not taken for its own
    gateway.units['pump'] = lambda run: run.answer({'why': 'jammed'}, 4)
    assert call(gateway, 'pump') == (500, '{"why": "jammed"}')
    gateway.units['pump'] = lambda run: None
    assert call(gateway, 'pump') == (200, '{"status":0}')
    gateway.units['pump'] = lambda run: run.answer('{"half":')
    assert call(gateway, 'pump') == (200, '{"status":0}')
    gateway.units['pump'] = lambda run: run.answer('"%s"' % ('x' * (128 << 10)))
    assert call(gateway, 'pump') == (200, '{"status":0}')
    gateway.units['pump'] = lambda run: run.answer('"%s"' % ('x' * ((128 << 10) - 2)))
    assert [len(text) for text in call(gateway, 'pump')[1:]] == [128 << 10]
    assert 'Command pump: the answer of ' + UNIT % 'pump' + ' is passed over' in gateway.log()
    gateway.units['pump'] = lambda run: ('signal', 2, 9)
    status, text = call(gateway, 'pump')
    assert status == 500 and 'was killed by signal 9' in text
    gateway.units['pump'] = lambda run: ('oom-kill', 2, 9)
    status, text = call(gateway, 'pump')
    assert status == 500 and 'failed: oom-kill' in text
    gateway.units['pump'] = lambda run: 'dependency'
    status, text = call(gateway, 'pump')
    assert status == 500 and 'failed: dependency' in text


def test_files_are_for_the_group_alone(gateway):
    request = gateway.units.folder / 'command/pump/request'
    assert [oct(path.stat().st_mode & 0o777) for path in (request, request.parent, request.parent.parent)] == [
        '0o640', '0o750', '0o750']


def test_one_runs_at_a_time_and_not_for_ever(gateway):
    gateway.units['slow'] = hang
    first = CallFromHub(gateway, 'slow')
    status, text = call(gateway, 'slow')
    assert status == 429 and 'runs already' in text
    status, payload = first.answer()
    assert status == 504 and 'within 1s, and is stopped' in payload['error']
    assert gateway.units.calls[-1] == ('StopUnit', UNIT % 'slow')
    until(lambda: 'slow' not in gateway.units.running)
    gateway.units['slow'] = lambda run: None
    assert call(gateway, 'slow')[0] == 200
    assert 'Command slow: %s did not end within 1s, and is stopped.' % (UNIT % 'slow') in gateway.log()


def test_what_systemd_refuses_is_told_with_the_remedy(gateway):
    status, text = call(gateway, 'bare')
    assert status == 503 and 'BadUnitSetting' in text and 'systemctl edit ' + UNIT % 'bare' in text
    gateway.units['bare'] = Refused('org.freedesktop.DBus.Error.InteractiveAuthorizationRequired', 'Interactive authentication required.')
    status, text = call(gateway, 'bare')
    assert status == 503 and 'is polkit installed, and hublink-command.rules' in text
    assert 'Command bare: ' in gateway.log()


def test_what_others_started_is_left_alone(gateway):
    gateway.units['pump'] = lambda run: None
    assert call(gateway, 'pump', '"first"')[0] == 200
    request = gateway.units.folder / 'command/pump/request'
    before = request.read_text(), request.stat().st_ino
    gateway.units.states['pump'] = 'active'
    n = len(gateway.units.calls)
    status, text = call(gateway, 'pump', '"second"')
    assert status == 429 and len(gateway.units.calls) == n
    send(gateway, 'pump', b'"third"', id='patient')
    until(lambda: any(one.taker for one in listed(gateway.bus)))
    time.sleep(0.5)
    assert (request.read_text(), request.stat().st_ino) == before  # it may be reading it now
    del gateway.units.states['pump']
    assert report_of(gateway, 'patient')[0] == 'completed'
    assert gateway.units.requests[-1] == '"third"'


def test_a_run_keeps_its_argument_over_a_restart(gateway):
    """It was started before, and the one of now knows of it by systemd alone."""
    release, read = threading.Event(), []
    request = gateway.units.folder / 'command/begun/request'
    gateway.units['begun'] = lambda run: (release.wait(20), read.append(request.read_text()))[1]
    threading.Thread(target=lambda: from_hub(gateway, 'begun', '"A"'), daemon=True).start()
    until(lambda: 'begun' in gateway.units.running)
    gateway.stop()
    gateway.start()
    gateway.wait_for_link('connected')
    status, text = call(gateway, 'begun', '"B"')
    assert status == 429 and 'runs already' in text
    release.set()
    until(lambda: read)
    assert read == ['"A"']
    until(lambda: not gateway.units.running)


def test_only_systemd_says_that_it_has_ended(gateway):
    gateway.units['slow'] = hang
    waiting = CallFromHub(gateway, 'slow')
    liar = gateway.bus.connect()
    owner = liar.get_name_owner(NAME)
    for number in range(1, gateway.units.jobs + 3):
        for result in ('done', 'failed'):
            signal_removed(liar, number, OBJECT + '/job/%d' % number, UNIT % 'slow', result, destination=owner)
    liar.flush()
    assert waiting.answer()[0] == 504
    until(lambda: 'slow' not in gateway.units.running)


def test_a_reload_gives_and_takes_commands(gateway):
    gateway.configure('method = "new";\n', 'commands.d/new.conf')
    gateway.reload()
    gateway.units['new'] = lambda run: None
    assert call(gateway, 'new')[0] == 200
    (gateway.directory / 'commands.d/new.conf').unlink()
    gateway.reload()
    assert call(gateway, 'new')[0] == 404
    gateway.configure('exec = "/sbin/reboot";\n', 'commands.d/new.conf')
    done = gateway.run('--check')
    assert done.returncode == 78 and 'commands.d/new.conf:1: command_units.new.exec: unknown setting' in done.stdout + done.stderr
    (gateway.directory / 'commands.d/new.conf').unlink()


def test_a_systemd_by_another_name_says_that_it_has_ended(gateway):
    """It was started anew, by an update that runs here."""
    release = threading.Event()
    gateway.units['hand'] = lambda run: (release.wait(10), 4)[1]
    waiting = CallFromHub(gateway, 'by-hand', 'hand')
    gateway.units.connection.release_name(service_manager.SYSTEMD)
    gateway.units.begin_anew()
    release.set()
    assert waiting.answer() == (500, {'status': 4})
    assert call(gateway, 'by-hand') == (500, '{"status":4}')


@pytest.mark.parametrize('member, answer', [('LoadUnit', ('s', 'a unit')), ('Get', ('s', 'inactive')), ('Get', ('v', 7)),
                                            ('StartUnit', ('u', 7)), ('StartUnit', ('', None)), ('GetAll', ('s', 'x')),
                                            ('GetAll', ('a{sv}', {'Result': 7})), ('GetAll', ('a{sv}', {}))])
def test_an_answer_that_is_none_is_told(gateway, member, answer):
    gateway.units['pump'] = lambda run: 3
    gateway.units.odd = {member: answer}
    try:
        status, text = call(gateway, 'pump')
    finally:
        gateway.units.odd = {}
        until(lambda: not gateway.units.running)
    assert (status, 'was not understood' in text) == ((500, False) if member == 'GetAll' else (503, True)), text
    assert call(gateway, 'pump') == (500, '{"status":3}')


# --- messages ---

def test_a_message_is_completed_by_its_unit(gateway):
    gateway.units['pump'] = lambda run: None
    send(gateway, 'pump', b'{"a":1}', id='good')
    assert report_of(gateway, 'good')[0] == 'completed'
    assert gateway.units.requests[-1] == '{"a":1}'
    gateway.units['pump'] = lambda run: 5
    send(gateway, 'pump', id='bad')
    assert report_of(gateway, 'bad') == ('rejected', UNIT % 'pump' + ' ended with status 5')
    assert gateway.units.requests[-1] == 'null'
    send(gateway, 'pump', b'not JSON', id='text')
    assert report_of(gateway, 'text')[0] == 'rejected' and 'not JSON' in report_of(gateway, 'text')[1]
    assert 'completed by ' + UNIT % 'pump' in gateway.log()


def test_other_messages_are_for_others(gateway):
    n = len(gateway.units.calls)
    send(gateway, 'slow', id='elsewhere')  # both properties are wanted
    send(gateway, 'nothing', id='nobody')
    until(lambda: len(listed(gateway.bus)) == 2)
    gateway.units['slow'] = lambda run: None
    send(gateway, 'slow', id='here', site='a')
    assert report_of(gateway, 'here')[0] == 'completed'
    assert len(gateway.units.calls) == n + 1
    assert [(one.message_id, one.taker, one.times_taken) for one in listed(gateway.bus)] == [('elsewhere', '', 0), ('nobody', '', 0)]
    taker = Taker(gateway.bus)
    while message := taker.take():
        taker.complete(message.id)


def test_a_message_whose_run_was_cut_off_is_not_done_twice(gateway):
    """As when it asks for a reboot. One that may be done twice is."""
    begun = []
    gateway.units['begun'] = lambda run: (begun.append(run.name), hang(run))[1]
    gateway.units['again'] = gateway.units['begun']
    send(gateway, 'begun', id='once')
    send(gateway, 'again', id='twice')
    until(lambda: sorted(begun) == ['again', 'begun'])
    gateway.kill()
    for run in list(gateway.units.running.values()):
        run.stopped.set()
    until(lambda: not gateway.units.running)
    gateway.units['again'] = lambda run: begun.append(run.name)
    gateway.start()
    outcome, reason = report_of(gateway, 'once')
    assert outcome == 'rejected' and 'it is not done twice' in reason
    assert report_of(gateway, 'twice')[0] == 'completed'
    assert sorted(begun) == ['again', 'again', 'begun']


# --- the bus ---

def test_without_a_bus_nothing_is_known(gateway):
    """Nor whether it has begun: what is said not to be started would be asked for again."""
    gateway.wait_for_link('connected')
    gateway.units['begun'] = gateway.units['pump'] = hang
    begun = CallFromHub(gateway, 'begun')
    gateway.units.silent.add('StartUnit')
    unanswered = CallFromHub(gateway, 'pump')
    gateway.bus.stop()
    for waiting in begun, unanswered:
        status, payload = waiting.answer()
        assert status == 503 and 'how it ends is not known' in payload['error'], payload
    status, payload = from_hub(gateway, 'pump')
    assert status == 503 and 'no connection to the message bus' in payload['error']
