/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/datagram.h"

#include <errno.h>
#include <sys/socket.h>

bool datagram_receive(int fd, char *room, size_t *size, Sender *ret_sender)
{
        struct iovec iov = {room, *size};
        struct sockaddr_storage from = {};
        union {
                char space[CMSG_SPACE(sizeof(struct ucred))];
                struct cmsghdr align;
        } control;
        struct msghdr message = {
                .msg_name = &from,
                .msg_namelen = sizeof(from),
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;

        do
                n = recvmsg(fd, &message, MSG_TRUNC | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        *size = n > 0 ? (size_t)n : 0;
        if (n < 0)
                return false;
        *ret_sender = sender_of_message(&message);
        return true;
}
