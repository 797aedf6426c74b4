/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/registration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "devhub/dps/allocation.h"
#include "devhub/dps/settlement.h"
#include "devhub/hub/draw.h"
#include "devhub/hub/registry.h"

#define TOLD_AFTER_USEC (500 * USEC_PER_MSEC)
#define NO_HUB          400208

const char *registration_status_to_string(RegistrationStatus status)
{
        static const char *const names[_REGISTRATION_STATUS_MAX] = {
                [REGISTRATION_ASSIGNING] = "assigning",
                [REGISTRATION_ASSIGNED] = "assigned",
                [REGISTRATION_FAILED] = "failed",
                [REGISTRATION_DISABLED] = "disabled",
        };

        return names[status];
}

const char *substatus_to_string(Substatus substatus)
{
        static const char *const names[_SUBSTATUS_MAX] = {
                [SUBSTATUS_INITIAL_ASSIGNMENT] = "initialAssignment",
                [SUBSTATUS_DEVICE_DATA_MIGRATED] = "deviceDataMigrated",
                [SUBSTATUS_DEVICE_DATA_RESET] = "deviceDataReset",
                [SUBSTATUS_REPROVISIONED] = "reprovisionedToInitialAssignment",
        };

        return names[substatus];
}

const char *registration_error_message(unsigned error_code)
{
        return error_code == NO_HUB ? "None of the enrollment's hubs is linked to this provisioning service." : "";
}

void registration_done(Registration *r)
{
        free(r->id);
        free(r->enrollment_id);
        free(r->assigned_hub);
        free(r->device_id);
        free(r->certificate);
        free(r->left_hub);
        free(r->left_device);
        free(r->operation_id);
        free(r->etag);
        *r = (Registration){};
}

/* Certificates came later than the table. */
static int add_column(Store *store)
{
        return store_add_columns(store, "registrations", "certificate",
                                 "ALTER TABLE registrations ADD COLUMN certificate TEXT");
}

int registration_prepare(Store *store)
{
        int r;

        r = store_run(store, "CREATE TABLE IF NOT EXISTS registrations ("
                                "  id TEXT PRIMARY KEY,"
                                "  enrollment_kind INTEGER NOT NULL, enrollment_id TEXT NOT NULL COLLATE NOCASE,"
                                "  status INTEGER NOT NULL, substatus INTEGER NOT NULL,"
                                "  assigned_hub TEXT, device_id TEXT, error_code INTEGER NOT NULL,"
                                "  operation_id TEXT NOT NULL, etag TEXT NOT NULL,"
                                "  created_usec INTEGER NOT NULL, updated_usec INTEGER NOT NULL) WITHOUT ROWID;"
                                "CREATE INDEX IF NOT EXISTS registrations_of_enrollment"
                                "  ON registrations (enrollment_kind, enrollment_id, id)");
        return r < 0 ? r : add_column(store);
}

/* ---- rows ---- */

#define COLUMNS                                                                                                      \
        "id, enrollment_kind, enrollment_id, status, substatus, assigned_hub, device_id, error_code, operation_id,"  \
        " etag, created_usec, updated_usec, certificate"

static int read_row(sqlite3_stmt *statement, Registration *ret)
{
        Registration r = {
                .id = store_column_text(statement, 0),
                .enrollment_kind = (EnrollmentKind)sqlite3_column_int(statement, 1),
                .enrollment_id = store_column_text(statement, 2),
                .status = (RegistrationStatus)sqlite3_column_int(statement, 3),
                .substatus = (Substatus)sqlite3_column_int(statement, 4),
                .assigned_hub = store_column_text(statement, 5),
                .device_id = store_column_text(statement, 6),
                .error_code = (unsigned)sqlite3_column_int(statement, 7),
                .operation_id = store_column_text(statement, 8),
                .etag = store_column_text(statement, 9),
                .created_usec = (usec_t)sqlite3_column_int64(statement, 10),
                .updated_usec = (usec_t)sqlite3_column_int64(statement, 11),
                .certificate = store_column_text(statement, 12),
        };

        if (!r.id || !r.enrollment_id || !r.operation_id || !r.etag ||
            (!r.assigned_hub && sqlite3_column_type(statement, 5) != SQLITE_NULL) ||
            (!r.device_id && sqlite3_column_type(statement, 6) != SQLITE_NULL) ||
            (!r.certificate && sqlite3_column_type(statement, 12) != SQLITE_NULL)) {
                registration_done(&r);
                return -ENOMEM;
        }
        *ret = r;
        return 0;
}

