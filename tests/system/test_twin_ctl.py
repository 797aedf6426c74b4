# SPDX-License-Identifier: Apache-2.0
"""hublinkctl twin: how it stands, what is desired and reported, live."""

import json
import subprocess

from bus import BUILD, As
from gateway_twin import Reporter, desire, devhub, facts, gateway, until  # noqa: F401


def ctl(gateway, *words, stdin='', who=()):
    return subprocess.run([*who, str(BUILD / 'src/ctl/hublinkctl'), '--bus', gateway.bus.address, *words], input=stdin,
                          capture_output=True, text=True, timeout=30)


def test_hublinkctl_shows_and_reports(gateway):
    desire(gateway, {'valve': {'open': True}})
    until(lambda: Reporter(gateway.bus).desired('valve') == {'open': True})
    assert ctl(gateway, 'twin', 'report', 'valve', '{"flow": 1.50}').returncode == 0
    assert ctl(gateway, 'twin', 'report', '', '-', stdin='{"plain": 7}\n').returncode == 0
    done = ctl(gateway, '--json', 'twin', 'get', 'valve')
    assert done.stdout == '{"desired":{"open":true},"reported":{"flow":1.50,"__t":"c"}}\n'
    everything = json.loads(ctl(gateway, 'twin', 'get', '--json').stdout)
    assert everything['reported']['plain'] == 7 and everything['desired'] == {'valve': {'open': True}}
    text = ctl(gateway, 'twin', 'get', 'valve').stdout
    assert text.startswith('desired: {') and '"open": true' in text and 'reported: {' in text

    until(lambda: facts(gateway)['PendingBytes'] == 0, 30)
    state = json.loads(ctl(gateway, 'twin', '--json').stdout)
    assert state['known'] and state['desired_version'] == 2 and state['refused'] == 0 and state['last_error'] == ''
    assert state['owners'] == {'valve': 'root', 'plain': 'root'}
    text = ctl(gateway, 'twin').stdout
    assert 'desired   version 2, last changed' in text and 'nothing to be reported' in text
    assert '\nowners    valve root, plain root\n' in text

    for words, code, said in ((('report', 'settings', '{"x":1}'), 1, "daemon's own"), (('report', 'x', '[]'), 1, 'no object'),
                              (('report', 'x'), 2, 'usage'), (('get', 'a', 'b'), 2, 'usage'), (('gat',), 2, 'usage'),
                              (('--for', '1s'), 2, '--watch'), (('--odd',), 2, 'not understood')):
        done = ctl(gateway, 'twin', *words)
        assert done.returncode == code and said in done.stderr, (words, done)
    done = ctl(gateway, 'twin', 'report', 'x', '{}', who=As.NOBODY)
    assert done.returncode == 1 and 'not allowed' in done.stderr


def test_hublinkctl_watches(gateway):
    watch = subprocess.Popen([str(BUILD / 'src/ctl/hublinkctl'), '--bus', gateway.bus.address, '--json', 'twin', 'get', 'a',
                              '--watch'], stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(watch.stdout.readline()) == {'desired': {}, 'reported': {}}
        desire(gateway, {'b': 1})
        desire(gateway, {'a': {'x': 1}})
        assert json.loads(watch.stdout.readline()) == {'section': 'a', 'desired': {'x': 1}, 'version': 3}
    finally:
        watch.terminate()
    assert watch.wait(10) == 0
    watch.stdout.close()
    assert ctl(gateway, 'twin', '--watch', '--for', '300ms').returncode == 0
