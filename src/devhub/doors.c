/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/doors.h"

#include <string.h>

#include "base/log.h"
#include "devhub/amqp/server.h"
#include "devhub/http/routes.h"
#include "devhub/https.h"
#include "devhub/net/listener.h"

/* ---- HTTPS and WebSocket ---- */

static WireHandover handover_of(const Doors *d, const HttpSocket *socket)
{
        return (WireHandover){
                .fd = socket->fd,
                .peer = socket->peer,
                .first = socket->first,
                .first_size = socket->first_size,
                .certificate = https_certificate(d->https, socket->fd),
                .release = socket->release,
                .userdata = socket->userdata,
        };
}

static const Certificate *on_certificate(void *userdata, int fd)
{
        const Doors *d = userdata;

        return https_certificate(d->https, fd);
}

static void on_mqtt_websocket(void *userdata, const HttpSocket *socket)
{
        Doors *d = userdata;
        WireHandover handover = handover_of(d, socket);

        https_note_link(d->https, socket->fd);
        server_take_websocket(d->server, &handover);
}

static void on_amqp_websocket(void *userdata, const HttpSocket *socket)
{
        Doors *d = userdata;
        WireHandover handover = handover_of(d, socket);

        amqp_server_take_websocket(d->amqp, &handover);
}

static int add_websockets(Doors *d)
{
        const HttpWebSocket sockets[] = {
                {"/$iothub/websocket", "mqtt", on_mqtt_websocket, d},
                {"/$iothub/websocket", "AMQPWSB10", on_amqp_websocket, d},
                {"/$servicebus/websocket", "AMQPWSB10", on_amqp_websocket, d},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(sockets); i++)
                r = http_server_add_websocket(d->http, &sockets[i]);
        return r;
}

static int open_https(Doors *d)
{
        Hub *hub = server_hub(d->server);
        const char *error = "no memory";
        int r;

        r = http_router_new(&d->router, hub);
        if (r >= 0)
                r = http_routes_add(d->router, hub);
        if (r >= 0)
                r = http_server_new(&d->http, d->event, hub, d->router);
        if (r >= 0)
                r = add_websockets(d);
        if (r >= 0)
                r = https_new(&d->https, d->event, d->settings->listen, d->settings->https_port, d->server, d->http,
                              &error);
        if (r >= 0)
                http_server_on_certificate(d->http, on_certificate, d);
        if (r < 0)
                listener_complain(d->settings->listen, d->settings->https_port, "https-port", error, r);
        return r;
}

/* ---- AMQP ---- */

static void on_stored(void *userdata)
{
        amqp_server_committed(((Doors *)userdata)->amqp);
}

static TlsServer *newcomer(void *userdata, bool *ret_stall)
{
        return strikes_newcomer(server_strikes(((Doors *)userdata)->server), ret_stall);
}

static void begun(void *userdata, Wire *wire)
{
        strikes_caller(server_strikes(((Doors *)userdata)->server), wire);
}

static int open_amqp(Doors *d)
{
        AmqpServerSettings settings = {
                .listen = d->settings->listen,
                .tls_port = d->settings->amqps_port,
                .plain_port = d->settings->amqp_port,
                .newcomer = newcomer,
                .begun = begun,
                .userdata = d,
        };
        const char *error;
        uint16_t port;
        int r;

        r = amqp_server_new(&d->amqp, d->event, &settings, server_hub(d->server), &port, &error);
        if (r < 0) {
                listener_complain(settings.listen, port, port == settings.tls_port ? "amqps-port" : "amqp-port", error,
                                  r);
                return r;
        }
        server_on_stored(d->server, on_stored, d);
        return server_add_ticker(d->server, amqp_server_ticker(d->amqp));
}

/* ---- all of them ---- */

int doors_open(Doors *d, sd_event *event, const ServerSettings *settings, Server *server)
{
        int r;

        *d = (Doors){.event = event, .settings = settings, .server = server};
        r = open_amqp(d);
        if (r >= 0)
                r = open_https(d);
        if (r < 0)
                return r;
        strikes_add_callers(server_strikes(server), amqp_server_callers(d->amqp));
        strikes_add_callers(server_strikes(server), https_callers(d->https));
        return 0;
}

void doors_close(Doors *d)
{
        amqp_server_free(d->amqp); /* some of its connections came through the HTTPS port */
        https_free(d->https);
        http_server_free(d->http);
        http_router_free(d->router);
        *d = (Doors){};
}

uint16_t doors_https_port(const Doors *d)
{
        return https_port(d->https);
}

uint16_t doors_amqps_port(const Doors *d)
{
        return amqp_server_tls_port(d->amqp);
}

uint16_t doors_amqp_port(const Doors *d)
{
        return amqp_server_plain_port(d->amqp);
}
