/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/connection.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define SEC USEC_PER_SEC

static const ConnectionSettings usual = {
        .keepalive_usec = 4 * USEC_PER_MIN,
        .token_life_usec = USEC_PER_HOUR,
        .backoff_first_usec = SEC,
        .backoff_max_usec = 5 * USEC_PER_MIN,
};

/* One machine, its dice and its time. */
typedef struct Bench {
        Connection c;
        FakeRandom dice;
        usec_t now;
} Bench;

static void bench_init(Bench *b)
{
        fake_random_init(&b->dice, 7);
        connection_init(&b->c, &usual, &b->dice.random);
        b->now = USEC_PER_HOUR;
}

static unsigned feed(Bench *b, ConnectionEvent event)
{
        return connection_feed(&b->c, &event, b->now);
}

#define FEED(b, ...) feed((b), (ConnectionEvent){__VA_ARGS__})

static unsigned tick_at_deadline(Bench *b)
{
        usec_t deadline = connection_deadline(&b->c);

        ck_assert(deadline != USEC_INFINITY);
        b->now = MAX(b->now, deadline);
        return FEED(b, CONNECTION_EVENT_TICK);
}

/* Brings a fresh machine into a phase. */
static void bench_enter(Bench *b, ConnectionPhase phase)
{
        bench_init(b);
        if (phase == CONNECTION_OFFLINE)
                return;
        FEED(b, CONNECTION_EVENT_START);
        switch (phase) {
        case CONNECTION_STOPPED:
                FEED(b, CONNECTION_EVENT_STOP);
                break;
        case CONNECTION_TCP:
        case CONNECTION_TLS:
        case CONNECTION_CONNACK:
                FEED(b, CONNECTION_EVENT_STEP, .step = (TransportStep)(phase - CONNECTION_LOOKUP));
                break;
        case CONNECTION_PROVISIONING:
                FEED(b, CONNECTION_EVENT_ASKING);
                break;
        case CONNECTION_OPEN:
                FEED(b, CONNECTION_EVENT_ACCEPTED);
                break;
        case CONNECTION_DRAINING:
                FEED(b, CONNECTION_EVENT_ACCEPTED);
                FEED(b, CONNECTION_EVENT_SENT, .oldest_usec = b->now);
                FEED(b, CONNECTION_EVENT_RENEW);
                break;
        case CONNECTION_WAITING:
                FEED(b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_REFUSED, .detail = "refused");
                break;
        default:
                break;
        }
        ck_assert_int_eq(b->c.phase, phase);
}

/* ---- every event in every phase ---- */

enum {
        _ = 0,
        CLOSE = CONNECTION_CLOSE,
        BYE = CONNECTION_GOODBYE | CONNECTION_LOST,
        LOST = CONNECTION_LOST,
        GO = CONNECTION_CONNECT,
        READY = CONNECTION_READY,
};

START_TEST(every_event_in_every_phase)
{
        static const struct {
                unsigned actions;
                ConnectionPhase phase;
        } grid[_CONNECTION_PHASE_MAX][_CONNECTION_EVENT_MAX] = {
#define STAY(phase) {_, phase}
                [CONNECTION_STOPPED] =
                        {
                                [CONNECTION_EVENT_START] = {GO, CONNECTION_LOOKUP},
                                [CONNECTION_EVENT_STOP] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_RETRY] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_RENEW] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_SENT] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ASKED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_HELD] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_RELEASED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_CALLED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ANSWERED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_UNFIT] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ASKING] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ASSIGNED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_UNASSIGNED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_GRANTED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_STEP] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ACCEPTED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_REFUSED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ENDED] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_PUBACK] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_ALIVE] = STAY(CONNECTION_STOPPED),
                                [CONNECTION_EVENT_TICK] = STAY(CONNECTION_STOPPED),
                        },
                [CONNECTION_OFFLINE] =
                        {
                                [CONNECTION_EVENT_START] = {GO, CONNECTION_LOOKUP},
                                [CONNECTION_EVENT_STOP] = {_, CONNECTION_STOPPED},
                                [CONNECTION_EVENT_RETRY] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_RENEW] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_SENT] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ASKED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_HELD] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_RELEASED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_CALLED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ANSWERED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_UNFIT] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ASKING] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ASSIGNED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_UNASSIGNED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_GRANTED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_STEP] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ACCEPTED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_REFUSED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ENDED] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_PUBACK] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_ALIVE] = STAY(CONNECTION_OFFLINE),
                                [CONNECTION_EVENT_TICK] = STAY(CONNECTION_OFFLINE),
                        },
