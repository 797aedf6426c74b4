# SPDX-License-Identifier: Apache-2.0
"""I2C buses for a daemon, with chips in them (tests/support/i2c-rack, which tells the orders).

    with Rack('bus 1 plain', 'chip room 1 0x48 words', 'set room 0 1980') as rack:
        daemon.start(prefix=rack.prefix)
        rack.order('absent room yes')
"""

import pathlib
import shutil
import socket
import tempfile

import pytest

from bus import BUILD

PROGRAM = BUILD / 'tests/support/i2c-rack/i2c-rack'


class Rack:
    def __init__(self, *orders):
        if not PROGRAM.exists() or not shutil.which('umockdev-wrapper'):
            pytest.skip('umockdev is not here')
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='hublink-rack-'))
        self.setup, self.socket = self.directory / 'setup', self.directory / 'orders'
        self.setup.write_text('\n'.join(orders) + '\n')
        self._connection = None

    @property
    def prefix(self):
        """Words before the command of the program that is to see it."""
        return 'umockdev-wrapper', str(PROGRAM), '-s', str(self.socket), str(self.setup)

    def order(self, line):
        """Returns what was told."""
        if not self._connection:
            self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._connection.settimeout(20)
            self._connection.connect(str(self.socket))
        self._connection.send(line.encode())
        answer = self._connection.recv(4096).decode()
        assert answer.startswith('ok'), answer
        return answer[3:]

    def transfers(self, chip):
        return int(self.order('reached ' + chip))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._connection:
            self._connection.close()
        shutil.rmtree(self.directory, ignore_errors=True)
