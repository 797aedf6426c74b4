/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unix socket - a socket with a file, a group and mode 0660
 *
 * What is left of a program that died is replaced; a socket that somebody listens on is not, nor anything that is
 * no socket. At the end the file is removed, if it is still ours.
 *
 * Owns:   the descriptor and the file.
 */

#include <sys/types.h>

#include "sensor/driver.h"

typedef struct UnixSocket {
        int fd; /* bound, non-blocking; what is no datagram socket also listens */
        char *path;
        dev_t device;
        ino_t inode;
} UnixSocket;

#define UNIX_SOCKET_NULL ((UnixSocket){.fd = -1})

bool unix_socket_path_fits(const char *path);

/* group: NULL for that of the process. 0, SENSOR_E_FAILED with an error in words, -ENOMEM. */
int unix_socket_open(UnixSocket *ret, int type, const char *path, const char *group,
                     char error[static SENSOR_ERROR_MAX]);
/* Does its path still lead to it? Where nobody can say, it does. */
bool unix_socket_is_there(const UnixSocket *s);
void unix_socket_done(UnixSocket *s);
