/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/enrollment-json.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "devhub/dps/initial-twin.h"
#include "devhub/dps/json-fields.h"
#include "devhub/dps/registration-id.h"
#include "devhub/dps/x509-json.h"
#include "devhub/hub/identity.h"
#include "devhub/hub/key.h"
#include "model/json-read.h"

/* ---- reading ---- */

static int wrong(const char **ret_error, const char *error)
{
        *ret_error = error;
        return -EBADMSG;
}

/* A text that may be absent or null. */
static int take_text(json_object *object, const char *name, char **ret, const char **ret_error)
{
        json_object *value = json_object_object_get(object, name);

        if (!value)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return wrong(ret_error, "what should be a text is none");
        *ret = strdup(json_object_get_string(value));
        return *ret ? 0 : -ENOMEM;
}

static int take_object(json_object *object, const char *name, json_object **ret, const char **ret_error)
{
        *ret = json_object_object_get(object, name);
        if (*ret && !json_object_is_type(*ret, json_type_object))
                return wrong(ret_error, "what should be an object is none");
        return 0;
}

/* Absent or null: it stays as it is. */
static int take_flag(json_object *object, const char *name, bool *flag, const char **ret_error)
{
        json_object *value = json_object_object_get(object, name);

        if (!value)
                return 0;
        if (!json_object_is_type(value, json_type_boolean))
                return wrong(ret_error, "what should be true or false is neither");
        *flag = json_object_get_boolean(value);
        return 0;
}

static int check_twin(json_object *body, Enrollment *e, const char **ret_error)
{
        json_object *twin;
        const char *fault;
        int r = take_object(body, "initialTwin", &twin, ret_error);

        if (r < 0 || !twin)
                return r;
        fault = initial_twin_check(twin);
        return fault ? wrong(ret_error, fault) : 0;
}

/* Kept as its text. */
static int take_tree(json_object *object, const char *name, char **ret, const char **ret_error)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        json_object *value;
        int r;

        r = take_object(object, name, &value, ret_error);
        if (r < 0 || !value)
                return r;
        json_write(&text, value);
        if (buffer_error(&text))
                return -ENOMEM;
        *ret = buffer_steal(&text);
        return *ret ? 0 : -ENOMEM;
}

static int check_key(const char *key, const char **ret_error)
{
        return !key || !*key || key_is_valid(key) ? 0 : wrong(ret_error, "a symmetric key is 16 to 64 bytes in base64");
}

static int take_keys(json_object *attestation, Enrollment *e, const char **ret_error)
{
        json_object *keys;
        int r;

        r = take_object(attestation, "symmetricKey", &keys, ret_error);
        if (r < 0 || !keys)
                return r;
        r = take_text(keys, "primaryKey", &e->primary_key, ret_error);
        if (r >= 0)
                r = take_text(keys, "secondaryKey", &e->secondary_key, ret_error);
        if (r >= 0)
                r = check_key(e->primary_key, ret_error);
        return r < 0 ? r : check_key(e->secondary_key, ret_error);
}

static int take_attestation(json_object *body, Enrollment *e, const char **ret_error)
{
        _cleanup_free_ char *type = NULL;
        json_object *attestation;
        int r;

        r = take_object(body, "attestation", &attestation, ret_error);
        if (r < 0)
                return r;
        if (!attestation)
                return wrong(ret_error, "there is no attestation");
        r = take_text(attestation, "type", &type, ret_error);
        if (r < 0)
                return r;
        e->attestation = type ? attestation_type_from_string(type) : _ATTESTATION_TYPE_INVALID;
        if (e->attestation < 0)
                return wrong(ret_error,
                             "the attestation's type must be symmetricKey or x509: hublink-devhub offers no other");
        return e->attestation == ATTESTATION_X509 ? x509_from_json(attestation, e, ret_error)
                                                  : take_keys(attestation, e, ret_error);
}

static int take_status(json_object *body, Enrollment *e, const char **ret_error)
{
        _cleanup_free_ char *status = NULL;
        int r = take_text(body, "provisioningStatus", &status, ret_error);

        if (r < 0 || !status)
                return r;
        e->disabled = strcasecmp(status, "disabled") == 0;
        return e->disabled || strcasecmp(status, "enabled") == 0
                       ? 0
                       : wrong(ret_error, "provisioningStatus is enabled or disabled");
}

