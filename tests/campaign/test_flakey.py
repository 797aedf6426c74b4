# SPDX-License-Identifier: Apache-2.0
"""A disk under the gateway that loses what it said it wrote, or fails: dm-flakey, on a machine of its own.

HUBLINK_CUTS: how often for each trouble (10).
"""

import os
import sys

from devhub import Devhub
from machine import Machine
from test_cuts import SETTINGS
from test_kill import Arrived

CUTS = int(os.environ.get('HUBLINK_CUTS', '10'))


def test_what_was_answered_before_the_disk_lied_or_failed_survives_the_cut(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'lying', seconds=900) as machine:
        machine.make_disk()
        machine.configure(SETTINGS, devhub, devhub.create('flakey'))
        (machine.job / 'cuts').write_text('%d\n' % CUTS)
        assert machine.start().wait() == 0, machine.words()
        receipts = set().union(*(machine.receipts('kept.%d' % cut) for cut in range(1, 2 * CUTS + 1)))
        ledger, log = machine.ledger(), machine.read('daemon.log')
        totals, arrived = devhub.verify(), Arrived(devhub.events())
    print('cuts=%d receipts=%d %s ledger=%s' % (2 * CUTS, len(receipts), totals, ledger), file=sys.stderr)

    assert len(receipts) > CUTS * 40, 'hardly any Submit was answered: the test shows nothing'
    assert receipts <= arrived.submitted, 'lost: %s' % sorted(receipts - arrived.submitted)[:20]
    assert totals['gaps'] == 0
    assert ledger['dropped'] == ledger['dead_lettered'] == ledger['waiting'] == 0, log[-3000:]
    # What the liar lost may have reached the hub before: then the hub has more.
    assert ledger['accepted'] == ledger['acknowledged'] <= totals['unique']


def test_it_names_a_failing_disk_and_goes_on_by_itself_when_it_is_well_again(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'recovery') as machine:
        # without a journal, which an error ends for good until somebody mounts it anew
        machine.make_disk(options=['-O', '^has_journal'])
        machine.configure(SETTINGS, devhub, devhub.create('flakey'))
        assert machine.start().wait() == 0, machine.words()
        receipts, ledger, log = machine.receipts(), machine.ledger(), machine.read('daemon.log')
        words = set(machine.read('disk-words').splitlines())
        totals, arrived = devhub.verify(), Arrived(devhub.events())
    print('receipts=%d %s ledger=%s %s' % (len(receipts), totals, ledger, words), file=sys.stderr)

    assert receipts <= arrived.submitted, 'lost: %s' % sorted(receipts - arrived.submitted)[:20]
    assert totals['gaps'] == 0
    assert ledger['accepted'] == ledger['acknowledged'] + ledger['dropped'], log[-3000:]
    assert ledger['waiting'] == 0
    assert 'Input/output error' in log


def test_it_goes_on_by_itself_when_a_disk_that_became_read_only_is_writable_again(tmp_path):
    with Devhub(tmp_path / 'hub') as devhub, Machine(tmp_path / 'machine', 'remount', seconds=600) as machine:
        machine.make_disk()
        machine.configure(SETTINGS.replace('queue: {', 'queue: { segment = "512K"; when_full = "drop-newest";'), devhub,
                          devhub.create('flakey'))
        devhub.stop()
        machine.start().wait_for_file('mended', seconds=500)
        devhub.start()
        assert machine.wait() == 0, machine.words()
        accepted, ledger, log = machine.read('accepted').splitlines(), machine.ledger(), machine.read('daemon.log')
        first_lines = machine.read('first-lines').splitlines()
        totals = devhub.verify()
    print('accepted=%d %s ledger=%s' % (len(accepted), totals, ledger), file=sys.stderr)

    assert len(first_lines) == 2
    for line in first_lines:
        assert line.startswith("The queue's disk is read-only: ") and 'remount it writable' in line, line
    assert len(accepted) <= ledger['accepted'] == ledger['acknowledged'] == totals['unique'], log[-3000:]
    assert totals['gaps'] == 0
    assert log.count('can be written to again') >= 2
