# SPDX-License-Identifier: Apache-2.0
"""Files of all kinds, and programs, as sensors of a real daemon: their values on the bus, their loss and return in the log."""

import time

from bus import PrivateBus
from daemon import Daemon

SETTINGS = """
sensors: {
  two:   { driver = "file"; interval = "200ms";
           channels: { a: { path = "%(one)s"; }; b: { path = "%(two)s"; scale = 0.5; unit = "V"; }; }; };
  plant: { driver = "watch"; path = "%(plant)s"; settle = "50ms"; };
  said:  { driver = "program"; command = [ "/bin/echo", "$(id) 17" ]; interval = "200ms";
           channels: { v: { field = 2; }; }; };
  slow:  { driver = "program"; command = [ "/bin/sh", "-c", "echo $$ > %(pid)s; sleep 1000" ]; interval = "200ms";
           timeout = "300ms"; channels: { v: {}; }; };
  board: { driver = "hwmon"; device = "no-such-monitor"; interval = "200ms";
           channels: { heat: { attribute = "temp1_input"; }; }; };
};
"""


def wait_for(holds, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def is_alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def test_each_source_gives_its_values(tmp_path):
    paths = {name: tmp_path / name for name in ('one', 'two', 'plant', 'pid')}
    paths['one'].write_text('3\n')
    paths['two'].write_text('5\n')
    with PrivateBus() as bus, Daemon(tmp_path / 'gateway', bus) as daemon:
        daemon.configure(SETTINGS % paths)
        daemon.start()
        bus.wait_for_name()

        def values(name):
            return {str(k): v for k, v in daemon.sensor(name)['Values'].items()}

        wait_for(lambda: values('two') == {'a': 3, 'b': 2.5}, 'the two files')
        assert daemon.sensor('two')['Units']['b'] == 'V'
        wait_for(lambda: values('said') == {'v': 17}, 'what the program says')
        # lost from the beginning, and there from then on
        wait_for(lambda: daemon.sensor('plant')['State'] == 'failing', 'no file to watch')
        paths['plant'].write_text('{"level": 1}')
        wait_for(lambda: values('plant') == {'level': 1}, 'a file to watch')
        new = tmp_path / 'plant.new'
        new.write_text('{"level": 2}')
        new.rename(paths['plant'])
        wait_for(lambda: values('plant') == {'level': 2}, 'another version')
        # what takes too long is killed, with what it started
        wait_for(lambda: 'did not end within 0.3 s' in daemon.sensor('slow')['LastError'], 'the time limit')
        pids = {int(paths['pid'].read_text())}
        assert 'no-such-monitor' in daemon.sensor('board')['LastError'] or \
            '/sys/class/hwmon' in daemon.sensor('board')['LastError']
        # unplugged, and plugged in again
        paths['two'].rename(tmp_path / 'away')
        wait_for(lambda: daemon.sensor('two')['State'] == 'failing', 'the loss')
        time.sleep(1)
        (tmp_path / 'away').rename(paths['two'])
        wait_for(lambda: daemon.sensor('two')['State'] == 'ok', 'the return')
        assert daemon.stop() == 0
    # one that ran when the daemon was stopped ends with it
    pids.add(int(paths['pid'].read_text()))
    wait_for(lambda: not any(map(is_alive, pids)), 'a program that is still there')
    for name, lines in {'two': 2, 'plant': 2, 'slow': 1, 'board': 1, 'said': 0}.items():
        assert len(daemon.lines('sensor %s:' % name)) == lines, daemon.log()
