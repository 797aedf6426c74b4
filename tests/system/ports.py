# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that a test stops and starts again.

    port = free_port()
    port = free_port(socket.SOCK_DGRAM)

Each is given out once. None is of those that the kernel gives to whoever connects: such a one may be a client's when
the server comes back.
"""

import itertools
import os
import socket

FIRST, END = 10000, 30000
# Where tests share a network (run-pytest without --own-network), two that begin together draw from different places.
_drawn = itertools.count(os.getpid() * 64)


def free_port(kind=socket.SOCK_STREAM):
    """That nobody has on the loopback now, and that nobody was given before."""
    for number in _drawn:
        port = FIRST + number % (END - FIRST)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port
