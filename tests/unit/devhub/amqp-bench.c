/* SPDX-License-Identifier: Apache-2.0 */
#include "amqp-bench.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <string.h>

#include "azure/percent.h"
#include "azure/token.h"
#include "base/base64.h"
#include "devhub/hub/policies.h"

/* ---- the hub ---- */

static int on_commit(void *userdata)
{
        AmqpBench *b = userdata;

        b->n_commits++;
        if (!b->disk_full)
                return store_commit(b->store);
        store_rollback(b->store);
        return -ENOSPC;
}

static void on_stirred(void *userdata)
{
        ((AmqpBench *)userdata)->n_stirs++;
}

void bench_begin(AmqpBench *b)
{
        *b = (AmqpBench){};
        devhub_house_open(&b->store_house);
        b->store = &b->store_house.store;
        b->clock = &b->store_house.time;
        ck_assert_int_ge(feedback_prepare(b->store), 0);
        ck_assert_int_ge(mailbox_prepare(b->store), 0);
        ck_assert_int_eq(feedback_new(&b->feedback, b->store, &b->clock->clock), 0);
        ck_assert_int_eq(mailbox_new(&b->mailbox, b->store, &b->clock->clock, b->feedback), 0);
        b->hub = (Hub){
                .store = b->store,
                .clock = &b->clock->clock,
                .host = BENCH_HOST,
                .mailbox = b->mailbox,
                .feedback = b->feedback,
                .faults = &b->faults,
                .commit = on_commit,
                .userdata = b,
        };
        ck_assert_int_eq(amqp_house_init(&b->house, &b->hub), 0);
        b->house.tls_port = 5671;
}

void bench_end(AmqpBench *b)
{
        bench_part(b);
        amqp_house_done(&b->house);
        mailbox_free(b->mailbox);
        feedback_free(b->feedback);
        faults_done(&b->faults);
        devhub_house_close(&b->store_house);
}

/* ---- the client ---- */

void bench_meet(AmqpBench *b)
{
        ck_assert_int_eq(amqp_session_new(&b->session, &b->house, "test", on_stirred, b, b->clock->boot_usec), 0);
        ck_assert_int_eq(pn_connection_driver_init(&b->client, NULL, NULL), 0);
        pn_connection_set_container(b->client.connection, "client");
        pn_connection_set_hostname(b->client.connection, BENCH_HOST);
}

void bench_open(AmqpBench *b)
{
        bench_meet(b);
        pn_connection_open(b->client.connection);
        b->client_session = pn_session(b->client.connection);
        pn_session_open(b->client_session);
        bench_run(b);
}

void bench_part(AmqpBench *b)
{
        if (!b->session)
                return;
        b->session = amqp_session_free(b->session);
        pn_connection_driver_destroy(&b->client);
        b->client_session = NULL;
}

static void client_events(AmqpBench *b)
{
        while (pn_connection_driver_next_event(&b->client))
                ;
}

void bench_feed(AmqpBench *b, const void *data, size_t size)
{
        char *exact = malloc(size + (size == 0));

        if (size > 0)
                memcpy(exact, data, size);
        amqp_session_feed(b->session, exact, size, b->clock->boot_usec);
        free(exact);
}

static bool client_speaks(AmqpBench *b)
{
        pn_bytes_t bytes;

        client_events(b);
        (void)pn_transport_tick(b->client.transport, (int64_t)(b->clock->boot_usec / USEC_PER_MSEC));
        bytes = pn_connection_driver_write_buffer(&b->client);
        if (bytes.size == 0)
                return false;
        bench_feed(b, bytes.start, bytes.size);
        (void)pn_connection_driver_write_done(&b->client, bytes.size);
        return true;
}

static bool client_hears(AmqpBench *b)
{
        Buffer *output = amqp_session_output(b->session);
        bool any = output->size > 0;
        size_t taken = 0;

        while (taken < output->size) {
                pn_rwbytes_t room = pn_connection_driver_read_buffer(&b->client);
                size_t n = MIN(output->size - taken, room.size);

                if (n == 0)
                        break;
                memcpy(room.start, output->data + taken, n);
                pn_connection_driver_read_done(&b->client, n);
                client_events(b);
                taken += n;
        }
        buffer_clear(output);
        return any;
}

