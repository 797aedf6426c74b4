# SPDX-License-Identifier: Apache-2.0
"""ScriptedHub: the AMQP side of a hub, on Proton's Python, that does what a test says.

    with ScriptedHub(folder) as hub:
        hub.refuse['/messages/devicebound'] = ('amqp:unauthorized-access', 'no', {})
        Explorer(hub.directory).run(...)        # it has the endpoints.json of a devhub

It is the hub (HOST) and its Event Hubs namespace (EVENTS_HOST) on one port. What it saw is in .seen.
"""

import json
import pathlib
import queue
import socket
import subprocess
import tempfile
import threading
import time

from proton import Array, Condition, Data, Message, SSLDomain, UNDESCRIBED, int32, symbol, timestamp
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, Container, EventInjector

HOST = 'hub.example.net'
EVENTS_HOST = 'localhost'
KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='


def make_authority(folder, names):
    """An authority and a certificate, by openssl."""
    (folder / 'names').write_text('subjectAltName=' + ','.join('DNS:' + name for name in names) + '\n')
    key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    for command in ('req -x509 %s -days 2 -subj /CN=authority -keyout ca.key -out ca.pem' % key,
                    'req %s -subj /CN=%s -keyout server.key -out server.csr' % (key, names[0]),
                    'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names '
                    '-out server.pem'):
        subprocess.run(['openssl', *command.split()], cwd=folder, check=True, capture_output=True)


made = {}  # names and turn -> the files' contents


def certify(folder, names, turn=0):
    """ca.pem, server.pem and server.key; those of another turn are of another authority."""
    files = ('ca.pem', 'server.pem', 'server.key')
    if (*names, turn) not in made:
        with tempfile.TemporaryDirectory() as workshop:
            make_authority(pathlib.Path(workshop), names)
            made[(*names, turn)] = [(pathlib.Path(workshop) / name).read_bytes() for name in files]
    for name, content in zip(files, made[(*names, turn)]):
        (folder / name).write_bytes(content)


def write_endpoints(folder, port, host=HOST):
    """As a devhub does."""
    (folder / 'endpoints.json').write_text(json.dumps({
        'host': host, 'listen': '127.0.0.1', 'https_port': 1, 'amqps_port': port, 'ca_file': str(folder / 'ca.pem'),
        'owner_connection_string': 'HostName=%s;SharedAccessKeyName=iothubowner;SharedAccessKey=%s' % (host, KEY)}))


