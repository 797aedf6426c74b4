/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "azure/bag.h"
#include "azure/billing.h"
#include "azure/connection-string.h"

#define CREDENTIAL                                                                                                   \
        "HostName=devhub.example.net;DeviceId=gw-17;SharedAccessKey=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define DIRECTORY "/queue"

static Property wind_property = {(char *)"Property", (char *)"PropMsg_${count}"};

const StreamSettings world_streams[3] = {
        {.name = "telemetry",
         .format = STREAM_ARRAY,
         .max_latency_usec = 10 * USEC_PER_SEC,
         .expire_after_usec = USEC_INFINITY},
        {.name = "alarms", .format = STREAM_ARRAY, .urgent = true, .expire_after_usec = USEC_INFINITY},
        {.name = "wind",
         .format = STREAM_OBJECT,
         .expire_after_usec = USEC_INFINITY,
         .body = (char *)"{\"deviceId\": \"${device}\",\"windSpeed\": ${value:.2f}}",
         .message_id = (char *)"message_${count}",
         .correlation_id = (char *)"correlation_${count}",
         .properties = &wind_property,
         .n_properties = 1},
};

/* Without the bookkeeping of an assertion: these stand in inner loops. */
static void *need(void *p)
{
        if (!p)
                abort();
        return p;
}

/* Room for one more in an array of n: it doubles. */
static void *need_room(void *p, size_t n, size_t size)
{
        bool full = (n & (n - 1)) == 0; /* 0 and powers of two */

        return full ? need(reallocarray(p, MAX(n * 2, (size_t)1), size)) : p;
}

/* ---- what arrives ---- */

static WorldTally *tally_of(World *w, const char *stream)
{
        WorldTally *t;

        for (size_t i = 0; i < w->n_tallies; i++)
                if (strcmp(w->tallies[i].stream, stream) == 0)
                        return &w->tallies[i];
        ck_assert_uint_lt(w->n_tallies, ARRAY_SIZE(w->tallies));
        t = &w->tallies[w->n_tallies++];
        (void)snprintf(t->stream, sizeof(t->stream), "%s", stream);
        return t;
}

static void tally_make_room(WorldTally *t, uint64_t n)
{
        size_t more = MAX((size_t)n + 1, t->n_counts * 2);

        if (n < t->n_counts)
                return;
        t->counts = need(realloc(t->counts, more));
        t->outcomes = need(realloc(t->outcomes, more));
        memset(t->counts + t->n_counts, 0, more - t->n_counts);
        memset(t->outcomes + t->n_counts, 0, more - t->n_counts);
        t->n_counts = more;
}

static void tally_count(World *w, WorldTally *t, uint64_t n)
{
        tally_make_room(t, n);
        if (t->counts[n] > 0)
                w->n_duplicates++;
        else
                w->n_arrived++;
        if (t->counts[n] < UINT8_MAX)
                t->counts[n]++;
}

static void tally_done(WorldTally *t)
{
        free(t->counts);
        free(t->outcomes);
}

static void tally_settle(WorldTally *t, const Settled *settled)
{
        tally_make_room(t, settled->last);
        memset(t->outcomes + settled->first, settled->outcome + 1, settled->last - settled->first + 1);
}

static char *taken(const Bag *bag, const char *name, size_t *size)
{
        const BagEntry *e = bag_find(bag, name);

        if (!e)
                return NULL;
        ck_assert_ptr_nonnull(e->value);
        *size += strlen(e->value);
        return strdup(e->value);
}

/* STREAM.EPOCH.FIRST-LAST */
static void parse_identity(const char *text, WorldEvent *e)
{
        unsigned long long epoch, first, last;
        int end = 0;

        ck_assert_msg(sscanf(text, "%32[A-Za-z0-9_].%16llx.%llu-%llu%n", e->stream, &epoch, &first, &last, &end) == 4 &&
                              text[end] == 0,
                      "bad identity: %s", text);
        e->epoch = epoch;
        e->first = first;
        e->last = last;
}

