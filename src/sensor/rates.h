/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rates - so many a second for all together, shared among those who want some
 *
 * As with a Rate one alone may have all of it, and as many at once after a second of rest. But beside that a second's
 * worth is kept in hand, for those who took less than half an equal share in this second: so one that sends without end
 * takes what the others leave, and whoever comes seldom is not refused for it.
 *
 * Half of what is in hand is for those alone who came in a second before: so addresses that are forged, each for one
 * line, take nothing from who is known. Only so many are told apart; when there are more, those are forgotten first who
 * are not known or ask for more than their share. So a flood has to come from more addresses than that, and each of
 * them has to come again and again and be modest, before it takes anything from others; somebody new may have to try
 * more than once amid it.
 *
 * Pure.
 */

#include "base/clock.h"

#define RATES_PEERS 256

typedef struct Rates {
        unsigned per_second; /* 0: no limit */
        uint64_t credit;     /* in millionths */
        usec_t last;
        struct {
                uint64_t who;
                uint64_t second; /* of its last try, counted from 1; 0: nobody's */
                uint64_t first;  /* that it was seen in */
                unsigned taken, tries; /* in the one of its last try */
        } peers[RATES_PEERS];
        uint64_t counted; /* the second in which they were: */
        unsigned n_about; /* in it or in the one before */
} Rates;

bool rates_take(Rates *r, uint64_t who, usec_t now);
