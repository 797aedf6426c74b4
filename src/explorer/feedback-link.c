/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/feedback-link.h"

#include <errno.h>
#include <proton/session.h>

/* Batches held or under way at once. */
#define CREDIT       50
#define ADDRESS      "/messages/serviceBound/feedback"

static void give_back(pn_delivery_t *d)
{
        pn_delivery_update(d, PN_RELEASED);
        pn_delivery_settle(d);
}

static void on_message(void *userdata, AmqpLink *link, pn_message_t *message, pn_delivery_t *delivery)
{
        FeedbackLink *l = userdata;
        pn_data_t *body = pn_message_body(message);
        pn_bytes_t bytes = pn_bytes(0, "");
        Feedback batch;
        int r;

        pn_data_rewind(body);
        if (pn_data_next(body) && (pn_data_type(body) == PN_BINARY || pn_data_type(body) == PN_STRING))
                bytes = pn_data_get_bytes(body);
        r = feedback_parse(bytes.start, bytes.size, &batch);
        if (r < 0) {
                give_back(delivery);
                (void)amqp_fault_set(amqp_fault(link->amqp), r == -ENOMEM ? AMQP_FAULT_LOCAL : AMQP_FAULT_PROTOCOL,
                                     "%s", r == -ENOMEM ? "out of memory" : "the hub has sent feedback that is none");
                return;
        }
        if (l->batch(l->userdata, &batch) == FEEDBACK_TAKE) {
                pn_delivery_update(delivery, PN_ACCEPTED);
                pn_delivery_settle(delivery);
                pn_link_flow(link->link, 1);
        }
        feedback_done(&batch);
}

int feedback_link_open(FeedbackLink *l, Amqp *amqp, FeedbackVerdict (*batch)(void *userdata, const Feedback *batch),
                       void *userdata, usec_t until)
{
        pn_session_t *session = pn_session(amqp_connection(amqp));

        *l = (FeedbackLink){.batch = batch, .userdata = userdata};
        if (!session)
                return amqp_fault_set(amqp_fault(amqp), AMQP_FAULT_LOCAL, "out of memory");
        pn_session_open(session);
        if (amqp_link_init_receiver(&l->link, amqp, session, NULL, ADDRESS, on_message, l) < 0)
                return -ECONNABORTED;
        (void)pn_terminus_set_address(pn_link_source(l->link.link), ADDRESS);
        if (amqp_link_attach(&l->link, until) >= 0) {
                pn_link_flow(l->link.link, CREDIT);
                return 0;
        }
        if (amqp_fault(amqp)->kind == AMQP_FAULT_NONE)
                *amqp_fault(amqp) = l->link.fault;
        return -ECONNABORTED;
}

void feedback_link_close(FeedbackLink *l)
{
        pn_delivery_t *d = l->link.link ? pn_unsettled_head(l->link.link) : NULL;

        while (d) {
                pn_delivery_t *next = pn_unsettled_next(d);

                give_back(d);
                d = next;
        }
        amqp_link_done(&l->link);
}
