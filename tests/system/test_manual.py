# SPDX-License-Identifier: Apache-2.0
"""The manual: every option, setting and member of the bus is in it, what it refers to is there, what it shows works, and
mandoc and groff have nothing to say against it. (Fields of the journal: check-fields; chips: test-chip-page; metrics:
test_metrics.)"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

from bus import BUILD, POLICY, SOURCE, PrivateBus
from daemon import Daemon
from manual import displays, headings, pages, plain, sections, unescape

PAGES = pages()
SETTINGS, MEMBERS = PAGES['hublink.conf.5'], PAGES['org.hublink1.5']
TELL_OF_SETTINGS = ['hublinkd.8', 'hublink.conf.5', 'hublinkctl.1', 'hublink-chips.5', 'org.hublink1.5']
READMES = [SOURCE / 'README.md',
           *(path for folder in ('conf', 'packaging', 'src') for path in (SOURCE / folder).rglob('*.md'))]
TELL_OF_PAGES = [*READMES, SOURCE / 'conf/hublink.conf', SOURCE / 'systemd/hublink.catalog',
                 *(SOURCE / 'conf/dbus').glob('*.xml')]


# --- lint ---

def lint(path):
    """What mandoc and groff say; that a line of the source is long is no matter."""
    said = subprocess.run(['mandoc', '-T', 'lint', path], capture_output=True, text=True).stdout.splitlines()
    said = [line for line in said if 'input text line longer than 80 bytes' not in line]
    table = ['-t'] if path.read_text().startswith("'\\\" t") else []
    groff = subprocess.run(['groff', '-man', '-ww', '-z', '-Tutf8', *table, path], capture_output=True, text=True)
    return said + groff.stderr.splitlines()


@pytest.mark.parametrize('name', PAGES)
def test_lint_has_nothing_to_say(name):
    assert lint(PAGES[name]) == []


@pytest.mark.parametrize('wrong', ['.SX\nno macro\n', '.TP\n', '\\fXno font\n', '.SH\n'])
def test_lint_sees_what_is_wrong(tmp_path, wrong):
    page = tmp_path / 'wrong.1'
    head = '.TH WRONG 1 "2026-11-22" hublink\n.SH NAME\nwrong \\- a page\n.SH DESCRIPTION\nWords.\n'
    page.write_text(head)
    assert lint(page) == []
    page.write_text(head + wrong)
    assert lint(page) != []


# --- references ---

@pytest.mark.parametrize('name', PAGES)
def test_pages_that_it_names_are_there(name):
    ours = {'%s(%s)' % tuple(page.rsplit('.', 1)) for page in PAGES}
    text = plain(PAGES[name])
    named = set(re.findall(r'\b((?:hublink[\w.-]*|org\.hublink1) ?\(\d\))', text))
    assert named and {page.replace(' ', '') for page in named} <= ours, named


def test_pages_that_others_name_are_there():
    """hublinkd(8), or man hublinkd"""
    ours = set(PAGES) | {page.rsplit('.', 1)[0] for page in PAGES}
    text = '\n'.join(path.read_text() for path in TELL_OF_PAGES)
    named = {'%s.%s' % name for name in re.findall(r'\b(hublink[\w.-]*|org\.hublink1)\((\d)\)', text)}
    named |= set(re.findall(r'\bman (hublink[\w.-]*\w|org\.hublink1)', text))
    assert len(named) > 6 and named <= ours, named - ours


def section_references(text):
    """(page, heading)"""
    text = re.sub(r'\n[# ]*', ' ', text)
    found = re.findall(r'((?:hublink[\w.-]*|org\.hublink1)) ?\((\d)\), ([A-Z]{2,}(?: [A-Z]+)*\b)', text)
    turned = re.findall(r'"([A-Z ]+)" in (hublink[\w.-]*)\((\d)\)', text)
    return [(a + '.' + b, heading) for a, b, heading in found] + [(a + '.' + b, heading) for heading, a, b in turned]


def test_sections_that_are_named_are_there():
    texts = [plain(path) for path in PAGES.values()] + [path.read_text() for path in TELL_OF_PAGES]
    named = {reference for text in texts for reference in section_references(text)}
    assert len(named) > 8
    assert not {(page, heading) for page, heading in named if heading not in headings(PAGES[page])}
    assert section_references('see hublinkd(8), NO SUCH\n  # THING; "OR THIS" in hublink.conf(5)') == \
        [('hublinkd.8', 'NO SUCH THING'), ('hublink.conf.5', 'OR THIS')]


# --- options ---

OPTION = re.compile(r'(?<![\w-])--[a-z][a-z0-9-]*')
# what a page says of another program
FOREIGN = {'hublinkd.8': {'--unix-socket', '--list-catalog', '--no-block', '--on-active', '--timer-property'}, 'hublinkctl.1': {'--check'},
           'hublink-devhub.1': {'--devhub'}}
PROGRAMS = {'hublinkd.8': 'src/daemon/hublinkd', 'hublinkctl.1': 'src/ctl/hublinkctl',
            'hublink-devhub.1': 'src/devhub/hublink-devhub', 'hublink-explorer.1': 'src/explorer/hublink-explorer'}


def help_of(page, *command):
    return subprocess.run([BUILD / PROGRAMS[page], *command, '--help'], capture_output=True, text=True, check=True).stdout


def explorer_commands():
    return re.findall(r'^  ([a-z]+(?:-[a-z]+)*(?: [a-z-]+)?)(?= [A-Z\[]|\n)', help_of('hublink-explorer.1'), re.MULTILINE)


@pytest.mark.parametrize('page', PROGRAMS)
def test_every_option_is_in_the_page_and_no_other(page):
    told = help_of(page)
    if page == 'hublink-explorer.1':
        told += ''.join(help_of(page, *command.split()) for command in explorer_commands())
    assert set(OPTION.findall(plain(PAGES[page]))) - FOREIGN.get(page, set()) == set(OPTION.findall(told))


def hublinkctl_usage():
    """Command: the options of its lines in --help."""
    usage = {}
    for command, rest in re.findall(r'^  ([a-z][a-z-]*)((?:.*\n)(?:   .*\n)*)', help_of('hublinkctl.1'), re.MULTILINE):
        usage.setdefault(command, set()).update(OPTION.findall(rest))
    return usage


def hublinkctl_entries():
    """Command: the options in its entries of the page."""
    entries = {}
    for entry in re.split(r'^\.TP\n', sections(PAGES['hublinkctl.1'])['COMMANDS'], flags=re.MULTILINE)[1:]:
        command = re.match(r'\.[A-Z]+ "?([a-z-]+)', unescape(entry))[1]
        entries.setdefault(command, set()).update(OPTION.findall(unescape(entry)))
    return entries


def test_every_command_of_hublinkctl_is_in_its_page_with_its_options():
    usage, entries = hublinkctl_usage(), hublinkctl_entries()
    assert set(usage) == set(entries) and len(usage) > 15
    for command, options in usage.items():
        assert options <= entries[command], command


def test_every_command_of_hublink_explorer_is_in_its_page():
    commands = explorer_commands()
    text = ' '.join(plain(PAGES['hublink-explorer.1']).split())
    assert len(commands) > 25
    assert [command for command in commands if command not in text] == []


def test_every_command_and_fault_of_hublink_devhub_is_in_its_page():
    told = help_of('hublink-devhub.1')
    words = set(re.findall(r'^(?:usage:|      ) hublink-devhub (\w+(?: [a-z|-]+)?)', told, re.MULTILINE))
    words = {part for word in words for part in re.split(r'[ |]', word)} - {''}
    faults = set(re.findall(r'^  ([a-z]+(?:-[a-z]+)*)  ', told, re.MULTILINE))
    text = plain(PAGES['hublink-devhub.1'])
    assert len(words) > 8 and len(faults) > 5
    assert [word for word in sorted(words | faults) if not re.search(r'(?<![\w-])%s(?![\w-])' % word, text)] == []


# --- environment and files ---

SYSTEMD_S = {'CREDENTIALS_DIRECTORY', 'JOURNAL_STREAM', 'NOTIFY_SOCKET', 'RUNTIME_DIRECTORY', 'STATE_DIRECTORY',
             'WATCHDOG_USEC'}
OTHERS = {'TERM', 'https_proxy', 'no_proxy'}  # the terminal's; libcurl reads the last two


def sources(pattern):
    return {name for path in (SOURCE / 'src').rglob('*.[ch]') for name in re.findall(pattern, path.read_text())}


def test_every_variable_of_the_environment_is_in_a_page_and_no_other():
    read = sources(r'getenv\("(\w+)"\)') | sources(r'#define \w+ +"(IOTHUB_\w+)"')
    read |= sources(r'#define CREDENTIAL_ID_VARIABLE +"(\w+)"')
    told = set()
    for name in PROGRAMS:
        part = sections(PAGES[name]).get('ENVIRONMENT', '')
        for line in re.findall(r'^\.(?:B|BR|RB) (.*)$', part, re.MULTILINE):
            told |= set(re.findall(r'\b(?:[A-Z]+_[A-Z_]+|https_proxy|no_proxy)\b', line))
    assert len(read) > 8
    assert read - SYSTEMD_S - OTHERS == told - OTHERS


def test_every_file_of_the_state_is_in_hublinkd_8():
    files = sources(r'asprintf\(&[\w>-]+, "%s/(\w+)", d->arguments\.state_dir\)')
    files |= sources(r'#define (?:OVERLAY|CREDENTIAL_ID)_FILE +"([\w.]+)"')
    assert len(files) > 3
    assert {'/var/lib/hublink/' + name for name in files | {'queue'}} == \
        set(re.findall(r'/var/lib/hublink/[\w.]+', unescape(sections(PAGES['hublinkd.8'])['FILES'])))


# --- settings ---

def settings():
    """Path, with its names that files choose in capitals: what is said of it."""
    text = sections(SETTINGS)['SETTINGS']
    entries = re.split(r'^\.(?:TP|SS .*)\n', text, flags=re.MULTILINE)[1:]
    found = {}
    for entry in entries:
        heading = unescape(entry).split('\n')[0].split(' ')[0]
        if re.fullmatch(r'[\w.]+', heading) and '.' in heading:
            found[heading] = found.get(heading, '') + unescape(entry)
    return found


def is_setting(word, known):
    """sensors.cpu.interval and sensors.NAME.interval are sensors.SENSOR.interval."""
    pattern = re.compile(r'(?:%s)(?:\..*)?$' % re.escape(word).replace('NAME', r'[A-Z]+'))
    free = [re.compile('%s$' % re.sub(r'(?<=\.)[A-Z]+(?=\.|$)', r'[\\w]+', re.escape(path).replace(r'\.', '.')))
            for path in known if re.search(r'\.[A-Z]+', path)]
    return any(pattern.match(path) for path in known) or any(path.match(word) for path in free)


# what looks so and is something else
NO_SETTING = {'commands.d', 'methods.d', 'queue.disk_state', 'queue.fill'}


@pytest.mark.parametrize('page', [*(PAGES[name] for name in TELL_OF_SETTINGS), *READMES],
                         ids=lambda path: str(path)[-24:])
def test_settings_that_a_page_names_are_there(page):
    known = settings()
    text = page.read_text() if page in READMES else plain(page)
    groups = '|'.join({path.split('.')[0] for path in known})
    named = set(re.findall(r'(?<![\w./-])((?:%s)(?:\.[A-Za-z_]\w*)+)' % groups, text)) - NO_SETTING
    assert len(known) > 110
    assert [word for word in sorted(named) if not is_setting(word, known)] == []
    assert not is_setting('queue.max_byte', known) and not is_setting('sensors.NAME.colour', known)


def test_what_the_cloud_may_set_is_what_hublinkd_8_lists():
    may = {re.sub('SENSOR|STREAM', 'NAME', path) for path, text in settings().items() if 'The cloud may set it.' in text}
    listed = re.search(r'These are\n(.*?)of sensors and streams', plain(PAGES['hublinkd.8']), re.DOTALL)[1]
    assert set(re.findall(r'[a-z][\w.]+\.\w+', listed)) == may


def ranges(text):
    """{('10ms', '10min')}; no unit is that of the smallest: 0s and 64B are 0 and 64."""
    return {(re.sub('^0s$', '0', low).rstrip('B'), high)
            for low, high in re.findall(r'(?<![\w.])(\d+[a-zA-Z]*) to (\d+[a-zA-Z]*)', text)}


def test_ranges_in_the_shipped_file_are_those_of_the_table():
    known = settings()
    parts = re.split(r'^# ---- ', (SOURCE / 'conf/hublink.conf').read_text(), flags=re.MULTILINE)[1:]
    seen = 0
    for part in parts:
        groups = set(re.findall(r'^#?(\w+)(?:: \{| = )', part, re.MULTILINE))
        said = ' '.join(text for path, text in known.items() if path.split('.')[0] in groups)
        of_table = ranges(said.replace('\n', ' '))
        assert ranges(part) <= of_table, (groups, ranges(part) - of_table)
        seen += len(ranges(part))
    assert seen > 20


def test_sections_that_settings_refer_to_are_there():
    """In capitals: names that files choose, and headings, of this page or of hublinkd(8)."""
    chosen = {part for path in settings() for part in path.split('.') if part.isupper()}
    words = set(re.findall(r'[A-Z]+', ' '.join(headings(SETTINGS) | headings(PAGES['hublinkd.8']))))
    said = set(re.findall(r'\b[A-Z]{5,}\b', unescape(sections(SETTINGS)['SETTINGS'])))
    assert said - chosen - words == {'EPOCH', 'FIRST', 'POSIX'}
    assert {'SOCKETS', 'GROWING', 'STREAMS'} <= said & words


def test_every_driver_is_told_on_the_bus():
    words = re.search(r'One of (.*) or (".*?")', ' '.join(settings()['sensors.SENSOR.driver'].split()))
    drivers = re.findall(r'"\w+"', words[1] + words[2])
    sensor = (SOURCE / 'conf/dbus/org.hublink1.Sensor.xml').read_text()
    assert re.search(r'<!-- (.*)\. -->\n +<property name="Driver"', sensor)[1] == ', '.join(drivers)


def examples_of_settings():
    return [(name, i, text) for name in ('hublinkd.8', 'hublink.conf.5') for i, text in enumerate(displays(PAGES[name]))
            if re.match(r' *[a-z]+: \{', text)]


def test_there_are_examples_of_settings():
    assert len(examples_of_settings()) > 5


@pytest.mark.parametrize('name, number, text', examples_of_settings(), ids=lambda value: str(value)[:20].split('\n')[0])
def test_settings_that_a_page_shows_are_good(tmp_path, name, number, text):
    daemon = Daemon(tmp_path)
    shutil.copytree(SOURCE / 'conf/chips', tmp_path / 'chips')
    daemon.configure(text)
    checked = daemon.run('--check')
    assert checked.returncode == 0, checked.stderr
    daemon.configure(text.replace(';', '; no_such_thing = 1;', 1))
    assert daemon.run('--check').returncode == 78


def test_commands_that_hublinkd_8_shows_work(tmp_path):
    (tmp_path / 'hublink.conf').write_text('sensors: { w: { driver = "simulated"; model = "wind"; }; };\n')
    text = unescape(sections(PAGES['hublinkd.8'])['EXAMPLES'])
    check, show, make, trial = re.findall(r'^(?:hublinkd|mkdir) .*', text, re.MULTILINE)
    with PrivateBus() as bus:
        place = {'cwd': tmp_path, 'text': True, 'shell': True, 'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT,
                 'env': {**os.environ, 'DBUS_SESSION_BUS_ADDRESS': bus.address,
                         'PATH': '%s:%s' % (BUILD / 'src/daemon', os.environ['PATH'])}}
        assert subprocess.run(check, **place).stdout == 'OK\n'
        assert '  window = 16; ' in subprocess.run(show, **place).stdout
        assert subprocess.run(make, **place).returncode == 0
        with subprocess.Popen('exec ' + trial, **place) as running:
            try:
                bus.wait_for_name()
                assert bus.properties()['LinkState'] == 'stopped'
            finally:
                running.terminate()
            said = running.communicate(timeout=20)[0]
        assert running.returncode == 0, said
    assert (tmp_path / 'state/queue').is_dir()


def test_a_frame_without_a_place_for_the_settings_is_refused(tmp_path):
    frame = tmp_path / 'frame'
    frame.write_text('.TH X 5\n')
    made = subprocess.run([BUILD / 'src/daemon/settings-manual', frame], capture_output=True, text=True)
    assert made.returncode == 1 and 'says where the settings go' in made.stderr
    assert subprocess.run([BUILD / 'src/daemon/settings-manual', tmp_path / 'none'], capture_output=True).returncode == 2


# --- the journal ---

def test_every_log_id_is_in_the_catalog_as_systemd_reads_it(tmp_path):
    (tmp_path / 'usr/lib/systemd/catalog').mkdir(parents=True)
    (tmp_path / 'var/lib/systemd/catalog').mkdir(parents=True)
    shutil.copy(SOURCE / 'systemd/hublink.catalog', tmp_path / 'usr/lib/systemd/catalog')
    root = '--root=%s' % tmp_path
    subprocess.run(['journalctl', root, '--update-catalog'], check=True)
    listed = subprocess.run(['journalctl', root, '--list-catalog'], capture_output=True, text=True, check=True).stdout
    ids = re.findall(r'"([0-9a-f]{32})"', (SOURCE / 'src/base/log-id.h').read_text())
    assert len(ids) > 40
    assert sorted(re.findall(r'^([0-9a-f]{32}) hublink: \S', listed, re.MULTILINE)) == sorted(ids)


# --- the bus ---

def xml_files():
    return sorted((SOURCE / 'conf/dbus').glob('*.xml'))


def told_members(page):
    """{(interface, kind, name)}, as they stand in a page."""
    found = set()
    for heading, text in sections(page).items():
        for kind, part in re.findall(r'^\.SS (\w+)\n(.*?)(?=^\.SS|\Z)', text, re.MULTILINE | re.DOTALL):
            found |= {(heading, kind, name) for name in re.findall(r'^\.T[PQ]\n\\fB(\w+)\\fR[ (]', part, re.MULTILINE)
                      if heading.startswith('org.')}
    return found


def written_members():
    kinds = {'method': 'Methods', 'signal': 'Signals', 'property': 'Properties'}
    return {(interface.get('name'), kinds[member.tag], member.get('name')) for path in xml_files()
            for interface in xml.etree.ElementTree.parse(path).getroot() for member in interface}


def test_every_member_is_in_the_page():
    """That the files say what the bus says, test_bus sees."""
    written = written_members()
    told = told_members(MEMBERS)
    assert len(written) > 80
    # an entry of a list, such as the kinds of content, stands below a heading as well
    assert written <= told, written - told
    assert {name for _, _, name in told - written} <= {'reading', 'message', 'other'}


def make_members(*files, policy=POLICY):
    return subprocess.run([SOURCE / 'conf/dbus/manual', SOURCE / 'conf/dbus/org.hublink1.5.in', policy, *files],
                          capture_output=True, text=True)


@pytest.mark.parametrize('without, fault', [
    ('<!--[^>]*-->(?=\\s*<property name="Count")', 'no comment tells what Count is'),
    ('<!-- A record became a dead letter. -->', 'no comment tells what Added is'),
    ('(<signal.*</signal>)', 'no member follows "A record became a dead letter."'),
    ('(nothing)', None),
])
def test_a_member_without_a_word_is_refused(tmp_path, without, fault):
    path = SOURCE / 'conf/dbus/org.hublink1.DeadLetters.xml'
    changed = tmp_path / path.name
    changed.write_text(re.sub(without, '', path.read_text(), flags=re.DOTALL))
    made = make_members(changed)
    assert (made.returncode, made.stderr.strip()) == ((1, 'manual: ' + fault) if fault else (0, ''))


def test_a_method_that_nobody_may_call_is_refused(tmp_path):
    policy = tmp_path / 'policy'
    policy.write_text(POLICY.read_text().replace('<allow send_destination="org.hublink1"/>', '', 1))
    made = make_members(SOURCE / 'conf/dbus/org.hublink1.Manager.xml', policy=policy)
    assert made.returncode == 1 and 'nobody may call org.hublink1.Manager.Flush' in made.stderr


def test_commands_that_the_page_shows_work(tmp_path):
    commands = [line for text in displays(MEMBERS) for line in text.splitlines() if line.startswith('busctl ')]
    assert len(commands) == 4
    with PrivateBus() as bus, Daemon(tmp_path, bus) as daemon:
        daemon.start()
        bus.wait_for_name()
        for command in commands:
            done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20,
                                  env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': bus.address})
            assert done.returncode == 0, (command, done.stderr)
        assert daemon.stop() == 0
