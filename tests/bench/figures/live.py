# SPDX-License-Identifier: Apache-2.0
"""From the sample to the hub's acknowledgement, over TLS.

  publisher  libmosquitto, one sample a message, QoS 1, window 20, nothing stored
  paho       MQTTAsync with its file persistence, which never syncs; one sample a message, window 20
  one        hublink's queue, uplink and hub: every sample on disk first, one sample a message
  packed     the same, packed toward 4 KiB
  hublinkd   the daemon as it is installed: its memory at 2,000 readings a second, its wake-ups with nothing to do
"""

import gateway
from figures.bed import CPU, PSS, RATE, credential, three_lines
from figures.goal import Goal, ratio, value

WAKEUPS = 'wake-ups/s'

GOALS = [
    Goal('G1', 'CPU per sample, one a message, against the publisher that stores nothing', '<=', 1.15,
         ratio(CPU, 'one', 'publisher')),
    Goal('G2', 'samples/s, one a message, against Paho with file persistence', '>=', 5, ratio(RATE, 'one', 'paho')),
    Goal('G2', 'CPU per sample, one a message, against the same', '<=', 0.125, ratio(CPU, 'one', 'paho')),
    Goal('G3', 'CPU per sample, packed, against the publisher', '<=', 0.125, ratio(CPU, 'packed', 'publisher')),
    Goal('G7', 'PSS of hublinkd in MiB, 2,000 readings a second, TLS up', '<=', 8, value(PSS, 'hublinkd'), fixed=True),
    Goal('G14', 'wake-ups a second of hublinkd, connected and idle', '<=', 1, value(WAKEUPS, 'hublinkd, idle'),
         fixed=True),
    Goal('G14', 'wake-ups a second of hublinkd, hub away', '<=', 1, value(WAKEUPS, 'hublinkd, hub away'), fixed=True),
]


class Part:
    ROUNDS_OF_WARMTH = 1

    def __init__(self, bed):
        self.bed = bed

    def play(self):
        samples = self.bed.options.samples
        with self.bed.hub() as hub:
            def login(name):
                return credential(hub.directory, hub.create(name))
            address = '127.0.0.1:%d' % hub.port
            results = {'publisher': self.bed.run('publisher', login('publisher'), hub.ca_file, 'localhost', hub.port,
                                                 samples)}
            if self.bed.has('paho'):
                results['paho'] = self.bed.run('paho', self.bed.folder('paho'),
                                               three_lines(hub.directory, hub.create('paho')),
                                               hub.ca_file, 'localhost', hub.port, samples // 5)
            for shape, times in (('one', 1), ('packed', 4)):
                results[shape] = self.bed.run('road', shape, self.bed.folder(shape), login(shape), hub.ca_file, address,
                                              samples * times)
            results['hublinkd'] = {PSS: gateway.memory_under_load(hub, self.bed.volume.path)}
            idle, away = gateway.wakeups_at_rest(hub, self.bed.volume.path)
            results['hublinkd, idle'] = {WAKEUPS: idle}
            results['hublinkd, hub away'] = {WAKEUPS: away}
        return results
