# SPDX-License-Identifier: Apache-2.0
"""What is in the packages of Debian and Fedora, what their scripts do, and what lintian and rpmlint say of them.

What happens when they are installed on a machine is in test_booted.py; whole builds, twice, are in the campaign.
"""

import os
import re
import subprocess
import tempfile

import pytest

from packages import BUILD, SOURCE, quick, run

BOOTED = SOURCE / 'build/booted-root'
PARTS = {'hublink', 'hublink-devhub', 'hublink-explorer', 'hublink-dev'}
PROGRAMS = {'hublink': {'/usr/sbin/hublinkd', '/usr/bin/hublinkctl'},
            'hublink-devhub': {'/usr/bin/hublink-devhub'},
            'hublink-explorer': {'/usr/bin/hublink-explorer'},
            'hublink-dev': set()}
OF_HUBLINK = ['/etc/hublink/hublink.conf', '/etc/hublink/conf.d', '/usr/share/hublink/chips/tmp102.conf',
              '/lib/systemd/system/hublinkd.service', '/usr/lib/sysusers.d/hublink.conf',
              '/usr/lib/systemd/catalog/hublink.catalog', '/usr/share/dbus-1/system.d/org.hublink1.conf',
              '/usr/share/bash-completion/completions/hublinkctl',
              '/usr/share/bash-completion/completions/hublinkd',
              '/usr/share/doc/hublink/examples/README.md', '/usr/share/doc/hublink/examples/wind.conf',
              '/usr/share/man/man5/hublink.conf.5.gz', '/usr/share/man/man5/hublink-chips.5.gz',
              '/usr/share/man/man5/org.hublink1.5.gz']
OF_DEV = ['/usr/share/dbus-1/interfaces/org.hublink1.Manager.xml', '/usr/share/doc/hublink/dbus/README.md',
          '/usr/share/doc/hublink/dbus/org.hublink1.Manager.xml',
          '/usr/share/doc/hublink/examples/responder/python/sign.py']
# Which part has what; units lie in /lib here, and in /usr/lib there.
HOMES = {'hublink': OF_HUBLINK, 'hublink-dev': OF_DEV,
         'hublink-devhub': ['/lib/systemd/system/hublink-devhub.service', '/usr/share/doc/hublink/examples/fleet.json',
                            '/usr/share/bash-completion/completions/hublink-devhub'],
         'hublink-explorer': ['/usr/share/bash-completion/completions/hublink-explorer']}


@pytest.fixture(scope='module')
def debs():
    return quick('deb')


@pytest.fixture(scope='module')
def rpms():
    made = quick('rpm')
    made['hublink-dev'] = made.pop('hublink-devel')  # as that house calls it
    return made


def deb_files(path):
    """Names and modes."""
    lines = [line.split(None, 5) for line in run('dpkg-deb', '--contents', path).splitlines()]
    assert {line[1] for line in lines} == {'root/root'}
    return {line[5].split(' -> ')[0].lstrip('.').rstrip('/'): line[0] for line in lines}


def rpm_files(path):
    lines = run('rpm', '-qp', '--qf', '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\\n]',
                path).splitlines()
    assert {line.split()[1] for line in lines} == {'root:root'}
    return {line.split()[2]: line.split()[0] for line in lines}


def check_split(files):
    """Files of each part: everything is somewhere, programs have manuals, and nothing is in two."""
    assert set(files) == PARTS
    for part, homes in HOMES.items():
        for path in homes:
            assert path in files[part] or '/usr' + path in files[part], (part, path)
        programs = {path for path in files[part] if '/bin/' in path or '/sbin/' in path}
        assert programs == PROGRAMS[part]
        for program in programs:
            name = os.path.basename(program)
            assert [path for path in files[part] if re.search(r'/man\d/%s\.\d\.gz$' % name, path)], name
    modes = [(path, mode) for each in files.values() for path, mode in each.items()]
    regular = [path for path, mode in modes if mode[0] != 'd']
    assert len(regular) == len(set(regular)), sorted(regular)
    assert not [path for path, mode in modes if mode[0] != 'l' and (mode[8] == 'w' or 's' in mode.lower())]