static int take_reprovisioning(json_object *body, Enrollment *e, const char **ret_error)
{
        bool update = true, migrate = true;
        json_object *policy;
        int r;

        r = take_object(body, "reprovisionPolicy", &policy, ret_error);
        if (r >= 0 && policy) {
                r = take_flag(policy, "updateHubAssignment", &update, ret_error);
                if (r >= 0)
                        r = take_flag(policy, "migrateDeviceData", &migrate, ret_error);
        }
        e->keep_assignment = !update;
        e->reset_data = !migrate;
        return r;
}

static int take_allocation(json_object *body, Enrollment *e, const char **ret_error)
{
        _cleanup_free_ char *name = NULL;
        int r = take_text(body, "allocationPolicy", &name, ret_error);

        if (r < 0 || !name)
                return r;
        e->allocation = allocation_from_string(name);
        if (e->allocation >= 0)
                return 0;
        if (strcasecmp(name, "custom") == 0)
                return wrong(ret_error, "hublink-devhub calls no web hooks: allocationPolicy must not be custom");
        return wrong(ret_error, "allocationPolicy is hashed, geoLatency or static");
}

static int take_hubs(json_object *body, Enrollment *e, const char **ret_error)
{
        json_object *hubs = json_object_object_get(body, "iotHubs");
        _cleanup_(buffer_done) Buffer list = BUFFER_NULL;

        if (!hubs)
                return 0;
        if (!json_object_is_type(hubs, json_type_array))
                return wrong(ret_error, "iotHubs is a list of host names");
        for (size_t i = 0; i < json_object_array_length(hubs); i++) {
                json_object *hub = json_object_array_get_idx(hubs, i);

                if (!json_object_is_type(hub, json_type_string) || strchr(json_object_get_string(hub), ','))
                        return wrong(ret_error, "iotHubs is a list of host names");
                if (i > 0)
                        buffer_append_char(&list, ',');
                buffer_append_string(&list, json_object_get_string(hub));
        }
        if (buffer_error(&list))
                return -ENOMEM;
        if (list.size > 0)
                e->iot_hubs = buffer_steal(&list);
        return 0;
}

static int take_device_id(json_object *body, Enrollment *e, const char **ret_error)
{
        int r = take_text(body, "deviceId", &e->device_id, ret_error);

        if (r < 0 || !e->device_id)
                return r;
        if (!*e->device_id) {
                free(TAKE_PTR(e->device_id));
                return 0;
        }
        return identity_id_is_valid(e->device_id) ? 0 : wrong(ret_error, "deviceId is no id of a device");
}

/* An id that stands in the path may stand in the body too, and is then the same. */
static int take_id(json_object *body, const char *id, Enrollment *e, const char **ret_error)
{
        const char *name = e->kind == ENROLLMENT_GROUP ? "enrollmentGroupId" : "registrationId";
        _cleanup_free_ char *said = NULL;
        int r;

        r = take_text(body, name, &said, ret_error);
        if (r < 0)
                return r;
        if (id && said && strcasecmp(id, said) != 0)
                return wrong(ret_error, "the id of the body is not that of the path");
        id = id ? id : said;
        if (!id || !registration_id_is_valid(id))
                return wrong(ret_error, "the id is not 1 to 128 of a-z 0-9 - . _ : or ends in . _ :");
        if (e->kind == ENROLLMENT_INDIVIDUAL)
                return registration_id_fold(id, &e->id);
        e->id = strdup(id);
        return e->id ? 0 : -ENOMEM;
}

static int take_edge(json_object *body, Enrollment *e, const char **ret_error)
{
        json_object *capabilities;
        int r = take_object(body, "capabilities", &capabilities, ret_error);

        return r < 0 || !capabilities ? r : take_flag(capabilities, "iotEdge", &e->iot_edge, ret_error);
}

int enrollment_from_json(json_object *body, EnrollmentKind kind, const char *id, Enrollment *ret,
                         const char **ret_error)
{
        static int (*const parts[])(json_object *, Enrollment *, const char **) = {
                take_attestation, take_status, take_reprovisioning, take_allocation, take_hubs, take_edge, check_twin,
        };
        _cleanup_(enrollment_done) Enrollment e = {.kind = kind};
        int r;

        *ret_error = "";
        if (!json_object_is_type(body, json_type_object))
                return wrong(ret_error, "an enrollment is an object");
        r = take_id(body, id, &e, ret_error);
        if (r >= 0 && kind == ENROLLMENT_INDIVIDUAL)
                r = take_device_id(body, &e, ret_error);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++)
                r = parts[i](body, &e, ret_error);
        if (r >= 0)
                r = take_text(body, "iotHubHostName", &e.iot_hub, ret_error);
        if (r >= 0)
                r = take_tree(body, "initialTwin", &e.initial_twin, ret_error);
        if (r >= 0)
                r = take_tree(body, "optionalDeviceInformation", &e.device_information, ret_error);
        if (r < 0)
                return r;
        *ret = e;
        e = (Enrollment){};
        return 0;
}

