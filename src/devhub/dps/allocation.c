/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/allocation.h"

#include <strings.h>

typedef struct Candidates {
        const char *all[LINKED_HUBS_MAX + 1];
        size_t n;
} Candidates;

static void consider(Candidates *c, const Enrollment *e, const char *host)
{
        if (enrollment_allows_hub(e, host))
                c->all[c->n++] = host;
}

/* FNV-1a: the same device gets the same hub, as long as the same hubs are linked. */
static uint64_t hash(const char *text)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (; *text; text++)
                h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
        return h ^ h >> 32;
}

const char *allocation_choose(const Enrollment *e, const char *registration_id, const char *current, const char *host,
                              const LinkedHubs *linked)
{
        Candidates c = {};

        consider(&c, e, host);
        for (size_t i = 0; linked && i < linked->n; i++)
                consider(&c, e, linked->all[i].host);
        for (size_t i = 0; current && i < c.n; i++)
                if (strcasecmp(c.all[i], current) == 0)
                        return c.all[i];
        if (c.n == 0)
                return NULL;
        return e->allocation == ALLOCATION_STATIC ? c.all[0] : c.all[hash(registration_id) % c.n];
}
