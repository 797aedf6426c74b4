/* SPDX-License-Identifier: Apache-2.0 */

/*
 * dead-letters: what the hub can never take. list and show look, export saves, requeue and delete change.
 *
 * Where several are named, one that fails does not keep the others: it is told, and the exit code is that of the
 * first that failed.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "ctl/ctl.h"
#include "ctl/letters.h"
#include "model/value-json.h"

#define COMMAND    "dead-letters"
#define SHOWN_BODY 2048 /* bytes that a person may want to see */

/* ---- which ---- */

typedef struct Chosen {
        uint64_t *ids;
        size_t n;
        bool all;
        const char *output;
} Chosen;

static void chosen_done(Chosen *c)
{
        free(c->ids);
}

static int parse_id(const char *text, uint64_t *ret)
{
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || errno != 0)
                return usage(COMMAND, COMMAND ": '%s' is not the number of a dead letter.", text);
        return CTL_OK;
}

static int parse(int argc, char **argv, bool may_write, Chosen *ret)
{
        static const struct option longs[] = {
                {"all", no_argument, NULL, 'a'}, {"output", required_argument, NULL, 'o'}, {}};
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (o == 'a')
                        ret->all = true;
                else if (o == 'o' && may_write)
                        ret->output = optarg;
                else
                        return usage(COMMAND, COMMAND ": this is not understood.");
        }
        ret->ids = calloc((size_t)(argc - optind) + 1, sizeof(*ret->ids));
        if (!ret->ids)
                return CTL_FAILED;
        for (int i = optind; i < argc; i++)
                if ((r = parse_id(argv[i], &ret->ids[ret->n++])) != CTL_OK)
                        return r;
        if (ret->all && ret->n > 0)
                return usage(COMMAND, COMMAND ": either --all or some of them.");
        if (!ret->all && ret->n == 0)
                return usage(COMMAND, COMMAND ": which one? Their numbers, or --all.");
        return CTL_OK;
}

/* --all: those that are there now. */
static int choose(Client *client, Chosen *c)
{
        _cleanup_(letter_list_done) LetterList list = {};
        int r;

        if (!c->all)
                return CTL_OK;
        r = letters_list(client, &list);
        if (r != CTL_OK)
                return r;
        free(c->ids);
        c->ids = calloc(list.n_letters + 1, sizeof(*c->ids));
        if (!c->ids)
                return CTL_FAILED;
        for (size_t i = 0; i < list.n_letters; i++)
                c->ids[c->n++] = list.letters[i].id;
        return CTL_OK;
}

/* ---- as JSON ---- */

static void put_text(Buffer *b, const char *name, const char *value)
{
        buffer_printf(b, ",\"%s\":", name);
        json_string(b, value);
}

static void put_letter(Buffer *b, const Letter *l)
{
        buffer_printf(b, "{\"id\":%" PRIu64, l->id);
        put_text(b, "stream", l->stream);
        buffer_printf(b, ",\"epoch\":\"%016" PRIx64 "\",\"n\":%" PRIu64, l->epoch, l->n);
        put_text(b, "reason", l->reason);
        put_text(b, "detail", l->detail);
        put_text(b, "kind", l->kind);
        buffer_printf(b, ",\"size\":%" PRIu64 ",\"time\":%" PRIu64, l->size, l->time);
}

static void put_reading(Buffer *b, const LetterContent *l)
{
        put_text(b, "sensor", l->sensor);
        buffer_printf(b, ",\"reading_time\":%" PRIu64 ",\"time_trusted\":%s", l->reading_time,
                      l->time_trusted ? "true" : "false");
        put_text(b, "quality", l->quality);
        buffer_append_string(b, ",\"values\":{");
        for (size_t i = 0; i < l->n_values; i++) {
                buffer_append_string(b, i ? "," : "");
                json_string(b, l->values[i].name);
                buffer_append_char(b, ':');
                value_to_json(&l->values[i].value, b);
        }
        buffer_append_char(b, '}');
}

static void put_message(Buffer *b, const LetterContent *l)
{
        put_text(b, "content_type", l->content_type);
        put_text(b, "content_encoding", l->content_encoding);
        put_text(b, "correlation_id", l->correlation_id);
        put_json_properties(b, l->properties, l->n_properties);
        put_json_body(b, l->body, l->n_body);
}

static void put_content(Buffer *b, const LetterContent *l)
{
        put_letter(b, &l->letter);
        if (l->sensor)
                put_reading(b, l);
        else if (strcmp(l->letter.kind, "message") == 0)
                put_message(b, l);
        else
                put_json_body(b, l->body, l->n_body);
        buffer_append_string(b, "}\n");
}

