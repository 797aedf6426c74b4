/* SPDX-License-Identifier: Apache-2.0 */

/* The seed's devices and modules, with their twins. */

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "devhub/hub/identity-record.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "devhub/seed/bed.h"
#include "model/json-read.h"

typedef struct Fate {
        enum {
                FATE_SAME,
                FATE_CHANGED,
                FATE_NEW,
        } kind;
        bool disabled, credentials; /* of a change: that is what it was */
        json_object *desired;       /* of a change: the patch; or NULL */
} Fate;

static void fate_done(Fate *fate)
{
        json_object_put(fate->desired);
}

/* What the registry and a twin say of themselves may stand here too, and is passed over. */
#define RECORD_MEMBERS                                                                                               \
        "deviceId", "generationId", "etag", "connectionState", "connectionStateUpdatedTime", "lastActivityTime",     \
                "cloudToDeviceMessageCount", "authentication", "twin"

static const char *const device_members[] = {
        RECORD_MEMBERS, "status",  "statusReason", "statusUpdatedTime", "capabilities", "deviceScope",
        "parentScopes", "modules", NULL,
};
static const char *const module_members[] = {RECORD_MEMBERS, "moduleId", "managedBy", NULL};
static const char *const twin_members[] = {
        "deviceId",          "moduleId",         "modelId",         "etag",
        "deviceEtag",        "status",           "statusReason",    "statusUpdateTime",
        "connectionState",   "lastActivityTime", "version",         "cloudToDeviceMessageCount",
        "x509Thumbprint",    "capabilities",     "deviceScope",     "parentScopes",
        "authenticationType", "tags",            "properties",      NULL,
};
static const char *const properties_members[] = {"desired", "reported", NULL};

/* ---- the identity ---- */

/* NULL: nothing does. */
static const char *credential_that_differs(const Identity *a, const Identity *b)
{
        if (a->authentication != b->authentication)
                return "authentication.type";
        if (bed_differ(a->primary_key, b->primary_key) || bed_differ(a->secondary_key, b->secondary_key))
                return "authentication.symmetricKey";
        return bed_differ(a->primary_thumbprint, b->primary_thumbprint) ||
                               bed_differ(a->secondary_thumbprint, b->secondary_thumbprint)
                       ? "authentication.x509Thumbprint"
                       : NULL;
}

static const char *member_that_differs(const Identity *a, const Identity *b)
{
        const char *credential = credential_that_differs(a, b);

        if (credential)
                return credential;
        if (a->disabled != b->disabled)
                return "status";
        if (bed_differ(a->status_reason, b->status_reason))
                return "statusReason";
        if (a->is_edge != b->is_edge)
                return "capabilities.iotEdge";
        return bed_differ(a->managed_by, b->managed_by) ? "managedBy" : NULL;
}

/* "" asks for a new key, of one that has none. */
static int keep_key(char **key, const char *before)
{
        if (**key || !*before)
                return 0;
        secret_free(*key);
        *key = strdup(before);
        return *key ? 0 : -ENOMEM;
}

static int read_record(Bed *bed, json_object *record, Identity *identity)
{
        const char *error = "";
        int r = identity_record_read(record, identity, &error);

        return r == -EBADMSG ? bed_refuse(bed, "%s", error) : r;
}

static int add(Bed *bed, json_object *record, const char *device_id, const char *module_id, Fate *ret)
{
        _cleanup_(identity_done) Identity identity = {};
        int r = identity_init(&identity, device_id, module_id);

        if (r >= 0)
                r = read_record(bed, record, &identity);
        if (r >= 0)
                r = registry_add(bed->store, &identity, bed->order->wall_now);
        ret->kind = FATE_NEW;
        return r == REGISTRY_E_TOO_MANY ? bed_refuse(bed, "a device has at most %d modules", REGISTRY_MODULES_MAX) : r;
}

static int change(Bed *bed, json_object *record, const Identity *before, Fate *ret)
{
        _cleanup_(identity_done) Identity identity = {};
        const char *member;
        int r = registry_find(bed->store, before->device_id, before->module_id, &identity);

        if (r == 0)
                r = read_record(bed, record, &identity);
        if (r == 0 && identity.authentication == AUTHENTICATION_SAS) {
                r = keep_key(&identity.primary_key, before->primary_key);
                if (r >= 0)
                        r = keep_key(&identity.secondary_key, before->secondary_key);
        }
        if (r < 0)
                return r;
        member = member_that_differs(before, &identity);
        if (!member)
                return 0;
        ret->kind = FATE_CHANGED;
        ret->disabled = identity.disabled && !before->disabled;
        ret->credentials = credential_that_differs(before, &identity);
        r = bed_may_replace(bed, member);
        return r < 0 ? r : registry_update(bed->store, &identity, NULL, bed->order->wall_now);
}

