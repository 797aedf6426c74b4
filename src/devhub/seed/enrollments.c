/* SPDX-License-Identifier: Apache-2.0 */

/* The seed's enrollments, and the authorities behind certificates. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "devhub/dps/enrollment-json.h"
#include "devhub/hub/authority.h"
#include "devhub/seed/bed.h"

#define PEM_MAX ((size_t)64 << 10)

/* ---- enrollments ---- */

static const char *const enrollment_members[] = {
        "registrationId",  "enrollmentGroupId",  "deviceId",
        "attestation",     "capabilities",       "reprovisionPolicy",
        "allocationPolicy", "iotHubHostName",    "iotHubs",
        "initialTwin",     "optionalDeviceInformation", "provisioningStatus",
        "etag",            "createdDateTimeUtc", "lastUpdatedDateTimeUtc",
        "registrationState", NULL,
};

/* Keys and certificates that the document does not say are as they are. */
static bool asks_for_another(const char *there, const char *given)
{
        return given && *given && bed_differ(there, given);
}

static bool attestations_differ(const Enrollment *there, const Enrollment *given)
{
        return there->attestation != given->attestation || asks_for_another(there->primary_key, given->primary_key) ||
               asks_for_another(there->secondary_key, given->secondary_key) ||
               asks_for_another(there->primary_certificate, given->primary_certificate) ||
               asks_for_another(there->secondary_certificate, given->secondary_certificate);
}

/* NULL: nothing does. */
static const char *member_that_differs(const Enrollment *there, const Enrollment *given)
{
        if (attestations_differ(there, given))
                return "attestation";
        if (bed_differ(there->device_id, given->device_id))
                return "deviceId";
        if (there->disabled != given->disabled)
                return "provisioningStatus";
        if (there->keep_assignment != given->keep_assignment || there->reset_data != given->reset_data)
                return "reprovisionPolicy";
        if (there->iot_edge != given->iot_edge)
                return "capabilities";
        if (there->allocation != given->allocation)
                return "allocationPolicy";
        if (bed_differ(there->iot_hub, given->iot_hub))
                return "iotHubHostName";
        if (bed_differ(there->iot_hubs, given->iot_hubs))
                return "iotHubs";
        if (bed_differ(there->initial_twin, given->initial_twin))
                return "initialTwin";
        return bed_differ(there->device_information, given->device_information) ? "optionalDeviceInformation" : NULL;
}

static int put(Bed *bed, Enrollment *e, const char *if_match)
{
        int r = enrollment_put(bed->store, e, if_match, bed->order->wall_now);

        if (r == ENROLLMENT_E_NO_CERTIFICATE) {
                (void)bed_enter(bed, "attestation.x509", -1);
                return bed_refuse(bed, "it names no certificate");
        }
        return r;
}

static int settle(Bed *bed, Enrollment *e)
{
        _cleanup_(enrollment_done) Enrollment there = {};
        const char *member;
        int r = enrollment_find(bed->store, e->kind, e->id, &there);

        if (r < 0)
                return r;
        if (r == ENROLLMENT_E_UNKNOWN) {
                bed->tally.n_new++;
                return put(bed, e, NULL);
        }
        member = member_that_differs(&there, e);
        if (!member) {
                bed->tally.n_same++;
                return 0;
        }
        bed->tally.n_changed++;
        r = bed_may_replace(bed, member);
        return r < 0 ? r : put(bed, e, "*");
}

static int plant(Bed *bed, json_object *object, EnrollmentKind kind)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        const char *error = "";
        int r = bed_check_object(bed, object, enrollment_members);

        if (r >= 0)
                r = enrollment_from_json(object, kind, NULL, &e, &error);
        if (r == -EBADMSG && *error)
                return bed_refuse(bed, "%s", error);
        if (r >= 0)
                r = bed_check_once(bed, kind == ENROLLMENT_GROUP ? "group" : "enrollment", e.id);
        return r < 0 ? r : settle(bed, &e);
}

int bed_plant_enrollment(Bed *bed, json_object *enrollment)
{
        return plant(bed, enrollment, ENROLLMENT_INDIVIDUAL);
}