static void event_done(WorldEvent *e)
{
        free(e->id);
        free(e->correlation_id);
        free(e->content_type);
        free(e->content_encoding);
        free(e->created);
        free(e->property);
        free(e->body);
}

static size_t count_members(const char *body)
{
        size_t n = 0;

        for (const char *p = body; (p = strstr(p, "{\"t\":")); p++)
                n++;
        return n;
}

static void keep_latencies(World *w, const char *body)
{
        for (const char *p = body; (p = strstr(p, "{\"t\":")); p++) {
                usec_t captured = strtoull(p + 5, NULL, 10) * USEC_PER_MSEC;

                w->latencies = need_room(w->latencies, w->n_latencies, sizeof(*w->latencies));
                w->latencies[w->n_latencies++] = usec_sub(w->clock.wall_usec, captured);
        }
}

static void keep_event(World *w, const WorldEvent *e)
{
        w->events = need_room(w->events, w->n_events, sizeof(*w->events));
        w->events[w->n_events++] = *e;
}

static void arrive(World *w, const FakePublish *p)
{
        static const char prefix[] = "devices/gw-17/messages/events/";
        _cleanup_free_ char *identity = NULL;
        WorldEvent e = {.at = w->clock.boot_usec, .size = p->body.size};
        size_t ignored = 0;
        Bag bag;

        ck_assert_msg(strncmp(p->topic, prefix, strlen(prefix)) == 0, "%s", p->topic);
        ck_assert_int_eq(bag_parse(p->topic + strlen(prefix), strlen(p->topic) - strlen(prefix), &bag), 0);
        for (size_t i = 0; i < bag.n_entries; i++)
                if (strncmp(bag.entries[i].name, "$.", 2) != 0)
                        e.size += strlen(bag.entries[i].name) + strlen(bag.entries[i].value);
        e.id = taken(&bag, "$.mid", &e.size);
        e.correlation_id = taken(&bag, "$.cid", &e.size);
        e.content_type = taken(&bag, "$.ct", &e.size);
        e.content_encoding = taken(&bag, "$.ce", &e.size);
        e.created = taken(&bag, "$.ctime", &e.size);
        e.property = taken(&bag, "Property", &ignored);
        e.backfill = bag_find(&bag, "hl-backfill") != NULL;
        e.body = strndup(p->body.data ? p->body.data : "", p->body.size);
        identity = taken(&bag, "hl", &ignored);
        parse_identity(identity ? identity : e.id, &e);
        bag_done(&bag);

        if (e.body[0] == '[')
                ck_assert_uint_eq(count_members(e.body), e.last - e.first + 1);
        w->n_backfilled += e.backfill;
        if (w->keep_latencies && !e.backfill)
                keep_latencies(w, e.body);
        for (uint64_t n = e.first; n <= e.last; n++)
                tally_count(w, tally_of(w, e.stream), n);
        w->n_units += billed_messages(e.size, BILLING_CHUNK);
        if (w->forget_events)
                event_done(&e);
        else
                keep_event(w, &e);
}

/* ---- the far side ---- */

static void have_arrived(World *w, size_t i)
{
        arrive(w, &w->far.published[i]);
        if (w->forget_events)
                buffer_done(&w->far.published[i].body);
}

static bool is_poison(const World *w, const FakePublish *p)
{
        return w->poison && p->body.data && memmem(p->body.data, p->body.size, w->poison, strlen(w->poison));
}

static void expect_puback(World *w, size_t i)
{
        bool on_wire = is_poison(w, &w->far.published[i]) || (w->lossy && w->dice.random.draw(&w->dice) % 2);

        w->pubacks = need(reallocarray(w->pubacks, w->n_pubacks + 1, sizeof(*w->pubacks)));
        w->pubacks[w->n_pubacks].generation = w->far.published[i].generation;
        w->pubacks[w->n_pubacks].mid = w->far.published[i].mid;
        w->pubacks[w->n_pubacks].i = i;
        w->pubacks[w->n_pubacks].on_wire = on_wire;
        w->pubacks[w->n_pubacks++].due_usec = usec_add(w->clock.boot_usec, w->puback_delay_usec);
}

