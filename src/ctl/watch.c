/* SPDX-License-Identifier: Apache-2.0 */

/*
 * watch: readings on their way in, confirmations on their way back.
 *
 * One line an event, so that a pipe can follow. It ends by Ctrl-C, after --for a time, after --count events,
 * or when the daemon leaves.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/advice.h"
#include "ctl/ctl.h"

typedef struct Watch {
        const Options *options;
        Screen screen;
        uint64_t left;  /* events still to come */
        uint64_t total; /* records acknowledged since we began */
        char link[64];
        char disk[512]; /* its state, and what was wrong with it */
        char send_state[16];
        bool over;
} Watch;

static void put_time(Watch *w, Buffer *b, const char *event, usec_t wall_usec)
{
        if (w->options->json) {
                buffer_printf(b, "{\"event\":\"%s\",\"time\":%" PRIu64, event, wall_usec);
                return;
        }
        put_local_time(b, wall_usec, true);
        buffer_printf(b, "  %-7s  ", event);
}

/* A line is cut on a terminal, unless a remedy stands at its end; whole elsewhere. */
static void finish(Watch *w, Colour colour, Buffer *b, bool whole)
{
        Screen screen = {.width = whole ? 0 : w->screen.width, .coloured = w->screen.coloured};
        Table t = {.n_columns = 1};

        if (w->options->json) {
                buffer_append_string(b, "}\n");
                (void)print_buffer(b);
        } else {
                table_add(&t, colour, "%s", b->data ? b->data : "");
                buffer_done(b);
                table_print(&t, &screen);
                (void)fflush(stdout);
        }
        w->over = --w->left == 0;
}

static void on_sensor(void *userdata, const SensorInfo *s)
{
        Watch *w = userdata;
        bool ok = strcmp(s->state, "ok") == 0;
        Buffer b = BUFFER_NULL;

        if (w->left == 0)
                return;
        put_time(w, &b, "reading", s->time > 0 && ok ? s->time : clock_wall(&clock_system));
        if (w->options->json) {
                buffer_append_string(&b, ",\"sensor\":");
                put_sensor_json(&b, s);
        } else if (ok) {
                buffer_printf(&b, "%s  ", s->name);
                put_values(&b, s);
        } else
                buffer_printf(&b, "%s  %s: %s", s->name, s->state, s->last_error);
        finish(w, ok ? COLOUR_NONE : COLOUR_BAD, &b, false);
}

static void on_settled(void *userdata, const ClientSettled *s)
{
        Watch *w = userdata;
        bool ok = strcmp(s->outcome, "acknowledged") == 0;
        Buffer b = BUFFER_NULL;

        if (ok)
                w->total += s->last - s->first + 1;
        if (w->left == 0)
                return;
        put_time(w, &b, "settled", clock_wall(&clock_system));
        if (w->options->json)
                buffer_printf(&b,
                              ",\"stream\":\"%s\",\"epoch\":\"%016" PRIx64 "\",\"first\":%" PRIu64
                              ",\"last\":%" PRIu64 ",\"outcome\":\"%s\",\"reason\":\"%s\",\"total\":%" PRIu64
                              ",\"send_state\":\"%s\"",
                              s->stream, s->epoch, s->first, s->last, s->outcome, s->reason, w->total,
                              w->send_state);
        else
                buffer_printf(&b, "%s%s%s  %s.%016" PRIx64 ".%" PRIu64 "-%" PRIu64 "  total %" PRIu64 "  %s",
                              s->outcome, *s->reason ? " " : "", s->reason, s->stream, s->epoch, s->first,
                              s->last, w->total, w->send_state);
        finish(w, ok ? COLOUR_GOOD : COLOUR_BAD, &b, false);
}

static void on_pressure(void *userdata, const ClientPressure *p)
{
        Watch *w = userdata;
        Buffer b = BUFFER_NULL;

        if (w->left == 0)
                return;
        put_time(w, &b, "pressure", clock_wall(&clock_system));
        if (w->options->json) {
                buffer_append_string(&b, ",\"stream\":");
                json_string(&b, p->stream);
                buffer_append_string(&b, ",\"fill\":");
                json_number(&b, p->fill);
        } else
                buffer_printf(&b, "%s  the queue is %d %% full", p->stream, (int)(p->fill * 100));
        finish(w, COLOUR_CARE, &b, false);
}

