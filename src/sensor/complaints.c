/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/complaints.h"

bool complaints_admit(Complaints *c, pid_t pid, uid_t uid, usec_t now, uint64_t *ret_held_back)
{
        if (usec_sub(now, c->since) >= USEC_PER_HOUR)
                c->n_told = 0;
        for (size_t i = 0; i < c->n_told; i++)
                if (c->told[i].pid == pid && c->told[i].uid == uid)
                        goto hold_back;
        if (c->n_told == ARRAY_SIZE(c->told))
                goto hold_back;
        if (c->n_told == 0)
                c->since = now;
        c->told[c->n_told].pid = pid;
        c->told[c->n_told].uid = uid;
        c->n_told++;
        *ret_held_back = c->held_back;
        c->held_back = 0;
        return true;

hold_back:
        c->held_back++;
        return false;
}
