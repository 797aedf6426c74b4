/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way by the provisioning service: when it is taken, and what comes of it.
 *
 * One try of Connection can go by it: the talk first, then the steps to the hub that it named. An assignment that is
 * remembered stays good whatever becomes of the talk; only another one replaces it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/topic.h"
#include "base/log-id.h"
#include "base/log.h"
#include "hub/hub-core.h"

/* Then the hub may be another one by now. So long, because a lookup without an answer may as well be our own network's
 * fault, and after that a whole fleet would come to the service. */
#define GONE_USEC USEC_PER_DAY

#define DOUBTS_MAX 10 /* of a hub that the service has just named */

/* ---- what is remembered ---- */

int hub_assigned_identity(const Hub *hub, const Enrollment *enrollment, Identity **ret, const char **ret_fault)
{
        const Assignment *a = hub->assignment;

        *ret = NULL;
        if (!a || strcmp(a->registration, enrollment_registration(enrollment)) != 0)
                return 0;
        return enrollment_identity(enrollment, a, ret, ret_fault);
}

/* What cannot be read is asked for again: no reason not to start. */
void hub_remember(Hub *hub, const HubMemory *memory)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        const char *fault;
        int r;

        hub->memory = *memory;
        r = memory->load(memory->userdata, &text);
        if (r >= 0 && text.size > 0)
                r = assignment_read(&hub->assignment, text.data, text.size);
        if (r >= 0 && hub->enrollment)
                r = hub_assigned_identity(hub, hub->enrollment, &hub->identity, &fault);
        if (r < 0)
                log_line(LOG_WARNING, LOG_ID_STATE_NOT_READ, NULL,
                         "The hub that was assigned is not known any more (%s): the provisioning service is asked "
                         "again.",
                         strerror(-r));
}

static void keep(Hub *hub)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        assignment_write(hub->assignment, &text);
        if (hub->memory.store && !buffer_error(&text))
                hub->memory.store(hub->memory.userdata, text.data, text.size);
}

/* ---- when it is asked ---- */

static bool is_gone(const Hub *hub)
{
        return hub->gone_since_usec > 0 && hub_now(hub) >= usec_add(hub->gone_since_usec, GONE_USEC);
}

/* What is wrong right after the service has named this hub it can hardly mend at once. */
static bool is_doubted(const Hub *hub)
{
        return hub->n_doubts >= (hub->confirmed ? DOUBTS_MAX : 1);
}

bool hub_must_ask(const Hub *hub)
{
        return hub->enrollment && (!hub->identity || is_doubted(hub) || is_gone(hub));
}

static void forget_doubts(Hub *hub)
{
        hub->gone_since_usec = 0;
        hub->n_doubts = 0;
}

static bool is_refusal(const ConnectionEvent *event)
{
        return event->kind == CONNECTION_EVENT_REFUSED && (event->code == 4 || event->code == 5);
}

/* Whatever else fails, somebody has the name. */
static bool is_not_found(const Hub *hub)
{
        LinkReason reason = hub->connection.reason;

        return reason == LINK_REASON_NAME || reason == LINK_REASON_TLS_HOSTNAME;
}

/* A hub that was there before may only be out of our sight; one that was just named, and never seen, may be none. */
static void note_failure(Hub *hub, const ConnectionEvent *event)
{
        bool not_found = is_not_found(hub);

        if (!not_found)
                hub->gone_since_usec = 0;
        else if (hub->gone_since_usec == 0)
                hub->gone_since_usec = hub_now(hub);
        hub->n_doubts += is_refusal(event) || (not_found && hub->confirmed);
}

void hub_note_outcome(Hub *hub, const ConnectionEvent *event, unsigned actions, LinkState before)
{
        bool waits = hub->connection.phase == CONNECTION_WAITING && before != LINK_WAITING;

        if (actions & CONNECTION_READY) {
                forget_doubts(hub);
                hub->confirmed = false;
        } else if (waits && !hub->asking) {
                note_failure(hub, event);
        }
}

/* ---- the talk ---- */

int hub_begin_asking(Hub *hub)
{
        connection_name_peer(&hub->connection, "the provisioning service");
        forget_doubts(hub);
        return provisioning_begin(&hub->provisioning, enrollment_registration(hub->enrollment), hub_now(hub));
}

