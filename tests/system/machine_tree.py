# SPDX-License-Identifier: Apache-2.0
"""A tree of files in the place of what this machine has: its users, units, devices and /sys, where all else is the machine's.

    subprocess.run(in_the_place_of_the_machine(tree, command))      # as root

The folders below are the tree's alone, empty where it has none; of /proc only the files that it has. What is written stays in memory; /tmp and the places of our
programs are the real ones.
"""

import os
import pathlib

from bus import BUILD, SOURCE

PRIVATE_ROOT = pathlib.Path(__file__).resolve().parent / 'private-root'
FILES = 'etc/passwd etc/group'
FOLDERS = ('dev sys run home etc/systemd/system usr/lib/systemd/system usr/local/lib/systemd/system usr/share/dbus-1/system.d '
           'usr/share/polkit-1 usr/lib/polkit-1 usr/share/hublink')

# In: the tree, a folder, files, folders, those of ours, the command.
SCRIPT = r'''
tree=$1 top=$2 files=$3 folders=$4 ours=$5
shift 5
mount -t tmpfs none "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay -o lowerdir=/,upperdir="$top/upper",workdir="$top/work" overlay "$top/root"
root=$top/root
for folder in proc tmp $ours; do
  mkdir -p "$root/$folder"
  mount --rbind "/$folder" "$root/$folder"
done
for folder in $folders; do
  mkdir -p "$tree/$folder" "$root/$folder"
  mount --bind "$tree/$folder" "$root/$folder"
done
for file in $files; do mount --bind "$tree/$file" "$root/$file"; done
mount --bind /etc/hosts "$root/etc/hosts"
if [ -d "$tree/proc" ]; then
  for file in $(cd "$tree" && find proc -type f); do mount --bind "$tree/$file" "$root/$file"; done
fi
for device in null urandom; do
  touch "$tree/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
exec chroot "$root" sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
'''


def in_the_place_of_the_machine(tree, command):
    top = pathlib.Path(tree).parent / 'machine'
    top.mkdir(exist_ok=True)
    ours = ' '.join(str(path.resolve()).lstrip('/') for path in (SOURCE, BUILD))
    return [PRIVATE_ROOT, '--', 'sh', '-ec', SCRIPT, 'sh', os.path.abspath(tree), top, FILES, FOLDERS, ours, *command]
