# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: devices that are provisioned by a certificate, their own or one that an authority has signed."""

import base64
import hashlib
import json
import ssl
import time

import mqtt
import pytest
from devhub import Devhub
from dps import API, Guest, devhub, put_enrollment, put_group, service, shared  # noqa: F401
from https import Answer, Connection, Service
from test_devhub_x509 import Pki, thumbprint

KEY = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='
INVALID = 'Invalid certificate'


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp('pki'))


@pytest.fixture(scope='module')
def own(pki):
    return pki.self_signed('own', 'dev1')


@pytest.fixture(scope='module')
def spare(pki):
    return pki.self_signed('spare', 'dev1')


@pytest.fixture(scope='module')
def root(pki):
    return pki.self_signed('root', ca=True)


@pytest.fixture(scope='module')
def intermediate(pki, root):
    return pki.signed('intermediate', root, ca=True)


@pytest.fixture(scope='module')
def leaf(pki, intermediate):
    """Of dev1, with the intermediate one behind it in the file, as a device sends them."""
    certificate, key = pki.signed('leaf', intermediate, 'dev1')
    chain = pki.directory / 'leaf-chain.pem'
    chain.write_text(certificate.read_text() + intermediate[0].read_text())
    return chain, key


def pem(certificate):
    return certificate[0].read_text()


def der(certificate):
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(pem(certificate))).decode()


def clients(primary=None, secondary=None):
    return {'type': 'x509', 'x509': {'clientCertificates': certificates(primary, secondary)}}


def signers(primary=None, secondary=None):
    return {'type': 'x509', 'x509': {'signingCertificates': certificates(primary, secondary)}}


def certificates(primary, secondary):
    return {'primary': {'certificate': primary}, 'secondary': {'certificate': secondary} if secondary else None}


def enroll(service, attestation, registration_id='dev1', **more):
    return put_enrollment(service, registration_id, attestation, **more)


def enroll_group(service, attestation, **more):
    return put_group(service, 'fleet', attestation, **more)


def connack(devhub, certificate, device='dev1'):
    with devhub.open(certificate=certificate) as client:
        return client.connect(device, '%s/%s/?api-version=2021-04-12' % (devhub.host, device))[1]


def refused(answer, message=INVALID):
    assert answer.status == 401 and answer.json['errorCode'] == 401002, answer.body
    assert answer.json['message'] == message
    assert answer.topic == '$dps/registrations/res/401/?$rid=%s' % answer.rid
    return True


# --- the whole way ---

@pytest.mark.parametrize('by_websocket', [False, True], ids=['mqtt', 'websocket'])
@pytest.mark.parametrize('form', [pem, der], ids=['pem', 'der'])
def test_a_device_of_its_own_is_provisioned_and_connects(devhub, service, own, form, by_websocket):
    enroll(service, clients(form(own)), deviceId='Wind-1')
    with Guest(devhub, 'dev1', certificate=own, by_websocket=by_websocket) as guest:
        state = guest.provision({'registrationId': 'dev1'})
    assert (state['status'], state['substatus']) == ('assigned', 'initialAssignment')
    assert (state['assignedHub'], state['deviceId']) == (devhub.host, 'Wind-1')
    assert 'symmetricKey' not in state and 'enrollmentGroupId' not in state['x509']
    assert connack(devhub, own, 'Wind-1') == 0
    [identity] = Service(devhub).get('/devices').json
    assert identity['authentication']['type'] == 'selfSigned'
    assert identity['authentication']['x509Thumbprint']['primaryThumbprint'] == thumbprint(own)


def test_certificate_info(devhub, service, own):
    enroll(service, clients(pem(own)))
    with Guest(devhub, 'dev1', certificate=own) as guest:
        info = guest.provision()['x509']['certificateInfo']
    assert info['subjectName'] == info['issuerName'] == 'CN=dev1'
    assert info['sha1Thumbprint'] == thumbprint(own)
    assert info['sha256Thumbprint'] == thumbprint(own, hashlib.sha256)
    assert info['version'] == 3 and int(info['serialNumber'], 16) > 0
    assert info['notBeforeUtc'] < info['notAfterUtc'] and info['notAfterUtc'].endswith('Z')
    assert service.get('/registrations/dev1').json['x509']['certificateInfo'] == info


@pytest.mark.parametrize('authority', ['root', 'intermediate'])
def test_a_device_of_a_group_is_provisioned_and_connects(devhub, service, request, leaf, authority):
    enroll_group(service, signers(pem(request.getfixturevalue(authority))))
    with Guest(devhub, 'dev1', certificate=leaf) as guest:
        state = guest.provision()
    assert state['status'] == 'assigned' and state['deviceId'] == 'dev1'
    assert state['x509']['enrollmentGroupId'] == 'fleet'
    assert state['x509']['certificateInfo']['issuerName'] == 'CN=intermediate'
    assert connack(devhub, leaf) == 0  # though the hub knows no authority