#define CONNECTING(phase, after_step, ...)                                                                           \
        [phase] = {                                                                                                  \
                [CONNECTION_EVENT_START] = STAY(phase),                                                              \
                [CONNECTION_EVENT_STOP] = {CLOSE, CONNECTION_STOPPED},                                               \
                [CONNECTION_EVENT_RETRY] = STAY(phase),                                                              \
                [CONNECTION_EVENT_RENEW] = {CLOSE | GO, CONNECTION_LOOKUP},                                          \
                [CONNECTION_EVENT_SENT] = STAY(phase),                                                               \
                [CONNECTION_EVENT_ASKED] = STAY(phase),                                                              \
                [CONNECTION_EVENT_HELD] = STAY(phase),                                                               \
                [CONNECTION_EVENT_RELEASED] = STAY(phase),                                                           \
                [CONNECTION_EVENT_CALLED] = STAY(phase),                                                           \
                [CONNECTION_EVENT_ANSWERED] = STAY(phase),                                                           \
                [CONNECTION_EVENT_UNFIT] = STAY(phase),                                                              \
                [CONNECTION_EVENT_ASKING] = STAY(CONNECTION_PROVISIONING),                                           \
                [CONNECTION_EVENT_ASSIGNED] = __VA_ARGS__,                                                             \
                [CONNECTION_EVENT_UNASSIGNED] = {CLOSE, CONNECTION_WAITING},                                         \
                [CONNECTION_EVENT_GRANTED] = STAY(phase),                                                            \
                [CONNECTION_EVENT_STEP] = STAY(after_step), /* the test steps to TLS */                              \
                [CONNECTION_EVENT_ACCEPTED] = {READY, CONNECTION_OPEN},                                              \
                [CONNECTION_EVENT_REFUSED] = {CLOSE, CONNECTION_WAITING},                                            \
                [CONNECTION_EVENT_ENDED] = {_, CONNECTION_WAITING},                                                  \
                [CONNECTION_EVENT_PUBACK] = STAY(phase),                                                             \
                [CONNECTION_EVENT_ALIVE] = STAY(phase),                                                              \
                [CONNECTION_EVENT_TICK] = STAY(phase),                                                               \
        }
                CONNECTING(CONNECTION_LOOKUP, CONNECTION_TLS, STAY(CONNECTION_LOOKUP)),
                CONNECTING(CONNECTION_TCP, CONNECTION_TLS, STAY(CONNECTION_TCP)),
                CONNECTING(CONNECTION_TLS, CONNECTION_TLS, STAY(CONNECTION_TLS)),
                CONNECTING(CONNECTION_CONNACK, CONNECTION_CONNACK, STAY(CONNECTION_CONNACK)), /* never backwards */
                CONNECTING(CONNECTION_PROVISIONING, CONNECTION_PROVISIONING,
                           {CONNECTION_GOODBYE | GO, CONNECTION_LOOKUP}),
#undef CONNECTING
                [CONNECTION_OPEN] =
                        {
                                [CONNECTION_EVENT_START] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_STOP] = {BYE, CONNECTION_STOPPED},
                                [CONNECTION_EVENT_RETRY] = {BYE | GO, CONNECTION_LOOKUP},
                                [CONNECTION_EVENT_RENEW] = {BYE | GO, CONNECTION_LOOKUP}, /* nothing in flight */
                                [CONNECTION_EVENT_SENT] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_ASKED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_HELD] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_RELEASED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_CALLED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_ANSWERED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_UNFIT] = {CLOSE | LOST, CONNECTION_WAITING},
                                [CONNECTION_EVENT_ASKING] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_ASSIGNED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_UNASSIGNED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_GRANTED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_STEP] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_ACCEPTED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_REFUSED] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_ENDED] = {LOST, CONNECTION_WAITING},
                                [CONNECTION_EVENT_PUBACK] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_ALIVE] = STAY(CONNECTION_OPEN),
                                [CONNECTION_EVENT_TICK] = STAY(CONNECTION_OPEN),
                        },
                [CONNECTION_DRAINING] =
                        {
                                [CONNECTION_EVENT_START] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_STOP] = {BYE, CONNECTION_STOPPED},
                                [CONNECTION_EVENT_RETRY] = {BYE | GO, CONNECTION_LOOKUP},
                                [CONNECTION_EVENT_RENEW] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_SENT] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_ASKED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_HELD] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_RELEASED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_CALLED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_ANSWERED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_UNFIT] = {CLOSE | LOST, CONNECTION_WAITING},
                                [CONNECTION_EVENT_ASKING] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_ASSIGNED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_UNASSIGNED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_GRANTED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_STEP] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_ACCEPTED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_REFUSED] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_ENDED] = {LOST, CONNECTION_WAITING},
                                [CONNECTION_EVENT_PUBACK] = {BYE | GO, CONNECTION_LOOKUP}, /* the last one */
                                [CONNECTION_EVENT_ALIVE] = STAY(CONNECTION_DRAINING),
                                [CONNECTION_EVENT_TICK] = STAY(CONNECTION_DRAINING),
                        },
                [CONNECTION_WAITING] =
                        {
                                [CONNECTION_EVENT_START] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_STOP] = {_, CONNECTION_STOPPED},
                                [CONNECTION_EVENT_RETRY] = {GO, CONNECTION_LOOKUP},
                                [CONNECTION_EVENT_RENEW] = {GO, CONNECTION_LOOKUP},
                                [CONNECTION_EVENT_SENT] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ASKED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_HELD] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_RELEASED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_CALLED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ANSWERED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_UNFIT] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ASKING] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ASSIGNED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_UNASSIGNED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_GRANTED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_STEP] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ACCEPTED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_REFUSED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ENDED] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_PUBACK] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_ALIVE] = STAY(CONNECTION_WAITING),
                                [CONNECTION_EVENT_TICK] = STAY(CONNECTION_WAITING),
                        },
