# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub: devices that prove who they are by a certificate, by thumbprint and by authority."""

import hashlib
import json
import pathlib
import ssl
import subprocess
from collections import namedtuple

import mqtt
import pytest
import websocket
from c2d import Poller
from cloud import Cloud
from devhub import devhub  # noqa: F401  (a fixture)
from https import Service

Device = namedtuple('Device', 'id module', defaults=[None])


def openssl(*words):
    subprocess.run(['openssl', *map(str, words)], check=True, capture_output=True, timeout=30)


class Pki:
    """Certificates in a folder, each as (file, key file)."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def files(self, name):
        return self.directory / (name + '.pem'), self.directory / (name + '.key')

    def self_signed(self, name, common_name=None, ca=False, days=30, kind=('ec', '-pkeyopt', 'ec_paramgen_curve:P-256')):
        certificate, key = self.files(name)
        openssl('req', '-x509', '-newkey', *kind, '-nodes', '-keyout', key, '-out', certificate, '-days', days, '-subj',
                '/CN=' + (common_name or name), '-addext', 'basicConstraints=critical,CA:' + ('TRUE' if ca else 'FALSE'))
        return certificate, key

    def signed(self, name, by, common_name=None, ca=False, days=30):
        certificate, key = self.files(name)
        request, extensions = self.directory / (name + '.csr'), self.directory / (name + '.ext')
        extensions.write_text('basicConstraints=critical,CA:' + ('TRUE' if ca else 'FALSE') + '\n')
        openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', request, '-subj',
                '/CN=' + (common_name or name))
        openssl('x509', '-req', '-in', request, '-CA', by[0], '-CAkey', by[1], '-CAcreateserial', '-out', certificate,
                '-days', days, '-extfile', extensions)
        return certificate, key


def thumbprint(certificate, digest=hashlib.sha1):
    return digest(ssl.PEM_cert_to_DER_cert(certificate[0].read_text())).hexdigest().upper()


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp('pki'))


@pytest.fixture(scope='module')
def own(pki):
    return pki.self_signed('own')


def register(devhub, device, type, primary=None, secondary=None):
    authentication = {'type': type}
    if type == 'selfSigned':
        authentication['x509Thumbprint'] = {'primaryThumbprint': primary, 'secondaryThumbprint': secondary}
    answer = Service(devhub).put('/devices/' + device, {'deviceId': device, 'authentication': authentication})
    assert answer.status == 200, answer.body
    return answer.json


def username(devhub, device):
    return '%s/%s/?api-version=2021-04-12' % (devhub.host, device)


def connack(devhub, device, certificate, password=None, **kwargs):
    with devhub.open(certificate=certificate, **kwargs) as client:
        return client.connect(device, username(devhub, device), password)[1]


# --- by thumbprint ---

@pytest.mark.parametrize('digest', [hashlib.sha1, hashlib.sha256], ids=['sha1', 'sha256'])
def test_by_thumbprint(devhub, own, digest):
    register(devhub, 'd1', 'selfSigned', thumbprint(own, digest), thumbprint(own, digest))
    with devhub.open(certificate=own) as client:
        assert client.connect('d1', username(devhub, 'd1'))[1] == 0
        client.publish('devices/d1/messages/events/', b'1')
    [event] = devhub.events()
    method = json.loads(event['system']['iothub-connection-auth-method'])
    assert method['scope'] == 'device' and method['type'] == 'x509'


def test_the_secondary_will_do_and_so_does_an_empty_password(devhub, pki, own):
    other = pki.self_signed('other', kind=('rsa:2048',))
    register(devhub, 'd1', 'selfSigned', thumbprint(other), thumbprint(own).lower())
    assert connack(devhub, 'd1', own) == 0
    assert connack(devhub, 'd1', other, password='') == 0


def test_who_is_refused(devhub, pki, own):
    other = pki.self_signed('another')
    register(devhub, 'd1', 'selfSigned', thumbprint(own), thumbprint(own))
    assert connack(devhub, 'd1', None) == 5  # judged at CONNECT, not in TLS
    assert connack(devhub, 'd1', other) == 5
    sas = devhub.create('sas')
    assert connack(devhub, 'sas', own) == 5
    assert connack(devhub, 'd1', None, password=sas.token()) == 5
    log = devhub.log.read_text()
    assert 'it showed no certificate' in log and 'neither of its thumbprints' in log
    with devhub.open(certificate=own) as client:  # a certificate does not disturb one who has a token
        assert client.connect('sas', sas.username(), sas.token())[1] == 0


def test_one_that_has_ended(devhub, pki):
    short = pki.self_signed('short', days=1)
    register(devhub, 'd1', 'selfSigned', thumbprint(short), thumbprint(short))
    assert connack(devhub, 'd1', short) == 0
    devhub.fault('set', 'clock-offset', '--offset', '+2d')
    assert connack(devhub, 'd1', short) == 5


def test_tls_1_2_too(devhub, own):
    register(devhub, 'd1', 'selfSigned', thumbprint(own), thumbprint(own))
    assert connack(devhub, 'd1', own, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)) == 0


def test_over_a_websocket(devhub, own):
    register(devhub, 'd1', 'selfSigned', thumbprint(own), thumbprint(own))
    with websocket.Client(devhub, certificate=own) as client:
        assert client.connect('d1', username(devhub, 'd1'))[1] == 0
        client.publish('devices/d1/messages/events/', b'1')
    with websocket.Client(devhub) as client:
        assert client.connect('d1', username(devhub, 'd1'))[1] == 5


# --- by authority ---

@pytest.fixture(scope='module')
def chain(pki):
    """root, intermediate, leaf (CN d1) that brings the intermediate along"""
    root = pki.self_signed('root', ca=True)
    intermediate = pki.signed('intermediate', root, ca=True)
    leaf = pki.signed('leaf', intermediate, common_name='d1')
    whole = pki.directory / 'chain.pem'
    whole.write_text(leaf[0].read_text() + intermediate[0].read_text())
    return root, intermediate, (leaf[0], leaf[1]), (whole, leaf[1])


def test_by_authority(devhub, chain):
    root, intermediate, leaf, whole = chain
    register(devhub, 'd1', 'certificateAuthority')
    register(devhub, 'd2', 'certificateAuthority')
    assert connack(devhub, 'd1', whole) == 5
    devhub.run('ca', 'add', 'plant', str(root[0]))
    assert connack(devhub, 'd1', whole) == 0  # at once, and with the intermediate that it brought
    assert connack(devhub, 'd1', leaf) == 5   # a gap in the chain
    assert connack(devhub, 'd2', whole) == 5  # the common name is another device's
    devhub.run('ca', 'add', 'line-2', str(intermediate[0]))
    assert connack(devhub, 'd1', leaf) == 0   # an intermediate may be uploaded too
    [line, plant] = json.loads(devhub.run('ca', 'list', '--json').stdout)
    assert (line['name'], plant['name'], plant['subject']) == ('line-2', 'plant', 'CN=root')
    assert plant['thumbprint'] == thumbprint(root, hashlib.sha256)
    assert devhub.run('ca', 'list').stdout.splitlines()[1].startswith('plant  CN=root  until 20')
    devhub.run('ca', 'delete', 'plant')
    devhub.run('ca', 'delete', 'line-2')
    assert connack(devhub, 'd1', whole) == 5
    assert devhub.run('ca', 'list').stdout == ''


def test_what_is_no_authority(devhub, pki, own, chain, tmp_path):
    (tmp_path / 'text').write_text('no certificate')
    for words, code, told in [
        (('add', 'x', str(own[0])), 1, 'may not sign others'),
        (('add', 'x', str(tmp_path / 'text')), 1, 'no certificate in PEM'),
        (('add', 'x', '/nonexistent'), 1, 'No such file'),
        (('add', 'a/b', str(chain[0][0])), 2, 'cannot be the name'),
        (('delete', 'x'), 1, 'no such authority'),
    ]:
        done = devhub.run('ca', *words, check=False)
        assert done.returncode == code and told in done.stderr
    devhub.run('ca', 'add', 'x', str(chain[0][0]))
    assert 'of this name already' in devhub.run('ca', 'add', 'x', str(chain[0][0]), check=False).stderr
    for i in range(24):
        devhub.run('ca', 'add', 'x%d' % i, str(chain[0][0]))
    assert '25 authorities already' in devhub.run('ca', 'add', 'y', str(chain[0][0]), check=False).stderr


def test_authorities_survive_a_restart(devhub, chain):
    register(devhub, 'd1', 'certificateAuthority')
    devhub.run('ca', 'add', 'plant', str(chain[0][0]))
    devhub.stop()
    devhub.start()
    assert connack(devhub, 'd1', chain[3]) == 0


# --- over HTTPS: its mail, and its events (protocol reference 3.2) ---

@pytest.fixture(params=['thumbprint', 'authority'])
def by_certificate(request, devhub, own, chain):
    """A device over HTTPS that shows the certificate it is known by."""
    if request.param == 'thumbprint':
        register(devhub, 'd1', 'selfSigned', thumbprint(own), thumbprint(own))
        shown = own
    else:
        register(devhub, 'd1', 'certificateAuthority')
        devhub.run('ca', 'add', 'plant', str(chain[0][0]))
        shown = chain[3]
    return Poller(devhub, Device('d1'), certificate=shown)


def test_mail_by_certificate_ends_in_every_way(devhub, by_certificate):
    with Cloud(devhub) as cloud:
        for n in range(3):
            cloud.send('d1', b'%d' % n)
        assert by_certificate.complete(by_certificate.lock()) == 204
        assert by_certificate.reject(by_certificate.lock()) == 204
        assert by_certificate.abandon(by_certificate.lock()) == 204
        answer = by_certificate.take()
        assert (answer.status, answer.body, answer.headers['iothub-deliverycount']) == (200, b'2', '1')
        assert by_certificate.complete(answer.headers['ETag'].strip('"')) == 204
        assert by_certificate.take().status == 204
    assert Service(devhub).get('/devices/d1').json['cloudToDeviceMessageCount'] == 0


def test_an_event_by_certificate_says_so(devhub, by_certificate):
    assert by_certificate.event(b'1').status == 204
    method = json.loads(devhub.events(count=1)[0]['system']['iothub-connection-auth-method'])
    assert (method['type'], method['scope']) == ('x509', 'device')


def test_who_shows_no_good_certificate_over_https_gets_401(devhub, pki, own):
    register(devhub, 'd1', 'selfSigned', thumbprint(own), thumbprint(own))
    register(devhub, 'd2', 'certificateAuthority')
    with_keys = devhub.create('d3')
    stranger = pki.self_signed('stranger', 'd1')
    nobody = Poller(devhub, Device('d1'), certificate=own)
    nobody.certificate = None  # neither this nor a token
    for poller in (nobody, Poller(devhub, Device('d1'), certificate=stranger), Poller(devhub, Device('d2'), certificate=own),
                   Poller(devhub, Device('d3'), certificate=own), Poller(devhub, Device('d4'), certificate=own),
                   Poller(devhub, Device('d1'), token=with_keys.token(resource=devhub.host + '/devices/d1'))):
        assert poller.take().status == 401
    # it may be what it is, and nothing more
    mine = Poller(devhub, Device('d1'), certificate=own)
    assert mine.get('/devices/d1').status == 401
    assert mine.get('/devices').status == 401
    assert mine.get('/twins/d1').status == 401
    assert mine.take().status == 204
    Service(devhub).put('/devices/d1', {'deviceId': 'd1', 'status': 'disabled'}, {'If-Match': '*'})
    assert mine.take().status == 401


def test_a_module_shows_a_certificate_of_its_own(devhub, pki, own):
    register(devhub, 'd1', 'selfSigned', thumbprint(own), thumbprint(own))
    modules = pki.self_signed('module')
    answer = Service(devhub).put('/devices/d1/modules/m1', {
        'deviceId': 'd1', 'moduleId': 'm1', 'authentication': {
            'type': 'selfSigned', 'x509Thumbprint': {'primaryThumbprint': thumbprint(modules),
                                                     'secondaryThumbprint': thumbprint(modules)}}})
    assert answer.status == 200
    assert Poller(devhub, Device('d1', 'm1'), certificate=modules).take().status == 204
    assert Poller(devhub, Device('d1', 'm1'), certificate=own).take().status == 401
    assert Poller(devhub, Device('d1'), certificate=modules).take().status == 401
