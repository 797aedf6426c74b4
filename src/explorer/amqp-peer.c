/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "base/base64.h"
#include "base/secret.h"
#include "explorer/amqp-request.h"

#define TOKEN_ROOM   1024
#define RENEWAL_USEC (30 * USEC_PER_SEC)

struct AmqpPeer {
        Amqp *amqp;
        AmqpRequest *cbs;
        AmqpFault *fault;
        const Login *login;
        char *audience; /* what the token is for */
        bool key_is_text;
        usec_t life;
        usec_t renew; /* on the boot clock */
};

AmqpTarget amqp_peer_hub(const Login *login)
{
        return (AmqpTarget){
                .host = login->host, .address = login->address, .port = login->amqps_port, .ca_file = login->ca_file};
}

Amqp *amqp_peer_amqp(AmqpPeer *p)
{
        return p->amqp;
}

/* ---- tokens ---- */

/* The signer decodes its key: a key that is to be used as text is encoded before. */
static int make_token(const AmqpPeer *p, const char *key, Buffer *b)
{
        uint64_t expiry = usec_add(clock_wall(&clock_system), p->life) / USEC_PER_SEC;

        if (!buffer_extend(b, TOKEN_ROOM))
                return -ENOMEM;
        buffer_truncate(b, 0);
        return token_make(b, key, p->audience, p->login->policy, expiry);
}

int amqp_peer_token(const AmqpPeer *p, Buffer *b)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;
        const char *text = p->login->key;

        if (!p->key_is_text)
                return make_token(p, text, b);
        if (!buffer_extend(&key, strlen(text) * 2 + 8))
                return -ENOMEM;
        buffer_truncate(&key, 0);
        base64_encode(&key, text, strlen(text));
        return buffer_error(&key) ? -ENOMEM : make_token(p, key.data, b);
}

static void put_text(pn_data_t *data, const char *key, const char *value)
{
        (void)pn_data_put_string(data, pn_bytes(strlen(key), key));
        (void)pn_data_put_string(data, pn_bytes(strlen(value), value));
}

static void write_put_token(pn_message_t *m, const char *audience, const char *token)
{
        pn_data_t *properties = pn_message_properties(m), *body = pn_message_body(m);

        (void)pn_data_put_map(properties);
        (void)pn_data_enter(properties);
        put_text(properties, "operation", "put-token");
        put_text(properties, "type", "servicebus.windows.net:sastoken");
        put_text(properties, "name", audience);
        (void)pn_data_exit(properties);
        (void)pn_data_put_string(body, pn_bytes(strlen(token), token));
}

static int judge(const AmqpPeer *p, const AmqpReply *reply)
{
        const char *text = reply->description && *reply->description ? reply->description : "it gives no reason";
        char words[AMQP_WORDS_MAX];

        if (reply->status >= 200 && reply->status < 300)
                return 0;
        (void)snprintf(words, sizeof(words), "%s did not take the token: %s", amqp_host(p->amqp), text);
        if (reply->status == 401 || reply->status == 403)
                return amqp_fault_set_named(p->fault, "amqp:unauthorized-access", words);
        if (reply->status == 404)
                return amqp_fault_set_named(p->fault, "amqp:not-found", words);
        if (reply->status == 429 || reply->status >= 500)
                return amqp_fault_set(p->fault, AMQP_FAULT_BUSY, "%s cannot look at a token now: status %d, %s",
                                      amqp_host(p->amqp), (int)reply->status, text);
        return amqp_fault_set(p->fault, AMQP_FAULT_REFUSED, "%s did not take the token: status %d, %s",
                              amqp_host(p->amqp), (int)reply->status, text);
}

static int put_token(AmqpPeer *p, usec_t until)
{
        _cleanup_(secret_buffer_done) Buffer token = BUFFER_NULL;
        pn_message_t *message;
        AmqpReply reply;
        int r = amqp_peer_token(p, &token);

        if (r < 0)
                return amqp_fault_set(p->fault, AMQP_FAULT_LOCAL, "no token can be made with the key of the login: %s",
                                      r == -EINVAL ? "it is not base64" : strerror(-r));
        message = pn_message();
        if (!message)
                return amqp_fault_set(p->fault, AMQP_FAULT_LOCAL, "out of memory");
        write_put_token(message, p->audience, token.data);
        r = amqp_request_ask(p->cbs, message, until, &reply);
        pn_message_free(message);
        if (r >= 0)
                r = judge(p, &reply);
        p->renew = usec_add(clock_boot(&clock_system), p->life / 4 * 3);
        return r;
}

/* ---- life ---- */

static int set_audience(AmqpPeer *p, const char *host, const char *entity)
{
        Buffer b = BUFFER_NULL;

        if (entity)
                buffer_printf(&b, "sb://%s/%s", host, entity);
        else
                buffer_append_string(&b, host);
        p->audience = buffer_steal(&b);
        p->key_is_text = entity != NULL;
        return p->audience ? 0 : amqp_fault_set(p->fault, AMQP_FAULT_LOCAL, "out of memory");
}

int amqp_peer_open(AmqpPeer **ret, const AmqpTarget *target, const Login *login, const char *entity, usec_t life,
                   usec_t until, AmqpFault *fault)
{
        _cleanup_(amqp_peer_closep) AmqpPeer *p = calloc(1, sizeof(*p));

        if (!p)
                return amqp_fault_set(fault, AMQP_FAULT_LOCAL, "out of memory");
        p->fault = fault;
        p->login = login;
        p->life = life;
        if (set_audience(p, target->host, entity) < 0 || amqp_open(&p->amqp, target, until, fault) < 0 ||
            amqp_request_open(&p->cbs, p->amqp, "$cbs", until) < 0 || put_token(p, until) < 0)
                return -ECONNABORTED;
        *ret = TAKE_PTR(p);
        return 0;
}

AmqpPeer *amqp_peer_close(AmqpPeer *p)
{
        if (!p)
                return NULL;
        amqp_request_free(p->cbs);
        amqp_close(p->amqp);
        free(p->audience);
        free(p);
        return NULL;
}

int amqp_peer_turn(AmqpPeer *p, usec_t until)
{
        usec_t now = clock_boot(&clock_system);

        if (now >= p->renew)
                return put_token(p, usec_add(now, RENEWAL_USEC));
        return amqp_turn(p->amqp, MIN(until, p->renew));
}

int amqp_peer_wait(AmqpPeer *p, const bool *done, usec_t until, const char *what)
{
        while (!*done) {
                if (amqp_peer_turn(p, until) < 0)
                        return *done ? 0 : -ECONNABORTED;
                if (!*done && clock_boot(&clock_system) >= until)
                        return amqp_fault_set(p->fault, AMQP_FAULT_TIMEOUT, "%s does not answer %s",
                                              amqp_host(p->amqp), what);
        }
        return 0;
}
