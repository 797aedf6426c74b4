/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/twin-patch.h"

#include <errno.h>
#include <math.h>

#include "base/iso-time.h"
#include "base/utf8.h"
#include "model/json-read.h"

#define NAME_MAX_SIZE   1024
#define STRING_MAX_SIZE 4096
#define INTEGER_MIN     (-4503599627370496)
#define INTEGER_MAX     4503599627370495
#define DEPTH_MAX       10 /* objects and arrays within one another, below the section itself */

#define NEVER "0001-01-01T00:00:00Z"

static const struct {
        const char *name;
        size_t size_max;
} kinds[] = {
        [TWIN_TAGS] = {"tags", 8 * 1024},
        [TWIN_DESIRED] = {"properties.desired", 32 * 1024},
        [TWIN_REPORTED] = {"properties.reported", 32 * 1024},
};

/* ---- life ---- */

void twin_section_done(TwinSection *s)
{
        json_object_put(s->values);
        json_object_put(s->metadata);
        *s = (TwinSection){};
}

int twin_section_init(TwinSection *s, TwinSectionKind kind)
{
        *s = (TwinSection){.kind = kind, .version = 1};
        s->values = json_object_new_object();
        if (!s->values)
                return -ENOMEM;
        if (kind == TWIN_TAGS)
                return 0;
        s->metadata = json_object_new_object();
        if (!s->metadata || json_put(s->metadata, "$lastUpdated", json_object_new_string(NEVER)) < 0) {
                twin_section_done(s);
                return -ENOMEM;
        }
        return 0;
}

/* ---- limits ---- */

/* Where in the section a value stands, for the words of a refusal. */
typedef struct Place {
        const struct Place *above; /* NULL: the section itself */
        const char *name;
} Place;

static void say_place(const Place *place, Buffer *b)
{
        if (place->above) {
                say_place(place->above, b);
                buffer_append_char(b, '.');
        }
        buffer_append_string(b, place->name);
}

#define REFUSE(error, place, ...)                                                                                    \
        ({                                                                                                           \
                say_place(place, error);                                                                             \
                buffer_append_string(error, ": ");                                                                   \
                buffer_printf(error, __VA_ARGS__);                                                                   \
                buffer_error(error) ? -ENOMEM : TWIN_PATCH_E_INVALID;                                                \
        })

/* The control characters of Unicode, C0 and C1, and DEL between them. */
static bool is_control(const char *p, size_t size)
{
        uint8_t first = (uint8_t)p[0];

        if (size == 1)
                return first < 0x20 || first == 0x7f;
        return size == 2 && first == 0xc2 && (uint8_t)p[1] < 0xa0;
}

static size_t text_size(const char *text, size_t size)
{
        size_t counted = 0;

        for (size_t i = 0; i < size;) {
                size_t n = utf8_character(text + i, size - i);

                n = MAX(n, (size_t)1);
                if (!is_control(text + i, n))
                        counted += n;
                i += n;
        }
        return counted;
}

static int check_name(const char *name, const Place *above, Buffer *error)
{
        size_t size = strlen(name);

        if (size == 0)
                return REFUSE(error, above, "a name is empty");
        if (size > NAME_MAX_SIZE)
                return REFUSE(error, above, "a name of %zu bytes, %d are allowed", size, NAME_MAX_SIZE);
        if (text_size(name, size) != size)
                return REFUSE(error, above, "a name with a control character");
        if (strpbrk(name, ".$ "))
                return REFUSE(error, above, "the name '%s' has a '.', '$' or blank", name);
        return 0;
}

static int check_value(json_object *value, const Place *place, unsigned depth, Buffer *error);

static int check_members(json_object *object, const Place *place, unsigned depth, Buffer *error)
{
        json_object_object_foreach(object, name, value)
        {
                Place below = {place, name};
                int k = check_name(name, place, error);

                if (k == 0)
                        k = check_value(value, &below, depth + 1, error);
                if (k != 0)
                        return k;
        }
        return 0;
}

static int check_elements(json_object *array, const Place *place, unsigned depth, Buffer *error)
{
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                int k = check_value(json_object_array_get_idx(array, i), place, depth + 1, error);

                if (k != 0)
                        return k;
        }
        return 0;
}

static int check_value(json_object *value, const Place *place, unsigned depth, Buffer *error)
{
        json_type type = json_object_get_type(value);

        if ((type == json_type_object || type == json_type_array) && depth > DEPTH_MAX)
                return REFUSE(error, place, "deeper than %d levels", DEPTH_MAX);
        switch (type) {
        case json_type_object:
                return check_members(value, place, depth, error);
        case json_type_array:
                return check_elements(value, place, depth, error);
        case json_type_string:
                if (json_object_get_string_len(value) > STRING_MAX_SIZE)
                        return REFUSE(error, place, "a string of %d bytes, %d are allowed",
                                      json_object_get_string_len(value), STRING_MAX_SIZE);
                return 0;
        case json_type_int:
                if (json_object_get_int64(value) < INTEGER_MIN || json_object_get_int64(value) > INTEGER_MAX)
                        return REFUSE(error, place, "an integer must be from %lld to %lld", (long long)INTEGER_MIN,
                                      (long long)INTEGER_MAX);
                return 0;
        case json_type_double:
                return isfinite(json_object_get_double(value)) ? 0
                                                               : REFUSE(error, place, "a number that is too large");
        case json_type_null:
        case json_type_boolean:
                break;
        }
        return 0;
}

