# SPDX-License-Identifier: Apache-2.0
"""Peer: a test program of ours that takes commands by line and answers by lines of JSON."""

import json
import queue
import subprocess
import threading
import time


class Peer:
    def __init__(self, command):
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
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

    def logs(self, *words, seconds=15):
        """Waits for the first line of the log, and holds it against the words."""
        until = time.monotonic() + seconds
        while not self.log and time.monotonic() < until:
            time.sleep(0.01)
        return len(self.log) == 1 and all(word in self.log[0] for word in words)

    def say(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
