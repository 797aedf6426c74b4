/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inbox-memory.h"

#include <errno.h>
#include <string.h>

void inbox_memory_done(InboxMemory *m)
{
        free(m->done);
        *m = (InboxMemory){};
}

int inbox_memory_add(InboxMemory *m, const InboxDone *done)
{
        InboxDone *more;

        if (inbox_memory_has_id(m, done->id))
                return 0;
        if (m->n == m->allocated) {
                size_t n = MAX(m->allocated * 2, (size_t)64);

                more = reallocarray(m->done, n, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                m->done = more;
                m->allocated = n;
        }
        m->done[m->n++] = *done;
        return 0;
}

void inbox_memory_trim(InboxMemory *m, size_t n_max)
{
        if (m->n <= n_max)
                return;
        memmove(m->done, m->done + m->n - n_max, n_max * sizeof(*m->done));
        m->n = n_max;
}

/* The latest are asked for most. */
bool inbox_memory_has_id(const InboxMemory *m, uint64_t id)
{
        for (size_t i = m->n; i-- > 0;)
                if (m->done[i].id == id)
                        return true;
        return false;
}

bool inbox_memory_has_later(const InboxMemory *m, const InboxKey *key, uint64_t id)
{
        for (size_t i = m->n; i-- > 0;)
                if (m->done[i].id >= id && inbox_key_equals(&m->done[i].key, key))
                        return true;
        return false;
}

bool inbox_memory_has_key(const InboxMemory *m, const InboxKey *key)
{
        return inbox_memory_has_later(m, key, 0);
}