def requirements(section, column):
    table = [line.split() for line in (SOURCE / 'packaging/requirements').read_text().splitlines()
             if line and line[0] != '#']
    return {line[column] for line in table if line[0] == section}


# --- Debian ---

def test_debian_files_are_split(debs):
    check_split({part: deb_files(path) for part, path in debs.items()})


def test_debian_settings_are_conffiles(debs):
    assert run('dpkg-deb', '--info', debs['hublink'], 'conffiles').split() == ['/etc/hublink/hublink.conf']


def test_debian_fields(debs):
    def field(part, name):
        return run('dpkg-deb', '--field', debs[part], name).strip()
    versions = {field(part, 'Version') for part in PARTS}
    assert len(versions) == 1 and re.match(r'\d+\.\d+\.\d+(~\d{14}\.g[0-9a-f]+)?-\d+$', versions.pop())
    architecture = run('dpkg', '--print-architecture').strip()
    assert ({part: field(part, 'Architecture') for part in PARTS} ==
            dict.fromkeys(PARTS, architecture) | {'hublink-dev': 'all'})
    assert re.search(r'\blibmosquitto1\b.*\blibsystemd0\b', field('hublink', 'Depends'))
    assert 'dbus-system-bus' in field('hublink', 'Depends')
    assert 'libqpid-proton11' in field('hublink-devhub', 'Depends')
    assert 'libsqlite3-0' not in field('hublink', 'Depends')


def test_debian_starts_after_user_and_bus(debs):
    """testbeds: a bus that has read the policy before there was the user refuses him the name."""
    script = run('dpkg-deb', '--info', debs['hublink'], 'postinst')
    steps = [script.index(step) for step in ('systemd-sysusers hublink.conf', 'deb-systemd-invoke reload dbus.service',
                                             'deb-systemd-invoke $_dh_action')]
    assert steps == sorted(steps)


GOOD, WRONG = 'hub: { window = 8; };\n', 'hub: {\n  nonsense = 1;\n};\n'


@pytest.mark.parametrize('settings, words, told', [
    (WRONG, ['configure', '0.0.9-1'], True),
    (GOOD, ['configure', '0.0.9-1'], False),
    (WRONG, ['configure', ''], True),  # a first installation, over settings that an image laid before
    (GOOD, ['configure', ''], False),
    (WRONG, ['abort-upgrade', '0.0.9-1'], False),
])
def test_an_installation_says_which_settings_keep_it_from_starting(tmp_path, settings, words, told):
    """And ends well: they are the administrator's, the package is whole."""
    (tmp_path / 'site.conf').write_text(settings)
    for name, text in {'systemd-sysusers': 'true', 'deb-systemd-invoke': 'true',
                       'hublinkd': 'exec %s/src/daemon/hublinkd --config %s/site.conf "$@"' % (BUILD, tmp_path)}.items():
        (tmp_path / name).write_text('#!/bin/sh\n%s\n' % text)
        (tmp_path / name).chmod(0o755)
    ended = subprocess.run(['sh', SOURCE / 'packaging/debian/hublink.postinst', *words], capture_output=True, text=True,
                           env=os.environ | {'PATH': '%s:%s' % (tmp_path, os.environ['PATH'])})
    assert (ended.returncode, ended.stdout) == (0, '')
    assert ('%s/site.conf:2: hub.nonsense: unknown setting' % tmp_path in ended.stderr) == told
    assert ('systemctl restart hublinkd' in ended.stderr) == told == bool(ended.stderr)


def test_debian_control_asks_for_what_the_build_needs():
    control = (SOURCE / 'packaging/debian/control').read_text()
    asked = set(re.search(r'(?ms)^Build-Depends: (.*?)^\S', control)[1].replace('\n', '').replace(' ', '').split(','))
    assert asked == (requirements('build', 1) - {'gcc', 'libc6-dev', 'ninja-build'} |  # build-essential, and meson's
                     {'debhelper-compat(=13)', 'check<!nocheck>'})