static void measure_flight(World *w)
{
        size_t bytes = 0;

        for (size_t i = 0; i < w->n_pubacks; i++)
                bytes += w->far.published[w->pubacks[i].i].body.size;
        w->most_in_flight = MAX(w->most_in_flight, w->n_pubacks);
        w->most_bytes_in_flight = MAX(w->most_bytes_in_flight, bytes);
}

static bool look_at_published(World *w)
{
        bool any = false;

        for (; w->n_published < w->far.n_published; w->n_published++) {
                const FakePublish *p = &w->far.published[w->n_published];

                if (!p->written && w->far.connected && p->generation == w->far.generation)
                        break; /* the gate is held */
                any = true;
                if (!p->written || p->qos == 0)
                        continue;
                expect_puback(w, w->n_published);
                measure_flight(w);
                if (!w->pubacks[w->n_pubacks - 1].on_wire)
                        have_arrived(w, w->n_published);
        }
        return any;
}

/* In the place of the next PUBACK. */
static bool breaks_now(World *w)
{
        return (w->break_at > 0 && w->n_given + 1 >= w->break_at) ||
               is_poison(w, &w->far.published[w->pubacks[0].i]);
}

/* PUBACKs come in the order of their messages. */
static bool give_pubacks(World *w)
{
        bool any = false;

        while (w->n_pubacks > 0 && w->far.connected && !w->withhold_pubacks &&
               w->clock.boot_usec >= w->pubacks[0].due_usec) {
                TransportEvent puback = {.kind = TRANSPORT_PUBLISHED,
                                         .generation = w->pubacks[0].generation,
                                         .mid = w->pubacks[0].mid};

                if (breaks_now(w)) {
                        fake_transport_end(&w->far, LINK_REASON_CLOSED, "the peer closed the connection");
                        return true;
                }
                w->n_given++;
                if (w->pubacks[0].on_wire)
                        have_arrived(w, w->pubacks[0].i);
                memmove(w->pubacks, w->pubacks + 1, --w->n_pubacks * sizeof(*w->pubacks));
                fake_transport_say(&w->far, &puback);
                any = true;
        }
        return any;
}

/* The connection is gone: nobody waits for a PUBACK any more, and what was on the wire is lost. */
static void forget_pubacks(World *w)
{
        while (w->n_pubacks > 0 && (!w->far.connected || w->pubacks[0].generation != w->far.generation))
                memmove(w->pubacks, w->pubacks + 1, --w->n_pubacks * sizeof(*w->pubacks));
}

static bool play_far_side(World *w)
{
        bool any = look_at_published(w);

        forget_pubacks(w);
        if (w->far.open && !w->far.connected) {
                if (w->link_up) {
                        w->n_given = 0;
                        w->n_links++;
                        fake_transport_accept(&w->far);
                } else
                        fake_transport_end(&w->far, LINK_REASON_NETWORK, "no route to host");
                any = true;
        }
        if (give_pubacks(w))
                any = true;
        if (w->guest.start && w->guest.play(w->guest.userdata))
                any = true;
        if (w->far.connected && w->far.n_unanswered_pings > 0) {
                fake_transport_alive(&w->far);
                any = true;
        }
        return any;
}

void world_link(World *w, bool up)
{
        w->link_up = up;
        if (!up && w->far.open)
                fake_transport_end(&w->far, LINK_REASON_CLOSED, "the peer closed the connection");
        forget_pubacks(w);
}

/* ---- the daemon ---- */

static void on_readable(void *userdata)
{
        World *w = userdata;

        if (w->dead)
                dead_letters_readable(w->dead);
        if (w->uplink)
                uplink_readable(w->uplink);
}

