# SPDX-License-Identifier: Apache-2.0
"""What the pages tell a reader to type: commands and settings, out of Markdown and manual pages.

    for block in blocks(path):              # .kind .text .line; kinds: sh conf json text, None: nobody knows
    for command in commands(path):          # .text without remarks, one command each, .page .line

In Markdown a block that is indented is for the shell, one between fences says itself what it is. In a manual page it
stands between .nf and .fi, and is known by its first word; so is a line of its own between .RS and .RE.
"""

import collections
import re

import manual
from bus import SOURCE

Block = collections.namedtuple('Block', 'kind text line')
Command = collections.namedtuple('Command', 'text page line')

# What a block begins with that is for the shell.
SHELL = re.compile(r'(hublink[a-z-]*(?!\.)|systemctl|journalctl|busctl|curl|apt|dnf|npm|meson|mkdir|install|echo|packaging/\w+|tests/\S+)(\s|$)')
GROUPS = re.findall(r'^#?([a-z_]+)(?:: \{| = \()', (SOURCE / 'conf/hublink.conf').read_text(), re.MULTILINE)
SETTINGS = re.compile(r'(?:#.*\n\s*)*(?:%s)\s*[:=]' % '|'.join(GROUPS))


def markdown():
    """All pages of the source tree."""
    return sorted(path for path in SOURCE.rglob('*.md')
                  if not any(part.startswith(('.', 'build', 'node_modules')) for part in path.relative_to(SOURCE).parts))


def manuals():
    return [path for _, path in sorted(manual.pages().items())]


def name_of(path):
    """All README have one name."""
    return str(path.relative_to(SOURCE)) if path.suffix == '.md' and path.is_relative_to(SOURCE) else path.name


# --- blocks ---

def blocks(path):
    text = path.read_text()
    return list(_of_markdown(text) if path.suffix == '.md' else _of_manual(text))


def _of_markdown(text):
    kind, begun, lines = None, 0, []
    fenced, before = False, ''
    for number, line in enumerate([*text.splitlines(), ''], 1):
        if line.startswith('```'):
            if fenced:
                yield Block(kind, '\n'.join(lines), begun)
            else:
                kind, begun = {'sh': 'sh', 'conf': 'conf', 'json': 'json', 'text': 'text'}.get(line[3:]), number
            fenced, lines = not fenced, []
        elif fenced:
            lines.append(line)
        elif line.startswith('    ') and (lines or not before):
            begun = begun if lines else number
            lines.append(line[4:])
        elif lines:
            yield Block('sh', '\n'.join(lines), begun)
            lines = []
        before = line


def _kind(text, in_examples):
    if SHELL.match(text):
        return 'sh'
    if SETTINGS.match(text):
        return 'conf'
    return None if in_examples else 'text'


def _of_manual(text):
    section, begun, lines = '', None, []
    rows = text.splitlines()
    for number, line in enumerate(rows, 1):
        if line.startswith('.SH'):
            section = line[3:].strip().strip('"')
        if line in ('.nf', '.EX'):
            begun, lines = number + 1, []
        elif line in ('.fi', '.EE'):
            shown = '\n'.join(lines)
            yield Block(_kind(shown.lstrip(), section == 'EXAMPLES'), shown, begun)
            begun = None
        elif begun and not line.startswith('.'):
            lines.append(manual.unescape(line))
        elif line == '.RS' and rows[number + 1:number + 2] == ['.RE'] and SHELL.match(manual.unescape(rows[number])):
            yield Block('sh', manual.unescape(rows[number]), number + 1)


# --- commands ---

def _without_remark(line):
    return re.sub(r'(^|\s)\s*# .*$', '', line).rstrip()


def commands(path):
    found = []
    for block in blocks(path):
        if block.kind != 'sh':
            continue
        whole = ''
        for offset, line in enumerate(block.text.splitlines()):
            whole += ' ' * bool(whole) + _without_remark(line).strip()
            if whole.endswith('\\'):
                whole = whole[:-1].rstrip()
                continue
            # each of a row has to be looked at
            found += [Command(each, name_of(path), block.line + offset) for each in whole.split(' && ') if each]
            whole = ''
    return found
