# SPDX-License-Identifier: Apache-2.0
"""hublinkd is killed while messages from the cloud are under way: none is lost, and none that somebody may have had is
handed out as new.

HUBLINK_KILLS: how often (20; the campaign asks for 200). HUBLINK_SEED: to repeat a run; it is printed. The points take
turns: after the hub handed a message over, while it is stored, after the PUBACK, while one is taken, once it is, while
it is completed, once it is.
"""

import os
import random
import sys
import threading
import time

import dbus

from bus import PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from inbox import Taker, listed

KILLS = int(os.environ.get('HUBLINK_KILLS', '20'))
SEED = int(os.environ.get('HUBLINK_SEED', random.randrange(1 << 32)))

SETTINGS = '''
hub: { backoff: { first = "100ms"; max = "1s"; }; };
queue: { directory = "%s"; };
'''


class Story:
    """What was promised to whom."""

    def __init__(self):
        self.sent, self.asked, self.taken, self.completing, self.completed = [], set(), set(), set(), set()

    def check(self, message):
        name = str(message.message_id)
        assert name not in self.completed, '%s comes back' % name
        if name in self.taken:
            assert message.times_taken > 0, '%s was taken, and is handed out as new' % name
        if message.times_taken > 0:
            assert name in self.asked, '%s was never asked for' % name

    def open(self):
        """Those that must be there in the end; those in `completing` may be."""
        return set(self.sent) - self.completed - self.completing


def send(cloud, story):
    name = 'order-%d' % (len(story.sent) + 1)
    cloud.send('gw-1', name.encode(), id=name)
    story.sent.append(name)


def take(taker, story):
    """As a service does that may die with the daemon at any moment."""
    names = {m.id: str(m.message_id) for m in taker.list() if not m.taker}
    for number in sorted(names)[:1]:
        story.asked.add(names[number])
        message = taker.take(number)
        story.check(message)
        story.taken.add(names[number])
        return message
    return None


def complete(taker, message, story):
    name = str(message.message_id)
    story.completing.add(name)
    taker.complete(message.id)
    story.completed.add(name)


def work(bus, story, over):
    """Takes and completes until the daemon is gone."""
    try:
        taker = Taker(bus)
        while not over.is_set():
            message = take(taker, story)
            if not message:
                time.sleep(0.005)
            elif random.random() < 0.7:
                complete(taker, message, story)
    except dbus.DBusException as e:
        assert e.get_dbus_name().split('.')[-1] in (
            'NoReply', 'ServiceUnknown', 'NameHasNoOwner', 'Disconnected', 'NoSuchMessage', 'Busy'), e


def look(bus, story, seconds=20):
    """After a start: the inbox, as soon as it can be read."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            messages = listed(bus)
        except dbus.DBusException:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            continue
        for message in messages:
            story.check(message)
        names = [str(m.message_id) for m in messages]
        assert len(names) == len(set(names)), names
        return set(names)


def one_kill(daemon, cloud, story):
    over, failures = threading.Event(), []

    def run():
        try:
            work(daemon.bus, story, over)
        except AssertionError as e:
            failures.append(e)

    service = threading.Thread(target=run)
    service.start()
    for _ in range(3):
        send(cloud, story)
        time.sleep(random.choice((0, 0, 0.01, 0.05)))
    time.sleep(random.uniform(0, 0.4))
    daemon.kill()
    over.set()
    service.join(30)
    assert not failures, failures[0]
    daemon.start()
    look(daemon.bus, story)


def drain(daemon, story):
    """In the end everything that was sent has been completed once. Each takes two commits."""
    deadline = time.monotonic() + 40 + len(story.open())
    taker = Taker(daemon.bus)
    while story.open() or listed(daemon.bus):
        assert time.monotonic() < deadline, (story.open(), listed(daemon.bus))
        message = take(taker, story)
        if message:
            complete(taker, message, story)
        else:
            time.sleep(0.05)


def test_kills(tmp_path, devhub):  # noqa: F811
    print('seed %d, %d kills' % (SEED, KILLS), file=sys.stderr)
    random.seed(SEED)
    story = Story()
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon, Cloud(devhub) as cloud:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'))
        daemon.start()
        daemon.wait_for_link('connected')
        look(bus, story)
        for _ in range(KILLS):
            one_kill(daemon, cloud, story)
        drain(daemon, story)
        assert story.completing >= story.completed
        print('%d messages, %d taken, %d completed' % (len(story.sent), len(story.taken), len(story.completed)),
              file=sys.stderr)
