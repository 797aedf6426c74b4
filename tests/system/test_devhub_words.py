# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: --help, the manual and the completion have every command, option and fault, and no other."""

import os
import re
import shlex
import subprocess

import pytest
from bus import SOURCE
from devhub import PROGRAM, Devhub

MANUAL = (SOURCE / 'src/devhub/hublink-devhub.1').read_text().replace('\\-', '-')
HELP = subprocess.run([PROGRAM, '--help'], capture_output=True, text=True, timeout=20).stdout
OPTIONS = sorted(set(re.findall(r'--[a-z][a-z0-9-]+', HELP)))
COMMANDS = ['serve', 'device create', 'device list', 'device delete', 'monitor', 'fault set', 'fault list', 'fault clear',
            'ca add', 'ca list', 'ca delete', 'clock show', 'clock advance', 'usage', 'seed', 'dump', 'reset']
OPERANDS = {'device create': ['d1'], 'device delete': ['d1'], 'ca add': ['x', '/dev/null'], 'ca delete': ['x'],
            'clock advance': ['1h'], 'seed': ['x']}
FAULTS = re.findall(r'(?<=^  )[a-z-]+(?:, [a-z-]+)*(?=$|  )', HELP.split('\nfault set ')[1].split('\nca ')[0], re.M)
FAULTS = [name for row in FAULTS for name in row.split(', ')]
VALUES = {'--from': 'end', '--for': '1s', '--delay': '1s', '--offset': '+1h', '--listen': '::1',
          '--linked-hub': 'a.b=/nowhere', '--code': '1', '--count': '1', '--match': 'x', '--host': 'a.b', '--hub': 'a.b',
          '--device': 'd1', '--mqtt-port': '0', '--https-port': '0', '--amqps-port': '0', '--amqp-port': '0',
          '--tier': 'S1', '--units': '1', '--c2d-ttl': '1h', '--c2d-max-delivery': '5', '--seed': 'x'}
NEEDED = {'--units': ['--tier', 'S1']}  # beside it

SCRIPT = '''
hublink-devhub() { %s "$@"; }
. %s
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_hublink_devhub
printf '%%s\\n' "${COMPREPLY[@]}"
'''


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('words')
    (folder / 'a-file').touch()
    hub = Devhub(folder / 'hub').start()
    hub.stop()
    for device in 'gw-1', 'gw-1/camera', 'pump':
        hub.create(device)
    hub.run('ca', 'add', 'plant', hub.ca_file)
    return folder


def offered(line, folder):
    words = ' '.join(shlex.quote(word) for word in line.split(' '))
    script = SCRIPT % (os.path.abspath(PROGRAM), SOURCE / 'src/devhub/hublink-devhub.bash', words)
    done = subprocess.run(['bash', '--norc', '-c', script], cwd=folder, capture_output=True, text=True, timeout=20)
    assert done.stderr == '', done.stderr
    found = done.stdout.split()
    assert len(found) == len(set(found)), found
    return set(found)


def is_taken(words, option):
    """By the parser: its complaint is status 2; that no hub lives there comes later."""
    value = [VALUES[option]] if option in VALUES else []
    done = subprocess.run([PROGRAM, '--state-dir', '/dev/null/none', *words, option, *value, *NEEDED.get(option, [])],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode in (1, 2), done
    return done.returncode == 1


def test_there_are_all_faults():
    assert len(FAULTS) == 21 and {'cut', 'takeover', 'cert-new-ca', 'dps-reassign'} <= set(FAULTS)


def test_the_manual_has_every_command_option_and_fault():
    for command in COMMANDS:
        assert re.search(r'^\.B hublink-devhub %s$|^\.RB \[ %s \]$' % (command, command), MANUAL, re.M), command
    assert not {option for option in OPTIONS if not re.search(re.escape(option) + r'(?![a-z-])', MANUAL)}
    assert not {fault for fault in FAULTS if not re.search(r'^\.BR? .*(?<![a-z-])%s(?![a-z-])' % fault, MANUAL, re.M)}


@pytest.mark.parametrize('command', COMMANDS)
def test_help_of_a_command_is_its_own_part(command):
    """What stands there of others is nothing, and of the whole page nothing is missing there."""
    word = command.split()[0]
    own = subprocess.run([PROGRAM, *command.split(), '--help'], capture_output=True, text=True, timeout=20).stdout
    assert own.startswith('usage: hublink-devhub ') and len(own) < len(HELP) / 1.5
    named = set(re.findall(r'^(?:usage:|      ) hublink-devhub \[?([a-z]+)', own, re.M))
    assert named == {word} and re.search(r'^%s\b' % word, own, re.M)
    assert set(own.replace('usage:', '      ').splitlines()) <= set(HELP.replace('usage:', '      ').splitlines())


@pytest.mark.parametrize('command', COMMANDS)
def test_a_command_is_offered_the_options_that_it_takes(folder, command):
    words = command.split() + OPERANDS.get(command, [])
    if command == 'fault set':
        return  # as below
    offers = offered('hublink-devhub %s --' % ' '.join(words), folder)
    own = [o for o in OPTIONS if o not in ('--help', '--version', '--state-dir')]
    assert offers == {'--state-dir'} | {option for option in own if is_taken(words, option)}


@pytest.mark.parametrize('fault', FAULTS)
def test_a_fault_is_offered_the_options_that_it_takes(folder, fault):
    words = ['fault', 'set', fault]
    offers = offered('hublink-devhub %s --' % ' '.join(words), folder)
    more = ['--offset=+1h'] if fault == 'clock-offset' else []
    own = '--device --for --count --code --delay --match --offset --hub'.split()
    assert offers == {'--state-dir'} | {option for option in own if is_taken(words + more, option)}


@pytest.mark.parametrize('line, expected', [
    ('--host a.b se', {'serve', 'seed'}),
    ('serve --virtual-clock --v', set()),
    ('serve --linked-hub a.b = ', {'hub'}),
    ('serve --linked-hub = a.b = h', {'hub'}),
    ('serve --linked-hub a.b = hub --linked', {'--linked-hub'}),
    ('device ', {'create', 'list', 'delete'}),
    ('--state-dir hub device delete ', {'gw-1', 'gw-1/camera', 'pump'}),
    ('--state-dir = hub monitor g', {'gw-1', 'gw-1/camera'}),
    ('--state-dir hub monitor gw-1 g', set()),
    ('--state-dir hub fault set cut --device ', {'gw-1', 'pump'}),
    ('--state-dir hub ca delete ', {'plant'}),
    ('--state-dir ', {'hub'}),
    ('fault set ', set(FAULTS) | {'--device', '--for', '--count', '--code', '--delay', '--match', '--offset', '--hub'}),
    ('fault clear ', set(FAULTS)),
    ('fault set clock-offset --offset ', {'+1h', '-10min'}),
    ('monitor --from ', {'start', 'end'}),
    ('ca add x ', {'a-file', 'hub'}),
    ('seed ', {'a-file', 'hub', '--replace'}),
    ('seed a-file ', {'--replace'}),
    ('dump --secrets ', {'a-file', 'hub'}),
    ('reset ', {'--all', '--yes'}),
    ('serve --seed ', {'a-file', 'hub'}),
    ('clock advance ', {'10s', '1min', '1h', '1d'}),
], ids=lambda value: value if isinstance(value, str) else '')
def test_offered(folder, line, expected):
    assert offered('hublink-devhub ' + line, folder) - {'--state-dir'} == expected
