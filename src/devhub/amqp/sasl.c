/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/sasl.h"

#include <proton/sasl.h>
#include <proton/sasl_plugin.h>
#include <string.h>

#include "base/secret.h"

#define MECHANISMS "MSSBCBS PLAIN ANONYMOUS EXTERNAL"

static const SaslDesk *desk_of(pn_transport_t *transport)
{
        return pnx_sasl_get_context(transport);
}

static void answer(pn_transport_t *transport, const char *user)
{
        if (user)
                pnx_sasl_set_succeeded(transport, user, NULL);
        else
                pnx_sasl_set_failed(transport);
        pnx_sasl_set_desired_state(transport, SASL_POSTED_OUTCOME);
}

/* [authorization] NUL user NUL password; whom to act for is not asked. */
static void judge_plain(pn_transport_t *transport, pn_bytes_t message)
{
        _cleanup_(secret_buffer_done) Buffer copy = BUFFER_NULL;
        const SaslDesk *desk = desk_of(transport);
        const char *user = NULL, *password = NULL;

        if (message.size == 0 || !buffer_extend(&copy, message.size))
                return answer(transport, NULL);
        memcpy(copy.data, message.start, message.size);
        copy.data[message.size] = 0;
        user = memchr(copy.data, 0, copy.size);
        if (user)
                password = memchr(user + 1, 0, copy.size - (size_t)(user + 1 - copy.data));
        if (!password || strlen(password + 1) != copy.size - (size_t)(password + 1 - copy.data))
                return answer(transport, NULL);
        answer(transport, desk->plain(desk->userdata, user + 1, password + 1) ? user + 1 : NULL);
}

/* ---- what Proton asks ---- */

static const char *list_mechanisms(pn_transport_t *transport)
{
        return MECHANISMS;
}

static bool init_server(pn_transport_t *transport)
{
        pnx_sasl_set_desired_state(transport, SASL_POSTED_MECHANISMS);
        return true;
}

static bool init_client(pn_transport_t *transport)
{
        return false;
}

/* mechanism: NULL, where a client has named none */
static void process_init(pn_transport_t *transport, const char *mechanism, const pn_bytes_t *received)
{
        if (!mechanism)
                answer(transport, NULL);
        else if (strcmp(mechanism, "PLAIN") == 0)
                judge_plain(transport, *received);
        else if (strcmp(mechanism, "MSSBCBS") == 0 || strcmp(mechanism, "ANONYMOUS") == 0 ||
                 strcmp(mechanism, "EXTERNAL") == 0)
                answer(transport, "anonymous");
        else
                answer(transport, NULL);
}

/* No mechanism of ours has a second step. */
static void process_response(pn_transport_t *transport, const pn_bytes_t *received)
{
        answer(transport, NULL);
}

static void nothing(pn_transport_t *transport)
{
}

static bool process_mechanisms(pn_transport_t *transport, const char *mechanisms)
{
        return false;
}

static void process_bytes(pn_transport_t *transport, const pn_bytes_t *received)
{
}

static bool can_encrypt(pn_transport_t *transport)
{
        return false;
}

static ssize_t max_encrypt_size(pn_transport_t *transport)
{
        return 0;
}

static ssize_t pass(pn_transport_t *transport, pn_bytes_t in, pn_bytes_t *out)
{
        return 0;
}

static const pnx_sasl_implementation implementation = {
        .free = nothing,
        .list_mechanisms = list_mechanisms,
        .init_server = init_server,
        .init_client = init_client,
        .prepare_write = nothing,
        .process_init = process_init,
        .process_response = process_response,
        .process_mechanisms = process_mechanisms,
        .process_challenge = process_bytes,
        .process_outcome = process_bytes,
        .can_encrypt = can_encrypt,
        .max_encrypt_size = max_encrypt_size,
        .encode = pass,
        .decode = pass,
};

void sasl_serve(pn_transport_t *transport, const SaslDesk *desk)
{
        (void)pn_sasl(transport);
        pnx_sasl_set_implementation(transport, &implementation, (void *)desk);
}