def test_lintian_has_nothing_to_say(debs):
    """And nothing that it is told not to mind."""
    said = run('lintian', '--allow-root', '--show-overrides', '--fail-on', 'none', *debs.values())
    assert not [line for line in said.splitlines() if line[:2] in ('E:', 'W:', 'O:')], said


# --- Fedora ---

def test_fedora_files_are_split(rpms):
    check_split({part: rpm_files(path) for part, path in rpms.items()})


def test_fedora_settings_stay_as_edited(rpms):
    assert run('rpm', '-qp', '--configfiles', rpms['hublink']).split() == ['/etc/hublink/hublink.conf']
    flags = run('rpm', '-qp', '--qf', '[%{FILEFLAGS:fflags} %{FILENAMES}\\n]', rpms['hublink'])
    assert 'cn /etc/hublink/hublink.conf' in flags.splitlines()  # config, noreplace


def test_fedora_spec_asks_for_what_the_build_needs():
    spec = (SOURCE / 'packaging/rpm/hublink.spec').read_text()
    asked = set(re.findall(r'(?m)^BuildRequires: *(\S+)$', spec))
    assert asked == requirements('build', 2) | {'systemd-rpm-macros', 'check-devel'}


def test_versions_are_those_of_the_build():
    version = re.search(r"(?m)^ *version: '([^']+)'", (SOURCE / 'meson.build').read_text())[1]
    assert re.search(r'(?m)^Version: *(\S+)$', (SOURCE / 'packaging/rpm/hublink.spec').read_text())[1] == version
    assert (SOURCE / 'packaging/debian/changelog').read_text().startswith('hublink (%s-' % version)


def test_rpmlint_has_nothing_to_say(rpms):
    rpm = SOURCE / 'packaging/rpm'
    said = run('rpmlint', '-c', rpm / 'rpmlint.toml', *rpms.values(), rpm / 'hublink.spec')
    assert ' 0 errors, 0 warnings' in said, said