#undef STAY
        };

        for (int phase = 0; phase < _CONNECTION_PHASE_MAX; phase++)
                for (int kind = 0; kind < _CONNECTION_EVENT_MAX; kind++) {
                        Bench b;
                        unsigned actions;

                        bench_enter(&b, (ConnectionPhase)phase);
                        actions = FEED(&b, (ConnectionEventKind)kind, .step = TRANSPORT_STEP_TLS, .code = 5,
                                       .reason = LINK_REASON_NONE, .detail = "", .oldest_usec = USEC_INFINITY);
                        ck_assert_msg(actions == grid[phase][kind].actions && b.c.phase == grid[phase][kind].phase,
                                      "event %d in phase %s: actions %x, phase %s", kind,
                                      connection_phase_to_string((ConnectionPhase)phase), actions,
                                      connection_phase_to_string(b.c.phase));
                }
}
END_TEST

/* Whatever comes in whatever order: a message is only let through while there is a connection, every loss of a
 * connection that was ready is told, and the machine never falls asleep on its way. */
START_TEST(a_million_random_events_break_no_rule)
{
        FakeRandom dice;
        Bench b;
        bool ready = false;

        fake_random_init(&dice, 42);
        bench_init(&b);
        for (int i = 0; i < 1000000; i++) {
                uint64_t v = dice.random.draw(dice.random.userdata);
                ConnectionEventKind kind = (ConnectionEventKind)(v % _CONNECTION_EVENT_MAX);
                unsigned actions;

                if (kind == CONNECTION_EVENT_STOP && v >> 60)
                        continue;
                b.now += (v >> 8) % (40 * SEC);
                actions = FEED(&b, kind, .step = (TransportStep)((v >> 16) % _TRANSPORT_STEP_MAX),
                               .code = (int)((v >> 24) % 7), .reason = LINK_REASON_CLOSED,
                               .oldest_usec = v >> 32 & 1 ? USEC_INFINITY : b.now - (v >> 33) % (70 * SEC));

                insist(!(actions & CONNECTION_READY) || !ready);
                insist(!!(actions & CONNECTION_LOST) ==
                       (ready && (!connection_is_ready(&b.c) || actions & CONNECTION_READY) &&
                        b.c.phase != CONNECTION_DRAINING));
                if (actions & CONNECTION_LOST)
                        ready = false;
                if (actions & CONNECTION_READY)
                        ready = true;
                insist(!connection_is_ready(&b.c) || ready);
                if (connection_state(&b.c) != LINK_STOPPED && connection_state(&b.c) != LINK_OFFLINE)
                        insist(connection_deadline(&b.c) != USEC_INFINITY);
        }
}
END_TEST

/* ---- deadlines of the connect ---- */

START_TEST(each_step_has_its_deadline_and_its_reason)
{
        static const struct {
                ConnectionPhase phase;
                usec_t patience;
                LinkReason reason;
        } cases[] = {
                {CONNECTION_LOOKUP, CONNECTION_LOOKUP_USEC, LINK_REASON_NAME},
                {CONNECTION_TCP, CONNECTION_TCP_USEC, LINK_REASON_NETWORK},
                {CONNECTION_TLS, CONNECTION_TLS_USEC, LINK_REASON_SILENT},
                {CONNECTION_CONNACK, CONNECTION_CONNACK_USEC, LINK_REASON_SILENT},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Bench b;

                bench_enter(&b, cases[i].phase);
                ck_assert_uint_eq(connection_deadline(&b.c), b.now + cases[i].patience);
                b.now += cases[i].patience - 1;
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), 0);
                b.now++;
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), CONNECTION_CLOSE);
                ck_assert_int_eq(b.c.phase, CONNECTION_WAITING);
                ck_assert_int_eq(b.c.reason, cases[i].reason);
                ck_assert_str_ne(b.c.detail, "");
        }
}
END_TEST

