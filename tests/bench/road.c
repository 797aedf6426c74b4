/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Road - hublink's own way from a sample to the hub's acknowledgement, without the sensors
 *
 * The daemon's queue, collector, uplink and hub on a loop of their own, fed as fast as they take it. Every
 * sample is on disk before it is sent, and settled when its PUBACK came.
 *
 * usage: road one|packed QUEUE-DIRECTORY CONNECTION-STRING-FILE CA-FILE ADDRESS:PORT SAMPLES
 *        road fill QUEUE-DIRECTORY SAMPLES      into the queue only: a backlog
 *        road drain-one|drain-packed QUEUE-DIRECTORY CONNECTION-STRING-FILE CA-FILE ADDRESS:PORT SAMPLES
 *                                               a backlog of so many
 * Prints one JSON line (usage.h).
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/heap.h"
#include "base/log.h"
#include "flow/collector.h"
#include "flow/uplink.h"
#include "hub/transport-mosquitto.h"
#include "loop.h"
#include "sample.h"
#include "usage.h"

#define WINDOW 16

typedef struct Road {
        Loop loop;
        Collector *collector;
        Hub *hub;
        Uplink *uplink;
        ReadingSink sink;
        StreamSettings stream;
        uint64_t samples, appended, settled;
} Road;

static void on_readable(void *userdata)
{
        Road *road = userdata;

        if (road->uplink)
                uplink_readable(road->uplink);
}

static void on_settled(void *userdata, const Settled *settled)
{
        Road *road = userdata;

        if (settled->outcome == OUTCOME_ACKNOWLEDGED)
                road->settled += settled->last - settled->first + 1;
}

static void on_changed(void *userdata)
{
}

static void on_ready(void *userdata)
{
        uplink_ready(((Road *)userdata)->uplink);
}

static void on_delivered(void *userdata, uint64_t ticket)
{
        uplink_delivered(((Road *)userdata)->uplink, ticket);
}

static void on_lost(void *userdata)
{
        uplink_lost(((Road *)userdata)->uplink);
}

/* The plain publisher sends 200 bytes a sample: a reading that becomes about as many bytes of JSON. */
static bool feed_reading(Road *road)
{
        static const char note[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                   "xxxx";
        uint64_t n = road->appended;
        Channel channels[] = {
                {"temperature", {VALUE_NUMBER, {.number = 20 + (double)(n % 500) / 100}}},
                {"pressure", {VALUE_NUMBER, {.number = 1000 + (double)(n % 300) / 10}}},
                {"number", {VALUE_INTEGER, {.integer = (int64_t)n}}},
                {"note", {VALUE_TEXT, {.text = note}}},
        };
        Reading reading = {.sensor = "bench", .channels = channels, .n_channels = ARRAY_SIZE(channels)};

        if (road->sink.reading(road->sink.userdata, LOOP_STREAM, &reading) != 0)
                return false;
        road->appended++;
        return true;
}

/* ---- the parts ---- */

static int open_road(Road *road, bool packed, const char *directory)
{
        QueueSink sink = {.readable = on_readable, .settled = on_settled, .changed = on_changed, .userdata = road};
        int r;

        road->stream = (StreamSettings){
                .name = LOOP_STREAM,
                .format = packed ? STREAM_ARRAY : STREAM_OBJECT,
                .max_latency_usec = USEC_PER_SEC,
                .expire_after_usec = USEC_INFINITY,
        };
        if ((r = loop_open(&road->loop, directory, 100 * USEC_PER_MSEC, &sink)) < 0 ||
            (r = collector_new(&road->collector, road->loop.queue, &clock_system_trusted)) < 0 ||
            (r = collector_configure(road->collector, &road->stream, 1)) < 0)
                return r;
        road->sink = collector_reading_sink(road->collector, NULL, NULL);
        return 0;
}

static int read_credential(const char *path, ConnectionString **ret)
{
        char text[1024] = "";
        const char *error;
        FILE *f = fopen(path, "re");
        int r;

        if (!f)
                return -errno;
        r = fgets(text, sizeof(text), f) ? connection_string_parse(text, ret, &error) : -EINVAL;
        (void)fclose(f);
        return r;
}

/* argv: CONNECTION-STRING-FILE CA-FILE ADDRESS:PORT. Returns when the link is ready. */
static int open_hub(Road *road, char **argv)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        HubSettings settings = {
                .ca_file = argv[1],
                .address = argv[2],
                .keepalive_usec = 4 * USEC_PER_MIN,
                .token_life_usec = USEC_PER_HOUR,
                .window = WINDOW,
                .backoff_first_usec = USEC_PER_SEC,
                .backoff_max_usec = 5 * USEC_PER_MIN,
        };
        HubSink sink = {on_ready, on_delivered, on_lost, on_changed, road};
        UplinkSettings uplink_settings = {.window = WINDOW};
        Transport *transport;
        int r;

        if ((r = read_credential(argv[0], &cs)) < 0)
                return r;
        uplink_settings.device_id = cs->device_id;
        if ((r = transport_mosquitto_new(&transport, road->loop.event)) < 0 ||
            (r = hub_new(&road->hub, &settings, cs, transport, &clock_system_trusted, &random_system, &sink, NULL)) < 0 ||
            (r = uplink_new(&road->uplink, road->loop.queue, road->hub, &clock_system_trusted, on_changed, road)) < 0 ||
            (r = uplink_configure(road->uplink, &uplink_settings, &road->stream, 1)) < 0)
                return r;
        loop_add(&road->loop, hub_ticker(road->hub));
        loop_add(&road->loop, uplink_ticker(road->uplink));
        hub_start(road->hub);
        while (!hub_is_ready(road->hub))
                loop_turn(&road->loop);
        return 0;
}

