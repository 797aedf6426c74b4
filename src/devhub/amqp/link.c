/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/link.h"

#include <errno.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/disposition.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "devhub/amqp/nodes.h"

#define OUTGOING_HIGH  ((size_t)65536) /* that much of a session waits in the engine, at most */
#define UNSETTLED_MAX  2048            /* messages that the peer has not said a word about */
#define ENCODED_MAX    ((size_t)1024 * 1024)
#define WORDS_MAX      256
#define ROUNDS_AT_ONCE 64

/* ---- the end ---- */

static void leave_node(AmqpLink *link)
{
        const AmqpNode *node = TAKE_PTR(link->node);

        if (node && node->gone)
                node->gone(link);
        link->state = NULL;
}

AmqpLink *amqp_link_free(AmqpLink *link)
{
        if (!link)
                return NULL;
        leave_node(link);
        pn_link_set_context(link->pn, NULL);
        free(link->text);
        free(link);
        return NULL;
}

static void say(pn_condition_t *condition, const char *name, const char *fmt, va_list arguments)
{
        char text[WORDS_MAX];

        (void)vsnprintf(text, sizeof(text), fmt, arguments);
        (void)pn_condition_set_name(condition, name);
        (void)pn_condition_set_description(condition, text);
}

void amqp_link_refuse(AmqpLink *link, const char *name, const char *fmt, ...)
{
        va_list arguments;

        leave_node(link);
        if (pn_link_state(link->pn) & PN_LOCAL_CLOSED)
                return;
        va_start(arguments, fmt);
        say(pn_link_condition(link->pn), name, fmt, arguments);
        va_end(arguments);
        pn_link_open(link->pn); /* a link must be attached before it can be detached; nothing, if it is */
        pn_link_close(link->pn);
}

/* ---- opening ---- */

AmqpLink *amqp_link_new(pn_link_t *pn, AmqpHouse *house, Grants *grants)
{
        AmqpLink *link = calloc(1, sizeof(*link));
        bool sends = pn_link_is_sender(pn);
        const char *text = pn_terminus_get_address(sends ? pn_link_remote_source(pn) : pn_link_remote_target(pn));

        if (!link)
                return NULL;
        link->text = strdup(text ? text : "");
        if (!link->text) {
                free(link);
                return NULL;
        }
        link->pn = pn;
        link->house = house;
        link->grants = grants;
        link->address = address_parse(link->text);
        pn_link_set_context(pn, link);
        return link;
}

/* What the peer asked for is what it gets. */
static void attach(AmqpLink *link)
{
        (void)pn_terminus_copy(pn_link_source(link->pn), pn_link_remote_source(link->pn));
        (void)pn_terminus_copy(pn_link_target(link->pn), pn_link_remote_target(link->pn));
        pn_link_set_snd_settle_mode(link->pn, pn_link_remote_snd_settle_mode(link->pn));
        pn_link_set_rcv_settle_mode(link->pn, pn_link_remote_rcv_settle_mode(link->pn));
        pn_link_set_max_message_size(link->pn, link->node->largest);
        pn_link_open(link->pn);
        if (link->node->credit > 0)
                pn_link_flow(link->pn, (int)link->node->credit);
}

/* $management alone names nothing that a token could be for. */
static bool has_right(const AmqpLink *link)
{
        bool is_bare = link->address.kind == ADDRESS_MANAGEMENT && !link->address.entity.data;

        return link->node->right == 0 ||
               grants_allow(link->grants, link->node->right, is_bare ? "" : link->address.path);
}

void amqp_link_open(AmqpLink *link)
{
        const AmqpNode *node = node_at(link->address.kind, pn_link_is_sender(link->pn));

        if (!node) {
                amqp_link_refuse(link, "amqp:not-found", "There is no node to %s at '%s'.",
                                 pn_link_is_sender(link->pn) ? "receive from" : "send to", link->text);
                return;
        }
        link->node = node;
        if (!has_right(link)) {
                link->node = NULL; /* it never came in */
                amqp_link_refuse(link, "amqp:unauthorized-access",
                                 "No token that was put on this connection allows '%s'.", link->text);
                return;
        }
        if (node->open)
                node->open(link);
        if (link->node)
                attach(link);
}

void amqp_link_check_right(AmqpLink *link)
{
        if (link->node && !has_right(link))
                amqp_link_refuse(link, "amqp:unauthorized-access", "The token for '%s' has expired.", link->text);
}

/* ---- messages that come ---- */

void amqp_delivery_accept(pn_delivery_t *delivery)
{
        pn_delivery_update(delivery, PN_ACCEPTED);
        pn_delivery_settle(delivery);
}

void amqp_delivery_reject(pn_delivery_t *delivery, const char *name, const char *fmt, ...)
{
        va_list arguments;

        va_start(arguments, fmt);
        say(pn_disposition_condition(pn_delivery_local(delivery)), name, fmt, arguments);
        va_end(arguments);
        pn_delivery_update(delivery, PN_REJECTED);
        pn_delivery_settle(delivery);
}

/* With the number of the error, as a hub has it. */
void amqp_delivery_fail(pn_delivery_t *delivery, ServiceError error, const char *fmt, ...)
{
        static const char key[] = "com.microsoft:error-code";
        pn_condition_t *condition = pn_disposition_condition(pn_delivery_local(delivery));
        pn_data_t *info = pn_condition_info(condition);
        va_list arguments;

        va_start(arguments, fmt);
        say(condition, service_error_condition(error), fmt, arguments);
        va_end(arguments);
        (void)pn_data_put_map(info);
        (void)pn_data_enter(info);
        (void)pn_data_put_symbol(info, pn_bytes(strlen(key), key));
        (void)pn_data_put_int(info, (int32_t)service_error_number(error));
        (void)pn_data_exit(info);
        pn_delivery_update(delivery, PN_REJECTED);
        pn_delivery_settle(delivery);
}