START_TEST(a_step_that_comes_gives_the_next_one_its_own_time)
{
        Bench b;

        bench_enter(&b, CONNECTION_LOOKUP);
        b.now += CONNECTION_LOOKUP_USEC - 1;
        FEED(&b, CONNECTION_EVENT_STEP, .step = TRANSPORT_STEP_TCP);
        ck_assert_uint_eq(connection_deadline(&b.c), b.now + CONNECTION_TCP_USEC);
        b.now += CONNECTION_TCP_USEC - 1;
        FEED(&b, CONNECTION_EVENT_STEP, .step = TRANSPORT_STEP_TLS);
        ck_assert_uint_eq(connection_deadline(&b.c), b.now + CONNECTION_TLS_USEC);
        b.now += 1;
        FEED(&b, CONNECTION_EVENT_STEP, .step = TRANSPORT_STEP_TLS); /* said twice: no more time */
        ck_assert_uint_eq(connection_deadline(&b.c), b.now - 1 + CONNECTION_TLS_USEC);
}
END_TEST

START_TEST(what_the_hub_answers_is_told_apart)
{
        static const LinkReason reasons[] = {
                [1] = LINK_REASON_CLOSED,          [2] = LINK_REASON_CLOSED,     [3] = LINK_REASON_HUB_UNAVAILABLE,
                [4] = LINK_REASON_CREDENTIAL,      [5] = LINK_REASON_CREDENTIAL, [6] = LINK_REASON_CLOSED,
        };

        for (int code = 1; code < (int)ARRAY_SIZE(reasons); code++) {
                Bench b;

                bench_enter(&b, CONNECTION_CONNACK);
                FEED(&b, CONNECTION_EVENT_REFUSED, .code = code);
                ck_assert_int_eq(b.c.reason, reasons[code]);
                ck_assert_int_eq(b.c.phase, CONNECTION_WAITING);
        }
}
END_TEST

START_TEST(a_reason_stays_until_there_is_a_link)
{
        Bench b;

        bench_enter(&b, CONNECTION_WAITING);
        ck_assert_int_eq(b.c.reason, LINK_REASON_REFUSED);
        tick_at_deadline(&b);
        ck_assert_int_eq(b.c.phase, CONNECTION_LOOKUP);
        ck_assert_int_eq(b.c.reason, LINK_REASON_REFUSED);
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        ck_assert_int_eq(b.c.reason, LINK_REASON_NONE);
        ck_assert_str_eq(b.c.detail, "");
}
END_TEST

/* ---- half-open links ---- */

START_TEST(under_load_a_dead_peer_is_found_in_half_a_minute)
{
        Bench b;
        usec_t sent;

        bench_enter(&b, CONNECTION_OPEN);
        b.now += 100 * SEC;
        FEED(&b, CONNECTION_EVENT_ALIVE);
        b.c.proven = true;
        sent = b.now;
        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = sent);
        ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_PING);
        ck_assert_uint_eq(b.now, sent + CONNECTION_PROBE_USEC);
        ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_CLOSE | CONNECTION_LOST);
        ck_assert_uint_eq(b.now, sent + CONNECTION_PROBE_USEC + CONNECTION_PING_USEC);
        ck_assert_int_eq(b.c.reason, LINK_REASON_SILENT);
}
END_TEST

START_TEST(pings_without_pubacks_are_not_enough)
{
        Bench b;
        usec_t sent;
        unsigned actions, n_pings = 0;

        bench_enter(&b, CONNECTION_OPEN);
        sent = b.now;
        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = sent);
        while ((actions = tick_at_deadline(&b)) == CONNECTION_PING) {
                b.now += 50 * USEC_PER_MSEC;
                FEED(&b, CONNECTION_EVENT_ALIVE);
                n_pings++;
        }
        ck_assert_uint_eq(actions, CONNECTION_CLOSE | CONNECTION_LOST);
        ck_assert_uint_eq(b.now, sent + CONNECTION_PUBACK_USEC);
        ck_assert_uint_ge(n_pings, 2);
        ck_assert_int_eq(b.c.reason, LINK_REASON_SILENT);
}
END_TEST

/* A full window on a slow line: each PUBACK comes in time after the one before it. */
START_TEST(pubacks_that_trickle_keep_the_link)
{
        Bench b;
        usec_t sent;

        bench_enter(&b, CONNECTION_OPEN);
        sent = b.now;
        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = sent);
        while (b.now + 14 * SEC < sent + CONNECTION_PUBACK_MAX_USEC) {
                b.now += 14 * SEC;
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK) & ~(unsigned)CONNECTION_PING, 0);
                FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = sent);
        }
        /* but no single message may wait for ever */
        b.now = sent + CONNECTION_PUBACK_MAX_USEC;
        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), CONNECTION_CLOSE | CONNECTION_LOST);
        ck_assert_int_eq(b.c.reason, LINK_REASON_SILENT);
}
END_TEST

