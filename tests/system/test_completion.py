# SPDX-License-Identifier: Apache-2.0
"""What bash offers behind the words of a command line."""

import shlex
import subprocess

import pytest

from bus import SOURCE

GLOBAL = {'--bus', '--config', '--json'}
COMMANDS = set('status watch sensors submit submit-message flush reconnect methods call audit dead-letters inbox twin '
               'queue check'.split())

SCRIPT = '''
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
        done = subprocess.run(['bash', '--norc', '-c', SCRIPT % (SOURCE / script, words, function)], cwd=tmp_path,
                              capture_output=True, text=True, timeout=10)
        assert done.stderr == '', done.stderr
        found = done.stdout.split()
        assert len(found) == len(set(found)), found
        return set(found)
    return offered


FILES, FOLDERS = {'a-file', 'a-folder', 'asked'}, {'a-folder'}


@pytest.mark.parametrize('line, expected', [
    ('', COMMANDS | GLOBAL | {'--help', '--version'}),
    ('st', {'status'}),
    ('sub', {'submit', 'submit-message'}),
    ('--json ', (COMMANDS | GLOBAL | {'--help', '--version'}) - {'--json'}),
    ('status ', GLOBAL), ('sensors ', GLOBAL), ('reconnect ', GLOBAL), ('check ', GLOBAL),
    ('status --json ', GLOBAL - {'--json'}),
    ('status x', set()),
    ('watch ', GLOBAL | {'--for', '--count'}),
    ('watch --for ', {'10s', '1min', '5min'}),
    ('watch --for 10s ', GLOBAL | {'--count'}),
    ('watch --count ', set()),
    ('flush ', GLOBAL | {'--timeout'}),
    ('methods ', GLOBAL), ('audit ', GLOBAL),
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
