# SPDX-License-Identifier: Apache-2.0
"""What the service manager hears of a reload, whether the settings were good or not. And one that does not read what it is
told: the daemon goes on, and the manager hears what it has to when it reads again."""

import signal
import time

from gateway_twin import devhub, facts, gateway, until  # noqa: F401


def reload_words(gateway):
    """As a manager has to hear them for Type=notify-reload: begun, at a time not before the signal, and over."""
    gateway.hear(0)
    del gateway.notified[:]
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    gateway.send_signal(signal.SIGHUP)
    until(lambda: gateway.hear(0.1) or 'READY=1' in gateway.notified)
    words = [word for word in gateway.notified if word.split('=')[0] in ('RELOADING', 'MONOTONIC_USEC', 'READY')]
    assert words[0] == 'RELOADING=1' and words[2:] == ['READY=1'], words
    name, usec = words[1].split('=')
    assert name == 'MONOTONIC_USEC' and before <= int(usec) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_reload_is_told_from_its_begin_to_its_end(gateway):
    for _ in range(3):
        reload_words(gateway)
    # one that fails is over all the same: else the manager would wait until it gives up
    gateway.configure('hub: { windw = 4; };', 'conf.d/zz.conf')
    reload_words(gateway)
    assert 'those in effect stay' in gateway.log()
    (gateway.directory / 'conf.d/zz.conf').unlink()
    reload_words(gateway)


def test_one_that_does_not_read_holds_nothing_up(gateway):
    reloads = 'The settings were read again'
    for i in range(40):  # two words each: more than its socket has room for
        gateway.send_signal(signal.SIGHUP)
        until(lambda: len(gateway.lines(reloads)) > i)
    began = time.monotonic()
    assert facts(gateway)['Known']
    assert time.monotonic() - began < 10
    del gateway.notified[:]
    until(lambda: gateway.hear(0.1) or 'READY=1' in gateway.notified[-40:])
    # the last reload is told to its end
    time.sleep(1.5)
    gateway.hear(0)
    words = [word for word in gateway.notified if word in ('RELOADING=1', 'READY=1')]
    assert words[-1] == 'READY=1' and 2 < len(words) < 80
