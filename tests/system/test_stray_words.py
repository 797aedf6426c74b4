# SPDX-License-Identifier: Apache-2.0
"""An option that is none, or one word too many, is wrong usage: named, exit 2, and nothing is done. Of every command of the
three programs that have commands, with all its words and with those alone that it needs."""

import re
import subprocess

import pytest

from bus import BUILD

PROGRAMS = {name: str(BUILD / path) for name, path in (
    ('hublinkctl', 'src/ctl/hublinkctl'), ('hublink-devhub', 'src/devhub/hublink-devhub'),
    ('hublink-explorer', 'src/explorer/hublink-explorer'))}

# What keeps a command that is understood all the same from doing anything.
NOWHERE = {'hublinkctl': ['--bus', 'unix:path=/nonexistent/bus'], 'hublink-devhub': ['--state-dir', '/nonexistent/hub'],
           'hublink-explorer': ['--devhub', '/nonexistent/hub']}

# Words in brackets may be left out.
LINES = {
    'hublinkctl': [
        'status', 'watch', 'sensors', 'sensors scan --sysfs /nonexistent', 'submit plc a=1', 'submit-message /dev/null', 'flush',
        'reconnect', 'methods', 'call m [{}]', 'audit', 'dead-letters list', 'dead-letters show 1', 'dead-letters export 1',
        'dead-letters export --all', 'dead-letters requeue 1', 'dead-letters delete 1', 'inbox list', 'inbox take [1]',
        'inbox complete 1', 'inbox reject 1 [no]', 'twin', 'twin get [pump]', 'twin report pump {}', 'queue stats',
        'queue inspect [/nonexistent]', 'queue verify [/nonexistent]', 'queue export [/nonexistent]', 'rules test /dev/null',
        'setup --forget --root /nonexistent', 'setup --enable i2c --root /nonexistent', 'doctor --offline', 'check'],
    'hublink-devhub': [
        'serve', 'device create d', 'device list', 'device delete d', 'monitor [d]', 'fault set cut', 'fault list',
        'fault clear [cut]', 'ca add mine /dev/null', 'ca list', 'ca delete mine', 'usage', 'clock show', 'clock advance 1h',
        'seed /dev/null', 'dump [/nonexistent/file]', 'reset'],
    'hublink-explorer': [
        'create d', 'get d', 'list [d]', 'update d', 'delete d', 'query q', 'device-method d m [{}]', 'get-twin d',
        'update-twin d [{}]', 'query-twin q', 'sas-token [d]', 'connection-string d', 'statistics', 'monitor-events [d]',
        'send d hello', 'monitor-feedback',
        *('%s %s' % (group, rest) for group in ('enrollment', 'enrollment-group')
          for rest in ('list', 'get i', 'create i', 'update i', 'delete i', 'query q')),
        'enrollment-group device-key i r', 'registration list g', 'registration get r', 'registration delete r'],
}


def lines(program):
    for line in LINES[program]:
        whole = line.replace('[', '').replace(']', '')
        for words in dict.fromkeys((whole, re.sub(r' \[.*\]', '', line))):
            yield program, words.split(' '), words == whole


ALL = [line for program in LINES for line in lines(program)]


def refused(program, words):
    done = subprocess.run([PROGRAMS[program], *NOWHERE[program], *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and done.stdout == '', (words, done)
    return done.stderr


@pytest.mark.parametrize('program, pattern', [
    ('hublinkctl', r'^  ([a-z][a-z-]*)'), ('hublink-explorer', r'^  ([a-z][a-z -]*[a-z])(?: [^a-z].*)?$'),
    ('hublink-devhub', r'^ +hublink-devhub ([a-z]+)')])
def test_each_command_is_tried(program, pattern):
    said = subprocess.run([PROGRAMS[program], '--help'], capture_output=True, text=True, timeout=20, check=True).stdout
    there = set(re.findall(pattern, said, re.M))
    tried = {name for line in LINES[program] for name in there if (line + ' ').startswith(name + ' ')}
    assert len(there) > 5 and there == tried, there - tried


@pytest.mark.parametrize('program, words, whole', ALL, ids=lambda value: ' '.join(value) if isinstance(value, list) else str(value))
def test_an_option_that_is_none_is_named(program, words, whole):
    for option in '--typo', '--typo=3':
        assert '--typo' in refused(program, [*words, option])
    assert re.search(r"[' -]y\b", refused(program, [*words, '-y']))


@pytest.mark.parametrize('program, words', [line[:2] for line in ALL if line[2]],
                         ids=lambda value: ' '.join(value) if isinstance(value, list) else value)
def test_a_word_too_many_is_named(program, words):
    said = refused(program, [*words, 'superfluous'])
    # of setup it may be the secret itself
    assert ('superfluous' in said) == (words[0] != 'setup'), said


def test_behind_two_hyphens_is_no_option():
    for words in (['inbox', 'reject', '1', '--', '--typo'], ['inbox', 'complete', '--', '1'], ['call', 'm', '--', '-5']):
        done = subprocess.run([PROGRAMS['hublinkctl'], *NOWHERE['hublinkctl'], *words], capture_output=True, text=True, timeout=20,
                              check=False)
        assert done.returncode == 3, done