static int plant_record(Bed *bed, json_object *record, const char *device_id, const char *module_id, Fate *ret)
{
        _cleanup_(identity_done) Identity before = {};
        int r = registry_find(bed->store, device_id, module_id, &before);

        if (r < 0)
                return r;
        return r == 0 ? change(bed, record, &before, ret) : add(bed, record, device_id, module_id, ret);
}

/* ---- the twin ---- */

/* Does the section hold what is given? *ret: yes when nothing is given. */
static int holds(Bed *bed, const TwinSection *section, json_object *given, const char *name, bool *ret)
{
        _cleanup_json_ json_object *patch = NULL;
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        TwinSection fresh = {};
        int r;

        *ret = true;
        if (!given)
                return 0;
        r = twin_section_init(&fresh, section->kind);
        if (r == 0)
                r = twin_patch_new(&patch, section->kind, given, &error);
        if (r == 0)
                r = twin_section_merge(&fresh, patch, bed->order->wall_now, &error);
        if (r == 0)
                *ret = json_object_equal(fresh.values, section->values);
        twin_section_done(&fresh);
        if (r == TWIN_PATCH_E_INVALID) {
                (void)bed_enter(bed, name, -1);
                return bed_refuse(bed, "%s", error.data ? error.data : "");
        }
        return r;
}

static int put_replacing(json_object *holder, const char *name, const TwinSection *section, json_object *given)
{
        _cleanup_json_ json_object *patch = NULL;
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        json_object *replacing = NULL;
        int r = twin_patch_new(&patch, section->kind, given, &error);

        if (r == 0)
                r = twin_patch_to_replace(&replacing, section, patch);
        return r < 0 ? r : json_put(holder, name, replacing);
}

/* A section that is to stay (NULL) is not named: its version stays too. */
static json_object *make_given(const Twin *twin, json_object *tags, json_object *desired)
{
        json_object *given = json_object_new_object(), *properties = json_object_new_object();

        if (!given || json_put(given, "properties", properties) < 0 ||
            (tags && put_replacing(given, "tags", &twin->tags, tags) < 0) ||
            (desired && put_replacing(properties, "desired", &twin->desired, desired) < 0)) {
                json_object_put(given);
                return NULL;
        }
        return given;
}

static int write_twin(Bed *bed, const char *device_id, const char *module_id, json_object *given,
                      json_object **ret_patch)
{
        TwinChange wish = {.given = given};
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(twin_done) Twin after = {};
        int r;

        if (!given)
                return -ENOMEM;
        r = twin_change(bed->store, device_id, module_id, &wish, bed->order->wall_now, &after, ret_patch, &error);
        return r == TWIN_E_INVALID ? bed_refuse(bed, "%s", error.data ? error.data : "") : r;
}

static int find_sections(Bed *bed, json_object *given, json_object **ret_tags, json_object **ret_desired)
{
        json_object *properties;
        size_t before;
        int r = bed_check_object(bed, given, twin_members);

        if (r < 0)
                return r;
        *ret_tags = json_object_object_get(given, "tags");
        *ret_desired = NULL;
        properties = json_object_object_get(given, "properties");
        if (!properties)
                return 0;
        before = bed_enter(bed, "properties", -1);
        r = bed_check_object(bed, properties, properties_members);
        if (r < 0)
                return r;
        *ret_desired = json_object_object_get(properties, "desired");
        bed_leave(bed, before);
        return 0;
}

static int plant_twin(Bed *bed, json_object *given, const char *device_id, const char *module_id, Fate *fate)
{
        _cleanup_json_ json_object *given_anew = NULL;
        _cleanup_(twin_done) Twin twin = {};
        json_object *tags, *desired;
        bool same_tags, same_desired;
        int r = find_sections(bed, given, &tags, &desired);

        if (r >= 0)
                r = twin_load(bed->store, device_id, module_id, &twin);
        if (r == 0)
                r = holds(bed, &twin.tags, tags, "tags", &same_tags);
        if (r == 0)
                r = holds(bed, &twin.desired, desired, "properties.desired", &same_desired);
        if (r != 0 || (same_tags && same_desired))
                return r;
        if (fate->kind != FATE_NEW) {
                r = bed_may_replace(bed, same_tags ? "properties.desired" : "tags");
                if (r < 0)
                        return r;
                fate->kind = FATE_CHANGED;
        }
        given_anew = make_given(&twin, same_tags ? NULL : tags, same_desired ? NULL : desired);
        return write_twin(bed, device_id, module_id, given_anew, &fate->desired);
}