static int write_row(Store *store, const Registration *r)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int k;

        k = store_prepare(store,
                          "INSERT OR REPLACE INTO registrations (" COLUMNS ")"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          &statement);
        if (k < 0)
                return k;
        if (store_bind_text(statement, 1, r->id) < 0 || store_bind_text(statement, 3, r->enrollment_id) < 0 ||
            store_bind_text(statement, 6, r->assigned_hub) < 0 || store_bind_text(statement, 7, r->device_id) < 0 ||
            store_bind_text(statement, 9, r->operation_id) < 0 || store_bind_text(statement, 10, r->etag) < 0 ||
            store_bind_text(statement, 13, r->certificate) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int(statement, 2, (int)r->enrollment_kind);
        (void)sqlite3_bind_int(statement, 4, (int)r->status);
        (void)sqlite3_bind_int(statement, 5, (int)r->substatus);
        (void)sqlite3_bind_int(statement, 8, (int)r->error_code);
        (void)sqlite3_bind_int64(statement, 11, (sqlite3_int64)r->created_usec);
        (void)sqlite3_bind_int64(statement, 12, (sqlite3_int64)r->updated_usec);
        return store_step(store, statement);
}

static int find(Store *store, const char *id, Registration *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT " COLUMNS " FROM registrations WHERE id = ?", &statement);
        if (r < 0)
                return r;
        r = store_bind_text(statement, 1, id);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r <= 0)
                return r < 0 ? r : REGISTRATION_E_UNKNOWN;
        return read_row(statement, ret);
}

/* ---- what becomes of it ---- */

static bool is_at(const Registration *r, const char *hub)
{
        return r->assigned_hub && strcasecmp(r->assigned_hub, hub) == 0;
}

/* Gives its status, and where it is assigned a hub and a substatus. */
static int decide(Registration *r, const RegistrationRequest *request)
{
        const Enrollment *e = request->enrollment;
        bool was_assigned = r->assigned_hub;
        const char *hub;

        r->error_code = 0;
        if (e->disabled) {
                r->status = REGISTRATION_DISABLED;
                return 0;
        }
        r->status = REGISTRATION_ASSIGNED;
        r->substatus = was_assigned ? SUBSTATUS_REPROVISIONED : SUBSTATUS_INITIAL_ASSIGNMENT;
        if (was_assigned && e->keep_assignment)
                return 0;
        hub = request->elsewhere;
        if (!hub)
                hub = allocation_choose(e, request->id, r->assigned_hub, request->host, request->linked_hubs);
        if (!hub) {
                r->status = REGISTRATION_FAILED;
                r->error_code = NO_HUB;
                return 0;
        }
        if (is_at(r, hub))
                return 0;
        if (was_assigned)
                r->substatus = e->reset_data ? SUBSTATUS_DEVICE_DATA_RESET : SUBSTATUS_DEVICE_DATA_MIGRATED;
        free(r->assigned_hub);
        r->assigned_hub = strdup(hub);
        return r->assigned_hub ? 0 : -ENOMEM;
}

/* ---- what it leaves, and what it becomes ---- */

/* In a group each device has the name that it registers under. */
static int name_device(Registration *r, const Enrollment *e)
{
        bool has_own = e->kind == ENROLLMENT_INDIVIDUAL && e->device_id;

        free(r->device_id);
        r->device_id = strdup(has_own ? e->device_id : r->id);
        return r->device_id ? 0 : -ENOMEM;
}

/* Where and what it was before; texts NULL: nowhere yet. */
typedef struct Past {
        char *hub, *device_id;
} Past;

static void past_done(Past *past)
{
        free(past->hub);
        free(past->device_id);
}

static int remember(const Registration *r, Past *ret)
{
        if (!r->assigned_hub || !r->device_id)
                return 0;
        ret->hub = strdup(r->assigned_hub);
        ret->device_id = strdup(r->device_id);
        return ret->hub && ret->device_id ? 0 : -ENOMEM;
}

