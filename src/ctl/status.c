/* SPDX-License-Identifier: Apache-2.0 */

/* status, sensors: what is, at this moment. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/advice.h"
#include "ctl/ctl.h"

static void put_member(Buffer *b, const char *name, const char *value)
{
        buffer_printf(b, "\"%s\":", name);
        json_string(b, value);
        buffer_append_char(b, ',');
}

/* A number of the queue's, or null while nobody has looked into it. */
static void put_known(Buffer *b, const GatewayStatus *s, const char *name, uint64_t n)
{
        buffer_printf(b, "\"%s\":", name);
        if (gateway_counts_are_known(s))
                json_unsigned(b, n);
        else
                buffer_append_string(b, "null");
}

static void put_ledger_json(Buffer *b, const GatewayStatus *s)
{
        static const char *const before[] = {"accepted", "acknowledged", "waiting"};

        buffer_append_string(b, "\"ledger\":{");
        for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
                put_known(b, s, before[i], counts_get(&s->ledger, before[i]));
                buffer_append_char(b, ',');
        }
        buffer_append_string(b, "\"dropped\":");
        if (gateway_counts_are_known(s))
                put_counts_json(b, &s->dropped);
        else
                buffer_append_string(b, "null");
        buffer_append_char(b, ',');
        put_known(b, s, "dead_lettered", counts_get(&s->ledger, "dead_lettered"));
        buffer_append_string(b, ",\"refused\":");
        put_counts_json(b, &s->refused);
        buffer_append_char(b, '}');
}

static void put_alarms_json(Buffer *b, const AlarmList *l)
{
        buffer_append_char(b, '[');
        for (size_t i = 0; i < l->n_items; i++) {
                const AlarmInfo *a = &l->items[i];

                buffer_append_string(b, i > 0 ? ",{" : "{");
                put_member(b, "channel", a->channel);
                put_member(b, "state", a->state);
                buffer_append_string(b, "\"limit\":");
                json_number(b, a->limit);
                buffer_printf(b, ",\"since\":%" PRIu64 "}", a->since);
        }
        buffer_append_char(b, ']');
}

static int print_json(const GatewayStatus *s, const SensorList *l)
{
        Buffer b = BUFFER_NULL;

        buffer_append_char(&b, '{');
        put_member(&b, "version", s->version);
        put_member(&b, "link_state", s->link_state);
        put_member(&b, "link_reason", s->link_reason);
        put_member(&b, "link_detail", s->link_detail);
        buffer_printf(&b, "\"since\":%" PRIu64 ",\"next_try\":%" PRIu64 ",", s->link_since, s->next_attempt);
        put_member(&b, "hub", s->hub);
        put_member(&b, "device_id", s->device_id);
        put_ledger_json(&b, s);
        buffer_append_string(&b, ",\"queue\":{");
        put_known(&b, s, "records", s->queue_records);
        buffer_append_char(&b, ',');
        put_known(&b, s, "bytes", s->queue_bytes);
        buffer_append_char(&b, ',');
        put_known(&b, s, "oldest_age", s->oldest_age);
        buffer_printf(&b, ",\"in_flight\":%" PRIu32 ",\"fill\":", s->in_flight);
        json_number(&b, s->queue_fill);
        buffer_append_char(&b, ',');
        put_member(&b, "disk_state", s->disk_state);
        buffer_append_string(&b, "\"disk_error\":");
        json_string(&b, s->disk_error);
        buffer_append_string(&b, "},");
        put_known(&b, s, "dead_letters", s->dead_letters);
        buffer_printf(&b, ",\"malformed_orders\":%" PRIu64, s->malformed_orders);
        buffer_printf(&b, ",\"inbox\":{\"waiting\":%" PRIu32 ",\"full\":%s}", s->inbox_waiting,
                      s->inbox_full ? "true" : "false");
        buffer_append_string(&b, ",\"alarms\":");
        put_alarms_json(&b, &s->alarms);
        buffer_append_string(&b, ",\"settings_problem\":");
        json_string(&b, s->settings_problem);
        buffer_append_string(&b, ",\"state_problem\":");
        json_string(&b, s->state_problem);
        buffer_append_string(&b, ",\"queue_problem\":");
        json_string(&b, s->queue_problem);
        buffer_append_string(&b, ",\"metrics_problem\":");
        json_string(&b, s->metrics_problem);
        buffer_append_string(&b, ",\"twin_problem\":");
        json_string(&b, s->twin_problem);
        buffer_append_string(&b, ",\"sensors\":");
        put_sensors_json(&b, l);
        buffer_append_string(&b, "}\n");
        return print_buffer(&b);
}

