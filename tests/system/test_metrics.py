# SPDX-License-Identifier: Apache-2.0
"""Metrics in a file and over a socket, read by a strict reader of our own and by those of Prometheus's own client."""

import os
import pathlib
import re
import resource
import socket
import stat
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_older_text

import open_metrics
from bus import PrivateBus
from daemon import Daemon
from devhub import Devhub
from processor import cpu_seconds

SOURCE = pathlib.Path(os.environ.get('HUBLINK_SOURCE', '.'))
QUESTION = b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'
SETTINGS = '''
hub: { backoff: { first = "100ms"; max = "1s"; }; };
queue: { commit_interval = "50ms"; };
streams: { telemetry: { max_latency = "100ms"; }; };
sensors: { w: { driver = "simulated"; model = "wind"; interval = "1h"; };
           gone: { driver = "file"; path = "/nonexistent/x"; interval = "100ms"; channels: { a: {}; }; }; };
clock: { trust = true; };
'''
METRICS = 'metrics: { file = "%s/m.prom"; listen = "unix:%s/m.sock"; interval = "1s"; };\n'


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(path))
    return s


def hear(s):
    """All that comes, until it is closed."""
    heard = b''
    try:
        while data := s.recv(65536):
            heard += data
    except ConnectionResetError:  # it did not read all that was sent
        pass
    return heard


def ask(path, question=QUESTION):
    """(status, fields, body)"""
    with connect(path) as s:
        s.sendall(question)
        head, _, body = hear(s).partition(b'\r\n\r\n')
    line, *fields = head.decode().split('\r\n')
    return int(line.split()[1]), dict(field.split(': ', 1) for field in fields), body.decode()


def metrics(path):
    return open_metrics.parse(ask(path)[2])


def wait_for(what, holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def daemon(tmp_path):
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS + METRICS % (tmp_path, tmp_path))
        yield daemon


def test_without_being_asked_there_are_none(daemon, tmp_path):
    daemon.configure(SETTINGS).start()
    assert not list(tmp_path.glob('m.*'))
    assert daemon.stop() == 0


def test_the_socket_answers_what_every_reader_takes(daemon, tmp_path):
    daemon.start()
    assert stat.S_IMODE((tmp_path / 'm.sock').stat().st_mode) == 0o660
    status, fields, body = ask(tmp_path / 'm.sock')
    assert status == 200
    assert fields['Content-Type'] == 'application/openmetrics-text; version=1.0.0; charset=utf-8'
    assert int(fields['Content-Length']) == len(body.encode())
    families = open_metrics.parse(body)
    theirs = {family.name: family.type for family in read_open_metrics(body)}
    assert theirs == {name: family.type for name, family in families.items()}
    assert families['hublink_link_state'].type == 'stateset' and families['hublink_build'].type == 'info'
    for name in ('hublink_link_state', 'hublink_link_reason', 'hublink_disk_state'):
        assert sum(families[name].samples.values()) == 1
    assert daemon.stop() == 0
    assert not (tmp_path / 'm.sock').exists()


def test_a_socket_whose_file_was_removed_is_made_anew(daemon, tmp_path):
    daemon.start()
    (tmp_path / 'm.sock').unlink()
    wait_for('it stays deaf', (tmp_path / 'm.sock').exists)
    assert ask(tmp_path / 'm.sock')[0] == 200
    daemon.configure(SETTINGS + METRICS.replace('"1s"', '"1h"') % (tmp_path, tmp_path)).reload()
    (tmp_path / 'm.sock').unlink()
    daemon.reload()
    assert ask(tmp_path / 'm.sock')[0] == 200
    assert len(daemon.lines('was removed or replaced by others')) == 2
    assert daemon.stop() == 0
    assert not (tmp_path / 'm.sock').exists()


def test_the_manual_names_each(daemon, tmp_path):
    daemon.credential('HostName=h.localdomain;DeviceId=d;SharedAccessKey=AAAA')
    daemon.start()
    page = (SOURCE / 'src/daemon/hublinkd.8').read_text().split('.SH METRICS')[1].split('.SH THE JOURNAL')[0]
    entries = re.findall(r'^\.TP\n\.BR? (.*)$', page, re.MULTILINE)
    told = [name for entry in entries for name in re.findall(r'hublink_\w+', entry)]
    assert len(told) == len(set(told))
    never = {'hublink_last_acknowledged_timestamp_seconds'}  # there is no hub
    assert set(told) - never == set(metrics(tmp_path / 'm.sock'))


