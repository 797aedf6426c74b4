/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reply - the answer to a request that came by a link, as $cbs and $management give it
 *
 * It goes by the link that receives from the same node and whose target is the request's reply-to; failing that, by
 * one of that name; failing that, by any: clients write all three (protocol reference 9.2).
 */

#include "devhub/amqp/link.h"

/* What a receiver of ours that gives replies keeps: nothing. Its node is this, with its own address and right. */
bool reply_give(AmqpLink *link);

/* body: fills the message's body, or NULL. The request is accepted. */
void reply(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request, int status, const char *description,
           void (*body)(pn_data_t *data, const void *userdata), const void *userdata);

/* An application property of the request as text; NULL: there is none, or it is no text. The caller frees it. */
char *request_text(pn_message_t *request, const char *name);