START_TEST(an_idle_link_pings_at_keepalive_times)
{
        Bench b;
        usec_t end;
        unsigned n_ticks = 0;

        bench_enter(&b, CONNECTION_OPEN);
        b.c.settings.token_life_usec = USEC_INFINITY;
        end = b.now + 24 * USEC_PER_HOUR;
        while (connection_deadline(&b.c) < end) {
                ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_PING);
                b.now += 80 * USEC_PER_MSEC;
                FEED(&b, CONNECTION_EVENT_ALIVE);
                n_ticks++;
        }
        ck_assert_uint_ge(n_ticks, 24 * 15 - 2);
        ck_assert_uint_le(n_ticks, 24 * 15 + 1);
        /* and finds a peer that went away */
        ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_PING);
        ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_CLOSE | CONNECTION_LOST);
        ck_assert_int_eq(b.c.reason, LINK_REASON_SILENT);
}
END_TEST

/* The hub's keep-alive counts what we send, not what we hear. */
START_TEST(hearing_alone_does_not_keep_the_hub_content)
{
        Bench b;
        usec_t opened, pinged = 0;

        bench_enter(&b, CONNECTION_OPEN);
        b.c.proven = true;
        opened = b.now;
        while (b.now < opened + 10 * USEC_PER_MIN && pinged == 0) {
                b.now += SEC;
                FEED(&b, CONNECTION_EVENT_ALIVE);
                if (FEED(&b, CONNECTION_EVENT_TICK) & CONNECTION_PING)
                        pinged = b.now;
        }
        ck_assert_uint_eq(pinged, opened + usual.keepalive_usec);
}
END_TEST

START_TEST(after_a_suspend_the_link_is_doubted)
{
        Bench b;

        bench_enter(&b, CONNECTION_OPEN);
        FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = USEC_INFINITY);
        b.now += 30 * USEC_PER_MIN; /* the boot clock counts it */
        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), CONNECTION_PING);
        ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_CLOSE | CONNECTION_LOST);
}
END_TEST

/* ---- backoff and proof ---- */

START_TEST(delays_grow_to_the_cap_and_never_shrink_to_a_storm)
{
        Bench b;
        usec_t ceiling = SEC, longest = 0;

        bench_enter(&b, CONNECTION_LOOKUP);
        for (int i = 0; i < 1000; i++) {
                usec_t delay;

                FEED(&b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_NAME);
                delay = connection_deadline(&b.c) - b.now;
                ck_assert_uint_ge(delay, SEC / 4);
                ck_assert_uint_le(delay, ceiling);
                longest = MAX(longest, delay);
                ceiling = MIN(ceiling * 2, usual.backoff_max_usec);
                ck_assert_uint_eq(tick_at_deadline(&b), CONNECTION_CONNECT);
        }
        ck_assert_uint_gt(longest, 4 * USEC_PER_MIN);
        ck_assert_uint_eq(b.c.tries, 1000);
}
END_TEST

/* Accepts and cuts: a hub in trouble, or a twin that takes our place. */
static void accept_and_cut(Bench *b, usec_t life)
{
        FEED(b, CONNECTION_EVENT_ACCEPTED);
        b->now += life;
        FEED(b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_CLOSED);
        tick_at_deadline(b);
}

START_TEST(connack_alone_proves_nothing)
{
        Bench b;

        bench_enter(&b, CONNECTION_LOOKUP);
        for (int i = 0; i < 20; i++)
                accept_and_cut(&b, 30 * SEC);
        ck_assert_uint_eq(b.c.backoff.tries, 20);
}
END_TEST

START_TEST(a_puback_is_proof)
{
        Bench b;

        bench_enter(&b, CONNECTION_LOOKUP);
        for (int i = 0; i < 20; i++)
                accept_and_cut(&b, 0);
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = b.now);
        ck_assert_uint_eq(b.c.backoff.tries, 20);
        FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = USEC_INFINITY);
        ck_assert_uint_eq(b.c.backoff.tries, 0);
        FEED(&b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_CLOSED);
        ck_assert_uint_le(connection_deadline(&b.c), b.now + SEC);
}
END_TEST

START_TEST(a_minute_and_a_ping_answered_are_proof)
{
        Bench b;
        usec_t opened;

        bench_enter(&b, CONNECTION_LOOKUP);
        for (int i = 0; i < 20; i++)
                accept_and_cut(&b, 0);
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        opened = b.now;
        b.now += 59 * SEC;
        FEED(&b, CONNECTION_EVENT_ALIVE); /* something came, but nobody had asked */
        ck_assert_uint_eq(tick_at_deadline(&b) & ~CONNECTION_TELL, CONNECTION_PING);
        ck_assert_uint_eq(b.now, opened + CONNECTION_PROOF_USEC);
        ck_assert_uint_eq(b.c.backoff.tries, 20);
        b.now += SEC;
        FEED(&b, CONNECTION_EVENT_ALIVE);
        ck_assert(b.c.proven);
        ck_assert_uint_eq(b.c.backoff.tries, 0);
}
END_TEST