class ScriptedHub(MessagingHandler):
    def __init__(self, folder):
        super().__init__(prefetch=50, auto_accept=False)
        self.directory = folder
        certify(folder, [HOST, EVENTS_HOST])
        # the script
        self.redirect = 'amqps://%s:{port}/entity/$management' % EVENTS_HOST
        self.redirect_info = {}  # beside the address
        self.token_status = {}   # host -> (number, text); number 0: no answer
        self.refuse = {}         # a link's address -> (condition, description, info)
        self.reject = None       # a message to a device: (condition, description)
        self.idle_timeout = None # seconds of silence after which it closes
        self.partitions = ['0', '1']
        self.as_list = False     # the partitions' ids
        self.events = []         # (partition, Message), sent to whoever reads from before them
        # what came of it
        self.seen = queue.Queue()
        self.beginning = {}      # a link's name -> partition, where it begins
        self.readers = {}        # partition -> sender
        self.filters = []
        self.connections = set()
        self.replies = {}
        self.port = 0
        self.ready = threading.Event()
        self.injector = EventInjector()
        self.thread = threading.Thread(target=self._run, daemon=True)

    # --- life ---

    def _run(self):
        self.container = Container(self)
        self.container.run()

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(20)
        write_endpoints(self.directory, self.port)
        return self

    def __exit__(self, *_):
        self.do(self.container.stop)
        self.thread.join(20)
        self.injector.close()

    def on_start(self, event):
        domain = SSLDomain(SSLDomain.MODE_SERVER)
        domain.set_credentials(str(self.directory / 'server.pem'), str(self.directory / 'server.key'), None)
        event.container.selectable(self.injector)
        acceptor = event.container.listen('amqps://127.0.0.1:0', ssl_domain=domain)
        self.port = acceptor._selectable._delegate.getsockname()[1]
        self.ready.set()

    def do(self, what):
        """In the server's own thread."""
        done = threading.Event()

        def run():
            what()
            done.set()
        order = ApplicationEvent('order', subject=run)
        self.injector.trigger(order)
        return done

    def on_order(self, event):
        event.subject()

    # --- orders ---

    def event(self, partition, n, body=b'1'):
        message = Message(body=body, inferred=True, annotations={
            symbol('x-opt-sequence-number'): n, symbol('x-opt-offset'): str(n * 10),
            symbol('x-opt-enqueued-time'): timestamp(1767225600000 + n),
            symbol('iothub-connection-device-id'): 'd1'})

        def order():
            self.events.append((partition, n * 10, message))
            if partition in self.readers:
                self.readers[partition].send(message)
        self.do(order)

    def detach(self, partition, condition, description=''):
        deadline = time.monotonic() + 20
        while partition not in self.readers:  # it attaches first, and gives credit then
            assert time.monotonic() < deadline
            time.sleep(0.01)

        def order():
            link = self.readers.pop(partition)
            link.condition = Condition(condition, description)
            link.close()
        self.do(order)

    def cut(self):
        """Without a word."""
        def order():
            self.readers.clear()
            for connection in self._living():
                connection.transport._selectable._delegate.shutdown(socket.SHUT_RDWR)
        self.do(order)

    def close(self, condition, description=''):
        """With a word."""
        def order():
            self.readers.clear()
            for connection in self._living():
                connection.condition = Condition(condition, description)
                connection.close()
        self.do(order)

    def _living(self):
        living = [c for c in self.connections if c.transport]
        self.connections.clear()
        return living

    # --- links ---

    def on_connection_bound(self, event):
        if self.idle_timeout:
            event.transport.idle_timeout = self.idle_timeout

    def on_connection_opening(self, event):
        self.connections.add(event.connection)
        self.seen.put(('connection', event.connection.remote_hostname))

    def on_link_opening(self, event):
        link = event.link
        address = link.remote_source.address if link.is_sender else link.remote_target.address
        self.seen.put(('link', address))
        if address in self.refuse:
            self._end(link, *self.refuse[address])
        elif address == '/messages/events':
            info = {symbol('address'): self.redirect.format(port=self.port)} if self.redirect else {}
            info.update({symbol(k): v for k, v in self.redirect_info.items()})
            link.source.copy(link.remote_source)  # as the real one, who attaches and then detaches
            self._end(link, 'amqp:link:redirect', 'there', info)
        else:
            link.source.copy(link.remote_source)
            link.target.copy(link.remote_target)
            link.open()
            if link.is_sender:
                self._open_sender(link, address)

    def _end(self, link, condition, description, info):
        """After the handler, who opens what is opening, has done that."""
        def order():
            link.condition = Condition(condition, description, info or None)
            link.close()
        self.do(order)

    def _open_sender(self, link, address):
        self.replies[link.remote_target.address] = link
        if '/Partitions/' not in address:
            return
        partition = address.rsplit('/', 1)[1]
        text = self._filter(link)
        self.filters.append((partition, text))
        self.beginning[link.name] = partition, text.split("'")[1]

    @staticmethod
    def _filter(link):
        data = link.remote_source.filter
        data.rewind()
        data.next()
        return list(data.get_dict().values())[0].value

    def on_sendable(self, event):
        """The first credit: those who wait for events get what is behind their filter."""
        if event.link.name not in self.beginning:
            return
        partition, limit = self.beginning.pop(event.link.name)
        self.readers[partition] = event.link
        for of, offset, message in self.events:
            if of == partition and limit != '@latest' and offset > int(limit):
                event.link.send(message)

    # --- messages ---

    def on_message(self, event):
        address = event.link.remote_target.address
        if address == '/messages/devicebound':
            self.seen.put(('message', event.message))
            self._judge(event.delivery)
            return
        self.accept(event.delivery)
        if address == '$cbs':
            self._take_token(event)
        else:
            self._manage(event.message)

    def _judge(self, delivery):
        if self.reject:
            delivery.local.condition = Condition(*self.reject)
            delivery.update(delivery.REJECTED)
            delivery.settle()
        else:
            self.accept(delivery)

    def _answer(self, question, status, description, body):
        self.replies[question.reply_to].send(Message(
            correlation_id=question.id, body=body,
            properties={'status-code': int32(status), 'status-description': description}))

    def _take_token(self, event):
        host = event.connection.remote_hostname
        self.seen.put(('token', (host, event.message.properties['name'], event.message.body)))
        status, description = self.token_status.get(host, (200, 'OK'))
        if status:
            self._answer(event.message, status, description, None)

    def _manage(self, question):
        properties = question.properties
        if properties['type'] == 'com.microsoft:eventhub':
            ids = list(self.partitions) if self.as_list else self._array()
            body = {'name': properties['name'], 'partition_count': int32(len(self.partitions)), 'partition_ids': ids}
        else:
            last = max([offset for p, offset, _ in self.events if p == properties['partition']], default=-10)
            body = {'last_enqueued_sequence_number': last // 10, 'last_enqueued_offset': str(last)}
        self._answer(question, 200, 'OK', body)

    def _array(self):
        return Array(UNDESCRIBED, Data.STRING, *self.partitions)

    def saw(self, what, within=20):
        """The next of this kind; forgets what came before it."""
        while True:
            kind, value = self.seen.get(timeout=within)
            if kind == what:
                return value
