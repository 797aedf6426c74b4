/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/serve.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "devhub/amqp/server.h"
#include "devhub/cli/control.h"
#include "devhub/cli/operator.h"
#include "devhub/device/c2d.h"
#include "devhub/device/methods.h"
#include "devhub/device/twin.h"
#include "devhub/dps/desk.h"
#include "devhub/dps/service.h"
#include "devhub/http/enrollments.h"
#include "devhub/http/events.h"
#include "devhub/http/messages.h"
#include "devhub/http/methods.h"
#include "devhub/http/provisioning.h"
#include "devhub/http/query.h"
#include "devhub/http/registrations.h"
#include "devhub/http/registry.h"
#include "devhub/http/twins.h"
#include "devhub/https.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/partitions.h"
#include "devhub/hub/presence.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"

typedef struct Serve {
        StateDir *dir;
        const ServerSettings *settings;
        Store store;
        Certificates certificates;
        sd_event *event;
        Server *server;
        Mailbox *mailbox;
        Feedback *feedback;
        C2d *c2d;
        TwinDesk *twins;
        MethodDesk *methods;
        DpsDesk *dps;
        HttpRouter *router;
        HttpServer *http;
        Https *https;
        AmqpServer *amqp;
        Control *control;
} Serve;

static int lock(Serve *s)
{
        int pid = 0, r = state_dir_lock(s->dir, &pid);

        if (r == STATE_DIR_E_LOCKED) {
                log_error("%s is in use by another server (process %d): stop it, or give this one a --state-dir"
                          " of its own",
                          s->dir->path, pid);
                return -EBUSY;
        }
        if (r < 0)
                log_error("Cannot lock %s: %s", s->dir->path, strerror(-r));
        return r;
}

/* The tables of all nouns that are kept. */
static int prepare_store(Store *store)
{
        static int (*const nouns[])(Store *store) = {
                registry_prepare,
                presence_prepare,
                authority_prepare,
                feedback_prepare,
                mailbox_prepare,
                partitions_prepare,
                twin_prepare,
                dps_service_prepare,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(nouns); i++)
                r = nouns[i](store);
        return r;
}

static int open_store(Serve *s)
{
        int r = store_open(&s->store, s->dir->path, s->dir->fd, true);

        if (r >= 0)
                r = prepare_store(&s->store);
        /* the device commands print it in connection strings, also while no server runs */
        if (r >= 0)
                r = store_set(&s->store, "host", s->settings->host);
        if (r < 0)
                log_error("Cannot open %s/devhub.db: %s (%s)", s->dir->path, strerror(-r), store_error(&s->store));
        return r;
}

static int open_post(Serve *s)
{
        Hub *hub = server_hub(s->server);
        Desk desk;
        int r;

        r = feedback_new(&s->feedback, &s->store, hub->clock);
        if (r < 0)
                return r;
        r = mailbox_new(&s->mailbox, &s->store, hub->clock, s->feedback);
        if (r < 0)
                return r;
        hub->feedback = s->feedback;
        hub->mailbox = s->mailbox;
        r = c2d_new(&s->c2d, hub);
        if (r < 0)
                return r;
        desk = c2d_desk(s->c2d);
        r = server_add_desk(s->server, &desk);
        return r < 0 ? r : server_add_ticker(s->server, c2d_ticker(s->c2d));
}

static int open_twins(Serve *s)
{
        Hub *hub = server_hub(s->server);
        Desk desk;
        int r;

        r = twin_desk_new(&s->twins, hub, server_links(s->server));
        if (r < 0)
                return r;
        hub->twins = twin_desk_twins(s->twins);
        desk = twin_desk(s->twins);
        return server_add_desk(s->server, &desk);
}

static int open_methods(Serve *s)
{
        Hub *hub = server_hub(s->server);
        Desk desk;
        int r;

        r = method_desk_new(&s->methods, hub, server_links(s->server));
        if (r < 0)
                return r;
        hub->methods = method_desk_methods(s->methods);
        desk = method_desk(s->methods);
        r = server_add_desk(s->server, &desk);
        return r < 0 ? r : server_add_ticker(s->server, method_desk_ticker(s->methods));
}

/* Without a handler of ours the loop ends with status 0. */
static int end_at_signals(sd_event *event)
{
        sigset_t signals;
        int r;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGTERM);
        (void)sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int open_provisioning(Serve *s)
{
        Desk desk;
        int r;

        r = dps_desk_new(&s->dps, server_hub(s->server));
        if (r < 0)
                return r;
        desk = dps_desk_seat(s->dps);
        return server_add_desk(s->server, &desk);
}

