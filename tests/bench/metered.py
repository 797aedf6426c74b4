# SPDX-License-Identifier: Apache-2.0
"""A file system of its own on a loop device: its counters see nobody else's writes. Needs root.

    with MeteredVolume('/var/tmp') as volume:      # the image lies there: a real disk, so that a flush is a flush
        before = volume.counters()
        ...below volume.path...
        bytes_written, flushes = (b - a for a, b in zip(before, volume.counters()))
"""

import os
import pathlib
import subprocess
import tempfile

SIZE = 2 << 30


class MeteredVolume:
    def __init__(self, directory):
        self.folder = tempfile.TemporaryDirectory(prefix='hublink-bench-', dir=directory)
        self.image = pathlib.Path(self.folder.name, 'image')
        self.path = pathlib.Path(self.folder.name, 'mount')

    def __enter__(self):
        self.path.mkdir()
        with open(self.image, 'wb') as image:
            os.posix_fallocate(image.fileno(), 0, SIZE)
        # nothing left for the kernel to do lazily, in the midst of a measurement
        subprocess.run(['mkfs.ext4', '-qF', '-E', 'lazy_itable_init=0,lazy_journal_init=0', self.image], check=True)
        subprocess.run(['mount', '-o', 'loop', self.image, self.path], check=True)
        number = os.stat(self.path).st_dev
        self.stat = pathlib.Path('/sys/dev/block/%d:%d/stat' % (os.major(number), os.minor(number)))
        return self

    def __exit__(self, *_):
        subprocess.run(['umount', self.path], check=True)
        self.folder.cleanup()

    def forget(self, folder):
        """Of the files in a folder, all of it written, and of the image below them: what the kernel has in memory."""
        for path in [*filter(pathlib.Path.is_file, folder.rglob('*')), self.image]:
            with open(path, 'rb') as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def counters(self, sync=True):
        """(bytes written, flushes) so far, all that was begun included, unless without sync."""
        if sync:
            subprocess.run(['sync', '--file-system', self.path], check=True)
        words = [int(word) for word in self.stat.read_text().split()]
        return words[6] * 512, words[15]
