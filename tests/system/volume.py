# SPDX-License-Identifier: Apache-2.0
"""A small disk of its own, an ext4 file system in a file, which can be made to stall, and to break.

    with Volume(tmp_path / 'disk', daemon.state) as volume:   # mounted there, for those within only
        daemon.within = volume.within
        daemon.start()
        volume.freeze()     # whoever writes or syncs waits, as on a disk that does not answer
        volume.thaw()
        volume.fail()       # the kernel finds an error in it: read-only, until it is unmounted and repaired

Nobody outside sees it. It thaws by itself when the test that froze it dies: nothing is left that cannot be killed.
"""

import os
import pathlib
import subprocess

PRIVATE_ROOT = pathlib.Path(__file__).parent / 'private-root'

KEEPER = '''
mount -o loop "$1" "$2" || { echo no; exit 1; }
echo ready
while read -r word; do
  case $word in
  fail) echo 1 > "/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$2")")/trigger_fs_error" ;;
  *) fsfreeze "--$word" "$2" ;;
  esac && echo done || echo failed
done
fsfreeze --unfreeze "$2" 2>/dev/null
umount "$2" || umount -l "$2"
'''


class Unavailable(Exception):
    """This machine has no loop device, or may not mount."""


class Volume:
    def __init__(self, image, folder, mebibytes=64):
        """The image is made; one that is there is repaired."""
        if os.path.exists(image):
            assert subprocess.run(['e2fsck', '-fy', image], stdout=subprocess.DEVNULL, check=False).returncode <= 1
        else:
            with open(image, 'wb') as file:
                file.truncate(mebibytes << 20)
            subprocess.run(['mkfs.ext4', '-q', '-F', '-e', 'remount-ro', image], check=True)
        self.keeper = subprocess.Popen([PRIVATE_ROOT, '--', 'sh', '-c', KEEPER, 'sh', image, folder],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.keeper.stdout.readline() != 'ready\n':
            self.close()
            raise Unavailable('no ext4 file system could be mounted from a file')

    def within(self, command):
        """The command line that runs the command where the volume is."""
        return ['nsenter', '--target', str(self.keeper.pid), '--mount', '--root', '--wdns=' + os.getcwd(), '--',
                *map(str, command)]

    def _ask(self, word):
        self.keeper.stdin.write(word + '\n')
        self.keeper.stdin.flush()
        assert self.keeper.stdout.readline() == 'done\n', word

    def freeze(self):
        self._ask('freeze')

    def thaw(self):
        self._ask('unfreeze')

    def fail(self):
        self._ask('fail')

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait(20)
        self.keeper.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
