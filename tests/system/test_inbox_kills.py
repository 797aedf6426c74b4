# SPDX-License-Identifier: Apache-2.0
"""hublinkd is killed while messages from the cloud are under way: none is lost, and none that somebody may have had is
handed out as new.

HUBLINK_KILLS: how often (27; the campaign asks for 200). HUBLINK_SEED: to repeat a run; it is printed. The points take
turns, each with more messages under way than the one that it is about:

    sent        on the wire, and nobody has read it
    stored      on the disk, and the PUBACK does not arrive
    confirmed   the hub has heard that it is stored
    handed out  somebody has it, and the PUBACK does not arrive
    taken       somebody has it
    completing  somebody is done with it, and the answer to that is not there yet
    forgotten   somebody is done with it, and the PUBACK does not arrive
    completed   somebody is done with it
    any         whatever it is that moment

After each kill the hub delivers again what it heard nothing of. That is recognised: it is there once, with its mark.
In every second round the messages have no id, but a property that tells us which is which. What comes again of those is
there once more, and marked.
"""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter

import dbus

from bus import INBOX, NAME, PATH, PrivateBus
from cloud import Cloud
from daemon import Daemon
from devhub import devhub  # noqa: F401 (the fixture)
from https import Service
from inbox import Taker, listed
from one_way import OneWay
from seed import SEED

KILLS = int(os.environ.get('HUBLINK_KILLS', '27'))

SETTINGS = '''
hub: { backoff: { first = "100ms"; max = "1s"; }; };
queue: { directory = "%s"; };
'''


def is_nameless(message):
    return not message.message_id


def name_of(message):
    return str(message.message_id or message.properties['which'])


class Story:
    """What was promised to whom."""

    def __init__(self):
        self.sent, self.asked, self.taken, self.completing, self.completed = [], set(), set(), set(), set()
        self.nameless = False  # those that are sent now

    def check(self, message):
        name = name_of(message)
        assert is_nameless(message) or name not in self.completed, '%s comes back' % name
        if name in self.taken:
            assert message.times_taken > 0, '%s was taken, and is handed out as new' % name
        if message.times_taken > 0 and not is_nameless(message):
            assert name in self.asked, '%s was never asked for' % name

    def open(self):
        """Those that must be there in the end; those in `completing` may be."""
        return set(self.sent) - self.completed - self.completing


def send(cloud, story):
    name = 'order-%d' % (len(story.sent) + 1)
    if story.nameless:
        cloud.send('gw-1', name.encode(), properties={'which': name})
    else:
        cloud.send('gw-1', name.encode(), id=name)
    story.sent.append(name)


def take(taker, story):
    """As a service does that may die with the daemon at any moment."""
    names = {m.id: name_of(m) for m in taker.list() if not m.taker}
    for number in sorted(names)[:1]:
        story.asked.add(names[number])
        message = taker.take(number)
        story.check(message)
        story.taken.add(names[number])
        return message
    return None


def complete(taker, message, story):
    name = name_of(message)
    story.completing.add(name)
    taker.complete(message.id)
    story.completed.add(name)


def work(bus, story, over):
    """Takes and completes until the daemon is gone."""
    taker = Taker(bus)
    try:
        while not over.is_set():
            message = take(taker, story)
            if not message:
                time.sleep(0.005)
            elif random.random() < 0.7:
                complete(taker, message, story)
    except dbus.DBusException as e:
        assert e.get_dbus_name().split('.')[-1] in (
            'NoReply', 'ServiceUnknown', 'NameHasNoOwner', 'Disconnected', 'NoSuchMessage', 'Busy'), e
    finally:
        over.wait()  # for the kill: who leaves gives back
        taker.leave()


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
        new = [name_of(m) for m in messages if m.times_taken == 0]
        named = [name_of(m) for m in messages if not is_nameless(m)]
        assert len(named) == len(set(named)) and len(new) == len(set(new)), (named, new)
        return messages


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'nothing of it within %d s' % seconds
        time.sleep(0.01)


