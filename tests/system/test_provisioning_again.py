# SPDX-License-Identifier: Apache-2.0
"""hublinkd asks the provisioning service once more: its hub refuses, cannot be found, or the service did not help."""

import pytest
from dps import devhub, service, shared  # noqa: F401
from gateway_dps import KEY, OTHER_KEY, bus, by_dps, daemon, enroll, remembered  # noqa: F401

# --- a hub that is not the right one any more ---

def test_a_hub_that_refuses_makes_it_ask_again(daemon, devhub, service):
    enroll(service, 'gw-17', deviceId='old')
    by_dps(daemon, devhub).start()
    daemon.wait_for_link('connected')
    assert daemon.stop() == 0
    # somebody deletes the device; the service knows it under another name
    devhub.run('device', 'delete', 'old')
    service.delete('/registrations/gw-17')
    enroll(service, 'gw-17', deviceId='new', headers={'If-Match': '*'})
    daemon.start()
    assert daemon.wait_for_link('connected', seconds=40)['DeviceId'] == 'new'
    remembered(daemon, devhub.host, 'new')


def test_a_hub_that_is_not_found_is_asked_for_again(daemon, devhub, service):
    enroll(service, 'gw-17')
    devhub.fault('set', 'dps-reassign', '--count', '1')
    by_dps(daemon, devhub).start()
    daemon.wait_for_log('has assigned the hub')
    assert not daemon.lines('has assigned the hub ' + devhub.host)
    assert daemon.wait_for_link('connected', seconds=50)['Hub'] == devhub.host
    remembered(daemon, devhub.host, 'gw-17')


# --- a service that does not help ---

def test_a_busy_service_is_asked_again(daemon, devhub, service):
    enroll(service, 'gw-17')
    devhub.fault('set', 'dps-busy', '--count', '1', '--delay', '2s')
    by_dps(daemon, devhub).start()
    link = daemon.wait_for_link('waiting', 'throttled')
    assert 'busy' in link['LinkDetail'] and link['Hub'] == ''
    daemon.wait_for_link('connected')


@pytest.mark.parametrize('case', ['wrong key', 'nobody', 'disabled'])
def test_who_is_refused_hears_why_and_comes_in_when_it_is_mended(daemon, devhub, service, case):
    if case != 'nobody':
        enroll(service, 'gw-17', provisioningStatus='disabled' if case == 'disabled' else 'enabled')
    by_dps(daemon, devhub, OTHER_KEY.swapcase() if case == 'wrong key' else KEY).start()
    link = daemon.wait_for_link('waiting', 'provisioning')
    assert 'provisioning service' in link['LinkDetail'] and 'Hub' not in link['LinkDetail']
    assert (link['NextAttempt'] - link['LinkSince']) / 1e6 > 50
    assert not (daemon.state / 'assignment').exists()
    # readings are taken meanwhile
    daemon.submit({'pressure': 4.2})
    assert daemon.ledger()['waiting'] == 1
    if case == 'wrong key':
        by_dps(daemon, devhub).reload()
    else:
        enroll(service, 'gw-17', provisioningStatus='enabled', headers={'If-Match': '*'} if case == 'disabled' else None)
        daemon.caller.call_blocking('org.hublink1', '/org/hublink1', 'org.hublink1.Manager', 'Reconnect', '', ())
    daemon.wait_for_link('connected')
    assert daemon.settle()['acknowledged'] == 1