static void take_whole(AmqpLink *link, pn_delivery_t *delivery)
{
        size_t size = pn_delivery_pending(delivery);
        _cleanup_(buffer_done) Buffer bytes = BUFFER_NULL;
        pn_message_t *message = pn_message();
        bool whole = buffer_extend(&bytes, size + 1) && message;

        if (whole && size > 0)
                whole = pn_link_recv(link->pn, bytes.data, size) == (ssize_t)size;
        (void)pn_link_advance(link->pn);
        if (!whole)
                amqp_delivery_reject(delivery, "amqp:internal-error", "no memory");
        else if (pn_message_decode(message, bytes.data, size) != 0)
                amqp_delivery_reject(delivery, "amqp:decode-error", "This is no AMQP message.");
        else
                link->node->take(link, delivery, message);
        pn_message_free(message);
        if (link->node)
                pn_link_flow(link->pn, MAX((int)link->node->credit - pn_link_credit(link->pn), 0));
}

/* What is read makes room in the session's window. Of a delivery that is settled before it is whole, Proton would keep
 * what still comes, and never hand it out: the window would stay as small. */
static void discard(AmqpLink *link, pn_delivery_t *delivery)
{
        char nowhere[4096];

        while (pn_link_recv(link->pn, nowhere, sizeof(nowhere)) > 0)
                ;
        if (pn_delivery_partial(delivery))
                return;
        (void)pn_link_advance(link->pn);
        pn_delivery_settle(delivery);
}

/* Its link is detached when it has come to its end: for one that is detached already Proton would widen the window by
 * a frame that breaks the rules. */
static void on_too_large(AmqpLink *link, pn_delivery_t *delivery)
{
        link->too_large = pn_delivery_partial(delivery);
        if (!link->too_large)
                amqp_link_refuse(link, "amqp:link:message-size-exceeded", "A message is larger than %zu bytes.",
                                 link->node->largest);
        discard(link, delivery);
}

static void on_incoming(AmqpLink *link, pn_delivery_t *delivery)
{
        if (pn_delivery_aborted(delivery)) {
                link->too_large = false;
                pn_delivery_settle(delivery);
        } else if (!link->node) {
                discard(link, delivery);
        } else if (link->too_large || pn_delivery_pending(delivery) > link->node->largest) {
                on_too_large(link, delivery);
        } else if (!pn_delivery_partial(delivery)) {
                take_whole(link, delivery);
        }
}

/* Its peer is through with it: settled, or, where nobody asks for more, given an outcome. */
static void on_outgoing(AmqpLink *link, pn_delivery_t *delivery)
{
        link->rests = false;
        if (link->node && link->node->outcome)
                link->node->outcome(link, delivery);
        else if (pn_delivery_settled(delivery) || pn_delivery_remote_state(delivery) != 0)
                pn_delivery_settle(delivery);
}

void amqp_link_on_delivery(AmqpLink *link, pn_delivery_t *delivery)
{
        if (pn_link_is_receiver(link->pn)) {
                if (pn_delivery_readable(delivery) && delivery == pn_link_current(link->pn))
                        on_incoming(link, delivery);
                else if (pn_delivery_settled(delivery))
                        pn_delivery_settle(delivery);
        } else if (pn_delivery_updated(delivery)) {
                on_outgoing(link, delivery);
        }
}

/* ---- messages that go ---- */

bool amqp_link_has_room(const AmqpLink *link)
{
        return pn_link_credit(link->pn) > 0 && pn_link_unsettled(link->pn) < UNSETTLED_MAX &&
               pn_session_outgoing_bytes(pn_link_session(link->pn)) < OUTGOING_HIGH;
}

bool amqp_link_work(AmqpLink *link)
{
        bool any = false;

        for (int i = 0; i < ROUNDS_AT_ONCE; i++) {
                if (!link->node || !link->node->give || link->rests || !amqp_link_has_room(link))
                        break;
                if (link->node->give(link))
                        any = true;
                else
                        link->rests = true;
        }
        if (link->node && link->rests && pn_link_get_drain(link->pn) && pn_link_credit(link->pn) > 0)
                any |= pn_link_drained(link->pn) > 0;
        return any;
}

static int encode(pn_message_t *message, Buffer *ret)
{
        size_t room = 1024, size;
        int r = PN_OVERFLOW;

        while (r == PN_OVERFLOW && room <= ENCODED_MAX) {
                buffer_clear(ret);
                size = room;
                if (!buffer_extend(ret, size))
                        return -ENOMEM;
                r = pn_message_encode(message, ret->data, &size);
                room *= 4;
        }
        if (r != 0)
                return r == PN_OUT_OF_MEMORY ? -ENOMEM : -EBADMSG;
        buffer_truncate(ret, size);
        return 0;
}

int amqp_link_send(AmqpLink *link, pn_message_t *message, const void *tag, size_t tag_size, bool settled,
                   pn_delivery_t **ret)
{
        _cleanup_(buffer_done) Buffer bytes = BUFFER_NULL;
        pn_delivery_t *delivery;
        int r = encode(message, &bytes);

        if (r < 0)
                return r;
        delivery = pn_delivery(link->pn, pn_dtag(tag, tag_size));
        if (!delivery || pn_link_send(link->pn, bytes.data, bytes.size) != (ssize_t)bytes.size)
                return -ENOMEM;
        (void)pn_link_advance(link->pn);
        if (settled)
                pn_delivery_settle(delivery);
        else if (ret)
                *ret = delivery;
        return 0;
}
