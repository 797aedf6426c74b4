/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/twin.h"

#include <errno.h>

#include "base/base64.h"
#include "model/json-read.h"

/* The trigger stands in the file itself: whoever deletes an identity deletes its twin. */
static const char schema[] =
        "CREATE TABLE IF NOT EXISTS twins ("
        "  device_id TEXT NOT NULL, module_id TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL,"
        "  tags TEXT NOT NULL, tags_version INTEGER NOT NULL,"
        "  desired TEXT NOT NULL, desired_metadata TEXT NOT NULL, desired_version INTEGER NOT NULL,"
        "  reported TEXT NOT NULL, reported_metadata TEXT NOT NULL, reported_version INTEGER NOT NULL,"
        "  PRIMARY KEY (device_id, module_id)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS models ("
        "  device_id TEXT NOT NULL, module_id TEXT NOT NULL DEFAULT '', model_id TEXT NOT NULL,"
        "  PRIMARY KEY (device_id, module_id)) WITHOUT ROWID;"
        "CREATE TRIGGER IF NOT EXISTS twins_end AFTER DELETE ON identities BEGIN"
        "  DELETE FROM twins WHERE device_id = old.device_id AND module_id = old.module_id;"
        "  DELETE FROM models WHERE device_id = old.device_id AND module_id = old.module_id; END;";

#define FIRST_VERSION 2

int twin_prepare(Store *store)
{
        return store_run(store, schema);
}

void twin_done(Twin *twin)
{
        twin_section_done(&twin->tags);
        twin_section_done(&twin->desired);
        twin_section_done(&twin->reported);
        free(twin->model_id);
        *twin = (Twin){};
}

/* Base64 of a counter of eight bytes, which was 1 when the twin was new. */
void twin_etag(const Twin *twin, char text[static TWIN_ETAG_MAX])
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        uint64_t counter = twin->version - FIRST_VERSION + 1;
        uint8_t bytes[8];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(counter >> (56 - 8 * i));
        base64_encode(&b, bytes, sizeof(bytes));
        text[0] = 0;
        if (!buffer_error(&b))
                memcpy(text, b.data, b.size + 1);
}

static int bind_ids(sqlite3_stmt *statement, const char *device_id, const char *module_id)
{
        int r = store_bind_text(statement, 1, device_id);

        return r < 0 ? r : store_bind_text(statement, 2, module_id ? module_id : "");
}

/* ---- reading ---- */

static int read_object(sqlite3_stmt *statement, int column, json_object **ret)
{
        const char *text = (const char *)sqlite3_column_text(statement, column), *error;
        json_object *object = NULL;
        int r;

        if (!text)
                return -ENOMEM;
        r = json_read(text, (size_t)sqlite3_column_bytes(statement, column), &object, &error);
        if (r < 0)
                return r;
        if (!json_object_is_type(object, json_type_object)) {
                json_object_put(object);
                return -EBADMSG;
        }
        *ret = object;
        return 0;
}

/* The columns are those of the section, from its values to its version. */
static int read_section(sqlite3_stmt *statement, int column, TwinSectionKind kind, TwinSection *ret)
{
        int r;

        ret->kind = kind;
        r = read_object(statement, column++, &ret->values);
        if (r >= 0 && kind != TWIN_TAGS)
                r = read_object(statement, column++, &ret->metadata);
        ret->version = (uint64_t)sqlite3_column_int64(statement, column);
        return r;
}

static int init_sections(Twin *twin)
{
        int r;

        twin->version = FIRST_VERSION;
        r = twin_section_init(&twin->tags, TWIN_TAGS);
        if (r >= 0)
                r = twin_section_init(&twin->desired, TWIN_DESIRED);
        return r < 0 ? r : twin_section_init(&twin->reported, TWIN_REPORTED);
}

static int read_sections(sqlite3_stmt *statement, Twin *twin)
{
        int r;

        if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
                return init_sections(twin);
        twin->version = (uint64_t)sqlite3_column_int64(statement, 0);
        r = read_section(statement, 1, TWIN_TAGS, &twin->tags);
        if (r >= 0)
                r = read_section(statement, 3, TWIN_DESIRED, &twin->desired);
        return r < 0 ? r : read_section(statement, 6, TWIN_REPORTED, &twin->reported);
}

int twin_load(Store *store, const char *device_id, const char *module_id, Twin *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(twin_done) Twin twin = {};
        int r;

        r = store_prepare(store,
                          "SELECT version, tags, tags_version, desired, desired_metadata, desired_version,"
                          " reported, reported_metadata, reported_version, model_id FROM identities"
                          " LEFT JOIN twins USING (device_id, module_id) LEFT JOIN models USING (device_id, module_id)"
                          " WHERE device_id = ? AND module_id = ?",
                          &statement);
        if (r < 0)
                return r;
        r = bind_ids(statement, device_id, module_id);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r <= 0)
                return r < 0 ? r : TWIN_E_UNKNOWN;
        r = read_sections(statement, &twin);
        if (r < 0)
                return r;
        if (sqlite3_column_type(statement, 9) != SQLITE_NULL) {
                twin.model_id = store_column_text(statement, 9);
                if (!twin.model_id)
                        return -ENOMEM;
        }
        *ret = twin;
        twin = (Twin){};
        return 0;
}

/* ---- writing ---- */

static int bind_object(sqlite3_stmt *statement, int index, json_object *object)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        json_write(&b, object);
        return buffer_error(&b) ? -ENOMEM : store_bind_text(statement, index, b.data);
}

