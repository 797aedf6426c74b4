/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How it works
 *
 * Whoever feeds the uplink only leaves a note; the work is done in its tick, and so never within a call of the
 * queue or the hub. While the link is ready, a loader per lane, urgent first, reads records and makes messages
 * of them; a message flies in the window until the hub has acknowledged it. Without a link nothing is read: the
 * records wait on disk, where the queue may still choose among them.
 *
 * Memory: the window (512 KiB at most) and the loaders' open packs. It does not grow with the backlog.
 *
 * Expiry: a record that was never sent is dropped when it is older than its stream's expire_after; a pack when
 * its youngest reading is. What was sent once is never dropped so, even if the link was lost and no PUBACK can
 * come any more: the hub may have it, and "dropped" would be a lie. It is sent again until its fate is known;
 * that is at most one window of messages.
 */

#include "flow/uplink.h"

#include <errno.h>
#include <string.h>

#include "flow/loader.h"
#include "flow/window.h"

/* After want of memory. */
#define RETRY_INTERVAL USEC_PER_SEC
/* Looking for what has expired while the link is down. */
#define EXPIRY_INTERVAL USEC_PER_SEC

typedef struct Flush {
        DoneFn done;
        void *userdata;
        usec_t at; /* boot clock: what was appended up to then is meant */
} Flush;

struct Uplink {
        Queue *queue;
        Hub *hub;
        const Clock *clock;
        void (*changed)(void *userdata);
        void *userdata;

        Formats formats;
        Losses losses;
        Trust trust;
        LoaderPeers peers;
        Loader loaders[_QUEUE_LANE_MAX];
        Window window;
        Flush *flushes; /* in the order of the calls */
        size_t n_flushes;

        bool wanted;              /* a note was left: work at the next tick */
        usec_t retry_at;          /* boot clock; USEC_INFINITY: nothing failed */
        usec_t expiry_at;         /* boot clock: the next look for what has expired */
        usec_t last_acknowledged; /* wall clock */
};

/* Urgent first. */
static const QueueLane lane_order[_QUEUE_LANE_MAX] = {QUEUE_LANE_URGENT, QUEUE_LANE_NORMAL};

static void note(Uplink *u)
{
        u->wanted = true;
}

static void tell_changed(Uplink *u)
{
        if (u->changed)
                u->changed(u->userdata);
}

static void retry_later(void *userdata, usec_t now)
{
        Uplink *u = userdata;

        u->retry_at = usec_add(now, RETRY_INTERVAL);
}

/* ---- sending ---- */

/* False: the link takes no more at present. */
static bool fly(Uplink *u, Flight *flight, usec_t now)
{
        int r = hub_send(u->hub, flight->message, flight->ticket);

        switch (r) {
        case 0:
                flight->in_air = flight->was_sent = true;
                return true;
        case HUB_E_TOO_LARGE:
        case HUB_E_BAD_PROPERTY:
                /* A pack is bounded far below the hub's limit, and its properties come from the settings: what is
                 * refused of it would be refused of each of its records alone. There is nothing to split. */
                losses_set_aside(&u->losses, flight->stream, flight->message,
                                 r == HUB_E_TOO_LARGE ? OUTCOME_TOO_LARGE : OUTCOME_BAD_PROPERTY, now);
                window_remove(&u->window, flight);
                return true;
        case HUB_E_NOT_READY:
                return false;
        default:
                retry_later(u, now);
                return false;
        }
}

static bool flight_has_expired(const Flight *flight, usec_t now)
{
        return !flight->was_sent && now >= flight->expires_usec;
}

/* Those that are on the ground, in their order. False: some had to stay there. */
static bool fly_grounded(Uplink *u, usec_t now)
{
        Flight *flight;

        while ((flight = window_first_grounded(&u->window))) {
                const Message *m = flight->message;

                if (flight_has_expired(flight, now)) {
                        losses_expired(&u->losses, flight->stream, m->epoch, m->first, m->last, now);
                        window_remove(&u->window, flight);
                } else if (!fly(u, flight, now))
                        return false;
        }
        return true;
}

/* New messages never overtake one that is on the ground. */
static bool has_room(void *userdata, QueueLane lane, size_t size)
{
        Uplink *u = userdata;

        return !window_first_grounded(&u->window) && window_has_room(&u->window, lane, size);
}

static void launch(void *userdata, QueueLane lane, unsigned stream, Message *message, usec_t appended, usec_t expires,
                   usec_t now)
{
        Uplink *u = userdata;

        (void)fly(u, window_add(&u->window, lane, stream, message, appended, expires), now);
        tell_changed(u);
}

/* ---- flush ---- */

static void end_flushes(Uplink *u, const char *why)
{
        while (u->n_flushes > 0) {
                Flush flush = u->flushes[--u->n_flushes];

                flush.done(flush.userdata, REQUEST_NOT_CONNECTED, why);
        }
}

/* What was appended up to then leaves at once. */
static usec_t flush_until(const Uplink *u)
{
        return u->n_flushes > 0 ? u->flushes[u->n_flushes - 1].at : LOADER_NO_FLUSH;
}

/* It is in none of the places where it could still be. What comes after it does not count, however much it is. */
static bool flush_is_done(const Uplink *u, const Flush *flush)
{
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                if (!loader_is_past(&u->loaders[lane], flush->at))
                        return false;
        return window_is_past(&u->window, flush->at);
}

