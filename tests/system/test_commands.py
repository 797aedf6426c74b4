# SPDX-License-Identifier: Apache-2.0
"""Every command that a page tells to type is typed: of the Markdown pages and of the manual pages, as it is printed, in a
house of its own (house.py) with a hub, a gateway and a local program's socket.

What takes longer than a test may is run shorter; what needs systemd, packages or somebody at a terminal is run by another
test, which is named here and looked into. A command that is in no table has to be one of our programs, and to end well.
"""

import json
import re
import shlex
import signal
import subprocess
import time

import pytest

import pages
from bus import BUILD, SOURCE, PrivateBus
from daemon import Daemon
from house import WORK, House

COMMANDS = [command for page in pages.markdown() + pages.manuals() for command in pages.commands(page)]
ONCE = list(dict.fromkeys(command.text for command in COMMANDS))
OURS = re.compile(r'hublinkd|hublinkctl|hublink-devhub|hublink-explorer')

# A house begins with these, whichever page they are on.
FIRST = ['hublink-devhub serve --state-dir /tmp/hub &', 'hublink-devhub device create gw-17 --state-dir /tmp/hub']

# Others that are safe and able in a house.
ALSO = ['busctl call org.hublink1 ', 'busctl get-property org.hublink1 ', 'busctl introspect org.hublink1 ',
        'curl --unix-socket ', 'mkdir state', 'install -m 0644 /var/lib/hublink-devhub/ca.pem ', 'echo \'{"s":"pump",', 'tests/bench/compare ']

# These go on until they are told to end.
GOES_ON = ['hublinkctl watch', 'hublinkctl watch --for 1min', 'hublink-devhub monitor --from start --state-dir /tmp/hub',
           'hublink-explorer --devhub /tmp/hub monitor-events',
           'hublink-explorer --devhub /tmp/hub monitor-events gw-17 --from 10min',
           'hublinkd --config ./hublink.conf --state-dir "$PWD/state" --bus session']

# These take some seconds, beside the others.
BESIDE = ['packaging/quickstart', 'tests/bench/compare encode --rounds 1']

# The same with less to do, and what its last line says.
SHORTER = {
    'packaging/quickstart': ('packaging/quickstart --for 6', r'ledger: accepted=[1-9]'),
    'tests/run': ('tests/run --help', r'Exit: 0 all passed'),
    'tests/run unit flow': ('tests/run --help | grep "tests/run unit flow"', 'only these suites'),
    'tests/run --campaign': ('tests/run --help | grep "tests/run --campaign"', 'also the suite campaign'),
    'packaging/require build run test bench': ('packaging/require 2>&1 | grep -o "sets:.*"', 'bench build .*run test'),
    'tests/bench/compare': ('tests/bench/compare --help | grep "All of it takes"', 'three quarters of an hour'),
    'hublinkctl --json watch --for 12h > recording.jsonl':
        ('timeout --preserve-status -s INT 1.5 hublinkctl --json watch --for 12h > recording.jsonl; grep -c room recording.jsonl',
         '^[1-9]'),
    'hublink-explorer --devhub /tmp/hub monitor-events --from start --for 5s --verify':
        ('hublink-explorer --devhub /tmp/hub monitor-events --from start --for 5s --verify --count 1', ' gaps=0$'),
}

