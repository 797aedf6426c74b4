# SPDX-License-Identifier: Apache-2.0
"""The packages of the last commit, made of the programs that the build folder has (packaging/build --from)."""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))


def run(*command, **options):
    """What it says; it has to end well."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, '%s ended with %d\n%s%s' % (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def make(kind, output, *options):
    """Kind: deb or rpm. The files by the names of their packages; source has the source packages."""
    run(SOURCE / 'packaging/build', kind, '--output', output, *options)
    return by_name(output)


def by_name(output):
    made = {}
    for path in sorted(output.iterdir()):
        source = path.suffix not in ('.deb', '.rpm') or path.name.endswith('.src.rpm')
        name = 'source' if source else re.match(r'(.+?)[-_]\d', path.name)[1]
        if source:
            made.setdefault(name, []).append(path)
        else:
            assert name not in made, made
            made[name] = path
    return made


def quick(kind):
    """Of what the build folder has now; several tests ask for the same, and the first of them makes it."""
    folder = BUILD / 'packages-quick' / kind
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / (kind + '.lock'), 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder.parent / (kind + '.stamp')
        if not stamp.exists() or stamp.read_text() != state():
            stamp.unlink(missing_ok=True)
            make(kind, folder, '--from', BUILD)
            stamp.write_text(state())
        return by_name(folder)


def state():
    """Of the sources and of what was built: whatever a package is made of has its part in it."""
    programs = [BUILD / 'src' / name for name in ('daemon/hublinkd', 'ctl/hublinkctl', 'devhub/hublink-devhub',
                                                  'explorer/hublink-explorer')]
    times = ' '.join(str(path.stat().st_mtime_ns) for path in [*programs, BUILD / 'build.ninja'])
    return ''.join(run('git', '-C', SOURCE, *words) for words in [('rev-parse', 'HEAD'), ('diff', 'HEAD')]) + times


def earlier(deb, version, output):
    """The same package as its users may have it already: of a lower version, and other words in its settings file."""
    tree = output / 'tree'
    run('dpkg-deb', '--raw-extract', deb, tree)
    control = tree / 'DEBIAN/control'
    control.write_text(re.sub(r'(?m)^Version: .*$', 'Version: ' + version, control.read_text()))
    settings = tree / 'etc/hublink/hublink.conf'
    if settings.exists():
        settings.write_text('# hublink %s\n' % version + settings.read_text())
    made = output / ('%s_%s.deb' % (deb.name.split('_')[0], version))
    run('dpkg-deb', '--root-owner-group', '-Znone', '--build', tree, made)
    shutil.rmtree(tree)
    return made
