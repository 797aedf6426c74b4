/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/nodes.h"

static const AmqpNode *const nodes[] = {
        &node_cbs_in,
        &node_cbs_out,
        &node_management_in,
        &node_management_out,
        &node_events,
        &node_devicebound,
        &node_feedback,
        &node_redirect,
};

const AmqpNode *node_at(AddressKind address, bool sends)
{
        for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
                if (nodes[i]->address == address && nodes[i]->sends == sends)
                        return nodes[i];
        return NULL;
}
