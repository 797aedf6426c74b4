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

static double ratio(uint64_t a, uint64_t b)
{
        return b > 0 ? (double)a / (double)b : 0;
}

static double bytes_a_day(const Counts *c)
{
        return ratio(counts_get(c, "written_bytes"), counts_get(c, "age_usec")) * (double)USEC_PER_DAY;
}

static int print_json(const Counts *c, const char *disk_error)
{
        Buffer b = BUFFER_NULL;

        buffer_append_char(&b, '{');
        for (size_t i = 0; i < c->n_items; i++) {
                json_string(&b, c->items[i].name);
                buffer_append_char(&b, ':');
                json_unsigned(&b, c->items[i].n);
                buffer_append_char(&b, ',');
        }
        buffer_append_string(&b, "\"written_bytes_per_record\":");
        json_number(&b, ratio(counts_get(c, "written_bytes"), counts_get(c, "records")));
        buffer_append_string(&b, ",\"flushes_per_commit\":");
        json_number(&b, ratio(counts_get(c, "flushes"), counts_get(c, "commits")));
        buffer_append_string(&b, ",\"written_bytes_per_day\":");
        json_number(&b, bytes_a_day(c));
        buffer_append_string(&b, ",\"disk_error\":");
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

        put_size(&payload, counts_get(c, "payload_bytes"));
        put_size(&written, counts_get(c, "written_bytes"));
        name(t, "records");
        table_add(t, COLOUR_NONE, "%" PRIu64 ", %s", counts_get(c, "records"), payload.data);
        name(t, "written");
        if (counts_get(c, "records") > 0)
                table_add(t, COLOUR_NONE, "%s, %.0f bytes a record", written.data,
                          ratio(counts_get(c, "written_bytes"), counts_get(c, "records")));
        else
                table_add(t, COLOUR_NONE, "%s", written.data);
}

static void add_commits(Table *t, const Counts *c)
{
        uint64_t alone = counts_get(c, "checkpoints_alone");

        name(t, "commits");
        if (alone > 0)
                table_add(t, COLOUR_NONE, "%" PRIu64 ", %" PRIu64 " of them without a record",
                          counts_get(c, "commits"), alone);
        else
                table_add(t, COLOUR_NONE, "%" PRIu64, counts_get(c, "commits"));
        name(t, "flushes");
        if (counts_get(c, "commits") > 0)
                table_add(t, COLOUR_NONE, "%" PRIu64 ", %.2f a commit", counts_get(c, "flushes"),
                          ratio(counts_get(c, "flushes"), counts_get(c, "commits")));
        else
                table_add(t, COLOUR_NONE, "%" PRIu64, counts_get(c, "flushes"));
        name(t, "slots made");
        table_add(t, COLOUR_NONE, "%" PRIu64, counts_get(c, "slots_made"));
}

static double milliseconds(const Counts *c, const char *of)
{
        return (double)counts_get(c, of) / (double)USEC_PER_MSEC;
}

static void add_latency(Table *t, const Counts *c)
{
        name(t, "latency");
        table_add(t, COLOUR_NONE, "last %.1f ms, half below %.1f, 99%% below %.1f, longest %.1f",
                  milliseconds(c, "latency_last_usec"), milliseconds(c, "latency_p50_usec"),
                  milliseconds(c, "latency_p99_usec"), milliseconds(c, "latency_max_usec"));
}

static void add_wear(Table *t, const Counts *c)
{
        name(t, "wear");
        table_add(t, COLOUR_NONE, "%.1f MB a day at this rate%s", bytes_a_day(c) / 1e6,
                  counts_get(c, "age_usec") < SETTLED_USEC ? " (a short time to judge by: new files count)" : "");
}

static int print_text(const Counts *c, const char *disk_error)
{
        _cleanup_(buffer_done) Buffer age = BUFFER_NULL;
        Screen screen = screen_of_stdout();
        Table t = {.n_columns = 2};

        put_span(&age, counts_get(c, "age_usec"));
        name(&t, "counted for");
        table_add(&t, COLOUR_NONE, "%s", age.data);
        add_records(&t, c);
        add_commits(&t, c);
        add_latency(&t, c);
        add_wear(&t, c);
        if (*disk_error)
                screen_print(&screen, COLOUR_BAD, disk_error);
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