def test_the_secondary_will_do(devhub, service, pki, own, spare, root, leaf):
    enroll(service, clients(pem(own), pem(spare)))
    for certificate in spare, own:
        with Guest(devhub, 'dev1', certificate=certificate) as guest:
            assert guest.provision()['x509']['certificateInfo']['sha1Thumbprint'] == thumbprint(certificate)
        # whichever it came with, it may connect with either
        assert connack(devhub, own) == connack(devhub, spare) == 0
    assert service.call('DELETE', '/enrollments/dev1').status == 204
    other = pki.self_signed('other-root', ca=True)
    enroll_group(service, signers(pem(other), pem(root)))
    with Guest(devhub, 'dev1', certificate=leaf) as guest:
        assert guest.provision()['status'] == 'assigned'


def test_a_new_certificate_of_a_group_takes_the_place_of_the_old(devhub, service, pki, root, leaf):
    enroll_group(service, signers(pem(root)))
    with Guest(devhub, 'dev1', certificate=leaf) as guest:
        guest.provision()
    new = pki.signed('new-leaf', root, 'dev1')
    assert connack(devhub, new) == 5
    with Guest(devhub, 'dev1', certificate=new) as guest:
        assert guest.provision()['substatus'] == 'reprovisionedToInitialAssignment'
    assert connack(devhub, new) == 0 and connack(devhub, leaf) == 5


def test_one_of_its_own_comes_before_its_group(devhub, service, own, root, leaf):
    enroll_group(service, signers(pem(root)))
    enroll(service, clients(pem(own)))
    with Guest(devhub, 'dev1', certificate=leaf) as guest:
        assert refused(guest.register())
    with Guest(devhub, 'dev1', certificate=own) as guest:
        assert guest.provision()['status'] == 'assigned'


# --- who is refused ---

def test_who_is_refused(devhub, service, pki, own, root, leaf):
    enroll(service, clients(pem(own)))
    with Guest(devhub, 'dev1', certificate=pki.self_signed('stranger', 'dev1')) as guest:
        assert refused(guest.register()) and refused(guest.poll('5.a.b')) and refused(guest.register())
    with Guest(devhub, 'dev1') as guest:
        assert refused(guest.register(), 'Unauthorized')
    with Guest(devhub, 'dev1', KEY, certificate=own) as guest:  # it goes by its token, which is not the one
        assert refused(guest.register(), 'Unauthorized')
    with Guest(devhub, 'dev2', certificate=own) as guest:
        assert refused(guest.register())
    assert 'the common name of its certificate is not the registration id' in devhub.log.read_text()
    assert Service(devhub).get('/devices').json == []


def test_a_chain_that_leads_elsewhere(devhub, service, pki, root, leaf, intermediate):
    enroll_group(service, signers(pem(root)))
    stranger = pki.self_signed('foreign', ca=True)
    with Guest(devhub, 'dev1', certificate=pki.signed('foreign-leaf', stranger, 'dev1')) as guest:
        assert refused(guest.register())
    # the intermediate one was not sent
    alone = pki.directory / 'leaf.pem', pki.directory / 'leaf.key'
    with Guest(devhub, 'dev1', certificate=alone) as guest:
        assert refused(guest.register())


def test_a_certificate_that_has_ended(devhub, service, pki):
    short = pki.self_signed('short', 'dev1', days=1)
    enroll(service, clients(pem(short)))
    devhub.fault('set', 'clock-offset', '--offset', '+2d')
    with Guest(devhub, 'dev1', certificate=short) as guest:
        assert refused(guest.register())


def test_a_certificate_does_not_open_an_enrollment_of_keys(devhub, service, own):
    keys = {'type': 'symmetricKey', 'symmetricKey': {'primaryKey': KEY, 'secondaryKey': KEY}}
    enroll(service, keys)
    with Guest(devhub, 'dev1', certificate=own) as guest:
        assert refused(guest.register())
    with Guest(devhub, 'dev1', KEY, certificate=own) as guest:  # nor does it disturb one who has a token
        assert guest.provision()['symmetricKey'] == {}


# --- over HTTPS ---

