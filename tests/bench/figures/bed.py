# SPDX-License-Identifier: Apache-2.0
"""What contenders run on: a file system of their own, a hub in memory, a processor each.

The hub gets the first processor, contenders the last: so that neither waits for the other's time slice, and both sides
of a comparison have the same.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from devhub import Devhub
from metered import MeteredVolume

BUILD = pathlib.Path(os.environ['HUBLINK_BUILD'])
PROGRAMS = BUILD / 'tests/bench'
SAMPLE_SIZE = 200
CPUS = sorted(os.sched_getaffinity(0))

RATE, CPU, PSS = 'samples/s', 'CPU s per million', 'PSS MiB'
WRITTEN, FLUSHES = 'device bytes per payload byte', 'flushes per commit'


def pinned(command, cpu):
    return ['taskset', '--cpu-list', str(cpu), *(str(word) for word in command)]


class Bed:
    def __init__(self, options, stack):
        self.options = options
        self.stack = stack
        self.volume = self.new_volume()
        self.memory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir='/dev/shm')))

    def new_volume(self):
        return self.stack.enter_context(MeteredVolume(self.options.dir))

    @contextlib.contextmanager
    def hub(self):
        """A new one: it holds nothing yet."""
        with tempfile.TemporaryDirectory(dir=self.memory) as folder, \
                Devhub(folder, within=lambda command: pinned(command, CPUS[0])) as hub:
            yield hub

    def folder(self, name):
        """Of a contender's, on the volume; there from the first round on."""
        path = self.volume.path / name
        path.mkdir(exist_ok=True)
        return path

    def fill(self, name, samples):
        """A folder with a queue of so many readings, made once."""
        if not (self.volume.path / name).exists():
            self.run('road', 'fill', self.folder(name), samples)

    def copy(self, name):
        """Of such a folder: what is done with it stays there until the next copy."""
        path = self.volume.path / (name + ', a copy')
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.volume.path / name, path)
        return path

    def has(self, program):
        return (PROGRAMS / program).exists()

    def run(self, program, *words, volume=None):
        """Its figures."""
        volume = volume or self.volume
        before = volume.counters()
        done = subprocess.run(pinned([PROGRAMS / program, *words], CPUS[-1]), capture_output=True, text=True,
                              timeout=1800, check=False)
        if done.returncode != 0:
            sys.exit('compare: %s failed: %s' % (program, done.stderr.strip()[-500:]))
        written, flushes = (b - a for a, b in zip(before, volume.counters()))
        return figures(json.loads(done.stdout.splitlines()[-1]), written, flushes)

    def watch(self, command, volume):
        """What the disk does between a program's words "opened" and its figures: not when it opens, nor closes."""
        words = pinned([PROGRAMS / command[0], *command[1:]], CPUS[-1])
        with subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            before = volume.counters()
            process.stdin.write('\n')
            process.stdin.flush()
            result = json.loads(process.stdout.readline())
            written, flushes = (b - a for a, b in zip(before, volume.counters(sync=False)))
            process.stdin.close()
        return {WRITTEN: written / (result['samples'] * SAMPLE_SIZE), FLUSHES: flushes / result['commits']}


def figures(result, written, flushes):
    n = result['samples']
    out = {
        RATE: n / result['seconds'],
        CPU: result['cpu_seconds'] * 1e6 / n,
        PSS: result['pss_kib'] / 1024,
    }
    if written > 0:
        out[WRITTEN] = written / (n * SAMPLE_SIZE)
    if result['commits'] > 0:
        out[FLUSHES] = flushes / result['commits']
    return out


def credential(folder, device):
    """A file with the device's connection string."""
    path = pathlib.Path(folder, device.id + '.cs')
    path.touch(mode=0o600)
    path.write_text(device.connection_string + '\n')
    return path


def three_lines(folder, device):
    """A file with client id, user name and password, for those who know no connection strings."""
    path = pathlib.Path(folder, device.id + '.login')
    path.touch(mode=0o600)
    path.write_text('\n'.join((device.client_id, device.username(), device.token(), '')))
    return path
