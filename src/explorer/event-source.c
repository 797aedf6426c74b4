/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-source.h"

#include <errno.h>
#include <proton/session.h>
#include <string.h>
#include <strings.h>

#include "explorer/amqp-link.h"
#include "explorer/event-partitions.h"
#include "explorer/redirect.h"

#define CREDIT          500
#define SELECTOR_SYMBOL "apache.org:selector-filter:string"
#define SELECTOR_CODE   0x0000468C00000004ull

typedef struct Partition {
        EventSource *source;
        char *id;
        EventPosition position;
        AmqpLink link;
        int owed; /* credit that was used and not yet given anew */
} Partition;

struct EventSource {
        EventSourceSettings settings;
        AmqpPeer *peer; /* of the endpoint */
        AmqpRequest *management;
        char *entity;
        Partition *partitions;
        size_t n_partitions;
};

static int out_of_memory(EventSource *s)
{
        return amqp_fault_set(s->settings.fault, AMQP_FAULT_LOCAL, "out of memory");
}

/* ---- life ---- */

int event_source_new(EventSource **ret, const EventSourceSettings *settings)
{
        EventSource *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->settings = *settings;
        *ret = s;
        return 0;
}

void event_source_close(EventSource *s)
{
        for (size_t i = 0; i < s->n_partitions; i++)
                amqp_link_done(&s->partitions[i].link);
        s->management = amqp_request_free(s->management);
        s->peer = amqp_peer_close(s->peer);
        free(s->entity);
        s->entity = NULL;
}

EventSource *event_source_free(EventSource *s)
{
        if (!s)
                return NULL;
        event_source_close(s);
        for (size_t i = 0; i < s->n_partitions; i++)
                free(s->partitions[i].id);
        free(s->partitions);
        free(s);
        return NULL;
}

size_t event_source_partitions(const EventSource *s)
{
        return s->n_partitions;
}

/* ---- the way there ---- */

static void no_message(void *userdata, AmqpLink *link, pn_message_t *message, pn_delivery_t *delivery)
{
        pn_delivery_update(delivery, PN_RELEASED);
        pn_delivery_settle(delivery);
}

/* Attaches where the hub has no events of its own, and waits for the way to be told. */
static int ask_the_way(AmqpPeer *hub, AmqpLink *link, EventSource *s, usec_t until, Redirect *ret)
{
        Amqp *amqp = amqp_peer_amqp(hub);
        pn_session_t *session = pn_session(amqp_connection(amqp));
        int r;

        if (!session)
                return out_of_memory(s);
        pn_session_open(session);
        r = amqp_link_init_receiver(link, amqp, session, NULL, "/messages/events", no_message, s);
        if (r < 0)
                return r;
        (void)pn_terminus_set_address(pn_link_source(link->link), "/messages/events");
        pn_link_open(link->link);
        r = amqp_wait(amqp, &link->closed, until, "the question for /messages/events");
        if (r < 0)
                return r;
        if (strcmp(link->fault.condition, "amqp:link:redirect") != 0) {
                *s->settings.fault = link->fault;
                return -ECONNABORTED;
        }
        r = redirect_parse(link->redirect[0], link->redirect[1], link->redirect[2], link->redirect_port, ret);
        if (r == -ENOMEM)
                return out_of_memory(s);
        if (r < 0)
                return amqp_fault_set(s->settings.fault, AMQP_FAULT_PROTOCOL,
                                      "%s redirects to an address that leads nowhere: %s", s->settings.login->host,
                                      link->redirect[0] ? link->redirect[0] : "none");
        return 0;
}

static int find_endpoint(EventSource *s, usec_t until, Redirect *ret)
{
        const EventSourceSettings *t = &s->settings;
        AmqpTarget target = amqp_peer_hub(t->login);
        AmqpLink link = {};
        AmqpPeer *hub = NULL;
        int r = amqp_peer_open(&hub, &target, t->login, NULL, t->token_life, until, t->fault);

        if (r >= 0)
                r = ask_the_way(hub, &link, s, until, ret);
        amqp_link_done(&link);
        amqp_peer_close(hub);
        return r;
}

