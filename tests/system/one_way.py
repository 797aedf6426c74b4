# SPDX-License-Identifier: Apache-2.0
"""A wire to the hub on which what the device writes can get lost, from a moment on, without its noticing.

    with OneWay(devhub.port) as wire:            # wire.port leads to the devhub
        wire.swallow()                           # nothing of the present connections arrives there any more
        wire.restore()                           # those to come are whole
"""

import selectors
import socket
import threading


class OneWay:
    def __init__(self, port):
        self.target = port
        self.server = socket.create_server(('127.0.0.1', 0))
        self.port = self.server.getsockname()[1]
        self.swallowing = False
        self.over, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self._run)

    def swallow(self):
        self.swallowing = True

    def restore(self):
        self.swallowing = False

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.waker.close()
        self.thread.join()
        self.server.close()

    def _accept(self, selector):
        device, _ = self.server.accept()
        hub = socket.create_connection(('127.0.0.1', self.target))
        selector.register(device, selectors.EVENT_READ, (hub, True))
        selector.register(hub, selectors.EVENT_READ, (device, False))

    def _pass_on(self, selector, source, to, is_up):
        try:
            data = source.recv(65536)
            if data and not (is_up and self.swallowing):
                to.sendall(data)
        except OSError:
            data = b''
        if not data:
            for end in (source, to):
                selector.unregister(end)
                end.close()

    def _run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.server, selectors.EVENT_READ, 'server')
            selector.register(self.over, selectors.EVENT_READ, 'over')
            while True:
                for key, _ in selector.select():
                    if key.data == 'over':
                        for other in list(selector.get_map().values()):
                            if isinstance(other.data, tuple):
                                other.fileobj.close()
                        self.over.close()
                        return
                    if key.data == 'server':
                        self._accept(selector)
                    elif key.fileobj.fileno() >= 0:
                        self._pass_on(selector, key.fileobj, *key.data)
