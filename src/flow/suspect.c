/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/suspect.h"

#include <math.h>
#include <string.h>

#define BREAKS        3u /* until one is accused; and alone, until it can be condemned */
#define BREAKS_LINK   2u /* by others in a row: it is the link */
#define OWED_FIRST    4u
#define OWED_MORE     2u /* after each further break */
#define OWED_MAX      24u
#define PATIENCE      (5 * USEC_PER_MIN)
#define NOTORIOUS     (6 * USEC_PER_HOUR)
#define PAST_MAX      128u /* PUBACKs of others that are carried from case to case */
#define CHANCE_PACK   1e-2
#define CHANCE_RECORD 1e-8
#define CHANCE_AGAIN  1e-5 /* of a notorious stream */

static size_t index_of(const Suspects *s, uint64_t ticket)
{
        size_t i = 0;

        while (i < s->n && s->list[i].ticket != ticket)
                i++;
        return i;
}

static Suspect *find(Suspects *s, uint64_t ticket)
{
        size_t i = index_of(s, ticket);

        return i < s->n ? &s->list[i] : NULL;
}

static size_t n_in_air(const Suspects *s)
{
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++)
                n += s->list[i].in_air;
        return n;
}

/* ---- streams ---- */

static const Repute *repute_of(const Suspects *s, const Suspect *suspect)
{
        return &s->streams[suspect->stream];
}

static bool is_notorious(const Suspects *s, const Suspect *suspect)
{
        return repute_of(s, suspect)->until_usec > 0;
}

static void forgive(Suspects *s, usec_t now)
{
        for (size_t i = 0; i < ARRAY_SIZE(s->streams); i++)
                if (s->streams[i].until_usec <= now)
                        s->streams[i] = (Repute){};
}

/* ---- cases ---- */

/* What was seen of the others stays true for the next case. */
static void remember_others(Suspects *s)
{
        s->n_past_others += s->n_others;
        s->n_past_breaks += s->n_breaks;
        while (s->n_past_others > PAST_MAX) {
                s->n_past_others /= 2;
                s->n_past_breaks = (s->n_past_breaks + 1) / 2;
        }
}

static void close_case(Suspects *s)
{
        s->accused = 0;
        s->n_owed = s->n_others = s->n_breaks = s->n_kin_others = s->n_kin_breaks = s->n_in_a_row = 0;
        s->proved = s->is_retry = false;
        for (size_t i = 0; i < s->n; i++)
                s->list[i].n_alone = 0;
}

static void accuse_next(Suspects *s)
{
        for (size_t i = 0; i < s->n && s->accused == 0; i++)
                if (s->list[i].is_remains ||
                    s->list[i].n_breaks >= (is_notorious(s, &s->list[i]) ? 1 : BREAKS))
                        s->accused = s->list[i].ticket;
}

static void clear_all(Suspects *s)
{
        close_case(s);
        s->n_past_others = s->n_past_breaks = 0;
        for (size_t i = 0; i < s->n; i++)
                s->list[i].n_breaks = 0;
        accuse_next(s); /* remains, if there are any, go on flying alone */
}

static void drop(Suspects *s, Suspect *suspect)
{
        size_t i = (size_t)(suspect - s->list);
        bool was_accused = suspect->ticket == s->accused;

        memmove(suspect, suspect + 1, (--s->n - i) * sizeof(*suspect));
        if (was_accused) {
                remember_others(s);
                close_case(s);
                accuse_next(s);
        }
}

/* ---- proof ---- */

/* The logarithm of the greatest chance that any link gives to so many breaks and PUBACKs: x log x, summed. */
static double log_chance(double breaks, double pubacks)
{
        double n = breaks + pubacks;

        return (breaks > 0 ? breaks * log(breaks / n) : 0) + (pubacks > 0 ? pubacks * log(pubacks / n) : 0);
}

