/* SPDX-License-Identifier: Apache-2.0 */
#include "model/property.h"

#include <errno.h>
#include <string.h>

void properties_free(Property *list, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(list[i].name);
                free(list[i].value);
        }
        free(list);
}

int properties_add(Property **list, size_t *n, const char *name, const char *value)
{
        Property *more = reallocarray(*list, *n + 1, sizeof(*more));
        Property p;

        if (!more)
                return -ENOMEM;
        *list = more;
        p = (Property){strdup(name), strdup(value)};
        if (!p.name || !p.value) {
                free(p.name);
                free(p.value);
                return -ENOMEM;
        }
        more[(*n)++] = p;
        return 0;
}

size_t properties_size(const Property *list, size_t n)
{
        size_t size = 0;

        for (size_t i = 0; i < n; i++)
                size += strlen(list[i].name) + strlen(list[i].value);
        return size;
}

void properties_encode(const Property *list, size_t n, Buffer *b)
{
        for (size_t i = 0; i < n; i++) {
                record_text_put(b, list[i].name);
                record_text_put(b, list[i].value);
        }
}

void record_text_put(Buffer *b, const char *text)
{
        buffer_append(b, text, strlen(text) + 1);
}

const char *record_text_take(const char **p, const char *end)
{
        const char *text = *p, *nul = text < end ? memchr(text, 0, (size_t)(end - text)) : NULL;

        if (!nul)
                return NULL;
        *p = nul + 1;
        return text;
}
