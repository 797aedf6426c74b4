/* SPDX-License-Identifier: Apache-2.0 */

/*
 * methods: who answers to what; with --watch from then on who comes and goes, and who was called.
 *
 * The daemon tells that something is another. All of them are asked for then, and what differs has a line.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/visible.h"
#include "ctl/ctl.h"

#define COMMAND "methods"
#define METHODS "org.hublink1.Methods"
#define MEMBER  "List"
#define METHOD  "sssttt"

/* Texts stand in the answer. */
typedef struct MethodRow {
        const char *name, *kind, *responder;
        uint64_t calls, failures, late;
} MethodRow;

/* In the order of their names. */
typedef struct MethodRows {
        MethodRow *rows;
        size_t n;
        sd_bus_message *message;
} MethodRows;

static void rows_done(MethodRows *r)
{
        free(r->rows);
        sd_bus_message_unref(r->message);
        *r = (MethodRows){};
}

/* ---- asked for ---- */

/* 0: there is none. */
static int read_row(sd_bus_message *m, MethodRow *ret)
{
        return sd_bus_message_read(m, "(" METHOD ")", &ret->name, &ret->kind, &ret->responder, &ret->calls,
                                   &ret->failures, &ret->late);
}

static int read_rows(MethodRows *to)
{
        MethodRow row;
        int r = sd_bus_message_enter_container(to->message, 'a', "(" METHOD ")");

        while (r >= 0 && (r = read_row(to->message, &row)) > 0) {
                MethodRow *more = reallocarray(to->rows, to->n + 1, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                to->rows = more;
                to->rows[to->n++] = row;
        }
        return r;
}

static int ask(Client *client, MethodRows *ret)
{
        int r = client_ask(client, METHODS, MEMBER, &ret->message, "");

        if (r != CTL_OK)
                return r;
        r = read_rows(ret);
        return r < 0 ? client_misunderstood(MEMBER, r) : CTL_OK;
}

/* ---- printed ---- */

static void put_row_json(Buffer *b, const MethodRow *row)
{
        buffer_append_char(b, '{');
        put_json_text(b, "name", row->name);
        put_json_text(b, "kind", row->kind);
        put_json_text(b, "responder", row->responder);
        buffer_printf(b, "\"calls\":%" PRIu64 ",\"failures\":%" PRIu64 ",\"late\":%" PRIu64 "}", row->calls,
                      row->failures, row->late);
}

static int print_json(const MethodRows *all)
{
        Buffer b = BUFFER_NULL;

        buffer_append_char(&b, '[');
        for (size_t i = 0; i < all->n; i++) {
                buffer_append_string(&b, i ? "," : "");
                put_row_json(&b, &all->rows[i]);
        }
        buffer_append_string(&b, "]\n");
        return print_buffer(&b);
}

static void add_row(Table *table, const MethodRow *row)
{
        table_add(table, COLOUR_NONE, "%s", row->name);
        table_add(table, COLOUR_NONE, "%" PRIu64, row->calls);
        table_add(table, row->failures > 0 ? COLOUR_CARE : COLOUR_NONE, "%" PRIu64, row->failures);
        table_add(table, row->late > 0 ? COLOUR_CARE : COLOUR_NONE, "%" PRIu64, row->late);
        if (*row->responder)
                table_add(table, COLOUR_NONE, "%s (%s)", row->responder, row->kind);
        else
                table_add(table, COLOUR_FAINT, "hublinkd");
}

static int print_table(const MethodRows *all)
{
        static const char *const head[] = {"METHOD", "CALLS", "FAILED", "LATE", "ANSWERED BY"};
        Screen screen = screen_of_stdout();
        Table table = {};

        table_head(&table, ARRAY_SIZE(head), head);
        for (size_t i = 0; i < all->n; i++)
                add_row(&table, &all->rows[i]);
        table_print(&table, &screen);
        return CTL_OK;
}

/* ---- --watch ---- */

typedef struct Watch {
        const Options *options;
        Client *client;
        MethodRows rows;
        uint64_t orders, changes;
        bool over;
        int result;
} Watch;

static void tell(const Watch *w, const char *event, const MethodRow *row)
{
        Buffer b = BUFFER_NULL;

        if (w->options->json) {
                buffer_printf(&b, "{\"event\":\"%s\",\"method\":", event);
                put_row_json(&b, row);
                buffer_append_char(&b, '}');
        } else {
                put_local_time(&b, clock_wall(&clock_system), false);
                buffer_printf(&b, "  %-6s  ", event);
                visible_string(&b, row->name);
                buffer_printf(&b, "  %" PRIu64 " calls, %" PRIu64 " failed, %" PRIu64 " late  ", row->calls,
                              row->failures, row->late);
                visible_string(&b, *row->responder ? row->responder : "hublinkd");
        }
        buffer_append_char(&b, '\n');
        (void)print_buffer(&b);
}

static void compare(const Watch *w, const MethodRow *before, const MethodRow *now)
{
        if (strcmp(before->responder, now->responder) != 0)
                tell(w, "new", now);
        else if (before->calls != now->calls || before->failures != now->failures || before->late != now->late)
                tell(w, "called", now);
}

static void tell_differences(const Watch *w, const MethodRows *before, const MethodRows *now)
{
        size_t i = 0, j = 0;

        while (i < before->n || j < now->n) {
                int order = i == before->n ? 1 : j == now->n ? -1 : strcmp(before->rows[i].name, now->rows[j].name);

                if (order < 0)
                        tell(w, "gone", &before->rows[i]);
                else if (order > 0)
                        tell(w, "new", &now->rows[j]);
                else
                        compare(w, &before->rows[i], &now->rows[j]);
                i += order <= 0;
                j += order >= 0;
        }
}

static void on_status(void *userdata, const GatewayStatus *status)
{
        _cleanup_(rows_done) MethodRows now = {};
        Watch *w = userdata;
        MethodRows before;

        if (status->orders == w->orders && status->method_changes == w->changes)
                return;
        w->orders = status->orders;
        w->changes = status->method_changes;
        w->result = ask(w->client, &now);
        w->over = w->result != CTL_OK;
        if (w->over)
                return;
        tell_differences(w, &w->rows, &now);
        before = w->rows;
        w->rows = now;
        now = before;
}

static int look(Watch *w, bool wanted, usec_t until)
{
        int r = client_open(&w->client, w->options->bus);

        if (r == CTL_OK && wanted) { /* before the first look: nothing is missed between */
                follow_begin();
                r = client_listen(w->client, &(ClientEvents){.status = on_status, .userdata = w});
        }
        if (r != CTL_OK || (r = ask(w->client, &w->rows)) != CTL_OK)
                return r;
        r = w->options->json ? print_json(&w->rows) : print_table(&w->rows);
        if (r == CTL_OK && wanted)
                r = follow(w->client, until, &w->over);
        return r == CTL_OK ? w->result : r;
}

int command_methods(const Options *options, int argc, char **argv)
{
        Watch w = {.options = options};
        bool wanted;
        usec_t until;
        int r = follow_parse(COMMAND, COMMAND, argc, argv, &wanted, &until);

        if (r == CTL_OK && optind < argc)
                r = usage(COMMAND, COMMAND ": there is no argument '%s'.", argv[optind]);
        if (r == CTL_OK)
                r = look(&w, wanted, until);
        rows_done(&w.rows);
        client_close(w.client);
        return r;
}
