# SPDX-License-Identifier: Apache-2.0
"""A machine for hublinkctl doctor to look over, all of whose files a test may change, beside a gateway that is well.

    from doctor import gateway, system   # two fixtures: of a file of tests, and of each test

    system.secret.unlink()
    assert system.examine().keys() == {'credential-missing'}
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from bus import BUILD, POLICY, SOURCE, PrivateBus
from daemon import Daemon
from devhub import Devhub
from machine_tree import in_the_place_of_the_machine
from namespace import Namespace

CTL = BUILD / 'src/ctl/hublinkctl'
HOST, OTHER = 'devhub.localdomain', 'other.localdomain'
USER, I2C, DIALOUT = 61234, 61240, 61241
SENSORS = '''
  load: { driver = "file"; path = "/proc/loadavg"; channels: { one: { field = 1; }; }; };
  wind: { driver = "simulated"; model = "wind"; };
'''
I2C_SENSOR = 'room: { driver = "i2c"; bus = 1; address = 0x48; channels: { temperature: { register = 0; }; }; };'


DROPIN = 'etc/systemd/system/hublink-command@reboot.service.d/reboot.conf'


ORDINARY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']  # the tree has no name for him


class System:
    """A tree with what the package, systemd and the kernel put on a machine, and settings."""

    def __init__(self, folder, gateway):
        self.gateway, self.folder = gateway, pathlib.Path(folder)
        self.root, self.state = self.folder / 'root', self.folder / 'state'
        self.bus, self.environment, self.prefix = gateway.bus.address, {}, []
        self.config, self.secret = self.folder / 'hublink.conf', self.folder / 'device.cs'
        for name in ('etc', 'dev', 'sys/bus/i2c/devices', 'sys/class/hwmon'):
            (self.root / name).mkdir(parents=True)
        (self.root / 'etc/passwd').write_text('root:x:0:0::/:/bin/sh\nhublink:x:%d:%d::/:/bin/false\n' % (USER, USER))
        (self.root / 'etc/group').write_text('hublink:x:%d:\nhublink-admin:x:%d:\ni2c:x:%d:\ndialout:x:%d:\n' %
                                            (USER, USER + 1, I2C, DIALOUT))
        self.write('usr/lib/systemd/system/hublinkd.service', (BUILD / 'systemd/hublinkd.service').read_text())
        self.unit(LoadCredential='device.cs:%s' % self.secret)
        self.write('etc/systemd/system/multi-user.target.wants/hublinkd.service', '')
        self.write('usr/share/dbus-1/system.d/org.hublink1.conf', POLICY.read_text())
        shutil.copytree(SOURCE / 'systemd/dropins', self.root / 'usr/share/hublink/dropins')
        self.state.mkdir(mode=0o750)
        os.chown(self.state, USER, USER)
        self.credential(gateway.device.connection_string)
        self.settings()

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def unit(self, name='own.conf', **words):
        """A drop-in."""
        self.write('etc/systemd/system/hublinkd.service.d/' + name,
                   '[Service]\n' + ''.join('%s=%s\n' % pair for pair in words.items()))

    def enable(self, kind):
        folder = self.root / 'etc/systemd/system/hublinkd.service.d'
        shutil.copy(SOURCE / ('systemd/dropins/%s.conf' % kind), folder)

    def credential(self, text):
        self.secret.touch(mode=0o600)
        self.secret.write_text(text + '\n')

    def settings(self, sensors=SENSORS, hub=''):
        if 'ca_file' not in hub:
            hub += ' ca_file = "%s";' % self.gateway.devhub.ca_file
        self.config.write_text('clock: { trust = true; };\nsensors: { %s };\nhub: { %s };\n' % (sensors, hub))

    def i2c(self, mode=0o660, enabled=True):
        """A bus with a sensor on it."""
        bus = self.root / 'dev/i2c-1'
        bus.touch()
        os.chown(bus, 0, I2C)
        bus.chmod(mode)
        if enabled:
            self.enable('i2c')
        self.settings(SENSORS + I2C_SENSOR)

    def command(self):
        """A command, with all that belongs to it."""
        self.settings()
        with self.config.open('a') as config:
            config.write('command_units: { reboot: { method = "reboot"; }; };\n')
        for name, folder in (('hublink-command@.service', 'usr/lib/systemd/system'),
                             ('hublink-command.rules', 'usr/share/polkit-1/rules.d')):
            self.write('%s/%s' % (folder, name), (SOURCE / 'systemd' / name).read_text())
        self.write('usr/lib/polkit-1/polkitd', '')
        self.write(DROPIN, (SOURCE / 'conf/examples/commands/reboot.service.conf').read_text())

    def mount(self, options):
        subprocess.run(self.gateway.namespace.within(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', self.state]),
                       check=True)

    def run(self, *words, options=()):
        command = [*self.prefix, CTL, '--bus', self.bus, '--config', self.config, *words, 'doctor', '--state-dir', self.state]
        return self.done([*command, *options])

    def done(self, command):
        """Where the tree stands in the place of what the machine has."""
        command = in_the_place_of_the_machine(self.root, command)
        done = subprocess.run(self.gateway.namespace.within(command), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=30, env={**os.environ, **self.environment})
        assert self.gateway.device.key not in done.stdout + done.stderr
        assert done.stderr == ''
        return done

    def examine(self, *words):
        """The findings that are faults; each says what it is, why it matters, and what to do."""
        done = self.run('--json', *words)
        said = json.loads(done.stdout)
        faults = [f for f in said['findings'] if f['verdict'] in ('problem', 'warning')]
        assert len(faults) == said['problems'] + said['warnings']
        assert done.returncode == (1 if said['problems'] else 0), done.stdout
        assert all(f['what'] and f['why'] and (f['do'] or f['id'] == 'port') for f in faults), faults
        self.said = said
        return {f['id']: f for f in faults}


class Gateway:
    """One that is well: bus, hub and daemon."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.namespace = Namespace(self.folder, [HOST, OTHER])
        self.bus = PrivateBus().start()
        self.devhub = Devhub(self.folder / 'hub', HOST, within=self.namespace.within)
        self.devhub.port, self.devhub.https_port = 8883, 443
        self.devhub.start()
        self.folder.chmod(0o755)
        (self.folder / 'hub').chmod(0o755)
        self.device = self.devhub.create('gw')
        self.system = System(self.folder / 'well', self)
        self.daemon = Daemon(self.folder / 'gw', self.bus, within=self.namespace.within,
                             environment={'CREDENTIALS_DIRECTORY': str(self.system.folder)})
        self.daemon.configure(self.system.config.read_text())
        self.daemon.start()
        self.daemon.wait_for_link('connected')

    def close(self):
        try:
            assert self.daemon.stop() == 0
        finally:
            self.devhub.stop()
            self.bus.stop()
            self.namespace.close()


@pytest.fixture(scope='module')
def gateway():
    folder = tempfile.mkdtemp(prefix='hublink-doctor-')  # not pytest's: hublink has to pass
    gateway = Gateway(folder)
    yield gateway
    gateway.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def system(gateway):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='hublink-doctor-'))
    folder.chmod(0o755)
    system = System(folder / 'it', gateway)
    yield system
    subprocess.run(gateway.namespace.within(['umount', '-q', '-l', system.state]), check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