size_t twin_size(json_object *value)
{
        size_t size = 0;

        switch (json_object_get_type(value)) {
        case json_type_object: {
                json_object_object_foreach(value, name, member)
                        size += text_size(name, strlen(name)) + twin_size(member);
                return size;
        }
        case json_type_array:
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        size += twin_size(json_object_array_get_idx(value, i));
                return size;
        case json_type_string:
                return text_size(json_object_get_string(value), (size_t)json_object_get_string_len(value));
        case json_type_int:
        case json_type_double:
                return 8;
        case json_type_boolean:
                return 4;
        case json_type_null:
                break;
        }
        return 0;
}

/* ---- patches ---- */

static int copy_of(json_object *object, json_object **ret)
{
        *ret = NULL;
        return json_object_deep_copy(object, ret, NULL) < 0 ? -ENOMEM : 0;
}

int twin_patch_new(json_object **ret, TwinSectionKind kind, json_object *given, Buffer *error)
{
        Place place = {NULL, kinds[kind].name};
        json_object *patch;
        int k;

        if (!json_object_is_type(given, json_type_object))
                return REFUSE(error, &place, "not a JSON object");
        if (copy_of(given, &patch) < 0)
                return -ENOMEM;
        if (kind == TWIN_DESIRED) {
                json_object_object_del(patch, "$version");
                json_object_object_del(patch, "$metadata");
        }
        k = check_members(patch, &place, 0, error);
        if (k != 0) {
                json_object_put(patch);
                return k;
        }
        *ret = patch;
        return 0;
}

/* Nulls into `patch` for what `old` has and `patch` has not. */
static int add_deletions(json_object *patch, json_object *old)
{
        json_object_object_foreach(old, name, before)
        {
                json_object *after;

                if (!json_object_object_get_ex(patch, name, &after)) {
                        if (json_object_object_add(patch, name, NULL) < 0)
                                return -ENOMEM;
                } else if (json_object_is_type(before, json_type_object) &&
                           json_object_is_type(after, json_type_object) && add_deletions(after, before) < 0) {
                        return -ENOMEM;
                }
        }
        return 0;
}

int twin_patch_to_replace(json_object **ret, const TwinSection *s, json_object *patch)
{
        json_object *replacing;

        if (copy_of(patch, &replacing) < 0)
                return -ENOMEM;
        if (add_deletions(replacing, s->values) < 0) {
                json_object_put(replacing);
                return -ENOMEM;
        }
        *ret = replacing;
        return 0;
}

/* ---- merging ---- */

typedef struct Stamp {
        char time[ISO_TIME_MAX];
        uint64_t version; /* 0: not written */
} Stamp;

static int put_stamp(json_object *metadata, const Stamp *stamp)
{
        int r = json_put(metadata, "$lastUpdated", json_object_new_string(stamp->time));

        if (r < 0 || stamp->version == 0)
                return r;
        return json_put(metadata, "$lastUpdatedVersion", json_object_new_int64((int64_t)stamp->version));
}

/* The object of that name; one takes the place of whatever else stands there. */
static int reach_object(json_object *object, const char *name, json_object **ret)
{
        if (json_object_object_get_ex(object, name, ret) && json_object_is_type(*ret, json_type_object))
                return 0;
        *ret = json_object_new_object();
        return json_put(object, name, *ret);
}

static int merge_object(json_object *values, json_object *metadata, json_object *patch, const Stamp *stamp);

static int merge_value(json_object *values, json_object *metadata, const char *name, json_object *value,
                       const Stamp *stamp)
{
        json_object *stamps;
        int r;

        r = json_put(values, name, json_object_get(value));
        if (r < 0 || !metadata)
                return r;
        stamps = json_object_new_object();
        r = json_put(metadata, name, stamps);
        return r < 0 ? r : put_stamp(stamps, stamp);
}

static int merge_member(json_object *values, json_object *metadata, const char *name, json_object *value,
                        const Stamp *stamp)
{
        json_object *inner_values, *inner_metadata = NULL;
        int r;

        if (!value) {
                json_object_object_del(values, name);
                if (metadata)
                        json_object_object_del(metadata, name);
                return 0;
        }
        if (!json_object_is_type(value, json_type_object))
                return merge_value(values, metadata, name, value, stamp);
        r = reach_object(values, name, &inner_values);
        if (r >= 0 && metadata)
                r = reach_object(metadata, name, &inner_metadata);
        return r < 0 ? r : merge_object(inner_values, inner_metadata, value, stamp);
}

static int merge_object(json_object *values, json_object *metadata, json_object *patch, const Stamp *stamp)
{
        int r = metadata ? put_stamp(metadata, stamp) : 0;

        if (r < 0)
                return r;
        json_object_object_foreach(patch, name, value)
        {
                r = merge_member(values, metadata, name, value, stamp);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int copy_section(const TwinSection *s, TwinSection *ret)
{
        TwinSection copy = {.kind = s->kind, .version = s->version};

        if (copy_of(s->values, &copy.values) < 0 || (s->metadata && copy_of(s->metadata, &copy.metadata) < 0)) {
                twin_section_done(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

int twin_section_merge(TwinSection *s, json_object *patch, usec_t wall_now, Buffer *error)
{
        _cleanup_(twin_section_done) TwinSection merged = {};
        Place place = {NULL, kinds[s->kind].name};
        Stamp stamp = {};
        size_t size;
        int r;

        r = copy_section(s, &merged);
        if (r < 0)
                return r;
        merged.version++;
        (void)iso_time_format_7(wall_now, stamp.time);
        if (s->kind == TWIN_DESIRED)
                stamp.version = merged.version;
        r = merge_object(merged.values, merged.metadata, patch, &stamp);
        if (r < 0)
                return r;
        size = twin_size(merged.values);
        if (size > kinds[s->kind].size_max)
                return REFUSE(error, &place, "it would have %zu bytes, %zu are allowed", size,
                              kinds[s->kind].size_max);
        twin_section_done(s);
        *s = merged;
        merged = (TwinSection){};
        return 0;
}
