# SPDX-License-Identifier: Apache-2.0
"""hublinkctl doctor --root: another machine's files are looked at, and nothing that runs on this one."""

import json
import os
import pathlib
import socket
import subprocess
import time

import pytest

from bus import PrivateBus
from doctor import CTL, I2C_SENSOR, USER, gateway, system  # noqa: F401: two fixtures
from service_manager import allow
from told_unit import ToldUnit

OF_WHAT_RUNS = {'clock', 'bus-name', 'network', 'disk', 'daemon'}


class Tree:
    """All that a gateway has lies in it; beside it runs a machine that is another one."""

    def __init__(self, system):
        self.system, self.root, self.bus = system, system.root, system.bus
        system.unit(LoadCredential='device.cs:/etc/hublink/device.cs')
        system.write('etc/hublink/device.cs', system.secret.read_text())
        system.write('etc/hublink/ca.pem', pathlib.Path(system.gateway.devhub.ca_file).read_text())
        system.write('var/lib/feed/value', '1\n')
        (self.root / 'etc/hublink/device.cs').chmod(0o600)
        self.state = self.root / 'var/lib/hublink'
        self.state.mkdir(mode=0o750)
        os.chown(self.state, USER, USER)
        self.settings()
        for path in (system.secret, system.config):
            path.unlink()

    def settings(self, sensors='f: { driver = "file"; path = "/var/lib/feed/value"; channels: { temperature: {}; }; };', more=''):
        self.system.write('etc/hublink/hublink.conf',
                          'sensors: { %s };\nhub: { ca_file = "/etc/hublink/ca.pem"; };\n%s\n' % (sensors, more))

    def examine(self, *options, bus=None):
        command = [CTL, '--bus', bus or self.bus, '--json', 'doctor', '--root', self.root, *options]
        done = subprocess.run(self.system.gateway.namespace.within(command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.stderr == ''
        self.findings = json.loads(done.stdout)['findings']
        faults = {f['id']: f for f in self.findings if f['verdict'] in ('problem', 'warning')}
        assert done.returncode == any(f['verdict'] == 'problem' for f in faults.values())
        return faults

    def ids(self, verdict):
        return {f['id'] for f in self.findings if f['verdict'] == verdict}


def test_of_a_tree_nothing_is_asked_that_runs_here(system):
    tree = Tree(system)
    assert tree.examine() == {}
    assert tree.ids('unseen') == OF_WHAT_RUNS
    assert all(f['what'].startswith('left out: ') and '--root' in f['what'] for f in tree.findings if f['verdict'] == 'unseen')
    assert tree.ids('well') == {'settings', 'watchdog', 'sandbox', 'enabled', 'bus-policy', 'user', 'credential', 'credential-rights',
                                'token-life', 'ca', 'sensor'}
    assert all(str(system.root) in f['what'] for f in tree.findings if f['id'].startswith('credential'))
    assert list(tree.state.iterdir()) == []
    before = tree.findings
    assert tree.examine(bus='unix:path=/nonexistent/bus') == {} and tree.findings == before


def test_a_bus_that_hangs_is_not_waited_for_by_who_looks_at_a_tree(system, tmp_path):
    tree = Tree(system)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / 'bus'))
        silent.listen(4)
        begun = time.monotonic()
        assert tree.examine(bus='unix:path=%s/bus' % tmp_path) == {} and time.monotonic() < begun + 4


def test_a_unit_of_this_machine_is_none_of_the_tree(system):
    tree = Tree(system)
    bus = PrivateBus()
    allow(bus)
    with bus, ToldUnit(bus, LoadState='masked', NeedDaemonReload=True):
        assert tree.examine(bus=bus.address) == {}


def test_what_only_a_machine_that_runs_has_is_left_out_of_a_tree(system):
    tree = Tree(system)
    system.enable('i2c')
    tree.settings(I2C_SENSOR + 'load: { driver = "file"; path = "/proc/loadavg"; channels: { one: { field = 1; }; }; };' +
                  'board: { driver = "hwmon"; device = "lm75"; channels: { temperature: { attribute = "temp1_input"; }; }; };')
    assert tree.examine() == {}
    left_out = [f['what'] for f in tree.findings if f['id'] == 'sensor']
    assert len(left_out) == 3 and all(what.startswith('left out: sensor ') for what in left_out), left_out
    tree.settings(I2C_SENSOR)
    (tree.root / 'dev/i2c-1').touch(mode=0o600)  # somebody kept it
    assert tree.examine().keys() == {'sensor-rights'}


def test_what_the_kernel_here_lets_be_watched_is_nothing_of_the_tree(system):
    tree = Tree(system)
    tree.settings('f: { driver = "tail"; path = "/var/lib/feed/value"; channels: { temperature: {}; }; };')
    assert tree.examine() == {} and tree.ids('unseen') == OF_WHAT_RUNS | {'watches'}


def remove(tree, path):
    (tree.root / path).unlink()


IN_A_TREE = {
    'no settings': (lambda t: remove(t, 'etc/hublink/hublink.conf'), {'settings', 'ca-file'}),
    'settings wrong': (lambda t: t.settings('x: { driver = "none"; };'), {'settings', 'ca-file'}),
    'no credential': (lambda t: remove(t, 'etc/hublink/device.cs'), {'credential-missing'}),
    'no CA': (lambda t: remove(t, 'etc/hublink/ca.pem'), {'ca-file'}),
    'a file that only this machine has': (lambda t: t.settings('f: { driver = "file"; path = "/etc/os-release"; '
                                                               'channels: { temperature: {}; }; };'), {'sensor-absent'}),
    'a newer queue': (lambda t: (t.state / 'queue/normal-newer-0badcafe').mkdir(parents=True), {'queue-set-aside'}),
    'state folder open': (lambda t: t.state.chmod(0o755), {'state-open'}),
    'no unit': (lambda t: remove(t, 'usr/lib/systemd/system/hublinkd.service'), {'unit-missing'}),
}


@pytest.mark.parametrize('name', IN_A_TREE)
def test_what_is_planted_in_a_tree_is_named(system, name):
    plant, expected = IN_A_TREE[name]
    tree = Tree(system)
    plant(tree)
    assert tree.examine().keys() == expected, json.dumps(tree.findings, indent=1)


def test_links_of_a_tree_lead_to_its_own_files(system):
    tree = Tree(system)
    (tree.root / 'data').mkdir()
    (tree.root / 'etc/hublink').rename(tree.root / 'data/hublink')
    (tree.root / 'etc/hublink').symlink_to('/data/hublink')
    assert tree.examine() == {} and 'credential' in tree.ids('well')


def test_a_folder_that_is_not_there_is_told(system):
    done = subprocess.run([CTL, 'doctor', '--root', system.root / 'nowhere'], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == '' and 'nowhere: No such file' in done.stderr
    done = subprocess.run([CTL, 'doctor', '--root', system.config], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == '' and 'hublink.conf: Not a directory' in done.stderr
