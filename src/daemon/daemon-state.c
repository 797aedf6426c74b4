/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was kept over the restart, and cannot be read.
 *
 * A file that the system does not give is whole, as far as anybody knows: another user has it, or the disk fails. It is
 * not written over, whatever comes meanwhile, and status says so until the next start finds it readable. One that was
 * read and says nothing is set aside for whoever wants to look at it, and begun anew.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"

int daemon_set_state_aside(Daemon *d, const char *path, const char *why, const char *loss)
{
        _cleanup_free_ char *aside = NULL;
        int r;

        if (asprintf(&aside, "%s-damaged-%08x", path, (unsigned)random_system.draw(random_system.userdata)) < 0) {
                aside = NULL;
                return -ENOMEM;
        }
        r = disk_rename(d->disk, path, aside);
        if (r < 0)
                return r;
        log_line(LOG_WARNING, LOG_ID_STATE_NOT_READ, NULL, "%s is damaged (%s), and set aside as %s: %s.", path, why,
                 aside, loss);
        return 0;
}

static const char *remedy_of(int error)
{
        switch (error) {
        case -EACCES:
        case -EPERM:
                return "chown -R hublink: "; /* the folder */
        case -ELOOP:
                return "put the file itself in its place";
        case -EISDIR:
        case -ENXIO:
                return "remove it";
        default:
                return "check the disk and the kernel's log";
        }
}

static int note_problem(Daemon *d, const char *path, int error)
{
        const char *before = d->state_problem ?: "";
        char *text;

        if (asprintf(&text, "%s%s%s cannot be read (%s): %s%s", before, *before ? "; " : "", path,
                     state_file_why(error), remedy_of(error),
                     error == -EACCES || error == -EPERM ? d->arguments.state_dir : "") < 0)
                return -ENOMEM;
        free(d->state_problem);
        d->state_problem = text;
        return 0;
}

static int withhold(Daemon *d, StateFile *file, const char *path, int error, const char *loss)
{
        state_file_withhold(file, error);
        log_line(LOG_ERR, LOG_ID_STATE_NOT_READ, NULL,
                 "%s cannot be read (%s): it stays as it is, and nothing is stored over it; %s. When it can be read: "
                 "systemctl restart hublinkd.",
                 path, state_file_why(error), loss);
        return note_problem(d, path, error);
}

int daemon_take_unread(Daemon *d, StateFile *file, const char *path, int error, const char *loss)
{
        if (error == -EBADMSG || error == -EFBIG) {
                int aside = daemon_set_state_aside(d, path, strerror(-error), loss);

                if (aside == 0 || aside == -ENOMEM)
                        return aside;
        }
        return withhold(d, file, path, error, loss);
}

int daemon_load_state(Daemon *d, StateFile *file, const char *path, size_t most, const char *loss, Buffer *text)
{
        int r = state_file_load(path, most, text);

        if (r >= 0 || r == -ENOMEM)
                return r;
        buffer_clear(text);
        return daemon_take_unread(d, file, path, r, loss);
}
