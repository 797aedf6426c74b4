# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer, run as people run it.

    explorer = Explorer(devhub.directory)      # --devhub; Explorer() needs a login of its own
    explorer.run('get', 'd1').stdout           # checked; check=False for what is to fail
    explorer.json('get', 'd1')                 # --json, parsed
    explorer.fails(5, 'get', 'nobody')         # standard error, having looked at the exit code
    with explorer.watch('monitor-events') as watch:  # runs on
        watch.until('reading')                 # a remark on standard error
        watch.line()                           # the next one of standard output
"""

import json
import os
import pathlib
import queue
import signal
import subprocess
import threading

PROGRAM = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build')) / 'src/explorer/hublink-explorer'
OK, FAILED, USAGE, TIMEOUT, REFUSED = 0, 1, 2, 4, 5


class Explorer:
    def __init__(self, devhub=None, env=None, options=(), within=list):
        """within: makes the command line that runs a command where the hub is (Namespace.within)."""
        self.options = [*(['--devhub', str(devhub)] if devhub else []), *options]
        self.within = within
        self.env = {k: v for k, v in os.environ.items() if 'proxy' not in k.lower() and k != 'HUBLINK_LOGIN'}
        self.env.update(env or {})

    def command(self, *words):
        return self.within([PROGRAM.resolve(), *self.options, *map(str, words)])

    def run(self, *words, check=True, stdin='', timeout=50):
        done = subprocess.run(self.command(*words), env=self.env, input=stdin, capture_output=True, text=True,
                              timeout=timeout)
        assert not check or done.returncode == OK, (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *words, **kwargs):
        return json.loads(self.run('--json', *words, **kwargs).stdout)

    def fails(self, code, *words, **kwargs):
        done = self.run(*words, check=False, **kwargs)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert len(done.stderr.splitlines()) >= 1 and 'hublink-explorer: ' in done.stderr, done.stderr
        return done.stderr

    def lines(self, *words, **kwargs):
        """What is printed as NAME VALUE lines."""
        return dict(line.split(None, 1) for line in self.run(*words, **kwargs).stdout.splitlines())

    def watch(self, *words):
        return Watch(self.command(*words), self.env)


class Watch:
    """A command that goes on."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, env=environment, text=True, bufsize=1, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = queue.Queue(), queue.Queue()
        self.said = []
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(pipe, to):
        for line in pipe:
            to.put(line.rstrip('\n'))
        to.put(None)

    def line(self, within=20):
        return self.out.get(timeout=within)

    def lines(self, n, within=20):
        return [self.line(within) for _ in range(n)]

    def until(self, words, within=20):
        """The next remark with these words."""
        while True:
            line = self.err.get(timeout=within)
            assert line is not None, 'it ended, having said: %s' % '\n'.join(self.said)
            self.said.append(line)
            if words in line:
                return line

    def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        return self.end()

    def end(self, within=20):
        """Its exit code; what it said last is in .said."""
        code = self.process.wait(within)
        for reader in self.readers:
            reader.join(10)
        while not self.err.empty():
            line = self.err.get()
            if line is not None:
                self.said.append(line)
        return code

    def rest(self):
        """After the end: the lines that nobody asked for."""
        lines = []
        while not self.out.empty():
            lines.append(self.out.get())
        return [line for line in lines if line is not None]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self.readers:
            reader.join(10)