class Scene:
    """The daemon, the hub, and the wire between them."""

    def __init__(self, daemon, devhub, cloud, wire, story):  # noqa: F811
        self.daemon, self.cloud, self.wire, self.story = daemon, cloud, wire, story
        self.service = Service(devhub)
        self.redelivered, self.marked, self.points, self.takers = 0, 0, Counter(), []

    def kept_by_hub(self):
        return self.service.get('/devices/gw-1').json['cloudToDeviceMessageCount']

    def here(self, name):
        return next((m for m in listed(self.daemon.bus) if name_of(m) == name), None)

    def send(self, stored=True, confirmed=True):
        send(self.cloud, self.story)
        name = self.story.sent[-1]
        if stored:
            until(lambda: self.here(name))
        if confirmed:
            until(lambda: self.kept_by_hub() == 0)
        return name

    def take(self, name):
        """It, and no other."""
        taker = Taker(self.daemon.bus)
        self.takers.append(taker)  # who leaves before the kill gives back
        self.story.asked.add(name)
        message = taker.take(self.here(name).id)
        self.story.check(message)
        self.story.taken.add(name)
        return taker, message

    # --- the points; where the PUBACK does not arrive the hub has to deliver again ---

    def sent(self):
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.send(stored=False, confirmed=False)

    def stored(self):
        self.wire.swallow()
        self.send(confirmed=False)

    def confirmed(self):
        self.send()

    def handed_out(self):
        self.wire.swallow()
        self.take(self.send(confirmed=False))

    def taken(self):
        self.take(self.send())

    def completing(self):
        taker, message = self.take(self.send())
        self.story.completing.add(name_of(message))
        taker.connection.call_async(NAME, PATH, INBOX, 'Complete', 't', (message.id,), None, None)
        taker.connection.flush()
        time.sleep(random.choice((0, 0.001, 0.005, 0.01)))

    def forgotten(self):
        self.wire.swallow()
        taker, message = self.take(self.send(confirmed=False))
        complete(taker, message, self.story)

    def completed(self):
        taker, message = self.take(self.send())
        complete(taker, message, self.story)

    def any(self):
        over, failures = threading.Event(), []

        def run():
            try:
                work(self.daemon.bus, self.story, over)
            except AssertionError as e:
                failures.append(e)

        service = threading.Thread(target=run)
        service.start()
        for _ in range(3):
            send(self.cloud, self.story)
            time.sleep(random.choice((0, 0, 0.01, 0.05)))
        time.sleep(random.uniform(0, 0.4))
        self.kill()
        over.set()
        service.join(30)
        assert not failures, failures[0]

    def kill(self):
        if self.daemon.process:
            self.daemon.kill()
        while self.takers:
            self.takers.pop().leave()

    def one_kill(self, point):
        """To the point, over it, and to where all that the hub has is delivered again."""
        point(self)
        self.points[point.__name__] += 1
        self.kill()
        self.wire.restore()
        self.daemon.start()
        self.daemon.wait_for_link('connected')
        until(lambda: self.kept_by_hub() == 0)
        messages = look(self.daemon.bus, self.story)
        self.redelivered += int(self.daemon.properties(INBOX)['Redelivered'])
        if self.story.nameless and point.__name__ in UNHEARD:
            again = [m for m in messages if name_of(m) == self.story.sent[-1] and m.times_taken > 0]
            assert len(again) == (2 if point is Scene.handed_out else 1), (point, messages)
            self.marked += 1


POINTS = (Scene.sent, Scene.stored, Scene.confirmed, Scene.handed_out, Scene.taken, Scene.completing, Scene.forgotten,
          Scene.completed, Scene.any)
UNHEARD = ('stored', 'handed_out', 'forgotten')


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
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon, Cloud(devhub) as cloud, \
            OneWay(devhub.port) as wire:
        daemon.configure(SETTINGS % (daemon.directory / 'queue'))
        daemon.hub(devhub, devhub.create('gw-1'), address='127.0.0.1:%d' % wire.port)
        daemon.start()
        daemon.wait_for_link('connected')
        look(bus, story)
        scene = Scene(daemon, devhub, cloud, wire, story)
        for i in range(KILLS):
            story.nameless = i // len(POINTS) % 2 == 1
            scene.one_kill(POINTS[i % len(POINTS)])
        drain(daemon, story)
        assert story.completing >= story.completed
        unheard = sum(scene.points[name] for name in UNHEARD)
        assert scene.redelivered >= unheard - scene.marked, 'each of those came again, and was recognised'
        assert scene.marked >= KILLS // 2 // len(POINTS) * len(UNHEARD), 'or marked'
        assert min(scene.points[point.__name__] for point in POINTS) >= KILLS // len(POINTS)
        print('%d messages, %d taken, %d completed, of %d that went unheard %d recognised, %d without an id marked, %s' % (
            len(story.sent), len(story.taken), len(story.completed), unheard, scene.redelivered, scene.marked,
            dict(scene.points)),
              file=sys.stderr)
