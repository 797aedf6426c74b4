/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "hub/hub-core.h"

static const char no_credential[] = "there is no connection string to be used (hub.connection_string_file)";

/* ---- life ---- */

static ConnectionSettings connection_settings(const HubSettings *s)
{
        return (ConnectionSettings){
                .keepalive_usec = s->keepalive_usec,
                .token_life_usec = s->token_life_usec,
                .backoff_first_usec = s->backoff_first_usec,
                .backoff_max_usec = s->backoff_max_usec,
        };
}

/* What a credential makes of us. All NULL: it cannot be used, which is as good as none; fault tells why. */
typedef struct Persona {
        Identity *identity;
        Enrollment *enrollment;
        const char *fault;
} Persona;

static void persona_done(Persona *p)
{
        enrollment_free(p->enrollment);
        identity_free(p->identity);
}

static int enroll(const Hub *hub, const HubSettings *settings, const ConnectionString *credential, Persona *p)
{
        int r = enrollment_new(&p->enrollment, settings, credential, &p->fault);

        return r < 0 ? r : hub_assigned_identity(hub, p->enrollment, &p->identity, &p->fault);
}

static int make_persona(const Hub *hub, const HubSettings *settings, const ConnectionString *credential, Persona *ret)
{
        int r;

        *ret = (Persona){.fault = no_credential};
        if (!credential)
                return 0;
        r = settings->dps.id_scope ? enroll(hub, settings, credential, ret)
                                   : identity_new(&ret->identity, settings, credential, &ret->fault);
        return r == -EINVAL ? 0 : r;
}

static void put_on(Hub *hub, Persona *p)
{
        identity_free(hub->identity);
        enrollment_free(hub->enrollment);
        hub->identity = TAKE_PTR(p->identity);
        hub->enrollment = TAKE_PTR(p->enrollment);
        hub->fault = p->fault;
}

static ConnectionEvent stop_without_credential(const Hub *hub)
{
        return (ConnectionEvent){
                .kind = CONNECTION_EVENT_STOP,
                .reason = LINK_REASON_NO_CREDENTIAL,
                .detail = hub->fault == no_credential && hub->why[0] ? hub->why : hub->fault,
        };
}

/* It was not running before, so there is nothing to do and nothing to tell. */
static void begin_stopped(Hub *hub)
{
        ConnectionEvent stop = stop_without_credential(hub);

        (void)connection_feed(&hub->connection, &stop, hub_now(hub));
}

int hub_new(Hub **ret, const HubSettings *settings, const ConnectionString *credential, Transport *transport,
            const Clock *clock, const Random *random, const HubSink *sink, const OrderSink *orders)
{
        ConnectionSettings cs = connection_settings(settings);
        _cleanup_(persona_done) Persona persona = {};
        Hub *hub;
        int r;

        hub = calloc(1, sizeof(*hub));
        if (!hub) {
                transport->free(transport);
                return -ENOMEM;
        }
        hub->transport = transport;
        r = make_persona(hub, settings, credential, &persona);
        if (r < 0) {
                hub_free(hub);
                return r;
        }
        put_on(hub, &persona);
        hub->clock = clock;
        hub->sink = *sink;
        if (orders) {
                hub->orders = *orders;
                hub->takes_orders = true;
        }
        hub->since_usec = hub_now(hub);
        connection_init(&hub->connection, &cs, random);
        link_log_init(&hub->log, hub_now(hub));
        transport->set_sink(transport, &(TransportSink){hub_on_transport, hub});
        if (!hub_can_connect(hub))
                begin_stopped(hub);
        *ret = hub;
        return 0;
}

Hub *hub_free(Hub *hub)
{
        if (!hub)
                return NULL;
        hub->transport->free(hub->transport);
        identity_free(hub->identity);
        enrollment_free(hub->enrollment);
        assignment_free(hub->assignment);
        provisioning_done(&hub->provisioning);
        tickets_done(&hub->tickets);
        gate_done(&hub->gate);
        buffer_done(&hub->topic);
        free(hub);
        return NULL;
}

void hub_start(Hub *hub)
{
        hub->started = true;
        if (hub_can_connect(hub) && hub->held[0])
                return;
        if (hub_can_connect(hub))
                hub_feed_kind(hub, CONNECTION_EVENT_START);
        else if (hub->fault != no_credential) /* else whoever gave none has said why */
                log_line(LOG_WARNING, NULL, LOG_FIELDS("HUBLINK_STATE=stopped", "HUBLINK_REASON=no-credential"),
                         "Not connecting: %s.", hub->fault);
}

