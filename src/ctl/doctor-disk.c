/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Disk: can the queue be kept where it is to be kept, and does it last?
 */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "ctl/diagnosis.h"
#include "ctl/doctor.h"

#define FILES_MIN 256
#define MIB       (1024 * 1024)

static void look_at_mount(Doctor *d, const char *path)
{
        MountPoint m;

        if (!mount_find(path, &m)) {
                doctor_unseen(d, "mount", "how %s is mounted", path);
                return;
        }
        if (diagnosis_is_memory(&m))
                doctor_tell(d, VERDICT_PROBLEM, "disk-memory",
                            (Advice){"What waits there is lost with the power, and takes memory until then.",
                                     "Set queue.directory to a folder on a disk, or mount one there."},
                            "%s is in memory (%s)", path, m.kind);
        switch (diagnosis_of_mount(&m)) {
        case MOUNT_READ_ONLY:
                doctor_tell(d, VERDICT_PROBLEM, "disk-read-only",
                            (Advice){"Readings are kept in memory only, and few.",
                                     "dmesg tells whether the kernel made it so after an error; then: fsck, or mount "
                                     "-o remount,rw"},
                            "%s is on a file system that is read-only (%s, %s)", path, m.source, m.kind);
                break;
        case MOUNT_SYNC:
                doctor_tell(d, VERDICT_WARNING, "disk-sync",
                            (Advice){"Each small write goes to the disk at once, which is slow and wears flash out; "
                                     "hublinkd makes its writes durable by itself.",
                                     "Take the option sync out of /etc/fstab."},
                            "%s is mounted with the option sync", path);
                break;
        case MOUNT_ATIME:
                doctor_tell(d, VERDICT_WARNING, "disk-atime",
                            (Advice){"Each read writes a time to the disk, which wears flash out.",
                                     "Mount it with noatime."},
                            "%s is mounted with times of access", path);
                break;
        case MOUNT_WELL:
                doctor_well(d, "mount", "%s is on %s (%s)", path, m.source, m.kind);
        }
}

static void look_at_room(Doctor *d, const char *path)
{
        uint64_t least = d->settings ? d->settings->queue.min_free_bytes : 0, room;
        struct statvfs v;

        if (statvfs(path, &v) < 0) {
                doctor_unseen(d, "disk-room", "%s: %s", path, strerror(errno));
                return;
        }
        room = (uint64_t)v.f_bavail * v.f_frsize;
        if (room <= least)
                doctor_tell(d, VERDICT_PROBLEM, "disk-full",
                            (Advice){"The queue does not grow any more: with the link down readings are lost as "
                                     "queue.when_full says.",
                                     "Free some space (du -xh / | sort -h | tail), or lower queue.min_free or "
                                     "queue.max_bytes."},
                            "%" PRIu64 " MiB are free where %s is, and queue.min_free wants %" PRIu64, room / MIB, path,
                            least / MIB);
        else if (v.f_files > 0 && v.f_favail < FILES_MIN)
                doctor_tell(d, VERDICT_PROBLEM, "disk-inodes",
                            (Advice){"Space alone does not do: without an inode no file can be made.",
                                     "Find the folder with too many files: du --inodes -xS / | sort -n | tail"},
                            "only %" PRIu64 " files more can be made where %s is", (uint64_t)v.f_favail, path);
        else
                doctor_well(d, "disk-room", "%" PRIu64 " MiB are free where %s is", room / MIB, path);
}

/* ---- the state folder itself ---- */

static int try_write(const char *folder)
{
        char path[PATH_MAX];
        static const char text[4096];
        int fd, r;

        (void)snprintf(path, sizeof(path), "%s/.doctor-XXXXXX", folder);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write(fd, text, sizeof(text)) != sizeof(text) || fsync(fd) < 0 ? -(errno ?: EIO) : 0;
        (void)unlink(path);
        safe_close(fd);
        return r;
}

static const char *remedy_of(int error)
{
        switch (error) {
        case EROFS:
                return "mount -o remount,rw; dmesg tells whether the kernel made it read-only after an error";
        case ENOSPC:
        case EDQUOT:
                return "Free some space: du -xh / | sort -h | tail";
        default:
                return "chown -R hublink:hublink /var/lib/hublink (or what --state-dir names)";
        }
}

static void look_at_state(Doctor *d)
{
        char path[PATH_MAX];
        struct stat st;
        int r;

        doctor_place(d, d->state_dir, path);
        if (stat(path, &st) < 0) {
                doctor_unseen(d, "state", "%s: %s; the service makes it when it starts", d->state_dir, strerror(errno));
                return;
        }
        if (st.st_mode & 007)
                doctor_tell(d, VERDICT_WARNING, "state-open",
                            (Advice){"Readings and what the cloud said may be nobody else's business.",
                                     "chmod o= /var/lib/hublink (or what --state-dir names)"},
                            "%s is open to everybody (mode %04o)", d->state_dir, (unsigned)(st.st_mode & 07777));
        if (doctor_sees_files_only(d))
                return;
        r = doctor_as_daemon(d, try_write, d->state_dir);
        if (r == -ENOTSUP)
                doctor_unseen(d, "state-write", "whether user hublink can write in %s, only root can look",
                              d->state_dir);
        else if (r < 0)
                doctor_tell(d, VERDICT_PROBLEM, "state-write",
                            (Advice){"Without it readings are kept in memory only, and few.", remedy_of(-r)},
                            "user hublink cannot write in %s: %s", d->state_dir, strerror(-r));
        else
                doctor_well(d, "state-write", "user hublink can write in %s", d->state_dir);
}

