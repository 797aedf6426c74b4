# SPDX-License-Identifier: Apache-2.0
"""A house for commands as they are printed: the tree of this machine with hublink in it, where what is written stays in
memory, with a network and a system bus of its own. Real paths and real ports are free there, and nothing leaves it.

    with PrivateBus() as bus, House(tmp_path, bus) as house:
        house.run('hublinkctl status')                  # checked; as root, in house.work
        house.begin('hublink-devhub serve --state-dir /tmp/hub')    # goes on until the house is closed
        house.path('/etc/hublink/hublink.conf').write_text(...)
"""

import os
import pathlib
import signal
import subprocess

from bus import BUILD, SOURCE

PRIVATE_ROOT = pathlib.Path(__file__).resolve().parent / 'private-root'
WORK = '/srv/work'
NAMES = 'localhost devhub.localdomain b.localdomain'

# In: a folder, that of the bus, sources, programs. What is mounted elsewhere is not in an overlay, and is brought along.
SCRIPT = r'''
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" overlay "$1/root"
cd "$1/root"
for folder in dev proc sys; do mount --rbind /$folder $folder; done
for folder in run tmp; do mount -t tmpfs none $folder; done
for folder in "$3" "$4"; do
  [ -e ".$folder/meson.build" ] || [ -e ".$folder/build.ninja" ] || { mkdir -p ".$folder"; mount --bind "$folder" ".$folder"; }
done
mkdir -p run/dbus run/hublink etc/hublink/conf.d var/lib/hublink usr/share/doc/hublink mnt "srv/work"
mount --bind "$2" run/dbus
ln -s socket "$2/system_bus_socket"
cp "$3/conf/hublink.conf" etc/hublink/
cp -r "$3/conf/chips" etc/hublink/
cp -r "$3/conf/examples" usr/share/doc/hublink/
echo "127.0.0.1 $5" >etc/hosts
grep -q ^hublink: etc/group || echo hublink:x:990: >>etc/group
ip link set lo up
exec chroot . sh -c 'echo ready; exec cat'
'''


class House:
    def __init__(self, folder, bus):
        self.mount = pathlib.Path(folder) / 'house'
        self.mount.mkdir()
        self.begun = []
        self.environment = {k: v for k, v in os.environ.items() if k not in ('SSL_CERT_FILE', 'DBUS_SYSTEM_BUS_ADDRESS')}
        programs = [str(BUILD.resolve() / 'src' / name) for name in ('daemon', 'ctl', 'devhub', 'explorer')]
        self.session_bus = 'unix:path=/run/session-bus'  # whoever wants one starts it
        self.environment.update(PATH=':'.join([*programs, os.environ['PATH']]), NO_COLOR='1',
                                DBUS_SESSION_BUS_ADDRESS=self.session_bus)
        self.holder = subprocess.Popen(
            [PRIVATE_ROOT, '--net', '--', 'sh', '-ec', SCRIPT, 'sh', str(self.mount.resolve()), str(bus.directory),
             str(SOURCE.resolve()), str(BUILD.resolve()), NAMES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b'ready\n':
            self.close()
            raise RuntimeError('no house: unshare, mount or ip failed (are we root?)')

    def path(self, name):
        """A file of the house, as it is seen from outside."""
        return pathlib.Path('/proc/%d/root%s' % (self.holder.pid, name))

    def work(self, name):
        """A file of the folder where commands run."""
        return self.path(WORK + '/' + name)

    def _start(self, command, **options):
        return subprocess.Popen(
            ['nsenter', '--target', str(self.holder.pid), '--net', '--mount', '--root', '--wdns=' + WORK, '--',
             'bash', '-c', command], env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True, text=True,
            errors='replace', **options)

    def begin(self, command):
        """What goes on; its words are in .said once it has ended."""
        process = self._start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.begun.append(process)
        return process

    def end(self, process, how=signal.SIGINT, seconds=20):
        """(exit status, what it said). how: None waits for it to end by itself."""
        if how:
            os.killpg(process.pid, how)
        said, _ = process.communicate(timeout=seconds)
        return process.returncode, said

    def try_out(self, command, seconds=30):
        """(exit status, what it said)."""
        return self.end(self.begin(command), None, seconds)

    def run(self, command, seconds=30):
        status, said = self.try_out(command, seconds)
        assert status == 0, '%s: %d\n%s' % (command, status, said)
        return said

    def close(self):
        for process in self.begun:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()
        self.holder.stdin.close()
        self.holder.wait(10)
        self.holder.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