static void add_row(Table *t, Colour colour, const char *name, const Buffer *text)
{
        table_add(t, COLOUR_FAINT, "%s", name);
        table_add(t, colour, "%s", text->data);
}

static void add_counts(Table *t, const char *name, const Counts *c)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        put_counts(&b, c);
        if (b.size > 0)
                add_row(t, COLOUR_CARE, name, &b);
}

static void add_queue(Table *t, const GatewayStatus *s)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (gateway_counts_are_known(s)) {
                buffer_printf(&b, "%" PRIu64 " record%s, ", s->queue_records, s->queue_records == 1 ? "" : "s");
                put_size(&b, s->queue_bytes);
        } else
                buffer_append_string(&b, "not known");
        if (gateway_counts_are_known(s) && s->queue_records > 0) {
                buffer_append_string(&b, ", oldest ");
                put_span(&b, s->oldest_age);
        }
        if (s->queue_fill >= 0.005)
                buffer_printf(&b, ", %.0f %% full", s->queue_fill * 100);
        if (s->in_flight > 0)
                buffer_printf(&b, ", %" PRIu32 " message%s", s->in_flight,
                              s->in_flight == 1 ? " on its way" : "s on their way");
        add_row(t, COLOUR_NONE, "queue", &b);
}

static void add_acknowledged(Table *t, const GatewayStatus *s, usec_t now)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (s->last_acknowledged == 0)
                return;
        put_span(&b, usec_sub(now, s->last_acknowledged));
        buffer_append_string(&b, " ago");
        add_row(t, COLOUR_NONE, "acknowledged", &b);
}

static void print_gateway(const Screen *screen, const GatewayStatus *s, usec_t now)
{
        Table t = {.n_columns = 2};

        if (*s->hub) {
                table_add(&t, COLOUR_FAINT, "hub");
                table_add(&t, COLOUR_NONE, "%s", s->hub);
                table_add(&t, COLOUR_FAINT, "device");
                table_add(&t, COLOUR_NONE, "%s", s->device_id);
        }
        table_add(&t, COLOUR_FAINT, "link");
        table_add(&t, COLOUR_NONE, "%s (%s)", s->link_state, s->link_reason);
        add_queue(&t, s);
        add_acknowledged(&t, s, now);
        add_counts(&t, "dropped", &s->dropped);
        add_counts(&t, "refused", &s->refused);
        if (s->dead_letters > 0) {
                table_add(&t, COLOUR_FAINT, "dead letters");
                table_add(&t, COLOUR_CARE, "%" PRIu64 ": hublinkctl dead-letters list", s->dead_letters);
        }
        if (s->inbox_waiting > 0) {
                table_add(&t, COLOUR_FAINT, "inbox");
                table_add(&t, s->inbox_full ? COLOUR_CARE : COLOUR_NONE, "%" PRIu32 " message%s: hublinkctl inbox list",
                          s->inbox_waiting, s->inbox_waiting == 1 ? "" : "s");
        }
        if (s->malformed_orders > 0) {
                table_add(&t, COLOUR_FAINT, "orders");
                table_add(&t, COLOUR_CARE, "%" PRIu64 " malformed: see the log", s->malformed_orders);
        }
        table_add(&t, COLOUR_FAINT, "version");
        table_add(&t, COLOUR_NONE, "%s", s->version);
        table_print(&t, screen);
}

