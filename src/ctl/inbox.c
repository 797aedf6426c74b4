/* SPDX-License-Identifier: Apache-2.0 */

/*
 * inbox: messages from the cloud. list looks, take hands one out, complete and reject end one unread.
 *
 * A message belongs to its taker as long as he is on the bus, and this program is there for a moment only: what it
 * takes it completes when the body has been written, and not before. If that fails, the message is offered again,
 * marked as taken; so where the body is to go is opened first.
 */

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "ctl/ctl.h"
#include "ctl/inbox-answers.h"
#include "ctl/output-file.h"

#define COMMAND "inbox"

static int parse_id(const char *text, uint64_t *ret)
{
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || errno != 0 || *ret == 0)
                return usage(COMMAND, COMMAND ": '%s' is not the number of a message.", text);
        return CTL_OK;
}

/* ---- as JSON ---- */

/* An object, still open. */
static void put_message(Buffer *b, const InboxMessage *m)
{
        buffer_printf(b, "{\"id\":%" PRIu64 ",\"message_id\":", m->id);
        json_string(b, m->message_id);
        buffer_append_string(b, ",\"correlation_id\":");
        json_string(b, m->correlation_id);
        buffer_printf(b, ",\"size\":%" PRIu64, m->size);
        put_json_properties(b, m->properties, m->n_properties);
        buffer_printf(b, ",\"received\":%" PRIu64 ",\"expiry\":%" PRIu64 ",\"times_taken\":%u", m->received, m->expiry,
                      m->times_taken);
}

static void put_listed(Buffer *b, const InboxMessage *m)
{
        put_message(b, m);
        buffer_append_string(b, ",\"taker\":");
        json_string(b, m->taker);
        buffer_printf(b, ",\"until\":%" PRIu64 "}", m->until);
}

/* ---- list ---- */

static const char *const head[] = {"id", "received", "expires", "bytes", "taken", "message id", "taker"};
static_assert(ARRAY_SIZE(head) <= TABLE_COLUMNS_MAX, "a table has room for its columns");

static void add_time(Table *t, usec_t usec)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (usec > 0)
                put_local_time(&b, usec, false);
        table_add(t, COLOUR_NONE, "%s", b.data ?: "-");
}

static void add_row(Table *t, const InboxMessage *m)
{
        table_add(t, COLOUR_NONE, "%" PRIu64, m->id);
        add_time(t, m->received);
        add_time(t, m->expiry);
        table_add(t, COLOUR_NONE, "%" PRIu64, m->size);
        table_add(t, m->times_taken > 0 ? COLOUR_CARE : COLOUR_NONE, "%u", m->times_taken);
        table_add(t, COLOUR_NONE, "%s", *m->message_id ? m->message_id : "-");
        table_add(t, COLOUR_NONE, "%s", *m->taker ? m->taker : "-");
}

static void print_rows(const InboxMessage *items, size_t n)
{
        Screen screen = screen_of_stdout();
        Table t = {.n_columns = ARRAY_SIZE(head)};

        for (size_t i = 0; i < ARRAY_SIZE(head); i++)
                table_add(&t, COLOUR_FAINT, "%s", head[i]);
        for (size_t i = 0; i < n; i++)
                add_row(&t, &items[i]);
        table_print(&t, &screen);
}

static int print_list(const Options *options, const InboxList *list)
{
        Buffer b = BUFFER_NULL;

        if (!options->json) {
                if (list->n_items == 0)
                        puts("The inbox is empty.");
                else
                        print_rows(list->items, list->n_items);
                return CTL_OK;
        }
        buffer_append_char(&b, '[');
        for (size_t i = 0; i < list->n_items; i++) {
                buffer_append_string(&b, i ? "," : "");
                put_listed(&b, &list->items[i]);
        }
        buffer_append_string(&b, "]\n");
        return print_buffer(&b);
}

/* ---- list --watch ---- */

typedef struct Watch {
        const Options *options;
        Client *client;
        bool over;
        int result;
} Watch;

static void print_event(const Watch *w, const char *what, uint64_t id, const InboxMessage *m)
{
        Buffer b = BUFFER_NULL;

        if (w->options->json) {
                buffer_printf(&b, "{\"event\":\"%s\",\"id\":%" PRIu64, what, id);
                if (m) {
                        buffer_append_string(&b, ",\"message\":");
                        put_listed(&b, m);
                }
                buffer_append_char(&b, '}');
        } else {
                put_local_time(&b, clock_wall(&clock_system), false);
                buffer_printf(&b, "  %s  %" PRIu64, what, id);
                if (m) {
                        buffer_printf(&b, "  %" PRIu64 " bytes  taken %u times  ", m->size, m->times_taken);
                        visible_string(&b, *m->message_id ? m->message_id : "-");
                }
        }
        buffer_append_char(&b, '\n');
        (void)print_buffer(&b);
        (void)fflush(stdout);
}

/* It may be taken, or gone, by now: then its number is all there is. */
static void on_event(void *userdata, const char *what, uint64_t id)
{
        _cleanup_(inbox_list_done) InboxList list = {};
        const InboxMessage *found = NULL;
        Watch *w = userdata;

        if (strcmp(what, "Arrived") != 0) {
                print_event(w, "expired", id, NULL);
                return;
        }
        w->result = inbox_ask_list(w->client, &list);
        w->over = w->result != CTL_OK;
        for (size_t i = 0; i < list.n_items && w->result == CTL_OK; i++)
                if (list.items[i].id == id)
                        found = &list.items[i];
        print_event(w, "arrived", id, found);
}

