/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Road - hublink's own way from a sample to the hub's acknowledgement, without the sensors
 *
 * The daemon's queue, collector, uplink and hub on a loop of their own, fed as fast as they take it. Every
 * sample is on disk before it is sent, and settled when its PUBACK came.
 *
 * usage: road one|packed QUEUE-DIRECTORY CONNECTION-STRING-FILE CA-FILE ADDRESS:PORT SAMPLES
 *        road queue QUEUE-DIRECTORY SAMPLES-A-COMMIT SAMPLES
 * Prints one JSON line (usage.h).
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "flow/collector.h"
#include "flow/uplink.h"
#include "hub/transport-mosquitto.h"
#include "sample.h"
#include "usage.h"

typedef struct Road {
        sd_event *event;
        Disk *disk;
        Queue *queue;
        Collector *collector;
        Hub *hub;
        Uplink *uplink;
        unsigned stream;
        uint64_t samples, appended, settled;
        uint64_t last;    /* number of the last sample in its stream */
        uint64_t commits; /* receipts of a commit's last sample */
        bool waiting;     /* for such a receipt */
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

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Road *road = userdata;

        if (error < 0) {
                (void)fprintf(stderr, "road: a commit failed: %s\n", strerror(-error));
                exit(1);
        }
        road->commits++;
        road->waiting = false;
}

static int on_disk(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        disk_dispatch(((Road *)userdata)->disk);
        return 0;
}

/* The plain publisher sends 200 bytes a sample: a reading that becomes about as many bytes of JSON. */
static void feed_reading(Road *road, const ReadingSink *sink)
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

        if (sink->reading(sink->userdata, STREAM_DEFAULT, &reading) == 0)
                road->appended++;
}

static void turn(Road *road, Ticker *tickers, size_t n_tickers)
{
        usec_t now = clock_boot(&clock_system), next = USEC_INFINITY;

        for (size_t i = 0; i < n_tickers; i++)
                if (tickers[i].deadline(tickers[i].userdata) <= now)
                        tickers[i].tick(tickers[i].userdata, now);
        for (size_t i = 0; i < n_tickers; i++)
                next = MIN(next, tickers[i].deadline(tickers[i].userdata));
        (void)sd_event_run(road->event, next == USEC_INFINITY ? UINT64_MAX : usec_sub(next, now));
}

static int open_queue(Road *road, const char *directory, usec_t commit_interval_usec)
{
        QueueSettings settings = {
                .directory = (char *)directory,
                .commit_interval_usec = commit_interval_usec,
                .max_bytes = 256 << 20,
                .segment_bytes = 4 << 20,
        };
        QueueSink sink = {on_readable, on_settled, on_changed, road};
        int r;

        r = disk_new(&road->disk);
        if (r < 0)
                return r;
        r = queue_open(&road->queue, &settings, road->disk, &clock_system_trusted, &random_system, &sink);
        if (r < 0)
                return r;
        r = queue_stream(road->queue, STREAM_DEFAULT, QUEUE_LANE_NORMAL, &road->stream);
        if (r < 0)
                return r;
        return sd_event_add_io(road->event, NULL, disk_fd(road->disk), POLLIN, on_disk, road);
}

static int run_queue(Road *road, const char *directory, uint64_t per_commit)
{
        Ticker ticker;
        Usage start;
        int r;

        /* The shortest interval: a commit begins when the last one has ended. */
        r = open_queue(road, directory, 1);
        if (r < 0)
                return r;
        ticker = queue_ticker(road->queue);
        start = usage_now();
        while (road->appended < road->samples) {
                QueueReceipt receipt = {on_receipt, road};
                char sample[SAMPLE_SIZE];

                if (road->waiting) {
                        turn(road, &ticker, 1);
                        continue;
                }
                for (uint64_t i = 1; i <= per_commit; i++) {
                        sample_write(sample, road->appended);
                        r = queue_append(road->queue, road->stream, QUEUE_KIND_READING, sample, sizeof(sample),
                                         i == per_commit ? &receipt : NULL, &road->last);
                        if (r != 0)
                                return r < 0 ? r : -EBUSY;
                        road->appended++;
                }
                /* what was sent a while ago is acknowledged by now: slots come free as in real life */
                if (road->last > KEEP_QUEUED)
                        queue_settle(road->queue, road->stream, queue_epoch(road->queue), 1,
                                     road->last - KEEP_QUEUED, OUTCOME_ACKNOWLEDGED);
                road->waiting = true;
        }
        while (road->waiting)
                turn(road, &ticker, 1);
        usage_print("queue", &start, road->appended, road->commits);
        road->queue = queue_close(road->queue, 10 * USEC_PER_SEC);
        return 0;
}