void bench_run(AmqpBench *b)
{
        bool spoke, heard;

        do {
                spoke = client_speaks(b);
                heard = client_hears(b);
        } while (spoke || heard);
}

void bench_wait(AmqpBench *b, usec_t usec)
{
        usec_t end = b->clock->boot_usec + usec;

        while (b->clock->boot_usec < end) {
                /* the client has deadlines too */
                usec_t next = MIN(MIN(amqp_session_deadline(b->session), b->clock->boot_usec + 20 * USEC_PER_SEC), end);

                fake_clock_advance(b->clock, usec_sub(next, b->clock->boot_usec));
                if (next == b->clock->boot_usec && next < end)
                        fake_clock_advance(b->clock, USEC_PER_MSEC);
                amqp_session_tick(b->session, b->clock->boot_usec);
                bench_run(b);
        }
}

/* ---- links ---- */

pn_link_t *bench_sender(AmqpBench *b, const char *address)
{
        char name[32];
        pn_link_t *link;

        (void)snprintf(name, sizeof(name), "s%llu", (unsigned long long)++b->n_sent);
        link = pn_sender(b->client_session, name);
        (void)pn_terminus_set_address(pn_link_target(link), address);
        pn_link_open(link);
        bench_run(b);
        return link;
}

pn_link_t *bench_receiver(AmqpBench *b, const char *address, int credit)
{
        char name[32];
        pn_link_t *link;

        (void)snprintf(name, sizeof(name), "r%llu", (unsigned long long)++b->n_sent);
        link = pn_receiver(b->client_session, name);
        (void)pn_terminus_set_address(pn_link_source(link), address);
        (void)pn_terminus_set_address(pn_link_target(link), name);
        pn_link_open(link);
        pn_link_flow(link, credit);
        bench_run(b);
        return link;
}

const char *bench_detached(pn_link_t *link)
{
        pn_condition_t *condition = pn_link_remote_condition(link);

        ck_assert(pn_link_state(link) & (PN_REMOTE_ACTIVE | PN_REMOTE_CLOSED));
        if (pn_link_state(link) & PN_REMOTE_ACTIVE)
                return NULL;
        return pn_condition_is_set(condition) ? pn_condition_get_name(condition) : "";
}

pn_delivery_t *bench_send(AmqpBench *b, pn_link_t *link, pn_message_t *message)
{
        static char bytes[1024 * 1024];
        size_t size = sizeof(bytes);
        pn_delivery_t *delivery;

        ck_assert_int_eq(pn_message_encode(message, bytes, &size), 0);
        b->n_sent++;
        delivery = pn_delivery(link, pn_dtag((const char *)&b->n_sent, sizeof(b->n_sent)));
        ck_assert_int_eq(pn_link_send(link, bytes, size), (ssize_t)size);
        (void)pn_link_advance(link);
        bench_run(b);
        return delivery;
}

bool bench_receive(pn_link_t *link, pn_message_t *message)
{
        static char bytes[1024 * 1024];
        pn_delivery_t *delivery = pn_link_current(link);
        ssize_t n;

        if (!delivery || !pn_delivery_readable(delivery) || pn_delivery_partial(delivery))
                return false;
        n = pn_link_recv(link, bytes, sizeof(bytes));
        ck_assert_int_gt(n, 0);
        (void)pn_link_advance(link);
        pn_delivery_update(delivery, PN_ACCEPTED);
        pn_delivery_settle(delivery);
        pn_message_clear(message);
        ck_assert_int_eq(pn_message_decode(message, bytes, (size_t)n), 0);
        return true;
}

/* ---- tokens ---- */

static void find_key(AmqpBench *b, const char *name, Policy *ret)
{
        ck_assert_int_eq(policy_find(b->store, name, ret), 0);
}

char *bench_token(AmqpBench *b, const char *policy, const char *resource, int64_t seconds)
{
        _cleanup_(policy_done) Policy keys = {};
        Buffer token = BUFFER_NULL;

        find_key(b, policy, &keys);
        ck_assert_int_eq(token_make(&token, keys.primary_key, resource, policy,
                                    (uint64_t)((int64_t)(b->clock->wall_usec / USEC_PER_SEC) + seconds)), 0);
        return buffer_steal(&token);
}

