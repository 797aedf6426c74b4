/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/losses.h"

#include "base/log-id.h"
#include "base/log.h"

#define INTERVAL (10 * USEC_PER_MIN)

void losses_expired(Losses *l, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&l->expired, now, INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_READING_DROPPED, NULL,
                         "Record %llu of stream %s was not sent within its expire_after and is dropped "
                         "(and %llu others since the last such line).",
                         (unsigned long long)first, queue_stream_name(l->queue, stream),
                         (unsigned long long)held_back);
        queue_settle(l->queue, stream, epoch, first, last, OUTCOME_EXPIRED);
}

void losses_damaged(Losses *l, unsigned stream, uint64_t epoch, uint64_t n, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&l->damaged, now, INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                         "Record %llu of stream %s cannot be decoded and is dropped as damaged "
                         "(and %llu others since the last such line).",
                         (unsigned long long)n, queue_stream_name(l->queue, stream), (unsigned long long)held_back);
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

void losses_set_aside(Losses *l, const Message *message, Outcome outcome, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&l->refused, now, INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_MESSAGE_SET_ASIDE, NULL,
                         "Records %llu-%llu of stream %s can never be sent: %s. They are set aside "
                         "(and %llu other messages since the last such line).",
                         (unsigned long long)message->first, (unsigned long long)message->last, message->stream,
                         losses_why(outcome), (unsigned long long)held_back);
}

void losses_taken_apart(Losses *l, const Message *message, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&l->taken_apart, now, INTERVAL, &held_back))
                log_line(LOG_WARNING, NULL, NULL,
                         "The connection broke each time records %llu-%llu of stream %s were sent, and held for "
                         "others: they are sent in smaller parts (and %llu other messages since the last such line).",
                         (unsigned long long)message->first, (unsigned long long)message->last, message->stream,
                         (unsigned long long)held_back);
}
