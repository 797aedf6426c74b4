/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/suspect.h"

#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define WINDOW     16
#define RESERVE    4
#define ROUND_TRIP (50 * USEC_PER_MSEC)

/* A message: the records first .. last. */
typedef struct Flight {
        uint64_t ticket, first, last;
        bool in_air, remains;
} Flight;

typedef struct Toy Toy;

/* What the far side does with the message that it takes up next: true if the link breaks instead of a PUBACK. */
typedef bool (*Script)(Toy *t, const Flight *flight);

/* An uplink of few lines, on a link that follows a script. */
struct Toy {
        Suspects suspects;
        FakeRandom dice;
        Script script;
        usec_t now, link_usec;  /* since when the link is up */
        unsigned n_on_link;     /* messages taken up on it */
        usec_t interval_usec;   /* fresh messages come; 0: as many as fit */
        usec_t fresh_usec;
        uint64_t pack;          /* records a message */
        uint64_t next_n, last_ticket;
        Flight window[WINDOW + RESERVE];
        size_t n;
        Flight stack[64]; /* remains that wait for their turn */
        size_t n_stack;
        uint64_t dead[64]; /* records */
        size_t n_dead, n_packs_condemned;
        uint64_t n_acknowledged, n_links, n_taken_in_trial;

        /* of scripts */
        double p;
        usec_t life_usec, good_until_usec;
        bool is_bad_phase;
        unsigned n_life;
        uint64_t poison_every, poison_at, n_doomed;
};

static double chance(Toy *t)
{
        return (double)(t->dice.random.draw(&t->dice) >> 11) * 0x1p-53;
}

static void toy_init(Toy *t, Script script, uint64_t seed)
{
        *t = (Toy){.script = script, .now = USEC_PER_HOUR, .pack = 1, .next_n = 1};
        fake_random_init(&t->dice, seed);
}

static void send(Toy *t, Flight *f)
{
        insist(!f->in_air);
        f->in_air = true;
        suspects_sent(&t->suspects, f->ticket, 0, f->last > f->first);
}

static Flight *launch(Toy *t, uint64_t first, uint64_t last, bool remains)
{
        Flight *f = &t->window[t->n++];

        insist(t->n <= ARRAY_SIZE(t->window));
        *f = (Flight){.ticket = ++t->last_ticket, .first = first, .last = last, .remains = remains};
        return f;
}

static bool has_room(const Toy *t)
{
        return t->n < (suspects_stand_alone(&t->suspects) ? WINDOW + RESERVE : WINDOW);
}

static bool fresh_is_there(const Toy *t)
{
        return t->interval_usec == 0 || t->now >= t->fresh_usec;
}

static void send_fresh(Toy *t)
{
        while (has_room(t) && fresh_is_there(t) && suspects_may_fly(&t->suspects, 0)) {
                t->fresh_usec += t->interval_usec;
                send(t, launch(t, t->next_n, t->next_n + t->pack - 1, false));
                t->next_n += t->pack;
        }
}

static void send_grounded(Toy *t)
{
        for (size_t i = 0; i < t->n; i++)
                if (!t->window[i].in_air && suspects_may_fly(&t->suspects, t->window[i].ticket))
                        send(t, &t->window[i]);
}

static void launch_remains(Toy *t)
{
        for (size_t i = 0; i < t->n; i++)
                if (t->window[i].remains)
                        return;
        if (t->n_stack > 0 && t->n < ARRAY_SIZE(t->window)) {
                Flight piece = t->stack[--t->n_stack];

                suspects_remains(&t->suspects, launch(t, piece.first, piece.last, true)->ticket, 0,
                                 piece.last > piece.first);
        }
}

static void remove_flight(Toy *t, size_t i)
{
        memmove(&t->window[i], &t->window[i + 1], (--t->n - i) * sizeof(Flight));
}

static void condemn(Toy *t, uint64_t ticket)
{
        size_t i = 0;
        Flight f;

        while (t->window[i].ticket != ticket)
                i++;
        f = t->window[i];
        insist(!f.in_air);
        remove_flight(t, i);
        suspects_forget(&t->suspects, ticket);
        if (f.first == f.last) {
                insist(t->n_dead < ARRAY_SIZE(t->dead));
                t->dead[t->n_dead++] = f.first;
        } else {
                uint64_t middle = f.first + (f.last - f.first) / 2;

                t->n_packs_condemned++;
                t->stack[t->n_stack++] = (Flight){.first = middle + 1, .last = f.last};
                t->stack[t->n_stack++] = (Flight){.first = f.first, .last = middle};
        }
}

