# SPDX-License-Identifier: Apache-2.0
"""What people read and type: help, manual and completion of hublink-explorer say the same."""

import os
import re
import shlex
import subprocess

import pytest

from bus import SOURCE
from explorer import PROGRAM

MANUAL = (SOURCE / 'src/explorer/hublink-explorer.1').read_text().replace('\\-', '-')


def printed(*words):
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


COMMANDS = re.findall(r'^  ([a-z][a-z -]*[a-z])(?: [^a-z].*)?$', printed('--help'), re.M)


def options(*words):
    return set(re.findall(r'^  (--[a-z0-9-]+)', printed(*words, '--help'), re.M))


OF_ALL = options()


def test_there_are_all_commands():
    assert {'create', 'get', 'list', 'update', 'delete', 'query', 'device-method', 'get-twin', 'update-twin', 'query-twin',
            'sas-token', 'connection-string', 'statistics', 'enrollment create', 'enrollment-group create'} <= set(COMMANDS)
    assert {'--login', '--login-file', '--devhub', '--ca', '--json'} <= OF_ALL


@pytest.mark.parametrize('command', COMMANDS)
def test_the_manual_has_every_command_with_its_options(command):
    assert re.search(r'^\.BR? .*(?<![-\w])%s(?![-\w])' % re.escape(command), MANUAL, re.M), command
    missing = {option for option in options(*command.split()) if option not in MANUAL}
    assert not missing, missing


SCRIPT = '''
hublink-explorer() { %s "$@"; }
. %s
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_hublink_explorer
printf '%%s\\n' "${COMPREPLY[@]}"
'''


def offered(line, folder):
    words = ' '.join(shlex.quote(word) for word in line.split(' '))
    script = SCRIPT % (os.path.abspath(PROGRAM), SOURCE / 'src/explorer/hublink-explorer.bash', words)
    done = subprocess.run(['bash', '--norc', '-c', script], cwd=folder, capture_output=True, text=True, timeout=20)
    assert done.stderr == '', done.stderr
    return done.stdout.split()


@pytest.mark.parametrize('line, expected', [
    ('', {command.split()[0] for command in COMMANDS} | OF_ALL),
    ('--json ', ({command.split()[0] for command in COMMANDS} | OF_ALL) - {'--json'}),
    ('get-', {'get-twin'}),
    ('enrollment ', {c.split()[1] for c in COMMANDS if c.startswith('enrollment ')} | OF_ALL),
    ('enrollment-group d', {'delete', 'device-key'}),
    ('get d1 --', OF_ALL),
    ('update d1 --st', {'--status', '--status-reason'}),
    ('update d1 --status ', {'enabled', 'disabled'}),
    ('update d1 --status = d', {'disabled'}),
    ('update --renew-key ', {'primary', 'secondary', 'both', 'swap'}),
    ('create --edge ', {'yes', 'no'}),
    ('--timeout ', {'10s', '1min', '5min', '1h'}),
    ('--ca ', {'a-file', 'a-folder'}),
    ('--devhub ', {'a-folder'}),
    ('--login ', set()),
    ('update-twin d1 @a-f', {'@a-file', '@a-folder'}),
    ('enrollment create e1 --allo', {'--allocation'}),
    ('frobnicate ', OF_ALL),
])
def test_the_completion_offers_what_the_program_takes(tmp_path, line, expected):
    (tmp_path / 'a-file').touch()
    (tmp_path / 'a-folder').mkdir()
    found = offered('hublink-explorer ' + line, tmp_path)
    assert len(found) == len(set(found)), found
    assert set(found) == expected


@pytest.mark.parametrize('command', COMMANDS)
def test_each_command_is_offered_all_of_its_options(tmp_path, command):
    assert set(offered('hublink-explorer %s --' % command, tmp_path)) == options(*command.split()) | OF_ALL