def test_fedora_packages_in_an_empty_root(rpms, tmp_path):
    run('rpm', '--root', tmp_path, '--install', '--nodeps', '--noscripts', *rpms.values())
    listed = set().union(*(rpm_files(path) for path in rpms.values()))
    found = {'/' + str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*')}
    assert not listed - found
    assert not {path for path in found - listed if path.startswith(('/etc/hublink', '/usr/share/hublink'))}
    run('rpm', '--root', tmp_path, '--verify', '--nodeps', '--noscripts', 'hublink', 'hublink-devel')
    run('rpm', '--root', tmp_path, '--erase', '--nodeps', '--noscripts', 'hublink', 'hublink-devel', 'hublink-devhub',
        'hublink-explorer')
    assert not [path for path in tmp_path.rglob('*hublink*') if not path.is_relative_to(tmp_path / 'var/lib/rpm')]


def test_fedora_units_have_their_scriptlets(rpms):
    """Each unit that is shipped is told of in those of its package, and no other package has any."""
    def scriptlets(path):
        text = run('rpm', '-qp', '--scripts', path)
        parts = re.split(r'(?m)^(\w+) scriptlet \(using /bin/sh\):$', text)
        return dict(zip(parts[1::2], parts[2::2]))
    for part, path in rpms.items():
        units = {os.path.basename(name) for name in rpm_files(path) if re.search(r'/systemd/system/[^@]*$', name)}
        found = scriptlets(path)
        expected = {'hublink': {'preinstall', 'postinstall', 'preuninstall', 'postuninstall'},
                    'hublink-devhub': {'preuninstall', 'postuninstall'}}.get(part, set())
        assert set(found) == expected and bool(units) == bool(expected), (part, units, found)
        for name in expected - {'preinstall'}:
            assert all(unit in found[name] for unit in units), (part, name)


# In a tree with the tools that the scriptlets call; what they write lies over it, in memory. What they ask of systemctl
# is noted, and done as far as it can be without a service manager.
SCRIPTLETS = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o lowerdir="$2",upperdir="$1/upper",workdir="$1/work" overlay "$1/root"
cd "$1/root"
mv bin/systemctl bin/systemctl.real
printf '#!/bin/sh\\necho "  systemctl $*" >>/asked\\nexec systemctl.real "$@" 2>/dev/null\\n' >bin/systemctl
chmod 755 bin/systemctl
asked() { echo "$1:"; [ ! -e asked ] || sort -u asked; rm -f asked; }
mkdir -p etc/hublink/conf.d
echo 'hub: { windw = 4; };' >etc/hublink/conf.d/image.conf
rpm --root "$PWD" --install --nodeps "$3" "$4" 2>&1 | grep -v '^rpm: '
rm etc/hublink/conf.d/image.conf
asked install
echo "user: $(grep ^hublink: etc/passwd) $(grep ^hublink-admin: etc/group | cut -d: -f1)"
echo "enabled: $(find etc/systemd -name '*hublink*' | xargs echo)"
echo '# mine' >>etc/hublink/hublink.conf
mkdir -p var/lib/hublink/queue run/hublink/command/slow
rpm --root "$PWD" --upgrade --nodeps --replacepkgs --oldpackage "$3" "$4"
asked upgrade
tail -n 1 etc/hublink/hublink.conf
echo "users: $(grep -c ^hublink: etc/passwd)"
rpm --root "$PWD" --erase --nodeps hublink hublink-devhub
asked removal
find etc lib usr var run -name '*hublink*' -not -path 'var/lib/rpm/*' -not -name hublink-test-root | sort | xargs echo left:
ls -d etc/hublink/* var/lib/hublink/* | xargs echo kept:
"""
SCRIPTLETS_SAY = """
hublink: hublinkd does not start with the settings as they are:
/etc/hublink/conf.d/image.conf:1: hub.windw: unknown setting; did you mean "window"?
hublink: mend them, then: systemctl restart hublinkd
install:
  systemctl --no-reload preset hublinkd.service
user: hublink:x:N:N:hublink, sensors to Azure IoT Hub:/var/lib/hublink:/sbin/nologin hublink-admin
enabled: etc/systemd/system/multi-user.target.wants/hublinkd.service
upgrade:
  systemctl daemon-reload
  systemctl try-restart hublink-devhub.service
  systemctl try-restart hublinkd.service
# mine
users: 1
removal:
  systemctl --no-reload disable --now hublink-devhub.service
  systemctl --no-reload disable --now hublinkd.service
  systemctl reset-failed hublink-command@* hublink-credential@* hublink-credential-again@*
left: etc/hublink etc/hublink/hublink.conf.rpmsave var/lib/hublink
kept: etc/hublink/hublink.conf.rpmsave var/lib/hublink/queue
"""  # the queue and what was edited are the owner's


def test_fedora_scriptlets(rpms):
    if not (BOOTED / 'etc/hublink-test-root').exists():
        pytest.skip('no tree to run them in: tests/system/booted/make-root makes it')
    with tempfile.TemporaryDirectory() as folder:
        said = run(SOURCE / 'tests/system/private-root', '--', 'sh', '-c', SCRIPTLETS, 'sh', folder, BOOTED,
                   rpms['hublink'], rpms['hublink-devhub'])
    assert re.sub(r':x:\d+:\d+:', ':x:N:N:', said).splitlines() == SCRIPTLETS_SAY.strip().splitlines(), said


# --- the tool ---

@pytest.mark.parametrize('arguments', ['', 'tar', 'deb --output', 'deb --from /nowhere', 'deb --fast'])
def test_build_tells_its_usage(arguments):
    done = subprocess.run([SOURCE / 'packaging/build', *arguments.split()], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and done.stderr.startswith('packaging/build: '), done
