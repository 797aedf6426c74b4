/* SPDX-License-Identifier: Apache-2.0 */

/*
 * queue stats: bytes, flushes and their latency, and what a day of it would wear off a flash card.
 *
 * The estimate is of what hublinkd itself writes. What the file system adds (its journal, the time of the last
 * change) and what the card makes of it are not known here, and no figure is made up for them.
 */

#include <inttypes.h>
#include <stdio.h>

#include "ctl/ctl.h"

/* A new queue makes its files first: only later does the rate tell of a day. */
#define SETTLED_USEC (10 * USEC_PER_MIN)

/* Nothing is divided by nothing: false, and it is not known. */
static bool ratio(const Counts *c, const char *a, const char *b, double *ret)
{
        uint64_t of = counts_get(c, b);

        *ret = of > 0 ? (double)counts_get(c, a) / (double)of : 0;
        return of > 0;
}

static bool bytes_a_day(const Counts *c, double *ret)
{
        bool known = ratio(c, "written_bytes", "age_usec", ret);

        *ret *= (double)USEC_PER_DAY;
        return known;
}

static void put_ratio_json(Buffer *b, const char *name, bool known, double value)
{
        buffer_printf(b, "\"%s\":", name);
        if (known)
                json_number(b, value);
        else
                buffer_append_string(b, "null");
        buffer_append_char(b, ',');
}

static int print_json(const Counts *c, const char *disk_error)
{
        Buffer b = BUFFER_NULL;
        double value;
        bool known;

        buffer_append_char(&b, '{');
        for (size_t i = 0; i < c->n_items; i++) {
                json_string(&b, c->items[i].name);
                buffer_append_char(&b, ':');
                json_unsigned(&b, c->items[i].n);
                buffer_append_char(&b, ',');
        }
        known = ratio(c, "written_bytes", "records", &value);
        put_ratio_json(&b, "written_bytes_per_record", known, value);
        known = ratio(c, "flushes", "commits", &value);
        put_ratio_json(&b, "flushes_per_commit", known, value);
        known = bytes_a_day(c, &value);
        put_ratio_json(&b, "written_bytes_per_day", known, value);
        buffer_append_string(&b, "\"disk_error\":");
        json_string(&b, disk_error);
        buffer_append_string(&b, "}\n");
        return print_buffer(&b);
}

static void name(Table *t, const char *text)
{
        table_add(t, COLOUR_FAINT, "%s", text);
}

static void add_records(Table *t, const Counts *c)
{
        _cleanup_(buffer_done) Buffer payload = BUFFER_NULL, written = BUFFER_NULL;
        double each;

        put_size(&payload, counts_get(c, "payload_bytes"));
        put_size(&written, counts_get(c, "written_bytes"));
        name(t, "records");
        table_add(t, COLOUR_NONE, "%" PRIu64 ", %s", counts_get(c, "records"), payload.data);
        name(t, "written");
        if (ratio(c, "written_bytes", "records", &each)) {
                buffer_append_string(&written, ", ");
                put_size(&written, (uint64_t)each);
                buffer_append_string(&written, " a record");
        }
        table_add(t, COLOUR_NONE, "%s", written.data);
}

static void add_commits(Table *t, const Counts *c)
{
        uint64_t alone = counts_get(c, "checkpoints_alone");
        double each;

        name(t, "commits");
        if (alone > 0)
                table_add(t, COLOUR_NONE, "%" PRIu64 ", %" PRIu64 " of them without a record",
                          counts_get(c, "commits"), alone);
        else
                table_add(t, COLOUR_NONE, "%" PRIu64, counts_get(c, "commits"));
        name(t, "flushes");
        if (ratio(c, "flushes", "commits", &each))
                table_add(t, COLOUR_NONE, "%" PRIu64 ", %.2f a commit", counts_get(c, "flushes"), each);
        else
                table_add(t, COLOUR_NONE, "%" PRIu64, counts_get(c, "flushes"));
        name(t, "slots made");
        table_add(t, COLOUR_NONE, "%" PRIu64, counts_get(c, "slots_made"));
}

/* Of a disk: milliseconds, until it takes long enough to wait for. */
static void put_latency(Buffer *b, const char *words, usec_t latency)
{
        buffer_append_string(b, words);
        if (latency < USEC_PER_SEC)
                buffer_printf(b, "%.1f ms", (double)latency / (double)USEC_PER_MSEC);
        else
                put_span(b, latency);
}

static void add_latency(Table *t, const Counts *c)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        name(t, "latency");
        if (counts_get(c, "commits") == 0) {
                table_add(t, COLOUR_NONE, "not known: nothing has been committed yet");
                return;
        }
        put_latency(&b, "last ", counts_get(c, "latency_last_usec"));
        put_latency(&b, ", half below ", counts_get(c, "latency_p50_usec"));
        put_latency(&b, ", 99% below ", counts_get(c, "latency_p99_usec"));
        put_latency(&b, ", longest ", counts_get(c, "latency_max_usec"));
        table_add(t, COLOUR_NONE, "%s", b.data);
}

static void add_wear(Table *t, const Counts *c)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        double day;

        name(t, "wear");
        if (counts_get(c, "age_usec") > 0 && counts_get(c, "age_usec") < SETTLED_USEC) {
                table_add(t, COLOUR_NONE, "not known before 10 min: new files count as much as a day's work");
                return;
        }
        if (!bytes_a_day(c, &day)) {
                table_add(t, COLOUR_NONE, "not known: the queue is not open yet");
                return;
        }
        put_size(&b, (uint64_t)day);
        table_add(t, COLOUR_NONE, "%s a day at this rate", b.data);
}

static int print_text(const Counts *c, const char *disk_error)
{
        _cleanup_(buffer_done) Buffer age = BUFFER_NULL;
        Screen screen = screen_of_stdout();
        Table t = {.n_columns = 2};

        if (*disk_error)
                screen_print(&screen, COLOUR_BAD, disk_error);
        if (c->n_items == 0) {
                puts("This hublinkd tells no figures of its queue: it is an older one.");
                return CTL_OK;
        }
        put_span(&age, counts_get(c, "age_usec"));
        name(&t, "counted for");
        table_add(&t, COLOUR_NONE, "%s", age.data);
        add_records(&t, c);
        add_commits(&t, c);
        add_latency(&t, c);
        add_wear(&t, c);
        table_print(&t, &screen);
        return CTL_OK;
}

int command_queue_stats(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus status = {};
        int r;

        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_status(client, &status)) != CTL_OK)
                return r;
        return options->json ? print_json(&status.queue_stats, status.disk_error)
                             : print_text(&status.queue_stats, status.disk_error);
}
