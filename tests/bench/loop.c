/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <poll.h>

/* Holds a million samples. */
#define MAX_BYTES     ((uint64_t)512 << 20)
#define SEGMENT_BYTES ((uint64_t)4 << 20)

static int on_disk(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        disk_dispatch(((Loop *)userdata)->disk);
        return 0;
}

int loop_open(Loop *l, const char *directory, usec_t commit_interval_usec, const QueueSink *sink)
{
        QueueSettings settings = {
                .directory = (char *)directory,
                .commit_interval_usec = commit_interval_usec,
                .max_bytes = MAX_BYTES,
                .segment_bytes = SEGMENT_BYTES,
        };
        int r;

        if ((r = sd_event_new(&l->event)) < 0 || (r = disk_new(&l->disk)) < 0 ||
            (r = queue_open(&l->queue, &settings, l->disk, &clock_system_trusted, &random_system, sink)) < 0 ||
            (r = queue_stream(l->queue, LOOP_STREAM, QUEUE_LANE_NORMAL, &l->stream)) < 0)
                return r;
        loop_add(l, queue_ticker(l->queue));
        return sd_event_add_io(l->event, NULL, disk_fd(l->disk), POLLIN, on_disk, l);
}

void loop_add(Loop *l, Ticker ticker)
{
        l->tickers[l->n_tickers++] = ticker;
}

void loop_turn(Loop *l)
{
        usec_t now = clock_boot(&clock_system), next = USEC_INFINITY;

        for (size_t i = 0; i < l->n_tickers; i++)
                if (l->tickers[i].deadline(l->tickers[i].userdata) <= now)
                        l->tickers[i].tick(l->tickers[i].userdata, now);
        for (size_t i = 0; i < l->n_tickers; i++)
                next = MIN(next, l->tickers[i].deadline(l->tickers[i].userdata));
        (void)sd_event_run(l->event, next == USEC_INFINITY ? UINT64_MAX : usec_sub(next, now));
}

void loop_close(Loop *l)
{
        if (l->queue)
                l->queue = queue_close(l->queue, 10 * USEC_PER_SEC);
        disk_free(l->disk);
        l->disk = NULL;
        l->event = sd_event_unref(l->event);
}
