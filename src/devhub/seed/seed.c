/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/seed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "devhub/dps/service.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/presence.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "devhub/seed/bed.h"
#include "devhub/seed/place.h"
#include "model/json-grammar.h"
#include "model/json-read.h"

int seed_prepare(Store *store)
{
        static int (*const nouns[])(Store *store) = {
                registry_prepare, presence_prepare, authority_prepare, twin_prepare, dps_service_prepare,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(nouns); i++)
                r = nouns[i](store);
        return r;
}

/* ---- the bed ---- */

int bed_refuse(Bed *bed, const char *fmt, ...)
{
        const SeedFile *file = &bed->order->file;
        const char *place = bed->place.size > 0 ? bed->place.data : "";
        _cleanup_free_ char *words = NULL;
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&words, fmt, ap);
        va_end(ap);
        if (r < 0)
                return -ENOMEM;
        buffer_printf(bed->error, "%s:%u: %s%s%s", file->name, place_line(file->text, place), place,
                      *place ? ": " : "", words);
        return buffer_error(bed->error) ? -ENOMEM : -EBADMSG;
}

size_t bed_enter(Bed *bed, const char *name, long index)
{
        size_t before = bed->place.size;

        if (index >= 0)
                buffer_printf(&bed->place, "[%ld]", index);
        else
                buffer_printf(&bed->place, "%s%s", before > 0 ? "." : "", name);
        return before;
}

void bed_leave(Bed *bed, size_t before)
{
        buffer_truncate(&bed->place, before);
        if (bed->place.data)
                bed->place.data[before] = 0;
}

static bool is_one_of(const char *name, const char *const names[])
{
        for (; *names; names++)
                if (strcmp(name, *names) == 0)
                        return true;
        return false;
}

int bed_check_object(Bed *bed, json_object *object, const char *const names[])
{
        if (!json_object_is_type(object, json_type_object))
                return bed_refuse(bed, "it is not an object");
        json_object_object_foreach(object, name, value) {
                (void)value;
                if (!is_one_of(name, names)) {
                        (void)bed_enter(bed, name, -1);
                        return bed_refuse(bed, "no such member is known here");
                }
        }
        return 0;
}

int bed_text(Bed *bed, json_object *object, const char *name, const char **ret)
{
        json_object *value = json_object_object_get(object, name);

        *ret = NULL;
        if (!value)
                return 0;
        *ret = json_object_get_string(value);
        if (json_object_is_type(value, json_type_string) && strlen(*ret) == (size_t)json_object_get_string_len(value))
                return 0;
        (void)bed_enter(bed, name, -1);
        return bed_refuse(bed, "it is not a text");
}

int bed_check_once(Bed *bed, const char *kind, const char *id)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        buffer_printf(&name, "%s %s", kind, id);
        if (buffer_error(&name))
                return -ENOMEM;
        if (json_object_object_get_ex(bed->seen, name.data, NULL))
                return bed_refuse(bed, "'%s' stands in the document a second time", id);
        return json_object_object_add(bed->seen, name.data, NULL) < 0 ? -ENOMEM : 0;
}

int bed_may_replace(Bed *bed, const char *member)
{
        if (bed->order->replace)
                return 0;
        (void)bed_enter(bed, member, -1);
        return bed_refuse(bed, "the hub has another one already; --replace takes that of the document");
}

/* ---- the document ---- */

typedef struct Part {
        const char *name;
        int (*plant)(Bed *bed, json_object *item);
} Part;

static int plant_part(Bed *bed, json_object *document, const Part *part)
{
        json_object *list = json_object_object_get(document, part->name);
        size_t before = bed_enter(bed, part->name, -1);
        int r = 0;

        if (list && !json_object_is_type(list, json_type_array))
                return bed_refuse(bed, "it is not a list");
        for (size_t i = 0; list && r >= 0 && i < json_object_array_length(list); i++) {
                size_t outside = bed_enter(bed, NULL, (long)i);

                r = part->plant(bed, json_object_array_get_idx(list, i));
                if (r >= 0)
                        bed_leave(bed, outside);
        }
        if (r >= 0)
                bed_leave(bed, before);
        return r;
}

static int plant_document(Bed *bed, json_object *document)
{
        static const Part parts[] = {
                {"devices", bed_plant_device},
                {"enrollments", bed_plant_enrollment},
                {"enrollmentGroups", bed_plant_group},
                {"certificateAuthorities", bed_plant_authority},
        };
        const char *names[ARRAY_SIZE(parts) + 1] = {};
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                names[i] = parts[i].name;
        r = bed_check_object(bed, document, names);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++)
                r = plant_part(bed, document, &parts[i]);
        return r;
}

static int read_document(const SeedFile *file, json_object **ret, Buffer *error)
{
        const char *fault;
        size_t at = 0;
        int r = json_read(file->text, file->size, ret, &fault);

        if (r != -EBADMSG)
                return r;
        if (json_grammar_fault_at(file->text, file->size, &at))
                buffer_printf(error, "%s:%u: %s", file->name, place_line_of(file->text, at), fault);
        else
                buffer_printf(error, "%s: %s", file->name, fault);
        return buffer_error(error) ? -ENOMEM : r;
}

static void tell_changed(const Bed *bed)
{
        for (size_t i = 0; i < json_object_array_length(bed->changed); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(bed->changed, i));
                _cleanup_free_ char *device_id = NULL, *module_id = NULL;

                if (identity_parse(name, &device_id, &module_id) >= 0)
                        bed->order->changed(bed->order->userdata, device_id, module_id);
        }
}

int seed_plant(Store *store, const SeedOrder *order, SeedTally *ret, Buffer *error)
{
        Bed bed = {.store = store, .order = order, .error = error, .seen = json_object_new_object(),
                   .changed = json_object_new_array()};
        _cleanup_json_ json_object *document = NULL;
        int r = bed.seen && bed.changed ? read_document(&order->file, &document, error) : -ENOMEM;

        if (r >= 0)
                r = store_begin(store);
        if (r >= 0)
                r = plant_document(&bed, document);
        if (r >= 0 && order->changed)
                tell_changed(&bed);
        json_object_put(bed.seen);
        json_object_put(bed.changed);
        buffer_done(&bed.place);
        *ret = bed.tally;
        return r;
}
