# SPDX-License-Identifier: Apache-2.0
"""bus-peer (tests/system/bus-peer.c): the Bus with nobody behind it, and both ends of its talk.

    peer = BusPeer(bus.address)
    peer.tell('link connected none')
    assert peer.quit() == 0

    from bus_peer import bus, peer   # two fixtures: a bus of its own, and the peer on it
"""

import pytest

from bus import BUILD, PrivateBus
from peer import Peer
from processor import cpu_seconds


class BusPeer(Peer):
    """The test program, and both ends of its talk."""

    def __init__(self, address):
        super().__init__([BUILD / 'tests/system/bus-peer', address])

    def tell(self, command):
        """Returns once it is done, with what was asked meanwhile."""
        asked = []
        self.say(command)
        while True:
            line = self.lines.get(timeout=10)
            if line.get('did') == command:
                return asked
            asked.append(line)

    def asked(self):
        """What local services asked since the last question."""
        return self.tell('change')

    def quit(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write('quit\n')
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        code = self.process.wait(10)
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)


@pytest.fixture
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def peer(bus):
    peer = BusPeer(bus.address)
    bus.wait_for_name()
    yield peer
    assert peer.quit() == 0, peer.log
