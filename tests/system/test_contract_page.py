# SPDX-License-Identifier: Apache-2.0
"""conf/dbus/README.md against what it speaks of: the XML files (which test_bus compares with the bus), the policy, the
errors and limits of the source, the settings, the examples. A page that lies fails, and so does one that says less."""

import re
import xml.etree.ElementTree

import pytest

from bus import POLICY, SOURCE

FOLDER = SOURCE / 'conf/dbus'
PAGE = (FOLDER / 'README.md').read_text()
SPOKEN_OF = ['Manager', 'Inbox', 'Methods', 'Responder', 'Twin']


def rows(head):
    """The cells of the table whose first line begins so."""
    found = re.search(r'^\| %s.*\n\|[-|]+\n((?:\|.*\n)+)' % re.escape(head), PAGE, re.MULTILINE)
    assert found, head
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in found[1].splitlines()]


def text_of(interface):
    return (FOLDER / ('org.hublink1.%s.xml' % interface)).read_text()


def members(interface):
    """name: (what the page says that it takes and gives)"""
    root = xml.etree.ElementTree.fromstring(text_of(interface))[0]
    found = {}
    for one in root.findall('method'):
        sides = [''.join(a.get('type') for a in one.findall('arg') if a.get('direction') == side) for side in ('in', 'out')]
        found[one.get('name')] = ('`%s` ' % sides[0] if sides[0] else '') + ('→ `%s`' % sides[1] if sides[1] else '')
    for one in root.findall('signal'):
        found[one.get('name')] = 'signal `%s`' % ''.join(a.get('type') for a in one.findall('arg'))
    return {name: says.strip() for name, says in found.items()}, [p.get('name') for p in root.findall('property')]


def test_each_member_stands_there_as_in_its_xml():
    page = {row[0].strip('`'): row[1] for row in rows('member')}
    written = {'%s.%s' % (interface, name): says for interface in SPOKEN_OF for name, says in members(interface)[0].items()}
    assert page == written


def test_no_other_member_is_named():
    known = {'%s.%s' % (i, name) for i in SPOKEN_OF for part in members(i) for name in part}
    named = set(re.findall(r'`((?:%s|Sensor|DeadLetters)\.\w+)`' % '|'.join(SPOKEN_OF), PAGE))
    assert named and named <= known, named - known


def test_each_property_stands_there_as_in_its_xml():
    page = {row[1]: row[2].strip('`').split() for row in rows('object')}
    written = {name: members(name)[1] for name in [*SPOKEN_OF, 'Sensor', 'DeadLetters'] if members(name)[1]}
    assert page == written
    assert set(members('DeadLetters')[0]) == {'List', 'Get', 'Requeue', 'Delete', 'Added'}  # as it says below


def allowed(policy, interface, member):
    """Does this part of the policy let it through?"""
    return any((rule.get('send_interface') in (None, 'org.hublink1.' + interface)) and
               rule.get('send_member') in (None, member)
               for rule in policy.findall('allow') if rule.get('send_destination') == 'org.hublink1')


def test_who_may_is_what_the_policy_says():
    policies = {p.get('group') or p.get('context'): p
                for p in xml.etree.ElementTree.parse(POLICY).getroot().findall('policy') if not p.get('user')}
    for name, says, who in rows('member'):
        interface, member = name.strip('`').split('.')
        if says.startswith('signal') or interface == 'Responder':
            continue
        first = next(word for word, policy in (('everybody', 'default'), ('hublink', 'hublink'),
                                               ('hublink-admin', 'hublink-admin'))
                     if allowed(policies[policy], interface, member))
        assert who == first, name


def test_each_error_stands_there_with_those_that_give_it():
    names = set(re.findall(r'ERROR\("(\w+)"\)', (SOURCE / 'src/bus/pending-call.c').read_text()))
    page = {row[0].strip('`'): row[1].split(', ') for row in rows('error')}
    assert set(page) == names
    for interface in SPOKEN_OF:
        block = re.search(r'Errors are org\.hublink1\.Error\.NAME.*?:\n((?:    .*\n)+)', text_of(interface))
        written = set(re.findall(r'^    (\w+)  ', block[1], re.MULTILINE)) if block else set()
        assert {error for error, of in page.items() if interface in of} == written, interface


