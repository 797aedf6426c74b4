/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/enrollment.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "devhub/hub/draw.h"
#include "devhub/hub/key.h"

static const char *const attestation_types[_ATTESTATION_TYPE_MAX] = {
        [ATTESTATION_SYMMETRIC_KEY] = "symmetricKey",
        [ATTESTATION_X509] = "x509",
};

const char *attestation_type_to_string(AttestationType type)
{
        return attestation_types[type];
}

AttestationType attestation_type_from_string(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(attestation_types); i++)
                if (strcasecmp(attestation_types[i], name) == 0)
                        return (AttestationType)i;
        return _ATTESTATION_TYPE_INVALID;
}

static const char *const allocations[_ALLOCATION_MAX] = {
        [ALLOCATION_HASHED] = "hashed",
        [ALLOCATION_GEO_LATENCY] = "geoLatency",
        [ALLOCATION_STATIC] = "static",
};

const char *allocation_to_string(Allocation allocation)
{
        return allocations[allocation];
}

Allocation allocation_from_string(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(allocations); i++)
                if (strcasecmp(allocations[i], name) == 0)
                        return (Allocation)i;
        return _ALLOCATION_INVALID;
}

void enrollment_done(Enrollment *e)
{
        free(e->id);
        free(e->device_id);
        secret_free(e->primary_key);
        secret_free(e->secondary_key);
        free(e->primary_certificate);
        free(e->secondary_certificate);
        free(e->iot_hub);
        free(e->iot_hubs);
        free(e->initial_twin);
        free(e->device_information);
        free(e->etag);
        *e = (Enrollment){};
}

/* Certificates came later than the table. */
static int add_columns(Store *store)
{
        return store_add_columns(store, "enrollments", "attestation",
                                 "ALTER TABLE enrollments ADD COLUMN attestation INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE enrollments ADD COLUMN primary_certificate TEXT;"
                                 "ALTER TABLE enrollments ADD COLUMN secondary_certificate TEXT");
}

int enrollment_prepare(Store *store)
{
        int r;

        r = store_run(store, "CREATE TABLE IF NOT EXISTS enrollments ("
                                "  kind INTEGER NOT NULL, id TEXT NOT NULL COLLATE NOCASE, device_id TEXT,"
                                "  primary_key TEXT NOT NULL, secondary_key TEXT NOT NULL,"
                                "  disabled INTEGER NOT NULL, keep_assignment INTEGER NOT NULL,"
                                "  reset_data INTEGER NOT NULL, iot_edge INTEGER NOT NULL, allocation TEXT NOT NULL,"
                                "  iot_hub TEXT, iot_hubs TEXT, initial_twin TEXT, device_information TEXT,"
                                "  etag TEXT NOT NULL, created_usec INTEGER NOT NULL, updated_usec INTEGER NOT NULL,"
                                "  PRIMARY KEY (kind, id)) WITHOUT ROWID");
        return r < 0 ? r : add_columns(store);
}

/* ---- rows ---- */

#define COLUMNS                                                                                                      \
        "kind, id, device_id, primary_key, secondary_key, disabled, keep_assignment, reset_data, iot_edge,"          \
        " allocation, iot_hub, iot_hubs, initial_twin, device_information, etag, created_usec, updated_usec,"   \
        " attestation, primary_certificate, secondary_certificate"

/* Where the texts stand among the columns. */
static const struct {
        int column;
        size_t offset;
        bool optional;
} texts[] = {
        {1, offsetof(Enrollment, id), false},
        {2, offsetof(Enrollment, device_id), true},
        {3, offsetof(Enrollment, primary_key), false},
        {4, offsetof(Enrollment, secondary_key), false},
        {10, offsetof(Enrollment, iot_hub), true},
        {11, offsetof(Enrollment, iot_hubs), true},
        {12, offsetof(Enrollment, initial_twin), true},
        {13, offsetof(Enrollment, device_information), true},
        {14, offsetof(Enrollment, etag), false},
        {18, offsetof(Enrollment, primary_certificate), true},
        {19, offsetof(Enrollment, secondary_certificate), true},
};

