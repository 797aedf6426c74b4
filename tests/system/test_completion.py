# SPDX-License-Identifier: Apache-2.0
"""What bash offers behind the words of a command line."""

import re
import shlex
import subprocess

import pytest

from bus import BUILD, SOURCE

CTL, DAEMON = (BUILD.resolve() / 'src' / name for name in ('ctl/hublinkctl', 'daemon/hublinkd'))

GLOBAL = {'--bus', '--config', '--json'}
COMMANDS = set('status watch sensors submit submit-message flush reconnect methods call audit dead-letters inbox twin '
               'queue rules setup doctor check'.split())

SCRIPT = '''
hublinkd() { %s "$@"; }
hublinkctl() {
    case "$*" in
    *sensors) echo '[{"name":"cpu"},{"name":"room"}]' ;;
    *methods) echo '[{"name":"ping","kind":"builtin"},{"name":"pump*stop","kind":"registered"}]' ;;
    *list) echo '[{"id":3},{"id":14}]' ;;
    esac
    echo "$*" >>asked
}
. %s
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
%s
printf '%%s\\n' "${COMPREPLY[@]}"
'''


@pytest.fixture
def offered(tmp_path):
    (tmp_path / 'a-file').touch()
    (tmp_path / 'a-folder').mkdir()

    def offered(line, function='_hublinkctl', script='src/ctl/hublinkctl.bash'):
        """The last word is being typed: it may be ''."""
        words = ' '.join(shlex.quote(word) for word in line.split(' '))
        done = subprocess.run(['bash', '--norc', '-c', SCRIPT % (DAEMON, SOURCE / script, words, function)], cwd=tmp_path,
                              capture_output=True, text=True, timeout=10)
        assert done.stderr == '', done.stderr
        found = done.stdout.split()
        assert len(found) == len(set(found)), found
        return set(found)
    return offered


SETUP = set('--connection-string-file --dps-id-scope --dps-registration-id --dps-key-file --dps-group-key-file --enable '
            '--disable --forget --back --no-start --timeout --yes --root'.split())
FILES, FOLDERS = {'a-file', 'a-folder', 'asked'}, {'a-folder'}


