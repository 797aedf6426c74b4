# SPDX-License-Identifier: Apache-2.0
"""hub-peer (tests/system/hub-peer.c): the Hub with nobody above it.

    with HubPeer(device.connection_string, '127.0.0.1:%d' % devhub.port, devhub.ca_file) as peer:
        peer.await_link('connected')
        peer.tell('send 10')
        peer.await_delivered(10)
"""

import os
import pathlib
import queue
import time

from peer import Peer

PROGRAM = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build')) / 'tests/system/hub-peer'


def peer_of(devhub, device, **kwargs):
    """As the device of that devhub, unless told otherwise."""
    connection_string = kwargs.pop('connection_string', device.connection_string)
    address = kwargs.pop('address', '127.0.0.1:%d' % devhub.port)
    return HubPeer(connection_string, address, kwargs.pop('ca_file', devhub.ca_file), **kwargs)


class HubPeer(Peer):
    def __init__(self, connection_string, address, ca_file, token_life=3600, within=list, orders=None):
        """within: makes the command line that runs a command elsewhere; orders: 'all' or 'no-messages'."""
        super().__init__(within([PROGRAM, connection_string, address, ca_file or '-', str(token_life)] +
                                ([orders] if orders else [])))
        self.seen = []   # everything, in order

    def tell(self, command):
        self.say(command)

    def await_that(self, condition, within=30):
        """The first line from now on that fulfils the condition."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError('not within %d s; seen: %s' % (within, self.seen[-5:])) from None
            self.seen.append(line)
            if condition(line):
                return line

    def await_link(self, state, reason=None, within=30):
        return self.await_that(lambda line: line.get('link') == state and reason in (None, line['reason']), within)

    def await_delivered(self, total, within=30):
        """Until so many were delivered since the beginning."""
        count = sum('delivered' in line for line in self.seen)
        while count < total:
            self.await_that(lambda line: 'delivered' in line, within)
            count += 1

    def quit(self):
        """Its exit status and how long it took."""
        begun = time.monotonic()
        if self.process.poll() is None:
            try:
                self.tell('quit')
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        code = self.process.wait(10)
        for reader in self.readers:
            reader.join()
        return code, time.monotonic() - begun

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
