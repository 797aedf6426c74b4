/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/registration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/secret.h"
#include "devhub/dps/attestation.h"
#include "devhub/dps/initial-twin.h"
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
        free(r->left_device);
        free(r->operation_id);
        free(r->etag);
        *r = (Registration){};
}

/* Certificates came later than the table. */
static int add_column(Store *store)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT 1 FROM pragma_table_info('registrations') WHERE name = 'certificate'",
                          &statement);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r != 0)
                return MIN(r, 0);
        (void)sqlite3_reset(statement);
        return store_run(store, "ALTER TABLE registrations ADD COLUMN certificate TEXT");
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
static int decide(Registration *r, const Enrollment *e, const char *host, const char *elsewhere)
{
        const char *hub = elsewhere ? elsewhere : host;
        bool was_assigned = r->assigned_hub;

        r->error_code = 0;
        if (e->disabled) {
                r->status = REGISTRATION_DISABLED;
                return 0;
        }
        r->status = REGISTRATION_ASSIGNED;
        r->substatus = was_assigned ? SUBSTATUS_REPROVISIONED : SUBSTATUS_INITIAL_ASSIGNMENT;
        if (was_assigned && e->keep_assignment)
                return 0;
        if (!elsewhere && !enrollment_allows_hub(e, host)) {
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

/* In a group each device has the name that it registers under. */
static int name_device(Registration *r, const Enrollment *e)
{
        bool has_own = e->kind == ENROLLMENT_INDIVIDUAL && e->device_id;

        free(r->device_id);
        r->device_id = strdup(has_own ? e->device_id : r->id);
        return r->device_id ? 0 : -ENOMEM;
}

/* ---- its identity ---- */

/* What it will prove itself by to the hub. Those that do not belong are "", thumbprints NULL. */
typedef struct Credentials {
        Authentication authentication;
        char *primary_key, *secondary_key;
        char *primary_thumbprint, *secondary_thumbprint;
} Credentials;

static void credentials_done(Credentials *c)
{
        secret_free(c->primary_key);
        secret_free(c->secondary_key);
        free(c->primary_thumbprint);
        free(c->secondary_thumbprint);
}

static int take_thumbprint(const Certificate *certificate, char **ret)
{
        char sha1[CERTIFICATE_SHA1_HEX + 1];
        int r = certificate_sha1(certificate, sha1);

        if (r < 0)
                return r;
        *ret = strdup(sha1);
        return *ret ? 0 : -ENOMEM;
}

static int take_thumbprint_of(const char *pem, char **ret)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        int r;

        if (!pem)
                return 0;
        r = certificate_parse(&certificate, pem, strlen(pem));
        return r < 0 ? r : take_thumbprint(certificate, ret);
}

/* A device of its own may come with either of its certificates; one of a group has just the one. */
static int take_thumbprints(const RegistrationRequest *request, Credentials *c)
{
        const Enrollment *e = request->enrollment;
        int r;

        c->authentication = AUTHENTICATION_SELF_SIGNED;
        c->primary_key = strdup("");
        c->secondary_key = strdup("");
        if (!c->primary_key || !c->secondary_key)
                return -ENOMEM;
        if (e->kind == ENROLLMENT_GROUP)
                return take_thumbprint(request->certificate, &c->primary_thumbprint);
        r = take_thumbprint_of(e->primary_certificate, &c->primary_thumbprint);
        return r < 0 ? r : take_thumbprint_of(e->secondary_certificate, &c->secondary_thumbprint);
}

static int take_credentials(const RegistrationRequest *request, Credentials *c)
{
        if (request->enrollment->attestation == ATTESTATION_X509)
                return take_thumbprints(request, c);
        c->authentication = AUTHENTICATION_SAS;
        return attestation_keys(request->enrollment, request->id, &c->primary_key, &c->secondary_key);
}

static bool same(const char *a, const char *b)
{
        return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_set_up(const Identity *identity, const Enrollment *e, const Credentials *c)
{
        return identity->authentication == c->authentication && identity->is_edge == e->iot_edge &&
               same(identity->primary_key, c->primary_key) && same(identity->secondary_key, c->secondary_key) &&
               same(identity->primary_thumbprint, c->primary_thumbprint) &&
               same(identity->secondary_thumbprint, c->secondary_thumbprint);
}

static void set_up(Identity *identity, const Enrollment *e, Credentials *c)
{
        secret_free(identity->primary_key);
        secret_free(identity->secondary_key);
        free(identity->primary_thumbprint);
        free(identity->secondary_thumbprint);
        identity->primary_key = TAKE_PTR(c->primary_key);
        identity->secondary_key = TAKE_PTR(c->secondary_key);
        identity->primary_thumbprint = TAKE_PTR(c->primary_thumbprint);
        identity->secondary_thumbprint = TAKE_PTR(c->secondary_thumbprint);
        identity->authentication = c->authentication;
        identity->is_edge = e->iot_edge;
}

/* It connects with what it was attested by. An identity that is as it should be is not written again: its etag would
 * be another one. */
static int settle_identity(Store *store, const Registration *r, const RegistrationRequest *request, bool *ret_created)
{
        _cleanup_(credentials_done) Credentials credentials = {};
        _cleanup_(identity_done) Identity identity = {};
        int k;

        k = take_credentials(request, &credentials);
        if (k >= 0)
                k = registry_find(store, r->device_id, NULL, &identity);
        if (k < 0)
                return k;
        *ret_created = k == REGISTRY_E_UNKNOWN;
        if (*ret_created)
                k = identity_init(&identity, r->device_id, NULL);
        else if (is_set_up(&identity, request->enrollment, &credentials))
                return 0;
        if (k < 0)
                return k;
        set_up(&identity, request->enrollment, &credentials);
        return *ret_created ? registry_add(store, &identity, r->updated_usec)
                            : registry_update(store, &identity, NULL, r->updated_usec);
}

static int settle_here(Store *store, const Registration *r, const RegistrationRequest *request)
{
        bool created = false;
        int k;

        k = settle_identity(store, r, request, &created);
        if (k < 0 || (!created && r->substatus != SUBSTATUS_DEVICE_DATA_RESET))
                return k;
        return initial_twin_write(store, r->device_id, request->enrollment->initial_twin, r->updated_usec);
}

/* What was assigned under another name leaves no identity behind. */
static int leave(Store *store, const char *device_id, Registration *r)
{
        int k = registry_remove(store, device_id, NULL, NULL);

        if (k == 0) {
                free(r->left_device);
                r->left_device = strdup(device_id);
                if (!r->left_device)
                        return -ENOMEM;
        }
        return MIN(k, 0);
}

/* What is with another hub is not ours to write down. was_here: the device that it was at this hub; or NULL. */
static int assign(Store *store, Registration *r, const RegistrationRequest *request, const char *was_here)
{
        bool is_here = is_at(r, request->host);
        int k;

        k = name_device(r, request->enrollment);
        if (k >= 0 && was_here && (!is_here || strcmp(was_here, r->device_id) != 0))
                k = leave(store, was_here, r);
        return k < 0 || !is_here ? k : settle_here(store, r, request);
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

static int settle(Store *store, Registration *r, const RegistrationRequest *request)
{
        _cleanup_free_ char *was_here = NULL;
        int k;

        if (is_at(r, request->host) && r->device_id) {
                was_here = strdup(r->device_id);
                if (!was_here)
                        return -ENOMEM;
        }
        k = renew(r, request->enrollment, request->id);
        if (k >= 0)
                k = note_certificate(r, request->enrollment->attestation == ATTESTATION_X509 ? request->certificate
                                                                                             : NULL);
        if (k >= 0)
                k = decide(r, request->enrollment, request->host, request->elsewhere);
        if (k >= 0 && r->status == REGISTRATION_ASSIGNED)
                k = assign(store, r, request, was_here);
        return k < 0 ? k : write_row(store, r);
}

int registration_begin(Store *store, const RegistrationRequest *request, Registration *ret)
{
        _cleanup_(registration_done) Registration r = {};
        int k;

        k = store_begin(store);
        if (k >= 0)
                k = find(store, request->id, &r);
        if (k < 0)
                return k;
        if (k == REGISTRATION_E_UNKNOWN)
                r.created_usec = request->wall_now;
        r.updated_usec = request->wall_now;
        k = settle(store, &r, request);
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