@pytest.mark.parametrize('line, expected', [
    ('', COMMANDS | GLOBAL | {'--help', '--version'}),
    ('st', {'status'}),
    ('sub', {'submit', 'submit-message'}),
    ('--json ', (COMMANDS | GLOBAL | {'--help', '--version'}) - {'--json'}),
    ('status ', GLOBAL), ('sensors ', GLOBAL | {'scan'}), ('reconnect ', GLOBAL), ('check ', GLOBAL),
    ('status --json ', GLOBAL - {'--json'}),
    ('status x', set()),
    ('setup --enable ', {'i2c', 'serial', 'users'}), ('setup --enable s', {'serial'}),
    ('setup --dps-key-file ', FILES), ('setup --root ', FOLDERS),
    ('setup ', GLOBAL | SETUP), ('setup --forget ', (GLOBAL | SETUP) - {'--forget'}),
    ('sensors scan ', GLOBAL | {'--probe', '--yes', '--sysfs'}),
    ('sensors scan --probe 1 ', GLOBAL | {'--yes', '--sysfs'}),
    ('sensors scan --sysfs ', FOLDERS),
    ('watch ', GLOBAL | {'--for', '--count'}),
    ('watch --for ', {'10s', '1min', '5min'}),
    ('watch --for 10s ', GLOBAL | {'--count'}),
    ('watch --count ', set()),
    ('flush ', GLOBAL | {'--timeout'}),
    ('methods ', GLOBAL | {'--watch', '--for'}), ('audit ', GLOBAL | {'--watch', '--for'}),
    ('call ', GLOBAL | {'--timeout', 'ping', 'pump*stop'}),
    ('call ping ', GLOBAL | {'--timeout'}),
    ('flush --timeout 1', {'10s', '1min'}),
    ('submit ', GLOBAL | {'cpu', 'room', '--time', '--stream', '--wait', '--timeout'}),
    ('submit c', {'cpu'}),
    ('submit --wait ', GLOBAL | {'cpu', 'room', '--time', '--stream', '--timeout'}),
    ('submit cpu ', GLOBAL | {'--time', '--stream', '--wait', '--timeout'}),
    ('submit cpu a=1 c', set()),
    ('submit-message ', GLOBAL | FILES | {'--stream', '--content-type', '--property', '--wait', '--timeout'}),
    ('submit-message a-file --property a=b ', GLOBAL | {'--stream', '--content-type', '--property', '--wait',
                                                        '--timeout'}),
    ('submit-message --stream ', set()),
    ('dead-letters ', GLOBAL | {'list', 'show', 'export', 'requeue', 'delete'}),
    ('dead-letters list ', GLOBAL),
    ('dead-letters show ', GLOBAL | {'3', '14'}),
    ('dead-letters show 3 ', GLOBAL),
    ('dead-letters export ', GLOBAL | {'3', '14', '--all', '--output'}),
    ('dead-letters export --output ', FILES),
    ('dead-letters export --output f ', GLOBAL | {'3', '14', '--all'}),
    ('dead-letters export --all ', GLOBAL | {'--output'}),
    ('dead-letters delete 3 ', GLOBAL | {'14'}),
    ('dead-letters requeue 1', {'14'}),
    ('dead-letters requeue ', GLOBAL | {'3', '14', '--all'}),
    ('inbox ', GLOBAL | {'list', 'take', 'complete', 'reject'}),
    ('inbox list ', GLOBAL | {'--watch', '--for'}),
    ('inbox take ', GLOBAL | {'3', '14', '--output'}),
    ('inbox take 3 ', GLOBAL | {'--output'}),
    ('inbox take --output ', FILES),
    ('inbox complete 1', {'14'}),
    ('inbox reject ', GLOBAL | {'3', '14'}),
    ('inbox reject 3 ', GLOBAL),
    ('twin ', GLOBAL | {'get', 'report', '--watch', '--for'}),
    ('twin get ', GLOBAL | {'--watch', '--for'}),
    ('twin get --watch ', GLOBAL | {'--for'}),
    ('twin report ', GLOBAL),
    ('queue ', GLOBAL | {'stats', 'inspect', 'verify', 'export'}),
    ('queue stats ', GLOBAL),
    ('queue inspect ', GLOBAL | FOLDERS),
    ('queue inspect a-folder ', GLOBAL),
    ('queue verify ', GLOBAL | FOLDERS | {'--quiet'}),
    ('queue verify --quiet a', FOLDERS),
    ('queue export a-folder ', GLOBAL | {'--all', '--stream', '--from', '--to', '--output', '--quiet'}),
    ('queue export --from 3 --to 5 --', GLOBAL | {'--all', '--stream', '--output', '--quiet'}),
    ('rules ', GLOBAL | {'test'}),
    ('rules test ', GLOBAL | FILES | {'--quiet'}),
    ('rules test a-file ', GLOBAL | {'--quiet'}),
    ('doctor ', GLOBAL | {'--offline', '--strict', '--root', '--state-dir'}),
    ('doctor --root ', FOLDERS),
    ('--bus ', {'system', 'session'}),
    ('--bus session status ', {'--config', '--json'}),
    ('--config ', FILES),
    ('--config = a-', FILES - {'asked'}),
    ('--bus = se', {'session'}),
    ('flush --timeout = ', {'10s', '1min', '5min'}),
    ('--config a-file queue ins', {'inspect'}),
], ids=lambda value: value if isinstance(value, str) else '')
def test_hublinkctl(offered, tmp_path, line, expected):
    (tmp_path / 'asked').touch()
    assert offered('hublinkctl ' + line) == expected


def test_an_address_is_asked_as_it_was_given(offered, tmp_path):
    """bash breaks a word at = and at :."""
    assert offered('hublinkctl --bus unix : path = /run/x submit ') >= {'cpu', 'room'}
    assert (tmp_path / 'asked').read_text() == '--bus unix:path=/run/x --json sensors\n'


# --- every command offers what its help has, and the program takes ---

VALUES = {'--for': '1s', '--count': '1', '--time': '1', '--stream': 'x', '--timeout': '1s', '--content-type': 'a/b',
          '--property': 'a=b', '--output': '/nonexistent/file', '--from': '1', '--to': '2', '--probe': '99',
          '--sysfs': '/nonexistent', '--state-dir': '/nonexistent', '--root': '/tmp'}
