/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-link.h"

#include <errno.h>
#include <inttypes.h>
#include <proton/session.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "explorer/amqp-data.h"

/* More than the hub ever sends; a peer that goes on beyond it is cut off. */
#define MESSAGE_MAX (4u * 1024 * 1024)
#define TAG_SIZE    8

/* ---- the peer's part ---- */

/* Whoever refuses attaches without the terminus that was asked for, and detaches with the reason. */
static bool is_granted(pn_link_t *link)
{
        pn_terminus_t *t = pn_link_is_sender(link) ? pn_link_remote_target(link) : pn_link_remote_source(link);

        return pn_terminus_get_type(t) != PN_UNSPECIFIED;
}

static void keep_redirect(AmqpLink *l, pn_condition_t *condition)
{
        static const char *const keys[] = {"address", "hostname", "network-host"};
        pn_data_t *info = pn_condition_info(condition);
        int64_t port;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (!l->redirect[i] && amqp_data_find(info, keys[i]))
                        l->redirect[i] = amqp_data_text(info);
        if (amqp_data_find(info, "port") && amqp_data_integer(info, &port) && port > 0 && port <= UINT16_MAX)
                l->redirect_port = (uint16_t)port;
}

static void on_closed(AmqpLink *l)
{
        pn_condition_t *condition = pn_link_remote_condition(l->link);

        l->closed = l->answered = l->has_credit = l->judged = true;
        if (pn_condition_is_set(condition))
                (void)amqp_fault_set_condition(&l->fault, condition);
        else
                (void)amqp_fault_set(&l->fault, AMQP_FAULT_NETWORK, "%s has ended the link %s", amqp_host(l->amqp),
                                     l->what);
        if (strcmp(l->fault.condition, "amqp:link:redirect") == 0)
                keep_redirect(l, condition);
        pn_link_close(l->link);
}

static void on_message(AmqpLink *l, pn_delivery_t *d)
{
        size_t n = pn_delivery_pending(d), have = l->bytes.size;
        char *room = NULL;

        if (have + n > MESSAGE_MAX) {
                (void)amqp_fault_set(amqp_fault(l->amqp), AMQP_FAULT_PROTOCOL, "%s sends a message without an end",
                                     amqp_host(l->amqp));
                return;
        }
        if (n > 0)
                room = buffer_extend(&l->bytes, n);
        if (room && pn_link_recv(l->link, room, n) < 0)
                buffer_truncate(&l->bytes, have);
        if (pn_delivery_aborted(d)) {
                pn_delivery_settle(d);
                buffer_clear(&l->bytes);
                return;
        }
        if (pn_delivery_partial(d))
                return;
        pn_link_advance(l->link);
        if (buffer_error(&l->bytes) || l->bytes.size == 0 ||
            pn_message_decode(l->message, l->bytes.data, l->bytes.size) != 0) {
                (void)amqp_fault_set(amqp_fault(l->amqp), AMQP_FAULT_PROTOCOL,
                                     "%s has sent what is no AMQP message on %s", amqp_host(l->amqp), l->what);
                return;
        }
        l->sink(l->userdata, l, l->message, d);
        buffer_clear(&l->bytes);
}

static void on_verdict(AmqpLink *l, pn_delivery_t *d)
{
        static const struct {
                uint64_t verdict;
                const char *word;
        } words[] = {{PN_RELEASED, "released"}, {PN_MODIFIED, "sent back"}, {PN_REJECTED, "rejected"}};
        pn_condition_t *condition;

        if (!pn_delivery_remote_state(d) && !pn_delivery_settled(d))
                return;
        l->verdict = pn_delivery_remote_state(d);
        l->judged = true;
        condition = pn_disposition_condition(pn_delivery_remote(d));
        if (l->verdict == PN_REJECTED && pn_condition_is_set(condition))
                (void)amqp_fault_set_condition(&l->fault, condition);
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (l->verdict == words[i].verdict)
                        (void)amqp_fault_set(&l->fault, AMQP_FAULT_REFUSED, "the message was %s without a reason",
                                             words[i].word);
        pn_delivery_settle(d);
}

