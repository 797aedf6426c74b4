# SPDX-License-Identifier: Apache-2.0
"""Whoever harms sockets, as processes of their own: python3 socket_abuser.py KIND TO... ; ends when its stdin does.

    nonsense ADDRESS N     malformed lines as fast as they go, over 8 connections: at least N
    flood ADDRESS N        good lines as fast as they go, in the same way
    slow ADDRESS           20 connections with a byte each 200 ms
    idle ADDRESS           500 connections that say nothing
    large ADDRESS          datagrams of 60,000 bytes

ADDRESS is a path, or HOST:PORT@OUR-HOST. What one is thrown out of it tries again. Each prints {"sent": ...} at its end.
"""

import itertools
import json
import selectors
import socket
import subprocess
import sys
import threading
import time

BAD = [b'rubbish', b'm f=', b'm f=nan', b'm f="open', b'1m f=1', b'm,a= f=1', b'm f=1 x', b'\xff\xfe f=1', b'm f=1e999',
       b'm t=1']


class Abuser:
    """with Abuser('slow', address) as abuser: ...; then abuser.sent"""

    def __init__(self, kind, *words, user=()):
        self.process = subprocess.Popen([*user, '/usr/bin/python3', __file__, kind, *map(str, words)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == 'begun\n'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate('', timeout=60)
        self.sent = json.loads(out)['sent']


def connect(address, kind=socket.SOCK_STREAM):
    if address.startswith('/'):
        s = socket.socket(socket.AF_UNIX, kind)
        to = address
    else:
        s = socket.socket(socket.AF_INET, kind)
        to, _, our = address.partition('@')
        s.bind((our, 0))
        to = (to.rpartition(':')[0], int(to.rpartition(':')[2]))
    s.settimeout(1)
    s.connect(to)
    return s


class Connections:
    """So many, whatever the other side thinks of it."""

    def __init__(self, address, n):
        self.address, self.slots = address, [None] * n

    def __iter__(self):
        return (self.get(i) for i in range(len(self.slots)))

    def get(self, i):
        """None: there is none at present."""
        if not self.slots[i]:
            try:
                self.slots[i] = connect(self.address)
                self.slots[i].setblocking(False)
            except OSError:
                self.slots[i] = None
        return self.slots[i]

    def send(self, i, data):
        """How much of it went."""
        s = self.get(i)
        try:
            return s.send(data) if s else 0
        except BlockingIOError:
            return 0
        except OSError:
            s.close()
            self.slots[i] = None
            return 0


def nonsense(over, address, n):
    return flat_out(over, address, n, b'\n'.join([b'\n'.join(BAD)] * 400) + b'\n')


def flood(over, address, n):
    return flat_out(over, address, n, b'flood n=1i\n' * 4000)


def flat_out(over, address, n, block):
    connections, rest, sent = Connections(address, 8), [block] * 8, 0
    for i in itertools.cycle(range(8)):
        if over.is_set() and sent >= int(n):
            break
        went = connections.send(i, rest[i])
        sent += rest[i][:went].count(b'\n')
        rest[i] = rest[i][went:] or block
        if went == 0 and i == 7:
            time.sleep(0.0005)
    return sent


def slow(over, address):
    connections, sent = Connections(address, 20), 0
    while not over.wait(0.2):
        sent += sum(connections.send(i, b'm') for i in range(20))
    return sent


def idle(over, address):
    connections, sent = Connections(address, 500), 0
    while not over.wait(0.5):
        for i, s in enumerate(connections):
            try:
                if s and s.recv(1) == b'':
                    raise ConnectionResetError
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                connections.slots[i] = None
                sent += 1
    return sent


def large(over, address):
    sent = 0
    with connect(address, socket.SOCK_DGRAM) as s:
        while not over.wait(0.002):
            s.send(b'x' * 60000)
            sent += 1
    return sent


def main():
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    print('begun', flush=True)
    sent = {f.__name__: f for f in (nonsense, flood, slow, idle, large)}[sys.argv[1]](over, *sys.argv[2:])
    print(json.dumps({'sent': sent}))


if __name__ == '__main__':
    main()
