/* SPDX-License-Identifier: Apache-2.0 */

/*
 * methods, call, audit: who answers to what, a call from here as the hub would make it, and what was called before.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/quantity.h"
#include "base/visible.h"
#include "ctl/ctl.h"

#define MANAGER "org.hublink1.Manager"
#define METHODS "org.hublink1.Methods"

#define METHOD "sssttt"
#define ENTRY  "tssitss"

/* What the daemon may take beyond the method's own time. */
#define GRACE_USEC (5 * USEC_PER_SEC)

static void put_member(Buffer *b, const char *name, const char *value)
{
        buffer_printf(b, "\"%s\":", name);
        json_string(b, value);
        buffer_append_char(b, ',');
}

/* ---- methods ---- */

typedef struct MethodRow {
        const char *name, *kind, *responder;
        uint64_t calls, failures, late;
} MethodRow;

/* 0: there is none. */
static int read_method(sd_bus_message *m, MethodRow *ret)
{
        return sd_bus_message_read(m, "(" METHOD ")", &ret->name, &ret->kind, &ret->responder, &ret->calls,
                                   &ret->failures, &ret->late);
}

static int print_methods_json(sd_bus_message *m)
{
        Buffer b = BUFFER_NULL;
        MethodRow row;
        bool first = true;
        int r;

        buffer_append_char(&b, '[');
        while ((r = read_method(m, &row)) > 0) {
                buffer_append_string(&b, first ? "{" : ",{");
                put_member(&b, "name", row.name);
                put_member(&b, "kind", row.kind);
                put_member(&b, "responder", row.responder);
                buffer_printf(&b, "\"calls\":%" PRIu64 ",\"failures\":%" PRIu64 ",\"late\":%" PRIu64 "}", row.calls,
                              row.failures, row.late);
                first = false;
        }
        buffer_append_string(&b, "]\n");
        if (r >= 0)
                return print_buffer(&b);
        buffer_done(&b);
        return client_misunderstood("List", r);
}

static int print_methods(sd_bus_message *m)
{
        static const char *const head[] = {"METHOD", "CALLS", "FAILED", "LATE", "ANSWERED BY"};
        Screen screen = screen_of_stdout();
        Table table = {};
        MethodRow row;
        int r;

        table_head(&table, ARRAY_SIZE(head), head);
        while ((r = read_method(m, &row)) > 0) {
                table_add(&table, COLOUR_NONE, "%s", row.name);
                table_add(&table, COLOUR_NONE, "%" PRIu64, row.calls);
                table_add(&table, row.failures > 0 ? COLOUR_CARE : COLOUR_NONE, "%" PRIu64, row.failures);
                table_add(&table, row.late > 0 ? COLOUR_CARE : COLOUR_NONE, "%" PRIu64, row.late);
                if (*row.responder)
                        table_add(&table, COLOUR_NONE, "%s (%s)", row.responder, row.kind);
                else
                        table_add(&table, COLOUR_FAINT, "hublinkd");
        }
        table_print(&table, &screen);
        return r < 0 ? client_misunderstood("List", r) : CTL_OK;
}

int command_methods(const Options *options, int argc, char **argv)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(client_closep) Client *client = NULL;
        int r;

        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_ask(client, METHODS, "List", NULL, &m)) != CTL_OK)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "(" METHOD ")");
        if (r < 0)
                return client_misunderstood("List", r);
        return options->json ? print_methods_json(m) : print_methods(m);
}

/* ---- call ---- */

typedef struct Wish {
        const char *name, *json;
        usec_t timeout;
} Wish;

static int parse_wish(int argc, char **argv, Wish *ret)
{
        static const struct option longs[] = {{"timeout", required_argument, NULL, 'o'}, {}};
        int o, r;

        *ret = (Wish){.json = ""};
        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                r = o == 'o' ? parse_span("call", optarg, &ret->timeout)
                             : usage("call", "call: this is not understood.");
                if (r != CTL_OK)
                        return r;
        }
        if (optind >= argc)
                return usage("call", "call: which method?");
        if (argc - optind > 2)
                return usage("call", "call: '%s' is one too many; JSON is one argument, in quotes.", argv[optind + 2]);
        ret->name = argv[optind];
        if (optind + 1 < argc)
                ret->json = argv[optind + 1];
        return CTL_OK;
}

/* 2xx is well. 504 is a time-out here as anywhere. */
static int exit_code(int32_t status)
{
        return status >= 200 && status < 300 ? CTL_OK : status == 504 ? CTL_TIMEOUT : CTL_FAILED;
}

static int print_answer(const Options *options, int32_t status, const char *json)
{
        Buffer b = BUFFER_NULL;
        int r;

        if (options->json) {
                buffer_printf(&b, "{\"status\":%" PRId32 ",\"payload\":%s}\n", status, *json ? json : "null");
        } else {
                visible_lines(&b, json, strlen(json));
                if (*json)
                        buffer_append_char(&b, '\n');
                if (exit_code(status) != CTL_OK)
                        fprintf(stderr, "status %" PRId32 "\n", status);
        }
        r = b.size > 0 ? print_buffer(&b) : CTL_OK;
        return r != CTL_OK ? r : exit_code(status);
}

int command_call(const Options *options, int argc, char **argv)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(client_closep) Client *client = NULL;
        const char *json;
        int32_t status;
        Wish wish;
        int r;

        /* Without a time of its own it is the daemon's, which is a setting: five minutes at most. */
        if ((r = parse_wish(argc, argv, &wish)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_request(client, METHODS, "Call", usec_add(wish.timeout ?: 5 * USEC_PER_MIN, GRACE_USEC), &m, "sst",
                                wish.name, wish.json, wish.timeout)) != CTL_OK)
                return r;
        r = sd_bus_message_read(m, "is", &status, &json);
        return r < 0 ? client_misunderstood("Call", r) : print_answer(options, status, json);
}

/* ---- audit ---- */

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
        put_member(b, "caller", row->caller);
        put_member(b, "name", row->name);
        buffer_printf(b, "\"status\":%" PRId32 ",\"took\":%" PRIu64 ",", row->status, row->took);
        put_member(b, "request", row->request);
        buffer_append_string(b, "\"answer\":");
        json_string(b, row->answer);
        buffer_append_char(b, '}');
}

static int print_audit_json(sd_bus_message *m)
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
        return client_misunderstood("Audit", r);
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
        table_add(table, exit_code(row->status) == CTL_OK ? COLOUR_NONE : COLOUR_CARE, "%" PRId32, row->status);
        table_add(table, COLOUR_NONE, "%s", row->name);
        table_add(table, COLOUR_NONE, "%s", took.data ?: "");
        table_add(table, COLOUR_NONE, "%s", row->caller);
        table_add(table, COLOUR_FAINT, "%s", said.data ?: "");
}

static int print_audit(sd_bus_message *m)
{
        static const char *const head[] = {"TIME", "STATUS", "METHOD", "TOOK", "CALLED BY", ""};
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
                puts("Nothing was called since hublinkd began.");
        return r < 0 ? client_misunderstood("Audit", r) : CTL_OK;
}

int command_audit(const Options *options, int argc, char **argv)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(client_closep) Client *client = NULL;
        int r;

        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_request(client, MANAGER, "Audit", USEC_PER_MIN, &m, "u", 0)) != CTL_OK)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "(" ENTRY ")");
        if (r < 0)
                return client_misunderstood("Audit", r);
        return options->json ? print_audit_json(m) : print_audit(m);
}
