# SPDX-License-Identifier: Apache-2.0
"""RheaHub: the AMQP side of a hub that has nothing of ours in it (node/rhea-hub.js), in a network of its own.

    with RheaHub(folder) as hub:
        hub.do('event', partition='0', body='{}')
        seen = hub.saw('token')              # waits for the next one; a dict
"""

import base64
import json
import os
import queue
import subprocess
import threading

import sdk
from namespace import Namespace

HOST = 'hub-17.example.net'
EVENTS_HOST = 'ns-17.example.net'
ENTITY = 'iothub-ehub-hub-17-1'
POLICY = 'service'
KEY = base64.b64encode(b'k' * 32).decode()


class RheaHub:
    def __init__(self, folder, refuse=None):
        self.directory = folder
        self.certify()
        self.namespace = Namespace(folder, [HOST, EVENTS_HOST])
        self.within = self.namespace.within
        self.said = queue.Queue()
        self.unseen = []  # said, and not asked for yet
        config = {'host': HOST, 'events_host': EVENTS_HOST, 'entity': ENTITY, 'policy': POLICY, 'policy_key': KEY,
                  'cert': str(folder / 'server.pem'), 'key': str(folder / 'server.key'), 'refuse': refuse or {}}
        self.process = subprocess.Popen(
            self.within([sdk.NODE, sdk.PROGRAMS / 'rhea-hub.js']), text=True,
            env=dict(os.environ, NODE_PATH=str(sdk.PACKAGES), RHEA_HUB=json.dumps(config)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.saw('listening')

    def certify(self):
        """An authority and a certificate for both names, by openssl."""
        names = self.directory / 'names'
        names.write_text('subjectAltName=DNS:%s,DNS:%s\n' % (HOST, EVENTS_HOST))
        for command in (
                'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem',
                'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=%s -keyout server.key -out server.csr' % HOST,
                'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem'):
            subprocess.run(['openssl', *command.split()], cwd=self.directory, check=True, capture_output=True)

    @property
    def ca_file(self):
        return str(self.directory / 'ca.pem')

    @property
    def connection_string(self):
        return 'HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s' % (HOST, POLICY, KEY)

    def _read(self):
        for line in self.process.stdout:
            self.said.put(json.loads(line))
        self.said.put(None)

    def do(self, order, **more):
        self.process.stdin.write(json.dumps(dict(more, do=order)) + '\n')
        self.process.stdin.flush()

    def saw(self, what, within=20):
        """The next of this kind that was not asked for yet."""
        for said in self.unseen:
            if said['saw'] == what:
                self.unseen.remove(said)
                return said
        while True:
            said = self.said.get(timeout=within)
            assert said is not None, 'the hub ended (%s)' % self.process.wait(10)
            if said['saw'] == what:
                return said
            self.unseen.append(said)

    def forget(self):
        """What was seen so far."""
        self.unseen.clear()
        while not self.said.empty():
            self.said.get()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.namespace.close()