static int open_endpoint(EventSource *s, const Redirect *way, usec_t until)
{
        const EventSourceSettings *t = &s->settings;
        AmqpTarget target = {.host = way->host, .address = way->address, .port = way->port,
                             .ca_file = t->login->ca_file};

        /* a hub that sends us to itself is where it was found */
        if (strcasecmp(way->host, t->login->host) == 0 && t->login->address)
                target.address = t->login->address;
        s->entity = strdup(way->entity);
        if (!s->entity)
                return out_of_memory(s);
        return amqp_peer_open(&s->peer, &target, t->login, s->entity, t->token_life, until, t->fault);
}

/* ---- partitions ---- */

/* Known before: continued where they were. New ones, and all at the first time, begin where it was asked for. */
static int add_partition(EventSource *s, char *id, Partition *to)
{
        *to = (Partition){.source = s, .id = id, .position = s->settings.from};
        for (size_t i = 0; i < s->n_partitions; i++)
                if (strcmp(s->partitions[i].id, id) == 0)
                        to->position = s->partitions[i].position;
        return 0;
}

static int take_partitions(EventSource *s, char **ids, size_t n)
{
        Partition *all = calloc(n, sizeof(*all));

        if (!all)
                return out_of_memory(s);
        for (size_t i = 0; i < n; i++) {
                (void)add_partition(s, ids[i], &all[i]);
                ids[i] = NULL;
        }
        for (size_t i = 0; i < s->n_partitions; i++)
                free(s->partitions[i].id);
        free(s->partitions);
        s->partitions = all;
        s->n_partitions = n;
        return 0;
}

static int learn_partitions(EventSource *s, usec_t until)
{
        char **ids;
        size_t n;
        int r = amqp_request_open(&s->management, amqp_peer_amqp(s->peer), "$management", until);

        if (r >= 0)
                r = event_partitions_list(s->peer, s->management, s->entity, until, &ids, &n);
        if (r < 0)
                return r;
        r = take_partitions(s, ids, n);
        for (size_t i = 0; i < n; i++)
                free(ids[i]);
        free(ids);
        return r;
}

/* The end of now, in terms that still mean it after a loss. */
static int fix_end(EventSource *s, Partition *p, usec_t until)
{
        _cleanup_free_ char *offset = NULL;
        int r;

        if (p->position.kind != EVENT_FROM_END)
                return 0;
        r = event_partitions_last(s->peer, s->management, s->entity, p->id, until, &offset);
        if (r < 0)
                return r;
        if (!*offset || strcmp(offset, "-1") == 0)
                p->position.kind = EVENT_FROM_START;
        else if (!event_position_after(&p->position, offset))
                return amqp_fault_set(s->settings.fault, AMQP_FAULT_PROTOCOL, "an offset that is none: %s", offset);
        return 0;
}

/* ---- receivers ---- */

static void move_on(Partition *p, const EventMessage *m)
{
        if (m->offset && event_position_after(&p->position, m->offset))
                return;
        if (m->has_sequence)
                p->position = (EventPosition){.kind = EVENT_FROM_SEQUENCE, .sequence = m->event.sequence + 1};
}

static void on_message(void *userdata, AmqpLink *link, pn_message_t *message, pn_delivery_t *delivery)
{
        Partition *p = userdata;
        EventSource *s = p->source;
        EventMessage m;
        int r;

        pn_delivery_update(delivery, PN_ACCEPTED);
        pn_delivery_settle(delivery);
        if (++p->owed >= CREDIT / 2) {
                pn_link_flow(link->link, p->owed);
                p->owed = 0;
        }
        if (s->settings.fault->kind != AMQP_FAULT_NONE)
                return; /* it will come again: we have not moved on */
        r = event_message_read(&m, message);
        if (r < 0) {
                (void)out_of_memory(s);
                return;
        }
        move_on(p, &m);
        r = s->settings.event(s->settings.userdata, &m, p->id);
        event_message_done(&m);
        if (r < 0)
                (void)amqp_fault_set(s->settings.fault, AMQP_FAULT_STOPPED, "enough");
}

