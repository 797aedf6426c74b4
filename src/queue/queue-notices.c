/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The notices of a queue become records of it. While nothing can be stored they wait: a ring in memory that runs over
 * would only make more of them.
 */

#include "base/log.h"
#include "base/log-id.h"
#include "queue/queue-core.h"

#define AGAIN_USEC (30 * USEC_PER_SEC) /* when the queue took none */

/* Before the directory is open the numbers are provisional: queue_open() tells of them then. */
void queue_note(Queue *q, const Stream *stream, uint64_t first, uint64_t last, Outcome outcome)
{
        usec_t now = queue_now(q);

        if (notices_settled(&q->notices, stream->id, first, last, outcome, now) || now < q->notices_log_usec)
                return;
        q->notices_log_usec = usec_add(now, USEC_PER_HOUR);
        log_line(LOG_WARNING, LOG_ID_READING_DROPPED, NULL,
                 "Queue: records %llu-%llu of stream %s are gone (%s), and their consumer is not going to be told: "
                 "there are too many others to tell of.",
                 (unsigned long long)first, (unsigned long long)last, stream->name, outcome_to_string(outcome));
}

usec_t queue_notices_due(const Queue *q)
{
        return q->failed || (q->link_is_down && !notices_are_many(&q->notices)) ? USEC_INFINITY : q->notices.due_usec;
}

void queue_tell(Queue *q, usec_t now)
{
        NoticeRange ranges[NOTICES_MAX];
        uint8_t bytes[NOTICE_BYTES_MAX], id;
        Outcome outcome;
        size_t n;

        while ((n = notices_untold(&q->notices, &id, &outcome, ranges)) > 0) {
                size_t size = notice_encode(outcome, ranges, n, bytes);
                uint64_t record;

                if (queue_append(q, q->host.streams[id]->handle, QUEUE_KIND_NOTICE, bytes, size, NULL, &record) != 0) {
                        notices_wait(&q->notices, usec_add(now, AGAIN_USEC));
                        return;
                }
                notices_told(&q->notices, id, outcome, ranges, n, record);
        }
}
