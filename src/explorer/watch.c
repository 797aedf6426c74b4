/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/watch.h"

#include <string.h>

#include "base/backoff.h"
#include "explorer/amqp-complaint.h"
#include "explorer/output.h"
#include "explorer/stop.h"

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

static bool is_over(const Watch *w, usec_t until)
{
        return stop_requested() || w->part.is_done(w->part.userdata) || boot_now() >= until;
}

static int open_part(const Watch *w, usec_t until)
{
        usec_t limit = usec_add(boot_now(), w->explorer->timeout_usec);

        return w->part.open(w->part.userdata, MIN(until, limit));
}

/* Until there is something to say about it, or it is over. */
static int turn_part(const Watch *w, usec_t until)
{
        int r = 0;

        while (r >= 0 && !is_over(w, until))
                r = w->part.turn(w->part.userdata, until);
        return r;
}

static void pause_until(usec_t until)
{
        short came;

        while (!stop_requested() && boot_now() < until)
                if (stop_poll(-1, 0, until, &came) < 0)
                        return;
}

/* A right that was there may have ended with its token, on a machine that slept: a new one is asked for. Whether the
 * right itself has gone the answer to that will tell. */
static bool may_have_expired(const AmqpFault *fault)
{
        return strcmp(fault->condition, "amqp:unauthorized-access") == 0;
}

/* A link that is up again, or gives the reason why not. */
static int come_back(const Watch *w, usec_t until)
{
        Backoff backoff = {.first_usec = USEC_PER_SEC, .max_usec = USEC_PER_MIN, .floor_usec = USEC_PER_SEC / 2};
        bool was_up = true;

        while ((amqp_fault_is_passing(w->fault) || (was_up && may_have_expired(w->fault))) && !is_over(w, until)) {
                _cleanup_(buffer_done) Buffer span = BUFFER_NULL;
                usec_t delay = backoff_next(&backoff, &random_system);

                put_span(&span, delay);
                remark(w->explorer, "%s; trying again in %s", w->fault->words, span.data ? span.data : "a moment");
                pause_until(MIN(until, usec_add(boot_now(), delay)));
                if (is_over(w, until))
                        break;
                was_up = false;
                amqp_fault_clear(w->fault);
                w->part.close(w->part.userdata);
                if (open_part(w, until) >= 0) {
                        remark(w->explorer, "the connection is back");
                        return 0;
                }
        }
        return -1;
}

int watch_run(const Watch *w)
{
        usec_t until = USEC_INFINITY;
        int r = open_part(w, USEC_INFINITY);

        if (r >= 0)
                until = usec_add(boot_now(), w->for_usec);
        while (r >= 0 && !is_over(w, until)) {
                r = turn_part(w, until);
                if (r < 0 && !is_over(w, until))
                        r = come_back(w, until);
        }
        if (r < 0 && w->fault->kind != AMQP_FAULT_STOPPED && !is_over(w, until))
                r = amqp_complain(w->fault, NULL, "%s", w->what);
        else
                r = EXPLORER_OK;
        w->part.close(w->part.userdata);
        return r;
}
