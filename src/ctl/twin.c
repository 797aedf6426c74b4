/* SPDX-License-Identifier: Apache-2.0 */

/*
 * twin: the device twin. Alone its state, get what is desired and what is reported, report a section.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/visible.h"
#include "ctl/ctl.h"
#include "ctl/twin-answers.h"
#include "model/json-read.h"

#define COMMAND  "twin"
#define BODY_MAX (256 * 1024)

/* ---- its state ---- */

static void put_time(Buffer *b, usec_t usec)
{
        if (usec > 0)
                put_local_time(b, usec, false);
        else
                buffer_append_string(b, "never");
}

static int print_state_json(const TwinState *s, const char *problem)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b,
                      "{\"known\":%s,\"desired_version\":%" PRIu64 ",\"reported_version\":%" PRIu64
                      ",\"last_desired\":%" PRIu64 ",\"last_reported\":%" PRIu64 ",\"pending_bytes\":%" PRIu64
                      ",\"reports\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"last_error\":",
                      s->known ? "true" : "false", s->desired_version, s->reported_version, s->last_desired,
                      s->last_reported, s->pending_bytes, s->reports, s->refused);
        json_string(&b, s->last_error);
        buffer_append_string(&b, ",\"problem\":");
        json_string(&b, problem);
        buffer_append_string(&b, ",\"owners\":");
        buffer_append(&b, s->owners_json.data, s->owners_json.size);
        buffer_append_string(&b, "}\n");
        return print_buffer(&b);
}

static int print_state(const TwinState *s, const char *problem)
{
        Buffer b = BUFFER_NULL;

        if (!s->known)
                buffer_append_string(&b, "The hub has not given the twin yet.\n");
        buffer_printf(&b, "desired   version %" PRIu64 ", last changed ", s->desired_version);
        put_time(&b, s->last_desired);
        buffer_printf(&b, "\nreported  version %" PRIu64 ", last taken by the hub ", s->reported_version);
        put_time(&b, s->last_reported);
        buffer_printf(&b, "\n          %" PRIu64 " report%s taken, %" PRIu64 " section%s refused, ", s->reports,
                      s->reports == 1 ? "" : "s", s->refused, s->refused == 1 ? "" : "s");
        if (s->pending_bytes > 0)
                buffer_printf(&b, "%" PRIu64 " bytes to be reported\n", s->pending_bytes);
        else
                buffer_printf(&b, "nothing %sto be reported\n", *problem ? "else " : "");
        if (s->owners.size > 0) {
                buffer_append_string(&b, "owners    ");
                visible_string(&b, s->owners.data);
                buffer_append_char(&b, '\n');
        }
        if (*problem) {
                buffer_append_string(&b, "Trouble: ");
                visible_string(&b, problem);
                buffer_append_string(&b, ".\n");
        }
        if (*s->last_error) {
                buffer_append_string(&b, "Last trouble: ");
                visible_string(&b, s->last_error);
                buffer_append_string(&b, ".\n");
        }
        return print_buffer(&b);
}

static int show_state(const Options *options, Client *client)
{
        _cleanup_(twin_state_done) TwinState state = {};
        _cleanup_(gateway_status_done) GatewayStatus gateway = {};
        int r;

        if ((r = twin_ask_state(client, &state)) != CTL_OK || (r = client_status(client, &gateway)) != CTL_OK)
                return r;
        return options->json ? print_state_json(&state, gateway.twin_problem)
                             : print_state(&state, gateway.twin_problem);
}

/* ---- get ---- */