JOB, LIFE = 'tests/system/booted/job', 'tests/system/booted/job-packages'
SETUP, BUILDS = 'tests/system/test_setup.py', 'tests/campaign/test_package_builds.py'
# Where else it is run, and with which words. Each word of the command that is no name or value stands there too.
ELSEWHERE = {
    'packaging/build deb': (BUILDS, "params=['deb', 'rpm']"),
    'packaging/build rpm': (BUILDS, "params=['deb', 'rpm']"),
    'meson setup build': ('tests/run', 'meson setup "$folder"'),
    'ninja -C build': ('tests/run', 'ninja -C "$folder"'),
    'apt install ./build/packages/hublink_*.deb': (LIFE, 'apt install ./now/hublink_*.deb'),
    'systemctl start hublink-devhub': (JOB, 'systemctl start hublink-devhub'),
    'systemctl reload hublinkd': (JOB, 'systemctl reload hublinkd.service'),
    'journalctl -u hublinkd HUBLINK_SENSOR=room': (JOB, 'journalctl -u hublinkd HUBLINK_SENSOR=absent'),
    'hublinkctl setup': (SETUP, "machine.within([CTL, '--bus', bus.address, 'setup', *words]), stdin=theirs"),
    'hublinkctl setup --enable i2c': (SETUP, "set_up(machine, bus, '--enable', name)"),
    'hublinkctl setup --enable serial': (SETUP, "set_up(machine, bus, '--enable', name)"),
    'hublinkctl setup --enable users': (JOB, 'hublinkctl setup --enable users'),
    'hublinkctl setup --connection-string-file gw-17.cs --yes': (SETUP, "'--connection-string-file'"),
    'hublinkctl setup --dps-id-scope 0ne00000000 --dps-registration-id gw-17 --dps-group-key-file group.key --yes':
        (SETUP, "'--dps-group-key-file'"),
    'hublinkctl doctor': ('tests/system/test_doctor.py', "'doctor'"),
    "hublink-explorer --devhub /tmp/hub send gw-17 'wake up' --ack full --wait":
        ('tests/system/test_explorer_devhub.py', "'--ack', 'full', '--wait'"),
    'npm install azure-iot-common@1.13.3 azure-iot-device@1.18.4 azure-iot-device-mqtt@1.16.4 azure-iot-mqtt-base@1.13.3':
        ('tests/system/node/install', 'npm ci --prefix'),
    'NODE_PATH=$PWD/node_modules node .../tests/data/make-azure-vectors.js > .../tests/data/azure-vectors.json':
        ('tests/system/test_commands.py', "'tests/data/make-azure-vectors.js'"),
}

GATEWAY = '''
hub: { connection_string_file = "/etc/hublink/device.cs"; ca_file = "/tmp/hub/ca.pem"; };
queue: { commit_interval = "50ms"; };
streams: { telemetry: { max_latency = "0s"; }; thermostat: { max_latency = "0s"; }; };
clock: { trust = true; };
metrics: { listen = "unix:/run/hublink/metrics.sock"; };
sensors: {
  cpu: { driver = "file"; path = "/proc/loadavg"; interval = "1s"; channels: { load: { field = 1; }; }; };
  apps: { driver = "socket"; listen = "unix-dgram:/run/hublink/in.sock"; };
};
'''


def is_ours(text):
    """Made to be run here: one of our programs, or in a table."""
    return bool(OURS.match(text)) or text in SHORTER or any(text.startswith(also) for also in ALSO)


def check_known(text):
    assert text in ELSEWHERE or is_ours(text), '%r is run by no test: make it one that can, or name the test' % text


def words_of(text):
    """Of the command itself: neither names of files nor values."""
    return [word for word in shlex.split(text.split(' > ')[0]) if re.fullmatch(r'-{0,2}[a-z]+(-[a-z]+)*', word)]


# --- the house and who lives there ---

