/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/losses.h"

#include <stdio.h>

#include "base/log-id.h"
#include "base/log.h"

#define INTERVAL (10 * USEC_PER_MIN)

void losses_expired(Losses *l, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, usec_t now)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&l->expired, now, INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_READING_DROPPED, NULL,
                         "Record %llu of stream %s was not sent within its expire_after and is dropped%s.",
                         (unsigned long long)first, queue_stream_name(l->queue, stream),
                         throttle_others(&others, held_back));
        queue_settle(l->queue, stream, epoch, first, last, OUTCOME_EXPIRED);
}

void losses_damaged(Losses *l, unsigned stream, uint64_t epoch, uint64_t n, usec_t now)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&l->damaged, now, INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                         "Record %llu of stream %s cannot be decoded and is dropped as damaged%s.",
                         (unsigned long long)n, queue_stream_name(l->queue, stream),
                         throttle_others(&others, held_back));
        queue_settle(l->queue, stream, epoch, n, n, OUTCOME_DAMAGED);
}

const char *losses_why(Outcome outcome)
{
        switch (outcome) {
        case OUTCOME_TOO_LARGE:
                return "with its properties the message is over the hub's limit";
        case OUTCOME_BAD_PROPERTY:
                return "a property is empty or not UTF-8";
        default:
                return "the connection broke each time it was sent alone, and held for others";
        }
}

typedef struct RangeText {
        char text[64];
} RangeText;

static const char *name_range(RangeText *space, const Message *m)
{
        if (m->first == m->last)
                (void)snprintf(space->text, sizeof(space->text), "Record %llu", (unsigned long long)m->first);
        else
                (void)snprintf(space->text, sizeof(space->text), "Records %llu-%llu", (unsigned long long)m->first,
                               (unsigned long long)m->last);
        return space->text;
}

void losses_set_aside(Losses *l, const Message *message, Outcome outcome, usec_t now)
{
        ThrottleOthers others;
        RangeText range;
        uint64_t held_back;

        if (throttle_admits(&l->refused, now, INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_MESSAGE_SET_ASIDE, NULL,
                         "%s of stream %s can never be sent: %s. %s set aside%s.", name_range(&range, message),
                         message->stream, losses_why(outcome),
                         message->first == message->last ? "It is" : "They are",
                         throttle_others(&others, held_back));
}

void losses_taken_apart(Losses *l, const Message *message, usec_t now)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&l->taken_apart, now, INTERVAL, &held_back))
                log_line(LOG_WARNING, NULL, NULL,
                         "The connection broke each time records %llu-%llu of stream %s were sent, and held for "
                         "others: they are sent in smaller parts%s.",
                         (unsigned long long)message->first, (unsigned long long)message->last, message->stream,
                         throttle_others(&others, held_back));
}