# Each command with its operands.
LINES = ['status', 'watch', 'sensors', 'sensors scan', 'submit s a=1', 'submit-message -', 'flush', 'reconnect', 'methods',
         'call ping', 'audit', 'dead-letters list', 'dead-letters show 1', 'dead-letters export 1', 'dead-letters requeue 1',
         'dead-letters delete 1', 'inbox list', 'inbox take 1', 'inbox complete 1', 'inbox reject 1 why', 'twin', 'twin get',
         'twin report s {}', 'queue stats', 'queue inspect d', 'queue verify d', 'queue export d', 'rules test -',
         'doctor', 'check', 'setup']
# In place of the operand, or beside another option: not taken in this line, or not offered before the other is there.
INSTEAD = {'dead-letters export 1': {'--all'}, 'dead-letters requeue 1': {'--all'}, 'dead-letters delete 1': {'--all'},
           'methods': {'--for'}, 'audit': {'--for'}, 'inbox list': {'--for'}, 'twin': {'--for'}, 'twin get': {'--for'},
           'sensors scan': {'--yes'}}
NEEDED = {'--probe': ['--yes']}  # else it asks first


def usage_of(command):
    """What follows the command in its help, to where words begin."""
    text = subprocess.run([CTL, command, '--help'], capture_output=True, text=True, timeout=10, check=True).stdout
    return ' '.join(re.match(r'usage: hublinkctl (.*\n(?: {8}.*\n)*)', text)[1].split())


def options_in(text):
    return set(re.findall(r'--[a-z][a-z-]*', text))


def is_taken(line, option):
    """By the parser: its complaint is status 2; that nobody is there comes later."""
    value = [VALUES[option]] if option in VALUES else []
    done = subprocess.run([CTL, '--bus', 'unix:path=/nonexistent', *line.split(), option, *value, *NEEDED.get(option, [])],
                          input='', capture_output=True, text=True, timeout=20)
    return done.returncode != 2


def test_each_command_of_help_is_tried():
    text = subprocess.run([CTL, '--help'], capture_output=True, text=True, timeout=10, check=True).stdout
    assert {line.split()[0] for line in LINES} == COMMANDS == set(re.findall(r'^  ([a-z][a-z-]*)', text, re.MULTILINE))
    # what has words of its own: each of them
    for command in COMMANDS:
        words = re.findall(r'(?:^%s|\|) \[?([a-z][a-z-]*(?:\|[a-z-]+)*)(?=[ \]]|$)' % command, usage_of(command))
        assert {word for each in words for word in each.split('|')} <= {word for line in LINES for word in line.split()[1:2]}


@pytest.mark.parametrize('line', LINES)
def test_what_is_offered_is_in_the_help_and_is_taken(offered, line):
    command = line.split()[0]
    known = options_in(usage_of(command))
    offers = {option for option in offered('hublinkctl %s --' % line) if option.startswith('--')} - GLOBAL
    if command == 'setup':  # it would be done to this machine
        assert offers == known
        return
    instead = INSTEAD.get(line, set())
    assert offers | instead == {option for option in known if is_taken(line, option)} | instead
    assert offers <= known


@pytest.mark.parametrize('line, expected', [
    ('', options_in(subprocess.run([DAEMON, '--help'], capture_output=True, text=True, timeout=10).stdout)),
    ('--c', {'--config', '--check'}),
    ('--check --c', {'--config'}),
    ('--config ', FILES - {'asked'}), ('--config = a-', FILES - {'asked'}), ('--config a-file --ch', {'--check'}),
    ('--state-dir ', FOLDERS), ('--bus s', {'system', 'session'}), ('--bus = se', {'session'}),
], ids=lambda value: value if isinstance(value, str) else '')
def test_hublinkd(offered, line, expected):
    assert len(expected) > 0
    assert offered('hublinkd ' + line, '_hublinkd', 'src/daemon/hublinkd.bash') == expected


def test_its_help_has_all_options():
    """Else what is asked of it is not all."""
    written = re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', (SOURCE / 'src/daemon/arguments.c').read_text())
    told = options_in(subprocess.run([DAEMON, '--help'], capture_output=True, text=True, timeout=10).stdout)
    assert {'--' + name for name in written} == told and len(told) > 5