def wait_for(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return got


def serve(house, text):
    """A hub in the background: there when its ports are open."""
    process = house.begin(text.removesuffix('&'))
    endpoints = house.path(re.search(r'--state-dir (\S+)', text)[1] + '/endpoints.json')
    wait_for(lambda: endpoints.exists() or process.poll() is not None)
    assert process.poll() is None, process.stdout.read()
    return json.loads(endpoints.read_text())


def start_gateway(house):
    """It has a queue of an earlier life at /mnt/queue, as of a gateway that does not run any more."""
    house.path('/etc/hublink/conf.d/gateway.conf').write_text(GATEWAY)
    daemon = house.begin('hublinkd')
    house.run('until hublinkctl submit earlier n=1; do sleep 0.05; done')
    status, said = house.end(daemon, signal.SIGTERM)
    assert status == 0, said
    house.run('cp -a /var/lib/hublink/queue /mnt/queue')
    house.run('hublink-explorer --devhub /tmp/hub connection-string gw-17 > /etc/hublink/device.cs; '
              'chmod 600 /etc/hublink/device.cs; cd /usr/share/doc/hublink/examples; '
              'sed "s/8s/500ms/" thermostat.conf > /etc/hublink/conf.d/thermostat.conf')
    house.begin('hublinkd')
    house.run('until hublinkctl status | grep -q "^Connected"; do sleep 0.05; done')


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    with PrivateBus() as bus, House(tmp_path_factory.mktemp('house'), bus) as house:
        endpoints = serve(house, FIRST[0])
        house.run(FIRST[1])
        # another is as the service manager would have started it
        serve(house, 'hublink-devhub serve --state-dir /var/lib/hublink-devhub --mqtt-port 0 --https-port 0 --amqps-port 0 '
                     '--amqp-port 0')
        # what the reader has there
        house.run('cat /tmp/hub/ca.pem >> /etc/ssl/certs/ca-certificates.crt')
        for name in 'owner.cs', 'dps.cs':
            house.work(name).touch(mode=0o600)
            house.work(name).write_text(endpoints['owner_connection_string'] + '\n')
        # its sockets are its own, and it has no credential: two of one device would put each other out
        house.work('hublink.conf').write_text(GATEWAY.replace('/run/hublink/', WORK + '/').replace('device.cs', 'none.cs'))
        house.begin('dbus-daemon --session --address=%s --nofork --nopidfile' % house.session_bus)
        house.work('report.json').write_text('{"disk": 40}\n')
        start_gateway(house)
        yield house


GOING = {}  # what was begun, and is ended by a later test


def in_place(text):
    """Our scripts are called from where the sources are. What they would compile is compiled."""
    if not text.startswith(('packaging/', 'tests/')):
        return text
    return 'mkdir -p /run/stub; ln -sf /bin/true /run/stub/ninja; PATH=/run/stub:$PATH; cd %s; %s' % (
        shlex.quote(str(SOURCE)), text)


def order(text):
    """A hub that misbehaves comes last."""
    return ' fault ' in text, ONCE.index(text)


HERE = sorted((text for text in ONCE if text not in ELSEWHERE and text not in FIRST), key=order)


# --- the tests ---

def test_pages_have_commands():
    found = {command.page for command in COMMANDS}
    assert {'README.md', 'conf/dbus/README.md', 'packaging/README.md', 'hublinkctl.1', 'hublink-devhub.1',
            'hublink-explorer.1', 'hublinkd.8'} <= found
    assert len(ONCE) > 60 and set(FIRST) <= set(ONCE)


@pytest.mark.parametrize('page', pages.markdown() + pages.manuals(), ids=pages.name_of)
def test_what_a_block_is_for_is_known(page):
    assert not [block for block in pages.blocks(page) if block.kind is None]


@pytest.mark.parametrize('text', ONCE)
def test_it_is_known(text):
    check_known(text)


def test_no_table_speaks_of_what_no_page_has():
    for table in FIRST, GOES_ON, BESIDE, SHORTER, ELSEWHERE:
        assert not set(table) - set(ONCE)
    assert all(any(text.startswith(also) for text in ONCE) for also in ALSO)


@pytest.mark.parametrize('text', ELSEWHERE)
def test_it_is_run_elsewhere(text):
    file, words = ELSEWHERE[text]
    content = (SOURCE / file).read_text()
    assert words in content
    programs = {'hublinkctl': 'CTL', 'hublink-explorer': 'explorer'}  # and these know where the hub is
    name, *rest = words_of(text.split('/')[-1] if text.startswith('packaging/') else text) or ['']
    assert name in content or programs[name] in content
    assert not [word for word in rest if word not in content and word != '--devhub']


@pytest.mark.parametrize('text', HERE)
def test_it_does_what_it_is_to(house, text):
    check_known(text)
    if text.endswith('&'):
        serve(house, text)
    elif text in GOES_ON:
        GOING[text] = house.begin(text)
    elif text in BESIDE:
        GOING[text] = house.begin(in_place(SHORTER.get(text, (text,))[0]))
    elif text in SHORTER:
        shorter, says = SHORTER[text]
        assert re.search(says, house.run(in_place(shorter)).splitlines()[-1])
    else:
        house.run(in_place(text))


@pytest.mark.parametrize('text', GOES_ON)
def test_it_goes_on_until_it_is_told_to_end(house, text):
    assert GOING[text].poll() is None
    status, said = house.end(GOING.pop(text))
    assert status == 0 and said, (status, said)


@pytest.mark.parametrize('text', BESIDE)
def test_it_ends_well(house, text):
    status, said = house.end(GOING.pop(text), None, 40)
    assert status == 0, said
    assert re.search(SHORTER.get(text, (text, ''))[1], said.splitlines()[-1]), said


def test_the_gateway_sent_what_was_handed_in(house):
    said = house.run('hublink-devhub monitor --from start --for 0s --state-dir /tmp/hub')
    bodies = [json.loads(line).get('body') for line in said.splitlines()]
    pumps = [reading for body in bodies if isinstance(body, list) for reading in body if reading.get('s') == 'pump']
    assert sum(pump.get('running') is True for pump in pumps) >= 2  # by the socket and by hand
    assert [pump for pump in pumps if set(pump) == {'s', 't', 'pressure'}]  # by busctl
    assert {'disk': 40} in bodies


def test_the_vectors_of_azure_are_made_anew():
    """tests/data/README.md: the same bytes, but for what the client tells of its machine."""
    node = SOURCE / 'build/node'
    if not (node / 'node').exists():
        pytest.skip('no Node with the SDKs: tests/system/node/install')
    made = subprocess.run([node / 'node', SOURCE / 'tests/data/make-azure-vectors.js'], capture_output=True, text=True,
                          env={'NODE_PATH': str(node / 'node_modules'), 'PATH': '/usr/bin:/bin'}, timeout=30, check=True)

    def told(text):
        return re.sub(r'(?i)node(%20|\s|\+)?(%28|\()?[^";&]*', 'NODE', text)
    assert told(made.stdout) == told((SOURCE / 'tests/data/azure-vectors.json').read_text())


# --- settings on the pages ---

# those of the manual pages: test_manual
CONF = [(page, block) for page in pages.markdown() for block in pages.blocks(page) if block.kind == 'conf']


@pytest.mark.parametrize('page, block', CONF, ids=lambda value: 'line %d' % value.line if hasattr(value, 'line') else pages.name_of(value))
def test_settings_load(tmp_path, page, block):
    with Daemon(tmp_path) as daemon:
        (daemon.directory / 'chips').symlink_to(SOURCE / 'conf/chips')
        done = daemon.configure(block.text + '\n').run('--check')
        assert (done.returncode, done.stdout) == (0, 'OK\n'), done.stderr


@pytest.mark.parametrize('page', pages.markdown(), ids=pages.name_of)
def test_links_and_paths_lead_somewhere(page):
    text = page.read_text()
    for link in re.findall(r'\]\(([^)#:]+)\)', text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r'`((?:src|tests|conf|packaging|flow|sensor|daemon|ctl)/[\w/.-]+)`', text):
        assert (SOURCE / path).exists() or (page.parent / path).exists(), path


def test_the_front_page_is_two_screens_and_begins_with_two_commands():
    lines = (SOURCE / 'README.md').read_text().splitlines()
    assert len(lines) <= 100 and max(map(len, lines)) <= 100
    assert [command.text for command in pages.commands(SOURCE / 'README.md')[:2]] == ['packaging/quickstart', 'tests/run']
    assert lines.index('## Two commands') < 25


# --- commands that are named in passing ---

def named(path):
    """Between backticks, or in bold and quoted."""
    text = path.read_text()
    found = [' '.join(words.split()) for words in re.findall(r'(?<!`)`([^`]+)`(?!`)', text)] if path.suffix == '.md' else \
        [pages.manual.unescape(words) for words in re.findall(r'^\.(?:B|BR|RB .*?) "([^"]+)"', text, re.MULTILINE)]
    return sorted({words for words in found if OURS.match(words) and ' ' in words})


NAMED = [(page, words) for page in pages.markdown() + pages.manuals() for words in named(page)]
HELP = {}


def help_of(*words):
    if words not in HELP:
        folder = {'hublinkd': 'daemon', 'hublinkctl': 'ctl', 'hublink-devhub': 'devhub', 'hublink-explorer': 'explorer'}
        done = subprocess.run([BUILD / 'src' / folder[words[0]] / words[0], *words[1:], '--help'], capture_output=True,
                              text=True, timeout=10)
        HELP[words] = done.stdout if done.returncode == 0 else ''
    return HELP[words]


def check_named(words):
    """There is the command, and its help has each of the words: options, and alternatives between bars."""
    program, *rest = re.findall(r'[^ |]+', words)
    rest = [word.strip('[]').split('=')[0] for word in rest if re.match(r'\[?(--)?[a-z][a-z-]+\]?(=|$)', word)]
    command = next((word for word in rest if not word.startswith('-') and help_of(program, word)), None)
    assert command or all(word.startswith('-') for word in rest), words
    text = help_of(program, command) if command else ''
    sub = rest[rest.index(command) + 1] if command and command != rest[-1] else None
    text += help_of(program, command, sub) if sub and program == 'hublink-explorer' else ''
    assert not [word for word in rest if not re.search(r'(?<![\w-])%s(?![\w-])' % word, text + help_of(program))], words


def test_commands_are_named():
    assert len(NAMED) > 25 and {page.name for page, _ in NAMED} >= {'README.md', 'hublinkd.8', 'hublink.conf.5'}


@pytest.mark.parametrize('page, words', NAMED, ids=lambda value: value if isinstance(value, str) else pages.name_of(value))
def test_a_command_that_is_named_is_there(page, words):
    check_named(words)


@pytest.mark.parametrize('words', ['hublinkctl statsu', 'hublinkctl queue verify --fast', 'hublinkd --chekc',
                                   'hublinkctl dead-letters list|shwo', 'hublink-devhub faults set'])
def test_one_that_is_not_is_found(words):
    with pytest.raises(AssertionError):
        check_named(words)


# --- it can fail ---

@pytest.fixture
def planted(tmp_path):
    def planted(text, name='page.md'):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return planted


def test_a_wrong_command_fails(house, planted):
    page = planted('To do it:\n\n    hublinkctl statsu     # what is wrong\n    hublinkctl status --jsom && rm -rf /srv/x\n')
    found = [command.text for command in pages.commands(page)]
    assert found == ['hublinkctl statsu', 'hublinkctl status --jsom', 'rm -rf /srv/x']
    for text in found[:2]:
        check_known(text)
        with pytest.raises(AssertionError):
            house.run(text)
    with pytest.raises(AssertionError):
        check_known(found[2])


def test_manuals_are_read_as_they_are_shown(planted):
    page = planted('.SH EXAMPLES\n.nf\n.RS\nhublinkctl submit p a=1 \\-\\-wait \\e\n  \\-\\-time \\(dqnow\\(dq > x\n.RE\n.fi\n'
                   '.nf\nfrobnicate\n.fi\n.SH MORE\n.nf\na picture\n.fi\n.RS\ncurl x\n.RE\n', 'page.1')
    assert [command.text for command in pages.commands(page)] == ['hublinkctl submit p a=1 --wait --time "now" > x', 'curl x']
    assert [block.kind for block in pages.blocks(page)] == ['sh', None, 'text', 'sh']


def test_a_fence_that_does_not_say_what_it_is_is_found(planted):
    page = planted('```\nx\n```\n\n```conf\nlog: { };\n```\n')
    assert [block.kind for block in pages.blocks(page)] == [None, 'conf']