int bed_plant_group(Bed *bed, json_object *group)
{
        return plant(bed, group, ENROLLMENT_GROUP);
}

/* ---- authorities ---- */

static const char *const authority_members[] = {"name", "file", "certificate", NULL};

typedef struct Search {
        const char *name;
        Buffer pem; /* of what is there under that name */
} Search;

static int compare(void *userdata, const char *name, const Certificate *authority)
{
        Search *s = userdata;

        return strcmp(name, s->name) == 0 ? certificate_pem(authority, &s->pem) : 0;
}

/* A file is looked for beside the document. */
static int read_file(Bed *bed, const char *file, Buffer *b)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (*file != '/')
                buffer_printf(&path, "%s/", bed->order->file.directory);
        buffer_append_string(&path, file);
        if (buffer_error(&path))
                return -ENOMEM;
        fd = open(path.data, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : file_read(b, fd, PEM_MAX);
        if (r >= 0 || r == -ENOMEM)
                return r;
        (void)bed_enter(bed, "file", -1);
        return bed_refuse(bed, "%s: %s", path.data, strerror(-r));
}

static int read_pem(Bed *bed, json_object *object, Buffer *ret)
{
        const char *file, *text;
        int r = bed_text(bed, object, "file", &file);

        if (r >= 0)
                r = bed_text(bed, object, "certificate", &text);
        if (r < 0)
                return r;
        if (!file == !text)
                return bed_refuse(bed, "it has either file, a path, or certificate, PEM itself");
        if (file)
                return read_file(bed, file, ret);
        buffer_append_string(ret, text);
        return buffer_error(ret);
}

static int refuse_authority(Bed *bed, int error)
{
        switch (error) {
        case AUTHORITY_E_NO_CERTIFICATE:
                return bed_refuse(bed, "this is no certificate in PEM");
        case AUTHORITY_E_NO_AUTHORITY:
                return bed_refuse(bed, "this certificate may not sign others: it is no authority");
        case AUTHORITY_E_TOO_MANY:
                return bed_refuse(bed, "a hub has no more than %d authorities", AUTHORITIES_MAX);
        default:
                return MIN(error, 0);
        }
}

/* In the form in which the hub keeps it. */
static int normalise(Bed *bed, const Buffer *pem, Buffer *ret)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        int r = certificate_parse(&certificate, pem->data ? pem->data : "", pem->size);

        if (r == -EBADMSG)
                return refuse_authority(bed, AUTHORITY_E_NO_CERTIFICATE);
        return r < 0 ? r : certificate_pem(certificate, ret);
}

static int settle_authority(Bed *bed, const char *name, const Buffer *pem)
{
        Search search = {.name = name, .pem = BUFFER_NULL};
        int r = authority_each(bed->store, compare, &search);
        bool is_there = search.pem.size > 0, is_same = is_there && strcmp(search.pem.data, pem->data) == 0;

        buffer_done(&search.pem);
        bed->tally.n_same += is_same;
        if (r < 0 || is_same)
                return r;
        bed->tally.n_new += !is_there;
        bed->tally.n_changed += is_there;
        if (is_there) {
                r = bed_may_replace(bed, "name");
                if (r >= 0)
                        r = authority_remove(bed->store, name);
        }
        return r < 0 ? r : refuse_authority(bed, authority_add(bed->store, name, pem->data, pem->size));
}

int bed_plant_authority(Bed *bed, json_object *authority)
{
        _cleanup_(buffer_done) Buffer said = BUFFER_NULL, pem = BUFFER_NULL;
        const char *name;
        int r = bed_check_object(bed, authority, authority_members);

        if (r >= 0)
                r = bed_text(bed, authority, "name", &name);
        if (r < 0)
                return r;
        if (!name || !authority_name_is_valid(name)) {
                (void)bed_enter(bed, "name", -1);
                return bed_refuse(bed, "it must be 1 to %d letters, digits, hyphens, dots and underscores",
                                  AUTHORITY_NAME_MAX);
        }
        r = bed_check_once(bed, "authority", name);
        if (r >= 0)
                r = read_pem(bed, authority, &said);
        if (r >= 0)
                r = normalise(bed, &said, &pem);
        return r < 0 ? r : settle_authority(bed, name, &pem);
}
