/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/complaints.h"

bool complaints_admit(Complaints *c, unsigned reason, uint64_t who, usec_t now, uint64_t *ret_held_back)
{
        typeof(&c->reasons[0]) r = &c->reasons[reason];

        if (usec_sub(now, r->since) >= USEC_PER_HOUR)
                r->n_told = 0;
        for (size_t i = 0; i < r->n_told; i++)
                if (r->told[i] == who)
                        goto hold_back;
        if (r->n_told == ARRAY_SIZE(r->told))
                goto hold_back;
        if (r->n_told == 0)
                r->since = now;
        r->told[r->n_told++] = who;
        *ret_held_back = r->held_back;
        r->held_back = 0;
        return true;

hold_back:
        r->held_back++;
        return false;
}
