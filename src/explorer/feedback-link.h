/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Feedback link - batches of feedback from the hub
 *
 * All readers share one queue: a batch that was taken is gone for the others, one that is left lies locked for a
 * minute and goes to the next reader. So whoever takes a batch settles it by what it was for.
 */

#include "explorer/amqp-link.h"
#include "explorer/feedback.h"

typedef enum FeedbackVerdict {
        FEEDBACK_TAKE,  /* it is dealt with, for all readers */
        FEEDBACK_HOLD,  /* not ours: it stays locked until the link is closed, and is for others then */
} FeedbackVerdict;

typedef struct FeedbackLink {
        AmqpLink link;
        FeedbackVerdict (*batch)(void *userdata, const Feedback *batch);
        void *userdata;
} FeedbackLink;

/* Attaches it to an open connection. -ECONNABORTED with the connection's fault. */
int feedback_link_open(FeedbackLink *link, Amqp *amqp, FeedbackVerdict (*batch)(void *userdata, const Feedback *batch),
                       void *userdata, usec_t until);
/* Releases what it holds. */
void feedback_link_close(FeedbackLink *link);