class Caller:
    """A device over HTTPS, with its certificate and without a token."""

    def __init__(self, devhub, certificate):
        self.connection = Connection(devhub, certificate=certificate)
        self.scope = devhub.endpoints()['id_scope']

    def call(self, method, path, body=None):
        self.connection.request(method, '/%s/registrations/%s?api-version=%s' % (self.scope, path, API),
                                body and json.dumps(body), {'Content-Type': 'application/json'})
        return Answer(self.connection.getresponse())

    def wait(self, operation):
        time.sleep(0.6)  # it is told after half a second
        return self.call('GET', 'dev1/operations/' + operation)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def test_over_https(devhub, service, root, leaf, own):
    enroll_group(service, signers(pem(root)))
    with Caller(devhub, leaf) as caller:
        begun = caller.call('PUT', 'dev1/register', {'registrationId': 'dev1'})
        assert begun.status == 202 and begun.json['status'] == 'assigning'
        done = caller.wait(begun.json['operationId'])
        assert done.status == 200
        state = done.json['registrationState']
        assert state['x509']['enrollmentGroupId'] == 'fleet'
    with Caller(devhub, own) as caller:
        answer = caller.call('PUT', 'dev1/register', {'registrationId': 'dev1'})
        assert answer.status == 401 and answer.json['message'] == INVALID
    assert connack(devhub, leaf) == 0


# --- enrollments ---

def test_an_enrollment_tells_of_its_certificates(devhub, service, own, spare, root):
    made = enroll(service, clients(pem(own), der(spare)))
    got = service.get('/enrollments/dev1').json
    assert got == made and got['attestation']['type'] == 'x509'
    told = got['attestation']['x509']['clientCertificates']
    assert told['primary']['info']['sha1Thumbprint'] == thumbprint(own)
    assert told['secondary']['info']['sha256Thumbprint'] == thumbprint(spare, hashlib.sha256)
    assert 'BEGIN' not in json.dumps(got)
    group = enroll_group(service, signers(pem(root)))
    assert group['attestation']['x509']['signingCertificates']['primary']['info']['subjectName'] == 'CN=root'
    assert 'secondary' not in group['attestation']['x509']['signingCertificates']
    told = service.call('POST', '/enrollmentGroups/fleet/attestationmechanism').json
    assert told['x509'] == group['attestation']['x509']


def test_what_was_read_may_be_written_again(devhub, service, own):
    got = enroll(service, clients(pem(own)))
    got['provisioningStatus'] = 'disabled'
    again = service.put('/enrollments/dev1', got, {'If-Match': got['etag']})
    assert again.status == 200 and again.json['attestation'] == got['attestation']
    with Guest(devhub, 'dev1', certificate=own) as guest:
        assert guest.provision()['status'] == 'disabled'


def test_enrollments_that_are_none(devhub, service, own, root):
    wrong = {
        'no certificate': clients(),
        'no x509': {'type': 'x509'},
        "a group's": signers(pem(root)),
        'base64 of nothing': clients('aGVsbG8='),
        'no base64': clients('hello'),
        'a broken one': clients(pem(own).replace('M', 'N')),
        'half of one': clients(der(own)[:400]),
        'a number': clients(5),
        'a reference': {'type': 'x509', 'x509': {'caReferences': {'primary': 'root'}}},
    }
    for what, attestation in wrong.items():
        answer = service.put('/enrollments/dev1', {'registrationId': 'dev1', 'attestation': attestation})
        assert answer.status == 400 and answer.json['errorCode'] == 400004, what
    answer = service.put('/enrollmentGroups/g', {'enrollmentGroupId': 'g', 'attestation': signers(pem(own))})
    assert answer.status == 400 and 'authority' in answer.json['message']


def test_from_certificates_to_keys_and_back(devhub, service, own):
    made = enroll(service, clients(pem(own)))
    keys = service.put('/enrollments/dev1', {**made, 'attestation': {'type': 'symmetricKey'}}, {'If-Match': '*'}).json
    key = service.call('POST', '/enrollments/dev1/attestationmechanism').json['symmetricKey']['primaryKey']
    with Guest(devhub, 'dev1', key) as guest:
        assert guest.provision()['symmetricKey'] == {}
    back = service.put('/enrollments/dev1', {**keys, 'attestation': made['attestation']}, {'If-Match': '*'})
    assert back.status == 400  # its certificate is forgotten
    assert service.put('/enrollments/dev1', {**keys, 'attestation': clients(pem(own))}, {'If-Match': '*'}).status == 200
    with Guest(devhub, 'dev1', certificate=own) as guest:
        guest.provision()
    assert connack(devhub, own) == 0


def test_they_outlive_the_server(tmp_path, own):
    with Devhub(tmp_path / 'hub') as devhub:
        enroll(Service(devhub), clients(pem(own)))
        devhub.kill()
        devhub.start()
        with Guest(devhub, 'dev1', certificate=own) as guest:
            assert guest.provision()['status'] == 'assigned'
        devhub.kill()
        devhub.start()
        told = Service(devhub).get('/registrations/dev1').json
        assert told['x509']['certificateInfo']['sha1Thumbprint'] == thumbprint(own)
        assert connack(devhub, own) == 0
