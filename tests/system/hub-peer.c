/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Hub with nobody above it: a test program that plays the uplink.
 *
 * usage: hub-peer CONNECTION-STRING ADDRESS CA-FILE [TOKEN-LIFE-SEC [ORDERS]]     CA-FILE "-": the system's
 *
 * What happens is written to standard output, a JSON line each: {"link":STATE,"reason":...,"detail":...},
 * {"ready":true}, {"delivered":TICKET}, {"lost":true}. What to do comes from standard input, a command a line:
 *
 *   send N         N messages of their own, as fast as the hub is ready; those lost are sent again
 *   reconnect      hub_reconnect()
 *   key KEY        another SharedAccessKey, by hub_configure()
 *   quit           hub_stop(), and the end
 *
 * ORDERS is "all" or "no-messages": are messages wanted from the beginning? It hears {"listening":true},
 * {"message":TICKET,"id":...,"body":...}, {"call":RID,"name":...,"payload":...}, {"desired":VERSION,"body":...},
 * {"twin":REQUEST,"status":N,"version":N,"body":...}; and obeys
 *
 *   want yes|no    hub_want_messages()
 *   store TICKET   hub_message_stored()
 *   fail TICKET    hub_message_failed()
 *   answer STATUS RID JSON
 *   get            hub_twin_get()
 *   report JSON    hub_twin_report()
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/json.h"
#include "base/log.h"
#include "hub/hub.h"
#include "hub/transport-mosquitto.h"

#define WINDOW 16

typedef struct Uplink {
        sd_event *event;
        sd_event_source *timer;
        Hub *hub;
        HubSettings settings;
        ConnectionString *credential;
        LinkState state;
        LinkReason reason;
        uint64_t wanted, next, acknowledged; /* tickets in order */
        char line[1024];
        size_t line_size;
        uint64_t connection; /* of the last call */
} Uplink;

static void say(const char *text)
{
        (void)printf("%s\n", text);
        (void)fflush(stdout);
}

/* Tickets are acknowledged in order by a hub; after a loss we go on with the first that was not. */
static void fill(Uplink *u)
{
        while (u->next < u->wanted && u->next - u->acknowledged < WINDOW) {
                _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m));

                if (!m || asprintf(&m->message_id, "probe.00000000000000aa.%llu-%llu", (unsigned long long)u->next,
                                   (unsigned long long)u->next) < 0)
                        return;
                m->content_type = strdup("application/json");
                m->content_encoding = strdup("utf-8");
                m->created_usec = clock_wall(&clock_system);
                (void)message_add_property(m, "grün", "a/b c");
                buffer_printf(&m->body, "{\"n\":%llu}", (unsigned long long)u->next);
                if (hub_send(u->hub, m, u->next) != 0)
                        return;
                u->next++;
        }
}

static void on_ready(void *userdata)
{
        say("{\"ready\":true}");
        fill(userdata);
}

static void on_delivered(void *userdata, uint64_t ticket)
{
        Uplink *u = userdata;
        char text[64];

        (void)snprintf(text, sizeof(text), "{\"delivered\":%llu}", (unsigned long long)ticket);
        say(text);
        u->acknowledged++;
        fill(u);
}

static void on_lost(void *userdata)
{
        Uplink *u = userdata;

        say("{\"lost\":true}");
        u->next = u->acknowledged;
}

static void on_changed(void *userdata)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        Uplink *u = userdata;
        HubStatus status;

        hub_status(u->hub, &status);
        if (status.state == u->state && status.reason == u->reason)
                return;
        u->state = status.state;
        u->reason = status.reason;
        buffer_printf(&b, "{\"link\":\"%s\",\"reason\":\"%s\",\"detail\":", link_state_to_string(status.state),
                      link_reason_to_string(status.reason));
        json_string(&b, status.detail);
        buffer_append_char(&b, '}');
        say(b.data);
}

/* ---- orders ---- */

static void put_text(Buffer *b, const char *name, const char *text, size_t size)
{
        buffer_printf(b, ",\"%s\":", name);
        json_string_n(b, text, size);
}

static void say_order(Buffer *b)
{
        buffer_append_char(b, '}');
        say(b->data);
        buffer_done(b);
}

static void on_listening(void *userdata)
{
        say("{\"listening\":true}");
}

static void on_message(void *userdata, uint64_t ticket, const C2dMessage *m)
{
        const char *id = m->message_id ? m->message_id : "";
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"message\":%llu", (unsigned long long)ticket);
        put_text(&b, "id", id, strlen(id));
        put_text(&b, "body", m->body.data ? m->body.data : "", m->body.size);
        say_order(&b);
}

static void on_call(void *userdata, const MethodCall *call)
{
        Uplink *u = userdata;
        Buffer b = BUFFER_NULL;

        u->connection = call->connection;
        buffer_append_string(&b, "{\"call\":");
        json_string(&b, call->rid);
        put_text(&b, "name", call->name, strlen(call->name));
        put_text(&b, "payload", call->payload, call->payload_size);
        say_order(&b);
}

static void on_refused(void *userdata, const char *name, int status)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"refused\":%d", status);
        put_text(&b, "name", name, strlen(name));
        say_order(&b);
}

static void on_desired(void *userdata, uint64_t version, const char *body, size_t size)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"desired\":%llu", (unsigned long long)version);
        put_text(&b, "body", body, size);
        say_order(&b);
}

static void on_twin(void *userdata, const TwinAnswer *answer)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"twin\":%llu,\"status\":%d,\"version\":%llu", (unsigned long long)answer->request,
                      answer->status, (unsigned long long)answer->version);
        put_text(&b, "body", answer->body, answer->body_size);
        say_order(&b);
}

