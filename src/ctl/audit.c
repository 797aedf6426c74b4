/* SPDX-License-Identifier: Apache-2.0 */

/*
 * audit: what was ordered, by whom, and what came of it; with --watch from then on each as it comes.
 *
 * The daemon counts its orders, and tells when there are more: those since the last count are asked for, so that each
 * is seen once.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/quantity.h"
#include "base/visible.h"
#include "ctl/ctl.h"

#define COMMAND "audit"
#define MANAGER "org.hublink1.Manager"
#define MEMBER  "AuditSince"
#define ENTRY   "tssitss"

#define N_COLUMNS 6

/* ---- an entry ---- */

typedef struct AuditRow {
        usec_t time, took;
        const char *caller, *name, *request, *answer;
        int32_t status;
} AuditRow;

static int read_entry(sd_bus_message *m, AuditRow *ret)
{
        return sd_bus_message_read(m, "(" ENTRY ")", &ret->time, &ret->caller, &ret->name, &ret->status, &ret->took,
                                   &ret->request, &ret->answer);
}

static void put_entry_json(Buffer *b, const AuditRow *row)
{
        buffer_printf(b, "{\"time\":%" PRIu64 ",", row->time);
        put_json_text(b, "caller", row->caller);
        put_json_text(b, "name", row->name);
        buffer_printf(b, "\"status\":%" PRId32 ",\"took\":%" PRIu64 ",", row->status, row->took);
        put_json_text(b, "request", row->request);
        buffer_append_string(b, "\"answer\":");
        json_string(b, row->answer);
        buffer_append_char(b, '}');
}

static void add_entry(Table *table, const AuditRow *row)
{
        _cleanup_(buffer_done) Buffer time = BUFFER_NULL, took = BUFFER_NULL, said = BUFFER_NULL;

        put_local_time(&time, row->time, false);
        quantity_print_time(&took, row->took - row->took % USEC_PER_MSEC);
        if (*row->request) {
                visible_text(&said, row->request, strlen(row->request));
                buffer_append_string(&said, " -> ");
        }
        visible_text(&said, row->answer, strlen(row->answer));
        table_add(table, COLOUR_FAINT, "%s", time.data ?: "");
        table_add(table, row->status / 100 == 2 ? COLOUR_NONE : COLOUR_CARE, "%" PRId32, row->status);
        table_add(table, COLOUR_NONE, "%s", row->name);
        table_add(table, COLOUR_NONE, "%s", took.data ?: "");
        table_add(table, COLOUR_NONE, "%s", row->caller);
        table_add(table, COLOUR_FAINT, "%s", said.data ?: "");
}

/* ---- all of them ---- */

static int print_json(sd_bus_message *m)
{
        Buffer b = BUFFER_NULL;
        bool first = true;
        AuditRow row;
        int r;

        buffer_append_char(&b, '[');
        while ((r = read_entry(m, &row)) > 0) {
                if (!first)
                        buffer_append_string(&b, ",\n");
                put_entry_json(&b, &row);
                first = false;
        }
        buffer_append_string(&b, "]\n");
        if (r >= 0)
                return print_buffer(&b);
        buffer_done(&b);
        return client_misunderstood(MEMBER, r);
}

static int print_table(sd_bus_message *m)
{
        static const char *const head[N_COLUMNS] = {"TIME", "STATUS", "ORDER", "TOOK", "BY", ""};
        Screen screen = screen_of_stdout();
        Table table = {};
        AuditRow row;
        size_t n = 0;
        int r;

        table_head(&table, ARRAY_SIZE(head), head);
        while ((r = read_entry(m, &row)) > 0) {
                add_entry(&table, &row);
                n++;
        }
        if (n > 0)
                table_print(&table, &screen);
        else if (r >= 0)
                puts("Nothing was ordered since hublinkd began.");
        return r < 0 ? client_misunderstood(MEMBER, r) : CTL_OK;
}

/* ---- --watch ---- */

typedef struct Watch {
        const Options *options;
        Client *client;
        uint64_t seen;
        bool over;
        int result;
} Watch;

/* Those since then, the reply open at them; and how many there are now. */
static int ask(Watch *w, sd_bus_message **ret)
{
        int r = client_request(w->client, MANAGER, MEMBER, USEC_PER_MIN, ret, "t", w->seen);

        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(*ret, "t", &w->seen);
        if (r >= 0)
                r = sd_bus_message_enter_container(*ret, 'a', "(" ENTRY ")");
        return r < 0 ? client_misunderstood(MEMBER, r) : CTL_OK;
}

static int print_line(const Watch *w, const AuditRow *row)
{
        Screen screen = {};
        Table table = {.n_columns = N_COLUMNS};
        Buffer b = BUFFER_NULL;

        if (w->options->json) {
                put_entry_json(&b, row);
                buffer_append_char(&b, '\n');
                return print_buffer(&b);
        }
        add_entry(&table, row);
        table_print(&table, &screen);
        (void)fflush(stdout);
        return CTL_OK;
}

static void on_status(void *userdata, const GatewayStatus *status)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Watch *w = userdata;
        uint64_t before = w->seen, n = 0;
        AuditRow row;
        int r;

        if (status->orders == w->seen)
                return;
        w->result = ask(w, &m);
        for (; w->result == CTL_OK && (r = read_entry(m, &row)) != 0; n++)
                w->result = r < 0 ? client_misunderstood(MEMBER, r) : print_line(w, &row);
        if (w->result == CTL_OK && w->seen - before > n)
                fprintf(stderr, "%" PRIu64 " orders came faster than hublinkd keeps them.\n", w->seen - before - n);
        w->over = w->result != CTL_OK;
}

int command_audit(const Options *options, int argc, char **argv)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(client_closep) Client *client = NULL;
        Watch w = {.options = options};
        bool wanted;
        usec_t until;
        int r = follow_parse(COMMAND, COMMAND, argc, argv, &wanted, &until);

        if (r == CTL_OK && optind < argc)
                r = usage(COMMAND, COMMAND ": there is no argument '%s'.", argv[optind]);
        if (r != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK)
                return r;
        w.client = client;
        if (wanted) { /* before the first look: nothing is missed between */
                follow_begin();
                r = client_listen(client, &(ClientEvents){.status = on_status, .userdata = &w});
        }
        if (r != CTL_OK || (r = ask(&w, &m)) != CTL_OK)
                return r;
        r = options->json ? print_json(m) : print_table(m);
        if (r == CTL_OK && wanted)
                r = follow(client, until, &w.over);
        return r == CTL_OK ? w.result : r;
}
