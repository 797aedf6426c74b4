/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/seed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "devhub/dps/service.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/presence.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "devhub/seed/bed.h"
#include "devhub/seed/place.h"
#include "devhub/seed/rehearsal.h"
#include "model/json-grammar.h"
#include "model/json-read.h"

/* Of things that are new or changed: a slice of so many has the store for some hundredths of a second. */
#define SLICE_MAX       100
#define PAUSE_LEAST_USEC (25 * USEC_PER_MSEC)

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

/* ---- transactions ---- */

static uint64_t n_written(const Bed *bed)
{
        return (uint64_t)bed->tally.n_new + bed->tally.n_changed;
}

static void tell_changed(const Bed *bed)
{
        for (size_t i = 0; bed->order->changed && i < json_object_array_length(bed->changed); i++) {
                json_object *o = json_object_array_get_idx(bed->changed, i);
                SeedChange change = {
                        .device_id = json_object_get_string(json_object_object_get(o, "device")),
                        .module_id = json_object_get_string(json_object_object_get(o, "module")),
                        .disabled = json_object_get_boolean(json_object_object_get(o, "disabled")),
                        .credentials = json_object_get_boolean(json_object_object_get(o, "credentials")),
                        .desired = json_object_object_get(o, "desired"),
                };

                bed->order->changed(bed->order->userdata, &change);
        }
}

static int commit(Bed *bed)
{
        int r = store_commit(bed->store);

        if (r < 0)
                return r;
        tell_changed(bed);
        bed->n_committed = n_written(bed);
        json_object_put(bed->changed);
        bed->changed = json_object_new_array();
        return bed->changed ? 0 : -ENOMEM;
}

/* For as long as we had the store others have it, and SQLite's, who look for it now and then, are sure to find it. */
static void pause_for(usec_t held)
{
        usec_t pause = MAX(held, PAUSE_LEAST_USEC);
        struct timespec t = {.tv_sec = (time_t)(pause / USEC_PER_SEC), .tv_nsec = (long)(pause % USEC_PER_SEC * 1000)};

        (void)nanosleep(&t, NULL);
}

static int end_slice(Bed *bed)
{
        int r = commit(bed);

        if (r >= 0)
                pause_for(usec_sub(clock_boot(&clock_system), bed->began_usec));
        return r;
}

static int begin_slice(Bed *bed)
{
        int r;

        if (bed->store->in_transaction)
                return 0;
        r = store_begin(bed->store);
        bed->began_usec = clock_boot(&clock_system);
        return r;
}

/* ---- the document ---- */

typedef struct Part {
        const char *name;
        int (*plant)(Bed *bed, json_object *item);
} Part;

/* NULL in a list: the rehearsal found it to be as it was. */
static int plant_item(Bed *bed, json_object *list, size_t i, const Part *part)
{
        json_object *item = json_object_array_get_idx(list, i);
        uint64_t before = n_written(bed);
        int r;

        if (bed->stage == BED_SLICES && !item)
                return 0;
        r = bed->stage == BED_SLICES ? begin_slice(bed) : 0;
        if (r >= 0)
                r = part->plant(bed, item);
        if (r >= 0 && bed->stage == BED_REHEARSAL && n_written(bed) == before)
                r = json_object_array_put_idx(list, i, NULL) < 0 ? -ENOMEM : 0;
        if (r >= 0 && bed->stage == BED_SLICES && n_written(bed) - bed->n_committed >= SLICE_MAX)
                r = end_slice(bed);
        return r;
}

static int plant_part(Bed *bed, json_object *document, const Part *part)
{
        json_object *list = json_object_object_get(document, part->name);
        size_t before = bed_enter(bed, part->name, -1);
        int r = 0;

        if (list && !json_object_is_type(list, json_type_array))
                return bed_refuse(bed, "it is not a list");
        for (size_t i = 0; list && r >= 0 && i < json_object_array_length(list); i++) {
                size_t outside = bed_enter(bed, NULL, (long)i);

                r = plant_item(bed, list, i, part);
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

        if (r >= 0 && place_of_half_character(file->text, file->size, &at)) {
                buffer_printf(error, "%s:%u: it has half of a pair of escapes such as \\ud83d\\ude00", file->name,
                              place_line_of(file->text, at));
                return buffer_error(error) ? -ENOMEM : -EBADMSG;
        }
        if (r != -EBADMSG)
                return r;
        if (json_grammar_fault_at(file->text, file->size, &at))
                buffer_printf(error, "%s:%u: %s", file->name, place_line_of(file->text, at), fault);
        else
                buffer_printf(error, "%s: %s", file->name, fault);
        return buffer_error(error) ? -ENOMEM : r;
}

/* ---- the whole ---- */

static int plant_stage(Bed *bed, json_object *document, BedStage stage)
{
        int r;

        bed->stage = stage;
        bed->tally = (SeedTally){};
        bed->n_committed = 0;
        bed->seen = json_object_new_object();
        bed->changed = json_object_new_array();
        if (!bed->seen || !bed->changed)
                r = -ENOMEM;
        else if (stage == BED_SLICES)
                r = 0;
        else
                r = stage == BED_REHEARSAL ? rehearsal_begin(bed->store) : store_begin(bed->store);
        if (r >= 0)
                r = plant_document(bed, document);
        if (r >= 0 && stage != BED_REHEARSAL)
                r = commit(bed);
        store_rollback(bed->store);
        json_object_put(bed->seen);
        json_object_put(bed->changed);
        return r;
}

/* What somebody else did since the rehearsal may still be in the way. */
static int plant_served(Bed *bed, json_object *document)
{
        SeedTally tally;
        int r = plant_stage(bed, document, BED_REHEARSAL);

        if (r < 0 || n_written(bed) == 0)
                return r;
        tally = bed->tally;
        r = plant_stage(bed, document, BED_SLICES);
        if (r == -EBADMSG && bed->n_committed > 0)
                buffer_printf(bed->error, "; what stands before it is seeded, and a second seed brings the rest");
        bed->tally = tally;
        return r;
}

int seed_plant(Store *store, const SeedOrder *order, SeedTally *ret, Buffer *error)
{
        Bed bed = {.store = store, .order = order, .error = error};
        _cleanup_json_ json_object *document = NULL;
        int r = read_document(&order->file, &document, error);

        if (r >= 0)
                r = order->served ? plant_served(&bed, document) : plant_stage(&bed, document, BED_AT_ONCE);
        buffer_done(&bed.place);
        *ret = bed.tally;
        return r;
}
