/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-time.h"

#define SET_BACK_USEC (10 * USEC_PER_MIN) /* late lines come among others; a clock that was set back has no others */

static bool tells_time(const Reading *reading)
{
        return reading->wall_usec > 0 && reading->wall_trusted;
}

RuleTime rule_clock_now(const RuleClock *c, usec_t boot_usec)
{
        usec_t usec = c->is_wall ? usec_add(c->newest, usec_sub(boot_usec, c->boot_usec)) : boot_usec;

        return (RuleTime){boot_usec, usec, c->is_wall};
}

usec_t rule_clock_to_boot(const RuleClock *c, usec_t usec)
{
        if (!c->is_wall || usec == USEC_INFINITY)
                return usec;
        return usec_add(c->boot_usec, usec_sub(usec, c->newest));
}

bool rule_clock_turns(const RuleClock *c, const Reading *reading)
{
        return !c->is_wall && tells_time(reading);
}

/* One clock that is wrong by years must not carry the others' lines along. */
static usec_t believe(usec_t wall_usec, const Clock *clock)
{
        return clock_synchronised(clock) ? MIN(wall_usec, clock_wall(clock)) : wall_usec;
}

/* Only a newer line sets it, or a source whose clock stands would stop it. */
RuleTime rule_clock_take(RuleClock *c, const Reading *reading, const Clock *clock, usec_t boot_usec)
{
        usec_t at = tells_time(reading) ? believe(reading->wall_usec, clock) : 0;

        if (at > c->newest)
                *c = (RuleClock){true, at, boot_usec};
        return rule_clock_now(c, boot_usec);
}

/* What claims to be of the future is of the present: or whatever comes until then would be older. */
bool rule_order_admits(RuleOrder *o, usec_t wall_usec, const RuleTime *now)
{
        if (wall_usec == 0)
                return true;
        if (wall_usec < o->newest && usec_sub(now->boot_usec, o->boot_usec) < SET_BACK_USEC)
                return false;
        *o = (RuleOrder){now->is_wall ? MIN(wall_usec, now->usec) : wall_usec, now->boot_usec};
        return true;
}