static void on_settled(void *userdata, const Settled *settled)
{
        World *w = userdata;

        if (w->ended)
                return;
        w->n_settled[settled->outcome] += settled->last - settled->first + 1;
        if (w->keep_outcomes)
                tally_settle(tally_of(w, settled->stream), settled);
}

static void on_ready(void *userdata)
{
        World *w = userdata;

        uplink_ready(w->uplink);
}

static void on_delivered(void *userdata, uint64_t ticket)
{
        World *w = userdata;

        uplink_delivered(w->uplink, ticket);
}

static void on_lost(void *userdata)
{
        World *w = userdata;

        uplink_lost(w->uplink);
        orders_lost(&w->orders);
}

static void on_link_changed(void *userdata)
{
        World *w = userdata;

        if (w->guest.start && w->monitor)
                w->guest.changed(w->guest.userdata);
}

static void on_changed(void *userdata)
{
}

/* ---- orders ---- */

/* Of a test that has no inbox: such a hub sends none. */
static void on_message(void *userdata, uint64_t ticket, const C2dMessage *message)
{
        Orders *o = userdata;

        hub_message_stored(*o->hub, ticket);
}

static void start_inbox(World *w)
{
        const InboxPeers peers = {
                .port = orders_inbox_port(&w->orders), .intake = w->intake, .audit = w->audit};

        ck_assert_int_eq(inbox_new(&w->inbox, &w->inbox_settings, &w->queue_settings, &peers, &w->disk->disk,
                                   &w->clock.clock, &w->dead_dice.random),
                         0);
        w->tickers[w->n_tickers++] = inbox_ticker(w->inbox);
}

void world_init(World *w)
{
        *w = (World){
                .queue_settings = {.directory = (char *)DIRECTORY,
                                   .commit_interval_usec = USEC_PER_SEC,
                                   .max_bytes = 256 << 20},
                .hub_settings = {.keepalive_usec = 4 * USEC_PER_MIN,
                                 .token_life_usec = USEC_PER_HOUR,
                                 .window = 16,
                                 .backoff_first_usec = USEC_PER_SEC,
                                 .backoff_max_usec = 5 * USEC_PER_MIN},
                .uplink_settings = {.window = 16, .device_id = "gw-17"},
                .inbox_settings = {.max_messages = 1000, .max_bytes = 16 << 20},
                .streams = world_streams,
                .n_streams = ARRAY_SIZE(world_streams),
                .link_up = true,
                .orders = {.hub = &w->hub, .inbox = &w->inbox},
        };
        fake_clock_init(&w->clock);
        fake_random_init(&w->dice, 17);
        fake_random_init(&w->dead_dice, 18);
        w->disk = fake_disk_new();
        w->audit = need(audit_new());
        fake_transport_init(&w->far);
        log_capture_begin(&w->log);
}

