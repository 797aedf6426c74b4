/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/reply.h"

#include <proton/codec.h>
#include <proton/connection.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <stdint.h>
#include <string.h>

#define WAITING_MAX       128             /* replies for a link that gives no credit */
#define WAITING_BYTES_MAX ((size_t)65536) /* of its session: they repeat the id that the request had */

/* Replies stand in the engine until there is credit. */
bool reply_give(AmqpLink *link)
{
        return false;
}

/* Some clients write a symbol or bytes where others write a string. */
static pn_bytes_t text_at(pn_data_t *data)
{
        switch (pn_data_type(data)) {
        case PN_STRING:
        case PN_SYMBOL:
        case PN_BINARY:
                return pn_data_get_bytes(data);
        default:
                return (pn_bytes_t){};
        }
}

char *request_text(pn_message_t *request, const char *name)
{
        pn_data_t *data = pn_message_properties(request);
        pn_bytes_t value = {};

        pn_data_rewind(data);
        if (!pn_data_next(data) || pn_data_type(data) != PN_MAP || !pn_data_enter(data))
                return NULL;
        while (!value.start && pn_data_next(data)) {
                pn_bytes_t key = text_at(data);

                if (!pn_data_next(data))
                        break;
                if (key.size == strlen(name) && memcmp(key.start, name, key.size) == 0)
                        value = text_at(data);
        }
        return value.start && !memchr(value.start, 0, value.size) ? strndup(value.start, value.size) : NULL;
}

/* ---- which link ---- */

static bool is_target(AmqpLink *link, const char *reply_to)
{
        const char *target = pn_terminus_get_address(pn_link_remote_target(link->pn));

        return target && strcmp(target, reply_to) == 0;
}

static unsigned fitness(AmqpLink *link, AddressKind address, const char *reply_to)
{
        if (!link || !link->node || !link->node->sends || link->node->address != address)
                return 0;
        if (reply_to && is_target(link, reply_to))
                return 3;
        return reply_to && strcmp(pn_link_name(link->pn), reply_to) == 0 ? 2 : 1;
}

static AmqpLink *find_way_back(AmqpLink *request_link, pn_message_t *request)
{
        pn_connection_t *connection = pn_session_connection(pn_link_session(request_link->pn));
        const char *reply_to = pn_message_get_reply_to(request);
        AmqpLink *best = NULL;
        unsigned best_fitness = 0;

        for (pn_link_t *pn = pn_link_head(connection, 0); pn; pn = pn_link_next(pn, 0)) {
                AmqpLink *link = pn_link_get_context(pn);
                unsigned f = fitness(link, request_link->address.kind, reply_to);

                if (f > best_fitness) {
                        best_fitness = f;
                        best = link;
                }
        }
        return best;
}

static bool has_room(AmqpLink *back)
{
        return pn_link_queued(back->pn) < WAITING_MAX &&
               pn_session_outgoing_bytes(pn_link_session(back->pn)) < WAITING_BYTES_MAX;
}

/* ---- the reply ---- */

static void put_key(pn_data_t *data, const char *key)
{
        (void)pn_data_put_string(data, pn_bytes(strlen(key), key));
}

static void fill(pn_message_t *message, pn_message_t *request, int status, const char *description)
{
        pn_data_t *properties = pn_message_properties(message);

        (void)pn_message_set_correlation_id(message, pn_message_get_id(request));
        if (pn_message_get_reply_to(request))
                (void)pn_message_set_address(message, pn_message_get_reply_to(request));
        (void)pn_data_put_map(properties);
        (void)pn_data_enter(properties);
        put_key(properties, "status-code");
        (void)pn_data_put_int(properties, status);
        put_key(properties, "status-description");
        (void)pn_data_put_string(properties, pn_bytes(strlen(description), description));
        (void)pn_data_exit(properties);
}

void reply(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request, int status, const char *description,
           void (*body)(pn_data_t *data, const void *userdata), const void *userdata)
{
        AmqpLink *back = find_way_back(link, request);
        pn_message_t *message;
        uint64_t tag;

        amqp_delivery_accept(delivery);
        if (!back || !has_room(back))
                return; /* it asked, and does not listen */
        message = pn_message();
        if (!message)
                return;
        fill(message, request, status, description);
        if (body)
                body(pn_message_body(message), userdata);
        tag = ++back->n_sent;
        (void)amqp_link_send(back, message, &tag, sizeof(tag), true, NULL);
        pn_message_free(message);
}