/* There was one like it. The link's ways are known from the cases before. */
static bool is_proved_again(const Suspects *s, const Suspect *accused)
{
        double breaks = s->n_breaks + s->n_past_breaks, others = s->n_others + s->n_past_others;

        if (s->n_owed > 0)
                return false;
        return accused->n_alone >= (accused->is_pack ? 2 : BREAKS) &&
               log_chance(accused->n_alone + breaks, others) - log_chance(breaks, others) <
                       log(accused->is_pack ? CHANCE_PACK : CHANCE_AGAIN);
}

/* How much less likely is what happened on a link that treats all alike than on one that breaks on the accused? */
static bool is_proved(const Suspects *s, const Suspect *accused)
{
        double alike, unlike, of_kin;

        if (s->n_others == 0)
                return false;
        if (accused->is_remains && accused->is_pack)
                return accused->n_alone > 0;
        if (is_notorious(s, accused))
                return is_proved_again(s, accused);
        alike = log_chance(accused->n_alone + s->n_breaks, s->n_others);
        unlike = log_chance(s->n_breaks, s->n_others);
        of_kin = log_chance(s->n_kin_breaks, s->n_kin_others) +
                 log_chance(s->n_breaks - s->n_kin_breaks, s->n_others - s->n_kin_others);
        if (s->n_others > s->n_kin_others) /* another stream has flown */
                unlike = MAX(unlike, of_kin);
        return accused->n_alone >= BREAKS &&
               alike - unlike < log(accused->is_pack ? CHANCE_PACK : CHANCE_RECORD);
}

/* ---- what happened ---- */

static Suspect *add(Suspects *s, uint64_t ticket, unsigned stream, bool is_pack)
{
        Suspect *suspect = find(s, ticket);

        if (suspect || s->n == SUSPECTS_MAX)
                return suspect;
        suspect = &s->list[s->n++];
        *suspect = (Suspect){.ticket = ticket, .stream = stream, .is_pack = is_pack};
        return suspect;
}

void suspects_sent(Suspects *s, uint64_t ticket, unsigned stream, bool is_pack)
{
        Suspect *suspect = add(s, ticket, stream, is_pack);

        if (suspect)
                suspect->in_air = true;
}

void suspects_remains(Suspects *s, uint64_t ticket, unsigned stream, bool is_pack)
{
        Suspect *suspect = add(s, ticket, stream, is_pack);

        if (!suspect)
                return;
        suspect->is_remains = true;
        accuse_next(s);
}

void suspects_ready(Suspects *s, usec_t now)
{
        s->patience_usec = usec_add(now, s->patience_left_usec);
        forgive(s, now);
}

static bool is_kin(Suspects *s, const Suspect *suspect)
{
        return suspect->stream == find(s, s->accused)->stream;
}

static void testify(Suspects *s, const Suspect *witness, usec_t now)
{
        s->n_others++;
        s->n_kin_others += is_kin(s, witness);
        s->n_in_a_row = 0;
        s->n_owed -= s->n_owed > 0;
        s->patience_usec = usec_add(now, PATIENCE);
        s->proved = s->proved || is_proved(s, find(s, s->accused));
}

void suspects_acknowledged(Suspects *s, uint64_t ticket, usec_t now)
{
        Suspect *suspect = find(s, ticket);

        if (!suspect)
                return;
        if (s->accused > 0 && ticket != s->accused && n_in_air(s) == 1)
                testify(s, suspect, now);
        if (ticket == s->accused)
                s->n_breaks += suspect->n_alone; /* that was the link, then */
        s->streams[suspect->stream].is_held = false;
        drop(s, suspect);
}

static unsigned owed(const Suspects *s, const Suspect *accused)
{
        if (repute_of(s, accused)->is_held)
                return OWED_MORE;
        if (is_notorious(s, accused))
                return MIN(OWED_MORE * accused->n_alone, OWED_MAX);
        return MIN(OWED_FIRST + OWED_MORE * (accused->n_alone - 1), OWED_MAX);
}

