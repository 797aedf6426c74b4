/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Monitor events - shows or counts what devices send, as it comes
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "explorer/commands.h"
#include "explorer/event-source.h"
#include "explorer/event-text.h"
#include "explorer/output.h"
#include "explorer/service.h"
#include "explorer/stop.h"
#include "explorer/stranger.h"
#include "explorer/watch.h"
#include "explorer/words.h"
#include "reader/event-line.h"

/* Lines that came together are written together, up to so much. */
#define LINES_MAX ((size_t)64 * 1024)
#define LIFE_MIN  (4 * USEC_PER_SEC)

typedef struct Monitor {
        const Explorer *explorer;
        const Words *words;
        const char *device; /* DEVICE or DEVICE/MODULE; NULL: all */
        EventSource *source;
        Verify *verify; /* NULL: events are shown */
        Buffer lines;
        uint64_t count; /* 0: no limit */
        uint64_t n;     /* counted towards it */
        bool told;      /* how many partitions there are */
        bool failed;    /* cannot write, or no memory */
        bool left;      /* our reader has had enough: that is why we cannot write */
} Monitor;

/* ---- which ---- */

static bool is_of_device(const Monitor *m, const EventMessage *message)
{
        const char *device = message->event.device, *wanted = m->device;
        size_t n;

        if (!wanted)
                return true;
        n = strcspn(wanted, "/");
        if (!device || strncmp(device, wanted, n) != 0 || device[n])
                return false;
        return !wanted[n] || (message->module && strcmp(message->module, wanted + n + 1) == 0);
}

/* "name=value": it has that; "name": it has one of that name. */
static bool has_property(const Event *event, const char *wanted)
{
        size_t n = strcspn(wanted, "=");

        for (size_t i = 0; i < event->n_properties; i++) {
                const EventPair *p = &event->properties[i];

                if (strncmp(p->name, wanted, n) != 0 || p->name[n])
                        continue;
                if (!wanted[n] || (p->value && strcmp(p->value, wanted + n + 1) == 0))
                        return true;
        }
        return false;
}

static bool is_wanted(const Monitor *m, const EventMessage *message)
{
        const char *wanted;
        size_t at = 0;

        if (!is_of_device(m, message))
                return false;
        while ((wanted = words_next(m->words, "property", &at)))
                if (!has_property(&message->event, wanted))
                        return false;
        return true;
}

/* ---- one event ---- */

static bool is_full(const Monitor *m)
{
        return m->count > 0 && m->n >= m->count;
}

static int write_lines(Monitor *m)
{
        if (m->lines.size == 0 && !buffer_error(&m->lines))
                return 0;
        if (buffer_error(&m->lines) || output_text(m->lines.data, m->lines.size) != EXPLORER_OK) {
                m->failed = true;
                m->left = !buffer_error(&m->lines) && output_is_unwanted();
                return -EPIPE;
        }
        buffer_clear(&m->lines);
        return 0;
}

static int count_event(Monitor *m, const Event *event)
{
        VerifyTotals totals;
        int r = event_verify(event, m->verify);

        m->failed = m->failed || r < 0;
        verify_totals(m->verify, &totals);
        m->n = totals.unique;
        return r;
}

static int show_event(Monitor *m, const EventMessage *message, const char *partition)
{
        m->n++;
        if (m->explorer->json)
                event_line(&message->event, &m->lines);
        else
                event_text(message, partition, &m->lines);
        return m->lines.size >= LINES_MAX ? write_lines(m) : 0;
}

static int on_event(void *userdata, const EventMessage *message, const char *partition)
{
        Monitor *m = userdata;
        int r;

        if (!is_wanted(m, message))
                return 0;
        r = m->verify ? count_event(m, &message->event) : show_event(m, message, partition);
        return r < 0 || is_full(m) ? -ECANCELED : 0;
}

/* ---- the watch ---- */

/* Whether there is such a device is looked up when nothing can be missed any more. */
static void greet(const Monitor *m)
{
        remark(m->explorer, "reading %zu partitions", event_source_partitions(m->source));
        if (m->device)
                stranger_remark(m->explorer, m->device);
}

static int open_source(void *userdata, usec_t until)
{
        Monitor *m = userdata;
        int r = event_source_open(m->source, until);

        if (r >= 0 && !m->told)
                greet(m);
        m->told = m->told || r >= 0;
        return r;
}

static int turn_source(void *userdata, usec_t until)
{
        Monitor *m = userdata;
        int r = event_source_turn(m->source, until);

        return write_lines(m) < 0 ? -ECONNABORTED : r;
}

static void close_source(void *userdata)
{
        Monitor *m = userdata;

        event_source_close(m->source);
}

static bool is_done(void *userdata)
{
        const Monitor *m = userdata;

        return is_full(m) || m->failed;
}

/* ---- the command ---- */