/* The twin that it had; *ret stays empty where there is none to be had. */
static int load_twin(Store *store, const RegistrationRequest *request, const Past *past, Twin *ret)
{
        const LinkedHub *hub = linked_hubs_find(request->linked_hubs, past->hub);
        LinkedStore there;
        int k;

        if (strcasecmp(past->hub, request->host) == 0)
                return MIN(twin_load(store, past->device_id, NULL, ret), 0);
        if (!hub)
                return 0;
        k = linked_store_open(&there, hub);
        if (k < 0)
                return k;
        k = twin_load(&there.store, past->device_id, NULL, ret);
        linked_store_done(&there);
        return MIN(k, 0);
}

/* What is with a hub that is not linked is not ours to write down. */
static int settle_there(const RegistrationRequest *request, const char *host, const Settlement *settlement)
{
        const LinkedHub *hub = linked_hubs_find(request->linked_hubs, host);
        LinkedStore there;
        int k;

        if (!hub)
                return 0;
        k = linked_store_open(&there, hub);
        if (k < 0)
                return k;
        k = linked_store_commit(&there, hub, settlement_do(&there.store, settlement));
        linked_store_done(&there);
        return k;
}

static int settle_here(Store *store, const Settlement *settlement)
{
        int k = store_begin(store);

        return k < 0 ? k : settlement_do(store, settlement);
}

static int settle(Store *store, const Registration *r, const RegistrationRequest *request, const Past *past)
{
        _cleanup_(twin_done) Twin twin = {};
        Settlement settlement = {
                .enrollment = request->enrollment,
                .certificate = request->certificate,
                .registration_id = request->id,
                .device_id = r->device_id,
                .begins_anew = r->substatus == SUBSTATUS_DEVICE_DATA_RESET,
                .wall_now = request->wall_now,
        };

        if (r->substatus == SUBSTATUS_DEVICE_DATA_MIGRATED && past->hub) {
                int k = load_twin(store, request, past, &twin);

                if (k < 0)
                        return k;
                settlement.brought = twin.tags.values ? &twin : NULL;
        }
        return is_at(r, request->host) ? settle_here(store, &settlement)
                                       : settle_there(request, r->assigned_hub, &settlement);
}

/* Under another name or with another hub now: nothing is left behind. With a linked hub that waits until ours is
 * written: the caller sees to it. */
static int leave(Store *store, Registration *r, const RegistrationRequest *request, Past *past)
{
        int k = 0;

        if (!past->hub || (is_at(r, past->hub) && strcmp(past->device_id, r->device_id) == 0))
                return 0;
        if (strcasecmp(past->hub, request->host) == 0) {
                k = store_begin(store);
                if (k >= 0)
                        k = registry_remove(store, past->device_id, NULL, NULL);
        }
        if (k == 0) {
                r->left_hub = TAKE_PTR(past->hub);
                r->left_device = TAKE_PTR(past->device_id);
        }
        return MIN(k, 0);
}

static int assign(Store *store, Registration *r, const RegistrationRequest *request, Past *past)
{
        int k;

        k = name_device(r, request->enrollment);
        if (k >= 0)
                k = settle(store, r, request, past);
        return k < 0 ? k : leave(store, r, request, past);
}

/* ---- registering ---- */

/* Of the form that the real service gives them: 5.{16 hex digits}.{guid}. */
static int draw_operation_id(char **ret)
{
        _cleanup_free_ char *guid = NULL;
        uint64_t draw;
        int r;

        r = draw_guid(&guid);
        if (r < 0)
                return r;
        if (getrandom(&draw, sizeof(draw), 0) != (ssize_t)sizeof(draw))
                return -EIO;
        return asprintf(ret, "5.%016llx.%s", (unsigned long long)draw, guid) < 0 ? -ENOMEM : 0;
}