static void print_ledger(const GatewayStatus *s)
{
        const Counts *l = &s->ledger;

        if (!gateway_counts_are_known(s)) {
                puts("ledger: not known");
                return;
        }
        printf("ledger: accepted=%" PRIu64 " acknowledged=%" PRIu64 " waiting=%" PRIu64 " dropped=%" PRIu64
               " dead_lettered=%" PRIu64 "\n",
               counts_get(l, "accepted"), counts_get(l, "acknowledged"), counts_get(l, "waiting"),
               counts_get(l, "dropped"), counts_get(l, "dead_lettered"));
}

/* What has been put, if anything, as a line. */
static int say(const Screen *screen, Colour colour, Buffer *b)
{
        if (buffer_error(b) < 0)
                return CTL_FAILED;
        if (b->size > 0)
                screen_print(screen, colour, b->data);
        buffer_clear(b);
        return CTL_OK;
}

/* The worst first: without a hub readings wait, without a disk or room they are lost. */
static int print_advice(const Screen *screen, const GatewayStatus *s, const SensorList *l, usec_t now)
{
        static const struct {
                void (*put)(Buffer *b, const GatewayStatus *s);
                Colour colour;
        } parts[] = {
                {advice_put_disk, COLOUR_BAD},    {advice_put_room, COLOUR_BAD},   {advice_put_settings, COLOUR_BAD},
                {advice_put_state, COLOUR_BAD},   {advice_put_aside, COLOUR_BAD},  {advice_put_alarms, COLOUR_BAD},
                {advice_put_inbox, COLOUR_CARE},  {advice_put_losses, COLOUR_CARE}, {advice_put_twin, COLOUR_CARE},
                {advice_put_metrics, COLOUR_CARE},
        };
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r = CTL_OK;

        for (size_t i = 0; r == CTL_OK && i < ARRAY_SIZE(parts); i++) {
                parts[i].put(&b, s);
                r = say(screen, parts[i].colour, &b);
        }
        if (r != CTL_OK)
                return r;
        advice_put_sensors(&b, l);
        if (say(screen, COLOUR_CARE, &b) != CTL_OK)
                return CTL_FAILED;
        return say(screen, advice_put_link(&b, s, l, now), &b);
}

static int print_text(const GatewayStatus *s, const SensorList *l)
{
        Screen screen = screen_of_stdout();
        usec_t now = clock_wall(&clock_system);
        int r = print_advice(&screen, s, l, now);

        if (r != CTL_OK)
                return r;
        putchar('\n');
        print_gateway(&screen, s, now);
        if (l->n_sensors > 0)
                putchar('\n');
        print_sensors(&screen, l, &s->alarms);
        putchar('\n');
        print_ledger(s);
        return CTL_OK;
}

int command_status(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus status = {};
        _cleanup_(sensor_list_done) SensorList sensors = {};
        int r;

        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_status(client, &status)) != CTL_OK ||
            (r = client_sensors(client, &sensors)) != CTL_OK)
                return r;
        return options->json ? print_json(&status, &sensors) : print_text(&status, &sensors);
}

int command_sensors(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus status = {};
        _cleanup_(sensor_list_done) SensorList sensors = {};
        Screen screen = screen_of_stdout();
        int r;

        if (argc > 1 && strcmp(argv[1], "scan") == 0)
                return command_scan(options, argc - 1, argv + 1);
        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_status(client, &status)) != CTL_OK || (r = client_sensors(client, &sensors)) != CTL_OK)
                return r;
        if (options->json) {
                Buffer b = BUFFER_NULL;

                put_sensors_json(&b, &sensors);
                buffer_append_char(&b, '\n');
                return print_buffer(&b);
        }
        if (sensors.n_sensors == 0)
                puts("There are no sensors in the settings.");
        print_sensors(&screen, &sensors, &status.alarms);
        return CTL_OK;
}
