# SPDX-License-Identifier: Apache-2.0
"""Namespace: a network with nothing in it but a loopback device, and a hosts file of its own.

What runs within may listen on the real port numbers and be found by any name, and the machine stays untouched.
"""

import os
import pathlib
import subprocess

PRIVATE_ROOT = pathlib.Path(__file__).parent / 'private-root'


class Namespace:
    """Lives until close(), or until the test that made it dies."""

    def __init__(self, folder, names):
        hosts = folder / 'hosts'
        hosts.write_text('127.0.0.1 localhost %s\n' % ' '.join(names))
        self.holder = subprocess.Popen(
            [PRIVATE_ROOT, '--net', '--', 'sh', '-ec',
             'ip link set lo up; mount --bind "$1" /etc/hosts; echo ready; exec cat', 'sh', str(hosts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b'ready\n':
            self.close()
            raise RuntimeError('no namespace: unshare, ip or mount failed (are we root?)')

    def within(self, command):
        """The command line that runs the command inside."""
        return ['nsenter', '--target', str(self.holder.pid), '--net', '--mount', '--root',
                '--wdns=' + os.getcwd(), '--', *map(str, command)]

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)
