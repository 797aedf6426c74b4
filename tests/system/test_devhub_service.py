# SPDX-License-Identifier: Apache-2.0
"""hublink-devhub as a service: tells the service manager when it listens, and root's commands leave its files its own."""

import os
import pathlib
import shutil
import socket
import tempfile

import pytest

from devhub import Devhub

USER = 65534


@pytest.fixture
def folder():
    """That of another user; pytest's own are for root alone."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='hublink-devhub-'))
    os.chown(path, USER, USER)
    yield path
    shutil.rmtree(path)


def as_service(command):
    return ['setpriv', '--reuid=%d' % USER, '--regid=%d' % USER, '--clear-groups', *command]


def heard(manager):
    manager.settimeout(20)
    return manager.recv(4096).decode().splitlines()


def test_the_service_manager_hears_when_it_listens(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / 'manager'))
        monkeypatch.setenv('NOTIFY_SOCKET', str(tmp_path / 'manager'))
        with Devhub(tmp_path / 'hub') as hub:
            ready, status = heard(manager)
            assert ready == 'READY=1'
            assert status.startswith('STATUS=') and 'MQTT %d, HTTPS %d' % (hub.port, hub.https_port) in status
            assert hub.stop() == 0
            assert heard(manager) == ['STOPPING=1']


def test_what_root_makes_in_its_folder_is_the_services(folder):
    hub = Devhub(folder, within=as_service)
    with open(hub.log, 'wb'):
        pass
    with hub:
        hub.create('d1')
        hub.run('fault', 'set', 'cert-new-ca')
        hub.stop()
        # all that is there afterwards root has made
        hub.run('reset', '--all', '--yes')
        (folder / 'lock').unlink()
        hub.run('seed', pathlib.Path(__file__).parents[2] / 'conf/examples/fleet.json')
        hub.run('reset', '--yes')
        assert {path.name: path.stat().st_uid for path in folder.iterdir() if path != hub.log} == {
            'devhub.db': USER, 'lock': USER}
        hub.start()
        with hub.client(hub.create('d1')) as client:
            client.publish('devices/d1/messages/events/', b'1')
        assert len(hub.events(count=1)) == 1
        assert hub.stop() == 0