static int parse_list(int argc, char **argv, bool *ret_watch, usec_t *ret_until)
{
        int r = follow_parse(COMMAND, "inbox list", argc, argv, ret_watch, ret_until);

        return r == CTL_OK && optind < argc ? usage(COMMAND, "inbox list: there is no argument '%s'.", argv[optind])
                                            : r;
}

static int list(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(inbox_list_done) InboxList list = {};
        Watch w = {.options = options};
        bool wanted;
        usec_t until;
        int r;

        if ((r = parse_list(argc, argv, &wanted, &until)) != CTL_OK ||
            (r = client_open(&client, options->bus)) != CTL_OK)
                return r;
        w.client = client;
        if (wanted) { /* before the list: nothing is missed between */
                follow_begin();
                r = client_listen(client, &(ClientEvents){.inbox = on_event, .userdata = &w});
        }
        if (r != CTL_OK || (r = inbox_ask_list(client, &list)) != CTL_OK || (r = print_list(options, &list)) != CTL_OK)
                return r;
        if (wanted)
                r = follow(client, until, &w.over);
        return r == CTL_OK ? w.result : r;
}

/* ---- take ---- */

/* Its body to the file, or to standard output; with --json there is a text on standard output in either case. */
static int write_whole(const Options *options, const InboxMessage *m, OutputFile *body)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        OutputFile plain = {};
        int r = body->path || !options->json ? output_file_write(body, m->body, m->size) : CTL_OK;

        if (r != CTL_OK || !options->json)
                return r;
        put_message(&b, m);
        if (!body->path)
                put_json_body(&b, m->body, m->size);
        buffer_append_string(&b, "}\n");
        return buffer_error(&b) < 0 ? CTL_FAILED : output_file_write(&plain, b.data, b.size);
}

static int hand_out(const Options *options, const InboxMessage *m, OutputFile *body)
{
        int r;

        if (m->times_taken > 0)
                fprintf(stderr, "Message %" PRIu64 " was taken %u time%s before: what it asks may be done already.\n",
                        m->id, m->times_taken, m->times_taken == 1 ? "" : "s");
        r = write_whole(options, m, body);
        if (r != CTL_OK)
                fprintf(stderr, "Message %" PRIu64 " is offered again.\n", m->id);
        return r;
}

/* All that is to be written to takes it, as far as can be known: a taking is marked, and cannot be taken back. */
static int open_outputs(const Options *options, const char *path, OutputFile *body)
{
        OutputFile plain;
        int r = path && options->json ? output_file_open(&plain, NULL) : CTL_OK;

        return r != CTL_OK ? r : output_file_open(body, path);
}

static int take(const Options *options, int argc, char **argv)
{
        static const struct option longs[] = {{"output", required_argument, NULL, 'o'}, {}};
        _cleanup_(inbox_message_done) InboxMessage message = {};
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(output_file_done) OutputFile body = {};
        const char *output = NULL;
        uint64_t id = 0;
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (o != 'o')
                        return usage(COMMAND, "inbox take: this is not understood.");
                output = optarg;
        }
        if (argc - optind > 1)
                return usage(COMMAND, "inbox take: one message, not '%s' too.", argv[optind + 1]);
        if ((optind < argc && (r = parse_id(argv[optind], &id)) != CTL_OK) ||
            (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = open_outputs(options, output, &body)) != CTL_OK ||
            (r = inbox_ask_take(client, id, &message)) != CTL_OK || (r = hand_out(options, &message, &body)) != CTL_OK)
                return r;
        return inbox_ask_complete(client, message.id);
}

/* ---- complete, reject ---- */

static int end(const Options *options, const char *id_text, const char *reason, const char *what)
{
        _cleanup_(inbox_message_done) InboxMessage message = {};
        _cleanup_(client_closep) Client *client = NULL;
        uint64_t id;
        int r;

        if ((r = parse_id(id_text, &id)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = inbox_ask_take(client, id, &message)) != CTL_OK)
                return r;
        r = reason ? inbox_ask_reject(client, id, reason) : inbox_ask_complete(client, id);
        if (r != CTL_OK)
                return r;
        if (options->json)
                printf("{\"id\":%" PRIu64 ",\"outcome\":\"%s\"}\n", id, what);
        else
                printf("%" PRIu64 " is %s\n", id, what);
        return CTL_OK;
}

static int complete(const Options *options, int argc, char **argv)
{
        int r = parse_words(COMMAND, "inbox complete", argc, argv, 1);

        if (r == CTL_OK && optind == argc)
                r = usage(COMMAND, "inbox complete: which one? Its number.");
        return r == CTL_OK ? end(options, argv[optind], NULL, "completed") : r;
}

static int reject(const Options *options, int argc, char **argv)
{
        int r = parse_words(COMMAND, "inbox reject", argc, argv, 2);

        if (r == CTL_OK && optind == argc)
                r = usage(COMMAND, "inbox reject: which one? Its number, and a reason if there is one.");
        return r == CTL_OK ? end(options, argv[optind], argc - optind == 2 ? argv[optind + 1] : "", "rejected") : r;
}

/* ---- the group ---- */

int command_inbox(const Options *options, int argc, char **argv)
{
        static const Command rows[] = {
                {.name = "list", .run = list},
                {.name = "take", .run = take},
                {.name = "complete", .run = complete},
                {.name = "reject", .run = reject},
        };

        return run_group(rows, ARRAY_SIZE(rows), options, argc, argv);
}