/* ---- somebody else has our identity ---- */

#define WORDS "another client connects with our identity"

static bool is_suspected(const Bench *b)
{
        return strstr(b->c.detail, WORDS) != NULL;
}

/* Both of them connect anew as soon as they may, and both get PUBACKs in between: the backoff sees nothing of it. */
START_TEST(a_rival_is_suspected_while_the_link_is_down_and_while_it_is_up)
{
        static const usec_t lives[] = {0, SEC, 20 * SEC, 59 * SEC};

        for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
                Bench b;

                bench_enter(&b, CONNECTION_LOOKUP);
                for (unsigned n = 1; n <= 10; n++) {
                        FEED(&b, CONNECTION_EVENT_ACCEPTED);
                        ck_assert_int_eq(b.c.reason, LINK_REASON_NONE);
                        ck_assert(is_suspected(&b) == (n > CONNECTION_BRIEF_MAX));
                        b.now += lives[i];
                        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = b.now);
                        FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = USEC_INFINITY);
                        FEED(&b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_CLOSED, .detail = "the hub closed the connection");
                        ck_assert_int_eq(b.c.reason, LINK_REASON_CLOSED);
                        ck_assert(is_suspected(&b) == (n >= CONNECTION_BRIEF_MAX));
                        tick_at_deadline(&b);
                }
                ck_assert_ptr_nonnull(strstr(b.c.detail, "the last 10 connections"));
        }
}
END_TEST

/* Up for a minute: the suspicion goes by itself, and begins anew at nothing. */
START_TEST(a_link_that_lasts_is_trusted)
{
        Bench b;
        usec_t opened;
        unsigned actions = 0;

        bench_enter(&b, CONNECTION_LOOKUP);
        for (int i = 0; i < CONNECTION_BRIEF_MAX; i++)
                accept_and_cut(&b, SEC);
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        opened = b.now;
        ck_assert(is_suspected(&b));
        while (b.now < opened + CONNECTION_BRIEF_USEC) {
                ck_assert(is_suspected(&b) && !(actions & CONNECTION_TELL));
                actions = tick_at_deadline(&b);
                if (actions & CONNECTION_PING)
                        FEED(&b, CONNECTION_EVENT_ALIVE);
        }
        ck_assert(actions & CONNECTION_TELL);
        ck_assert_uint_eq(b.now, opened + CONNECTION_BRIEF_USEC);
        ck_assert_str_eq(b.c.detail, "");
        ck_assert_int_eq(b.c.phase, CONNECTION_OPEN);
        FEED(&b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_CLOSED, .detail = "closed");
        ck_assert_str_eq(b.c.detail, "closed");
        ck_assert_uint_eq(b.c.n_brief, 0);
}
END_TEST

START_TEST(what_a_rival_does_not_do_accuses_nobody)
{
        static const struct {
                ConnectionEvent between;
                usec_t life;
                LinkReason reason;
        } cases[] = {
                {{.kind = CONNECTION_EVENT_ENDED, .reason = LINK_REASON_NETWORK}, SEC, LINK_REASON_NETWORK}, /* a bad line */
                {{.kind = CONNECTION_EVENT_TICK}, 2 * USEC_PER_MIN, LINK_REASON_CLOSED},                   /* a hub's own peace */
                {{.kind = CONNECTION_EVENT_RENEW}, SEC, LINK_REASON_CLOSED},                               /* another identity */
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Bench b;

                bench_enter(&b, CONNECTION_LOOKUP);
                for (int n = 0; n < 10; n++) {
                        FEED(&b, CONNECTION_EVENT_ACCEPTED);
                        ck_assert(!is_suspected(&b));
                        b.now += cases[i].life;
                        FEED(&b, CONNECTION_EVENT_ENDED, .reason = cases[i].reason);
                        ck_assert(!is_suspected(&b));
                        feed(&b, cases[i].between);
                        if (b.c.phase == CONNECTION_WAITING)
                                tick_at_deadline(&b);
                }
        }
}
END_TEST

START_TEST(a_wish_does_not_reset_the_backoff_new_settings_do)
{
        Bench b;

        bench_enter(&b, CONNECTION_WAITING);
        for (int i = 0; i < 5; i++) {
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_RETRY), CONNECTION_CONNECT);
                FEED(&b, CONNECTION_EVENT_ENDED, .reason = LINK_REASON_NAME);
        }
        ck_assert_uint_eq(b.c.backoff.tries, 6);
        FEED(&b, CONNECTION_EVENT_RENEW);
        ck_assert_uint_eq(b.c.backoff.tries, 0);
}
END_TEST