/* ---- what the queue found there, and did not take for its own ---- */

/* Lanes, and files in them; inbox and dead letters have theirs in a folder of their own. */
static void look_at_set_aside(Doctor *d, const char *queue)
{
        static const char *const folders[] = {"", "/*", "/*/*"};
        static const char *const kinds[] = {"newer", "foreign", "unread"};
        char pattern[PATH_MAX];
        glob_t found = {};
        int flags = 0;

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                        (void)snprintf(pattern, sizeof(pattern), "%s%s/*-%s-*", queue, folders[i], kinds[k]);
                        (void)glob(pattern, flags, NULL, &found);
                        flags = GLOB_APPEND;
                }
        if (found.gl_pathc > 0)
                doctor_tell(d, VERDICT_WARNING, "queue-set-aside",
                            (Advice){"What waits in it is not sent.",
                                     "The log tells why (journalctl -u hublinkd --grep 'set aside'). What a newer "
                                     "hublink wrote: install that one, stop it, and give its name back to each that "
                                     "has this number. What nobody misses: remove it."},
                            "%s was set aside%s", found.gl_pathv[0],
                            found.gl_pathc > 1 ? ", and it is not the only one" : "");
        globfree(&found);
}

static void look_at_damaged(Doctor *d)
{
        char pattern[PATH_MAX];
        glob_t found = {};

        (void)snprintf(pattern, sizeof(pattern), "%s/*-damaged-*", d->state_dir);
        (void)glob(pattern, 0, NULL, &found);
        if (found.gl_pathc > 0)
                doctor_tell(d, VERDICT_WARNING, "state-set-aside",
                            (Advice){"What was kept in it over a restart was begun anew.",
                                     "The log tells what is not known without it (journalctl -u hublinkd --grep 'set "
                                     "aside'). What nobody misses: remove it."},
                            "%s was set aside%s", found.gl_pathv[0],
                            found.gl_pathc > 1 ? ", and it is not the only one" : "");
        globfree(&found);
}

/* ---- wear ---- */

static void look_at_wear(Doctor *d, const char *path)
{
        _cleanup_free_ char *text = NULL;
        char file[PATH_MAX];
        unsigned percent, disk;
        MountPoint m;

        if (!mount_find(path, &m) || sscanf(m.source, "/dev/mmcblk%u", &disk) != 1)
                return;
        (void)snprintf(file, sizeof(file), "/sys/block/mmcblk%u/device/life_time", disk);
        if (doctor_read(file, &text) < 0 || !diagnosis_of_wear(text, &percent))
                return;
        if (percent >= 90)
                doctor_tell(d, VERDICT_WARNING, "disk-wear",
                            (Advice){"Flash that is worn out turns read-only or loses data.",
                                     "Plan to change it; hublinkctl queue stats tells what the queue writes."},
                            "the eMMC %s says that %u %% of its life are used", m.source, percent);
        else
                doctor_well(d, "disk-wear", "the eMMC says that not more than %u %% of its life are used", percent);
}

static bool is_in(const char *path, const char *folder)
{
        size_t n = strlen(folder);

        return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/* A state folder of another name is somebody's try, and not the unit's. */
void doctor_disk(Doctor *d)
{
        const char *queue = d->settings ? d->settings->queue.directory : d->state_dir;
        char path[PATH_MAX];

        if (strcmp(d->state_dir, SETTINGS_STATE_DIR) == 0 || !is_in(queue, d->state_dir))
                (void)doctor_reaches(d, "queue.directory", queue);
        if (doctor_sees_files_only(d)) {
                doctor_unseen(d, "disk", "left out: mount, room and wear of the disk are those of the tree, not of the "
                                         "machine (--root)");
                look_at_state(d);
                doctor_place(d, queue, path);
                look_at_set_aside(d, path);
                return;
        }
        if (!mount_nearest(queue, path)) {
                if (errno == EACCES && mount_nearest(d->state_dir, path))
                        doctor_unseen(d, "disk", "%s: only root and hublink can look into it", queue);
                else
                        doctor_tell(d, VERDICT_PROBLEM, "disk",
                                    (Advice){"There is no place for the queue.", "Set queue.directory to a folder."},
                                    "%s: %s", queue, strerror(errno));
                look_at_state(d);
                return;
        }
        look_at_mount(d, path);
        look_at_room(d, path);
        look_at_state(d);
        look_at_set_aside(d, queue);
        look_at_damaged(d);
        look_at_wear(d, path);
}
