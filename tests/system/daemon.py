# SPDX-License-Identifier: Apache-2.0
"""A hublinkd in a folder of its own: settings, credential, private bus, log; started, reloaded, stopped, killed.

    with PrivateBus() as bus, Daemon(tmp_path, bus) as daemon:
        daemon.configure('sensors: { w: { driver = "simulated"; model = "wind"; }; };')
        daemon.credential(device.connection_string)
        daemon.start()                              # returns at READY=1
        daemon.wait_for_link('connected')
        assert daemon.stop() == 0                   # SIGTERM, within 5 s

It listens to what the daemon tells the service manager: daemon.notified is the list of all lines, daemon.status the
last STATUS.
"""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading
import time

from bus import MANAGER, NAME, PATH, SENSOR

BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build'))
PROGRAM = os.environ.get('HUBLINKD') or BUILD / 'src/daemon/hublinkd'

HAND_OVER = pathlib.Path(__file__).resolve().parent / 'hand-over'

STOP_SECONDS = 5  # what SIGTERM may take


class Daemon:
    def __init__(self, directory, bus=None, within=list, environment=None):
        """within: makes the command line that runs a command elsewhere (Namespace.within)."""
        self.directory = pathlib.Path(directory)
        (self.directory / 'conf.d').mkdir(parents=True, exist_ok=True)
        self.bus = bus
        self.within = within
        self.environment = environment or {}
        self.handed = []  # (name, socket): what systemd would hand over to it
        self.config = self.directory / 'hublink.conf'
        self.state = self.directory / 'state'
        self.state.mkdir(exist_ok=True)
        self.log_file = self.directory / 'daemon.log'
        self.process = None
        self.notified = []
        self._caller = None
        self.configure('')

    # --- settings ---

    def configure(self, text, name='hublink.conf'):
        """The main file, or one of conf.d."""
        (self.directory / name).write_text(text)
        return self

    def credential(self, connection_string, mode=0o600):
        """A file for hub.connection_string_file, and conf.d/credential.conf that names it."""
        path = self.directory / 'device.cs'
        path.touch(mode=0o600)
        path.write_text(connection_string + '\n')
        path.chmod(mode)
        return self.configure('hub: { connection_string_file = "%s"; };\n' % path, 'conf.d/credential.conf')

    def hub(self, devhub, device, **settings):
        """The settings that lead to a devhub."""
        self.credential(device.connection_string)
        values = {'ca_file': devhub.ca_file, 'address': '127.0.0.1:%d' % devhub.port, **settings}
        return self.configure('hub: { %s };\n' % ' '.join('%s = "%s";' % pair for pair in values.items()),
                              'conf.d/hub.conf')

    # --- life ---

    def command(self, *options):
        return [PROGRAM, '--config', self.config, '--state-dir', self.state,
                '--bus', self.bus.address if self.bus else 'unix:path=/nonexistent/bus', *options]

    def run(self, *options, timeout=20):
        """Once, to its end: --check and the like."""
        return subprocess.run(self.within([str(word) for word in self.command(*options)]), capture_output=True,
                              text=True, timeout=timeout, env={**os.environ, **self.environment})

    def start(self, ready=True, prefix=()):
        """Returns when it says READY=1. prefix: words before the command, such as setpriv."""
        if self.handed:
            prefix = [*prefix, HAND_OVER, *('%s=%d' % (name, s.fileno()) for name, s in self.handed), '--']
        assert not self.process
        self.notified.clear()
        if self._caller:
            self._caller.close()
            self._caller = None
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        path = self.directory / 'notify'
        path.unlink(missing_ok=True)
        self.notify.bind(str(path))
        path.chmod(0o666)
        with open(self.log_file, 'ab') as log:
            self.process = subprocess.Popen(
                self.within([*prefix, *(str(word) for word in self.command())]), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, 'NOTIFY_SOCKET': str(path), **self.environment},
                pass_fds=[s.fileno() for _, s in self.handed])
        if ready:
            self.wait_notified('READY=1')
        return self

    def send_signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        """SIGHUP; returns when it has been dealt with."""
        del self.notified[:]
        self.send_signal(signal.SIGHUP)
        self.wait_notified('RELOADING=1')
        self.wait_notified('READY=1')

    def stop(self, number=signal.SIGTERM, seconds=STOP_SECONDS):
        """Returns the exit status; the test fails when it takes longer."""
        process, self.process = self.process, None
        process.send_signal(number)
        deadline = time.monotonic() + seconds
        try:
            while process.poll() is None:  # it waits until it is heard
                if time.monotonic() > deadline:
                    process.kill()
                    process.wait()
                    raise AssertionError('hublinkd did not end within %s s:\n%s' % (seconds, self.log()))
                self.hear(0.01)
            return process.returncode
        finally:
            self.hear(0)
            self.notify.close()

    def kill(self):
        return self.stop(signal.SIGKILL)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.notify.close()

    # --- what it says ---

    def log(self):
        return self.log_file.read_text(errors='replace') if self.log_file.exists() else ''

    def lines(self, words, without='\0'):
        """Those of the log with these words."""
        return [line for line in self.log().splitlines() if words in line and without not in line]

    def hear(self, seconds):
        """Takes in what was told to the service manager, waiting so long for the first word."""
        while select.select([self.notify], [], [], seconds)[0]:
            try:
                self.notified += self.notify.recv(65536, socket.MSG_DONTWAIT).decode().split('\n')
            except BlockingIOError:  # another thread was faster
                pass
            seconds = 0

    @contextlib.contextmanager
    def heard(self):
        """It is heard all the time: it waits for the service manager once ten words of it were not."""
        over = threading.Event()

        def listen():
            while not over.is_set():
                self.hear(0.1)

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield self
        finally:
            over.set()
            listener.join()

    @property
    def status(self):
        self.hear(0)
        return next((line[7:] for line in reversed(self.notified) if line.startswith('STATUS=')), '')

    def _wait(self, what, holds, seconds):
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, 'hublinkd ended with %s:\n%s' % (self.process.returncode, self.log())
            assert time.monotonic() < deadline, 'no %s after %s s:\n%s' % (what, seconds, self.log())
            self.hear(0.05)

    def wait_notified(self, line, seconds=20):
        self._wait(line, lambda: line in self.notified, seconds)

    def wait_for_log(self, words, seconds=20):
        self._wait('"%s" in the log' % words, lambda: words in self.log(), seconds)

    # --- by way of the bus ---

    @property
    def caller(self):
        """One connection for all questions of this run: the bus limits how many a user may have."""
        if not self._caller:
            self._caller = self.bus.connect()
        return self._caller

    def properties(self, interface=MANAGER, path=PATH):
        return self.caller.call_blocking(NAME, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', [interface])

    def sensor(self, name):
        """The properties of one."""
        return self.properties(SENSOR, '%s/sensor/%s' % (PATH, name))

    def submit(self, values, sensor='test', options=None, timeout=10):
        """Returns (stream, epoch, first, last) once it is on disk."""
        return self.caller.call_blocking(NAME, PATH, MANAGER, 'Submit', 'sa(svt)a{sv}',
                                         (sensor, [(k, v, 0) for k, v in values.items()], options or {}),
                                         timeout=timeout)

    def wait_for_properties(self, holds, what, seconds=20):
        """Until holds(properties of the Manager)."""
        self.bus.wait_for_name()
        self._wait(what, lambda: holds(self.properties()), seconds)
        return self.properties()

    def wait_for_link(self, state, reason=None, seconds=20):
        return self.wait_for_properties(
            lambda p: p['LinkState'] == state and reason in (None, p['LinkReason']),
            'link %s %s' % (state, reason or ''), seconds)

    def wait_for_reason(self, reason, seconds=20):
        """Whatever the state between two tries."""
        return self.wait_for_properties(lambda p: p['LinkReason'] == reason, 'reason ' + reason, seconds)

    def ledger(self):
        """As a dict; the balance is held against the promise each time it is asked."""
        ledger = {str(k): int(v) for k, v in self.properties()['Ledger'].items()}
        assert ledger['accepted'] == (ledger['acknowledged'] + ledger['waiting'] + ledger['dropped'] +
                                      ledger['dead_lettered']), ledger
        return ledger

    def settle(self, seconds=30):
        """Until nothing waits and nothing more comes; the ledger then."""
        deadline, last, since = time.monotonic() + seconds, None, 0
        while True:
            ledger = self.ledger()
            if ledger['waiting'] > 0 or ledger != last:
                last, since = ledger, time.monotonic()
            # what was read before the first look is committed within the interval
            elif time.monotonic() - since > 1.5:
                return ledger
            assert time.monotonic() < deadline, 'not settled after %s s: %s\n%s' % (seconds, ledger, self.log())
            self.hear(0.1)
