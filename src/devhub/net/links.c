/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/links.h"

#include <errno.h>
#include <string.h>

int links_add(Links *links, Link *link)
{
        _cleanup_(link_freep) Link *owned = link;

        if (links->n == links->n_allocated) {
                size_t n = MAX(links->n_allocated * 2, (size_t)16);
                Link **more = reallocarray(links->all, n, sizeof(Link *));

                if (!more)
                        return -ENOMEM;
                links->all = more;
                links->n_allocated = n;
        }
        links->all[links->n++] = TAKE_PTR(owned);
        return 0;
}

void links_free_ended(Links *links)
{
        size_t n = 0;

        for (size_t i = 0; i < links->n; i++) {
                if (link_has_ended(links->all[i]))
                        link_free(links->all[i]);
                else
                        links->all[n++] = links->all[i];
        }
        links->n = n;
}

void links_done(Links *links)
{
        for (size_t i = 0; i < links->n; i++)
                link_free(links->all[i]);
        free(links->all);
        *links = (Links){};
}

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

bool link_is_of(const Link *link, const char *device_id, const char *module_id)
{
        const Verdict *v = link_verdict(link);

        return v->device_id && same(v->device_id, device_id) && same(v->module_id, module_id);
}

Link *links_find(const Links *links, const char *device_id, const char *module_id)
{
        for (size_t i = 0; i < links->n; i++)
                if (link_is_of(links->all[i], device_id, module_id) && link_is_open(links->all[i]))
                        return links->all[i];
        return NULL;
}

unsigned links_n_devices(const Links *links)
{
        unsigned n = 0;

        for (size_t i = 0; i < links->n; i++) {
                const Verdict *v = link_verdict(links->all[i]);

                n += link_is_open(links->all[i]) && v->device_id && !v->module_id;
        }
        return n;
}
