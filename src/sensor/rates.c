/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rates.h"

#define KEPT_SECONDS 60 /* who is known stays so for so long without a try */

typedef typeof(((Rates *)NULL)->peers[0]) Peer;

static void refill(Rates *r, usec_t now)
{
        uint64_t full = 2 * (uint64_t)r->per_second * USEC_PER_SEC;

        if (r->last == 0)
                r->credit = full;
        else
                r->credit = MIN(full, r->credit + MIN(usec_sub(now, r->last), 2 * USEC_PER_SEC) * r->per_second);
        r->last = MAX(now, (usec_t)1);
}

static bool is_about(const Peer *p, uint64_t second)
{
        return p->second > 0 && p->second + 1 >= second;
}

/* An address can be forged; to come again with it is at least some trouble. */
static bool is_known(const Peer *p)
{
        return p->first < p->second;
}

static void count_about(Rates *r, uint64_t second)
{
        if (r->counted == second)
                return;
        r->counted = second;
        r->n_about = 0;
        for (size_t i = 0; i < RATES_PEERS; i++)
                r->n_about += is_about(&r->peers[i], second);
}

/* So little that all who are about can have it, and half of what is in hand remains for those to come. */
static unsigned little(const Rates *r)
{
        return MAX(r->per_second / (2 * MAX(r->n_about, 1U)), 1U);
}

/* ---- who it is ---- */

/* The more, the sooner it is forgotten: first who has left, then whoever is not known or asks for more than its share,
 * the greediest before others, and last who was silent for longest. */
static uint64_t dispensable(const Peer *p, uint64_t second, unsigned share)
{
        bool about = is_about(p, second);

        if (p->second == 0 || p->second + KEPT_SECONDS < second || (!about && !is_known(p)))
                return UINT64_MAX;
        if (about && (!is_known(p) || p->tries > share))
                return (UINT64_C(1) << 32) + p->tries;
        return second - p->second;
}

static Peer *make_place(Rates *r, uint64_t second)
{
        unsigned share = little(r);
        uint64_t most = 0;
        Peer *found = &r->peers[0];

        for (size_t i = 0; i < RATES_PEERS && most < UINT64_MAX; i++) {
                uint64_t d = dispensable(&r->peers[i], second, share);

                if (d > most) {
                        most = d;
                        found = &r->peers[i];
                }
        }
        return found;
}

static Peer *find(Rates *r, uint64_t who, uint64_t second)
{
        Peer *p = NULL;

        for (size_t i = 0; i < RATES_PEERS && !p; i++)
                if (r->peers[i].second > 0 && r->peers[i].who == who)
                        p = &r->peers[i];
        if (!p) {
                p = make_place(r, second);
                r->n_about -= is_about(p, second);
                *p = (Peer){.who = who, .first = second};
        }
        if (p->second != second) {
                r->n_about += !is_about(p, second);
                p->second = second;
                p->taken = p->tries = 0;
        }
        p->tries++;
        return p;
}

/* ---- what there is ---- */

/* So much of the credit is not for this one. */
static uint64_t kept_from(const Rates *r, const Peer *p)
{
        uint64_t in_hand = (uint64_t)r->per_second * USEC_PER_SEC;

        if (r->credit >= in_hand + USEC_PER_SEC || p->taken >= little(r))
                return in_hand;
        return is_known(p) ? 0 : in_hand / 2;
}

bool rates_take(Rates *r, uint64_t who, usec_t now)
{
        uint64_t second = now / USEC_PER_SEC + 1;
        Peer *p;

        if (r->per_second == 0)
                return true;
        refill(r, now);
        count_about(r, second);
        p = find(r, who, second);
        if (r->credit < kept_from(r, p) + USEC_PER_SEC)
                return false;
        r->credit -= USEC_PER_SEC;
        p->taken++;
        return true;
}