/* ---- list ---- */

static void put_ago(Buffer *b, usec_t wall)
{
        put_span(b, usec_sub(clock_wall(&clock_system), wall));
        buffer_append_string(b, " ago");
}

static void print_list(const LetterList *list)
{
        static const char *const heads[] = {"id", "set aside", "reason", "size", "record"};
        Table t = {};
        Screen screen = screen_of_stdout();

        table_head(&t, ARRAY_SIZE(heads), heads);
        for (size_t i = 0; i < list->n_letters; i++) {
                const Letter *l = &list->letters[i];
                _cleanup_(buffer_done) Buffer ago = BUFFER_NULL, size = BUFFER_NULL;

                put_ago(&ago, l->time);
                put_size(&size, l->size);
                table_add(&t, COLOUR_NONE, "%" PRIu64, l->id);
                table_add(&t, COLOUR_NONE, "%s", ago.data);
                table_add(&t, COLOUR_CARE, "%s", l->reason);
                table_add(&t, COLOUR_NONE, "%s", size.data);
                table_add(&t, COLOUR_NONE, "%s %" PRIu64 "%s%s", l->stream, l->n, *l->detail ? ": " : "", l->detail);
        }
        table_print(&t, &screen);
}

static int list(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(letter_list_done) LetterList list = {};
        Buffer b = BUFFER_NULL;
        int r;

        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = letters_list(client, &list)) != CTL_OK)
                return r;
        if (!options->json) {
                if (list.n_letters == 0)
                        puts("There are no dead letters.");
                else
                        print_list(&list);
                return CTL_OK;
        }
        buffer_append_char(&b, '[');
        for (size_t i = 0; i < list.n_letters; i++) {
                buffer_append_string(&b, i ? "," : "");
                put_letter(&b, &list.letters[i]);
                buffer_append_char(&b, '}');
        }
        buffer_append_string(&b, "]\n");
        return print_buffer(&b);
}

/* ---- show ---- */

static void row(Table *t, const char *name, const char *text)
{
        if (!*text)
                return;
        table_add(t, COLOUR_FAINT, "%s", name);
        table_add(t, COLOUR_NONE, "%s", text);
}

static void row_buffer(Table *t, const char *name, Buffer *b)
{
        row(t, name, b->data ? b->data : "");
        buffer_done(b);
}

static void add_reading(Table *t, const LetterContent *l)
{
        Buffer b = BUFFER_NULL;

        row(t, "sensor", l->sensor);
        put_local_time(&b, l->reading_time, false);
        if (!l->time_trusted)
                buffer_append_string(&b, " (the clock was not to be trusted)");
        row_buffer(t, "read", &b);
        row(t, "quality", l->quality);
        for (size_t i = 0; i < l->n_values; i++) {
                put_value(&b, &l->values[i].value);
                row_buffer(t, l->values[i].name, &b);
        }
}

static void add_message(Table *t, const LetterContent *l)
{
        row(t, "content type", l->content_type);
        row(t, "encoding", l->content_encoding);
        row(t, "correlation", l->correlation_id);
        for (size_t i = 0; i < l->n_properties; i++) {
                table_add(t, COLOUR_FAINT, "property");
                table_add(t, COLOUR_NONE, "%s=%s", l->properties[i].name, l->properties[i].value);
        }
}

static void add_body(Table *t, const LetterContent *l)
{
        table_add(t, COLOUR_FAINT, "body");
        if (l->n_body <= SHOWN_BODY && utf8_is_valid(l->body, l->n_body) && !memchr(l->body, 0, l->n_body))
                table_add(t, COLOUR_NONE, "%.*s", (int)l->n_body, (const char *)l->body);
        else
                table_add(t, COLOUR_NONE, "%zu bytes; see hublinkctl " COMMAND " export %" PRIu64, l->n_body,
                          l->letter.id);
}

static void print_letter(const LetterContent *content)
{
        const Letter *l = &content->letter;
        Screen screen = screen_of_stdout();
        Table t = {.n_columns = 2};
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "%" PRIu64, l->id);
        row_buffer(&t, "dead letter", &b);
        buffer_printf(&b, "%s.%016" PRIx64 ".%" PRIu64, l->stream, l->epoch, l->n);
        row_buffer(&t, "record", &b);
        buffer_printf(&b, "%s%s%s", l->reason, *l->detail ? ": " : "", l->detail);
        row_buffer(&t, "reason", &b);
        put_ago(&b, l->time);
        row_buffer(&t, "set aside", &b);
        put_size(&b, l->size);
        row_buffer(&t, "size", &b);
        if (content->sensor)
                add_reading(&t, content);
        else {
                add_message(&t, content);
                add_body(&t, content);
        }
        table_print(&t, &screen);
}

