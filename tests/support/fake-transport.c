/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static FakeTransport *fake_of(Transport *t)
{
        return container_of(t, FakeTransport, transport);
}

static void fake_set_sink(Transport *t, const TransportSink *sink)
{
        fake_of(t)->sink = *sink;
}

#define COPY(to, from) (void)snprintf((to), sizeof(to), "%s", (from) ? (from) : "")

static int fake_connect(Transport *t, const TransportTarget *target, uint64_t generation)
{
        FakeTransport *fake = fake_of(t);

        fake->n_connects++;
        if (fake->connect_error < 0)
                return fake->connect_error;
        fake->open = true;
        fake->connected = false;
        fake->generation = generation;
        fake->n_unanswered_pings = 0;
        COPY(fake->host, target->host);
        COPY(fake->address, target->address);
        COPY(fake->ca_file, target->ca_file);
        COPY(fake->client_id, target->client_id);
        COPY(fake->username, target->username);
        COPY(fake->password, target->password);
        fake->port = target->port;
        fake->clean_session = target->clean_session;
        fake->keepalive_usec = target->keepalive_usec;
        return 0;
}

static int fake_publish(Transport *t, const char *topic, const void *payload, size_t size, int *ret_mid)
{
        FakeTransport *fake = fake_of(t);
        FakePublish *more, *p;

        if (!fake->connected)
                return -ENOTCONN;
        if (fake->publish_error < 0)
                return fake->publish_error;
        more = fake->published;
        if ((fake->n_published & (fake->n_published - 1)) == 0) /* 0 and powers of two: it doubles */
                more = reallocarray(more, MAX(fake->n_published * 2, (size_t)1), sizeof(*more));
        if (!more)
                return -ENOMEM;
        fake->published = more;
        p = &more[fake->n_published++];
        *p = (FakePublish){.generation = fake->generation, .topic = strdup(topic)};
        buffer_append(&p->body, payload, size);
        fake->last_mid = fake->last_mid % 65535 + 1;
        *ret_mid = p->mid = fake->last_mid;
        return 0;
}

static int fake_ping(Transport *t)
{
        FakeTransport *fake = fake_of(t);

        fake->n_pings++;
        fake->n_unanswered_pings++;
        return 0;
}

static void fake_close(Transport *t, bool graceful)
{
        FakeTransport *fake = fake_of(t);

        if (graceful)
                fake->n_goodbyes++;
        else
                fake->n_closes++;
        fake->open = fake->connected = false;
}

static Transport *fake_free(Transport *t)
{
        fake_of(t)->freed = true;
        fake_of(t)->open = fake_of(t)->connected = false;
        return NULL;
}

void fake_transport_init(FakeTransport *fake)
{
        *fake = (FakeTransport){.transport = {fake_set_sink, fake_connect, fake_publish, fake_ping, fake_close,
                                              fake_free}};
}

void fake_transport_done(FakeTransport *fake)
{
        for (size_t i = 0; i < fake->n_published; i++) {
                free(fake->published[i].topic);
                buffer_done(&fake->published[i].body);
        }
        free(fake->published);
}

/* ---- what the far side does ---- */

void fake_transport_say(FakeTransport *fake, const TransportEvent *event)
{
        fake->sink.event(fake->sink.userdata, event);
}

void fake_transport_step(FakeTransport *fake, TransportStep step)
{
        fake_transport_say(fake, &(TransportEvent){
                                         .kind = TRANSPORT_STEPPED,
                                         .generation = fake->generation,
                                         .step = step,
                                 });
}

void fake_transport_accept(FakeTransport *fake)
{
        fake->connected = true;
        fake_transport_say(fake, &(TransportEvent){.kind = TRANSPORT_CONNECTED, .generation = fake->generation});
}

void fake_transport_refuse(FakeTransport *fake, int code)
{
        fake_transport_say(fake, &(TransportEvent){
                                         .kind = TRANSPORT_REFUSED,
                                         .generation = fake->generation,
                                         .code = code,
                                 });
}

void fake_transport_end(FakeTransport *fake, LinkReason reason, const char *detail)
{
        fake->open = fake->connected = false;
        fake_transport_say(fake, &(TransportEvent){
                                         .kind = TRANSPORT_ENDED,
                                         .generation = fake->generation,
                                         .reason = reason,
                                         .detail = detail,
                                 });
}

void fake_transport_ack(FakeTransport *fake, int mid)
{
        for (size_t i = 0; i < fake->n_published; i++)
                if (fake->published[i].generation == fake->generation && fake->published[i].mid == mid)
                        fake->published[i].acknowledged = true;
        fake_transport_say(fake, &(TransportEvent){
                                         .kind = TRANSPORT_PUBLISHED,
                                         .generation = fake->generation,
                                         .mid = mid,
                                 });
}

void fake_transport_alive(FakeTransport *fake)
{
        fake->n_unanswered_pings = 0;
        fake_transport_say(fake, &(TransportEvent){.kind = TRANSPORT_ALIVE, .generation = fake->generation});
}

size_t fake_transport_ack_all(FakeTransport *fake)
{
        size_t end = fake->n_published, n = 0;

        /* An acknowledgement may bring new messages, or end the connection. */
        for (size_t i = 0; i < end && fake->connected; i++) {
                FakePublish *p = &fake->published[i];

                if (p->acknowledged || p->generation != fake->generation)
                        continue;
                p->acknowledged = true;
                fake_transport_ack(fake, p->mid);
                n++;
        }
        return n;
}

size_t fake_transport_play(FakeTransport *fake)
{
        size_t n = 0;

        if (!fake->obedient || !fake->open)
                return 0;
        if (!fake->connected) {
                fake_transport_accept(fake);
                n++;
        }
        n += fake_transport_ack_all(fake);
        if (fake->n_unanswered_pings > 0) {
                fake_transport_alive(fake);
                n++;
        }
        return n;
}
