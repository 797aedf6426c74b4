/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTPS reply - what the hub answered, and what its head says that matters to us
 */

#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"

typedef struct HttpsReply {
        unsigned status;
        Buffer body;
        char *etag;          /* as it came, with its quotes; or NULL */
        char *continuation;  /* there is more; or NULL */
        char *item_type;     /* of a query's rows; or NULL */
        char *error_name;    /* iothub-errorcode; or NULL */
        usec_t retry_after_usec; /* the hub wishes; 0: it does not say */
        int64_t skew_sec;    /* how far our clock is ahead of the hub's; 0: it does not say */
} HttpsReply;

void https_reply_done(HttpsReply *reply);

/* One line of its head, with or without its end. now: Unix seconds, by our clock. */
void https_reply_header(HttpsReply *reply, const char *line, size_t size, time_t now);