/* The queue's sink may be called before there is an uplink: nothing is readable for nobody. */
void world_start(World *w)
{
        _cleanup_(connection_string_freep) ConnectionString *credential = NULL;
        QueueSink queue_sink = {.readable = on_readable, .settled = on_settled, .changed = on_changed, .userdata = w};
        HubSink hub_sink = {on_ready, on_delivered, on_lost, on_link_changed, w};
        OrderSink orders = orders_sink(&w->orders);
        const char *error;
        SetAside aside;

        w->ended = false;
        if (!w->with_inbox)
                orders.message = on_message;
        ck_assert_int_eq(connection_string_parse(CREDENTIAL, &credential, &error), 0);
        ck_assert_int_eq(queue_open(&w->queue, &w->queue_settings, &w->disk->disk, &w->clock.clock, &w->dice.random,
                                    &queue_sink),
                         0);
        ck_assert_int_eq(hub_new(&w->hub, &w->hub_settings, credential, &w->far.transport, &w->clock.clock,
                                 &w->dice.random, &hub_sink, &orders),
                         0);
        ck_assert_int_eq(collector_new(&w->collector, w->queue, &w->clock.clock), 0);
        ck_assert_int_eq(collector_configure(w->collector, w->streams, w->n_streams), 0);
        ck_assert_int_eq(uplink_new(&w->uplink, w->queue, w->hub, &w->clock.clock, on_changed, w), 0);
        ck_assert_int_eq(uplink_configure(w->uplink, &w->uplink_settings, w->streams, w->n_streams), 0);
        ck_assert_int_eq(dead_letters_new(&w->dead, &w->queue_settings, w->queue, &w->disk->disk, &w->clock.clock,
                                          &w->dead_dice.random,
                                          &(DeadLettersSink){.changed = on_changed, .userdata = w}),
                         0);
        aside = dead_letters_set_aside(w->dead);
        uplink_set_aside_through(w->uplink, &aside);
        ck_assert_int_eq(monitor_new(&w->monitor, &(MonitorPeers){w->queue, w->hub, w->collector, w->uplink, NULL},
                                     &w->clock.clock),
                         0);
        w->sink = collector_reading_sink(w->collector, NULL, NULL);
        w->intake = collector_intake(w->collector);
        w->status = monitor_status_source(w->monitor);
        w->tickers[0] = queue_ticker(w->queue);
        w->tickers[1] = hub_ticker(w->hub);
        w->tickers[2] = uplink_ticker(w->uplink);
        w->tickers[3] = dead_letters_ticker(w->dead);
        w->n_tickers = 4;
        if (w->with_inbox)
                start_inbox(w);
        if (w->guest.start)
                w->tickers[w->n_tickers++] = w->guest.start(w->guest.userdata);
        hub_start(w->hub);
}

/* In the daemon's order: the link first, then the queue, which answers all receipts. */
static void stop(World *w)
{
        if (!w->queue)
                return;
        hub_stop(w->hub);
        (void)look_at_published(w);
        w->n_pubacks = 0;
        dead_letters_stop(w->dead, 5 * USEC_PER_SEC);
        w->queue = queue_close(w->queue, 5 * USEC_PER_SEC);
        if (w->guest.start)
                w->guest.stop(w->guest.userdata);
        inbox_stop(w->inbox, 5 * USEC_PER_SEC);
        w->dead = dead_letters_free(w->dead);
        w->inbox = inbox_free(w->inbox);
        w->monitor = monitor_free(w->monitor);
        w->uplink = uplink_free(w->uplink);
        w->collector = collector_free(w->collector);
        w->hub = hub_free(w->hub);
}

void world_done(World *w)
{
        stop(w);
        fake_disk_free(w->disk);
        audit_free(w->audit);
        fake_transport_done(&w->far);
        for (size_t i = 0; i < w->n_events; i++)
                event_done(&w->events[i]);
        for (size_t i = 0; i < w->n_tallies; i++)
                tally_done(&w->tallies[i]);
        free(w->events);
        free(w->pubacks);
        free(w->receipts);
        free(w->latencies);
        log_capture_end(&w->log);
}

void world_restart(World *w)
{
        stop(w);
        world_start(w);
}

/* The old daemon goes on to its end on a disk that nobody will see, and nobody listens to what it says. */
static void start_again_on(World *w, FakeDisk *disk)
{
        w->ended = true;
        stop(w);
        fake_disk_free(w->disk);
        w->disk = disk;
        world_start(w);
}

void world_kill(World *w)
{
        start_again_on(w, fake_disk_copy(w->disk));
}

static void boot_again(World *w, FakeCut cut, uint64_t seed)
{
        FakeDisk *disk = fake_disk_after_cut(w->disk, w->disk->n_entries, cut, seed);

        w->ended = true;
        stop(w);
        w->clock.boot_usec = 20 * USEC_PER_SEC;
        for (size_t i = 0; i < w->n_sensors; i++)
                w->sensors[i].next_usec = w->clock.boot_usec + w->sensors[i].interval_usec;
        for (size_t i = 0; i < sizeof(disk->boot); i++)
                disk->boot[i] = (uint8_t)w->dice.random.draw(&w->dice);
        start_again_on(w, disk);
}

