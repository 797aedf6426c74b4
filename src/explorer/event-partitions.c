/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-partitions.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "explorer/amqp-data.h"

static void put_text(pn_data_t *data, const char *key, const char *value)
{
        (void)pn_data_put_string(data, pn_bytes(strlen(key), key));
        (void)pn_data_put_string(data, pn_bytes(strlen(value), value));
}

static int say(AmqpPeer *peer, AmqpFaultKind kind, const char *what)
{
        Amqp *amqp = amqp_peer_amqp(peer);

        return amqp_fault_set(amqp_fault(amqp), kind, "%s %s", amqp_host(amqp), what);
}

static int judge(AmqpPeer *peer, const AmqpReply *reply)
{
        AmqpFault *fault = amqp_fault(amqp_peer_amqp(peer));
        const char *text = reply->description && *reply->description ? reply->description : "it gives no reason";

        if (reply->status >= 200 && reply->status < 300)
                return 0;
        if (reply->status == 401 || reply->status == 403)
                return amqp_fault_set_named(fault, "amqp:unauthorized-access", text);
        if (reply->status == 404)
                return amqp_fault_set_named(fault, "amqp:not-found", text);
        return amqp_fault_set(fault, reply->status >= 500 ? AMQP_FAULT_BUSY : AMQP_FAULT_REFUSED,
                              "$management answers with status %d: %s", (int)reply->status, text);
}

/* partition NULL: of the entity. */
static int read_entity(AmqpPeer *peer, AmqpRequest *management, const char *entity, const char *partition,
                       usec_t until, AmqpReply *ret)
{
        _cleanup_(secret_buffer_done) Buffer token = BUFFER_NULL;
        pn_message_t *message = pn_message();
        pn_data_t *properties;
        int r;

        if (!message || amqp_peer_token(peer, &token) < 0) {
                pn_message_free(message);
                return say(peer, AMQP_FAULT_LOCAL, "cannot be asked: no memory is left");
        }
        properties = pn_message_properties(message);
        (void)pn_data_put_map(properties);
        (void)pn_data_enter(properties);
        put_text(properties, "operation", "READ");
        put_text(properties, "name", entity);
        put_text(properties, "type", partition ? "com.microsoft:partition" : "com.microsoft:eventhub");
        if (partition)
                put_text(properties, "partition", partition);
        put_text(properties, "security_token", token.data);
        (void)pn_data_exit(properties);
        (void)pn_data_put_binary(pn_message_body(message), pn_bytes(2, "[]"));
        (void)pn_message_set_inferred(message, true);
        r = amqp_request_ask(management, message, until, ret);
        pn_message_free(message);
        return r < 0 ? r : judge(peer, ret);
}

/* ---- the partitions ---- */

/* An array or a list of strings, at which data stands (trap 45). */
static int take_ids(pn_data_t *data, char **ids, size_t *n)
{
        if ((pn_data_type(data) != PN_ARRAY && pn_data_type(data) != PN_LIST) || !pn_data_enter(data))
                return -EBADMSG;
        for (*n = 0; pn_data_next(data) && *n < EVENT_PARTITIONS_MAX; (*n)++) {
                ids[*n] = amqp_data_text(data);
                if (!ids[*n])
                        return -EBADMSG;
        }
        return *n > 0 ? 0 : -EBADMSG;
}

int event_partitions_list(AmqpPeer *peer, AmqpRequest *management, const char *entity, usec_t until, char ***ret_ids,
                          size_t *ret_n)
{
        AmqpReply reply;
        pn_data_t *body;
        char **ids;
        size_t n = 0;
        int r = read_entity(peer, management, entity, NULL, until, &reply);

        if (r < 0)
                return r;
        ids = calloc(EVENT_PARTITIONS_MAX, sizeof(*ids));
        if (!ids)
                return say(peer, AMQP_FAULT_LOCAL, "has too many partitions for our memory");
        body = pn_message_body(reply.message);
        r = amqp_data_find(body, "partition_ids") ? take_ids(body, ids, &n) : -EBADMSG;
        if (r < 0) {
                for (size_t i = 0; i < n; i++)
                        free(ids[i]);
                free(ids);
                return say(peer, AMQP_FAULT_PROTOCOL, "does not tell its partitions");
        }
        *ret_ids = ids;
        *ret_n = n;
        return 0;
}

/* ---- one of them ---- */

int event_partitions_last(AmqpPeer *peer, AmqpRequest *management, const char *entity, const char *partition,
                          usec_t until, char **ret_offset)
{
        AmqpReply reply;
        pn_data_t *body;
        int64_t sequence = 0;
        int r = read_entity(peer, management, entity, partition, until, &reply);

        if (r < 0)
                return r;
        body = pn_message_body(reply.message);
        if (amqp_data_find(body, "last_enqueued_sequence_number"))
                (void)amqp_data_integer(body, &sequence);
        if (!amqp_data_find(body, "last_enqueued_offset"))
                return say(peer, AMQP_FAULT_PROTOCOL, "does not tell where its partitions end");
        *ret_offset = sequence < 0 ? strdup("") : amqp_data_text(body);
        return *ret_offset ? 0 : say(peer, AMQP_FAULT_LOCAL, "tells an end that cannot be read");
}
