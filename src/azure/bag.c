/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/bag.h"

#include <errno.h>
#include <string.h>

#include "azure/percent.h"
#include "base/utf8.h"

#define ENTRIES_MAX 512 /* a local service may give 255 of its own; the names of the hub come on top */

void bag_append(Buffer *b, size_t start, const char *name, const char *value)
{
        if (b->size > start)
                buffer_append_char(b, '&');
        percent_encode(b, name);
        if (value) {
                buffer_append_char(b, '=');
                percent_encode(b, value);
        }
}

void bag_done(Bag *bag)
{
        for (size_t i = 0; i < bag->n_entries; i++) {
                free(bag->entries[i].name);
                free(bag->entries[i].value);
        }
        free(bag->entries);
        *bag = (Bag){};
}

static int decode(const char *text, size_t size, char **ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        char *s;

        percent_decode(&b, text, size);
        if (b.size > 0 && (memchr(b.data, 0, b.size) || !utf8_is_valid(b.data, b.size)))
                return -EBADMSG;
        s = buffer_steal(&b);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

static int add(Bag *bag, const char *pair, size_t size)
{
        const char *equals = memchr(pair, '=', size);
        size_t name_size = equals ? (size_t)(equals - pair) : size;
        _cleanup_free_ char *name = NULL, *value = NULL;
        BagEntry *more;
        int r;

        if (name_size == 0)
                return -EBADMSG;
        if (bag->n_entries >= ENTRIES_MAX)
                return -E2BIG;
        r = decode(pair, name_size, &name);
        if (r < 0)
                return r;
        if (equals) {
                r = decode(equals + 1, size - name_size - 1, &value);
                if (r < 0)
                        return r;
        }
        more = reallocarray(bag->entries, bag->n_entries + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        bag->entries = more;
        bag->entries[bag->n_entries++] = (BagEntry){TAKE_PTR(name), TAKE_PTR(value)};
        return 0;
}

int bag_parse(const char *text, size_t size, Bag *ret)
{
        _cleanup_(bag_done) Bag bag = {};
        const char *end = text + size;

        if (text < end && *text == '?')
                text++;
        while (text < end) {
                const char *ampersand = memchr(text, '&', (size_t)(end - text)), *stop = ampersand ? ampersand : end;

                if (stop > text) {
                        int r = add(&bag, text, (size_t)(stop - text));

                        if (r < 0)
                                return r;
                }
                text = ampersand ? ampersand + 1 : end;
        }
        *ret = bag;
        bag = (Bag){};
        return 0;
}

const BagEntry *bag_find(const Bag *bag, const char *name)
{
        for (size_t i = 0; i < bag->n_entries; i++)
                if (strcmp(bag->entries[i].name, name) == 0)
                        return &bag->entries[i];
        return NULL;
}
