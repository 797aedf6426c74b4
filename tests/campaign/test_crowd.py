# SPDX-License-Identifier: Apache-2.0
"""A thousand devices on one devhub, ten messages a second each: none is lost, and memory stays small."""

import json
import os
import pathlib
import resource
import sqlite3
import subprocess

from devhub import devhub  # noqa: F401  (a fixture)

BUILD = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build'))
DEVICES = int(os.environ.get('HUBLINK_CROWD', '1000'))
RATE, SECONDS = 10, int(os.environ.get('HUBLINK_CROWD_SECONDS', '60'))
PSS_MAX_KIB = 300 * 1024


def pss_kib(pid):
    for line in pathlib.Path('/proc/%d/smaps_rollup' % pid).read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1])
    raise AssertionError('no Pss')


def cpu_seconds(pid):
    fields = pathlib.Path('/proc/%d/stat' % pid).read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def test_a_crowd_of_devices(devhub):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))  # inherited by both programs
    devhub.stop()
    devhub.start()
    devices = [devhub.create('crowd-%d' % i) for i in range(DEVICES)]
    lines = ''.join('%s\t%s\t%s\n' % (d.client_id, d.username(), d.token()) for d in devices)
    cpu = cpu_seconds(devhub.process.pid)
    done = subprocess.run([BUILD / 'tests/bench/crowd', '127.0.0.1', str(devhub.port), devhub.host, devhub.ca_file,
                           str(RATE), str(SECONDS)], input=lines, capture_output=True, text=True, timeout=SECONDS + 180)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    figures['cpu_seconds'] = round(cpu_seconds(devhub.process.pid) - cpu, 2)
    figures['pss_kib'] = pss_kib(devhub.process.pid)
    database = sqlite3.connect('file:%s/devhub.db?mode=ro' % devhub.directory, uri=True)
    [(rows, distinct)] = database.execute('SELECT count(*), count(DISTINCT body) FROM events')
    print('crowd:', json.dumps({**figures, 'stored': rows}))
    assert figures['sent'] == figures['acknowledged'] == rows == distinct == DEVICES * RATE * SECONDS
    assert figures['pss_kib'] <= PSS_MAX_KIB
