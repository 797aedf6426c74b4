# SPDX-License-Identifier: Apache-2.0
"""A machine that boots three days behind: it collects and tries the link, its clock is set, and all times are right."""

import sys
import time

from devhub import Devhub
from machine import Machine

DAYS = 3
KNOWN = 15  # seconds after which the time of this boot must be on disk

# What a reading of /proc/uptime says is when it was taken, whatever the clock said.
SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "2s"; }; };
queue: { commit_interval = "200ms"; };
streams: { telemetry: { max_latency = "500ms"; }; };
sensors: {
  %s: { driver = "file"; path = "/proc/uptime"; interval = "500ms"; channels: { seconds: { field = 1; }; }; };
};
'''


def boot_three_days_behind(machine):
    """Returns when the clock is set."""
    (machine.job / 'truth').write_text('%d\n' % time.time())
    base = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time.time() - DAYS * 86400))
    machine.start('-rtc', 'base=%s,clock=host' % base)
    machine.wait_for_file('wants-truth')
    part = machine.job / 'truth-part'
    part.write_text('%.6f\n' % time.time())
    part.rename(machine.job / 'truth-now')
    machine.wait_for('first')


def how_far_off(machine, events, sensor):
    """[seconds, for each reading of that sensor], which has the name of its boot"""
    wall, uptime = map(float, machine.read(sensor).split())
    return [abs(reading['t'] / 1000 - (wall - uptime) - reading['seconds'])
            for event in events for reading in event['body'] if reading['s'] == sensor]


def test_readings_taken_before_the_clock_was_set_get_their_right_time(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'clock') as machine:
        machine.make_disk()
        machine.configure(SETTINGS % 'first', devhub, devhub.create('clock'))
        boot_three_days_behind(machine)
        assert machine.wait() == 0, machine.words()
        before, ledger, log = int(machine.read('accepted-before')), machine.ledger(), machine.read('daemon.log')
        totals, events = devhub.verify(), devhub.events()
    off = how_far_off(machine, events, 'first')
    print('%d readings, %d before the clock was set, at most %.3f s off' % (len(off), before, max(off)),
          file=sys.stderr)

    assert before >= 25 and ledger['acknowledged'] >= before + 10
    assert totals['gaps'] == 0 and len(off) == totals['unique'] >= ledger['acknowledged']
    assert max(off) <= 1, sorted(off)[-3:]
    # neither collecting nor the link had waited for the clock
    assert 'link_state":"waiting"' in machine.read('link-before') or 'connecting"' in machine.read('link-before')
    assert 'certificate' in log, log


def test_so_they_do_when_the_power_goes_before_the_hub_has_them(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'clock') as machine:
        machine.make_disk()
        machine.configure(SETTINGS % 'first', devhub, devhub.create('clock'))
        devhub.stop()
        boot_three_days_behind(machine)
        time.sleep(KNOWN)
        machine.cut()
        (machine.job / 'hublink.conf').write_text(SETTINGS % 'second')
        devhub.start()
        assert machine.start().wait() == 0, machine.words()
        before, totals, events = int(machine.read('accepted-before')), devhub.verify(), devhub.events()
    off, then_off = how_far_off(machine, events, 'first'), how_far_off(machine, events, 'second')
    print('%d readings of the first boot, %d before its clock was set, at most %.3f s off; of the second %d, %.3f s'
          % (len(off), before, max(off), len(then_off), max(then_off)), file=sys.stderr)

    assert totals['gaps'] == 0 and len(off) >= before + 10 and then_off
    assert max(off) <= 1 and max(then_off) <= 1, (sorted(off)[-3:], sorted(then_off)[-3:])
