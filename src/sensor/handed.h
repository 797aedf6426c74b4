/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Handed - sockets that the service manager opened and gave to us (systemd.socket(5)), each by its name
 *
 * They come with the process and stay as long as it lives: neither a sensor's end nor a reload closes one, so what is
 * sent meanwhile waits in it. The manager has them too, so it waits over a restart as well.
 */

#include "sensor/driver.h"

typedef struct Handed {
        int fd; /* not ours to close; non-blocking */
        int family; /* AF_UNIX, AF_INET, AF_INET6 */
        int type;   /* SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET: what is no datagram socket listens */
} Handed;

/* May a socket be called so there? */
bool handed_name_is_valid(const char *name);

/* 0, SENSOR_E_FAILED with an error in words, -ENOMEM and the like. */
int handed_find(const char *name, Handed *ret, char error[static SENSOR_ERROR_MAX]);

/* The two halves of it. Which of the names, ended by NULL, is it? And what is there? */
int handed_pick(char *const *names, const char *name, size_t *ret, char error[static SENSOR_ERROR_MAX]);
int handed_look(int fd, const char *name, Handed *ret, char error[static SENSOR_ERROR_MAX]);
