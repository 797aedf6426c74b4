/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * World - the way up, whole, in virtual time
 *
 * Queue, hub, collector, uplink, dead letters and monitor wired as the daemon wires them, between a clock that is a
 * variable, a disk in memory and a hub that the test plays. world_run() sleeps as the daemon's loop does: it takes
 * the least deadline, moves the clock there, ticks, and counts the wake-up.
 *
 * The far side parses what arrives, as a consumer would, and counts each number of each stream.
 */

#include "fake-clock.h"
#include "fake-disk.h"
#include "fake-transport.h"
#include "flow/dead-letters.h"
#include "flow/orders.h"
#include "flow/monitor.h"
#include "log-capture.h"

#define WORLD_SENSORS_MAX 32

/* One message, as the far side got it. */
typedef struct WorldEvent {
        Name stream;
        uint64_t epoch, first, last; /* by `hl`, else by `$.mid` */
        char *id, *correlation_id, *content_type, *content_encoding, *created, *property; /* or NULL; "Property" */
        bool backfill;
        char *body;
        size_t size; /* what the hub bills */
        usec_t at;   /* boot clock */
} WorldEvent;

/* What arrived of one stream, by number. */
typedef struct WorldTally {
        Name stream;
        uint8_t *counts;   /* saturating */
        uint8_t *outcomes; /* with keep_outcomes: what was told of it last, + 1; 0: nothing */
        size_t n_counts;   /* of each */
} WorldTally;

typedef struct WorldSensor {
        Name name, stream;
        usec_t interval_usec, next_usec;
} WorldSensor;

/* One machine more, with what it talks to on the far side. */
typedef struct WorldGuest {
        Ticker (*start)(void *userdata); /* the daemon starts; NULL: there is no guest */
        void (*stop)(void *userdata);
        void (*changed)(void *userdata); /* what the hub tells of itself */
        bool (*play)(void *userdata);    /* whatever the far side has to do now; true: it did something */
        usec_t (*next)(void *userdata);  /* when it has more to do */
        void *userdata;
} WorldGuest;

typedef struct World {
        FakeClock clock;
        FakeRandom dice, dead_dice; /* what the dead letters draw does not change the walk of the others */
        FakeDisk *disk;
        FakeTransport far;
        LogCapture log;

        QueueSettings queue_settings;
        HubSettings hub_settings;
        UplinkSettings uplink_settings;
        const StreamSettings *streams;
        size_t n_streams;

        Queue *queue;
        Hub *hub;
        Collector *collector;
        Uplink *uplink;
        DeadLetters *dead;
        Monitor *monitor;
        ReadingSink sink;
        Intake intake;
        StatusSource status;
        Orders orders; /* who obeys them: to be added to before world_start() */
        bool with_inbox; /* to be set before world_start(): cloud messages go there */
        InboxSettings inbox_settings;
        Inbox *inbox;
        Audit *audit; /* of all lives */
        WorldGuest guest; /* to be set before world_start() */
        Ticker tickers[6];
        size_t n_tickers;

        WorldSensor sensors[WORLD_SENSORS_MAX];
        size_t n_sensors;

        /* to be set by the test */
        bool link_up;              /* world_link() also cuts */
        bool withhold_pubacks;
        usec_t puback_delay_usec;
        const char *poison;        /* instead of a PUBACK for a message with it in its body the link breaks; or NULL */
        unsigned break_at;         /* instead of the so many-eth PUBACK of a link it breaks; 0: never */
        bool lossy;                /* what is not acknowledged when the link goes may not have arrived */
        bool forget_events;        /* count only: for long runs */
        bool keep_outcomes;        /* for world_outcome() */
        bool keep_latencies;       /* for world_latency() */

        /* what happened */
        bool ended;                /* the machine is gone: nothing it says counts any more */
        WorldEvent *events;
        size_t n_events;
        WorldTally tallies[QUEUE_STREAMS_MAX];
        size_t n_tallies;
        uint64_t n_arrived, n_duplicates, n_units;
        uint64_t n_backfilled;     /* messages with that mark */
        usec_t *latencies;         /* of readings in messages without it, from capture to arrival */
        size_t n_latencies;
        size_t n_published;        /* of far.published, those that were looked at */
        struct {
                uint64_t generation;
                int mid;
                usec_t due_usec;
                size_t i;      /* in far.published */
                bool on_wire;  /* not there yet: arrives with its PUBACK, or never */
        } *pubacks;
        size_t n_pubacks;
        unsigned n_given;          /* PUBACKs on this link */
        unsigned n_links;
        size_t most_in_flight;
        size_t most_bytes_in_flight;
        uint64_t n_wakeups;        /* besides those of sensors that were due */
        uint64_t n_completions;    /* of the disk */
        uint64_t n_settled[_OUTCOME_MAX];

        /* of world_submit(): per stream of the tally, the greatest number that was answered */
        uint64_t n_answered, n_answers_failed;
        struct {
                Name stream;
                uint64_t n;
        } *receipts;
        size_t n_receipts;
} World;

/* Three streams: telemetry (array, 10 s), alarms (urgent, array, at once), wind (the tutorial's). */
extern const StreamSettings world_streams[3];

void world_init(World *w);  /* with world_streams and usual settings; change them before world_start() */
void world_start(World *w); /* the daemon starts */
void world_done(World *w);

void world_run(World *w, usec_t usec);

void world_link(World *w, bool up);
void world_read(World *w, const char *stream, const char *sensor, double value);
void world_add_sensor(World *w, const char *name, const char *stream, usec_t interval_usec);
void world_submit(World *w, const char *stream, const char *sensor, double value);

void world_restart(World *w);                                /* stopped, and started again */
void world_kill(World *w);                                   /* kill -9, and started again */
void world_cut_power(World *w, FakeCut cut, uint64_t seed);  /* the machine boots again 20 s later */
/* Its clock has lost the time: it shows something that nobody vouches for. */
void world_cut_power_and_clock(World *w, FakeCut cut, uint64_t seed, usec_t shows_usec);

const Status *world_ask(World *w);
const WorldTally *world_tally(const World *w, const char *stream);
Outcome world_outcome(const World *w, const char *stream, uint64_t n); /* as told last; _OUTCOME_INVALID: never */
uint64_t world_missing(const World *w, const char *stream, uint64_t last); /* of 1 .. last */
usec_t world_latency(World *w, unsigned percent); /* so many of the readings that were news arrived sooner */
bool world_balances(World *w); /* every stream's ledger, and what the queue says it holds */
size_t world_memory(const World *w); /* what the test's end of it takes of the heap: no part of the program's own */