/* The link broke with one message in the air. */
static void break_alone(Suspects *s, Suspect *suspect)
{
        if (suspect->ticket == s->accused) {
                if (s->is_retry)
                        return;
                suspect->n_alone++;
                s->n_owed = owed(s, suspect);
                s->n_in_a_row = 0;
                return;
        }
        suspect->n_alone++;
        s->n_breaks++;
        s->n_kin_breaks += is_kin(s, suspect);
        s->n_in_a_row += !is_kin(s, suspect) || s->n_others == s->n_kin_others;
}

void suspects_lost(Suspects *s, usec_t now)
{
        bool alone = s->accused > 0 && n_in_air(s) == 1;

        for (size_t i = 0; i < s->n; i++) {
                Suspect *suspect = &s->list[i];

                if (!suspect->in_air)
                        continue;
                suspect->in_air = false;
                suspect->n_breaks++;
                if (alone)
                        break_alone(s, suspect);
        }
        s->is_retry = false;
        if (s->n_in_a_row >= BREAKS_LINK)
                clear_all(s);
        accuse_next(s);
        if (alone)
                s->patience_left_usec = PATIENCE;
        else if (s->patience_usec != USEC_INFINITY)
                s->patience_left_usec = usec_sub(s->patience_usec, now);
        s->patience_usec = USEC_INFINITY;
}

void suspects_forget(Suspects *s, uint64_t ticket)
{
        Suspect *suspect = find(s, ticket);

        if (suspect)
                drop(s, suspect);
}

/* Others that broke the link wait as well: who is to tell them from the accused? */
static bool has_bad_witness(const Suspects *s)
{
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i].ticket != s->accused && s->list[i].n_alone > 0)
                        return true;
        return false;
}

void suspects_tick(Suspects *s, usec_t now)
{
        forgive(s, now);
        if (now < suspects_deadline(s))
                return;
        if (has_bad_witness(s))
                clear_all(s);
        else
                s->is_retry = true;
        s->patience_usec = usec_add(now, PATIENCE);
}

void suspects_convict(Suspects *s, uint64_t ticket, usec_t now)
{
        Suspect *suspect = find(s, ticket);
        Repute *repute = suspect ? &s->streams[suspect->stream] : NULL;

        if (!suspect)
                return;
        repute->until_usec = usec_add(now, NOTORIOUS);
        repute->is_held = true;
        drop(s, suspect);
}

bool suspects_hold(const Suspects *s, unsigned stream)
{
        return s->streams[stream].is_held;
}

/* ---- questions ---- */

bool suspects_is_bad_witness(const Suspects *s, uint64_t ticket)
{
        size_t i = index_of(s, ticket);

        return i < s->n && ticket != s->accused && s->list[i].n_alone > 0 && !s->list[i].is_remains;
}

bool suspects_stand_alone(const Suspects *s)
{
        return s->accused > 0;
}

/* One that broke the link as a witness has testified in its own cause. */
static bool may_testify(const Suspects *s, uint64_t ticket)
{
        size_t i = index_of(s, ticket);
        const Suspect *suspect = &s->list[i];

        return i == s->n || (ticket != s->accused && !suspect->is_remains && suspect->n_alone == 0);
}

bool suspects_may_fly(const Suspects *s, uint64_t ticket)
{
        if (s->accused == 0)
                return true;
        if (n_in_air(s) > 0 || s->proved)
                return false;
        return s->n_owed > 0 && !s->is_retry ? may_testify(s, ticket) : ticket == s->accused;
}

uint64_t suspects_condemned(const Suspects *s)
{
        return s->proved ? s->accused : 0;
}

/* While somebody flies, or the accused may, things go on by themselves. */
usec_t suspects_deadline(const Suspects *s)
{
        bool waits = s->accused > 0 && s->n_owed > 0 && !s->is_retry && !s->proved && n_in_air(s) == 0;

        return waits ? s->patience_usec : USEC_INFINITY;
}
