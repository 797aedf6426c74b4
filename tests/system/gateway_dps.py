# SPDX-License-Identifier: Apache-2.0
"""A gateway that is led to its hub by the devhub's provisioning service."""

import json
import time

import pytest
from bus import PrivateBus
from daemon import Daemon
from dps import put_enrollment

KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='
OTHER_KEY = 'c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M='
MODEL = 'dtmi:com:example:Thermostat;1'


@pytest.fixture(scope='module')
def bus():
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def daemon(tmp_path, bus):
    with Daemon(tmp_path / 'gw', bus) as daemon:
        yield daemon
        if daemon.is_running():
            assert daemon.stop() == 0
        for key in KEY, OTHER_KEY:
            assert key not in daemon.log() and 'SharedAccess' not in daemon.log()


def attestation(primary=KEY):
    return {'type': 'symmetricKey', 'symmetricKey': {'primaryKey': primary, 'secondaryKey': OTHER_KEY}}


def enroll(service, registration_id, **more):
    return put_enrollment(service, registration_id, attestation(), **more)


def lines(values):
    return ' '.join('%s = "%s";' % pair for pair in values.items())


def by_dps(daemon, devhub, key=KEY, registration_id='gw-17', file='key_file', address=None, **hub):
    """Settings that lead to the devhub's service."""
    path = daemon.directory / 'dps.key'
    path.touch(mode=0o600)
    path.write_text(key + '\n')
    address = address or '127.0.0.1:%d' % devhub.port
    values = {'ca_file': devhub.ca_file, 'address': address, 'model_id': MODEL, **hub}
    dps = {'id_scope': devhub.endpoints()['id_scope'], 'registration_id': registration_id, file: path,
           'host': devhub.host, 'address': address}
    daemon.configure('hub: { %s backoff: { first = "100ms"; max = "1s"; }; dps: { %s }; };\n'
                     'clock: { trust = true; };\nstreams: { telemetry: { max_latency = "0s"; }; };\n' % (lines(values), lines(dps)), 'conf.d/dps.conf')
    return daemon


def remembered(daemon, hub, device):
    """Waits: the link does not wait for the disk."""
    path = daemon.state / 'assignment'
    deadline = time.monotonic() + 20
    while True:
        assignment = json.loads(path.read_text()) if path.exists() else {}
        if (assignment.get('assignedHub'), assignment.get('deviceId')) == (hub, device):
            return assignment
        assert time.monotonic() < deadline, assignment
        time.sleep(0.02)
