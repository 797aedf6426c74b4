/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Nodes - what there is to attach to, one file each
 */

#include "devhub/amqp/link.h"

extern const AmqpNode node_cbs_in, node_cbs_out;
extern const AmqpNode node_management_in, node_management_out;
extern const AmqpNode node_events;
extern const AmqpNode node_devicebound;
extern const AmqpNode node_feedback;
extern const AmqpNode node_redirect;

const AmqpNode *node_at(AddressKind address, bool sends); /* NULL: there is none */