static Flight *first_in_air(Toy *t)
{
        for (size_t i = 0; i < t->n; i++)
                if (t->window[i].in_air)
                        return &t->window[i];
        return NULL;
}

static void lose(Toy *t)
{
        suspects_lost(&t->suspects, t->now);
        for (size_t i = 0; i < t->n; i++)
                t->window[i].in_air = false;
        t->now += USEC_PER_SEC + t->dice.random.draw(&t->dice) % (10 * USEC_PER_SEC);
}

/* One link from its beginning to its end, or until so many messages went well. */
static void run_link(Toy *t, unsigned n_at_most)
{
        t->n_links++;
        t->link_usec = t->now;
        t->n_on_link = 0;
        t->n_doomed = 0;
        suspects_ready(&t->suspects, t->now);
        for (;;) {
                uint64_t condemned;
                Flight *f;

                while ((condemned = suspects_condemned(&t->suspects)))
                        condemn(t, condemned);
                launch_remains(t);
                if (suspects_stand_alone(&t->suspects))
                        send_fresh(t);
                send_grounded(t);
                send_fresh(t);
                if (suspects_stand_alone(&t->suspects))
                        t->n_taken_in_trial++;
                f = first_in_air(t);
                if (!f) {
                        t->now = MIN(fresh_is_there(t) ? USEC_INFINITY : t->fresh_usec,
                                     suspects_deadline(&t->suspects));
                        insist(t->now != USEC_INFINITY);
                        suspects_tick(&t->suspects, t->now);
                        continue;
                }
                t->now += ROUND_TRIP;
                t->n_on_link++;
                if (t->n_on_link > n_at_most || t->script(t, f)) {
                        lose(t);
                        return;
                }
                if (f->in_air) { /* else the script took it without a word */
                        suspects_acknowledged(&t->suspects, f->ticket, t->now);
                        remove_flight(t, (size_t)(f - t->window));
                        t->n_acknowledged++;
                }
        }
}

/* ---- links that are to blame ---- */

static bool by_chance(Toy *t, const Flight *f)
{
        return chance(t) < t->p;
}

static bool by_phases(Toy *t, const Flight *f)
{
        if (t->now >= t->good_until_usec) {
                t->is_bad_phase = !t->is_bad_phase;
                t->good_until_usec = t->now + t->dice.random.draw(&t->dice) % (5 * USEC_PER_MIN);
        }
        return chance(t) < (t->is_bad_phase ? t->p : t->p / 50);
}

static bool by_its_age(Toy *t, const Flight *f)
{
        return t->now - t->link_usec >= t->life_usec;
}

static bool by_its_age_more_or_less(Toy *t, const Flight *f)
{
        return t->now - t->link_usec >= t->life_usec / 2 + t->dice.random.draw(&t->dice) % (t->life_usec + 1);
}

static bool by_its_count(Toy *t, const Flight *f)
{
        return t->n_on_link > t->n_life;
}

static bool by_its_load(Toy *t, const Flight *f)
{
        size_t n = 0;

        for (size_t i = 0; i < t->n; i++)
                n += t->window[i].in_air;
        return n > t->n_life;
}

static bool always(Toy *t, const Flight *f)
{
        return true;
}

static void assert_nobody_is_condemned(Script script, unsigned n_scripts, unsigned n_links)
{
        uint64_t trials = 0, acknowledged = 0;

        for (unsigned seed = 1; seed <= n_scripts; seed++) {
                Toy t;

                toy_init(&t, script, seed);
                t.p = chance(&t);
                t.life_usec = 1 + t.dice.random.draw(&t.dice) % (20 * ROUND_TRIP);
                t.n_life = (unsigned)(t.dice.random.draw(&t.dice) % 20);
                if (seed % 2)
                        t.interval_usec = 1 + t.dice.random.draw(&t.dice) % (4 * ROUND_TRIP);
                while (t.n_links < n_links) {
                        run_link(&t, 2000);
                        ck_assert_msg(t.n_dead == 0, "seed %u condemns record %llu", seed,
                                      (unsigned long long)t.dead[0]);
                }
                trials += t.n_taken_in_trial;
                acknowledged += t.n_acknowledged;
        }
        (void)printf("# %llu steps in trials, %llu PUBACKs\n", (unsigned long long)trials,
                     (unsigned long long)acknowledged);
        (void)fflush(stdout);
        ck_assert_uint_gt(trials, 0);
}

START_TEST(a_bad_link_condemns_nobody)
{
        static const Script scripts[] = {by_chance, by_phases,    by_its_age, by_its_age_more_or_less,
                                         by_its_count, by_its_load, always};

        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
                assert_nobody_is_condemned(scripts[i], 100, 300);
}
END_TEST