static int open_listeners(Serve *s)
{
        const char *error = "";
        int r;

        r = sd_event_new(&s->event);
        if (r < 0)
                return r;
        r = end_at_signals(s->event);
        if (r < 0)
                return r;
        r = server_new(&s->server, s->event, s->settings, &s->certificates, &s->store, &error);
        if (r < 0) {
                log_error("%s port %u: %s: %s", s->settings->listen, s->settings->mqtt_port, error, strerror(-r));
                return r;
        }
        r = open_post(s);
        if (r < 0) {
                log_error("Cannot open the mailboxes: %s (%s)", strerror(-r), store_error(&s->store));
                return r;
        }
        r = open_twins(s);
        if (r >= 0)
                r = open_methods(s);
        if (r < 0) {
                log_error("Cannot serve twins and methods: %s", strerror(-r));
                return r;
        }
        r = open_provisioning(s);
        if (r < 0)
                return r;
        r = control_listen(&s->control, s->event, s->dir, operator_answer, s->server);
        if (r < 0)
                log_error("Cannot listen on %s/control: %s", s->dir->path, strerror(-r));
        return r;
}

/* ---- the service side ---- */

static int add_routes(Serve *s)
{
        static int (*const tables[])(HttpRouter *router, const Hub *hub) = {
                http_registry_add,
                http_messages_add,
                http_events_add,
                http_methods_add,
                http_twins_add,
                http_query_add,
                http_enrollments_add,
                http_provisioning_add,
                http_registrations_add,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(tables); i++)
                r = tables[i](s->router, server_hub(s->server));
        return r;
}

static WireHandover handover_of(const Serve *s, const HttpSocket *socket)
{
        return (WireHandover){
                .fd = socket->fd,
                .peer = socket->peer,
                .first = socket->first,
                .first_size = socket->first_size,
                .certificate = https_certificate(s->https, socket->fd),
                .release = socket->release,
                .userdata = socket->userdata,
        };
}

static void on_mqtt_websocket(void *userdata, const HttpSocket *socket)
{
        Serve *s = userdata;
        WireHandover handover = handover_of(s, socket);

        server_take_websocket(s->server, &handover);
}

static void on_amqp_websocket(void *userdata, const HttpSocket *socket)
{
        Serve *s = userdata;
        WireHandover handover = handover_of(s, socket);

        amqp_server_take_websocket(s->amqp, &handover);
}

static int add_websockets(Serve *s)
{
        const HttpWebSocket sockets[] = {
                {"/$iothub/websocket", "mqtt", on_mqtt_websocket, s},
                {"/$iothub/websocket", "AMQPWSB10", on_amqp_websocket, s},
                {"/$servicebus/websocket", "AMQPWSB10", on_amqp_websocket, s},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(sockets); i++)
                r = http_server_add_websocket(s->http, &sockets[i]);
        return r;
}

static int open_https(Serve *s)
{
        Hub *hub = server_hub(s->server);
        const char *error = "no memory";
        int r;

        r = http_router_new(&s->router, hub);
        if (r >= 0)
                r = add_routes(s);
        if (r >= 0)
                r = http_server_new(&s->http, s->event, hub, s->router);
        if (r >= 0)
                r = add_websockets(s);
        if (r >= 0)
                r = https_new(&s->https, s->event, s->settings->listen, s->settings->https_port, s->server, s->http,
                              &error);
        if (r < 0)
                log_error("%s port %u: %s: %s", s->settings->listen, s->settings->https_port, error, strerror(-r));
        return r;
}

static void on_stored(void *userdata)
{
        amqp_server_committed(((Serve *)userdata)->amqp);
}

static int open_amqp(Serve *s)
{
        AmqpServerSettings settings = {
                .listen = s->settings->listen,
                .tls_port = s->settings->amqps_port,
                .plain_port = s->settings->amqp_port,
        };
        const char *error;
        uint16_t port;
        int r;

        r = amqp_server_new(&s->amqp, s->event, &settings, certificates_get(&s->certificates, _FAULT_KIND_MAX),
                            server_hub(s->server), &port, &error);
        if (r < 0) {
                log_error("%s port %u: %s: %s", settings.listen, port, error, strerror(-r));
                return r;
        }
        server_on_stored(s->server, on_stored, s);
        return server_add_ticker(s->server, amqp_server_ticker(s->amqp));
}

/* ---- endpoints.json ---- */

static void add_text(Buffer *b, const char *name, const char *value)
{
        buffer_append_string(b, b->size > 0 ? ",\n  " : "{\n  ");
        json_string(b, name);
        buffer_append_string(b, ": ");
        json_string(b, value);
}