/* ---- renewal ---- */

START_TEST(the_token_is_renewed_at_four_fifths_of_its_life)
{
        Bench b;
        usec_t begun;
        unsigned actions;

        bench_enter(&b, CONNECTION_LOOKUP);
        begun = b.now;
        b.now += 20 * SEC; /* the token was made before the lookup */
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        while (!((actions = tick_at_deadline(&b)) & CONNECTION_CONNECT)) {
                ck_assert_uint_eq(actions, CONNECTION_PING);
                FEED(&b, CONNECTION_EVENT_ALIVE);
        }
        ck_assert_uint_eq(actions, CONNECTION_GOODBYE | CONNECTION_LOST | CONNECTION_CONNECT);
        ck_assert_uint_eq(b.now, begun + 48 * USEC_PER_MIN);
        ck_assert_int_eq(b.c.reason, LINK_REASON_NONE);
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        ck_assert_uint_eq(b.c.tries, 0);
}
END_TEST

START_TEST(renewal_waits_for_the_window_but_not_for_ever)
{
        for (int answered = 0; answered < 2; answered++) {
                Bench b;
                usec_t due;

                bench_enter(&b, CONNECTION_OPEN);
                due = b.now + 48 * USEC_PER_MIN;
                b.now = due - SEC;
                FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = USEC_INFINITY);
                FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = b.now);
                b.now = due;
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), 0);
                ck_assert_int_eq(b.c.phase, CONNECTION_DRAINING);
                ck_assert(!connection_is_ready(&b.c));
                ck_assert_int_eq(connection_state(&b.c), LINK_CONNECTED);
                if (answered) {
                        b.now += 3 * SEC;
                        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = due - SEC), 0);
                        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = USEC_INFINITY),
                                          CONNECTION_GOODBYE | CONNECTION_LOST | CONNECTION_CONNECT);
                } else {
                        ck_assert_uint_eq(tick_at_deadline(&b),
                                          CONNECTION_GOODBYE | CONNECTION_LOST | CONNECTION_CONNECT);
                        ck_assert_uint_eq(b.now, due + CONNECTION_DRAIN_USEC);
                }
        }
}
END_TEST

START_TEST(renewal_waits_for_calls_under_way_but_not_for_ever)
{
        for (int answered = 0; answered < 2; answered++) {
                Bench b;
                usec_t due;

                bench_enter(&b, CONNECTION_OPEN);
                due = b.now + 48 * USEC_PER_MIN;
                b.now = due - SEC;
                FEED(&b, CONNECTION_EVENT_PUBACK, .oldest_usec = USEC_INFINITY);
                FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = USEC_INFINITY);
                FEED(&b, CONNECTION_EVENT_CALLED);
                b.now = due;
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), 0);
                ck_assert_int_eq(b.c.phase, CONNECTION_DRAINING);
                if (answered) {
                        b.now += 3 * SEC;
                        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_ANSWERED), 0);
                        ck_assert_uint_le(connection_deadline(&b.c), b.now);
                }
                ck_assert_uint_eq(answered ? FEED(&b, CONNECTION_EVENT_TICK) : tick_at_deadline(&b),
                                  CONNECTION_GOODBYE | CONNECTION_LOST | CONNECTION_CONNECT);
                ck_assert_uint_eq(b.now, due + (answered ? 3 * SEC : CONNECTION_DRAIN_USEC));
                ck_assert(!b.c.owes);
        }
}
END_TEST

/* ---- orders ---- */

/* Answers pings until the link is dropped. */
static void tick_until_dropped(Bench *b)
{
        unsigned actions;

        while (!((actions = tick_at_deadline(b)) & CONNECTION_CLOSE)) {
                ck_assert_uint_eq(actions, CONNECTION_PING);
                FEED(b, CONNECTION_EVENT_ALIVE);
        }
        ck_assert_uint_eq(actions, CONNECTION_CLOSE | CONNECTION_LOST);
}

START_TEST(subscriptions_are_answered_in_time_or_the_link_is_left)
{
        Bench b;
        usec_t asked;

        bench_enter(&b, CONNECTION_OPEN);
        asked = b.now;
        FEED(&b, CONNECTION_EVENT_ASKED);
        b.now += SEC;
        FEED(&b, CONNECTION_EVENT_ASKED); /* the first of several counts */
        tick_until_dropped(&b);
        ck_assert_uint_eq(b.now, asked + CONNECTION_SUBACK_USEC);
        ck_assert_int_eq(b.c.reason, LINK_REASON_SILENT);

        bench_enter(&b, CONNECTION_OPEN);
        FEED(&b, CONNECTION_EVENT_ASKED);
        FEED(&b, CONNECTION_EVENT_GRANTED);
        b.now += 2 * CONNECTION_SUBACK_USEC;
        FEED(&b, CONNECTION_EVENT_ALIVE);
        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK) & CONNECTION_CLOSE, 0);
}
END_TEST

