/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flushes.h"

#include <errno.h>
#include <string.h>

int flushes_add(Flushes *f, DoneFn done, void *userdata, usec_t now)
{
        Flush *more = reallocarray(f->list, f->n + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        f->list = more;
        f->list[f->n++] = (Flush){done, userdata, now};
        return 0;
}

usec_t flushes_until(const Flushes *f)
{
        return f->n > 0 ? f->list[f->n - 1].at : FLUSHES_NONE;
}

void flushes_step(Flushes *f, bool (*is_past)(void *userdata, usec_t appended_usec), void *userdata)
{
        for (size_t i = 0; i < f->n;) {
                Flush flush = f->list[i];

                if (!is_past(userdata, flush.at)) {
                        i++;
                        continue;
                }
                memmove(&f->list[i], &f->list[i + 1], (--f->n - i) * sizeof(flush));
                flush.done(flush.userdata, REQUEST_OK, NULL);
        }
}

void flushes_end(Flushes *f, const char *why)
{
        while (f->n > 0) {
                Flush flush = f->list[--f->n];

                flush.done(flush.userdata, REQUEST_NOT_CONNECTED, why);
        }
}

void flushes_done(Flushes *f)
{
        free(f->list);
        *f = (Flushes){};
}
