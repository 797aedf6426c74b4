# SPDX-License-Identifier: Apache-2.0
"""The units as they are shipped, and each with every drop-in of ours: what systemd-analyze says is what is written there."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))
DROPINS = sorted(path.stem for path in (SOURCE / 'systemd/dropins').glob('*.conf'))
SHIPPED = 1.5


def text_of(dropins=()):
    """One file of all, as systemd reads them one after the other."""
    unit, install = (BUILD / 'systemd/hublinkd.service').read_text().split('[Install]')
    return unit + ''.join((SOURCE / 'systemd/dropins' / (name + '.conf')).read_text() for name in dropins) + '[Install]' + install


def level(path):
    done = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--no-pager', path], capture_output=True,
                          text=True, check=False)
    return float(re.search(r'exposure level for %s: ([\d.]+)' % path.name, done.stdout)[1])


def exposure(directory, dropins=()):
    path = directory / 'hublinkd.service'
    path.write_text(text_of(dropins))
    return level(path)


def complaints(directory, name, text):
    """Of systemd-analyze verify; the program need not be installed."""
    path = directory / name
    path.write_text(text.replace('ExecStart=', 'ExecStart=/bin/true #'))
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', path], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if name in line]
    assert done.returncode == 0 or said, done.stderr
    return said


@pytest.fixture(scope='module')
def render(tmp_path_factory):
    """render(version, option...): hublinkd.service as the build makes it where libsystemd is of that version."""
    return functools.cache(functools.partial(render_in, tmp_path_factory.mktemp('render')))


def render_in(directory, version, *options):
    tree, packages = directory / 'tree', directory / 'packages'
    for folder in (tree, packages):
        folder.mkdir(exist_ok=True)
    (packages / 'libsystemd.pc').write_text('Name: systemd\nDescription: systemd\nVersion: %s\n' % version)
    if not (tree / 'systemd').exists():
        shutil.copytree(SOURCE / 'systemd', tree / 'systemd')
        shutil.copy(SOURCE / 'meson_options.txt', tree)
        (tree / 'meson.build').write_text("project('units', default_options: ['prefix=/usr'])\n"
                                          "libsystemd = dependency('libsystemd')\nsubdir('systemd')\n")
    build = directory / 'build'
    shutil.rmtree(build, ignore_errors=True)
    subprocess.run(['meson', 'setup', build, tree, *options], check=True, capture_output=True,
                   env={**os.environ, 'PKG_CONFIG_PATH': str(packages)})
    return (build / 'systemd/hublinkd.service').read_text()


def test_it_is_exposed_no_more_than_promised(tmp_path):
    assert exposure(tmp_path) <= SHIPPED


@pytest.mark.parametrize('name', DROPINS)
def test_a_dropin_says_what_it_costs_and_how_it_comes(tmp_path, name):
    text = ' '.join((SOURCE / 'systemd/dropins' / (name + '.conf')).read_text().replace('\n# ', ' ').split())
    assert 'hublinkctl setup --enable %s' % name in text and 'Why: ' in text
    told = re.search(r'Exposure by systemd-analyze security: ([\d.]+) \(as shipped: ([\d.]+)\)', text)
    assert (float(told[1]), float(told[2])) == (exposure(tmp_path, [name]), exposure(tmp_path)), text


def test_as_many_sensors_as_there_may_be_have_their_threads():
    """One for each at work, the most that hang, and a few of the daemon's own."""
    sensors, stuck = (int(re.search(r'#define %s\s+(\d+)' % name, (SOURCE / 'src' / header).read_text())[1])
                      for name, header in (('SENSORS_MAX', 'sensor/settings.h'), ('WORKER_STUCK_MAX', 'base/worker.h')))
    assert int(re.search(r'^TasksMax=(\d+)$', text_of(), re.M)[1]) >= sensors * (1 + stuck) + 16


def test_the_unit_names_no_group_that_may_be_absent():
    assert re.findall(r'^(?:Supplementary)?Groups?=(.*)$', text_of(), re.M) == ['hublink']


def test_all_dropins_together_are_a_unit(tmp_path):
    assert complaints(tmp_path, 'hublinkd.service', text_of(DROPINS)) == []


# --- how it is reloaded: by the version of systemd that it is built for ---

NOTIFY, NOTIFY_RELOAD = ['Type=notify', 'ExecReload=/bin/kill -HUP $MAINPID'], ['Type=notify-reload']


def life(text):
    return re.findall(r'^(?:Type|ExecReload|ReloadSignal)=.*$', text, re.M)


