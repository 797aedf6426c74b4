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
        fake->first_filter = fake->n_filters;
        fake->held = false;
        fake->n_owed = 0;
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

/* Room for one more in a row that doubles: at 0 and at powers of two. */
static void *grow(void *row, size_t n, size_t size)
{
        return (n & (n - 1)) == 0 ? reallocarray(row, MAX(n * 2, (size_t)1), size) : row;
}

static int next_mid(FakeTransport *fake)
{
        fake->last_mid = fake->last_mid % 65535 + 1;
        return fake->last_mid;
}

static int fake_publish(Transport *t, const char *topic, const void *payload, size_t size, int qos, int *ret_mid)
{
        FakeTransport *fake = fake_of(t);
        FakePublish *more, *p;

        if (!fake->connected)
                return -ENOTCONN;
        if (fake->publish_error < 0)
                return fake->publish_error;
        more = grow(fake->published, fake->n_published, sizeof(*more));
        if (!more)
                return -ENOMEM;
        fake->published = more;
        p = &more[fake->n_published++];
        *p = (FakePublish){
                .generation = fake->generation,
                .qos = qos,
                .written = !fake->held,
                .topic = strdup(topic),
        };
        buffer_append(&p->body, payload, size);
        *ret_mid = p->mid = next_mid(fake);
        return 0;
}

static int note_filter(FakeTransport *fake, const char *filter, bool wanted, int qos, int mid)
{
        FakeFilter *more = grow(fake->filters, fake->n_filters, sizeof(*more));

        if (!more)
                return -ENOMEM;
        fake->filters = more;
        more += fake->n_filters++;
        *more = (FakeFilter){.generation = fake->generation, .mid = mid, .wanted = wanted, .qos = qos};
        COPY(more->topic, filter);
        return 0;
}

static int fake_subscribe(Transport *t, const char *const *filters, size_t n, int qos, int *ret_mid)
{
        FakeTransport *fake = fake_of(t);

        if (!fake->connected)
                return -ENOTCONN;
        if (fake->publish_error < 0)
                return fake->publish_error;
        *ret_mid = next_mid(fake);
        for (size_t i = 0; i < n; i++)
                if (note_filter(fake, filters[i], true, qos, *ret_mid) < 0)
                        return -ENOMEM;
        return 0;
}

static int fake_unsubscribe(Transport *t, const char *filter, int *ret_mid)
{
        FakeTransport *fake = fake_of(t);

        if (!fake->connected)
                return -ENOTCONN;
        if (fake->publish_error < 0)
                return fake->publish_error;
        *ret_mid = next_mid(fake);
        return note_filter(fake, filter, false, 0, *ret_mid);
}

/* As the real one does at the end of a turn: everything that waits goes out. */
static void flush(FakeTransport *fake)
{
        if (fake->held || fake->telling || !fake->connected)
                return;
        for (size_t i = fake->n_published; i-- > 0 && fake->published[i].generation == fake->generation &&
                                           !fake->published[i].written;)
                fake->published[i].written = true;
        fake->n_pubacked += fake->n_owed;
        fake->n_owed = 0;
}

static void fake_hold(Transport *t, bool held)
{
        FakeTransport *fake = fake_of(t);

        if (!fake->connected)
                return;
        fake->held = held;
        flush(fake);
}

static int fake_ping(Transport *t)
{
        FakeTransport *fake = fake_of(t);

        fake->n_pings++;
        fake->n_unanswered_pings++;
        return 0;
}

static usec_t fake_hindered_since(const Transport *t, ThreadIds *ret)
{
        *ret = (ThreadIds){};
        return USEC_INFINITY;
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
        *fake = (FakeTransport){.transport = {fake_set_sink, fake_connect, fake_publish, fake_subscribe,
                                              fake_unsubscribe, fake_hold, fake_ping, fake_hindered_since, fake_close,
                                              fake_free}};
}

void fake_transport_done(FakeTransport *fake)
{
        for (size_t i = 0; i < fake->n_published; i++) {
                free(fake->published[i].topic);
                buffer_done(&fake->published[i].body);
        }
        free(fake->published);
        free(fake->filters);
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
        if (!fake->withhold_subacks)
                (void)fake_transport_grant_all(fake);
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

void fake_transport_grant(FakeTransport *fake, int mid, uint8_t code)
{
        TransportEvent e = {.kind = TRANSPORT_UNSUBSCRIBED, .generation = fake->generation, .mid = mid};
        uint8_t codes[16];

        for (size_t i = fake->first_filter; i < fake->n_filters; i++) {
                FakeFilter *f = &fake->filters[i];

                if (f->mid != mid)
                        continue;
                f->answered = true;
                if (f->wanted && e.n_codes < sizeof(codes)) {
                        e.kind = TRANSPORT_SUBSCRIBED;
                        codes[e.n_codes++] = code;
                }
        }
        e.codes = codes;
        fake_transport_say(fake, &e);
}

size_t fake_transport_grant_all(FakeTransport *fake)
{
        size_t n = 0;

        for (size_t i = fake->first_filter; i < fake->n_filters && fake->connected && !fake->held; i++) {
                FakeFilter *f = &fake->filters[i];

                if (f->answered)
                        continue;
                fake_transport_grant(fake, f->mid, (uint8_t)f->qos);
                n++;
        }
        return n;
}

bool fake_transport_is_subscribed(const FakeTransport *fake, const char *filter)
{
        bool wanted = false;

        for (size_t i = fake->first_filter; i < fake->n_filters; i++)
                if (strcmp(fake->filters[i].topic, filter) == 0)
                        wanted = fake->filters[i].wanted;
        return wanted;
}

void fake_transport_deliver(FakeTransport *fake, const TransportMessage *messages, size_t n)
{
        uint64_t generation = fake->generation;

        fake->telling = true;
        for (size_t i = 0; i < n && fake->connected && fake->generation == generation; i++) {
                TransportEvent e = {.kind = TRANSPORT_MESSAGE, .generation = generation, .message = messages[i]};

                if (e.message.size == 0 && e.message.payload)
                        e.message.size = strlen(e.message.payload);
                if (!e.message.payload)
                        e.message.payload = "";
                fake->n_owed += e.message.qos > 0;
                fake_transport_say(fake, &e);
        }
        fake->telling = false;
        flush(fake);
}

void fake_transport_message(FakeTransport *fake, const char *topic, const char *payload, int qos)
{
        fake_transport_deliver(fake, &(TransportMessage){.topic = topic, .payload = payload, .qos = qos}, 1);
}

size_t fake_transport_ack_all(FakeTransport *fake)
{
        size_t end = fake->n_published, n = 0;

        /* An acknowledgement may bring new messages, or end the connection. */
        for (size_t i = 0; i < end && fake->connected; i++) {
                FakePublish *p = &fake->published[i];

                if (p->acknowledged || p->generation != fake->generation || !p->written || p->qos == 0)
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
        n += fake_transport_grant_all(fake);
        n += fake_transport_ack_all(fake);
        if (fake->n_unanswered_pings > 0) {
                fake_transport_alive(fake);
                n++;
        }
        return n;
}
