# SPDX-License-Identifier: Apache-2.0
"""A machine that boots three days behind: it collects and tries the link, its clock is set, and all times are right."""

import sys
import time

from devhub import Devhub
from machine import Machine

DAYS = 3

# What a reading of /proc/uptime says is when it was taken, whatever the clock said.
SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "2s"; }; };
queue: { commit_interval = "200ms"; };
streams: { telemetry: { max_latency = "500ms"; }; };
sensors: { up: { driver = "file"; path = "/proc/uptime"; interval = "500ms"; channels: { seconds: { field = 1; }; }; }; };
'''


def test_readings_taken_before_the_clock_was_set_get_their_right_time(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'clock') as machine:
        machine.make_disk()
        machine.configure(SETTINGS, devhub, devhub.create('clock'))
        (machine.job / 'truth').write_text('%d\n' % time.time())
        base = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time.time() - DAYS * 86400))
        machine.start('-rtc', 'base=%s,clock=host' % base)
        while not (machine.job / 'wants-truth').exists():
            assert machine.process.poll() is None, machine.words()
            time.sleep(0.05)
        part = machine.job / 'truth-part'
        part.write_text('%.6f\n' % time.time())
        part.rename(machine.job / 'truth-now')
        assert machine.wait() == 0, machine.words()
        wall, uptime = map(float, machine.read('boot-time').split())
        before = int(machine.read('accepted-before'))
        ledger, log = machine.ledger(), machine.read('daemon.log')
        totals, events = devhub.verify(), devhub.events()
    readings = [reading for event in events for reading in event['body']]
    off = [abs(reading['t'] / 1000 - (wall - uptime) - reading['seconds']) for reading in readings]
    print('%d readings, %d before the clock was set, at most %.3f s off; %s; link before: %s'
          % (len(readings), before, max(off), ledger, machine.read('link-before').split()), file=sys.stderr)

    assert before >= 25 and ledger['acknowledged'] >= before + 10
    assert totals['gaps'] == 0 and len(readings) == totals['unique'] >= ledger['acknowledged']
    assert max(off) <= 1, sorted(zip(off, readings), key=lambda pair: pair[0])[-3:]
    assert '"link_state":"waiting"' in machine.read('link-before') or 'connecting' in machine.read('link-before')
    assert log.count('certificate') > 0, 'the link was not tried while the clock was wrong:\n' + log
