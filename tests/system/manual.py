# SPDX-License-Identifier: Apache-2.0
"""The manual pages, as they are installed: where they are, and what stands in them.

    pages()                      name: path, such as 'hublinkd.8'
    plain(path)                  a page's text without roff, a line for each of its lines
    displays(path)               what is shown between .nf and .fi, as a reader would copy it
    sections(path)               heading: text
"""

import pathlib
import re
import shlex

from bus import BUILD, SOURCE

MADE = [BUILD / 'src/daemon/hublink.conf.5', BUILD / 'conf/org.hublink1.5']
ESCAPES = {r'\-': '-', r'\(dq': '"', r'\(aq': "'", r'\(ti': '~', r'\(ha': '^', r'\(bu': '-', r'\(->': '->', r'\e': '\\',
           r'\&': '', r'\|': '', r'\ ': ' '}


def pages():
    written = sorted((SOURCE / 'src').glob('*/*.[158]'))
    return {path.name: pathlib.Path(path) for path in written + MADE}


def unescape(text):
    text = re.sub(r'\\f[BIRP]|\\S2', '', text)
    return re.sub(r'\\\((?:dq|aq|ti|ha|bu|->)|\\[-e&| ]', lambda m: ESCAPES[m[0]], text)


def plain_line(line):
    if not line.startswith('.'):
        return unescape(line)
    macro, *rest = line[1:].split(None, 1)
    if macro not in ('B', 'I', 'BR', 'BI', 'RB', 'RI', 'IR', 'IB', 'SH', 'SS'):
        return ''
    lexer = shlex.shlex(rest[0] if rest else '', posix=True)
    lexer.whitespace_split, lexer.quotes, lexer.escape, lexer.commenters = True, '"', '', ''
    # \fR"..." and the like are one word of roff
    words = list(lexer)
    return unescape((' ' if len(macro) == 1 or macro in ('SH', 'SS') else '').join(words))


def plain(path):
    return '\n'.join(plain_line(line) for line in path.read_text().splitlines() if not line.startswith(('.\\"', "'\\\"")))


def sections(path):
    parts = re.split(r'^\.SH (.*)\n', path.read_text(), flags=re.MULTILINE)
    return dict(zip([unescape(heading) for heading in parts[1::2]], parts[2::2]))


def headings(path):
    return {unescape(heading.strip('"')) for heading in re.findall(r'^\.S[HS] (.*)$', path.read_text(), re.MULTILINE)}


def displays(path):
    """Each without its requests."""
    found = re.findall(r'^\.nf\n(.*?)^\.fi$', path.read_text(), re.MULTILINE | re.DOTALL)
    return [unescape(re.sub(r'^\.R[SE].*\n', '', text, flags=re.MULTILINE)) for text in found]
