# SPDX-License-Identifier: Apache-2.0
"""hublink-explorer, run as people run it.

    explorer = Explorer(devhub.directory)      # --devhub; Explorer() needs a login of its own
    explorer.run('get', 'd1').stdout           # checked; check=False for what is to fail
    explorer.json('get', 'd1')                 # --json, parsed
    explorer.fails(5, 'get', 'nobody')         # standard error, having looked at the exit code
"""

import json
import os
import pathlib
import subprocess

PROGRAM = pathlib.Path(os.environ.get('HUBLINK_BUILD', 'build')) / 'src/explorer/hublink-explorer'
OK, FAILED, USAGE, TIMEOUT, REFUSED = 0, 1, 2, 4, 5


class Explorer:
    def __init__(self, devhub=None, env=None):
        self.options = ['--devhub', str(devhub)] if devhub else []
        self.env = {k: v for k, v in os.environ.items() if 'proxy' not in k.lower() and k != 'HUBLINK_LOGIN'}
        self.env.update(env or {})

    def run(self, *words, check=True, stdin='', timeout=50):
        done = subprocess.run([PROGRAM, *self.options, *map(str, words)], env=self.env, input=stdin,
                              capture_output=True, text=True, timeout=timeout)
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