/* The chances at which three breaks and some PUBACKs are most likely to look like proof. */
START_TEST(the_worst_of_bad_links_condemns_nobody)
{
        for (unsigned seed = 1; seed <= 20; seed++) {
                Toy t;

                toy_init(&t, by_chance, seed);
                t.p = 0.02 + 0.02 * seed;
                while (t.n_links < 10000)
                        run_link(&t, 2000);
                ck_assert_uint_eq(t.n_dead, 0);
        }
}
END_TEST

/* ---- messages that are to blame ---- */

static bool holds_poison(const Toy *t, const Flight *f)
{
        for (uint64_t n = f->first; n <= f->last; n++)
                if (n == t->poison_at || (t->poison_every > 0 && n % t->poison_every == t->poison_at))
                        return true;
        return false;
}

static bool by_poison(Toy *t, const Flight *f)
{
        return holds_poison(t, f) || chance(t) < t->p;
}

START_TEST(one_poison_among_good_ones_is_found)
{
        for (unsigned seed = 1; seed <= 300; seed++) {
                Toy t;

                toy_init(&t, by_poison, seed);
                t.poison_at = 1 + t.dice.random.draw(&t.dice) % 200;
                t.interval_usec = seed % 3 ? 0 : 2 * ROUND_TRIP;
                while (t.n_dead == 0 && t.n_links < 100)
                        run_link(&t, 1000);
                ck_assert_uint_eq(t.n_dead, 1);
                ck_assert_uint_eq(t.dead[0], t.poison_at);
                ck_assert_uint_le(t.n_links, 10); /* three to be accused, six alone, and the one that stays */
                for (int i = 0; i < 5; i++)
                        run_link(&t, 1000);
                ck_assert_uint_eq(t.n_dead, 1);
                ck_assert_uint_eq(t.suspects.n, t.n); /* nothing is left of the case */
                ck_assert(!suspects_stand_alone(&t.suspects));
        }
}
END_TEST

START_TEST(it_is_found_on_a_bad_link_too)
{
        for (unsigned seed = 1; seed <= 100; seed++) {
                Toy t;

                toy_init(&t, by_poison, seed);
                t.p = 0.15 * chance(&t);
                t.poison_at = 1 + t.dice.random.draw(&t.dice) % 200;
                while (t.n_dead == 0 && t.n_links < 3000)
                        run_link(&t, 1000);
                ck_assert_uint_eq(t.n_dead, 1);
                ck_assert_uint_eq(t.dead[0], t.poison_at);
        }
}
END_TEST

START_TEST(a_pack_is_taken_apart_until_the_poison_stands_alone)
{
        for (unsigned seed = 1; seed <= 200; seed++) {
                Toy t;

                toy_init(&t, by_poison, seed);
                t.pack = 1 + t.dice.random.draw(&t.dice) % 100;
                t.poison_at = 1 + t.dice.random.draw(&t.dice) % (100 * t.pack);
                while (t.n_dead == 0 && t.n_links < 100)
                        run_link(&t, 1000);
                ck_assert_uint_eq(t.n_dead, 1);
                ck_assert_uint_eq(t.dead[0], t.poison_at);
                ck_assert_uint_le(t.n_links, 25);
                run_link(&t, 1000);
                ck_assert_uint_eq(t.n_stack, 0);
                ck_assert_uint_eq(t.n_dead, 1);
        }
}
END_TEST

/* Some are met as witnesses for another. */
START_TEST(many_poisons_are_all_found)
{
        Toy t;

        toy_init(&t, by_poison, 1);
        t.poison_every = 100;
        t.poison_at = 7;
        while (t.n_dead < 30 && t.n_links < 3000)
                run_link(&t, 1000);
        ck_assert_uint_eq(t.n_dead, 30);
        for (size_t i = 0; i < t.n_dead; i++)
                ck_assert_uint_eq(t.dead[i] % 100, 7);
}
END_TEST

/* The hub takes it, and closes the connection some messages later: every link goes forward. */
static bool by_slow_poison(Toy *t, const Flight *f)
{
        if (holds_poison(t, f)) {
                t->n_doomed = 3;
                for (size_t i = 0; i < t->n; i++)
                        if (t->window[i].ticket == f->ticket)
                                t->window[i].in_air = t->n > 1 && !suspects_stand_alone(&t->suspects) ? false : true;
                return suspects_stand_alone(&t->suspects);
        }
        return t->n_doomed > 0 && --t->n_doomed == 0;
}