static void on_event(AmqpHearer *hearer, pn_event_t *event)
{
        AmqpLink *l = (AmqpLink *)hearer;
        pn_link_t *link = l->link;

        switch (pn_event_type(event)) {
        case PN_LINK_REMOTE_OPEN:
                l->answered = l->answered || is_granted(link);
                break;
        case PN_LINK_REMOTE_CLOSE:
        case PN_LINK_REMOTE_DETACH:
                on_closed(l);
                break;
        case PN_LINK_FLOW:
                l->has_credit = l->has_credit || pn_link_credit(link) > 0;
                break;
        case PN_DELIVERY:
                if (pn_link_is_sender(link))
                        on_verdict(l, pn_event_delivery(event));
                else if (pn_link_current(link) == pn_event_delivery(event))
                        on_message(l, pn_event_delivery(event));
                break;
        default:
                break;
        }
}

/* ---- life ---- */

static int init(AmqpLink *l, Amqp *a, pn_session_t *s, const char *name, const char *what, bool sends)
{
        char made_up[32];

        *l = (AmqpLink){.hearer = {on_event}, .amqp = a, .what = what};
        (void)snprintf(made_up, sizeof(made_up), "hl-%016" PRIx64, random_system.draw(random_system.userdata));
        l->link = sends ? pn_sender(s, name ? name : made_up) : pn_receiver(s, name ? name : made_up);
        l->message = pn_message();
        if (!l->link || !l->message)
                return amqp_fault_set(amqp_fault(a), AMQP_FAULT_LOCAL, "out of memory");
        pn_link_set_context(l->link, &l->hearer);
        return 0;
}

int amqp_link_init_sender(AmqpLink *l, Amqp *a, pn_session_t *s, const char *name, const char *what)
{
        return init(l, a, s, name, what, true);
}

int amqp_link_init_receiver(AmqpLink *l, Amqp *a, pn_session_t *s, const char *name, const char *what,
                            AmqpMessageSink sink, void *userdata)
{
        int r = init(l, a, s, name, what, false);

        l->sink = sink;
        l->userdata = userdata;
        return r;
}

void amqp_link_done(AmqpLink *l)
{
        if (l->link)
                pn_link_set_context(l->link, NULL);
        pn_message_free(l->message);
        buffer_done(&l->bytes);
        for (size_t i = 0; i < ARRAY_SIZE(l->redirect); i++)
                free(l->redirect[i]);
        *l = (AmqpLink){};
}

/* ---- our part ---- */

static int outcome(const AmqpLink *l, int r)
{
        return r < 0 || l->fault.kind != AMQP_FAULT_NONE ? -ECONNABORTED : 0;
}

int amqp_link_attach(AmqpLink *l, usec_t until)
{
        pn_link_open(l->link);
        return outcome(l, amqp_wait(l->amqp, &l->answered, until, l->what));
}

static int encode(AmqpLink *l, pn_message_t *message)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        size_t size = 512;
        int r;

        do {
                char *room;

                buffer_clear(&b);
                size *= 2;
                room = buffer_extend(&b, size);
                if (!room)
                        return amqp_fault_set(amqp_fault(l->amqp), AMQP_FAULT_LOCAL, "out of memory");
                r = pn_message_encode(message, room, &size);
        } while (r == PN_OVERFLOW && size < MESSAGE_MAX);
        if (r != 0 || pn_link_send(l->link, b.data, size) != (ssize_t)size)
                return amqp_fault_set(amqp_fault(l->amqp), AMQP_FAULT_LOCAL, "the message cannot be written as AMQP");
        (void)pn_link_advance(l->link);
        return 0;
}

int amqp_link_send(AmqpLink *l, pn_message_t *message, usec_t until)
{
        char tag[TAG_SIZE];
        uint64_t number = random_system.draw(random_system.userdata);
        int r;

        l->has_credit = l->has_credit && (l->closed || pn_link_credit(l->link) > 0);
        r = amqp_wait(l->amqp, &l->has_credit, until, "the wish to send");
        if (outcome(l, r) < 0)
                return -ECONNABORTED;
        memcpy(tag, &number, sizeof(tag));
        if (!pn_delivery(l->link, pn_dtag(tag, sizeof(tag))))
                return amqp_fault_set(amqp_fault(l->amqp), AMQP_FAULT_LOCAL, "out of memory");
        l->judged = false;
        r = encode(l, message);
        if (r < 0)
                return r;
        return outcome(l, amqp_wait(l->amqp, &l->judged, until, "a message"));
}