START_TEST(a_hold_ends_after_its_time)
{
        Bench b;
        usec_t held;

        bench_enter(&b, CONNECTION_OPEN);
        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = b.now);
        b.now += SEC;
        held = b.now;
        FEED(&b, CONNECTION_EVENT_HELD);
        ck_assert_uint_eq(connection_deadline(&b.c), held + CONNECTION_HOLD_USEC); /* no ping, for none can go out */
        tick_until_dropped(&b);
        ck_assert_int_eq(b.c.reason, LINK_REASON_CLOSED);
        ck_assert_ptr_nonnull(strstr(b.c.detail, "stored"));
        FEED(&b, CONNECTION_EVENT_RETRY);
        FEED(&b, CONNECTION_EVENT_ACCEPTED);
        ck_assert_uint_gt(connection_deadline(&b.c), b.now + CONNECTION_HOLD_USEC); /* the next has an open gate */
}
END_TEST

/* Each has its full time once we speak again. */
START_TEST(what_we_held_back_ourselves_is_not_overdue)
{
        static const usec_t patience[] = {CONNECTION_PING_USEC, CONNECTION_SUBACK_USEC, CONNECTION_PUBACK_USEC};

        for (unsigned i = 0; i < ARRAY_SIZE(patience); i++) {
                Bench b;

                bench_enter(&b, CONNECTION_OPEN);
                if (i == 0) {
                        b.now = connection_deadline(&b.c);
                        ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), CONNECTION_PING);
                } else if (i == 1) {
                        FEED(&b, CONNECTION_EVENT_ASKED);
                } else {
                        FEED(&b, CONNECTION_EVENT_SENT, .oldest_usec = b.now);
                }
                b.now += SEC;
                FEED(&b, CONNECTION_EVENT_HELD);
                b.now += CONNECTION_HOLD_USEC - 1;
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_TICK), 0);
                ck_assert_uint_eq(FEED(&b, CONNECTION_EVENT_RELEASED), 0);
                ck_assert_uint_eq(b.c.released_usec, b.now);
                tick_until_dropped(&b);
                ck_assert_int_eq(b.c.reason, LINK_REASON_SILENT);
                ck_assert_uint_eq(b.now, b.c.released_usec + patience[i]);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/connection");
        TCase *c = suite_case(s, "the grid");

        tcase_add_test(c, every_event_in_every_phase);
        tcase_add_test(c, a_million_random_events_break_no_rule);

        c = suite_case(s, "the connect");
        tcase_add_test(c, each_step_has_its_deadline_and_its_reason);
        tcase_add_test(c, a_step_that_comes_gives_the_next_one_its_own_time);
        tcase_add_test(c, what_the_hub_answers_is_told_apart);
        tcase_add_test(c, a_reason_stays_until_there_is_a_link);

        c = suite_case(s, "half-open links");
        tcase_add_test(c, under_load_a_dead_peer_is_found_in_half_a_minute);
        tcase_add_test(c, pings_without_pubacks_are_not_enough);
        tcase_add_test(c, pubacks_that_trickle_keep_the_link);
        tcase_add_test(c, an_idle_link_pings_at_keepalive_times);
        tcase_add_test(c, hearing_alone_does_not_keep_the_hub_content);
        tcase_add_test(c, after_a_suspend_the_link_is_doubted);

        c = suite_case(s, "backoff and proof");
        tcase_add_test(c, delays_grow_to_the_cap_and_never_shrink_to_a_storm);
        tcase_add_test(c, connack_alone_proves_nothing);
        tcase_add_test(c, a_puback_is_proof);
        tcase_add_test(c, a_minute_and_a_ping_answered_are_proof);
        tcase_add_test(c, a_rival_is_suspected_while_the_link_is_down_and_while_it_is_up);
        tcase_add_test(c, a_link_that_lasts_is_trusted);
        tcase_add_test(c, what_a_rival_does_not_do_accuses_nobody);
        tcase_add_test(c, a_wish_does_not_reset_the_backoff_new_settings_do);

        c = suite_case(s, "renewal");
        tcase_add_test(c, the_token_is_renewed_at_four_fifths_of_its_life);
        tcase_add_test(c, renewal_waits_for_the_window_but_not_for_ever);
        tcase_add_test(c, renewal_waits_for_calls_under_way_but_not_for_ever);

        c = suite_case(s, "orders");
        tcase_add_test(c, subscriptions_are_answered_in_time_or_the_link_is_left);
        tcase_add_test(c, a_hold_ends_after_its_time);
        tcase_add_test(c, what_we_held_back_ourselves_is_not_overdue);
        return suite_run(s);
}