def test_the_file_is_whole_and_for_everybody(daemon, tmp_path):
    file = tmp_path / 'm.prom'
    old = os.umask(0o077)
    try:
        daemon.start()
    finally:
        os.umask(old)
    wait_for('no file', file.exists)
    inodes = set()
    end = time.monotonic() + 3
    while time.monotonic() < end or len(inodes) < 2:
        with open(file) as f:
            inodes.add(os.fstat(f.fileno()).st_ino)
            assert stat.S_IMODE(os.fstat(f.fileno()).st_mode) == 0o644
            assert time.time() - os.fstat(f.fileno()).st_mtime < 10  # its age is what tells of a crash: hublinkd(8), METRICS
            text = f.read()
        assert re.search(r'\nhublink_orders_malformed_total \d+\n$', text)
        assert time.monotonic() < end + 20
        time.sleep(0.01)
    # node_exporter knows the older format: it takes nothing of a file with a type that it does not know, and looks for a
    # type by the name of the sample
    types = dict(re.findall(r'^# TYPE (\S+) (.*)$', text, re.MULTILINE))
    helped = set(re.findall(r'^# HELP (\S+) .', text, re.MULTILINE))
    samples = set(re.findall(r'^(\w+)', text, re.MULTILINE))
    assert set(types) == helped == samples
    assert all(types[name] == ('counter' if name.endswith('_total') else 'gauge') for name in samples)
    assert {sample.name for family in read_older_text(text) for sample in family.samples} >= {
        'hublink_build_info', 'hublink_records_accepted_total', 'hublink_link_state', 'hublink_queue_bytes'}
    assert daemon.stop() == 0
    assert not list(tmp_path.glob('m.prom*'))  # its numbers would be told for ever


def test_what_is_not_its_own_stays_and_who_was_killed_goes_on(daemon, tmp_path):
    """A crash leaves the file; so does a folder that cannot be written, where somebody else's may be."""
    file = tmp_path / 'm.prom'
    daemon.start()
    wait_for('no file', file.exists)
    daemon.kill()
    assert file.exists()
    (tmp_path / 'm.prom.new').mkdir()  # nothing can be written beside
    daemon.start()
    daemon.wait_for_log('The metrics cannot be written to %s' % file)
    assert daemon.stop() == 0
    assert file.exists()
    (tmp_path / 'm.prom.new').rmdir()
    inode = file.stat().st_ino
    daemon.start()
    wait_for('no other file', lambda: file.stat().st_ino != inode)
    assert daemon.stop() == 0
    assert not file.exists()


def test_the_numbers_are_those_of_the_ledger(daemon, tmp_path):
    path = tmp_path / 'm.sock'
    with Devhub(tmp_path / 'hub') as devhub:
        daemon.hub(devhub, devhub.create('gw'))
        daemon.start()
        daemon.wait_for_link('connected')
        for i in range(5):
            daemon.submit({'v': float(i)}, options={'stream': 'telemetry'})
        ledger = daemon.settle()
        m = metrics(path)
        assert m.value('hublink_records_accepted_total', stream='telemetry') == ledger['accepted'] >= 5
        assert m.value('hublink_records_acknowledged_total', stream='telemetry') == ledger['acknowledged']
        assert m.value('hublink_records_waiting', stream='telemetry') == 0
        assert m.value('hublink_link_state', hublink_link_state='connected') == 1
        assert m.value('hublink_link_connections_total') == 1
        n = len(devhub.events())
        assert m.value('hublink_messages_sent_total') == m.value('hublink_messages_acknowledged_total') == n
        assert m.value('hublink_messages_billed_total') == n  # they are small
        assert m.value('hublink_messages_sent_bytes_total') > 20 * n
        assert m.value('hublink_messages_in_flight') == 0
        assert m.value('hublink_sensor_state', sensor='gone', hublink_sensor_state='failing') == 1
        assert m.value('hublink_sensor_errors_total', sensor='gone', kind='other') >= 1
        assert m.value('hublink_records_refused_total', reason='unreadable') >= 1
        assert abs(m.value('hublink_last_acknowledged_timestamp_seconds') - time.time()) < 60
    daemon.wait_for_link('waiting', 'refused')
    m = metrics(path)
    assert m.value('hublink_link_failures_total', reason='refused') >= 1
    assert m.value('hublink_link_state', hublink_link_state='connected') == 0
    assert daemon.stop() == 0


