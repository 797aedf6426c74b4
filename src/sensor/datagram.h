/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Datagram - one that came, and who sent it
 */

#include "sensor/sender.h"

/* False: there is none. *size is what there is room for, then that of the datagram, even if it did not fit. */
bool datagram_receive(int fd, char *room, size_t *size, Sender *ret_sender);