char *bench_event_hubs_token(AmqpBench *b, const char *policy, const char *resource, int64_t seconds)
{
        _cleanup_(policy_done) Policy keys = {};
        _cleanup_(buffer_done) Buffer encoded = BUFFER_NULL, text = BUFFER_NULL, signature = BUFFER_NULL;
        Buffer token = BUFFER_NULL;
        long long end = (long long)(b->clock->wall_usec / USEC_PER_SEC) + seconds;
        uint8_t mac[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        find_key(b, policy, &keys);
        percent_encode(&encoded, resource);
        buffer_printf(&text, "%s\n%lld", encoded.data, end);
        HMAC(EVP_sha256(), keys.primary_key, (int)strlen(keys.primary_key), (const uint8_t *)text.data, text.size, mac,
             &size);
        base64_encode(&signature, mac, size);
        buffer_printf(&token, "SharedAccessSignature sr=%s&sig=", encoded.data);
        percent_encode(&token, signature.data);
        buffer_printf(&token, "&se=%lld&skn=%s", end, policy);
        return buffer_steal(&token);
}

int bench_put_token(AmqpBench *b, const char *name, const char *token)
{
        pn_link_t *out = bench_sender(b, "$cbs"), *in = bench_receiver(b, "$cbs", 10);
        pn_message_t *message = pn_message();
        pn_data_t *body = pn_message_body(message);
        pn_delivery_t *delivery;
        int status;

        bench_put_text(message, (const char *const[]){"operation", "put-token", "type",
                                                       "servicebus.windows.net:sastoken", "name", name, NULL});
        (void)pn_message_set_reply_to(message, pn_link_name(in));
        (void)pn_message_set_id(message, (pn_atom_t){.type = PN_STRING, .u.as_bytes = pn_bytes(5, "id-42")});
        (void)pn_data_put_string(body, pn_bytes(strlen(token), token));
        delivery = bench_send(b, out, message);
        ck_assert_uint_eq(pn_delivery_remote_state(delivery), PN_ACCEPTED);
        pn_delivery_settle(delivery);
        ck_assert(bench_receive(in, message));
        ck_assert_int_eq(pn_message_get_correlation_id(message).type, PN_STRING);
        ck_assert_uint_eq(pn_message_get_correlation_id(message).u.as_bytes.size, 5);
        status = bench_status(message);
        pn_message_free(message);
        pn_link_close(out);
        pn_link_close(in);
        bench_run(b);
        pn_link_free(out);
        pn_link_free(in);
        return status;
}

void bench_allow(AmqpBench *b, const char *policy)
{
        _cleanup_free_ char *token = bench_token(b, policy, BENCH_HOST, 3600);

        ck_assert_int_eq(bench_put_token(b, BENCH_HOST, token), 200);
}

/* ---- messages ---- */

void bench_put_text(pn_message_t *message, const char *const *pairs)
{
        pn_data_t *data = pn_message_properties(message);

        pn_data_clear(data);
        (void)pn_data_put_map(data);
        (void)pn_data_enter(data);
        for (; *pairs; pairs++)
                (void)pn_data_put_string(data, pn_bytes(strlen(*pairs), *pairs));
        (void)pn_data_exit(data);
}

bool bench_property(pn_message_t *message, const char *name, pn_atom_t *ret)
{
        pn_data_t *data = pn_message_properties(message);
        bool found = false;

        pn_data_rewind(data);
        if (!pn_data_next(data) || !pn_data_enter(data))
                return false;
        while (!found && pn_data_next(data)) {
                pn_bytes_t key = pn_data_get_string(data);

                found = key.size == strlen(name) && memcmp(key.start, name, key.size) == 0;
                (void)pn_data_next(data);
                if (found)
                        *ret = pn_data_get_atom(data);
        }
        return found;
}

int bench_status(pn_message_t *message)
{
        pn_atom_t status;

        ck_assert(bench_property(message, "status-code", &status));
        ck_assert_int_eq(status.type, PN_INT);
        return status.u.as_int;
}