static void step_flushes(Uplink *u)
{
        for (size_t i = 0; i < u->n_flushes;) {
                Flush flush = u->flushes[i];

                if (!flush_is_done(u, &flush)) {
                        i++;
                        continue;
                }
                memmove(&u->flushes[i], &u->flushes[i + 1], (--u->n_flushes - i) * sizeof(flush));
                flush.done(flush.userdata, REQUEST_OK, NULL);
        }
}

void uplink_flush(Uplink *u, DoneFn done, void *done_userdata)
{
        Flush *more;

        if (!hub_is_ready(u->hub)) {
                done(done_userdata, REQUEST_NOT_CONNECTED, "there is no connection to the hub");
                return;
        }
        more = reallocarray(u->flushes, u->n_flushes + 1, sizeof(*more));
        if (!more) {
                done(done_userdata, REQUEST_BUSY, "out of memory");
                return;
        }
        u->flushes = more;
        u->flushes[u->n_flushes++] = (Flush){done, done_userdata, clock_boot(u->clock)};
        note(u);
}

/* ---- life ---- */

int uplink_new(Uplink **ret, Queue *queue, Hub *hub, const Clock *clock, void (*changed)(void *userdata),
               void *userdata)
{
        Uplink *u = calloc(1, sizeof(*u));

        if (!u || window_configure(&u->window, 1) < 0) {
                free(u);
                return -ENOMEM;
        }
        u->queue = queue;
        u->hub = hub;
        u->clock = clock;
        u->changed = changed;
        u->userdata = userdata;
        u->formats = (Formats){.queue = queue};
        u->losses = (Losses){.queue = queue};
        u->retry_at = USEC_INFINITY;
        u->expiry_at = USEC_INFINITY;
        u->peers = (LoaderPeers){queue, clock, &u->formats, &u->losses, &u->trust, has_room, launch, retry_later, u};
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                loader_init(&u->loaders[lane], (QueueLane)lane, &u->peers);
        *ret = u;
        return 0;
}

Uplink *uplink_free(Uplink *u)
{
        if (!u)
                return NULL;
        end_flushes(u, "the daemon is stopping");
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                loader_done(&u->loaders[lane]);
        formats_done(&u->formats);
        window_done(&u->window);
        free(u->flushes);
        free(u);
        return NULL;
}

int uplink_configure(Uplink *u, const UplinkSettings *settings, const StreamSettings *streams, size_t n_streams)
{
        int r = formats_configure(&u->formats, settings, streams, n_streams);

        if (r >= 0)
                r = window_configure(&u->window, settings->window);
        note(u);
        return r;
}

/* ---- time ---- */

static void expire(Uplink *u, usec_t now)
{
        u->expiry_at = USEC_INFINITY;
        if (!u->formats.may_expire)
                return;
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                u->expiry_at = MIN(u->expiry_at, loader_expire(&u->loaders[lane], now));
        if (u->expiry_at != USEC_INFINITY)
                u->expiry_at = MAX(u->expiry_at, usec_add(now, EXPIRY_INTERVAL));
}

static void work(Uplink *u, usec_t now)
{
        u->wanted = false;
        u->retry_at = USEC_INFINITY;
        if (!hub_is_ready(u->hub)) {
                expire(u, now);
                return;
        }
        (void)fly_grounded(u, now);
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                loader_pump(&u->loaders[lane_order[i]], flush_until(u), now);
        step_flushes(u);
}

static usec_t deadline(void *userdata)
{
        const Uplink *u = userdata;
        usec_t next = USEC_INFINITY;

        if (u->wanted)
                return 0;
        if (!hub_is_ready(u->hub))
                return u->expiry_at;
        if (u->retry_at != USEC_INFINITY)
                return u->retry_at; /* what is due by now is what could not be done */
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                next = MIN(next, loader_due(&u->loaders[lane]));
        return next;
}

static void tick(void *userdata, usec_t now)
{
        Uplink *u = userdata;

        if (now >= deadline(u))
                work(u, now);
}

Ticker uplink_ticker(Uplink *u)
{
        return (Ticker){"uplink", deadline, tick, u};
}

/* ---- fed by queue and hub ---- */

void uplink_readable(Uplink *u)
{
        note(u);
}

void uplink_ready(Uplink *u)
{
        u->expiry_at = USEC_INFINITY;
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                loader_ready(&u->loaders[lane], clock_boot(u->clock));
        note(u);
}

void uplink_delivered(Uplink *u, uint64_t ticket)
{
        Flight *flight = window_find(&u->window, ticket);
        const Message *m;

        if (!flight)
                return;
        m = flight->message;
        queue_settle(u->queue, flight->stream, m->epoch, m->first, m->last, OUTCOME_ACKNOWLEDGED);
        window_remove(&u->window, flight);
        u->last_acknowledged = clock_wall(u->clock);
        note(u);
        tell_changed(u);
}

/* Sealed messages stay as they are. */
void uplink_lost(Uplink *u)
{
        window_ground(&u->window);
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                loader_lost(&u->loaders[lane]);
        end_flushes(u, "the connection to the hub was lost");
        note(u);
}

/* ---- questions ---- */

unsigned uplink_in_flight(const Uplink *u)
{
        return (unsigned)u->window.n_flights;
}

usec_t uplink_last_acknowledged(const Uplink *u)
{
        return u->last_acknowledged;
}
