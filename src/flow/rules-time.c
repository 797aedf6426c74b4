/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-time.h"

#define SET_BACK_USEC (10 * USEC_PER_MIN) /* late lines come among others; a clock that was set back has no others */
#define AHEAD_USEC    USEC_PER_SEC        /* clocks that are slewed part by less */

static bool tells_time(const Reading *reading)
{
        return reading && reading->wall_usec > 0 && reading->wall_trusted;
}

RuleTime rule_clock_now(const RuleClock *c, usec_t boot_usec)
{
        usec_t usec = c->is_wall ? usec_add(c->newest, usec_sub(boot_usec, c->boot_usec)) : boot_usec;

        return (RuleTime){boot_usec, usec, c->is_wall, c->is_doubted};
}

usec_t rule_clock_to_boot(const RuleClock *c, usec_t usec)
{
        if (!c->is_wall || usec == USEC_INFINITY)
                return usec;
        return usec_add(c->boot_usec, usec_sub(usec, c->newest));
}

/* The present, where it is known that this lies beyond it by more than that; USEC_INFINITY: it is not. Whether our
 * clock is to be believed is asked last: that costs system calls. */
static usec_t present_before(usec_t wall_usec, usec_t by, const Clock *clock)
{
        usec_t present = clock_wall(clock);

        return wall_usec > usec_add(present, by) && clock_synchronised(clock) ? present : USEC_INFINITY;
}

/* One clock that is wrong by years must not carry the others' lines along. */
static usec_t believe(usec_t wall_usec, const Clock *clock)
{
        return MIN(wall_usec, present_before(wall_usec, 0, clock));
}

/* It was so before our own clock was known to be right. */
static bool is_ahead(const RuleClock *c, const Clock *clock, usec_t boot_usec)
{
        return c->is_wall &&
               present_before(rule_clock_now(c, boot_usec).usec, AHEAD_USEC, clock) != USEC_INFINITY;
}

static bool contradicts(const RuleClock *c, const Reading *reading)
{
        return c->is_wall && tells_time(reading) && usec_add(reading->wall_usec, SET_BACK_USEC) < c->newest;
}

bool rule_clock_turns(const RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec)
{
        if (!c->is_wall)
                return tells_time(reading);
        return is_ahead(c, clock, boot_usec) ||
               (contradicts(c, reading) && usec_sub(boot_usec, c->boot_usec) >= SET_BACK_USEC);
}

void rule_clock_doubt(RuleClock *c, const Clock *clock, usec_t boot_usec)
{
        c->is_doubted = c->is_doubted || is_ahead(c, clock, boot_usec);
}

RuleTime rule_clock_turn(RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec)
{
        usec_t at = tells_time(reading) ? believe(reading->wall_usec, clock) : clock_wall(clock);

        *c = (RuleClock){.is_wall = true, .newest = at, .boot_usec = boot_usec};
        return rule_clock_now(c, boot_usec);
}

/* Only a newer line sets it, or a source whose clock stands would stop it. Where our own clock is right, what is newer
 * is right as well, and the other one is late. */
RuleTime rule_clock_take(RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec)
{
        usec_t at = tells_time(reading) ? believe(reading->wall_usec, clock) : 0;

        if (at > c->newest)
                *c = (RuleClock){.is_wall = true, .newest = at, .boot_usec = boot_usec};
        else if (contradicts(c, reading) && !clock_synchronised(clock))
                c->is_doubted = true;
        return rule_clock_now(c, boot_usec);
}

/* As late as that is no line that stands among others. While nobody knows which of the two clocks is right, the value
 * that came last is how things are: an alarm too many is better than none. */
static bool is_late(const RuleOrder *o, usec_t wall_usec, const RuleTime *now)
{
        return wall_usec < o->newest && usec_sub(now->boot_usec, o->boot_usec) < SET_BACK_USEC &&
               !(now->is_doubted && usec_add(wall_usec, SET_BACK_USEC) < o->newest);
}

/* What claims to be of the future is of the present: or whatever comes until then would be older. */
bool rule_order_admits(RuleOrder *o, usec_t wall_usec, const RuleTime *now)
{
        if (wall_usec == 0)
                return true;
        if (is_late(o, wall_usec, now))
                return false;
        *o = (RuleOrder){now->is_wall ? MIN(wall_usec, now->usec) : wall_usec, now->boot_usec};
        return true;
}
