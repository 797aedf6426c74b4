# SPDX-License-Identifier: Apache-2.0
"""hublinkd finds its hub by way of the provisioning service."""

import json
import stat

from daemon import Daemon
from dps import devhub, put_group, service, shared  # noqa: F401
from gateway_dps import KEY, MODEL, attestation, bus, by_dps, daemon, enroll, lines, remembered  # noqa: F401
from https import Service

# --- the way there ---

def test_a_single_device_finds_its_hub_and_sends(daemon, devhub, service):
    enroll(service, 'gw-17', deviceId='Wind-1')
    by_dps(daemon, devhub, registration_id='GW-17').start()
    link = daemon.wait_for_link('connected')
    assert (link['Hub'], link['DeviceId'], link['LinkDetail']) == (devhub.host, 'Wind-1', '')
    daemon.submit({'pressure': 4.2})
    assert daemon.settle()['acknowledged'] == 1
    assert devhub.events('Wind-1', count=1)[0]['device'] == 'Wind-1'
    # what the service was told, and what is remembered
    assert Service(devhub).get('/twins/Wind-1').json.get('modelId') == MODEL
    assert remembered(daemon, devhub.host, 'Wind-1') == {
        'registration': devhub.endpoints()['id_scope'] + '/registrations/gw-17', 'assignedHub': devhub.host,
        'deviceId': 'Wind-1'}
    assert stat.S_IMODE((daemon.state / 'assignment').stat().st_mode) == 0o600
    assert len(daemon.lines('has assigned the hub ' + devhub.host)) == 1


def test_a_device_of_a_group_derives_its_key(daemon, devhub, service):
    put_group(service, 'fleet', attestation())
    by_dps(daemon, devhub, registration_id='gw-18', file='group_key_file').start()
    assert daemon.wait_for_link('connected')['DeviceId'] == 'gw-18'


def test_messages_name_the_device_that_was_assigned(daemon, devhub, service):
    enroll(service, 'gw-17', deviceId='Wind-1')
    daemon.configure('streams: { telemetry: { format = "object"; body = "{\\"d\\": \\"${device}\\"}"; }; };\n')
    by_dps(daemon, devhub).start()
    daemon.bus.wait_for_name()
    daemon.submit({'pressure': 4.2})
    daemon.wait_for_link('connected')
    daemon.reload()
    daemon.submit({'pressure': 4.3})
    daemon.settle()
    assert [e['body'] for e in devhub.events('Wind-1', count=2)] == [{'d': 'Wind-1'}] * 2


# --- the second time ---

def test_a_reboot_needs_no_service(daemon, devhub, service):
    enroll(service, 'gw-17')
    by_dps(daemon, devhub).start()
    daemon.wait_for_link('connected')
    remembered(daemon, devhub.host, 'gw-17')
    daemon.kill()
    # the service is gone, the hub is there
    path = daemon.directory / 'conf.d/dps.conf'
    path.write_text(path.read_text().replace('address = "127.0.0.1:%d"; };' % devhub.port, 'address = "127.0.0.1:9"; };'))
    devhub.fault('set', 'dps-busy')
    daemon.start()
    daemon.wait_for_link('connected')
    daemon.submit({'pressure': 4.2})
    assert daemon.settle()['acknowledged'] == 1
    assert len(daemon.lines('has assigned the hub')) == 1


# --- a trial ---

def sample(devhub, **more):
    return {'IOTHUB_DEVICE_SECURITY_TYPE': 'DPS', 'IOTHUB_DEVICE_DPS_ENDPOINT': devhub.host,
            'IOTHUB_DEVICE_DPS_ID_SCOPE': devhub.endpoints()['id_scope'], 'IOTHUB_DEVICE_DPS_DEVICE_ID': 'gw-17',
            'IOTHUB_DEVICE_DPS_DEVICE_KEY': KEY, **more}


def towards(devhub):
    address = '127.0.0.1:%d' % devhub.port
    return ('hub: { ca_file = "%s"; address = "%s"; dps: { address = "%s"; }; };\n'
            'streams: { telemetry: { max_latency = "0s"; }; };\n' % (devhub.ca_file, address, address))


def test_the_samples_variables_lead_to_the_hub(tmp_path, bus, devhub, service):
    enroll(service, 'gw-17')
    with Daemon(tmp_path / 'gw', bus, environment=sample(devhub)) as daemon:
        daemon.configure(towards(devhub)).start()
        assert daemon.wait_for_link('connected')['DeviceId'] == 'gw-17'
        daemon.reload()
        daemon.submit({'pressure': 4.2})
        assert daemon.settle()['acknowledged'] == 1
        assert len(daemon.lines('from the environment')) == 1
        assert daemon.stop() == 0
        assert KEY not in daemon.log()


def test_the_samples_connection_string_leads_to_the_hub(tmp_path, bus, devhub):
    device = devhub.create('direct')
    with Daemon(tmp_path / 'gw', bus, environment={'IOTHUB_DEVICE_SECURITY_TYPE': 'connectionString',
                                                   'IOTHUB_DEVICE_CONNECTION_STRING': device.connection_string}) as daemon:
        daemon.configure(towards(devhub)).start()
        assert daemon.wait_for_link('connected')['DeviceId'] == 'direct'
        assert daemon.stop() == 0
        assert device.key not in daemon.log()


def test_what_is_missing_in_a_trial_is_named(tmp_path, bus, devhub):
    for environment, words in (({'IOTHUB_DEVICE_DPS_DEVICE_KEY': ''}, 'IOTHUB_DEVICE_DPS_DEVICE_KEY'),
                               ({'IOTHUB_DEVICE_DPS_DEVICE_KEY': 'no key'}, 'IOTHUB_DEVICE_DPS_DEVICE_KEY'),
                               ({'IOTHUB_DEVICE_SECURITY_TYPE': 'x509'}, 'neither connectionString nor DPS')):
        with Daemon(tmp_path / words[-4:], bus, environment=sample(devhub, **environment)) as daemon:
            daemon.configure(towards(devhub)).start()
            assert words in daemon.wait_for_link('stopped', 'no-credential')['LinkDetail']
            assert daemon.stop() == 0
