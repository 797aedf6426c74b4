# SPDX-License-Identifier: Apache-2.0
"""A machine of its own with Debian, systemd, journal, system bus and users: booted/make-root made its tree once.

    facts = boot(job, seconds)      # job/run is what happens in there; what it leaves in job/facts is what is told
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', pathlib.Path(__file__).resolve().parents[2]))
HERE = pathlib.Path(__file__).resolve().parent / 'booted'
ROOT = SOURCE / 'build/booted-root'
# an option for boot: the bus is dbus-broker, not dbus-daemon
BROKER = '--bind-ro=%s:/etc/systemd/system/dbus.service' % (ROOT / 'usr/lib/systemd/system/dbus-broker.service')


class Facts:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        """What the command said."""
        return (self.folder / name).read_text().rstrip('\n')

    def status(self, name):
        return int(self(name + '.status'))

    def good(self, name):
        """What the command said, which must have ended well."""
        assert self.status(name) == 0, self(name)
        return self(name)


def boot(job, seconds, *options, root=ROOT):
    able = subprocess.run([HERE.parent / 'private-root', '--', 'sh', '-c',
                           'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup'],
                          capture_output=True, text=True, check=False)
    if able.returncode != 0:
        pytest.skip('this kernel lets nobody mount a control group hierarchy: ' + able.stderr.strip())
    assert (root / 'etc/hublink-test-root').exists(), 'no machine to boot: tests/system/booted/make-root makes it'
    shutil.copy(HERE / 'on-machine', job)
    done = subprocess.run([HERE / 'boot', root, job, str(seconds), *options], check=False)
    output = (job / 'output').read_text() if (job / 'output').exists() else ''
    console = (job / 'console').read_text(errors='replace')[-3000:]
    assert done.returncode == 0, 'the machine ended with %d\n%s\n%s' % (done.returncode, output, console)
    return Facts(job / 'facts')


def ledger(text):
    line = next(line for line in text.splitlines() if line.startswith('ledger:'))
    counts = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', line)}
    assert counts['accepted'] == (counts['acknowledged'] + counts['waiting'] + counts['dropped'] +
                                  counts['dead_lettered']), line
    return counts


def counts(text):
    """The ledger of `status --json`."""
    return json.loads(text)['ledger']


def an_ordinary_user(facts):
    """on-machine's stranger: what he sees, and how each of his tries ended."""
    assert 'ledger:' in facts.good('ordinary_status')
    facts.good('ordinary_sensors')
    tries = [path.name for path in facts.folder.glob('stranger_*') if path.suffix != '.status']
    assert len(tries) > 8
    for name in tries:
        assert facts.status(name) != 0, (name, facts(name))
        assert re.search('not allowed|Permission denied|sudo|Interactive authentication|Access denied', facts(name)), facts(name)
