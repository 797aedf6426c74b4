/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How it works
 *
 * Whoever feeds the uplink only leaves a note; the work is done in its tick, and so never within a call of the
 * queue or the hub. While the link is ready, loaders read records and make messages of them, one for each lane's
 * news and one for its backlog; a message flies in the window until the hub has acknowledged it. Without a link
 * nothing is read: the records wait on disk, where the queue may still choose among them. Each time the link comes
 * back the queue is split: what waited is backlog, and what comes from then on are news.
 *
 * Memory: the window (512 KiB at most, and while one flies at a time a witness beside it: 256 KiB) and the loaders'
 * open packs. It does not grow with the backlog.
 *
 * Poison: while a message is suspected of breaking the link, one flies at a time, the new ones before those that wait:
 * they are the best witnesses. What is condemned goes to the inquest.
 *
 * Expiry: a record that was never sent is dropped when it is older than its stream's expire_after; a pack when
 * its youngest reading is. What was sent once is never dropped so, even if the link was lost and no PUBACK can
 * come any more: the hub may have it, and "dropped" would be a lie. It is sent again until its fate is known;
 * that is at most one window of messages.
 */

#include "flow/uplink.h"

#include <errno.h>
#include <string.h>

#include "flow/flushes.h"
#include "flow/inquest.h"
#include "flow/loader.h"
#include "flow/tower.h"

/* After want of memory. */
#define RETRY_INTERVAL USEC_PER_SEC
/* Looking for what has expired while the link is down. */
#define EXPIRY_INTERVAL USEC_PER_SEC

/* Urgent before normal, and of each what is new before what has waited: it has time. */
static const struct {
        QueueLane lane;
        QueueSource source;
} turns[] = {
        {QUEUE_LANE_URGENT, QUEUE_NEWS},
        {QUEUE_LANE_URGENT, QUEUE_BACKLOG},
        {QUEUE_LANE_NORMAL, QUEUE_NEWS},
        {QUEUE_LANE_NORMAL, QUEUE_BACKLOG},
};

#define LOADERS ARRAY_SIZE(turns)

struct Uplink {
        Queue *queue;
        Hub *hub;
        const Clock *clock;
        void (*changed)(void *userdata);
        void *userdata;
        bool (*holds)(void *userdata, unsigned stream, uint64_t n);
        void *holds_userdata;

        Formats formats;
        Losses losses;
        LoaderPeers peers;
        Loader loaders[LOADERS]; /* in the order in which they take their turns */
        Tower tower;
        Inquest inquest;
        size_t turn; /* while one message flies at a time: whose it is */
        Flushes flushes;

        bool wanted;              /* a note was left: work at the next tick */
        usec_t worked_at;         /* boot clock: the last time */
        usec_t retry_at;          /* boot clock; USEC_INFINITY: nothing failed */
        usec_t expiry_at;         /* boot clock: the next look for what has expired */
        usec_t last_acknowledged; /* wall clock */
        UplinkTraffic traffic;
};

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
                u->traffic.messages++;
                u->traffic.bytes += message_size(flight->message);
                tower_sent(&u->tower, flight, now);
                return true;
        case HUB_E_TOO_LARGE:
        case HUB_E_BAD_PROPERTY:
                /* A pack is bounded far below the hub's limit, and its properties come from the settings: what is
                 * refused of it would be refused of each of its records alone. There is nothing to split. */
                inquest_set_aside(&u->inquest, flight,
                                  r == HUB_E_TOO_LARGE ? OUTCOME_TOO_LARGE : OUTCOME_BAD_PROPERTY, now);
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

/* Those that are on the ground, in their order. */
static void fly_grounded(Uplink *u, usec_t now)
{
        Flight *flight;

        while ((flight = tower_next(&u->tower))) {
                const Message *m = flight->message;

                if (flight_has_expired(flight, now)) {
                        losses_expired(&u->losses, flight->stream, m->epoch, m->first, m->last, now);
                        tower_remove(&u->tower, flight);
                } else if (!fly(u, flight, now))
                        return;
        }
}

static int peek(void *userdata, QueueLane lane, QueueSource source, QueueRecord *ret)
{
        Uplink *u = userdata;
        int r = queue_peek(u->queue, lane, source, ret);

        if (r == 0 && u->holds && u->holds(u->holds_userdata, ret->stream, ret->n))
                return QUEUE_E_WAIT;
        return r;
}

