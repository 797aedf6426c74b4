# SPDX-License-Identifier: Apache-2.0
"""Peer: a test program of ours that takes commands by line and answers by lines of JSON."""

import json
import queue
import subprocess
import threading


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

    def say(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