static void close_road(Road *road)
{
        if (road->hub)
                hub_stop(road->hub);
        if (road->loop.queue)
                road->loop.queue = queue_close(road->loop.queue, 10 * USEC_PER_SEC);
        road->uplink = uplink_free(road->uplink);
        road->hub = hub_free(road->hub);
        road->collector = collector_free(road->collector);
        loop_close(&road->loop);
}

/* ---- what is measured ---- */

static void feed(Road *road, uint64_t keep_queued)
{
        while (road->appended < road->samples && road->appended - road->settled < keep_queued &&
               road->sink.ready(road->sink.userdata) && feed_reading(road))
                ;
}

static void run_live(Road *road, const char *what)
{
        Usage start = usage_now();

        while (road->settled < road->samples) {
                feed(road, KEEP_QUEUED);
                loop_turn(&road->loop);
        }
        usage_print(what, &start, road->settled, 0);
}

static void run_fill(Road *road)
{
        QueueStatus status = {};
        Usage start = usage_now();

        while (road->appended < road->samples) {
                feed(road, UINT64_MAX);
                loop_turn(&road->loop);
        }
        while (queue_status(road->loop.queue, &status), status.records < road->samples)
                loop_turn(&road->loop);
        usage_print("fill", &start, road->appended, 0);
}

static void run_drain(Road *road)
{
        Usage start = usage_now();

        while (road->settled < road->samples)
                loop_turn(&road->loop);
        usage_print("drain", &start, road->settled, 0);
}

int main(int argc, char **argv)
{
        Road road = {};
        const char *what;
        bool fill;
        int r;

        heap_keep();
        log_configure(&(LogSettings){.level = LOG_WARNING});
        if (argc != 4 && argc != 7)
                return 2;
        what = argv[1];
        fill = strcmp(what, "fill") == 0;
        if (fill != (argc == 4))
                return 2;
        road.samples = strtoull(argv[argc - 1], NULL, 10);
        r = open_road(&road, strstr(what, "packed"), argv[2]);
        if (r == 0 && !fill)
                r = open_hub(&road, argv + 3);
        if (r < 0)
                (void)fprintf(stderr, "road: %s\n", strerror(-r));
        else if (fill)
                run_fill(&road);
        else if (strncmp(what, "drain", 5) == 0)
                run_drain(&road);
        else
                run_live(&road, what);
        close_road(&road);
        return r < 0;
}