static char **text_of(Enrollment *e, size_t offset)
{
        return (char **)((char *)e + offset);
}

static int bind_row(sqlite3_stmt *statement, Enrollment *e)
{
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                int r = store_bind_text(statement, texts[i].column + 1, *text_of(e, texts[i].offset));

                if (r < 0)
                        return r;
        }
        (void)sqlite3_bind_int(statement, 1, (int)e->kind);
        (void)sqlite3_bind_int(statement, 6, e->disabled);
        (void)sqlite3_bind_int(statement, 7, e->keep_assignment);
        (void)sqlite3_bind_int(statement, 8, e->reset_data);
        (void)sqlite3_bind_int(statement, 9, e->iot_edge);
        (void)sqlite3_bind_int64(statement, 16, (sqlite3_int64)e->created_usec);
        (void)sqlite3_bind_int64(statement, 17, (sqlite3_int64)e->updated_usec);
        (void)sqlite3_bind_int(statement, 18, (int)e->attestation);
        return store_bind_text(statement, 10, allocation_to_string(e->allocation));
}

static int read_row(sqlite3_stmt *statement, Enrollment *ret)
{
        _cleanup_(enrollment_done) Enrollment e = {
                .kind = (EnrollmentKind)sqlite3_column_int(statement, 0),
                .disabled = sqlite3_column_int(statement, 5),
                .keep_assignment = sqlite3_column_int(statement, 6),
                .reset_data = sqlite3_column_int(statement, 7),
                .iot_edge = sqlite3_column_int(statement, 8),
                .created_usec = (usec_t)sqlite3_column_int64(statement, 15),
                .updated_usec = (usec_t)sqlite3_column_int64(statement, 16),
                .attestation = (AttestationType)sqlite3_column_int(statement, 17),
        };
        const char *allocation = (const char *)sqlite3_column_text(statement, 9);

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                char **text = text_of(&e, texts[i].offset);

                *text = store_column_text(statement, texts[i].column);
                if (!*text && (!texts[i].optional || sqlite3_column_type(statement, texts[i].column) != SQLITE_NULL))
                        return -ENOMEM;
        }
        if (!allocation)
                return -ENOMEM;
        e.allocation = allocation_from_string(allocation);
        if (e.allocation < 0)
                return -EBADMSG;
        *ret = e;
        e = (Enrollment){};
        return 0;
}

int enrollment_find(Store *store, EnrollmentKind kind, const char *id, Enrollment *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT " COLUMNS " FROM enrollments WHERE kind = ? AND id = ?", &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 1, (int)kind);
        r = store_bind_text(statement, 2, id);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r <= 0)
                return r < 0 ? r : ENROLLMENT_E_UNKNOWN;
        return read_row(statement, ret);
}

/* ---- writing ---- */

static int match(const Enrollment *there, const char *if_match)
{
        return !if_match || strcmp(if_match, "*") == 0 || strcmp(if_match, there->etag) == 0 ? 0
                                                                                              : ENROLLMENT_E_CHANGED;
}

static int settle_key(char **key, char **old)
{
        if (*key && **key)
                return 0;
        *key = secret_free(*key);
        if (!*old)
                return key_make(key);
        *key = TAKE_PTR(*old);
        return 0;
}

static int settle_keys(Enrollment *e, Enrollment *old)
{
        int r = settle_key(&e->primary_key, &old->primary_key);

        return r < 0 ? r : settle_key(&e->secondary_key, &old->secondary_key);
}

static int no_key(char **key)
{
        secret_free(*key);
        *key = strdup("");
        return *key ? 0 : -ENOMEM;
}

/* The service tells of certificates without giving them back: what was read and is written again has none. */
static int settle_certificates(Enrollment *e, Enrollment *old)
{
        if (!e->primary_certificate && !e->secondary_certificate) {
                e->primary_certificate = TAKE_PTR(old->primary_certificate);
                e->secondary_certificate = TAKE_PTR(old->secondary_certificate);
        }
        if (!e->primary_certificate && !e->secondary_certificate)
                return ENROLLMENT_E_NO_CERTIFICATE;
        return no_key(&e->primary_key) < 0 || no_key(&e->secondary_key) < 0 ? -ENOMEM : 0;
}

