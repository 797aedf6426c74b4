# SPDX-License-Identifier: Apache-2.0
"""A goal: a figure taken within a round, what it should be, and what it was over the rounds."""

import statistics

BETTER = {'<=': lambda value, bound: value <= bound, '>=': lambda value, bound: value >= bound}


class Goal:
    def __init__(self, number, words, sign, bound, figure, fixed=False, slack=1.1, otherwise='a peer is not installed'):
        """figure: of a round, its number, or KeyError where there is none: then `otherwise` is the reason.
        fixed: it does not depend on the machine, so that --check may hold it against its bound, loosened by slack."""
        self.number, self.words, self.sign, self.bound, self.figure = number, words, sign, bound, figure
        self.fixed, self.slack, self.otherwise = fixed, slack, otherwise

    def values(self, rounds):
        out = []
        for r in rounds:
            try:
                out.append(self.figure(r))
            except KeyError:
                pass
        return out

    def is_met(self, rounds):
        return BETTER[self.sign](statistics.median(self.values(rounds)), self.bound)

    def holds_loosely(self, rounds):
        bound = self.bound * self.slack if self.sign == '<=' else self.bound / self.slack
        values = self.values(rounds)
        return not self.fixed or not values or BETTER[self.sign](statistics.median(values), bound)

    def row(self, rounds):
        values = self.values(rounds)
        if not values:
            return '| %s | %s | %s %s | not measured: %s | 0 |' % (
                self.number, self.words, self.sign, number(self.bound), self.otherwise)
        return '| %s | %s | %s %s | %s%s | %d |' % (
            self.number, self.words, self.sign, number(self.bound), '' if self.is_met(rounds) else '**missed**: ',
            spread(values), len(values))


def number(value):
    if abs(value) >= 1000:
        return '{:,.0f}'.format(float('%.3g' % value))
    return '%.3g' % value


def spread(values):
    if min(values) == max(values):
        return number(values[0])
    return '%s (%s .. %s)' % (number(statistics.median(values)), number(min(values)), number(max(values)))


def ratio(column, a, b):
    """Of one contender to another."""
    return lambda r: r[a][column] / r[b][column]


def value(column, a):
    return lambda r: r[a][column]


def print_contenders(rounds):
    """One row each, with all that was measured of it."""
    columns = list(dict.fromkeys(column for r in rounds for row in r.values() for column in row))
    names = list(dict.fromkeys(name for r in rounds for name in r))
    print('| | ' + ' | '.join(columns) + ' |')
    print('|---|' + '---|' * len(columns))
    for name in names:
        rows = [r[name] for r in rounds if name in r]
        print('| %s | %s |' % (name, ' | '.join(
            spread([row[column] for row in rows]) if column in rows[0] else '' for column in columns)))
