/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The system as the doctor sees it: its files below a root, and the user that the daemon runs as.
 */

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/doctor.h"
#include "ctl/root.h"

#define TEXT_MAX (256 * 1024)

bool doctor_sees_files_only(const Doctor *d)
{
        return *d->root;
}

void doctor_place(const Doctor *d, const char *path, char ret[static PATH_MAX])
{
        (void)root_find(d->root, path, ret);
}

char *doctor_path(const Doctor *d, const char *path)
{
        char full[PATH_MAX];

        doctor_place(d, path, full);
        return strdup(full);
}

int doctor_read(const char *path, char **ret)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r = fd < 0 ? -errno : file_read(&b, fd, TEXT_MAX);

        if (r < 0)
                return r;
        *ret = b.size > 0 ? buffer_steal(&b) : strdup("");
        return *ret ? 0 : -ENOMEM;
}

/* ---- the daemon's user and groups ---- */

/* Of a tree of files; else the name service tells. */
static void find_user(const Doctor *d, ServiceUser *ret)
{
        _cleanup_free_ char *path = doctor_path(d, "/etc/passwd");
        FILE *f = path ? fopen(path, "re") : NULL;
        const struct passwd *p = NULL;

        while (f && (p = fgetpwent(f)) && strcmp(p->pw_name, SERVICE_USER) != 0)
                ;
        if (p)
                *ret = (ServiceUser){.known = true, .uid = p->pw_uid, .groups = {p->pw_gid}, .n_groups = 1};
        if (f)
                (void)fclose(f);
}

void doctor_find_user(Doctor *d)
{
        if (*d->root)
                find_user(d, &d->user);
        else
                (void)service_user_find(&d->user);
}

bool doctor_find_group(const Doctor *d, const char *name, gid_t *ret)
{
        _cleanup_free_ char *path = *d->root ? doctor_path(d, "/etc/group") : NULL;
        FILE *f = path ? fopen(path, "re") : NULL;
        struct group *g = *d->root ? NULL : getgrnam(name);

        while (f && (g = fgetgrent(f)) && strcmp(g->gr_name, name) != 0)
                ;
        if (g)
                *ret = g->gr_gid;
        if (f)
                (void)fclose(f);
        return g;
}

bool doctor_is_denied(const Doctor *d, int error)
{
        return (error == -EACCES || error == -EPERM) && geteuid() != 0 &&
               !(d->user.known && geteuid() == d->user.uid);
}

int may_read_write(const char *path)
{
        return access(path, R_OK | W_OK) < 0 ? -errno : 0;
}

int may_run(const char *path)
{
        return access(path, X_OK) < 0 ? -errno : 0;
}

int may_write_in(const char *path)
{
        return access(path, W_OK | X_OK) < 0 ? -errno : 0;
}

int doctor_as_daemon(const Doctor *d, int (*question)(const char *path), const char *path)
{
        return service_user_ask(&d->user, question, path);
}
