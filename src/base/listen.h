/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Listen - sockets that wait for those who knock
 */

#include "base/macro.h"

/* Non-blocking. address: numeric. port 0: a free one; the port it has goes to *ret_port. Gives the descriptor, or
 * -errno, and then *ret_error (static) says what could not be done. */
int listen_tcp(const char *address, uint16_t port, uint16_t *ret_port, const char **ret_error);

/* Whether whoever knocks stays at the door for want of a descriptor or memory, after accept4() failed with that error.
 * He is told of again at once: who listens has to rest for a while, or spins. */
bool listen_is_starved(int error);