static void advance(void *userdata, QueueLane lane, QueueSource source)
{
        Uplink *u = userdata;

        queue_advance(u->queue, lane, source);
}

static bool has_room(void *userdata, QueueLane lane, QueueSource source, size_t size)
{
        const Uplink *u = userdata;

        return tower_has_room(&u->tower, lane, source, size, u->worked_at);
}

static size_t turn_of(const Flight *flight)
{
        size_t i = 0;

        while (turns[i].lane != flight->lane || turns[i].source != flight->source)
                i++;
        return i;
}

static void launch(void *userdata, const Flight *what, usec_t now)
{
        Uplink *u = userdata;
        Flight *flight;

        if (!what->is_remains && inquest_put_off(&u->inquest, what)) {
                message_free(what->message);
                return;
        }
        if (tower_stands_alone(&u->tower) && !what->is_remains)
                u->turn = turn_of(what) + 1;
        flight = tower_add(&u->tower, what);
        if (tower_may_fly(&u->tower, flight))
                (void)fly(u, flight, now);
        tell_changed(u);
}

/* ---- flush ---- */

/* It is in none of the places where it could still be. What comes after it does not count, however much it is. */
static bool is_past(void *userdata, usec_t appended)
{
        const Uplink *u = userdata;

        for (size_t i = 0; i < LOADERS; i++)
                if (!loader_is_past(&u->loaders[i], appended))
                        return false;
        return window_is_past(&u->tower.window, appended) && inquest_is_past(&u->inquest, appended);
}

void uplink_flush(Uplink *u, DoneFn done, void *done_userdata)
{
        if (!hub_is_ready(u->hub))
                done(done_userdata, REQUEST_NOT_CONNECTED, "there is no connection to the hub");
        else if (flushes_add(&u->flushes, done, done_userdata, clock_boot(u->clock)) < 0)
                done(done_userdata, REQUEST_BUSY, "out of memory");
        else
                note(u);
}

/* ---- life ---- */

int uplink_new(Uplink **ret, Queue *queue, Hub *hub, const Clock *clock, void (*changed)(void *userdata),
               void *userdata)
{
        Uplink *u = calloc(1, sizeof(*u));

        if (!u || tower_configure(&u->tower, 1) < 0) {
                free(u);
                return -ENOMEM;
        }
        u->queue = queue;
        u->hub = hub;
        queue_set_link(queue, false);
        u->clock = clock;
        u->changed = changed;
        u->userdata = userdata;
        u->formats = (Formats){.queue = queue};
        u->losses = (Losses){.queue = queue};
        u->retry_at = USEC_INFINITY;
        u->expiry_at = USEC_INFINITY;
        u->peers = (LoaderPeers){
                .queue = queue,
                .clock = clock,
                .formats = &u->formats,
                .losses = &u->losses,
                .peek = peek,
                .advance = advance,
                .has_room = has_room,
                .launch = launch,
                .no_memory = retry_later,
                .userdata = u,
        };
        for (size_t i = 0; i < LOADERS; i++)
                loader_init(&u->loaders[i], turns[i].lane, turns[i].source, &u->peers);
        inquest_init(&u->inquest, &u->peers, &u->tower);
        *ret = u;
        return 0;
}

Uplink *uplink_free(Uplink *u)
{
        if (!u)
                return NULL;
        flushes_end(&u->flushes, "the daemon is stopping");
        flushes_done(&u->flushes);
        for (size_t i = 0; i < LOADERS; i++)
                loader_done(&u->loaders[i]);
        inquest_done(&u->inquest);
        formats_done(&u->formats);
        tower_done(&u->tower);
        free(u);
        return NULL;
}

int uplink_configure(Uplink *u, const UplinkSettings *settings, const StreamSettings *streams, size_t n_streams)
{
        int r = formats_configure(&u->formats, settings, streams, n_streams);

        if (r >= 0)
                r = tower_configure(&u->tower, settings->window);
        note(u);
        return r;
}

/* ---- time ---- */