static void put_pretty(Buffer *b, const char *json)
{
        _cleanup_json_ json_object *value = NULL;
        const char *error, *text = NULL;

        if (json_read(json, strlen(json), &value, &error) == 0)
                text = json_object_to_json_string_ext(
                        value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
        text = text ?: json;
        visible_lines(b, text, strlen(text));
}

static int show_halves(const Options *options, Client *client, const char *section)
{
        _cleanup_(twin_text_done) TwinText desired = {}, reported = {};
        Buffer b = BUFFER_NULL;
        int r;

        if ((r = twin_ask_half(client, "GetDesired", section, &desired)) != CTL_OK ||
            (r = twin_ask_half(client, "GetReported", section, &reported)) != CTL_OK)
                return r;
        if (options->json) {
                buffer_printf(&b, "{\"desired\":%s,\"reported\":%s}\n", desired.json, reported.json);
                return print_buffer(&b);
        }
        buffer_append_string(&b, "desired: ");
        put_pretty(&b, desired.json);
        buffer_append_string(&b, "\nreported: ");
        put_pretty(&b, reported.json);
        buffer_append_char(&b, '\n');
        return print_buffer(&b);
}

/* ---- --watch ---- */

typedef struct Watch {
        const Options *options;
        const char *section; /* "": all */
} Watch;

static void on_desired(void *userdata, const ClientDesired *d)
{
        const Watch *w = userdata;
        Buffer b = BUFFER_NULL;

        if (*w->section && strcmp(w->section, d->section) != 0)
                return;
        if (w->options->json) {
                buffer_append_string(&b, "{\"section\":");
                json_string(&b, d->section);
                buffer_printf(&b, ",\"desired\":%s,\"version\":%" PRIu64 "}\n", d->json, d->version);
        } else {
                put_local_time(&b, clock_wall(&clock_system), false);
                buffer_printf(&b, "  version %" PRIu64 "  ", d->version);
                visible_string(&b, d->section);
                buffer_append_string(&b, "  ");
                visible_string(&b, d->json);
                buffer_append_char(&b, '\n');
        }
        (void)print_buffer(&b);
        (void)fflush(stdout);
}

/* ---- the two that read ---- */

/* show: what is there now; then, if wanted, what changes. section: NULL for the state alone. */
static int look(const Options *options, const char *section, bool wanted, usec_t until)
{
        _cleanup_(client_closep) Client *client = NULL;
        Watch w = {options, section ?: ""};
        int r = client_open(&client, options->bus);

        if (r == CTL_OK && wanted) { /* before the first look: nothing is missed between */
                follow_begin();
                r = client_listen(client, &(ClientEvents){.desired = on_desired, .userdata = &w});
        }
        if (r == CTL_OK)
                r = section ? show_halves(options, client, section) : show_state(options, client);
        return r == CTL_OK && wanted ? follow(client, until, NULL) : r;
}

static int state(const Options *options, int argc, char **argv)
{
        bool wanted;
        usec_t until;
        int r = follow_parse(COMMAND, COMMAND, argc, argv, &wanted, &until);

        if (r != CTL_OK)
                return r;
        if (optind < argc)
                return usage(COMMAND, COMMAND ": there is no '%s'.", argv[optind]);
        return look(options, NULL, wanted, until);
}

static int get(const Options *options, int argc, char **argv)
{
        bool wanted;
        usec_t until;
        int r = follow_parse(COMMAND, COMMAND, argc, argv, &wanted, &until);

        if (r != CTL_OK)
                return r;
        if (argc - optind > 1)
                return usage(COMMAND, COMMAND " get: one section, not '%s' too.", argv[optind + 1]);
        return look(options, optind < argc ? argv[optind] : "", wanted, until);
}

/* ---- report ---- */

static int report(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(buffer_done) Buffer body = BUFFER_NULL;
        int r;

        if ((r = parse_words(COMMAND, COMMAND " report", argc, argv, 2)) != CTL_OK)
                return r;
        if (argc - optind < 2)
                return usage(COMMAND, COMMAND " report: a section, and a JSON object or - for standard input.");
        if ((r = read_argument(argv[optind + 1], BODY_MAX, &body)) != CTL_OK ||
            (r = client_open(&client, options->bus)) != CTL_OK)
                return r;
        return twin_tell_report(client, argv[optind], body.data ?: "");
}

/* ---- the group ---- */

int command_twin(const Options *options, int argc, char **argv)
{
        static const Command rows[] = {
                {.name = "get", .run = get},
                {.name = "report", .run = report},
        };

        if (argc < 2 || argv[1][0] == '-')
                return state(options, argc, argv);
        return run_group(rows, ARRAY_SIZE(rows), options, argc, argv);
}
