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

void losses_set_aside(Losses *l, unsigned stream, const Message *message, Outcome outcome, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&l->refused, now, INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                         "Records %llu-%llu of stream %s can never be sent: %s. They are set aside "
                         "(and %llu other messages since the last such line).",
                         (unsigned long long)message->first, (unsigned long long)message->last, message->stream,
                         outcome == OUTCOME_TOO_LARGE
                                 ? "with its properties the message is over the hub's limit"
                                 : "a property is empty or not UTF-8",
                         (unsigned long long)held_back);
        queue_settle(l->queue, stream, message->epoch, message->first, message->last, outcome);
}