START_TEST(a_poison_that_works_slowly_is_found)
{
        for (unsigned seed = 1; seed <= 50; seed++) {
                Toy t;

                toy_init(&t, by_slow_poison, seed);
                t.poison_at = 1 + t.dice.random.draw(&t.dice) % 200;
                while (t.n_dead == 0 && t.n_links < 100)
                        run_link(&t, 1000);
                ck_assert_uint_eq(t.n_dead, 1);
                ck_assert_uint_eq(t.dead[0], t.poison_at);
        }
}
END_TEST

START_TEST(without_a_witness_it_is_tried_again)
{
        Suspects s = {};

        for (int i = 0; i < 3; i++) {
                suspects_ready(&s, 0);
                suspects_sent(&s, 1, 0, false);
                suspects_lost(&s, 0);
        }
        ck_assert(suspects_stand_alone(&s));
        suspects_ready(&s, 0);
        ck_assert(suspects_may_fly(&s, 1));
        ck_assert(!suspects_may_fly(&s, 0));
        suspects_sent(&s, 1, 0, false);
        ck_assert_uint_eq(suspects_deadline(&s), USEC_INFINITY);
        suspects_lost(&s, 0);
        ck_assert_uint_eq(suspects_deadline(&s), USEC_INFINITY); /* without a link nobody waits */
        suspects_ready(&s, USEC_PER_HOUR);
        ck_assert(!suspects_may_fly(&s, 1));
        ck_assert(suspects_may_fly(&s, 0));
        ck_assert_uint_eq(suspects_deadline(&s), USEC_PER_HOUR + 5 * USEC_PER_MIN);
        suspects_tick(&s, USEC_PER_HOUR + 5 * USEC_PER_MIN);
        ck_assert(suspects_may_fly(&s, 1));
        suspects_sent(&s, 1, 0, false);
        ck_assert_uint_eq(suspects_deadline(&s), USEC_INFINITY);
        suspects_lost(&s, 0);
        suspects_ready(&s, 2 * USEC_PER_HOUR);
        ck_assert(!suspects_may_fly(&s, 1)); /* that proved nothing, and nothing is forgotten */
        ck_assert(suspects_may_fly(&s, 0));
        ck_assert_uint_eq(s.n_owed, 4);
        ck_assert_uint_eq(s.list[0].n_alone, 1);
}
END_TEST

/* A link that lives shorter than the patience, with nobody in the air: the wait goes on, and ends. */
START_TEST(a_flapping_link_does_not_prolong_the_wait)
{
        Suspects s = {};
        usec_t now = USEC_PER_HOUR;

        for (int i = 0; i < 4; i++) {
                suspects_ready(&s, 0);
                suspects_sent(&s, 1, 0, false);
                suspects_lost(&s, 0);
        }
        for (unsigned left = 5; left > 0; left--) {
                suspects_ready(&s, now);
                suspects_tick(&s, now);
                ck_assert(!suspects_may_fly(&s, 1));
                ck_assert_uint_eq(suspects_deadline(&s), now + left * USEC_PER_MIN);
                now += USEC_PER_MIN;
                suspects_lost(&s, now);
                now += USEC_PER_HOUR; /* without a link nobody waits */
        }
        suspects_ready(&s, now);
        suspects_tick(&s, now);
        ck_assert(suspects_may_fly(&s, 1));
        suspects_sent(&s, 1, 0, false);
        suspects_lost(&s, now); /* that was its try: the next comes after as long a wait */
        suspects_ready(&s, now);
        suspects_tick(&s, now);
        ck_assert(!suspects_may_fly(&s, 1));
        ck_assert_uint_eq(suspects_deadline(&s), now + 5 * USEC_PER_MIN);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/suspect");
        TCase *c = suite_case(s, "links that are to blame");

        tcase_add_test(c, a_bad_link_condemns_nobody);
        tcase_add_test(c, the_worst_of_bad_links_condemns_nobody);
        c = suite_case(s, "messages that are to blame");
        tcase_add_test(c, one_poison_among_good_ones_is_found);
        tcase_add_test(c, it_is_found_on_a_bad_link_too);
        tcase_add_test(c, a_pack_is_taken_apart_until_the_poison_stands_alone);
        tcase_add_test(c, many_poisons_are_all_found);
        tcase_add_test(c, a_poison_that_works_slowly_is_found);
        tcase_add_test(c, without_a_witness_it_is_tried_again);
        tcase_add_test(c, a_flapping_link_does_not_prolong_the_wait);
        return suite_run(s);
}
