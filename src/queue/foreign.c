/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

bool foreign_is(int error)
{
        switch (error) {
        case -EISDIR:
        case -ENOTDIR:
        case -ELOOP:
        case -ENXIO:
        case -EACCES:
        case -EPERM:
                return true;
        default:
                return false;
        }
}

const char *foreign_what(int error)
{
        switch (error) {
        case -EISDIR:
                return "is a directory, where a file of the queue should be: remove it, if you do not know it";
        case -ENOTDIR:
                return "is no directory, as the queue needs one here: remove it, if you do not know it";
        case -ELOOP:
                return "is a symbolic link, which is not followed: remove it";
        case -EACCES:
        case -EPERM:
                return "belongs to another user: give it to the user that hublinkd runs as";
        default:
                return "is no file (a pipe, a socket or a device): remove it, if you do not know it";
        }
}

bool foreign_is_withheld(int error)
{
        return error == -EACCES || error == -EPERM;
}

/* Both names at any length: the remedy is at the end. */
void foreign_withheld_reason(char reason[static LANE_REASON_MAX], const char *path, const char *directory)
{
        (void)snprintf(reason, LANE_REASON_MAX, "%.200s belongs to another user: chown -R hublink: %.200s", path,
                       directory);
}

void foreign_note(LaneFound *found, const char *path, const char *what)
{
        if (found->n_notes < LANE_NOTES)
                (void)snprintf(found->notes[found->n_notes], LANE_NOTE_MAX, "%s: %s", path, what);
        found->n_notes++;
}

int foreign_put_aside(Disk *disk, LaneFound *found, const char *path, const char *kind, unsigned number,
                      const char *what)
{
        _cleanup_free_ char *aside = NULL, *text = NULL;
        int r;

        if (asprintf(&aside, "%s-%s-%08x", path, kind, number) < 0) {
                aside = NULL;
                return -ENOMEM;
        }
        r = disk_rename(disk, path, aside);
        if (r < 0)
                return r;
        if (asprintf(&text, "%s; set aside as %s", what, aside) < 0) {
                text = NULL;
                return 0;
        }
        foreign_note(found, path, text);
        return 0;
}

int foreign_set_aside(Search *o, const char *path, const char *kind, const char *what)
{
        const Random *random = o->lane->host->random;

        return foreign_put_aside(o->disk, o->found, path, kind, (unsigned)random->draw(random->userdata), what);
}

int foreign_open(Disk *disk, const char *path, int flags)
{
        int fd = disk_open(disk, path, flags | O_NOFOLLOW | O_NONBLOCK); /* of a pipe nobody holds the other end */
        int64_t size = fd < 0 ? 0 : disk_size(disk, fd);

        if (size < 0) {
                disk_close(disk, fd);
                return (int)size;
        }
        return fd;
}
