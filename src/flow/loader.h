/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Loader - one lane's records on their way into messages: its news, or its backlog
 *
 * Reads its source as long as there is a place for what its records become. A reading of an array stream goes into
 * its stream's open pack, which is sealed when it is full, when its whole units are and nothing more is to be
 * read, or when it is due. All else is a message at once. What comes from the backlog is marked, and what was left
 * open when the link went.
 *
 * Owns:   the open packs: at most PACKER_SIZE_MAX bytes a stream (or one giant reading), whatever the backlog.
 * Knows:  the queue, as its one reader of this lane and source; nothing of the hub.
 * Time:   boot clock. A record of an earlier boot was appended before all that this clock can tell.
 */

#include "flow/flushes.h"
#include "flow/formats.h"
#include "flow/losses.h"
#include "flow/packer.h"
#include "flow/window.h"

/* What a loader is given at birth. */
typedef struct LoaderPeers {
        Queue *queue;
        const Clock *clock;
        Formats *formats;
        Losses *losses;

        /* As queue_peek() and queue_advance(). */
        int (*peek)(void *userdata, QueueLane lane, QueueSource source, QueueRecord *ret);
        void (*advance)(void *userdata, QueueLane lane, QueueSource source);
        bool is_sent_before; /* what comes from there may be with the hub: it does not expire */
        bool (*has_room)(void *userdata, QueueLane lane, QueueSource source, size_t size);
        void (*launch)(void *userdata, const Flight *flight, usec_t now); /* takes the message; there was room */
        void (*no_memory)(void *userdata, usec_t now); /* try again a little later */
        void *userdata;
} LoaderPeers;

typedef enum LoaderState {
        LOADER_GIVING,  /* there may be more */
        LOADER_EMPTY,   /* nothing durable is left */
        LOADER_WAITING, /* being read from the disk */
        LOADER_BLOCKED, /* there is no place for what comes next */
} LoaderState;

/* The readings of one stream that wait for company. */
typedef struct OpenPack {
        Packer packer;
        bool backfill;
} OpenPack;

typedef struct Loader {
        const LoaderPeers *peers;
        QueueLane lane;
        QueueSource source;
        LoaderState state;
        usec_t reached_usec;                /* boot clock: when the record read last was appended */
        unsigned n_expired;                 /* in this step */
        OpenPack *packs[QUEUE_STREAMS_MAX]; /* by stream; NULL until it is needed */
} Loader;

void loader_init(Loader *l, QueueLane lane, QueueSource source, const LoaderPeers *peers);
void loader_done(Loader *l);

/* Reads, packs, launches. What was appended up to flush_until is sealed also when it is not due, once all of it
 * has been read. LOADER_GIVING afterwards: so many had expired that it wants another step. */
void loader_pump(Loader *l, usec_t flush_until, usec_t now);
/* When the first pack falls due that could also go. */
usec_t loader_due(const Loader *l);
/* Nothing is in an open pack. */
bool loader_is_empty(const Loader *l);
/* Of what is durable, nothing that was appended up to then is unread or in an open pack. */
bool loader_is_past(const Loader *l, usec_t appended_usec);

/* Without a link: drops what has expired of the open packs and at the front of the lane; the rest expires when
 * it is read. Returns when the next will; now: this was one step of several. */
usec_t loader_expire(Loader *l, usec_t now);

void loader_lost(Loader *l); /* what is still open now waits through an outage */
/* The link is back: what the news had left open may fill up with what waited meanwhile. */
void loader_hand_over(Loader *news, Loader *backlog, usec_t now);
