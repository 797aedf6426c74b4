/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-request.h"

#include <errno.h>
#include <inttypes.h>
#include <proton/session.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "explorer/amqp-data.h"

#define NAME_MAX_SIZE 64
#define CREDIT        10

struct AmqpRequest {
        Amqp *amqp;
        const char *node;
        char reply_to[NAME_MAX_SIZE];
        AmqpLink sender, receiver;
        char id[24];
        pn_message_t *reply;
        bool answered;
        char *description;
};

/* The peer may tell the id back in its own type; what is no text is not ours. */
static bool is_answer(const AmqpRequest *q, pn_message_t *message)
{
        _cleanup_free_ char *id = NULL;
        pn_data_t *data = pn_message_correlation_id(message);

        pn_data_rewind(data);
        if (!pn_data_next(data))
                return false;
        id = amqp_data_text(data);
        return id && strcmp(id, q->id) == 0;
}

static void on_reply(void *userdata, AmqpLink *link, pn_message_t *message, pn_delivery_t *delivery)
{
        AmqpRequest *q = userdata;

        pn_delivery_update(delivery, PN_ACCEPTED);
        pn_delivery_settle(delivery);
        pn_link_flow(link->link, 1);
        if (q->answered || !is_answer(q, message))
                return;
        /* the link takes the other for what comes next */
        link->message = q->reply;
        q->reply = message;
        q->answered = true;
}

static int attach(AmqpRequest *q, AmqpLink *link, usec_t until)
{
        int r = amqp_link_attach(link, until);

        if (r < 0 && link->fault.kind != AMQP_FAULT_NONE && amqp_fault(q->amqp)->kind == AMQP_FAULT_NONE)
                *amqp_fault(q->amqp) = link->fault;
        return r;
}

int amqp_request_open(AmqpRequest **ret, Amqp *amqp, const char *node, usec_t until)
{
        _cleanup_(amqp_request_freep) AmqpRequest *q = calloc(1, sizeof(*q));
        pn_session_t *session = pn_session(amqp_connection(amqp));

        if (!q || !session)
                return amqp_fault_set(amqp_fault(amqp), AMQP_FAULT_LOCAL, "out of memory");
        q->amqp = amqp;
        q->node = node;
        (void)snprintf(q->reply_to, sizeof(q->reply_to), "%s-%016" PRIx64, node + (*node == '$'),
                       random_system.draw(random_system.userdata));
        q->reply = pn_message();
        if (!q->reply)
                return amqp_fault_set(amqp_fault(amqp), AMQP_FAULT_LOCAL, "out of memory");
        pn_session_open(session);
        /* Peers find the way back by the receiver's name or by its target: both are the reply-to. */
        if (amqp_link_init_receiver(&q->receiver, amqp, session, q->reply_to, node, on_reply, q) < 0 ||
            amqp_link_init_sender(&q->sender, amqp, session, NULL, node) < 0)
                return -ECONNABORTED;
        (void)pn_terminus_set_address(pn_link_source(q->receiver.link), node);
        (void)pn_terminus_set_address(pn_link_target(q->receiver.link), q->reply_to);
        (void)pn_terminus_set_address(pn_link_source(q->sender.link), q->reply_to);
        (void)pn_terminus_set_address(pn_link_target(q->sender.link), node);
        if (attach(q, &q->receiver, until) < 0 || attach(q, &q->sender, until) < 0)
                return -ECONNABORTED;
        pn_link_flow(q->receiver.link, CREDIT);
        *ret = TAKE_PTR(q);
        return 0;
}

AmqpRequest *amqp_request_free(AmqpRequest *q)
{
        if (!q)
                return NULL;
        amqp_link_done(&q->sender);
        amqp_link_done(&q->receiver);
        pn_message_free(q->reply);
        free(q->description);
        free(q);
        return NULL;
}

/* ---- asking ---- */

static void address(AmqpRequest *q, pn_message_t *message)
{
        (void)snprintf(q->id, sizeof(q->id), "%016" PRIx64, random_system.draw(random_system.userdata));
        (void)pn_message_set_id(message, (pn_msgid_t){.type = PN_STRING, .u.as_bytes = {strlen(q->id), q->id}});
        (void)pn_message_set_address(message, q->node);
        (void)pn_message_set_reply_to(message, q->reply_to);
}

static int read_reply(AmqpRequest *q, AmqpReply *ret)
{
        pn_data_t *properties = pn_message_properties(q->reply);

        free(q->description);
        q->description = NULL;
        if ((!amqp_data_find(properties, "status-code") && !amqp_data_find(properties, "statusCode")) ||
            !amqp_data_integer(properties, &ret->status))
                return amqp_fault_set(amqp_fault(q->amqp), AMQP_FAULT_PROTOCOL, "%s at %s answers without a status",
                                      q->node, amqp_host(q->amqp));
        if (amqp_data_find(properties, "status-description") || amqp_data_find(properties, "statusDescription"))
                q->description = amqp_data_text(properties);
        ret->description = q->description;
        ret->message = q->reply;
        return 0;
}

int amqp_request_ask(AmqpRequest *q, pn_message_t *message, usec_t until, AmqpReply *ret)
{
        int r;

        address(q, message);
        q->answered = false;
        r = amqp_link_send(&q->sender, message, until);
        if (r < 0 && !q->answered) {
                if (q->sender.fault.kind != AMQP_FAULT_NONE && amqp_fault(q->amqp)->kind == AMQP_FAULT_NONE)
                        *amqp_fault(q->amqp) = q->sender.fault;
                return -ECONNABORTED;
        }
        r = amqp_wait(q->amqp, &q->answered, until, q->node);
        return r < 0 ? r : read_reply(q, ret);
}
