/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Watch - looking on for as long as it is wanted, whatever happens to the connection
 *
 * What cannot be had at the first try is a failure. Once it was there, a loss is waited out: tries with growing
 * pauses, until somebody says stop, the time is up, or the hub says no.
 */

#include "explorer/amqp-fault.h"
#include "explorer/explorer.h"

typedef struct WatchPart {
        /* Both: 0, or -ECONNABORTED with the watch's fault set. */
        int (*open)(void *userdata, usec_t until);
        int (*turn)(void *userdata, usec_t until);
        void (*close)(void *userdata);
        bool (*is_done)(void *userdata); /* nothing more is wanted */
        void *userdata;
} WatchPart;

typedef struct Watch {
        const Explorer *explorer;
        WatchPart part;
        AmqpFault *fault;
        const char *what; /* "read the events of hub.example" */
        usec_t for_usec;  /* from the first opening on; USEC_INFINITY */
} Watch;

/* EXPLORER_OK when it ended as it should: done, stopped, or the time is up. */
int watch_run(const Watch *watch);