static int set_filter(Partition *p)
{
        pn_data_t *filter = pn_terminus_filter(pn_link_source(p->link.link));
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        event_position_filter(&p->position, &text);
        if (buffer_error(&text))
                return out_of_memory(p->source);
        (void)pn_data_put_map(filter);
        (void)pn_data_enter(filter);
        (void)pn_data_put_symbol(filter, pn_bytes(strlen(SELECTOR_SYMBOL), SELECTOR_SYMBOL));
        (void)pn_data_put_described(filter);
        (void)pn_data_enter(filter);
        (void)pn_data_put_ulong(filter, SELECTOR_CODE);
        (void)pn_data_put_string(filter, pn_bytes(text.size, text.data));
        (void)pn_data_exit(filter);
        (void)pn_data_exit(filter);
        return 0;
}

static int open_receiver(EventSource *s, Partition *p)
{
        pn_session_t *session = pn_session(amqp_connection(amqp_peer_amqp(s->peer)));
        _cleanup_(buffer_done) Buffer address = BUFFER_NULL;

        if (!session)
                return out_of_memory(s);
        pn_session_open(session);
        buffer_printf(&address, "%s/ConsumerGroups/%s/Partitions/%s", s->entity, s->settings.consumer_group, p->id);
        if (buffer_error(&address))
                return out_of_memory(s);
        if (amqp_link_init_receiver(&p->link, amqp_peer_amqp(s->peer), session, NULL, "of a partition", on_message,
                                    p) < 0)
                return -ECONNABORTED;
        (void)pn_terminus_set_address(pn_link_source(p->link.link), address.data);
        (void)pn_terminus_set_address(pn_link_target(p->link.link), "hublink-explorer");
        if (set_filter(p) < 0)
                return -ECONNABORTED;
        pn_link_open(p->link.link);
        p->owed = 0;
        return 0;
}

/* A receiver that the peer has ended ends it all: a partition unread is not to be hidden. */
static int look_at_links(EventSource *s)
{
        for (size_t i = 0; i < s->n_partitions; i++) {
                if (!s->partitions[i].link.closed)
                        continue;
                if (s->settings.fault->kind == AMQP_FAULT_NONE)
                        *s->settings.fault = s->partitions[i].link.fault;
                return -ECONNABORTED;
        }
        return 0;
}

static int await_receivers(EventSource *s, usec_t until)
{
        for (size_t i = 0; i < s->n_partitions; i++) {
                int r = amqp_peer_wait(s->peer, &s->partitions[i].link.answered, until, "a receiver");

                if (r < 0 || look_at_links(s) < 0)
                        return -ECONNABORTED;
                /* not with the attach: some peers would send before they have answered it */
                pn_link_flow(s->partitions[i].link.link, CREDIT);
        }
        return 0;
}

/* ---- verbs ---- */

int event_source_open(EventSource *s, usec_t until)
{
        Redirect way;
        int r = find_endpoint(s, until, &way);

        if (r < 0)
                return r;
        r = open_endpoint(s, &way, until);
        redirect_done(&way);
        if (r >= 0)
                r = learn_partitions(s, until);
        for (size_t i = 0; r >= 0 && i < s->n_partitions; i++)
                r = fix_end(s, &s->partitions[i], until);
        for (size_t i = 0; r >= 0 && i < s->n_partitions; i++)
                r = open_receiver(s, &s->partitions[i]);
        return r < 0 ? r : await_receivers(s, until);
}

int event_source_turn(EventSource *s, usec_t until)
{
        int r = amqp_peer_turn(s->peer, until);

        return r < 0 ? r : look_at_links(s);
}
