/* SPDX-License-Identifier: Apache-2.0 */

/*
 * inbox: messages from the cloud. list looks, take hands one out, complete and reject end one unread.
 *
 * A message belongs to its taker as long as he is on the bus, and this program is there for a moment only: what it
 * takes it completes when the body has been written, and not before. If that fails, the message is offered again.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "ctl/ctl.h"
#include "ctl/inbox-answers.h"

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

static void put_body(Buffer *b, const InboxMessage *m)
{
        bool text = utf8_is_valid(m->body, m->size);

        buffer_append_string(b, text ? ",\"body\":" : ",\"body_base64\":");
        if (text)
                json_string_n(b, m->body, m->size);
        else {
                buffer_append_char(b, '"');
                base64_encode(b, m->body, m->size);
                buffer_append_char(b, '"');
        }
}

/* An object, still open. */
static void put_message(Buffer *b, const InboxMessage *m)
{
        buffer_printf(b, "{\"id\":%" PRIu64 ",\"message_id\":", m->id);
        json_string(b, m->message_id);
        buffer_append_string(b, ",\"correlation_id\":");
        json_string(b, m->correlation_id);
        buffer_printf(b, ",\"size\":%" PRIu64 ",\"properties\":{", m->size);
        for (size_t i = 0; i < m->n_properties; i++) {
                buffer_append_string(b, i ? "," : "");
                json_string(b, m->properties[i].name);
                buffer_append_char(b, ':');
                json_string(b, m->properties[i].value);
        }
        buffer_printf(b, "},\"received\":%" PRIu64 ",\"expiry\":%" PRIu64 ",\"times_taken\":%u", m->received, m->expiry,
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
        bool gone;
        int result;
} Watch;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
        interrupted = 1;
}

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
                if (m)
                        buffer_printf(&b, "  %" PRIu64 " bytes  taken %u times  %s", m->size, m->times_taken,
                                      *m->message_id ? m->message_id : "-");
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
        for (size_t i = 0; i < list.n_items && w->result == CTL_OK; i++)
                if (list.items[i].id == id)
                        found = &list.items[i];
        print_event(w, "arrived", id, found);
}

static void on_gone(void *userdata)
{
        ((Watch *)userdata)->gone = true;
}

static int watch(Watch *w, usec_t until)
{
        (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
        (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
        while (!interrupted && w->result == CTL_OK && clock_boot(&clock_system) < until) {
                int r;

                if (w->gone) {
                        fprintf(stderr, "hublinkd left. See: systemctl status hublinkd\n");
                        return CTL_NOT_RUNNING;
                }
                r = client_wait(w->client, until);
                if (r != CTL_OK)
                        return r;
        }
        return w->result;
}

static int parse_list(int argc, char **argv, bool *ret_watch, usec_t *ret_until)
{
        static const struct option longs[] = {
                {"watch", no_argument, NULL, 'w'}, {"for", required_argument, NULL, 'f'}, {}};
        usec_t span;
        int o;

        *ret_until = USEC_INFINITY;
        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (o == 'w') {
                        *ret_watch = true;
                } else if (o == 'f') {
                        if (parse_span(COMMAND, optarg, &span) != CTL_OK)
                                return CTL_USAGE;
                        *ret_until = usec_add(clock_boot(&clock_system), span);
                } else {
                        return usage(COMMAND, "inbox list: this is not understood.");
                }
        }
        if (*ret_until != USEC_INFINITY && !*ret_watch)
                return usage(COMMAND, "inbox list: --for goes with --watch.");
        return optind < argc ? usage(COMMAND, "inbox list: there is no argument '%s'.", argv[optind]) : CTL_OK;
}

static int list(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(inbox_list_done) InboxList list = {};
        Watch w = {.options = options};
        bool wanted = false;
        usec_t until;
        int r;

        if ((r = parse_list(argc, argv, &wanted, &until)) != CTL_OK ||
            (r = client_open(&client, options->bus)) != CTL_OK)
                return r;
        w.client = client;
        if (wanted) /* before the list: nothing is missed between */
                r = client_listen(client, &(ClientEvents){.inbox = on_event, .gone = on_gone, .userdata = &w});
        if (r != CTL_OK || (r = inbox_ask_list(client, &list)) != CTL_OK || (r = print_list(options, &list)) != CTL_OK)
                return r;
        (void)fflush(stdout);
        return wanted ? watch(&w, until) : CTL_OK;
}

/* ---- take ---- */

/* To the end, on the disk if it is a file: it is completed then. */
static int write_out(FILE *f, const void *data, size_t size, const char *name)
{
        bool good = fwrite(data, 1, size, f) == size && fflush(f) == 0 &&
                    (fsync(fileno(f)) == 0 || errno == EINVAL || errno == EROFS);

        if (good)
                return CTL_OK;
        fprintf(stderr, "%s: %s. The message is offered again.\n", name, strerror(errno));
        return CTL_FAILED;
}

static int write_file(const InboxMessage *m, const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r;
        FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

        if (!f) {
                fprintf(stderr, "%s: %s. The message is offered again.\n", path, strerror(errno));
                (void)safe_close(fd);
                return CTL_FAILED;
        }
        r = write_out(f, m->body, m->size, path);
        if (fclose(f) != 0 && r == CTL_OK)
                r = CTL_FAILED;
        return r;
}

static int hand_out(const Options *options, const InboxMessage *m, const char *output)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r = output ? write_file(m, output) : CTL_OK;

        if (r != CTL_OK)
                return r;
        if (m->times_taken > 0)
                fprintf(stderr, "Message %" PRIu64 " was taken %u time%s before: what it asks may be done already.\n",
                        m->id, m->times_taken, m->times_taken == 1 ? "" : "s");
        if (!options->json)
                return output ? CTL_OK : write_out(stdout, m->body, m->size, "standard output");
        put_message(&b, m);
        if (!output)
                put_body(&b, m);
        buffer_append_string(&b, "}\n");
        if (buffer_error(&b) < 0)
                return CTL_FAILED;
        return write_out(stdout, b.data, b.size, "standard output");
}

static int take(const Options *options, int argc, char **argv)
{
        static const struct option longs[] = {{"output", required_argument, NULL, 'o'}, {}};
        _cleanup_(inbox_message_done) InboxMessage message = {};
        _cleanup_(client_closep) Client *client = NULL;
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
            (r = inbox_ask_take(client, id, &message)) != CTL_OK ||
            (r = hand_out(options, &message, output)) != CTL_OK)
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
        if (argc != 2)
                return usage(COMMAND, "inbox complete: which one? Its number.");
        return end(options, argv[1], NULL, "completed");
}

static int reject(const Options *options, int argc, char **argv)
{
        if (argc < 2 || argc > 3)
                return usage(COMMAND, "inbox reject: which one? Its number, and a reason if there is one.");
        return end(options, argv[1], argc == 3 ? argv[2] : "", "rejected");
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
