/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "sensor/handed.h"

#define BACKLOG        128
#define RECEIVE_BUFFER (1024 * 1024) /* asked for; datagrams have nowhere else to wait */

static int fail(char error[static SENSOR_ERROR_MAX], const char *what)
{
        const char *remedy = "";

        if (errno == EADDRINUSE)
                remedy = "; another program has this port (ss -lptu shows which)";
        else if (errno == EADDRNOTAVAIL)
                remedy = "; no interface has this address at present (ip address shows them)";
        else if (errno == EACCES)
                remedy = "; ports below 1024 are for root: take another";
        (void)snprintf(error, SENSOR_ERROR_MAX, "cannot %s: %s%s", what, strerrordesc_np(errno), remedy);
        return SENSOR_E_FAILED;
}

static int open_address(const Endpoint *e, int *ret, char error[static SENSOR_ERROR_MAX])
{
        _cleanup_close_ int fd = socket(e->address.any.sa_family, e->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int yes = 1, no = 0, size = RECEIVE_BUFFER;

        if (fd < 0)
                return fail(error, "make a socket");
        if (e->type == SOCK_DGRAM)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        else
                (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        /* [::] is for either kind of address, whatever the system's default. */
        if (e->address.any.sa_family == AF_INET6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
        if (bind(fd, &e->address.any, e->address_size) < 0)
                return fail(error, "listen there");
        if (e->type != SOCK_DGRAM && listen(fd, BACKLOG) < 0)
                return fail(error, "listen there");
        *ret = TAKE_FD(fd);
        return 0;
}

static int open_file(Listener *l, const Endpoint *e, const char *group, char error[static SENSOR_ERROR_MAX])
{
        int r = unix_socket_open(&l->file, e->type, e->path, group, error);

        l->fd = l->file.fd;
        return r;
}

static int take_handed(Listener *l, const Endpoint *e, char error[static SENSOR_ERROR_MAX])
{
        Handed h;
        int r = handed_find(e->name, &h, error);

        if (r != 0)
                return r;
        l->fd = h.fd;
        l->family = h.family;
        l->type = h.type;
        l->lent = true;
        return 0;
}

int listener_open(Listener *ret, const Endpoint *endpoint, const char *group, char error[static SENSOR_ERROR_MAX])
{
        Listener l = LISTENER_NULL;
        int r, yes = 1;

        l.type = endpoint->type;
        l.family = endpoint->path ? AF_UNIX : endpoint->address.any.sa_family;
        if (endpoint->name)
                r = take_handed(&l, endpoint, error);
        else if (endpoint->path)
                r = open_file(&l, endpoint, group, error);
        else
                r = open_address(endpoint, &l.fd, error);
        if (r != 0)
                return r;
        if (l.family == AF_UNIX && l.type == SOCK_DGRAM)
                (void)setsockopt(l.fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
        *ret = l;
        return 0;
}

void listener_done(Listener *l)
{
        if (l->file.fd < 0 && !l->lent)
                safe_close(l->fd);
        unix_socket_done(&l->file);
        *l = LISTENER_NULL;
}
