# SPDX-License-Identifier: Apache-2.0
"""A machine of its own with a disk of its own, whose power can go: vm/run-vm, and what hublinkd needs in there.

    with Machine(tmp_path, 'cuts') as machine:      # jobs/cuts runs in there
        machine.make_disk()
        machine.configure(SETTINGS, devhub, device)
        machine.start()                             # returns at once
        machine.wait_for('accepted', lines=100)     # what the job writes to its folder is here at once
        machine.cut()                               # SIGKILL to QEMU, by its id: what was in memory is gone
        machine.start()                             # the same disk
        assert machine.wait() == 0                  # the job's status

The host is 10.0.2.2 for the machine.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from bus import CONFIG, our_policy

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', SOURCE / 'build'))
HERE = pathlib.Path(__file__).resolve().parent
VM = SOURCE / 'build/campaign-vm'

PROGRAMS = [BUILD / 'src/daemon/hublinkd', BUILD / 'src/ctl/hublinkctl', BUILD / 'tests/system/producer']
SYSTEM_PROGRAMS = ['date', 'dbus-daemon', 'dmsetup']  # busybox's date knows whole seconds only
HOST = '10.0.2.2'


def sbin(program):
    """Where it is, if root's path is not ours."""
    return shutil.which(program, path=os.environ['PATH'] + ':/usr/sbin:/sbin')


class Machine:
    def __init__(self, directory, job, seconds=300, programs=()):
        self.job = pathlib.Path(directory) / 'job'
        self.disk = pathlib.Path(directory) / 'disk'
        self.seconds = seconds
        self.process = None
        shutil.copytree(HERE / 'jobs', self.job)
        (self.job / job).rename(self.job / 'run')
        subprocess.run([HERE / 'vm/make-vm'], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([HERE / 'vm/pack-programs', self.job / 'programs', *PROGRAMS, *programs,
                        *map(sbin, SYSTEM_PROGRAMS)],
                       check=True)
        bus = self.job / 'bus'
        bus.mkdir()
        (bus / 'org.hublink1.conf').write_text(our_policy())
        (bus / 'bus.conf').write_text(CONFIG % {'directory': '/run/bus'})

    def make_disk(self, size='96M', options=()):
        """Of the kind that keeps what was flushed, and forgets of the rest what QEMU had not written. options: mkfs.ext4's"""
        raw = self.disk.with_suffix('.raw')
        subprocess.run(['truncate', '-s', size, raw], check=True)
        subprocess.run([sbin('mkfs.ext4'), '-qF', *options, raw], check=True)
        subprocess.run(['qemu-img', 'convert', '-O', 'qcow2', raw, self.disk], check=True)
        raw.unlink()

    def configure(self, settings, devhub, device):
        (self.job / 'conf.d').mkdir()
        (self.job / 'hublink.conf').write_text(settings)
        shutil.copy(devhub.ca_file, self.job / 'ca.pem')
        credential = self.job / 'device.cs'
        credential.touch(mode=0o600)
        credential.write_text(device.connection_string + '\n')
        (self.job / 'conf.d/hub.conf').write_text(
            'hub: { connection_string_file = "/job/device.cs"; ca_file = "/job/ca.pem"; address = "%s:%d"; };\n'
            % (HOST, devhub.port))

    # --- life ---

    def start(self, *options):
        assert not self.process
        (self.job / 'pid').unlink(missing_ok=True)
        if self.disk.exists():
            options = ['-drive', 'file=%s,format=qcow2,if=virtio' % self.disk, *options]
        self.process = subprocess.Popen(
            [HERE / 'vm/run-vm', VM, self.job, str(self.seconds), '-netdev', 'user,id=net',
             '-device', 'virtio-net-pci,netdev=net,romfile=', *options])
        return self

    def cut(self):
        os.kill(int(self.read('pid')), signal.SIGKILL)
        assert self.wait() == 125, 'the machine had ended by itself:\n' + self.words()

    def wait(self):
        status = self.process.wait()
        self.process = None
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            if self.read('pid'):
                os.kill(int(self.read('pid')), signal.SIGKILL)
            self.wait()

    # --- what it says ---

    def receipts(self, name='accepted'):
        """The numbers whose Submit was answered; the last line may be half a one."""
        return {int(line) for line in self.read(name).split('\n')[:-1]}

    def ledger(self):
        """As the job left it."""
        ledger = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', self.read('ledger'))}
        assert ledger['accepted'] == (ledger['acknowledged'] + ledger['waiting'] + ledger['dropped'] +
                                      ledger['dead_lettered']), ledger
        return ledger

    def read(self, name):
        path = self.job / name
        return path.read_text(errors='replace') if path.exists() else ''

    def words(self):
        return '\n'.join('--- %s ---\n%s' % (name, self.read(name)[-3000:])
                         for name in ('output', 'daemon.log', 'console', 'qemu'))

    def wait_for(self, name, lines=1, seconds=120):
        """Until a file of the job's has so many lines."""
        self._wait('%d lines in %s' % (lines, name), lambda: self.read(name).count('\n') >= lines, seconds)

    def wait_for_file(self, name, seconds=120):
        self._wait('file ' + name, (self.job / name).exists, seconds)

    def _wait(self, what, holds, seconds):
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, \
                'the machine ended with %s\n%s' % (self.process.returncode, self.words())
            assert time.monotonic() < deadline, 'no %s\n%s' % (what, self.words())
            time.sleep(0.05)
