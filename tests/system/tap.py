# SPDX-License-Identifier: Apache-2.0
"""Tells pytest's results as TAP on standard output (--tap), for meson to count."""

import sys

import pytest


def pytest_addoption(parser):
    parser.addoption('--tap', action='store_true', help='print results as TAP, everything else to stderr')


class Tap:
    """One line a test, with the figures that it printed beside it; what failed is told on stderr, which meson keeps."""

    def __init__(self, out):
        self.out = out
        self.count = 0

    def pytest_runtest_logreport(self, report):
        if report.when == 'call' or (report.when == 'setup' and not report.passed) \
                or (report.when == 'teardown' and report.failed):
            self.count += 1
            name = report.nodeid.split('::', 1)[-1].replace('#', '')
            line = '%s %d %s' % ('not ok' if report.failed else 'ok', self.count, name)
            if report.skipped:
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
                line += ' # SKIP ' + reason.replace('\n', ' ').removeprefix('Skipped: ')
            print(line, file=self.out, flush=True)
            if report.failed:
                print(report.longreprtext, file=sys.stderr, flush=True)
            else:
                self._tell_figures(report)

    def _tell_figures(self, report):
        for line in (report.capstdout + report.capstderr).splitlines():
            print('# ' + line, file=self.out, flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            self.count += 1
            print('not ok %d collecting %s' % (self.count, report.nodeid), file=self.out, flush=True)
            print(report.longreprtext, file=sys.stderr, flush=True)

    def pytest_sessionfinish(self):
        print('1..%d' % self.count, file=self.out, flush=True)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption('--tap'):
        out = open(1, 'w', closefd=False)
        sys.stdout = sys.stderr
        config.pluginmanager.unregister(name='terminalreporter')
        config.pluginmanager.register(Tap(out))
