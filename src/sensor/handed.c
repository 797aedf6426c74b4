/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/buffer.h"

#define NAME_MAX_BYTES 255

bool handed_name_is_valid(const char *name)
{
        size_t n = strlen(name);

        for (const char *p = name; *p; p++)
                if (*p < 0x20 || *p > 0x7e || *p == ':')
                        return false;
        return n > 0 && n <= NAME_MAX_BYTES;
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

/* ---- which one ---- */

static int fail_none(char *const *names, const char *name, char error[static SENSOR_ERROR_MAX])
{
        _cleanup_free_ char *others = NULL;
        Buffer b = BUFFER_NULL;

        if (!names || !names[0])
                return fail(error,
                            "systemd handed over no socket \"%.80s\", nor any other: start its unit before hublinkd "
                            "(systemctl stop hublinkd; systemctl enable --now UNIT.socket; systemctl start hublinkd), "
                            "with Service=hublinkd.service in it", name);
        for (size_t i = 0; names[i]; i++)
                buffer_printf(&b, "%s\"%s\"", i > 0 ? ", " : "", names[i]);
        others = buffer_steal(&b);
        return fail(error, "systemd handed over no socket \"%.80s\", but %.100s: FileDescriptorName= in a unit is the "
                           "name",
                    name, others ?: "others");
}

int handed_pick(char *const *names, const char *name, size_t *ret, char error[static SENSOR_ERROR_MAX])
{
        size_t n = 0;

        for (size_t i = 0; names && names[i]; i++)
                if (strcmp(names[i], name) == 0 && n++ == 0)
                        *ret = i;
        if (n == 0)
                return fail_none(names, name, error);
        if (n > 1)
                return fail(error,
                            "systemd handed over %zu sockets \"%.80s\": one Listen line a unit, or each unit with a "
                            "FileDescriptorName= of its own", n, name);
        return 0;
}

/* ---- what it is ---- */

static int option(int fd, int name)
{
        socklen_t size;
        int value;

        size = sizeof(value);
        return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

int handed_look(int fd, const char *name, Handed *ret, char error[static SENSOR_ERROR_MAX])
{
        Handed h = {fd, option(fd, SO_DOMAIN), option(fd, SO_TYPE)};
        bool listens = option(fd, SO_ACCEPTCONN) > 0;

        if (h.type < 0)
                return fail(error, "what systemd handed over as \"%.80s\" is no socket: its unit wants "
                                   "ListenDatagram=, "
                            "ListenStream= or ListenSequentialPacket=", name);
        if ((h.family != AF_UNIX && h.family != AF_INET && h.family != AF_INET6) ||
            (h.type != SOCK_DGRAM && h.type != SOCK_STREAM && (h.type != SOCK_SEQPACKET || h.family != AF_UNIX)))
                return fail(error, "the socket \"%.80s\" that systemd handed over is of a kind that sensors do not "
                                   "have: "
                            "it takes a unix socket, TCP or UDP", name);
        if (h.type != SOCK_DGRAM && !listens)
                return fail(error, "the socket \"%.80s\" that systemd handed over is one connection: its unit must not "
                            "say Accept=yes", name);
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
                return -errno;
        *ret = h;
        return 0;
}

static char **names_free(char **names)
{
        for (size_t i = 0; names && names[i]; i++)
                free(names[i]);
        free(names);
        return NULL;
}
DEFINE_CLEANUP(char **, names_free);

int handed_find(const char *name, Handed *ret, char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(names_freep) char **names = NULL;
        size_t i;
        int r = sd_listen_fds_with_names(false, &names);

        if (r < 0)
                return r;
        r = handed_pick(names, name, &i, error);
        return r == 0 ? handed_look(SD_LISTEN_FDS_START + (int)i, name, ret, error) : r;
}