static int read_words(const Words *w, EventSourceSettings *settings, Monitor *m, usec_t *ret_for)
{
        const char *from = words_value(w, "from"), *group = words_value(w, "consumer-group");
        int r;

        m->device = words_operand(w, 0);
        if (m->device && check_id(m->device) != EXPLORER_OK)
                return EXPLORER_USAGE;
        settings->consumer_group = group ? group : "$Default";
        if (!*settings->consumer_group || strchr(settings->consumer_group, '/'))
                return bad_usage("'%s' cannot be a consumer group", settings->consumer_group);
        if (event_position_parse(from ? from : "end", clock_wall(&clock_system), &settings->from) < 0)
                return bad_usage("--from takes start, end, N or sequence:N, offset:N, a time such as "
                                 "2026-01-31T12:00:00Z, or how long ago: 10min");
        r = words_number(w, "count", 1, UINT64_MAX, &m->count);
        if (r == EXPLORER_OK)
                r = words_time(w, "for", ret_for);
        if (r == EXPLORER_OK)
                r = words_time(w, "token-life", &settings->token_life);
        if (r == EXPLORER_OK && settings->token_life < LIFE_MIN)
                return bad_usage("--token-life takes 4s or more");
        return r;
}

static int print_totals(const Monitor *m)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        VerifyTotals t;
        int r;

        verify_details(m->verify, &b);
        verify_totals(m->verify, &t);
        buffer_printf(&b, "received=%" PRIu64 " unique=%" PRIu64 " duplicates=%" PRIu64 " gaps=%" PRIu64 "\n",
                      t.received, t.unique, t.duplicates, t.gaps);
        r = output_buffer(&b);
        return r == EXPLORER_OK && t.gaps > 0 ? EXPLORER_FAILED : r;
}

static int finish(const Monitor *m, int r)
{
        int totals = m->verify ? print_totals(m) : EXPLORER_OK;

        if (r != EXPLORER_OK)
                return r;
        if (m->failed)
                return m->left ? EXPLORER_OK : EXPLORER_FAILED;
        if (m->count > 0 && !is_full(m) && !stop_requested()) {
                complain("%" PRIu64 " of %" PRIu64 " came within the time of --for", m->n, m->count);
                return EXPLORER_TIMEOUT;
        }
        return totals;
}

static int watch(const Explorer *e, Monitor *m, AmqpFault *fault, usec_t for_usec)
{
        _cleanup_(buffer_done) Buffer what = BUFFER_NULL;
        Watch w = {
                .explorer = e,
                .part = {.open = open_source, .turn = turn_source, .close = close_source, .is_done = is_done,
                         .userdata = m},
                .fault = fault,
                .for_usec = for_usec,
        };

        buffer_printf(&what, "read the events of %s", e->login.host);
        if (buffer_error(&what))
                return out_of_memory();
        w.what = what.data;
        return finish(m, watch_run(&w));
}

static int run(const Explorer *e, const Words *w)
{
        Monitor m = {.explorer = e, .words = w};
        AmqpFault fault = {};
        EventSourceSettings settings = {.login = &e->login, .token_life = AMQP_TOKEN_LIFE, .fault = &fault,
                                        .event = on_event, .userdata = &m};
        usec_t for_usec = USEC_INFINITY;
        int r = read_words(w, &settings, &m, &for_usec);

        if (r != EXPLORER_OK)
                return r;
        stop_begin();
        if (event_source_new(&m.source, &settings) < 0 ||
            (words_have(w, "verify") && verify_new(&m.verify, settings.from.kind == EVENT_FROM_START) < 0))
                r = out_of_memory();
        else
                r = watch(e, &m, &fault, for_usec);
        event_source_free(m.source);
        verify_free(m.verify);
        buffer_done(&m.lines);
        return r;
}

static const Option options[] = {
        {"from", "WHERE", "end (what comes from now on, the default), start (all that is kept),\n"
                          "N or sequence:N, offset:N, 2026-01-31T12:00:00Z, or how long ago: 10min", 0},
        {"count", "N", "end after so many events", 0},
        {"for", "D", "end after that time; 4 if --count was not reached by then", 0},
        {"property", "K[=V]", "only events with this application property", OPTION_MANY},
        {"verify", NULL, "show none, and count at the end: records of hublink received, those that came twice,\n"
                         "numbers that are missing; 1 if there are any", 0},
        {"consumer-group", "NAME", "read by it (default $Default)", 0},
        {"token-life", "D", "of the token on the connection, which is renewed in time (default 1h)", 0},
        {},
};

const Command command_monitor_events = {
        .name = "monitor-events",
        .operands = "[DEVICE]",
        .n_most = 1,
        .summary = "show what devices send, as it comes, with its properties and annotations",
        .text = "Reads all partitions until it is stopped (Ctrl-C). A lost connection is opened again, and goes on "
                "behind\n"
                "the last event that was shown. With --json each event is a line as hublink-devhub's monitor prints "
                "it.",
        .options = options,
        .run = run,
};