static void on_alarm(void *userdata, const ClientAlarm *a)
{
        bool over = strcmp(a->state, "clear") == 0;
        Watch *w = userdata;
        Buffer b = BUFFER_NULL;

        if (w->left == 0)
                return;
        put_time(w, &b, "alarm", clock_wall(&clock_system));
        if (w->options->json) {
                buffer_append_string(&b, ",\"channel\":");
                json_string(&b, a->channel);
                buffer_append_string(&b, ",\"state\":");
                json_string(&b, a->state);
                buffer_append_string(&b, ",\"value\":");
        } else
                buffer_printf(&b, "%s  %s: ", a->channel, over ? "over" : a->state);
        json_number(&b, a->value);
        finish(w, over ? COLOUR_GOOD : COLOUR_BAD, &b, false);
}

static void watch_link(Watch *w, const GatewayStatus *s)
{
        Buffer b = BUFFER_NULL;
        char link[64];

        (void)snprintf(link, sizeof(link), "%s (%s)", s->link_state, s->link_reason);
        if (strcmp(link, w->link) == 0 || w->left == 0)
                return;
        (void)snprintf(w->link, sizeof(w->link), "%s", link);
        put_time(w, &b, "link", clock_wall(&clock_system));
        if (w->options->json) {
                buffer_printf(&b, ",\"link_state\":\"%s\",\"link_reason\":\"%s\",\"link_detail\":", s->link_state,
                              s->link_reason);
                json_string(&b, s->link_detail);
        } else
                buffer_printf(&b, "%s%s%s", link, *s->link_detail ? ": " : "", s->link_detail);
        finish(w, COLOUR_CARE, &b, true);
}

static void watch_disk(Watch *w, const GatewayStatus *s)
{
        Buffer b = BUFFER_NULL;
        char disk[sizeof(w->disk)] = "";
        bool well = !*s->disk_error;

        if (!well)
                (void)snprintf(disk, sizeof(disk), "%s: %s", s->disk_state, s->disk_error);
        if (strcmp(disk, w->disk) == 0 || w->left == 0)
                return;
        memcpy(w->disk, disk, sizeof(w->disk));
        put_time(w, &b, "disk", clock_wall(&clock_system));
        if (w->options->json) {
                buffer_append_string(&b, ",\"disk_state\":");
                json_string(&b, s->disk_state);
                buffer_append_string(&b, ",\"disk_error\":");
                json_string(&b, s->disk_error);
        } else if (well)
                buffer_append_string(&b, "The queue's disk is well again.");
        else
                advice_put_disk(&b, s);
        finish(w, well ? COLOUR_GOOD : COLOUR_BAD, &b, true);
}

/* Of the status link and disk make a line; the send state rides along with the confirmations. */
static void on_status(void *userdata, const GatewayStatus *s)
{
        Watch *w = userdata;

        (void)snprintf(w->send_state, sizeof(w->send_state), "%s", s->send_state);
        watch_disk(w, s);
        watch_link(w, s);
}

static int parse(int argc, char **argv, Watch *w, usec_t *ret_until)
{
        static const struct option longs[] = {
                        {"for", required_argument, NULL, 'f'}, {"count", required_argument, NULL, 'c'}, {}};
        usec_t span;
        char *end;
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                switch (o) {
                case 'f':
                        r = parse_span("watch", optarg, &span);
                        if (r != CTL_OK)
                                return r;
                        *ret_until = usec_add(clock_boot(&clock_system), span);
                        break;
                case 'c':
                        w->left = strtoull(optarg, &end, 10);
                        if (w->left == 0 || *end || *optarg == '-')
                                return usage("watch", "watch: '%s' is not a count.", optarg);
                        break;
                default:
                        return usage("watch", "watch: this is not understood.");
                }
        return optind < argc ? usage("watch", "watch: there is no argument '%s'.", argv[optind]) : CTL_OK;
}

int command_watch(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus status = {};
        Watch w = {.options = options, .screen = screen_of_stdout(), .left = UINT64_MAX};
        ClientEvents events = {on_sensor, on_settled, on_pressure, on_status, &w, .alarm = on_alarm};
        usec_t until = USEC_INFINITY;
        int r;

        if ((r = parse(argc, argv, &w, &until)) != CTL_OK ||
            (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_listen(client, &events)) != CTL_OK || (r = client_status(client, &status)) != CTL_OK)
                return r;
        follow_begin();
        r = client_call(client, "Subscribe", TIMEOUT_DEFAULT);
        if (r == CTL_FAILED)
                fprintf(stderr, "Going on without confirmations.\n");
        else if (r != CTL_OK)
                return r;
        /* The first line also says that from now on nothing is missed. */
        on_status(&w, &status);
        return follow(client, until, &w.over);
}
