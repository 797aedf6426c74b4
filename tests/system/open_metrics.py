# SPDX-License-Identifier: Apache-2.0
"""A strict reader of OpenMetrics 1.0 text: the grammar, and what the specification says that producers must do.

    families = parse(text)              # or an AssertionError that names the line
    families['hublink_link_state'].type
    families.value('hublink_queue_records')
"""

import re

TYPES = {'counter': ('_total',), 'gauge': ('',), 'stateset': ('',), 'info': ('_info',)}  # those that hublink has
NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(r'(%s)(?:\{((?:%s)(?:,%s)*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)' %
                    (NAME, LABEL.replace('(', '(?:').replace('(?:?:', '(?:'), LABEL.replace('(', '(?:').replace('(?:?:', '(?:')))


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help, self.samples = name, None, None, None, {}

    def check(self):
        assert self.type, '%s has no type' % self.name
        assert self.help, '%s has no help' % self.name
        if self.unit:
            assert self.name.endswith('_' + self.unit), '%s is not named after its unit' % self.name
        assert not self.name.endswith(('_total', '_created', '_bucket', '_count', '_sum')), self.name
        assert self.type == 'gauge' or not self.name.endswith('_info'), self.name
        for (sample, labels), value in self.samples.items():
            assert sample in [self.name + suffix for suffix in TYPES[self.type]], sample
            assert self.type != 'counter' or value >= 0, sample
            assert self.type != 'info' or (value == 1 and labels), sample
            assert self.type != 'stateset' or (value in (0, 1) and self.name in dict(labels)), sample
        names = {frozenset(name for name, _ in labels) for _, labels in self.samples}
        assert len(names) <= 1, '%s has samples with different labels' % self.name


class Families(dict):
    def value(self, sample, **labels):
        """Of the sample with just these labels."""
        return next(value for family in self.values() for (name, its), value in family.samples.items()
                    if name == sample and dict(its) == labels)


def metadata(family, word, text):
    assert not family.samples, '# %s of %s comes behind its samples' % (word, family.name)
    assert getattr(family, word.lower()) is None, '%s has two # %s' % (family.name, word)
    assert word != 'TYPE' or text in TYPES, text
    setattr(family, word.lower(), text)


def sample_of(line):
    match = SAMPLE.fullmatch(line)
    assert match, 'no sample: %r' % line
    labels = re.findall(LABEL, match[2] or '')
    assert len({name for name, _ in labels}) == len(labels), line
    return match[1], frozenset(labels), float(match[3])


def belongs(sample, family):
    return family and sample in [family.name + suffix for suffix in TYPES.get(family.type, ('',))]


def parse(text):
    assert text.endswith('\n# EOF\n') and '\r' not in text, text[-50:]
    families, family = Families(), None
    for line in text[:-len('# EOF\n')].splitlines():
        comment = re.fullmatch(r'# (TYPE|UNIT|HELP) (%s) (.+)' % NAME, line)
        if comment:
            if not family or comment[2] != family.name:
                assert comment[2] not in families, 'samples of %s do not stand together' % comment[2]
                family = families[comment[2]] = Family(comment[2])
            metadata(family, comment[1], comment[3])
            continue
        name, labels, value = sample_of(line)
        assert belongs(name, family), '%r stands in the family %s' % (line, family and family.name)
        assert (name, labels) not in family.samples, 'twice: %s' % line
        family.samples[name, labels] = value
    for family in families.values():
        family.check()
    return families