/* ---- writing ---- */

/* Kept as text by what was read from JSON. */
static int put_tree(json_object *object, const char *name, const char *text)
{
        const char *error;
        json_object *value;
        int r;

        if (!text)
                return 0;
        r = json_read(text, strlen(text), &value, &error);
        return r < 0 ? r : json_put(object, name, value);
}

static int put_hubs(json_object *object, const char *list)
{
        json_object *hubs;

        if (!list)
                return 0;
        hubs = json_object_new_array();
        if (!hubs || json_put(object, "iotHubs", hubs) < 0)
                return -ENOMEM;
        while (*list) {
                size_t size = strcspn(list, ",");
                json_object *hub = json_object_new_string_len(list, (int)size);

                if (!hub || json_object_array_add(hubs, hub) < 0) {
                        (void)json_object_put(hub);
                        return -ENOMEM;
                }
                list += size;
                list += *list == ',';
        }
        return 0;
}

/* Certificates are told of; keys are not. */
static int put_attestation(json_object *object, const Enrollment *e)
{
        json_object *attestation = json_put_object(object, "attestation");

        if (!attestation || json_put_text(attestation, "type", attestation_type_to_string(e->attestation)) < 0)
                return -ENOMEM;
        return e->attestation == ATTESTATION_X509 ? x509_to_json(attestation, e) : 0;
}

static int put_policies(json_object *object, const Enrollment *e)
{
        json_object *reprovisioning, *capabilities;

        capabilities = json_put_object(object, "capabilities");
        reprovisioning = json_put_object(object, "reprovisionPolicy");
        if (!capabilities || !reprovisioning ||
            json_put(capabilities, "iotEdge", json_object_new_boolean(e->iot_edge)) < 0 ||
            json_put(reprovisioning, "updateHubAssignment", json_object_new_boolean(!e->keep_assignment)) < 0 ||
            json_put(reprovisioning, "migrateDeviceData", json_object_new_boolean(!e->reset_data)) < 0)
                return -ENOMEM;
        return 0;
}

static int put_enrollment(json_object *object, const Enrollment *e)
{
        if (json_put_text(object, e->kind == ENROLLMENT_GROUP ? "enrollmentGroupId" : "registrationId", e->id) < 0 ||
            json_put_text(object, "deviceId", e->device_id) < 0 || put_attestation(object, e) < 0 ||
            put_policies(object, e) < 0 ||
            json_put_text(object, "allocationPolicy", allocation_to_string(e->allocation)) < 0 ||
            json_put_text(object, "iotHubHostName", e->iot_hub) < 0 || put_hubs(object, e->iot_hubs) < 0 ||
            put_tree(object, "initialTwin", e->initial_twin) < 0 ||
            put_tree(object, "optionalDeviceInformation", e->device_information) < 0 ||
            json_put_text(object, "provisioningStatus", e->disabled ? "disabled" : "enabled") < 0 ||
            json_put_text(object, "etag", e->etag) < 0 ||
            json_put_time(object, "createdDateTimeUtc", e->created_usec) < 0)
                return -ENOMEM;
        return json_put_time(object, "lastUpdatedDateTimeUtc", e->updated_usec);
}

json_object *enrollment_to_json(const Enrollment *e)
{
        json_object *object = json_object_new_object();

        return object ? json_whole(object, put_enrollment(object, e)) : NULL;
}

static int put_keys(json_object *object, const Enrollment *e)
{
        json_object *keys;

        if (json_put_text(object, "type", attestation_type_to_string(e->attestation)) < 0)
                return -ENOMEM;
        if (e->attestation == ATTESTATION_X509)
                return x509_to_json(object, e);
        keys = json_put_object(object, "symmetricKey");
        if (!keys || json_put_text(keys, "primaryKey", e->primary_key) < 0)
                return -ENOMEM;
        return json_put_text(keys, "secondaryKey", e->secondary_key);
}

json_object *enrollment_attestation_to_json(const Enrollment *e)
{
        json_object *object = json_object_new_object();

        return object ? json_whole(object, put_keys(object, e)) : NULL;
}