/* What every registration gets anew. */
static int renew(Registration *r, const Enrollment *e, const char *id)
{
        _cleanup_free_ char *new_id = strdup(id), *enrollment_id = strdup(e->id), *operation_id = NULL, *etag = NULL;
        int k;

        if (!new_id || !enrollment_id)
                return -ENOMEM;
        k = draw_operation_id(&operation_id);
        if (k >= 0)
                k = draw_etag(&etag);
        if (k < 0)
                return k;
        free(r->id);
        free(r->enrollment_id);
        free(r->operation_id);
        free(r->etag);
        r->id = TAKE_PTR(new_id);
        r->enrollment_kind = e->kind;
        r->enrollment_id = TAKE_PTR(enrollment_id);
        r->operation_id = TAKE_PTR(operation_id);
        r->etag = TAKE_PTR(etag);
        return 0;
}

static int note_certificate(Registration *r, const Certificate *certificate)
{
        _cleanup_(buffer_done) Buffer pem = BUFFER_NULL;
        int k = certificate ? certificate_pem(certificate, &pem) : 0;

        if (k < 0)
                return k;
        free(r->certificate);
        r->certificate = certificate ? buffer_steal(&pem) : NULL;
        return certificate && !r->certificate ? -ENOMEM : 0;
}

static int go_on(Store *store, Registration *r, const RegistrationRequest *request)
{
        _cleanup_(past_done) Past past = {};
        int k;

        k = remember(r, &past);
        if (k >= 0)
                k = renew(r, request->enrollment, request->id);
        if (k >= 0)
                k = note_certificate(r, request->enrollment->attestation == ATTESTATION_X509 ? request->certificate
                                                                                             : NULL);
        if (k >= 0)
                k = decide(r, request);
        if (k >= 0 && r->status == REGISTRATION_ASSIGNED)
                k = assign(store, r, request, &past);
        if (k >= 0)
                k = store_begin(store);
        return k < 0 ? k : write_row(store, r);
}

int registration_begin(Store *store, const RegistrationRequest *request, Registration *ret)
{
        _cleanup_(registration_done) Registration r = {};
        int k;

        k = find(store, request->id, &r);
        if (k < 0)
                return k;
        if (k == REGISTRATION_E_UNKNOWN)
                r.created_usec = request->wall_now;
        r.updated_usec = request->wall_now;
        k = go_on(store, &r, request);
        if (k < 0)
                return k;
        r.status = REGISTRATION_ASSIGNING;
        *ret = r;
        r = (Registration){};
        return 0;
}

/* ---- questions ---- */

/* A clock that was set back does not hold the answer up. */
static void hide_what_is_not_told(Registration *r, usec_t wall_now)
{
        if (wall_now >= r->updated_usec && wall_now - r->updated_usec < TOLD_AFTER_USEC)
                r->status = REGISTRATION_ASSIGNING;
}

int registration_find(Store *store, const char *id, usec_t wall_now, Registration *ret)
{
        int r = find(store, id, ret);

        if (r == 0)
                hide_what_is_not_told(ret, wall_now);
        return r;
}

int registration_delete(Store *store, const char *id, const char *if_match)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(registration_done) Registration there = {};
        int r;

        r = find(store, id, &there);
        if (r != 0)
                return r;
        if (if_match && strcmp(if_match, "*") != 0 && strcmp(if_match, there.etag) != 0)
                return REGISTRATION_E_CHANGED;
        r = store_begin(store);
        if (r >= 0)
                r = store_prepare(store, "DELETE FROM registrations WHERE id = ?", &statement);
        if (r >= 0)
                r = store_bind_text(statement, 1, id);
        return r < 0 ? r : store_step(store, statement);
}

int registration_each(Store *store, const char *group_id, const char *after, unsigned limit, usec_t wall_now,
                      RegistrationVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store,
                          "SELECT " COLUMNS " FROM registrations"
                          " WHERE enrollment_kind = ? AND enrollment_id = ? AND id > ? ORDER BY id LIMIT ?",
                          &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 1, ENROLLMENT_GROUP);
        (void)sqlite3_bind_int64(statement, 4, limit);
        if (store_bind_text(statement, 2, group_id) < 0 || store_bind_text(statement, 3, after ? after : "") < 0)
                return -ENOMEM;
        while (r == 0) {
                _cleanup_(registration_done) Registration registration = {};

                r = store_step(store, statement);
                if (r <= 0)
                        return r;
                r = read_row(statement, &registration);
                if (r < 0)
                        return r;
                hide_what_is_not_told(&registration, wall_now);
                r = visit(userdata, &registration);
        }
        return r < 0 ? r : 0;
}
