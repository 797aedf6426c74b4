# SPDX-License-Identifier: Apache-2.0
"""hublinkctl setup: which credential is kept is decided by which has connected, not by the link of the moment."""

import json
import re
import time

import pytest

from daemon import Daemon
from devhub import devhub  # noqa: F401
from test_setup import CS, CTL, DPS, SECRET, bus, connect, gateway, kept, machine, set_up  # noqa: F401

ID = re.compile('^Environment=HUBLINK_CREDENTIAL_ID=([0-9a-f]{32})$', re.M)


def wrong(text, key='d3Jvbmcta2V5'):
    return SECRET.sub('SharedAccessKey=' + key, text)


def stored(machine):  # noqa: F811
    """Without what is kept beside."""
    return {path: text for path, text in kept(machine).items() if 'earlier/' not in path}


def aside(machine):  # noqa: F811
    return {path for path in kept(machine) if 'earlier/' in path}


def wait_until_known(machine, gateway):  # noqa: F811
    """That what is stored has connected is on the disk."""
    gateway.wait_for_link('connected')
    name = ID.search((machine.dropins / 'credential.conf').read_text())[1]
    file, deadline = gateway.state / 'connected', time.monotonic() + 20
    while not file.exists() or file.read_text() != name:
        assert time.monotonic() < deadline, gateway.log()
        time.sleep(0.05)


def connect_later(machine, bus, gateway, devhub, text):  # noqa: F811
    """What is stored while the hub is away connects by itself, with no setup that looks."""
    devhub.stop()
    result = set_up(machine, bus, *CS, '--no-start', stdin=text)
    assert result.returncode == 0, result
    machine.start_unit(gateway, restart=True)
    devhub.start()
    reconnect(machine, bus)
    wait_until_known(machine, gateway)


def reconnect(machine, bus):  # noqa: F811
    machine.run([CTL, '--bus', bus.address, 'reconnect'])


def advice_on_link(machine, bus):  # noqa: F811
    found = json.loads(machine.run([CTL, '--bus', bus.address, '--json', 'doctor', '--offline']).stdout)['findings']
    return [f['do'] for f in found if f['id'] == 'link'][0]


def test_what_was_never_tried_takes_no_place(machine, bus, gateway, devhub):  # noqa: F811
    """The link that is up meanwhile is that of the first one."""
    text = devhub.create('gw').connection_string
    before = connect(machine, bus, gateway, devhub, text)
    for key in ('d3Jvbmcta2V5', 'd3Jvbmcta2V6'):
        assert set_up(machine, bus, *CS, '--no-start', stdin=wrong(text, key)).returncode == 0
    machine.start_unit(gateway, restart=True)
    gateway.wait_for_link('waiting', 'credential')
    back = set_up(machine, bus, '--back')
    assert back.returncode == 0 and 'Connected to' in back.stdout, back
    assert kept(machine) == before


def test_what_connected_by_itself_is_kept(machine, bus, gateway, devhub):  # noqa: F811
    """... and put back, although nobody looked when it did, and it has no link now."""
    connect(machine, bus, gateway, devhub)
    connect_later(machine, bus, gateway, devhub, devhub.create('gw2').connection_string)
    second = stored(machine)
    devhub.stop()
    machine.start_unit(gateway, restart=True)
    bus.wait_for_name()
    assert aside(machine) and 'setup --back' not in advice_on_link(machine, bus), 'the hub is away, for any of them'
    result = set_up(machine, bus, *DPS, '--timeout', '1s', stdin='d3Jvbmcta2V5')
    assert result.returncode == 4 and 'in its place again' in result.stderr and '--no-start' in result.stderr, result
    assert kept(machine) == second


def test_a_typing_error_right_after_a_restart(machine, bus, gateway, devhub):  # noqa: F811
    """What has connected once is not given up because it is about to connect again."""
    before = connect(machine, bus, gateway, devhub)
    wait_until_known(machine, gateway)
    devhub.stop()
    for _ in range(2):
        machine.start_unit(gateway, restart=True)
        result = set_up(machine, bus, *DPS, '--timeout', '1s', stdin='d3Jvbmcta2V5')
        assert result.returncode == 4 and 'stays stored' not in result.stdout, result
        assert kept(machine) == before


def test_what_the_hub_refuses_by_now_makes_way(machine, bus, gateway, devhub):  # noqa: F811
    connect(machine, bus, gateway, devhub)
    wait_until_known(machine, gateway)
    devhub.run('device', 'delete', 'gw')
    machine.start_unit(gateway, restart=True)
    gateway.wait_for_link('waiting', 'credential')
    result = set_up(machine, bus, *DPS, '--timeout', '1s', stdin='d3Jvbmcta2V5')
    assert result.returncode == 4 and 'stays stored' in result.stdout and aside(machine), result


@pytest.mark.parametrize('deleted', [True, False])
def test_back_from_what_has_connected(machine, bus, gateway, devhub, deleted):  # noqa: F811
    """It is asked for, and undone where the earlier one does not connect any more."""
    before = connect(machine, bus, gateway, devhub)
    connect_later(machine, bus, gateway, devhub, devhub.create('gw2').connection_string)
    second = kept(machine)
    if deleted:
        devhub.run('device', 'delete', 'gw')
    back = set_up(machine, bus, '--back')
    assert back.returncode == 1 and '--yes' in back.stderr and kept(machine) == second, back
    back = set_up(machine, bus, '--back', '--yes')
    if deleted:
        assert back.returncode == 1 and 'The credential that was stored is in its place again' in back.stderr, back
        assert kept(machine) == second
        wait_until_known(machine, gateway)
    else:
        assert back.returncode == 0 and kept(machine) == before, back


def test_back_and_forth_unasked(machine, bus, gateway, devhub):  # noqa: F811
    """What has not connected is kept too, but is nothing to ask about."""
    first = connect(machine, bus, gateway, devhub)
    wait_until_known(machine, gateway)
    assert set_up(machine, bus, *DPS, '--no-start', stdin='d3Jvbmcta2V5').returncode == 0
    second = stored(machine)
    assert set_up(machine, bus, '--back', '--no-start').returncode == 0
    assert stored(machine) == first
    assert set_up(machine, bus, '--back', '--no-start', '--yes').returncode == 0
    assert stored(machine) == second and aside(machine)


def test_what_hublinkd_writes_of_it(machine, bus, gateway, devhub):  # noqa: F811
    """Once for each credential, and nothing of one that no setup stored."""
    text = devhub.create('gw').connection_string
    connect(machine, bus, gateway, devhub, text)
    wait_until_known(machine, gateway)
    file = gateway.state / 'connected'
    before = file.stat()
    machine.start_unit(gateway, restart=True)
    wait_until_known(machine, gateway)
    gateway.stop()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_of_the_settings_has_no_id(tmp_path, bus, devhub):  # noqa: F811
    with Daemon(tmp_path / 'd', bus, environment={'HUBLINK_CREDENTIAL_ID': '0' * 32}) as daemon:
        daemon.hub(devhub, devhub.create('gw'))
        daemon.start()
        daemon.wait_for_link('connected')
        daemon.submit({'n': 1})
        daemon.stop()
        assert not (daemon.state / 'connected').exists()
