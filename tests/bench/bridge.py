# SPDX-License-Identifier: Apache-2.0
"""The mosquitto bridge: a local broker that takes messages in and passes them on to the hub, from memory.

    with Bridge(folder, device, hub) as bridge:     # the hub is stopped
        bridge.fill(samples, size)                  # returns when it has acknowledged them all
        hub.start()
        ... until the hub has them ...
"""

import os
import pathlib
import shutil
import socket
import subprocess
import time

import mqtt

PROGRAM = shutil.which('mosquitto', path='/usr/sbin:/usr/bin:/usr/local/sbin')

CONFIG = '''
listener %(port)d 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_inflight_messages 20
connection hub
address localhost:%(hub_port)d
bridge_protocol_version mqttv311
bridge_cafile %(ca_file)s
try_private false
notifications false
cleansession false
remote_clientid %(client_id)s
remote_username %(username)s
remote_password %(password)s
restart_timeout 1 1
topic n=1 out 1 "" devices/%(client_id)s/messages/events/
'''
TOPIC = 'n=1'   # behind the hub's prefix it is a property bag
AT_ONCE = 1000  # messages


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Bridge:
    def __init__(self, folder, device, hub, run):
        """run: how a program is started (pinned)."""
        self.folder, self.port, self.run = pathlib.Path(folder), free_port(), run
        config = CONFIG % {'port': self.port, 'hub_port': hub.port, 'ca_file': hub.ca_file,
                           'client_id': device.client_id, 'username': device.username(), 'password': device.token()}
        self.config = self.folder / 'bridge.conf'
        self.config.touch(mode=0o600)
        self.config.write_text(config + 'user root\n')

    def __enter__(self):
        with open(self.folder / 'bridge.log', 'ab') as log:
            self.process = subprocess.Popen(self.run([PROGRAM, '-c', self.config]), stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port)).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, \
                    (self.folder / 'bridge.log').read_text()
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self):
        words = pathlib.Path('/proc/%d/stat' % self.process.pid).read_text().rsplit(')', 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')

    def fill(self, samples, size):
        body = b'x' * size
        batch = b''.join(mqtt.publish(TOPIC, body, ident=1 + n) for n in range(AT_ONCE))
        with socket.create_connection(('127.0.0.1', self.port)) as s:
            answers = s.makefile('rb')
            s.sendall(mqtt.connect('bench'))
            answers.read(4)
            for _ in range(samples // AT_ONCE):
                s.sendall(batch)
                answers.read(4 * AT_ONCE)
