/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "devhub/cli/event-view.h"
#include "devhub/cli/known-ids.h"
#include "devhub/cli/output.h"
#include "devhub/cli/store-words.h"
#include "devhub/cli/usage.h"
#include "devhub/hub/event-log.h"
#include "reader/event-line.h"
#include "reader/verify.h"

#define LOOK_EVERY_MS 50
#define BATCH         1000

typedef struct Monitor {
        const MonitorSettings *settings;
        Store store;
        Verify *verify; /* NULL: lines are shown */
        Buffer lines;
        uint64_t after; /* the last sequence number dealt with */
        uint64_t n;     /* counted toward settings->count */
        int lost;       /* why standard output takes no more; 0: it does */
} Monitor;

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
        stopped = 1;
}

static void catch_signals(void)
{
        struct sigaction action = {.sa_handler = on_signal};

        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
}

static bool is_full(const Monitor *m)
{
        return m->settings->count > 0 && m->n >= m->settings->count;
}

/* ---- one event ---- */

static int count_event(Monitor *m, const Event *event)
{
        VerifyTotals totals;
        int r;

        r = event_verify(event, m->verify);
        if (r < 0 || m->settings->count == 0)
                return r;
        verify_totals(m->verify, &totals);
        m->n = totals.unique;
        return 0;
}

/* Ends a walk before its time; no errno is like it. */
#define ENOUGH (-0x10000)

static int on_row(void *userdata, const EventRow *row)
{
        _cleanup_(event_view_done) EventView view;
        Monitor *m = userdata;
        int r;

        m->after = row->sequence;
        r = event_view_init(&view, row);
        if (r < 0)
                return r;
        if (m->verify) {
                r = count_event(m, &view.event);
        } else {
                event_line(&view.event, &m->lines);
                m->n++;
        }
        if (r < 0)
                return r;
        return is_full(m) || stopped ? ENOUGH : 0;
}

/* ---- reading ---- */

static int flush_lines(Monitor *m)
{
        if (buffer_error(&m->lines))
                return -ENOMEM;
        if (m->lines.size == 0)
                return 0;
        if (fwrite(m->lines.data, 1, m->lines.size, stdout) != m->lines.size || fflush(stdout) != 0) {
                m->lost = errno;
                return -m->lost;
        }
        buffer_clear(&m->lines);
        return 0;
}

/* All that is there now. */
static int read_all(Monitor *m)
{
        uint64_t last;
        int n, r;

        r = event_log_last(&m->store, &last);
        if (r < 0)
                return r;
        do {
                n = event_log_read(&m->store, m->after, m->settings->device_id, BATCH, on_row, m);
                r = flush_lines(m);
                if (r < 0)
                        return r;
        } while (n > 0);
        if (n == ENOUGH)
                return 0;
        /* those of other devices are not looked at again */
        m->after = MAX(m->after, last);
        return n;
}

/* Does the store look as it did? Costs no more than a glance at its header. */
static int data_version(Monitor *m, sqlite3_stmt *statement, int64_t *ret)
{
        int r = store_step(&m->store, statement);

        if (r < 0)
                return r;
        *ret = sqlite3_column_int64(statement, 0);
        (void)sqlite3_reset(statement);
        return 0;
}

/* Whoever read may leave while nothing comes: that is no reason to stay. */
static int sleep_a_little(Monitor *m, usec_t at_most)
{
        struct pollfd reader = {.fd = STDOUT_FILENO};

        if (poll(&reader, 1, (int)MIN((usec_t)LOOK_EVERY_MS, at_most / USEC_PER_MSEC + 1)) <= 0)
                return 0;
        m->lost = EPIPE;
        return -EPIPE;
}

static int follow(Monitor *m, usec_t until)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int64_t version = -1, now_version = 0;
        int r;

        r = store_prepare(&m->store, "PRAGMA data_version", &statement);
        while (r >= 0) {
                usec_t now = clock_boot(&clock_system);

                r = data_version(m, statement, &now_version);
                if (r >= 0 && now_version != version) {
                        version = now_version;
                        r = read_all(m);
                }
                if (r < 0 || stopped || is_full(m) || now >= until)
                        break;
                r = sleep_a_little(m, until - now);
        }
        return r;
}

/* ---- the whole ---- */

static int find_start(Monitor *m)
{
        switch (m->settings->from) {
        case MONITOR_FROM_START:
                m->after = 0;
                return 0;
        case MONITOR_FROM_SEQUENCE:
                m->after = m->settings->sequence > 0 ? m->settings->sequence - 1 : 0;
                return 0;
        case MONITOR_FROM_END:
                return event_log_last(&m->store, &m->after);
        }
        return -EINVAL;
}

static int run(Monitor *m)
{
        const MonitorSettings *s = m->settings;
        bool endless = s->for_usec == USEC_INFINITY && s->count == 0;
        int r;

        if (s->verify) {
                r = verify_new(&m->verify, s->from == MONITOR_FROM_START);
                if (r < 0)
                        return r;
        }
        r = find_start(m);
        if (r < 0)
                return r;
        if (s->verify && endless)
                return read_all(m);
        return follow(m, usec_add(clock_boot(&clock_system), s->for_usec));
}

static bool print_totals(const Monitor *m)
{
        _cleanup_(buffer_done) Buffer details = BUFFER_NULL;
        VerifyTotals t;

        verify_details(m->verify, &details);
        if (details.size > 0)
                (void)fputs(details.data, stdout);
        verify_totals(m->verify, &t);
        (void)printf("received=%" PRIu64 " unique=%" PRIu64 " duplicates=%" PRIu64 " gaps=%" PRIu64 "\n", t.received,
                     t.unique, t.duplicates, t.gaps);
        return t.gaps == 0;
}

static int finish(Monitor *m)
{
        const MonitorSettings *s = m->settings;
        bool ok = !m->verify || print_totals(m);

        if (s->count == 0 || is_full(m) || stopped)
                return ok ? EXIT_SUCCESS : EXIT_FAILURE;
        (void)fprintf(stderr, "hublink-devhub: %" PRIu64 " of %" PRIu64 " came within the time of --for\n", m->n,
                      s->count);
        return ok ? EXIT_TIMEOUT : EXIT_FAILURE;
}

int monitor_run(const StateDir *dir, const MonitorSettings *settings)
{
        Monitor m = {.settings = settings};
        int r;

        catch_signals();
        (void)signal(SIGPIPE, SIG_IGN);
        r = store_open(&m.store, dir->path, dir->fd, false);
        if (r >= 0 && settings->device_id)
                known_ids_warn(&m.store, settings->device_id);
        if (r >= 0)
                r = run(&m);
        if (r < 0 && m.lost == 0)
                (void)store_words_complain(dir, &m.store, r);
        r = m.lost ? output_lost(m.lost) : r < 0 ? EXIT_FAILURE : finish(&m);
        verify_free(m.verify);
        buffer_done(&m.lines);
        store_done(&m.store);
        return r;
}
