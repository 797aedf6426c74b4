# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub is killed while messages are under way: what was accepted arrives, and its sender hears of it."""

import json
import random
import threading

import mqtt
from c2d import Arrived, acknowledge, arrived, c2d_filter
from cloud import Cloud, Rejected
from devhub import Devhub

KILLS = 6
BETWEEN = 0.7  # seconds


class Party(threading.Thread):
    """Does its part again and again, over new connections when the old one is lost."""

    def __init__(self, over, part):
        super().__init__(daemon=True)
        self.over, self.part = over, part
        self.failure = None
        self.start()

    def run(self):
        while not self.over.is_set():
            try:
                self.part()
            except AssertionError as e:
                if 'CONNACK' not in str(e):
                    self.failure = e
            except Exception:  # whatever a client makes of a hub that is gone
                self.over.wait(0.05)


def subscribe(client, device):
    """What came before the answer: a kept session is served at once."""
    early = []
    client.send(mqtt.subscribe(1, c2d_filter(device)))
    while (packet := client.receive())[0] != mqtt.SUBACK:
        early.append(Arrived(packet))
    return early


class Ledger:
    def __init__(self):
        self.sent, self.accepted, self.arrived, self.told = 0, set(), set(), []

    def send(self, cloud):
        self.sent += 1
        name = str(self.sent)
        try:
            cloud.send('d1', name.encode(), id=name, ack='full')
        except Rejected as e:
            assert e.condition == 'amqp:resource-limit-exceeded'
        else:
            self.accepted.add(name)

    def receive(self, client, answers=1.0, timeout=1):
        self.take(client, arrived(client, timeout), answers)

    def take(self, client, message, answers):
        self.arrived.add(message.body.decode())
        if random.random() < answers:
            acknowledge(client, message)

    def hear(self, cloud, timeout=1):
        self.told += [record['originalMessageId'] for record in json.loads(bytes(cloud.batch(timeout).body))]

    def is_settled(self):
        return self.accepted <= self.arrived and self.accepted <= set(self.told)


def test_kills_lose_no_message_and_no_feedback(tmp_path):
    hub = Devhub(tmp_path / 'hub').start('--virtual-clock')
    device, ledger, over = hub.create('d1'), Ledger(), threading.Event()

    def send():
        with Cloud(hub) as cloud:
            while not over.wait(0.002):
                ledger.send(cloud)

    def receive():
        with hub.client(device, clean=False) as client:
            for message in subscribe(client, device):
                ledger.take(client, message, answers=0.9)
            while not over.is_set():
                ledger.receive(client, answers=0.9)

    def hear():
        with Cloud(hub) as cloud:
            while not over.is_set():
                ledger.hear(cloud)

    with hub:
        parties = [Party(over, part) for part in (send, receive, hear)]
        for _ in range(KILLS):
            over.wait(BETWEEN)
            hub.kill()
            hub.start('--virtual-clock')
        over.wait(BETWEEN)
        over.set()
        for party in parties:
            party.join(30)
            assert not party.is_alive() and not party.failure, party.failure
        assert len(ledger.accepted) > KILLS
        # what is left: locks end, batches close
        with hub.client(device) as client, Cloud(hub) as cloud:
            client.subscribe(c2d_filter(device))
            for _ in range(20):
                try:
                    while True:
                        ledger.receive(client, timeout=0.2)
                except TimeoutError:
                    pass
                hub.run('clock', 'advance', '1min')
                try:
                    while not ledger.is_settled():
                        ledger.hear(cloud, timeout=0.5)
                except Exception as e:  # Proton's Timeout
                    assert type(e).__name__ == 'Timeout', e
                if ledger.is_settled():
                    break
    assert ledger.accepted <= ledger.arrived
    assert ledger.accepted <= set(ledger.told)
    assert {int(name) for name in ledger.arrived} <= set(range(1, ledger.sent + 1))
