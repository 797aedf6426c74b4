/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inquest.h"

#define AGAIN USEC_PER_SEC

static void again_later(Inquest *q, usec_t now)
{
        q->again_usec = MIN(q->again_usec, usec_add(now, AGAIN));
}

/* ---- to the dead letters ---- */

static bool hand_over(Inquest *q, const Sentence *s)
{
        return q->aside.move(q->aside.userdata, s->stream, s->first, s->last, s->why, losses_why(s->why)) == 0;
}

static void hand_over_all(Inquest *q, usec_t now)
{
        while (q->condemned.n > 0 && hand_over(q, &q->condemned.list[0]))
                condemned_drop_first(&q->condemned);
        if (q->condemned.n > 0)
                again_later(q, now);
}

static bool move(Inquest *q, const Flight *flight, usec_t now)
{
        const Message *m = flight->message;
        Sentence sentence = {flight->stream, m->first, m->last, flight->appended_usec, flight->why};
        bool taken = true;

        if (!q->aside.move)
                queue_settle(q->queue, flight->stream, m->epoch, m->first, m->last, flight->why);
        else {
                taken = condemned_add(&q->condemned, q->queue, &sentence);
                hand_over_all(q, now);
        }
        return taken;
}

static bool is_moving(const Inquest *q)
{
        return q->aside.moving && q->aside.moving(q->aside.userdata) > 0;
}

static void try_to_move(Inquest *q, Flight *flight, usec_t now)
{
        if (move(q, flight, now)) {
                losses_set_aside(q->losses, flight->message, flight->why, now);
                tower_remove(q->tower, flight);
        } else
                again_later(q, now);
}

void inquest_set_aside(Inquest *q, Flight *flight, Outcome why, usec_t now)
{
        tower_set_unfit(q->tower, flight, why);
        try_to_move(q, flight, now);
}

static void move_unfit(Inquest *q, usec_t now)
{
        Window *w = &q->tower->window;

        for (size_t i = w->n_flights; i-- > 0;)
                if (w->flights[i].is_unfit)
                        try_to_move(q, &w->flights[i], now);
}

/* ---- to its parts ---- */

static Part part_of(const Flight *flight)
{
        return (Part){
                .lane = flight->lane,
                .source = flight->source,
                .stream = flight->stream,
                .epoch = flight->message->epoch,
                .first = flight->message->first,
                .last = flight->message->last,
                .appended_usec = flight->appended_usec,
        };
}

static void judge(Inquest *q, usec_t now)
{
        Flight *flight;

        while ((flight = tower_condemned(q->tower))) {
                Part whole = part_of(flight);

                if (!flight_is_pack(flight)) {
                        tower_convict(q->tower, flight, now);
                        inquest_set_aside(q, flight, OUTCOME_BREAKS_LINK, now);
                } else if (remains_take_apart(&q->remains, &whole)) {
                        losses_taken_apart(q->losses, flight->message, now);
                        tower_remove(q->tower, flight);
                } else
                        tower_acquit(q->tower, flight); /* it will be caught again */
        }
}

bool inquest_put_off(Inquest *q, const Flight *flight)
{
        Part part = part_of(flight);

        return tower_holds(q->tower, flight->stream) && remains_put_off(&q->remains, &part);
}

/* So much of it broke the link that a witness may find no place: they come back one by one. For whom there is no place
 * there either, it is tried again itself: nobody waits for ever for a witness that does not fit. */
static void make_way(Inquest *q)
{
        Flight *flight;

        while ((flight = tower_in_the_way(q->tower))) {
                Part part = part_of(flight);

                if (remains_put_off(&q->remains, &part))
                        tower_remove(q->tower, flight);
                else
                        tower_acquit(q->tower, flight);
        }
}

static int peek(void *userdata, QueueLane lane, QueueSource source, QueueRecord *ret)
{
        Inquest *q = userdata;

        if (q->aside.is_reading && q->aside.is_reading(q->aside.userdata))
                return QUEUE_E_WAIT;
        return remains_peek(&q->remains, ret);
}

static void advance(void *userdata, QueueLane lane, QueueSource source)
{
        Inquest *q = userdata;

        remains_advance(&q->remains);
}

static bool has_room(void *userdata, QueueLane lane, QueueSource source, size_t size)
{
        const Inquest *q = userdata;

        return tower_has_room_for_remains(q->tower, size);
}

static void launch(void *userdata, const Flight *what, usec_t now)
{
        Inquest *q = userdata;
        Flight part = *what;

        part.is_remains = true;
        q->launch(q->userdata, &part, now);
}

static void no_memory(void *userdata, usec_t now)
{
        again_later(userdata, now);
}

/* What one part became is on its way before the next is read. */
static bool is_idle(const Inquest *q)
{
        return !q->remains.reading && loader_is_empty(&q->loader);
}

static void read_remains(Inquest *q, usec_t now)
{
        if (is_idle(q)) {
                const Part *part = tower_has_room_for_remains(q->tower, 0) ? remains_begin(&q->remains) : NULL;

                if (!part)
                        return;
                q->loader.lane = part->lane;
                q->loader.source = part->source;
        }
        loader_pump(&q->loader, USEC_INFINITY, now);
        if (q->loader.state == LOADER_WAITING)
                again_later(q, now);
}

/* ---- all of it ---- */

void inquest_init(Inquest *q, const LoaderPeers *peers, Tower *tower)
{
        *q = (Inquest){
                .queue = peers->queue,
                .tower = tower,
                .losses = peers->losses,
                .launch = peers->launch,
                .userdata = peers->userdata,
                .remains = {.queue = peers->queue},
                .peers = *peers,
                .again_usec = USEC_INFINITY,
        };
        q->peers.peek = peek;
        q->peers.advance = advance;
        q->peers.has_room = has_room;
        q->peers.launch = launch;
        q->peers.no_memory = no_memory;
        q->peers.is_sent_before = true;
        q->peers.userdata = q;
        loader_init(&q->loader, QUEUE_LANE_NORMAL, QUEUE_NEWS, &q->peers);
}

void inquest_done(Inquest *q)
{
        loader_done(&q->loader);
}

void inquest_work(Inquest *q, usec_t now)
{
        q->again_usec = USEC_INFINITY;
        hand_over_all(q, now);
        move_unfit(q, now);
        judge(q, now);
        make_way(q);
        read_remains(q, now);
        if (is_moving(q))
                again_later(q, now); /* somebody may be waiting for it in a flush */
}

usec_t inquest_deadline(const Inquest *q)
{
        return q->again_usec;
}

bool inquest_is_past(const Inquest *q, usec_t appended)
{
        return remains_is_past(&q->remains, appended) && loader_is_empty(&q->loader) &&
               condemned_is_past(&q->condemned, appended) && !is_moving(q);
}
