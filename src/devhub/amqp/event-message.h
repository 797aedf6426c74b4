/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event message - an event as the Event Hubs-compatible endpoint delivers it
 *
 * The topic's system properties become AMQP properties, annotations or application properties, each in its place and
 * of its type (protocol reference 2.3 and 9.4); the hub's own knowledge of the sender becomes annotations; what is
 * left is the application's, as text.
 */

#include <proton/message.h>

#include "devhub/hub/event-row.h"

/* Fills a cleared message. Negative: no memory, or it is no event. */
int event_message_fill(pn_message_t *message, const EventRow *row, int64_t number);