/* ---- both ---- */

static int describe(json_object *change, const Fate *fate, const char *device_id, const char *module_id)
{
        if (json_put(change, "device", json_object_new_string(device_id)) < 0 ||
            (module_id && json_put(change, "module", json_object_new_string(module_id)) < 0) ||
            json_put(change, "disabled", json_object_new_boolean(fate->disabled)) < 0 ||
            json_put(change, "credentials", json_object_new_boolean(fate->credentials)) < 0)
                return -ENOMEM;
        return fate->desired ? json_put(change, "desired", json_object_get(fate->desired)) : 0;
}

static int note(Bed *bed, const Fate *fate, const char *device_id, const char *module_id)
{
        json_object *change;

        bed->tally.n_same += fate->kind == FATE_SAME;
        bed->tally.n_new += fate->kind == FATE_NEW;
        bed->tally.n_changed += fate->kind == FATE_CHANGED;
        if (fate->kind != FATE_CHANGED || (!fate->disabled && !fate->credentials && !fate->desired))
                return 0;
        change = json_object_new_object();
        if (change && describe(change, fate, device_id, module_id) >= 0 &&
            json_object_array_add(bed->changed, change) == 0)
                return 0;
        json_object_put(change);
        return -ENOMEM;
}

static int plant_identity(Bed *bed, json_object *record, const char *device_id, const char *module_id)
{
        json_object *twin = json_object_object_get(record, "twin");
        _cleanup_(fate_done) Fate fate = {};
        int r = plant_record(bed, record, device_id, module_id, &fate);

        if (r >= 0 && twin) {
                size_t before = bed_enter(bed, "twin", -1);

                r = plant_twin(bed, twin, device_id, module_id, &fate);
                if (r >= 0)
                        bed_leave(bed, before);
        }
        return r < 0 ? r : note(bed, &fate, device_id, module_id);
}

static int read_id(Bed *bed, json_object *record, const char *name, const char **ret)
{
        int r = bed_text(bed, record, name, ret);

        if (r < 0 || (*ret && identity_id_is_valid(*ret)))
                return r;
        (void)bed_enter(bed, name, -1);
        return bed_refuse(bed, *ret ? "it is no id: 1 to 128 of letters, digits and - : . + %% _ # * ? ! ( ) , = @ $ '"
                                    : "it is missing");
}

static int plant_module(Bed *bed, const char *device_id, json_object *module)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;
        const char *module_id, *carrier;
        int r = bed_check_object(bed, module, module_members);

        if (r >= 0)
                r = read_id(bed, module, "moduleId", &module_id);
        if (r >= 0)
                r = bed_text(bed, module, "deviceId", &carrier);
        if (r < 0)
                return r;
        if (carrier && strcmp(carrier, device_id) != 0)
                return bed_refuse(bed, "it stands with device '%s' and says deviceId '%s'", device_id, carrier);
        identity_name(device_id, module_id, &name);
        r = buffer_error(&name) ? -ENOMEM : bed_check_once(bed, "module", name.data);
        return r < 0 ? r : plant_identity(bed, module, device_id, module_id);
}

static int plant_modules(Bed *bed, const char *device_id, json_object *modules)
{
        size_t before = bed_enter(bed, "modules", -1);
        int r = 0;

        if (!json_object_is_type(modules, json_type_array))
                return bed_refuse(bed, "it is not a list");
        for (size_t i = 0; r >= 0 && i < json_object_array_length(modules); i++) {
                size_t outside = bed_enter(bed, NULL, (long)i);

                r = plant_module(bed, device_id, json_object_array_get_idx(modules, i));
                if (r >= 0)
                        bed_leave(bed, outside);
        }
        if (r >= 0)
                bed_leave(bed, before);
        return r;
}

int bed_plant_device(Bed *bed, json_object *device)
{
        json_object *modules;
        const char *device_id;
        int r = bed_check_object(bed, device, device_members);

        if (r >= 0)
                r = read_id(bed, device, "deviceId", &device_id);
        if (r >= 0)
                r = bed_check_once(bed, "device", device_id);
        if (r >= 0)
                r = plant_identity(bed, device, device_id, NULL);
        if (r < 0)
                return r;
        modules = json_object_object_get(device, "modules");
        return modules ? plant_modules(bed, device_id, modules) : 0;
}