static int show(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(letter_content_done) LetterContent content = {};
        Buffer b = BUFFER_NULL;
        uint64_t id;
        int r;

        if ((r = parse_words(COMMAND, COMMAND " show", argc, argv, 1)) != CTL_OK)
                return r;
        if (optind == argc)
                return usage(COMMAND, COMMAND " show: which one? Its number.");
        if ((r = parse_id(argv[optind], &id)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = letters_get(client, id, &content)) != CTL_OK)
                return r;
        if (!options->json) {
                print_letter(&content);
                return CTL_OK;
        }
        put_content(&b, &content);
        return print_buffer(&b);
}

/* ---- export ---- */

static int write_letters(Client *client, const Chosen *c, FILE *f)
{
        int result = CTL_OK;

        for (size_t i = 0; i < c->n; i++) {
                _cleanup_(letter_content_done) LetterContent content = {};
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                int r = letters_get(client, c->ids[i], &content);

                if (r == CTL_OK) {
                        put_content(&b, &content);
                        if (buffer_error(&b) < 0 || fwrite(b.data, 1, b.size, f) != b.size) {
                                fprintf(stderr, COMMAND " export: %s\n", strerror(errno));
                                return CTL_FAILED;
                        }
                }
                result = result ?: r;
        }
        return result;
}

/* Nothing is written over, and it is on disk when we say so: the next command may be delete. */
static int write_file(Client *client, const Chosen *c)
{
        int fd = open(c->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r;
        FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

        if (!f) {
                fprintf(stderr, "%s: %s\n", c->output,
                        errno == EEXIST ? "it exists already; name another file" : strerror(errno));
                safe_close(fd);
                return CTL_FAILED;
        }
        r = write_letters(client, c, f);
        if (fflush(f) != 0 || fsync(fd) < 0) {
                fprintf(stderr, "%s: %s\n", c->output, strerror(errno));
                r = CTL_FAILED;
        }
        (void)fclose(f);
        return r;
}

static int export(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(chosen_done) Chosen c = {};
        int r;

        if ((r = parse(argc, argv, true, &c)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = choose(client, &c)) != CTL_OK)
                return r;
        return c.output ? write_file(client, &c) : write_letters(client, &c, stdout);
}

/* ---- requeue, delete ---- */

static int requeue_one(const Options *options, Client *client, uint64_t id)
{
        Receipt receipt;
        int r = letters_requeue(client, id, &receipt);

        if (r != CTL_OK)
                return r;
        if (options->json)
                printf("{\"id\":%" PRIu64 ",\"stream\":\"%s\",\"epoch\":\"%016" PRIx64 "\",\"n\":%" PRIu64 "}\n", id,
                       receipt.stream, receipt.epoch, receipt.first);
        else
                printf("%" PRIu64 " is record %s.%016" PRIx64 ".%" PRIu64 " now\n", id, receipt.stream, receipt.epoch,
                       receipt.first);
        return CTL_OK;
}

static int delete_one(const Options *options, Client *client, uint64_t id)
{
        int r = letters_delete(client, id);

        if (r == CTL_OK)
                printf(options->json ? "{\"id\":%" PRIu64 ",\"deleted\":true}\n" : "%" PRIu64 " is deleted\n", id);
        return r;
}

static int change(const Options *options, int argc, char **argv,
                  int (*one)(const Options *options, Client *client, uint64_t id))
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(chosen_done) Chosen c = {};
        int r, result = CTL_OK;

        if ((r = parse(argc, argv, false, &c)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = choose(client, &c)) != CTL_OK)
                return r;
        if (c.n == 0 && !options->json)
                puts("There are no dead letters.");
        for (size_t i = 0; i < c.n; i++) {
                r = one(options, client, c.ids[i]);
                result = result ?: r;
                if (r == CTL_NOT_RUNNING)
                        break;
        }
        return result;
}

static int requeue(const Options *options, int argc, char **argv)
{
        return change(options, argc, argv, requeue_one);
}

static int delete(const Options *options, int argc, char **argv)
{
        return change(options, argc, argv, delete_one);
}

/* ---- the group ---- */

int command_dead_letters(const Options *options, int argc, char **argv)
{
        static const Command rows[] = {
                {.name = "list", .run = list},       {.name = "show", .run = show},
                {.name = "export", .run = export},   {.name = "requeue", .run = requeue},
                {.name = "delete", .run = delete},
        };

        return run_group(rows, ARRAY_SIZE(rows), options, argc, argv);
}