@pytest.mark.parametrize('version, options, expected', [
    ('252', [], NOTIFY), ('253', [], NOTIFY_RELOAD), ('252', ['-Dnotify_reload=enabled'], NOTIFY_RELOAD),
    ('257.9', ['-Dnotify_reload=disabled'], NOTIFY)])
def test_the_type_is_one_that_systemd_knows(render, version, options, expected):
    assert life(render(version, *options)) == expected


def test_both_types_are_units_that_differ_in_nothing_else(tmp_path, render):
    """An analyzer before 253 knows but one of them: it has to say of the other just this, and which line it is."""
    old, new = render('252'), render('253')
    assert new == old.replace('\n'.join(NOTIFY), NOTIFY_RELOAD[0]) and new != old
    assert complaints(tmp_path, 'hublinkd.service', old) == []
    said = complaints(tmp_path, 'hublinkd.service', new)
    version = subprocess.run(['systemd-analyze', '--version'], capture_output=True, text=True, check=True).stdout
    if int(re.match(r'systemd (\d+)', version)[1]) >= 253:
        assert said == []
    else:
        line = new.splitlines().index(NOTIFY_RELOAD[0]) + 1
        assert len(said) == 1 and re.search(r':%d: .*notify-reload' % line, said[0]), said


def test_this_build_has_that_of_its_systemd():
    version = subprocess.run(['pkg-config', '--modversion', 'libsystemd'], capture_output=True, text=True, check=True).stdout
    assert life(text_of()) == (NOTIFY_RELOAD if int(re.match(r'\d+', version)[0]) >= 253 else NOTIFY)


# --- how long it is until it is started again: for ever, and the log stays bounded ---

STEADY, STEPS = ['RestartSec=10s'], ['RestartSec=5s', 'RestartSteps=20', 'RestartMaxDelaySec=5min']


@pytest.mark.parametrize('version, expected', [('252', STEADY), ('253.9', STEADY), ('254', STEPS), ('257.9', STEPS)])
def test_a_start_that_fails_is_not_given_up_nor_hurried(render, version, expected):
    text = render(version)
    assert re.findall(r'^Restart(?:Sec|Steps|MaxDelaySec)=.*$', text, re.M) == expected
    assert 'StartLimitIntervalSec=0' in text.splitlines()


def test_the_manual_says_how_long(render):
    words = {'5s': 'five seconds', '10s': 'ten seconds', '5min': 'five minutes'}
    steady, first, most = (words[re.search(r'^%s=(.*)$' % key, render(version), re.M)[1]] for version, key in (
        ('252', 'RestartSec'), ('254', 'RestartSec'), ('254', 'RestartMaxDelaySec')))
    assert ('%s later; where systemd can wait longer each time (since 254) after %s at first, and at most %s.'
            % (steady, first, most)) in ' '.join((SOURCE / 'src/daemon/hublinkd.8').read_text().split())


# --- the credential ---

OPENERS = ['hublink-credential@.service', 'hublink-credential-again@.service']


@pytest.mark.parametrize('name', OPENERS)
def test_who_opens_the_credential_is_no_unit_that_systemd_gives_up(tmp_path, name):
    text = (SOURCE / 'systemd' / name).read_text()
    assert 'StartLimitIntervalSec=0' in text.splitlines()
    assert complaints(tmp_path, name.replace('@', '@device.cs'), re.sub(r'(?m)^OnFailure=.*\n', '', text)) == []


def test_another_try_is_as_early_as_the_manual_says():
    opener = (SOURCE / 'systemd' / OPENERS[0]).read_text()
    timer = (SOURCE / 'systemd/hublink-credential-again@.timer').read_text().splitlines()
    assert 'OnFailure=hublink-credential-again@%i.timer' in opener.splitlines()
    assert 'OnActiveSec=1min' in timer and 'OnUnitInactiveSec=5min' in timer
    page = ' '.join((SOURCE / 'src/ctl/hublinkctl.1').read_text().split())
    assert 'a minute later, and then every five,' in page


# --- the folder of commands ---

def test_what_commands_were_asked_outlives_hublinkd():
    assert 'RuntimeDirectoryPreserve=yes' in text_of().splitlines()


# --- the hub for development ---

def test_the_devhub_is_exposed_as_is_told_there():
    text = (BUILD / 'systemd/hublink-devhub.service').read_text()
    told = re.search(r'Exposure by systemd-analyze security: ([\d.]+)', text)[1]
    assert float(told) == level(BUILD / 'systemd/hublink-devhub.service') <= SHIPPED


def test_the_devhub_is_a_unit(tmp_path):
    text = (BUILD / 'systemd/hublink-devhub.service').read_text()
    assert complaints(tmp_path, 'hublink-devhub.service', text) == []
    assert life(text) == ['Type=notify']
