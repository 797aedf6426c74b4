# SPDX-License-Identifier: Apache-2.0
"""A gateway whose hub is gone: 20 sensors each second cost a hundredth of a processor, the log is quiet, and whoever looks is
told in words how it stands. A whole day of it, in virtual time: ../flow/test-day.c.

HUBLINK_OFFLINE_SECONDS: how long (20).
"""

import os
import re
import subprocess
import sys
import time

from bus import BUILD, PrivateBus
from daemon import Daemon
from devhub import Devhub
from processor import cpu_seconds

SECONDS = int(os.environ.get('HUBLINK_OFFLINE_SECONDS', '20'))
SENSORS = 20

SENSOR = 's%d: { driver = "file"; path = "/proc/loadavg"; interval = "1s"; channels: { one: { field = 1; }; five: { field = 2; }; }; };'
SETTINGS = 'sensors: { %s };\n' % ' '.join(SENSOR % i for i in range(SENSORS))


def first_line(bus):
    done = subprocess.run([BUILD / 'src/ctl/hublinkctl', '--bus', bus.address, 'status'], capture_output=True, text=True,
                          timeout=20, check=True)
    return done.stdout.splitlines()[0]


def test_a_hub_that_is_gone(tmp_path):
    with PrivateBus() as bus, Devhub(tmp_path / 'hub') as devhub, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS).hub(devhub, devhub.create('gw')).start()
        daemon.wait_for_link('connected')
        daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] > 0, 'traffic')
        devhub.stop()
        daemon.wait_for_link('waiting', 'refused')
        before, lines, began = cpu_seconds(daemon.process.pid), len(daemon.log().splitlines()), time.monotonic()
        time.sleep(SECONDS)
        seconds = time.monotonic() - began
        share = (cpu_seconds(daemon.process.pid) - before) / seconds
        lines = len(daemon.log().splitlines()) - lines
        first, status, ledger = first_line(bus), daemon.status, daemon.ledger()
        devhub.start()
        daemon.bus.call('Reconnect')
        daemon.wait_for_properties(lambda p: p['Ledger']['acknowledged'] >= ledger['accepted'], 'all of it at the hub')
        assert daemon.stop() == 0
        totals = devhub.verify()
    print('%d sensors each second, %.0f s: %.2f %% of a processor, %d lines in the log; %d records wait; "%s"'
          % (SENSORS, seconds, share * 100, lines, ledger['waiting'], first), file=sys.stderr)
    assert share <= 0.01
    assert lines <= 60 * (1 + SECONDS // 3600)
    assert ledger['waiting'] >= SENSORS * (seconds - 3)
    assert re.match(r"Not connected since [\d:]+ \([\d.]+ s\): 127\.0\.0\.1 port \d+: Connection refused\. Check hub\.address; .*"
                    r' \d{3,} records wait on disk\. (Next try in [\d.]+ s|A try is under way)\.$', first), first
    assert re.match(r'(Not connected|Connecting) to devhub\.localdomain.*: it refuses the connection; \d+ records are waiting$',
                    status), status
    assert totals['gaps'] == 0 and totals['unique'] >= ledger['accepted']
