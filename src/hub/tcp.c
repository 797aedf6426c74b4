/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int tcp_error(int fd)
{
        int error = 0;
        socklen_t size = sizeof(error);

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

void tcp_cork(int fd, bool corked)
{
        int on = corked;

        (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}
