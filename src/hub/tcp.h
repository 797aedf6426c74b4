/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TCP - what is asked of the kernel about a socket that somebody else opened
 */

#include <stdbool.h>

/* What went wrong on it since it was last asked: a negative errno, or 0. */
int tcp_error(int fd);
/* Corked, small packets share segments, and go out when it is uncorked. */
void tcp_cork(int fd, bool corked);