static void answer(Uplink *u, char *words)
{
        char *end, *rid;
        int status = (int)strtol(words, &end, 10);

        rid = end + 1;
        end = strchr(rid, ' ');
        if (!end)
                return;
        *end = 0;
        (void)hub_answer(u->hub, u->connection, rid, status, end + 1, strlen(end + 1));
}

/* False: that is none of its commands. */
static bool obey_about_orders(Uplink *u, char *line)
{
        uint64_t request;

        if (strncmp(line, "want ", 5) == 0)
                hub_want_messages(u->hub, strcmp(line + 5, "yes") == 0);
        else if (strncmp(line, "store ", 6) == 0)
                hub_message_stored(u->hub, strtoull(line + 6, NULL, 10));
        else if (strncmp(line, "fail ", 5) == 0)
                hub_message_failed(u->hub, strtoull(line + 5, NULL, 10));
        else if (strncmp(line, "answer ", 7) == 0)
                answer(u, line + 7);
        else if (strcmp(line, "get") == 0)
                (void)hub_twin_get(u->hub, &request);
        else if (strncmp(line, "report ", 7) == 0)
                (void)hub_twin_report(u->hub, line + 7, strlen(line + 7), &request);
        else
                return false;
        return true;
}

/* ---- commands ---- */

static void set_key(Uplink *u, const char *key)
{
        free(u->credential->shared_access_key);
        u->credential->shared_access_key = strdup(key);
        (void)hub_configure(u->hub, &u->settings, u->credential);
}

static void obey(Uplink *u, char *line)
{
        if (strncmp(line, "send ", 5) == 0) {
                u->wanted += strtoull(line + 5, NULL, 10);
                fill(u);
        } else if (strcmp(line, "reconnect") == 0)
                hub_reconnect(u->hub);
        else if (strncmp(line, "key ", 4) == 0)
                set_key(u, line + 4);
        else if (!obey_about_orders(u, line))
                (void)sd_event_exit(u->event, 0);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Uplink *u = userdata;
        ssize_t n = read(fd, u->line + u->line_size, sizeof(u->line) - u->line_size - 1);
        char *end;

        if (n <= 0)
                return sd_event_exit(u->event, 0);
        u->line_size += (size_t)n;
        u->line[u->line_size] = 0;
        while ((end = strchr(u->line, '\n'))) {
                *end = 0;
                obey(u, u->line);
                u->line_size -= (size_t)(end + 1 - u->line);
                memmove(u->line, end + 1, u->line_size + 1);
        }
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Uplink *u = userdata;
        Ticker ticker = hub_ticker(u->hub);

        ticker.tick(ticker.userdata, clock_boot(&clock_system));
        return 0;
}

static int run(Uplink *u)
{
        Ticker ticker = hub_ticker(u->hub);
        int r;

        while (sd_event_get_state(u->event) != SD_EVENT_FINISHED) {
                usec_t deadline = ticker.deadline(ticker.userdata);

                r = sd_event_source_set_time(u->timer, deadline);
                if (r >= 0)
                        r = sd_event_source_set_enabled(u->timer,
                                                        deadline == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
                if (r >= 0)
                        r = sd_event_run(u->event, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        return 0;
}

int main(int argc, char **argv)
{
        Uplink u = {.state = _LINK_STATE_INVALID};
        HubSink sink = {on_ready, on_delivered, on_lost, on_changed, &u};
        OrderSink orders = {on_listening, on_message, on_call, on_refused, on_desired, on_twin, &u};
        const char *error = NULL;
        Transport *transport;
        int r;

        if (argc < 4 || connection_string_parse(argv[1], &u.credential, &error) < 0) {
                (void)fprintf(stderr, "usage: hub-peer CONNECTION-STRING ADDRESS CA-FILE [TOKEN-LIFE-SEC [ORDERS]]\n%s\n",
                              error ? error : "");
                return 2;
        }
        log_open(LOG_TARGET_STDERR, &clock_system);
        u.settings = (HubSettings){
                .address = argv[2],
                .ca_file = strcmp(argv[3], "-") == 0 ? NULL : argv[3],
                .keepalive_usec = 4 * USEC_PER_MIN,
                .token_life_usec = (argc > 4 ? strtoull(argv[4], NULL, 10) : 3600) * USEC_PER_SEC,
                .backoff_first_usec = 200 * USEC_PER_MSEC,
                .backoff_max_usec = USEC_PER_SEC,
        };
        if ((r = sd_event_new(&u.event)) < 0 || (r = transport_mosquitto_new(&transport, u.event)) < 0 ||
            (r = hub_new(&u.hub, &u.settings, u.credential, transport, &clock_system, &random_system, &sink,
                         argc > 5 ? &orders : NULL)) < 0 ||
            (r = sd_event_add_io(u.event, NULL, STDIN_FILENO, EPOLLIN, on_input, &u)) < 0 ||
            (r = sd_event_add_time(u.event, &u.timer, CLOCK_BOOTTIME, USEC_INFINITY, 0, on_time, &u)) < 0) {
                (void)fprintf(stderr, "hub-peer: %s\n", strerror(-r));
                return 1;
        }
        hub_want_messages(u.hub, argc > 5 && strcmp(argv[5], "all") == 0);
        hub_start(u.hub);
        on_changed(&u);
        r = run(&u);
        hub_stop(u.hub);
        hub_free(u.hub);
        connection_string_free(u.credential);
        sd_event_source_unref(u.timer);
        sd_event_unref(u.event);
        return r < 0;
}
