/* SPDX-License-Identifier: Apache-2.0 */

/*
 * /messages/events - where clients of the hub ask for its events and are sent on (protocol reference 9.5)
 *
 * The hub has none: its Event Hubs-compatible endpoint has them, which here is the same host. Clients take the entity
 * out of the new address with expressions of their own: the port is written, and what followed messages/events stays.
 */

#include <proton/codec.h>
#include <proton/condition.h>
#include <string.h>

#include "devhub/amqp/nodes.h"
#include "devhub/hub/access.h"

static void put(pn_data_t *info, const char *key, const char *value)
{
        (void)pn_data_put_symbol(info, pn_bytes(strlen(key), key));
        (void)pn_data_put_string(info, pn_bytes(strlen(value), value));
}

static void on_open(AmqpLink *link)
{
        const AmqpHouse *house = link->house;
        pn_data_t *info = pn_condition_info(pn_link_condition(link->pn));
        _cleanup_(buffer_done) Buffer address = BUFFER_NULL;

        buffer_printf(&address, "amqps://%s:%u/%s/%.*s", house->hub->host, house->tls_port, house->name,
                      (int)link->address.rest.size, link->address.rest.data);
        if (buffer_error(&address)) {
                amqp_link_refuse(link, "amqp:internal-error", "no memory");
                return;
        }
        (void)pn_data_put_map(info);
        (void)pn_data_enter(info);
        put(info, "hostname", house->hub->host);
        put(info, "network-host", house->hub->host);
        (void)pn_data_put_symbol(info, pn_bytes(4, "port"));
        (void)pn_data_put_int(info, house->tls_port);
        put(info, "address", address.data);
        (void)pn_data_exit(info);
        amqp_link_refuse(link, "amqp:link:redirect", "The events are at %s.", address.data);
}

const AmqpNode node_redirect = {
        .address = ADDRESS_HUB_EVENTS,
        .sends = true,
        .right = RIGHT_SERVICE_CONNECT,
        .open = on_open,
};
