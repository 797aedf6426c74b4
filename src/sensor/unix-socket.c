/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/unix-socket.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sensor/sandbox.h"

#define MODE    0660
#define BACKLOG 64

bool unix_socket_path_fits(const char *path)
{
        return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static int fail(char error[static SENSOR_ERROR_MAX], const char *fmt, ...) _printf_(2, 3);
static int fail(char error[static SENSOR_ERROR_MAX], const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(error, SENSOR_ERROR_MAX, fmt, ap);
        va_end(ap);
        return SENSOR_E_FAILED;
}

/* Whoever answers at the path lives. ECONNREFUSED alone says that nobody does. */
static int remove_stale(int type, const struct sockaddr_un *address, char error[static SENSOR_ERROR_MAX])
{
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (lstat(address->sun_path, &st) < 0)
                return 0; /* whatever it is, bind() will say it better */
        if (!S_ISSOCK(st.st_mode))
                return fail(error, "%s is there and is no socket: it is not replaced", address->sun_path);
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return fail(error, "cannot make a socket: %s", strerrordesc_np(errno));
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED)
                return fail(error, "another program listens on %s: is a second hublinkd running?", address->sun_path);
        if (unlink(address->sun_path) < 0)
                return fail(error, "cannot remove the old socket %s: %s", address->sun_path, strerrordesc_np(errno));
        return 0;
}

static int find_group(const char *group, gid_t *ret, char error[static SENSOR_ERROR_MAX])
{
        struct group entry, *found = NULL;
        char room[16384];

        if (getgrnam_r(group, &entry, room, sizeof(room), &found) != 0 || !found)
                return fail(error, "there is no group \"%s\" on this system", group);
        *ret = entry.gr_gid;
        return 0;
}

static int bind_file(UnixSocket *s, const struct sockaddr_un *address, char error[static SENSOR_ERROR_MAX])
{
        /* The file gets its mode from the socket, so that at no instant it is open to more. */
        (void)fchmod(s->fd, MODE);
        if (bind(s->fd, (const struct sockaddr *)address, sizeof(*address)) >= 0)
                return 0;
        switch (errno) {
        case ENOENT:
        case ENOTDIR:
                return fail(error, "the folder of %s does not exist", address->sun_path);
        case EACCES:
        case EPERM:
        case EROFS:
                return fail(error, "%s cannot be made (%s): use a folder that belongs to this service, such as "
                            "/run/hublink", address->sun_path, strerrordesc_np(errno));
        default:
                return fail(error, "cannot listen on %s: %s", address->sun_path, strerrordesc_np(errno));
        }
}

static int give_to_group(const char *path, gid_t gid, char error[static SENSOR_ERROR_MAX])
{
        if (gid != (gid_t)-1 && lchown(path, (uid_t)-1, gid) < 0)
                return fail(error, "%s cannot be given to its group: %s; %s", path, strerrordesc_np(errno),
                            sandbox_hides_users(NULL) ? "hublinkctl setup --enable users"
                                                      : "is this service a member of it?");
        /* The umask may have taken the group's bits. */
        if (chmod(path, MODE) < 0)
                return fail(error, "cannot set the mode of %s: %s", path, strerrordesc_np(errno));
        return 0;
}

static int remember_file(UnixSocket *s, const char *path)
{
        struct stat st;

        if (lstat(path, &st) < 0)
                return -errno;
        s->path = strdup(path);
        if (!s->path)
                return -ENOMEM;
        s->device = st.st_dev;
        s->inode = st.st_ino;
        return 0;
}

int unix_socket_open(UnixSocket *ret, int type, const char *path, const char *group,
                     char error[static SENSOR_ERROR_MAX])
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        UnixSocket s = UNIX_SOCKET_NULL;
        gid_t gid = (gid_t)-1;
        int r = 0;

        if (!unix_socket_path_fits(path))
                return fail(error, "%s is too long for a socket", path);
        strcpy(address.sun_path, path);
        if (group)
                r = find_group(group, &gid, error);
        if (r == 0)
                r = remove_stale(type, &address, error);
        if (r != 0)
                return r;
        s.fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s.fd < 0)
                return fail(error, "cannot make a socket: %s", strerrordesc_np(errno));
        r = bind_file(&s, &address, error);
        if (r == 0)
                r = remember_file(&s, path);
        if (r == 0)
                r = give_to_group(path, gid, error);
        if (r == 0 && type != SOCK_DGRAM && listen(s.fd, BACKLOG) < 0)
                r = fail(error, "cannot listen on %s: %s", path, strerrordesc_np(errno));
        if (r != 0) {
                unix_socket_done(&s);
                return r;
        }
        *ret = s;
        return 0;
}

bool unix_socket_is_there(const UnixSocket *s)
{
        struct stat st;

        if (!s->path)
                return true;
        if (lstat(s->path, &st) < 0)
                return errno != ENOENT && errno != ENOTDIR;
        return st.st_dev == s->device && st.st_ino == s->inode;
}

void unix_socket_done(UnixSocket *s)
{
        struct stat st;

        if (s->path && lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
                (void)unlink(s->path);
        free(s->path);
        safe_close(s->fd);
        *s = UNIX_SOCKET_NULL;
}