@pytest.mark.parametrize('question, status', [
    (b'GET / HTTP/1.1\r\n\r\n', 404),
    (b'DELETE /metrics HTTP/1.1\r\n\r\n', 405),
    (b'metrics please\r\n\r\n', 400),
    (b'\0' * 100 + b'\r\n\r\n', 400),
    (b'GET /metrics HTTP/1.1\r\nX: ' + b'x' * 100000, 431),
], ids=['another path', 'another verb', 'no HTTP', 'zeros', 'endless'])
def test_bad_questions(daemon, tmp_path, question, status):
    daemon.start()
    with connect(tmp_path / 'm.sock') as s:
        try:
            s.sendall(question)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert int(hear(s).split()[1]) == status
    assert ask(tmp_path / 'm.sock')[0] == 200


def test_who_dawdles_is_closed(daemon, tmp_path):
    path = tmp_path / 'm.sock'
    daemon.start()
    silent = [connect(path) for _ in range(20)]
    began = time.monotonic()
    for s in silent[:8]:
        assert hear(s) == b''
    assert time.monotonic() - began > 3
    assert ask(path, QUESTION)[0] == 200
    for s in silent:
        s.close()
    with connect(path) as s:  # byte by byte is slow, and allowed
        for byte in QUESTION:
            s.sendall(bytes([byte]))
        assert hear(s).startswith(b'HTTP/1.1 200')
    assert daemon.stop() == 0


def test_without_a_descriptor_for_who_asks_the_loop_does_not_spin(daemon, tmp_path):
    daemon.start()
    pid = daemon.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    open_ones = max(int(name) for name in os.listdir('/proc/%d/fd' % pid))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_ones + 1, limits[1]))
    with connect(tmp_path / 'm.sock') as s, connect(tmp_path / 'm.sock') as other:
        for each in s, other:
            each.sendall(QUESTION)
        before = cpu_seconds(pid)
        time.sleep(1.5)
        assert cpu_seconds(pid) - before < 0.5
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        for each in s, other:
            assert hear(each).startswith(b'HTTP/1.1 200')
    assert daemon.stop() == 0


def test_a_reload_moves_both(daemon, tmp_path):
    daemon.start()
    wait_for('no file', (tmp_path / 'm.prom').exists)
    (tmp_path / 'other').mkdir()
    daemon.configure(SETTINGS + METRICS % (tmp_path / 'other', tmp_path / 'other')).reload()
    wait_for('no other file', (tmp_path / 'other/m.prom').exists)
    assert ask(tmp_path / 'other/m.sock')[0] == 200
    assert not (tmp_path / 'm.sock').exists() and not (tmp_path / 'm.prom').exists()
    daemon.configure(SETTINGS).reload()
    assert not list((tmp_path / 'other').iterdir())
    assert daemon.stop() == 0


def test_what_cannot_be_is_told_once_and_tried_again(daemon, tmp_path):
    folder = tmp_path / 'later'
    daemon.configure(SETTINGS + METRICS % (folder, folder)).start()
    daemon.wait_for_log('The metrics cannot be written to %s/m.prom: No such file or directory' % folder)
    daemon.wait_for_log('The metrics have no socket: the folder of %s/m.sock does not exist' % folder)
    time.sleep(2.5)
    assert len(daemon.lines('The metrics')) == 2
    problem = str(daemon.properties()['MetricsProblem'])
    assert problem == ('%s/m.prom cannot be written: No such file or directory; there is no socket: the folder of %s/m.sock '
                       'does not exist' % (folder, folder))
    daemon.configure(SETTINGS).reload()
    assert str(daemon.properties()['MetricsProblem']) == '', 'none are wanted any more'
    daemon.configure(SETTINGS + METRICS % (folder, folder)).reload()
    wait_for('no problem', lambda: str(daemon.properties()['MetricsProblem']) == problem)
    folder.mkdir()
    daemon.wait_for_log('The metrics are written to')
    wait_for('no socket', (folder / 'm.sock').exists)
    assert ask(folder / 'm.sock')[0] == 200
    wait_for('a problem', lambda: str(daemon.properties()['MetricsProblem']) == '')
    assert daemon.stop() == 0