static void add_number(Buffer *b, const char *name, unsigned value)
{
        buffer_append_string(b, b->size > 0 ? ",\n  " : "{\n  ");
        json_string(b, name);
        buffer_printf(b, ": %u", value);
}

static int add_login(Serve *s, Buffer *b, const char *name, const char *policy_name)
{
        _cleanup_(secret_buffer_done) Buffer login = BUFFER_NULL;
        _cleanup_(policy_done) Policy policy = {};
        int r;

        r = registry_find_policy(&s->store, policy_name, &policy);
        if (r != 0)
                return r < 0 ? r : -ENOENT;
        buffer_printf(&login, "HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s", s->settings->host, policy_name,
                      policy.primary_key);
        if (buffer_error(&login))
                return -ENOMEM;
        add_text(b, name, login.data);
        return 0;
}

static int add_id_scope(Serve *s, Buffer *b)
{
        _cleanup_free_ char *id_scope = NULL;
        int r = dps_service_id_scope(&s->store, &id_scope);

        if (r >= 0)
                add_text(b, "id_scope", id_scope);
        return r;
}

static int write_endpoints(Serve *s)
{
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;
        _cleanup_(buffer_done) Buffer ca = BUFFER_NULL;
        int r;

        buffer_printf(&ca, "%s/ca.pem", s->dir->path);
        if (buffer_error(&ca))
                return -ENOMEM;
        add_text(&b, "host", s->settings->host);
        add_text(&b, "listen", s->settings->listen);
        add_number(&b, "mqtt_port", server_mqtt_port(s->server));
        add_number(&b, "https_port", https_port(s->https));
        add_number(&b, "amqps_port", amqp_server_tls_port(s->amqp));
        add_number(&b, "amqp_port", amqp_server_plain_port(s->amqp));
        add_text(&b, "ca_file", ca.data);
        r = add_login(s, &b, "owner_connection_string", "iothubowner");
        if (r >= 0)
                r = add_login(s, &b, "service_connection_string", "service");
        if (r < 0)
                return r;
        r = add_id_scope(s, &b);
        if (r < 0)
                return r;
        add_number(&b, "pid", (unsigned)getpid());
        buffer_append_string(&b, "\n}\n");
        return buffer_error(&b) ? -ENOMEM : state_dir_write(s->dir, "endpoints.json", b.data, b.size);
}

/* ---- the whole ---- */

static int begin(Serve *s)
{
        int r;

        r = lock(s);
        if (r < 0)
                return r;
        /* left by a server that was killed */
        (void)unlinkat(s->dir->fd, "endpoints.json", 0);
        r = open_store(s);
        if (r < 0)
                return r;
        r = certificates_open(&s->certificates, s->dir, s->settings->host, clock_wall(&clock_system));
        if (r < 0)
                return r;
        r = open_listeners(s);
        if (r < 0)
                return r;
        r = open_amqp(s);
        if (r < 0)
                return r;
        r = open_https(s);
        if (r < 0)
                return r;
        r = write_endpoints(s);
        if (r < 0)
                log_error("Cannot write %s/endpoints.json: %s", s->dir->path, strerror(-r));
        return r;
}

static void end(Serve *s)
{
        if (s->dir->lock_fd >= 0)
                (void)unlinkat(s->dir->fd, "endpoints.json", 0);
        control_free(s->control);
        if (s->server)
                server_close_links(s->server); /* some came through the HTTPS port; the last turn is told to AMQP */
        amqp_server_free(s->amqp); /* likewise */
        https_free(s->https);
        http_server_free(s->http);
        http_router_free(s->router);
        server_free(s->server);
        c2d_free(s->c2d);
        twin_desk_free(s->twins);
        method_desk_free(s->methods);
        dps_desk_free(s->dps);
        mailbox_free(s->mailbox);
        feedback_free(s->feedback);
        sd_event_unref(s->event);
        certificates_done(&s->certificates);
        store_done(&s->store);
}

int serve_run(StateDir *dir, const ServerSettings *settings)
{
        Serve s = {.dir = dir, .settings = settings};
        int r;

        (void)signal(SIGPIPE, SIG_IGN);
        r = begin(&s);
        if (r >= 0) {
                log_info("hublink-devhub " HUBLINK_VERSION " is %s on %s, ports: MQTT %u, HTTPS %u, AMQP %u and, plain, %u;"
                         " state in %s",
                         settings->host, settings->listen, server_mqtt_port(s.server), https_port(s.https),
                         amqp_server_tls_port(s.amqp), amqp_server_plain_port(s.amqp), dir->path);
                r = sd_event_loop(s.event);
                log_info(r < 0 ? "Stopped by an error: %s" : "Stopped", strerror(-r));
        }
        end(&s);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
