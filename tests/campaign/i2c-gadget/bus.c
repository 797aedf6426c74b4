/* SPDX-License-Identifier: Apache-2.0 */
#include "bus.h"

#include <string.h>

Chip *bus_find(Bus *b, const char *name)
{
        for (size_t i = 0; i < b->n; i++)
                if (strcmp(b->chips[i].name, name) == 0)
                        return &b->chips[i];
        return NULL;
}

/* The next chip that hears it, from *i on. */
static Chip *next_there(Bus *b, unsigned address, size_t *i)
{
        for (; *i < b->n; ++*i)
                if (b->chips[*i].address == address && chip_is_there(&b->chips[*i]))
                        return &b->chips[(*i)++];
        return NULL;
}

bool bus_write(Bus *b, unsigned address, const uint8_t *bytes, size_t n, usec_t now, usec_t *ret_late)
{
        bool heard = false;
        size_t i = 0;

        *ret_late = 0;
        for (Chip *c; (c = next_there(b, address, &i));) {
                heard = chip_write(c, bytes, n, now) == 0 || heard;
                *ret_late = MAX(*ret_late, c->slow_usec);
        }
        return heard;
}

bool bus_read(Bus *b, unsigned address, uint8_t *bytes, size_t n, usec_t now, usec_t *ret_late)
{
        bool heard = false;
        size_t i = 0;

        *ret_late = 0;
        memset(bytes, 0xff, n);
        for (Chip *c; (c = next_there(b, address, &i));) {
                heard = chip_read(c, bytes, n, now) == 0 || heard;
                *ret_late = MAX(*ret_late, c->slow_usec);
        }
        return heard;
}
