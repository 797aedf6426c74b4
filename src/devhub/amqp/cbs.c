/* SPDX-License-Identifier: Apache-2.0 */

/*
 * $cbs - where a service puts its tokens (protocol reference 9.2)
 *
 * The name that a request gives has many forms (trap 41) and only has to be of this host: the rights come from the
 * token itself.
 */

#include <proton/codec.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "devhub/amqp/nodes.h"
#include "devhub/amqp/reply.h"

#define TYPE   "servicebus.windows.net:sastoken"
#define CREDIT 100

/* The body is one value, a string; the message that holds it is wiped nowhere: Proton owns it. */
static char *token_of(pn_message_t *request)
{
        pn_data_t *body = pn_message_body(request);
        pn_bytes_t text;

        pn_data_rewind(body);
        if (!pn_data_next(body) || pn_data_type(body) != PN_STRING)
                return NULL;
        text = pn_data_get_string(body);
        return text.size > 0 && !memchr(text.start, 0, text.size) ? strndup(text.start, text.size) : NULL;
}

static bool is(const char *text, const char *expected)
{
        return text && strcmp(text, expected) == 0;
}

static void put_token(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request)
{
        _cleanup_(secret_freep) char *token = token_of(request);
        const char *reason = "there is no token in the body";
        int r = token ? grants_put(link->grants, link->house, token, &reason) : GRANTS_E_REFUSED;

        if (r == 0) {
                reply(link, delivery, request, 200, "OK", NULL, NULL);
                return;
        }
        log_notice("%s: AMQP: put-token refused: %s", link->grants->peer, r < 0 ? strerror(-r) : reason);
        if (r < 0)
                reply(link, delivery, request, 500, "InternalServerError", NULL, NULL);
        else
                reply(link, delivery, request, 401, "Unauthorized", NULL, NULL);
}

static void on_request(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request)
{
        _cleanup_free_ char *operation = request_text(request, "operation"), *type = request_text(request, "type"),
                            *name = request_text(request, "name");

        if (!is(operation, "put-token"))
                reply(link, delivery, request, 400, "The operation is not put-token.", NULL, NULL);
        else if (!is(type, TYPE))
                reply(link, delivery, request, 400, "The type is not " TYPE ".", NULL, NULL);
        else if (!name || !amqp_house_is_ours(link->house, address_host(name)))
                reply(link, delivery, request, 401, "The name is not one of this hub.", NULL, NULL);
        else
                put_token(link, delivery, request);
}

const AmqpNode node_cbs_in = {
        .address = ADDRESS_CBS,
        .credit = CREDIT,
        .largest = REQUEST_SIZE_MAX,
        .take = on_request,
};
const AmqpNode node_cbs_out = {.address = ADDRESS_CBS, .sends = true, .give = reply_give};
