# SPDX-License-Identifier: Apache-2.0
"""A tmpfs on a folder: as small as a test wants it, with so many inodes, read-only.

    with Mount(daemon.state, 'size=4m,nr_inodes=100') as mount:
        mount.remount('size=64m')
"""

import subprocess


class Mount:
    """A file system of its own on a folder."""

    def __init__(self, folder, options):
        self.folder = folder
        subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder], check=True)

    def remount(self, options):
        subprocess.run(['mount', '-o', 'remount,' + options, self.folder], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(['umount', '-l', self.folder], check=False)
