# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that a test stops and starts again.

    port = free_port()
    port = free_port(socket.SOCK_DGRAM)

Not of those that the kernel gives to whoever connects: such a one may be another test's when the server comes back.
"""

import pathlib
import random
import socket

OF_THE_KERNEL = pathlib.Path('/proc/sys/net/ipv4/ip_local_port_range')


def free_port(kind=socket.SOCK_STREAM):
    """That nobody has on the loopback now."""
    first = int(OF_THE_KERNEL.read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, max(first, 20000))
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port
