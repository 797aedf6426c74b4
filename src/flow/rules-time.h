/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule time - when readings are, for the rules of their sensor
 *
 * Most readings are as old as their arrival: their time is the boot clock's. Lines that say when they were taken may
 * come a night at a time, and are ruled by what they say: from the first such line on a sensor's time is that of its
 * newest line, and goes on from there as the boot clock does. So what is due is due in the order in which it was, a
 * source that falls silent has its windows ended too, and a rehearsal of the same lines tells the same.
 *
 * A line that is no newer than one before it, and one from the future, is taken for one of the present. But alarms are
 * judged in the order of time: a value that is older than one that was judged says nothing of how things are. Where no
 * other came for a while, its clock was set back, and counts; as does what is older by so much that its sensor is in
 * doubt.
 *
 * While our own clock is not synchronised, nobody can say that a line is of the future. Once it is, a sensor that is
 * ahead of it comes back to the present. Without it, a sensor whose lines all are much older than one of them is in
 * doubt, tells no time until it is cleared up, and follows the many where that one was the last of its kind.
 *
 * Pure.
 */

#include "model/reading.h"

/* All zero: by the boot clock. */
typedef struct RuleClock {
        bool is_wall;      /* by its lines */
        bool is_doubted;   /* they contradict the newest */
        usec_t newest;     /* of their times */
        usec_t boot_usec;  /* when that line came */
} RuleClock;

typedef struct RuleTime {
        usec_t boot_usec; /* the present */
        usec_t usec;      /* on the sensor's clock: what its rules measure */
        bool is_wall;     /* that is the wall clock */
        bool is_doubted;  /* nothing is to be dated by it */
} RuleTime;

RuleTime rule_clock_now(const RuleClock *c, usec_t boot_usec);
/* When it will be, on the boot clock. */
usec_t rule_clock_to_boot(const RuleClock *c, usec_t usec);

/* What its rules date by it. 0: nothing, it is of the present. */
static inline usec_t rule_time_told(const RuleTime *t)
{
        return t->is_wall && !t->is_doubted ? t->usec : 0;
}

/* Does another time begin, with this reading (NULL: without any)? What was measured in the old one begins anew. */
bool rule_clock_turns(const RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec);
/* Before what is open is released: is it to be dated? */
void rule_clock_doubt(RuleClock *c, const Clock *clock, usec_t boot_usec);
RuleTime rule_clock_turn(RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec);

/* The order in which values were judged. All zero: none was. */
typedef struct RuleOrder {
        usec_t newest;    /* wall clock, as they say */
        usec_t boot_usec; /* when that came */
} RuleOrder;

/* Is this value to be judged? wall_usec: when it was taken, as it says; 0: it does not. */
bool rule_order_admits(RuleOrder *o, usec_t wall_usec, const RuleTime *now);

/* When this reading is. */
RuleTime rule_clock_take(RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec);