static int run_road(Road *road, bool packed, const char *directory, const char *cs_file, char *ca_file, char *address)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        StreamSettings stream = {
                .name = STREAM_DEFAULT,
                .format = packed ? STREAM_ARRAY : STREAM_OBJECT,
                .max_latency_usec = USEC_PER_SEC,
                .expire_after_usec = USEC_INFINITY,
        };
        HubSettings hub_settings = {
                .ca_file = ca_file,
                .address = address,
                .keepalive_usec = 4 * USEC_PER_MIN,
                .token_life_usec = USEC_PER_HOUR,
                .window = 16,
                .backoff_first_usec = USEC_PER_SEC,
                .backoff_max_usec = 5 * USEC_PER_MIN,
        };
        HubSink hub_sink = {on_ready, on_delivered, on_lost, on_changed, road};
        UplinkSettings uplink_settings = {.window = 16};
        Transport *transport;
        const char *error;
        ReadingSink sink;
        Ticker tickers[3];
        Usage start;
        char text[1024] = "";
        FILE *f;
        int r;

        f = fopen(cs_file, "re");
        if (!f || !fgets(text, sizeof(text), f) || connection_string_parse(text, &cs, &error) < 0)
                return -EINVAL;
        (void)fclose(f);
        uplink_settings.device_id = cs->device_id;
        r = open_queue(road, directory, 100 * USEC_PER_MSEC);
        if (r < 0)
                return r;
        if ((r = collector_new(&road->collector, road->queue, &clock_system_trusted)) < 0 ||
            (r = collector_configure(road->collector, &stream, 1)) < 0 ||
            (r = transport_mosquitto_new(&transport, road->event)) < 0 ||
            (r = hub_new(&road->hub, &hub_settings, cs, transport, &clock_system_trusted, &random_system,
                         &hub_sink)) < 0 ||
            (r = uplink_new(&road->uplink, road->queue, road->hub, &clock_system_trusted, on_changed, road)) < 0 ||
            (r = uplink_configure(road->uplink, &uplink_settings, &stream, 1)) < 0)
                return r;
        tickers[0] = queue_ticker(road->queue);
        tickers[1] = hub_ticker(road->hub);
        tickers[2] = uplink_ticker(road->uplink);
        sink = collector_reading_sink(road->collector, NULL, NULL);
        hub_start(road->hub);
        while (!hub_is_ready(road->hub))
                turn(road, tickers, ARRAY_SIZE(tickers));

        start = usage_now();
        while (road->settled < road->samples) {
                while (road->appended < road->samples && road->appended - road->settled < KEEP_QUEUED &&
                       sink.ready(sink.userdata)) {
                        uint64_t before = road->appended;

                        feed_reading(road, &sink);
                        if (road->appended == before)
                                break;
                }
                turn(road, tickers, ARRAY_SIZE(tickers));
        }
        usage_print(packed ? "packed" : "one", &start, road->settled, 0);
        hub_stop(road->hub);
        road->queue = queue_close(road->queue, 10 * USEC_PER_SEC);
        road->uplink = uplink_free(road->uplink);
        road->hub = hub_free(road->hub);
        road->collector = collector_free(road->collector);
        return 0;
}

int main(int argc, char **argv)
{
        Road road = {};
        int r;

        log_configure(&(LogSettings){.level = LOG_WARNING});
        if (argc < 5 || sd_event_new(&road.event) < 0)
                return 2;
        road.samples = strtoull(argv[argc - 1], NULL, 10);
        if (argc == 5 && strcmp(argv[1], "queue") == 0)
                r = run_queue(&road, argv[2], strtoull(argv[3], NULL, 10));
        else if (argc == 7)
                r = run_road(&road, strcmp(argv[1], "packed") == 0, argv[2], argv[3], argv[4], argv[5]);
        else
                return 2;
        if (r < 0)
                (void)fprintf(stderr, "road: %s\n", strerror(-r));
        disk_free(road.disk);
        sd_event_unref(road.event);
        return r < 0;
}
