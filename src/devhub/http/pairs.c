/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void http_pairs_done(HttpPairs *pairs)
{
        for (size_t i = 0; i < pairs->n; i++) {
                free(pairs->items[i].name);
                free(pairs->items[i].value);
        }
        free(pairs->items);
        *pairs = (HttpPairs){};
}

int http_pairs_add(HttpPairs *pairs, const char *name, const char *value)
{
        _cleanup_free_ char *n = strdup(name), *v = strdup(value);

        if (!n || !v)
                return -ENOMEM;
        if (pairs->n == pairs->n_allocated) {
                size_t room = MAX(pairs->n_allocated * 2, (size_t)8);
                HttpPair *more = reallocarray(pairs->items, room, sizeof(HttpPair));

                if (!more)
                        return -ENOMEM;
                pairs->items = more;
                pairs->n_allocated = room;
        }
        pairs->items[pairs->n++] = (HttpPair){TAKE_PTR(n), TAKE_PTR(v)};
        return 0;
}

const char *http_pairs_find(const HttpPairs *pairs, const char *name)
{
        for (size_t i = 0; i < pairs->n; i++)
                if (strcasecmp(pairs->items[i].name, name) == 0)
                        return pairs->items[i].value;
        return NULL;
}
