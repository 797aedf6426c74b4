# SPDX-License-Identifier: Apache-2.0
"""bus-peer (tests/system/bus-peer.c): the Bus with nobody behind it, and both ends of its talk.

    peer = BusPeer(bus.address)
    peer.tell('link connected none')
    assert peer.quit() == 0
"""

import json
import os
import queue
import subprocess
import threading

from bus import BUILD


class BusPeer:
    """The test program, and both ends of its talk."""

    def __init__(self, address):
        self.process = subprocess.Popen([BUILD / 'tests/system/bus-peer', address], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.log = []
        self.readers = [threading.Thread(target=self.read_output), threading.Thread(target=self.read_log)]
        for reader in self.readers:
            reader.start()

    def read_output(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip())

    def tell(self, command):
        """Returns once it is done, with what was asked meanwhile."""
        asked = []
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
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
        fields = open('/proc/%d/stat' % self.process.pid).read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