static int bind_section(sqlite3_stmt *statement, int index, const TwinSection *s)
{
        int r = bind_object(statement, index++, s->values);

        if (r >= 0 && s->metadata)
                r = bind_object(statement, index++, s->metadata);
        if (r >= 0)
                (void)sqlite3_bind_int64(statement, index, (sqlite3_int64)s->version);
        return r;
}

static int save(Store *store, const char *device_id, const char *module_id, const Twin *twin)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_begin(store);
        if (r < 0)
                return r;
        r = store_prepare(store, "INSERT OR REPLACE INTO twins VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &statement);
        if (r < 0)
                return r;
        r = bind_ids(statement, device_id, module_id);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)twin->version);
        r = bind_section(statement, 4, &twin->tags);
        if (r >= 0)
                r = bind_section(statement, 6, &twin->desired);
        if (r >= 0)
                r = bind_section(statement, 9, &twin->reported);
        return r < 0 ? r : store_step(store, statement);
}

int twin_report(Store *store, const char *device_id, const char *module_id, json_object *given, usec_t wall_now,
                uint64_t *ret_version, Buffer *error)
{
        _cleanup_json_ json_object *patch = NULL;
        _cleanup_(twin_done) Twin twin = {};
        int k;

        k = twin_patch_new(&patch, TWIN_REPORTED, given, error);
        if (k != 0)
                return k;
        k = twin_load(store, device_id, module_id, &twin);
        if (k != 0)
                return k;
        k = twin_section_merge(&twin.reported, patch, wall_now, error);
        if (k != 0)
                return k;
        twin.version++;
        *ret_version = twin.reported.version;
        return save(store, device_id, module_id, &twin);
}

/* What is to be merged into the section; *ret is NULL where it is to stay. */
static int patch_of(const TwinSection *s, json_object *holder, const char *name, bool replace, json_object **ret,
                    Buffer *error)
{
        _cleanup_json_ json_object *patch = NULL, *nothing = NULL;
        json_object *given = NULL;
        bool named = json_object_object_get_ex(holder, name, &given);
        int k;

        if (!named && !replace)
                return 0;
        if (!given) {
                given = nothing = json_object_new_object();
                if (!nothing)
                        return -ENOMEM;
                replace = true;
        }
        k = twin_patch_new(&patch, s->kind, given, error);
        if (k != 0)
                return k;
        if (replace)
                return twin_patch_to_replace(ret, s, patch);
        *ret = TAKE_PTR(patch);
        return 0;
}

/* The object of that name; NULL: there is none, or null. */
static int part_of(json_object *given, const char *name, json_object **ret, Buffer *error)
{
        if (!json_object_object_get_ex(given, name, ret) || !*ret || json_object_is_type(*ret, json_type_object))
                return 0;
        buffer_printf(error, "%s: not a JSON object", name);
        return TWIN_E_INVALID;
}

static int change_section(TwinSection *s, json_object *holder, const char *name, bool replace, usec_t wall_now,
                          json_object **ret_patch, Buffer *error)
{
        int k = patch_of(s, holder, name, replace, ret_patch, error);

        return k != 0 || !*ret_patch ? k : twin_section_merge(s, *ret_patch, wall_now, error);
}

static bool fits(const char *etag, const char *if_match)
{
        size_t size;

        if (!if_match)
                return true;
        size = strlen(if_match);
        if (size >= 2 && if_match[0] == '"' && if_match[size - 1] == '"') {
                if_match++;
                size -= 2;
        }
        return (size == 1 && *if_match == '*') || (size == strlen(etag) && memcmp(if_match, etag, size) == 0);
}

int twin_change(Store *store, const char *device_id, const char *module_id, const TwinChange *change, usec_t wall_now,
                Twin *ret, json_object **ret_patch, Buffer *error)
{
        _cleanup_json_ json_object *tags = NULL, *desired = NULL;
        _cleanup_(twin_done) Twin twin = {};
        char etag[TWIN_ETAG_MAX];
        json_object *properties;
        int k;

        k = twin_load(store, device_id, module_id, &twin);
        if (k != 0)
                return k;
        twin_etag(&twin, etag);
        if (!fits(etag, change->if_match))
                return TWIN_E_CHANGED;
        if (!json_object_is_type(change->given, json_type_object)) {
                buffer_append_string(error, "not a JSON object");
                return TWIN_E_INVALID;
        }
        k = part_of(change->given, "properties", &properties, error);
        if (k == 0)
                k = change_section(&twin.tags, change->given, "tags", change->replace, wall_now, &tags, error);
        if (k == 0)
                k = change_section(&twin.desired, properties, "desired", change->replace, wall_now, &desired, error);
        if (k != 0)
                return k;
        if (desired)
                k = json_put(desired, "$version", json_object_new_int64((int64_t)twin.desired.version));
        if (k == 0 && (tags || desired)) {
                twin.version++;
                k = save(store, device_id, module_id, &twin);
        }
        if (k < 0)
                return k;
        *ret = twin;
        twin = (Twin){};
        *ret_patch = TAKE_PTR(desired);
        return 0;
}

int twin_set_model(Store *store, const char *device_id, const char *module_id, const char *model_id)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_begin(store);
        if (r < 0)
                return r;
        r = store_prepare(store, "INSERT OR REPLACE INTO models VALUES (?, ?, ?)", &statement);
        if (r < 0)
                return r;
        r = bind_ids(statement, device_id, module_id);
        if (r >= 0)
                r = store_bind_text(statement, 3, model_id);
        return r < 0 ? r : store_step(store, statement);
}