static void expire(Uplink *u, usec_t now)
{
        u->expiry_at = USEC_INFINITY;
        if (!u->formats.may_expire)
                return;
        for (size_t i = 0; i < LOADERS; i++)
                u->expiry_at = MIN(u->expiry_at, loader_expire(&u->loaders[i], now));
        if (u->expiry_at > now && u->expiry_at != USEC_INFINITY)
                u->expiry_at = MAX(u->expiry_at, usec_add(now, EXPIRY_INTERVAL));
}

/* While one message flies at a time the lanes take turns: else a flood in the first would have every place. */
static void pump(Uplink *u, usec_t now)
{
        size_t first = tower_stands_alone(&u->tower) ? u->turn : 0;

        for (size_t i = 0; i < LOADERS; i++)
                loader_pump(&u->loaders[(first + i) % LOADERS], flushes_until(&u->flushes), now);
        for (size_t i = 0; i < LOADERS; i++)
                if (u->loaders[i].state == LOADER_GIVING)
                        note(u);
}

static void work(Uplink *u, usec_t now)
{
        u->wanted = false;
        u->worked_at = now;
        u->retry_at = USEC_INFINITY;
        if (!hub_is_ready(u->hub)) {
                expire(u, now);
                return;
        }
        tower_tick(&u->tower, now);
        inquest_work(&u->inquest, now);
        if (!tower_stands_alone(&u->tower))
                fly_grounded(u, now);
        pump(u, now);
        if (tower_stands_alone(&u->tower))
                fly_grounded(u, now);
        flushes_step(&u->flushes, is_past, u);
}

static usec_t deadline(void *userdata)
{
        const Uplink *u = userdata;
        usec_t next;

        if (u->wanted)
                return 0;
        if (!hub_is_ready(u->hub))
                return u->expiry_at;
        if (u->retry_at != USEC_INFINITY)
                return u->retry_at; /* what is due by now is what could not be done */
        next = MIN(tower_deadline(&u->tower, u->worked_at), inquest_deadline(&u->inquest));
        for (size_t i = 0; i < LOADERS; i++)
                next = MIN(next, loader_due(&u->loaders[i]));
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
        usec_t now = clock_boot(u->clock);

        u->expiry_at = USEC_INFINITY;
        queue_set_link(u->queue, true);
        queue_split(u->queue);
        for (size_t i = 0; i + 1 < LOADERS; i += 2) /* news, backlog */
                loader_hand_over(&u->loaders[i], &u->loaders[i + 1], now);
        tower_ready(&u->tower, now);
        note(u);
}

void uplink_delivered(Uplink *u, uint64_t ticket)
{
        Flight *flight = window_find(&u->tower.window, ticket);
        const Message *m;

        if (!flight)
                return;
        m = flight->message;
        u->traffic.delivered++;
        u->traffic.billed += billed_messages(message_size(m), BILLING_CHUNK);
        tower_acknowledged(&u->tower, flight, clock_boot(u->clock));
        queue_settle(u->queue, flight->stream, m->epoch, m->first, m->last, OUTCOME_ACKNOWLEDGED);
        tower_remove(&u->tower, flight);
        u->last_acknowledged = clock_wall(u->clock);
        note(u);
        tell_changed(u);
}

/* Sealed messages stay as they are. */
void uplink_lost(Uplink *u)
{
        queue_set_link(u->queue, false);
        tower_lost(&u->tower, clock_boot(u->clock));
        for (size_t i = 0; i < LOADERS; i++)
                loader_lost(&u->loaders[i]);
        flushes_end(&u->flushes, "the connection to the hub was lost");
        note(u);
}

void uplink_hold_back(Uplink *u, bool (*holds)(void *userdata, unsigned stream, uint64_t n), void *userdata)
{
        u->holds = holds;
        u->holds_userdata = userdata;
}

void uplink_set_aside_through(Uplink *u, const SetAside *aside)
{
        u->inquest.aside = *aside;
}

/* ---- questions ---- */

unsigned uplink_in_flight(const Uplink *u)
{
        return (unsigned)u->tower.window.n_flights;
}

const UplinkTraffic *uplink_traffic(const Uplink *u)
{
        return &u->traffic;
}

usec_t uplink_last_acknowledged(const Uplink *u)
{
        return u->last_acknowledged;
}
