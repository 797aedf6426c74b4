# SPDX-License-Identifier: Apache-2.0
"""Desired changes while the link is cut, taken up and the daemon killed: the last one counts, and is acknowledged.

HUBLINK_TWIN_CHANGES: how many (20; the campaign asks for 500).
"""

import json
import os
import random
import time

from gateway_twin import (Reporter, desire, devhub, facts, gateway, printed, reported,  # noqa: F401
                  settings_answers, until)

CHANGES = int(os.environ.get('HUBLINK_TWIN_CHANGES', '20'))


def test_random_changes_while_the_link_comes_and_goes(gateway):
    dice, wanted = random.Random(5), {}
    for i in range(1, CHANGES + 1):
        wanted = {'log': {'max_lines_per_hour': 1000 + i}}
        if dice.random() < 0.3:
            wanted['sensors'] = {'wind': {'interval': '%ds' % dice.randint(1, 60)}}
        desire(gateway, {'settings': {'sensors': None, **wanted}})
        what = dice.random()
        if what < 0.25:
            gateway.devhub.fault('set', 'cut', '--device', 'gw-1', '--count', '1')
        elif what < 0.4:
            gateway.caller.call_blocking('org.hublink1', '/org/hublink1', 'org.hublink1.Manager', 'Reconnect', '', ())
        elif what < 0.5:
            gateway.kill()
            gateway.start()
            gateway.wait_for_link('connected')
        time.sleep(dice.random() * 0.3)
    answers = settings_answers(gateway, CHANGES + 1)
    assert {k: a['value'] for k, a in answers.items() if k != '__t'} == wanted
    assert all(a['ac'] == 200 for k, a in answers.items() if k != '__t')
    until(lambda: facts(gateway)['PendingBytes'] == 0, 30)
    assert Reporter(gateway.bus).reported() == {k: v for k, v in reported(gateway).items() if not k.startswith('$')}
    assert '%d;' % wanted['log']['max_lines_per_hour'] in printed(gateway, 'max_lines_per_hour')[0]
    now = facts(gateway)
    print('%d changes: %d reports since the last start, %d bytes now reported' % (
        CHANGES, now['Reports'], len(json.dumps(Reporter(gateway.bus).reported()))))