/* Nobody wants to hear of it any more: the sink stays silent. */
void hub_stop(Hub *hub)
{
        unsigned actions = connection_feed(&hub->connection, &(ConnectionEvent){.kind = CONNECTION_EVENT_STOP},
                                           hub_now(hub));

        if (hub->started)
                hub->since_usec = hub_now(hub);
        hub->started = false;
        tickets_clear(&hub->tickets);
        hub_orders_forget(hub);
        link_log_stopped(&hub->log);
        if (actions & (CONNECTION_CLOSE | CONNECTION_GOODBYE))
                hub_hang_up(hub, actions);
}

static void stop_held(Hub *hub)
{
        hub_feed(hub, &(ConnectionEvent){
                              .kind = CONNECTION_EVENT_STOP, .reason = LINK_REASON_NONE, .detail = hub->held});
}

void hub_hold(Hub *hub, const char *why)
{
        if (strcmp(hub->held, why ?: "") == 0)
                return;
        (void)snprintf(hub->held, sizeof(hub->held), "%s", why ?: "");
        if (!hub_can_connect(hub))
                return;
        if (hub->held[0]) {
                log_line(LOG_WARNING, NULL, LOG_FIELDS("HUBLINK_STATE=stopped", "HUBLINK_REASON=none"),
                         "Not connecting: %s.", hub->held);
                stop_held(hub);
        } else if (hub->started)
                hub_feed_kind(hub, CONNECTION_EVENT_START);
}

/* A link that stands is not disturbed for the sake of the service that named it. */
static bool needs_new_connection(const Hub *hub, const Persona *p)
{
        return !identity_equal(p->identity, hub->identity) ||
               (hub->asking && !enrollment_equal(p->enrollment, hub->enrollment));
}

int hub_configure(Hub *hub, const HubSettings *settings, const ConnectionString *credential)
{
        ConnectionSettings cs = connection_settings(settings);
        _cleanup_(persona_done) Persona persona = {};
        bool could = hub_can_connect(hub), renew;
        int r;

        r = make_persona(hub, settings, credential, &persona);
        if (r < 0)
                return r;
        connection_configure(&hub->connection, &cs, hub_now(hub));
        renew = needs_new_connection(hub, &persona);
        put_on(hub, &persona);
        if (!hub_can_connect(hub)) {
                ConnectionEvent stop = stop_without_credential(hub);

                hub_feed(hub, &stop);
        } else if (could && !renew)
                return 0;
        else if (hub->held[0])
                stop_held(hub);
        else if (hub->started)
                hub_feed_kind(hub, could ? CONNECTION_EVENT_RENEW : CONNECTION_EVENT_START);
        return 0;
}

void hub_explain(Hub *hub, const char *why)
{
        (void)snprintf(hub->why, sizeof(hub->why), "%s", why);
        if (!hub_can_connect(hub))
                begin_stopped(hub);
}

void hub_reconnect(Hub *hub)
{
        hub_feed_kind(hub, CONNECTION_EVENT_RETRY);
}

/* ---- questions ---- */

usec_t hub_hindered_since(const Hub *hub, ThreadIds *ret)
{
        return hub->transport->hindered_since(hub->transport, ret);
}

bool hub_is_ready(const Hub *hub)
{
        return connection_is_ready(&hub->connection) && !hub->broken;
}

/* Kept on the boot clock and translated when asked, so that they follow when the wall clock is set right. The two
 * clocks are read one after the other: finer than this the same moment would be another one at each asking. */
#define MOMENT_USEC (10 * USEC_PER_MSEC)

static usec_t wall_of(const Hub *hub, usec_t boot_usec)
{
        usec_t boot = clock_boot(hub->clock), wall = clock_wall(hub->clock);
        usec_t moment = boot_usec > boot ? usec_add(wall, boot_usec - boot) : usec_sub(wall, boot - boot_usec);

        return moment - moment % MOMENT_USEC;
}

/* While the first try goes by way of the provisioning service, how far it has come. */
static const char *detail_of(const Hub *hub)
{
        const Connection *c = &hub->connection;

        return c->detail[0] ? c->detail : provisioning_words(&hub->provisioning);
}

void hub_status(const Hub *hub, HubStatus *ret)
{
        const Connection *c = &hub->connection;

        *ret = (HubStatus){
                .state = connection_state(c),
                .reason = c->reason,
                .since_usec = wall_of(hub, hub->since_usec),
                .next_attempt_usec = c->phase == CONNECTION_WAITING ? wall_of(hub, c->deadline_usec) : 0,
                .detail = detail_of(hub),
                .host = hub->identity ? hub->identity->host : "",
                .device_id = hub->identity ? hub->identity->client_id : "",
                .malformed = hub->n_malformed,
                .connections = hub->n_connections,
        };
        memcpy(ret->failures, hub->n_failures, sizeof(ret->failures));
}