void world_cut_power(World *w, FakeCut cut, uint64_t seed)
{
        w->clock.wall_usec += 20 * USEC_PER_SEC;
        boot_again(w, cut, seed);
}

void world_cut_power_and_clock(World *w, FakeCut cut, uint64_t seed, usec_t shows_usec)
{
        w->clock.wall_usec = shows_usec;
        w->clock.is_synchronised = false;
        boot_again(w, cut, seed);
}

/* ---- readings ---- */

static int read_one(World *w, const char *stream, const char *sensor, double value)
{
        Channel channel = {strcmp(stream, "wind") == 0 ? "windSpeed" : "temperature",
                           {.kind = VALUE_NUMBER, .number = value}};
        Reading reading = {.sensor = sensor, .channels = &channel, .n_channels = 1};

        return w->sink.reading(w->sink.userdata, stream, &reading);
}

void world_read(World *w, const char *stream, const char *sensor, double value)
{
        if (read_one(w, stream, sensor, value) != 0)
                ck_abort_msg("a reading of %s is refused", sensor);
}

static void on_answer(void *userdata, const SubmitAnswer *a)
{
        World *w = userdata;

        if (w->ended)
                return;
        if (a->error != REQUEST_OK) {
                w->n_answers_failed++;
                return;
        }
        w->n_answered++;
        w->receipts = need_room(w->receipts, w->n_receipts, sizeof(*w->receipts));
        (void)snprintf(w->receipts[w->n_receipts].stream, sizeof(Name), "%s", a->stream);
        w->receipts[w->n_receipts++].n = a->last;
}

void world_submit(World *w, const char *stream, const char *sensor, double value)
{
        Channel channel = {"temperature", {.kind = VALUE_NUMBER, .number = value}};
        Reading reading = {.sensor = sensor, .channels = &channel, .n_channels = 1};

        w->intake.submit(w->intake.userdata, &reading, 1, stream, on_answer, w);
}

void world_add_sensor(World *w, const char *name, const char *stream, usec_t interval_usec)
{
        WorldSensor *s = &w->sensors[w->n_sensors++];

        ck_assert_uint_le(w->n_sensors, WORLD_SENSORS_MAX);
        (void)snprintf(s->name, sizeof(s->name), "%s", name);
        (void)snprintf(s->stream, sizeof(s->stream), "%s", stream);
        s->interval_usec = interval_usec;
        s->next_usec = (w->clock.boot_usec / interval_usec + 1) * interval_usec;
}

/* A refusal is the collector's to count. */
static bool read_sensors(World *w)
{
        bool any = false;

        for (size_t i = 0; i < w->n_sensors; i++) {
                WorldSensor *s = &w->sensors[i];

                if (w->clock.boot_usec < s->next_usec)
                        continue;
                (void)read_one(w, s->stream, s->name, (double)(w->dice.random.draw(&w->dice) % 10000) / 100);
                s->next_usec += s->interval_usec;
                any = true;
        }
        return any;
}

/* ---- time ---- */

static bool tick(World *w)
{
        bool any = false;

        for (size_t i = 0; i < w->n_tickers; i++) {
                const Ticker *t = &w->tickers[i];

                if (t->deadline(t->userdata) <= w->clock.boot_usec) {
                        t->tick(t->userdata, w->clock.boot_usec);
                        any = true;
                }
        }
        return any;
}

static bool run_disk(World *w)
{
        if (w->disk->held || fake_disk_is_idle(w->disk))
                return false;
        disk_dispatch(&w->disk->disk);
        w->n_completions++;
        return true;
}

