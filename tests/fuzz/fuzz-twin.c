/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two patches of a twin, of any bytes, with a line end between them. What is taken keeps the limits and can be read
 * again; a patch that replaces leaves just what it says, and nothing in the metadata beside.
 */

#include <string.h>

#include "devhub/hub/twin-patch.h"
#include "fuzz.h"
#include "model/json-read.h"

#define DESIRED_MAX (32 * 1024)

static json_object *patch_of(const uint8_t *data, size_t size)
{
        Buffer error = BUFFER_NULL;
        json_object *given = NULL, *patch = NULL;
        const char *fault;

        if (json_read((const char *)data, size, &given, &fault) == 0) {
                int k = twin_patch_new(&patch, TWIN_DESIRED, given, &error);

                promise(k == 0 || (k == TWIN_PATCH_E_INVALID && error.size > 0 && !patch));
        }
        json_object_put(given);
        buffer_done(&error);
        return patch;
}

/* The metadata has the members of the values, and stamps. */
static void check_metadata(json_object *values, json_object *metadata)
{
        size_t n = (size_t)json_object_object_length(metadata);

        promise(json_object_object_get_ex(metadata, "$lastUpdated", NULL));
        n -= json_object_object_get_ex(metadata, "$lastUpdatedVersion", NULL) ? 2 : 1;
        if (!json_object_is_type(values, json_type_object)) {
                promise(n == 0);
                return;
        }
        promise(n == (size_t)json_object_object_length(values));
        json_object_object_foreach(values, name, value)
        {
                json_object *below;

                promise(value);
                promise(json_object_object_get_ex(metadata, name, &below));
                check_metadata(value, below);
        }
}

static void check_section(const TwinSection *s)
{
        json_object *again = NULL;
        Buffer text = BUFFER_NULL;
        const char *fault;

        promise(twin_size(s->values) <= DESIRED_MAX);
        check_metadata(s->values, s->metadata);
        json_write(&text, s->values);
        promise(json_read(text.data, text.size, &again, &fault) == 0);
        promise(twin_size(again) == twin_size(s->values));
        json_object_put(again);
        buffer_done(&text);
}

/* 0, or it would be too large and nothing changed. */
static int merge(TwinSection *s, json_object *patch)
{
        uint64_t version = s->version;
        Buffer error = BUFFER_NULL;
        int k = twin_section_merge(s, patch, 1767225600123456, &error);

        promise(k == 0 || (k == TWIN_PATCH_E_INVALID && error.size > 0));
        promise(s->version == (k == 0 ? version + 1 : version));
        check_section(s);
        buffer_done(&error);
        return k;
}

/* Into an empty section, and in the place of what another holds: the same. */
static void check_replacing(TwinSection *s, json_object *patch)
{
        TwinSection fresh;
        json_object *replacing;

        promise(twin_section_init(&fresh, TWIN_DESIRED) == 0);
        promise(twin_patch_to_replace(&replacing, s, patch) == 0);
        if (merge(&fresh, patch) == 0) {
                promise(merge(s, replacing) == 0);
                promise(json_object_equal(fresh.values, s->values));
        }
        json_object_put(replacing);
        twin_section_done(&fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = memchr(data, '\n', size);
        size_t first = end ? (size_t)(end - data) : size;
        json_object *a = patch_of(data, first);
        json_object *b = end ? patch_of(end + 1, size - first - 1) : NULL;
        TwinSection s;

        promise(twin_section_init(&s, TWIN_DESIRED) == 0);
        if (a)
                (void)merge(&s, a);
        if (b)
                (void)merge(&s, b);
        if (a)
                check_replacing(&s, a);
        twin_section_done(&s);
        json_object_put(a);
        json_object_put(b);
        return 0;
}