static void say(Hub *hub, const char *body, size_t size)
{
        int mid;

        buffer_clear(&hub->topic);
        provisioning_topic(&hub->provisioning, &hub->topic);
        if (!buffer_error(&hub->topic)) /* else its answer is overdue some time */
                (void)hub->transport->publish(hub->transport, hub->topic.data, body, size, 1, &mid);
}

static void subscribe_to_answers(Hub *hub)
{
        const char *filter = TOPIC_FILTER_DPS_RESPONSE;
        int mid;

        hub_feed_kind(hub, CONNECTION_EVENT_ASKING);
        (void)hub->transport->subscribe(hub->transport, &filter, 1, 1, &mid);
}

static void on_failed(Hub *hub)
{
        const Provisioning *p = &hub->provisioning;

        hub_feed(hub, &(ConnectionEvent){
                              .kind = CONNECTION_EVENT_UNASSIGNED,
                              .reason = p->reason,
                              .detail = p->detail,
                              .peace_usec = p->peace_usec,
                      });
}

static void tell_assigned(const Hub *hub)
{
        const Assignment *a = hub->assignment;
        char host[320], device[320];

        (void)snprintf(host, sizeof(host), "HUBLINK_HUB=%s", a->host);
        (void)snprintf(device, sizeof(device), "HUBLINK_DEVICE=%s", a->device_id);
        log_line(LOG_NOTICE, LOG_ID_ASSIGNED, LOG_FIELDS(host, device),
                 "The provisioning service has assigned the hub %s, where this device is called %s.", a->host,
                 a->device_id);
}

static void on_assigned(Hub *hub)
{
        Assignment *a = TAKE_PTR(hub->provisioning.assignment);
        Identity *identity;
        const char *fault;
        int r;

        r = enrollment_identity(hub->enrollment, a, &identity, &fault);
        if (r < 0) {
                assignment_free(a);
                hub_feed(hub, &(ConnectionEvent){
                                      .kind = CONNECTION_EVENT_UNASSIGNED,
                                      .reason = LINK_REASON_PROVISIONING,
                                      .detail = r == -EINVAL ? fault : strerror(-r),
                                      .peace_usec = PROVISIONING_PEACE_USEC,
                              });
                return;
        }
        identity_free(hub->identity);
        hub->identity = identity;
        hub->confirmed = true;
        if (assignment_equal(a, hub->assignment)) {
                assignment_free(a);
        } else {
                assignment_free(hub->assignment);
                hub->assignment = a;
                tell_assigned(hub);
                keep(hub);
        }
        hub_feed_kind(hub, CONNECTION_EVENT_ASSIGNED);
}

static void act(Hub *hub, ProvisioningAction action)
{
        switch (action) {
        case PROVISIONING_NOTHING:
                break;
        case PROVISIONING_SUBSCRIBE:
                subscribe_to_answers(hub);
                break;
        case PROVISIONING_REGISTER:
                say(hub, hub->enrollment->body.data, hub->enrollment->body.size);
                break;
        case PROVISIONING_POLL:
                say(hub, "", 0);
                break;
        case PROVISIONING_ASSIGNED:
                on_assigned(hub);
                break;
        case PROVISIONING_FAILED:
                on_failed(hub);
                break;
        }
}

/* Nothing may follow what is done: with the end of the talk everything may be another. */
static void go_on(Hub *hub, ProvisioningPhase before, ProvisioningAction action)
{
        bool over = action == PROVISIONING_ASSIGNED || action == PROVISIONING_FAILED;

        if (!over && hub->provisioning.phase != before)
                hub->sink.changed(hub->sink.userdata);
        act(hub, action);
}

void hub_asking_event(Hub *hub, const TransportEvent *event)
{
        ProvisioningPhase before = hub->provisioning.phase;

        if (event->kind == TRANSPORT_STEPPED)
                hub_feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_STEP, .step = event->step});
        else
                go_on(hub, before, provisioning_feed(&hub->provisioning, event, hub_now(hub)));
}

void hub_asking_tick(Hub *hub)
{
        ProvisioningPhase before = hub->provisioning.phase;

        go_on(hub, before, provisioning_tick(&hub->provisioning, hub_now(hub)));
}