static void settle_down(World *w)
{
        for (unsigned turn = 0;; turn++) {
                bool any = tick(w);

                any |= run_disk(w);
                any |= play_far_side(w);
                if (!any)
                        return;
                if (turn > 100000)
                        ck_abort_msg("the world turns without doing anything");
        }
}

static usec_t next_event(const World *w)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < w->n_tickers; i++)
                next = MIN(next, w->tickers[i].deadline(w->tickers[i].userdata));
        if (w->n_pubacks > 0 && w->far.connected && !w->withhold_pubacks)
                next = MIN(next, w->pubacks[0].due_usec);
        if (w->guest.start)
                next = MIN(next, w->guest.next(w->guest.userdata));
        return next;
}

static usec_t next_reading(const World *w)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < w->n_sensors; i++)
                next = MIN(next, w->sensors[i].next_usec);
        return next;
}

void world_run(World *w, usec_t usec)
{
        usec_t end = usec_add(w->clock.boot_usec, usec);

        for (;;) {
                usec_t event, reading, next;

                settle_down(w);
                event = next_event(w);
                reading = next_reading(w);
                next = MIN(event, reading);
                if (next > end)
                        break;
                if (next > w->clock.boot_usec)
                        fake_clock_advance(&w->clock, next - w->clock.boot_usec);
                if (!read_sensors(w))
                        w->n_wakeups++;
        }
        fake_clock_advance(&w->clock, end - w->clock.boot_usec);
        settle_down(w);
}

/* ---- questions ---- */

const Status *world_ask(World *w)
{
        return w->status.status(w->status.userdata);
}

const WorldTally *world_tally(const World *w, const char *stream)
{
        static const WorldTally none = {};

        for (size_t i = 0; i < w->n_tallies; i++)
                if (strcmp(w->tallies[i].stream, stream) == 0)
                        return &w->tallies[i];
        return &none;
}

Outcome world_outcome(const World *w, const char *stream, uint64_t n)
{
        const WorldTally *t = world_tally(w, stream);

        return n < t->n_counts && t->outcomes[n] > 0 ? (Outcome)(t->outcomes[n] - 1) : _OUTCOME_INVALID;
}

uint64_t world_missing(const World *w, const char *stream, uint64_t last)
{
        const WorldTally *t = world_tally(w, stream);
        uint64_t missing = 0;

        for (uint64_t n = 1; n <= last; n++)
                missing += n >= t->n_counts || t->counts[n] == 0;
        return missing;
}

static int by_length(const void *a, const void *b)
{
        const usec_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

usec_t world_latency(World *w, unsigned percent)
{
        ck_assert_uint_gt(w->n_latencies, 0);
        qsort(w->latencies, w->n_latencies, sizeof(*w->latencies), by_length);
        return w->latencies[(w->n_latencies - 1) * percent / 100];
}

bool world_balances(World *w)
{
        const Status *s = world_ask(w);
        const Ledger *l = &s->ledger;

        return l->accepted == l->settled[OUTCOME_ACKNOWLEDGED] + ledger_waiting(l) + ledger_dropped(l) +
                                      ledger_dead_lettered(l) &&
               ledger_waiting(l) <= l->accepted && s->queue.records == ledger_waiting(l);
}

/* ---- its own weight ---- */

static size_t chunk(void *p)
{
        return p ? malloc_usable_size(p) + sizeof(size_t) : 0;
}

size_t world_memory(const World *w)
{
        size_t sum = fake_disk_memory(w->disk) + chunk(w->far.published) + chunk(w->far.filters) + chunk(w->events) +
                     chunk(w->pubacks) + chunk(w->receipts) + chunk(w->latencies);

        for (size_t i = 0; i < w->far.n_published; i++)
                sum += chunk(w->far.published[i].topic) + chunk(w->far.published[i].body.data);
        for (size_t i = 0; i < w->n_tallies; i++)
                sum += chunk(w->tallies[i].counts) + chunk(w->tallies[i].outcomes);
        return sum;
}
