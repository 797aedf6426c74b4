/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/puback.h"

#include <errno.h>
#include <string.h>

#include "devhub/mqtt/mqtt-packet.h"

struct Puback {
        uint16_t id;
        bool stored;
        usec_t due_usec; /* once stored; until then, how long after that */
};

int pubacks_owe(Pubacks *p, uint16_t id, usec_t delay_usec)
{
        if (p->n == p->n_allocated) {
                size_t n = MAX(p->n_allocated * 2, (size_t)32);
                Puback *more = reallocarray(p->owed, n, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                p->owed = more;
                p->n_allocated = n;
        }
        p->owed[p->n++] = (Puback){.id = id, .due_usec = delay_usec};
        p->n_unstored++;
        return 0;
}

void pubacks_stored(Pubacks *p, usec_t now)
{
        for (size_t i = p->n - p->n_unstored; i < p->n; i++) {
                p->owed[i].stored = true;
                p->owed[i].due_usec = usec_add(now, p->owed[i].due_usec);
        }
        p->n_unstored = 0;
}

void pubacks_write(Pubacks *p, usec_t now, Buffer *b)
{
        size_t n = 0;

        while (n < p->n && p->owed[n].stored && p->owed[n].due_usec <= now)
                mqtt_write_puback(b, p->owed[n++].id);
        if (n == 0)
                return;
        p->n -= n;
        memmove(p->owed, p->owed + n, p->n * sizeof(*p->owed));
}

usec_t pubacks_deadline(const Pubacks *p)
{
        return p->n > 0 && p->owed[0].stored ? p->owed[0].due_usec : USEC_INFINITY;
}

void pubacks_forget(Pubacks *p)
{
        p->n = p->n_unstored = 0;
}

void pubacks_done(Pubacks *p)
{
        free(p->owed);
        *p = (Pubacks){};
}
