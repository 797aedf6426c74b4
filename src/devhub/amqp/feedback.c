/* SPDX-License-Identifier: Apache-2.0 */

/*
 * /messages/servicebound/feedback - what became of the messages to devices (protocol reference 9.3)
 *
 * A batch is under a lock while a receiver has it; the lock is the delivery's tag, 16 bytes, of which one SDK makes a
 * GUID (trap 42). The receiver's outcome says what becomes of the batch and is settled by us, also for those who
 * settle second. What a receiver leaves behind when it goes is free again at once.
 */

#include <errno.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/disposition.h>
#include <string.h>

#include "base/log.h"
#include "devhub/amqp/nodes.h"
#include "devhub/hub/access.h"

/* ---- giving ---- */

static int fill(pn_message_t *message, const AmqpHouse *house, const FeedbackBatch *batch)
{
        static const char enqueued[] = "iothub-enqueuedtime";
        pn_data_t *annotations = pn_message_annotations(message);

        (void)pn_data_put_map(annotations);
        (void)pn_data_enter(annotations);
        (void)pn_data_put_symbol(annotations, pn_bytes(strlen(enqueued), enqueued));
        (void)pn_data_put_timestamp(annotations, (int64_t)(batch->enqueued_usec / USEC_PER_MSEC));
        (void)pn_data_exit(annotations);
        (void)pn_message_set_user_id(message, pn_bytes(strlen(house->name), house->name));
        (void)pn_message_set_content_type(message, FEEDBACK_CONTENT_TYPE);
        (void)pn_message_set_content_encoding(message, "utf-8");
        (void)pn_message_set_delivery_count(message, batch->delivery_count);
        (void)pn_message_set_inferred(message, true);
        return pn_data_put_binary(pn_message_body(message), pn_bytes(batch->body_size, batch->body));
}

static int send_batch(AmqpLink *link, const FeedbackBatch *batch)
{
        const Hub *hub = link->house->hub;
        bool settled = pn_link_remote_snd_settle_mode(link->pn) == PN_SND_SETTLED;
        pn_message_t *message = pn_message();
        int r = message ? fill(message, link->house, batch) : -ENOMEM;

        if (r >= 0)
                r = amqp_link_send(link, message, batch->tag, sizeof(batch->tag), settled, NULL);
        if (r >= 0 && settled) /* nothing will be heard of it */
                r = feedback_complete(hub->feedback, batch->tag);
        pn_message_free(message);
        return r < 0 ? r : 0;
}

static bool on_give(AmqpLink *link)
{
        const Hub *hub = link->house->hub;
        _cleanup_(feedback_batch_done) FeedbackBatch batch = {};
        int r = feedback_take(hub->feedback, &batch);

        if (r == FEEDBACK_E_EMPTY)
                return false;
        if (r >= 0)
                r = hub_commit(hub);
        if (r >= 0)
                r = send_batch(link, &batch);
        if (r < 0)
                log_warning("AMQP: feedback cannot be given: %s", strerror(-r));
        return r >= 0;
}

/* ---- what the receiver makes of it ---- */

static int settle_batch(Feedback *feedback, uint64_t outcome, const uint8_t *tag)
{
        switch (outcome) {
        case PN_ACCEPTED:
                return feedback_complete(feedback, tag);
        case PN_REJECTED:
                return feedback_reject(feedback, tag);
        case PN_MODIFIED:
                return feedback_abandon(feedback, tag);
        default: /* released, or settled without a word */
                return feedback_release(feedback, tag);
        }
}

static const uint8_t *tag_of(pn_delivery_t *delivery)
{
        pn_delivery_tag_t tag = pn_delivery_tag(delivery);

        return tag.size == FEEDBACK_TAG_SIZE ? (const uint8_t *)tag.start : NULL;
}

static void on_outcome(AmqpLink *link, pn_delivery_t *delivery)
{
        static const char lost[] = "com.microsoft:message-lock-lost";
        const Hub *hub = link->house->hub;
        uint64_t outcome = pn_delivery_remote_state(delivery);
        const uint8_t *tag = tag_of(delivery);
        int r;

        if (!tag || (outcome == 0 && !pn_delivery_settled(delivery)) || outcome == PN_RECEIVED)
                return;
        r = settle_batch(hub->feedback, outcome, tag);
        if (r == 0)
                r = hub_commit(hub);
        if (r != 0) {
                pn_condition_t *condition = pn_disposition_condition(pn_delivery_local(delivery));

                (void)pn_condition_set_name(condition, r > 0 ? lost : "amqp:internal-error");
                outcome = PN_REJECTED;
        }
        pn_delivery_update(delivery, outcome ? outcome : PN_RELEASED);
        pn_delivery_settle(delivery);
}

/* Nobody will ever say a word about these. */
static void on_gone(AmqpLink *link)
{
        const Hub *hub = link->house->hub;
        unsigned n = 0;

        for (pn_delivery_t *d = pn_unsettled_head(link->pn); d; d = pn_unsettled_next(d)) {
                const uint8_t *tag = tag_of(d);

                if (tag && feedback_release(hub->feedback, tag) >= 0)
                        n++;
        }
        if (n > 0)
                (void)hub_commit(hub);
}

const AmqpNode node_feedback = {
        .address = ADDRESS_FEEDBACK,
        .sends = true,
        .right = RIGHT_SERVICE_CONNECT,
        .give = on_give,
        .outcome = on_outcome,
        .gone = on_gone,
};