/* Of what is there nothing is of use to one that goes by something else from now on. */
static int settle_attestation(Enrollment *e, Enrollment *old)
{
        Enrollment none = {};

        if (old->attestation != e->attestation)
                old = &none;
        return e->attestation == ATTESTATION_X509 ? settle_certificates(e, old) : settle_keys(e, old);
}

static int renew_etag(Enrollment *e)
{
        free(e->etag);
        e->etag = NULL;
        return draw_etag(&e->etag);
}

static int write_row(Store *store, Enrollment *e)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store,
                          "INSERT OR REPLACE INTO enrollments (" COLUMNS ")"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          &statement);
        if (r < 0)
                return r;
        r = bind_row(statement, e);
        return r < 0 ? r : store_step(store, statement);
}

int enrollment_put(Store *store, Enrollment *e, const char *if_match, usec_t wall_now)
{
        _cleanup_(enrollment_done) Enrollment old = {};
        int r;

        r = store_begin(store);
        if (r >= 0)
                r = enrollment_find(store, e->kind, e->id, &old);
        if (r < 0)
                return r;
        if (r == ENROLLMENT_E_UNKNOWN && if_match)
                return r;
        if (r == 0 && !if_match)
                return ENROLLMENT_E_EXISTS;
        if (r == 0 && match(&old, if_match) != 0)
                return ENROLLMENT_E_CHANGED;
        e->created_usec = r == 0 ? old.created_usec : wall_now;
        e->updated_usec = wall_now;
        r = settle_attestation(e, &old);
        if (r != 0)
                return r;
        r = renew_etag(e);
        return r < 0 ? r : write_row(store, e);
}

static int delete_rows(Store *store, EnrollmentKind kind, const char *id, const char *sql)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, sql, &statement);
        if (r < 0)
                return r;
        r = store_bind_text(statement, 1, id);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 2, (int)kind);
        return store_step(store, statement);
}

int enrollment_delete(Store *store, EnrollmentKind kind, const char *id, const char *if_match)
{
        _cleanup_(enrollment_done) Enrollment old = {};
        int r;

        r = enrollment_find(store, kind, id, &old);
        if (r != 0)
                return r;
        r = match(&old, if_match);
        if (r != 0)
                return r;
        r = store_begin(store);
        if (r >= 0)
                r = delete_rows(store, kind, id,
                                "DELETE FROM registrations WHERE enrollment_id = ? AND enrollment_kind = ?");
        return r < 0 ? r : delete_rows(store, kind, id, "DELETE FROM enrollments WHERE id = ? AND kind = ?");
}

/* ---- walking ---- */

int enrollment_each(Store *store, EnrollmentKind kind, const char *after, unsigned limit, EnrollmentVisitor visit,
                    void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT " COLUMNS " FROM enrollments WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
                          &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 1, (int)kind);
        (void)sqlite3_bind_int64(statement, 3, limit);
        r = store_bind_text(statement, 2, after ? after : "");
        while (r == 0) {
                _cleanup_(enrollment_done) Enrollment e = {};

                r = store_step(store, statement);
                if (r <= 0)
                        return r;
                r = read_row(statement, &e);
                if (r >= 0)
                        r = visit(userdata, &e);
        }
        return r < 0 ? r : 0;
}

/* ---- questions ---- */

static bool is_listed(const char *list, const char *host)
{
        while (*list) {
                size_t size = strcspn(list, ",");

                if (size == strlen(host) && strncasecmp(list, host, size) == 0)
                        return true;
                list += size;
                list += *list == ',';
        }
        return false;
}

bool enrollment_allows_hub(const Enrollment *e, const char *host)
{
        if (e->iot_hub && strcasecmp(e->iot_hub, host) != 0)
                return false;
        return !e->iot_hubs || is_listed(e->iot_hubs, host);
}
