/* SPDX-License-Identifier: Apache-2.0 */
#include "base/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static int port_of(int fd, uint16_t *ret)
{
        union {
                struct sockaddr_storage any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } address;
        socklen_t size = sizeof(address);

        if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                return -errno;
        *ret = ntohs(address.any.ss_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
        return 0;
}

int listen_tcp(const char *address, uint16_t port, uint16_t *ret_port, const char **ret_error)
{
        struct addrinfo hints = {
                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                .ai_socktype = SOCK_STREAM,
        };
        _cleanup_close_ int fd = -1;
        struct addrinfo *info;
        char service[8];
        int one = 1, r = 0;

        (void)snprintf(service, sizeof(service), "%u", port);
        if (getaddrinfo(address, service, &hints, &info) != 0) {
                *ret_error = "the address to listen on is not numeric";
                return -EINVAL;
        }
        *ret_error = "cannot listen";
        fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, 512) < 0)
                r = -errno;
        freeaddrinfo(info);
        if (r >= 0)
                r = port_of(fd, ret_port);
        return r < 0 ? r : TAKE_FD(fd);
}

bool listen_is_starved(int error)
{
        return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}
