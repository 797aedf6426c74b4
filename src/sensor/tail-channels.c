/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tail-channels.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX    256                 /* that are looked through at once, */
#define BYTES_MAX    TEXT_LINE_MAX       /* of so many bytes: they take no longer than the longest line */
#define TIMEOUT_USEC (10 * USEC_PER_SEC) /* far more than a good one needs, on any machine: past it a line is lost */

/* Lines, and what was found in them. */
typedef struct Batch {
        WorkerJob job;
        TailChannels *owner;    /* the loop's; NULL: it is gone */
        TextChannels *channels; /* the owner's, for as long as the job runs */
        atomic_bool begun;

        Buffer text;
        size_t ends[LINES_MAX], n;
        TextMatch *matches; /* n_channels for each line */
        size_t n_channels;
        bool endless; /* its one line is */
} Batch;

struct TailChannels {
        const SensorSettings *settings;
        Worker *worker;
        TailChannelsPort port;
        bool matches; /* some channel has a pattern */

        TextChannels *channels; /* NULL: a job has them, or they are to be made */
        Batch *running;
        Batch *found; /* NULL: nothing is known of the next line */
        size_t next;  /* within found */
        size_t n_lost; /* lines of one that did not come back: each alone now, to know which it was */
};

/* ---- on the worker ---- */

static void batch_run(WorkerJob *job)
{
        Batch *b = container_of(job, Batch, job);
        size_t from = 0;

        atomic_store(&b->begun, true);
        for (size_t i = 0; i < b->n; i++) {
                text_channels_match(b->channels, b->text.data + from, b->ends[i] - from,
                                    b->matches + i * b->n_channels);
                from = b->ends[i];
        }
}

static Batch *batch_free(Batch *b)
{
        if (!b)
                return NULL;
        text_channels_free(b->channels);
        buffer_done(&b->text);
        free(b->matches);
        free(b);
        return NULL;
}
DEFINE_CLEANUP(Batch *, batch_free);

static void on_free(WorkerJob *job)
{
        batch_free(container_of(job, Batch, job));
}

/* ---- what came of it ---- */

static void take_batch(TailChannels *c, Batch *b)
{
        c->found = b;
        c->next = 0;
        c->n_lost -= MIN(c->n_lost, b->n);
        c->port.ready(c->port.userdata);
}

static void on_done(WorkerJob *job)
{
        Batch *b = container_of(job, Batch, job);
        TailChannels *c = b->owner;

        if (!c) {
                batch_free(b);
                return;
        }
        c->running = NULL;
        c->channels = TAKE_PTR(b->channels);
        take_batch(c, b);
}

/* The one line is lost for the second time. Its job is the thread's: this is another. */
static bool refuse(TailChannels *c)
{
        Batch *b = calloc(1, sizeof(*b));

        if (!b)
                return false;
        b->n = 1;
        b->endless = true;
        take_batch(c, b);
        return true;
}

/* The thread keeps the channels; others are made for the next time. */
static void on_lost(WorkerJob *job, const char *why)
{
        Batch *b = container_of(job, Batch, job);
        TailChannels *c = b->owner;
        bool begun = atomic_load(&b->begun);
        char error[SENSOR_ERROR_MAX];

        if (!c)
                return;
        c->running = NULL;
        if (begun && c->n_lost > 0 && refuse(c))
                return;
        if (begun)
                c->n_lost = b->n;
        (void)snprintf(error, sizeof(error), "%s: %s%s", c->settings->path, why,
                       begun ? ", for `pattern` is not through with a line: a simpler one is needed" : "");
        c->port.failed(c->port.userdata, error);
}

/* ---- lines to look through ---- */

/* The next lines of the window, which stays as it is: what moves is a copy of its marks. */
static void fill(Batch *b, LineWindow window, size_t n_max)
{
        size_t n, next;
        int found;

        while (b->n < n_max && (found = line_window_next(&window, &n, &next)) != LINE_NONE) {
                if (found == LINE_WHOLE) {
                        if (b->n > 0 && b->text.size + n > BYTES_MAX)
                                break;
                        buffer_append(&b->text, line_window_text(&window), n);
                        b->ends[b->n++] = b->text.size;
                }
                line_window_take(&window, next, found != LINE_WHOLE);
        }
}

static int begin(TailChannels *c, const LineWindow *window)
{
        _cleanup_(batch_freep) Batch *b = calloc(1, sizeof(*b));
        int r = 0;

        if (!c->channels)
                r = text_channels_new(&c->channels, c->settings);
        if (!b || r < 0)
                return -ENOMEM;
        fill(b, *window, c->n_lost > 0 ? 1 : LINES_MAX);
        b->n_channels = c->settings->n_channels;
        b->matches = calloc(b->n, b->n_channels * sizeof(*b->matches));
        if (!b->matches || buffer_error(&b->text) < 0)
                return -ENOMEM;
        b->job = (WorkerJob){
                .timeout_usec = TIMEOUT_USEC,
                .run = batch_run,
                .done = on_done,
                .lost = on_lost,
                .free = on_free,
        };
        b->owner = c;
        b->channels = TAKE_PTR(c->channels);
        c->running = b;
        worker_submit(c->worker, &TAKE_PTR(b)->job);
        return 0;
}

int tail_channels_prepare(TailChannels *c, const LineWindow *window)
{
        int r;

        if (!c->matches || c->found)
                return TAIL_CHANNELS_READY;
        r = c->running ? 0 : begin(c, window);
        return r < 0 ? r : TAIL_CHANNELS_BUSY;
}

/* ---- lines to take ---- */

int tail_channels_take(TailChannels *c, const char *text, size_t n, Sample *sample)
{
        const Batch *b = c->found;

        if (b && b->endless)
                return sample_fail(sample, REFUSAL_TOO_LONG, "`pattern` did not come to an end within %g s, twice; a "
                                                             "simpler one is needed",
                                   (double)TIMEOUT_USEC / USEC_PER_SEC);
        return text_channels_take_matched(c->channels, text, n, b ? b->matches + c->next * b->n_channels : NULL, "it",
                                          sample);
}

void tail_channels_pass(TailChannels *c)
{
        if (c->found && ++c->next == c->found->n)
                c->found = batch_free(c->found);
}

void tail_channels_forget(TailChannels *c)
{
        c->found = batch_free(c->found);
}

/* ---- life ---- */

int tail_channels_new(TailChannels **ret, const SensorSettings *settings, Worker *worker, const TailChannelsPort *port)
{
        _cleanup_(tail_channels_freep) TailChannels *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->settings = settings;
        c->worker = worker;
        c->port = *port;
        c->matches = text_channels_have_patterns(settings);
        r = text_channels_new(&c->channels, settings);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

TailChannels *tail_channels_free(TailChannels *c)
{
        if (!c)
                return NULL;
        if (c->running)
                c->running->owner = NULL;
        batch_free(c->found);
        text_channels_free(c->channels);
        free(c);
        return NULL;
}