MACROS = {
    'calls of one client': ['CALL_QUOTA_SENDER', 'CALL_QUOTA_ALL'],
    'arguments of calls of one client': ['BUS_ERRANDS_BYTES_CLIENT', 'BUS_ERRANDS_BYTES'],
    'reason of': ['INBOX_REASON_MAX'],
    'values of one': ['SUBMISSION_VALUES_MAX', 'SUBMISSION_READINGS_MAX'],
    'clients that hear': ['SUBSCRIBERS_MAX'],
    'clients that have': ['SUBSCRIBERS_MAX', 'SUBSCRIBERS_USER_MAX', 'SUBSCRIBERS_ROOT'],
    'time of a taker': ['INBOX_LOCK_USEC', 'INBOX_LOCK_MAX_USEC'],
    'names registered': ['METHOD_NAMES_CLIENT_MAX', 'METHOD_NAMES_USER_MAX', 'METHOD_NAMES_MAX', 'METHOD_NAMES_ROOT'],
    'argument or answer': ['METHOD_PAYLOAD_MAX'],
    'calls that wait on': ['METHODS_WAITING_MAX'],
    'answers that one responder': ['METHODS_OWED_ONE_MAX', 'METHODS_OWED_MAX'],
    'time of a call': ['METHODS_TIMEOUT_DEFAULT', 'METHOD_TIMEOUT_MAX'],
    'all that local services report': ['TWIN_OTHERS_MAX', 'TWIN_TEXT_MAX'],
    'levels': ['TWIN_DEPTH_MAX'],
    'values of what': ['TWIN_VALUES_MAX'],
}
SECOND = 1000000
UNITS = {'': 1, 'KiB': 1024, 'MiB': 1024 * 1024, 's': SECOND, 'min': 60 * SECOND, 'h': 3600 * SECOND}
IN_C = {'USEC_PER_SEC': SECOND, 'USEC_PER_MIN': 60 * SECOND, 'USEC_PER_HOUR': 3600 * SECOND}


def macro(name):
    """Its value, in any header."""
    for header in sorted((SOURCE / 'src').glob('*/*.h')):
        found = re.search(r'^#define %s\s+(.*?)\s*(?:/\*.*)?$' % name, header.read_text(), re.MULTILINE)
        if found:
            value = re.sub(r'USEC_PER_\w+', lambda m: str(IN_C[m[0]]), found[1])
            assert re.fullmatch(r'[\d ()*+]+', value), value
            return eval(value)  # noqa: S307 (digits and signs, as was just looked at)
    raise AssertionError('no header has ' + name)


def test_each_limit_is_that_of_the_source():
    limits = rows('what')
    assert len(limits) == len(MACROS)
    for what, most in limits:
        names, = [names for begin, names in MACROS.items() if what.startswith(begin)]
        values = [int(n.replace(',', '')) * UNITS[unit]
                  for n, unit in re.findall(r'(\d[\d,]*?)(?: (KiB|MiB|s|min|h))?(?:, |$)', most)]
        assert values == [macro(name) for name in names], what


def test_what_is_said_in_between_is_that_of_the_source():
    assert re.search(r'last ([\d,]+) that are done', PAGE)[1] == '{:,}'.format(macro('INBOX_DONE_MAX'))
    assert "It is the caller's for %d min" % (macro('INBOX_LOCK_USEC') // UNITS['min']) in PAGE
    assert 'anything else within %d s' % (macro('TWIN_REPORT_INTERVAL') // SECOND) in PAGE
    assert '`methods.timeout` (%d s)' % (macro('METHODS_TIMEOUT_DEFAULT') // SECOND) in PAGE


def test_each_setting_is_one():
    shipped = (SOURCE / 'conf/hublink.conf').read_text()
    settings = re.findall(r'`((?:inbox|methods|twin)\.[a-z_]+)', PAGE)
    assert settings
    for setting in settings:
        group, name = setting.split('.')
        if name == 'd':  # the folder methods.d
            continue
        inside = re.search(r'^%s: \{\n(.*?)^\};' % group, shipped, re.MULTILINE | re.DOTALL)[1]
        assert re.search(r'\b%s\b' % name, inside), setting


def test_the_statuses_are_those_of_the_daemon():
    header = (SOURCE / 'src/model/method-desk.h').read_text()
    own = set(re.findall(r'METHOD_\w+ = (\d+)', header)) - {'200'}
    said = re.search(r"own, with `\{\"error\":\"...\"\}`: ([\d, ]+);", PAGE)[1]
    assert set(said.split(', ')) == own


@pytest.mark.parametrize('page', [FOLDER / 'README.md'])
def test_each_link_leads_somewhere(page):
    links = re.findall(r'\]\(([^)#:]+)\)', page.read_text())
    assert links
    for link in links:
        assert (page.parent / link).exists(), link


def test_the_files_of_activation_are_those_that_are_named():
    activation = SOURCE / 'conf/examples/responder/activation'
    named = {row[0].strip('`') for row in rows('file')}
    # each says itself where it goes
    said = {re.search(r'(/(?:etc|usr)/\S+?\.(?:conf|service))[:.]', path.read_text())[1] for path in activation.iterdir()}
    assert named == {path.replace('blink.conf', 'NAME.conf') for path in said}
    assert 'responder = "org.example.Sign";' in (activation / 'blink.conf').read_text()


def test_the_front_page_leads_here():
    assert '](conf/dbus/README.md)' in (SOURCE / 'README.md').read_text()
