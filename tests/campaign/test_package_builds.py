# SPDX-License-Identifier: Apache-2.0
"""Packages of the last commit, compiled from a clean tree, twice: the same bytes, and nothing for lintian and rpmlint.

The second time everything that must not matter is other: folder, time zone, language, umask, number of processors; and
those of Fedora are tested by the suites unit and flow the first time only (those of Debian in test_newer_debian.py).
"""

import hashlib
import os
import time

import pytest

from packages import SOURCE, make, run

OTHER = {'TZ': 'Asia/Kolkata', 'LANG': 'de_DE.UTF-8', 'LC_ALL': 'C', 'CFLAGS': '-O0', 'HOME': '/nonexistent'}
# These tell of the machine and the time, and are meant to.
REPORTS = ('.buildinfo', '.changes')


@pytest.fixture(scope='module', params=['deb', 'rpm'])
def builds(request, tmp_path_factory):
    """Kind, and the two sets of packages."""
    made = []
    for number, other in enumerate([{}, OTHER]):
        output = tmp_path_factory.mktemp('%s%d' % (request.param, number))
        began = time.monotonic()
        before = {name: os.environ.get(name) for name in other}
        affinity, umask = os.sched_getaffinity(0), os.umask(0o022)
        os.environ.update(other)
        if other:
            os.umask(0o077)
            os.sched_setaffinity(0, {min(affinity)})
        try:
            made.append(make(request.param, output, *(['--check'] if request.param == 'rpm' and not other else [])))
        finally:
            os.umask(umask)
            os.sched_setaffinity(0, affinity)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        print('# %s: %.0f s on %d processors' % (request.param, time.monotonic() - began, 1 if other else len(affinity)))
    return request.param, made


def files(made):
    return [path for name in sorted(made) for path in (made[name] if name == 'source' else [made[name]])]


def test_two_builds_are_equal(builds):
    _, (first, second) = builds
    digests = [{path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files(made)
                if path.suffix not in REPORTS} for made in (first, second)]
    assert digests[0] == digests[1]
    assert len(digests[0]) >= 6


def test_debug_symbols_are_apart(builds):
    kind, (made, _) = builds
    assert {'deb': {'hublink-dbgsym', 'hublink-devhub-dbgsym', 'hublink-explorer-dbgsym'},
            'rpm': {'hublink-debuginfo'}}[kind] <= set(made)


def test_the_tools_have_nothing_to_say(builds):
    kind, (made, _) = builds
    if kind == 'deb':
        changes = next(path for path in made['source'] if path.suffix == '.changes')
        run('lintian', '--allow-root', '--fail-on', 'error,warning', changes)
    else:
        # what rpm makes of debug symbols by itself has no manual, and links that lead into the other packages
        checked = [path for path in files(made) if 'debuginfo' not in path.name]
        said = run('rpmlint', '-c', SOURCE / 'packaging/rpm/rpmlint.toml', *checked)
        assert ' 0 errors, 0 warnings' in said, said
