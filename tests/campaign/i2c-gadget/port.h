/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Port - a USB port of the kernel's virtual hub, with our adapter in it
 *
 * The kernel speaks USB/IP over a socket that it was handed; when our end of it is closed, the adapter was pulled out.
 * One transfer is under way at a time, for the driver waits for each. One that it waits for no longer is
 * unlinked, and then its answer is not given.
 *
 * Owns:   our end of the socket.
 */

#include "adapter.h"

typedef struct Port {
        unsigned number;
        Adapter *adapter;
        int fd; /* -1: nothing is plugged in */

        /* The answer that is not due yet. */
        uint32_t seqnum; /* 0: there is none */
        bool reads;
        size_t written;
        usec_t due;
        AdapterAnswer answer;
} Port;

/* false: told on standard error. */
bool port_plug(Port *p);
void port_unplug(Port *p);

/* Something came; false: the kernel let go of it. */
bool port_receive(Port *p, usec_t now);
usec_t port_deadline(const Port *p);
void port_tick(Port *p, usec_t now);
