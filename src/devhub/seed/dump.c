/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/dump.h"

#include <errno.h>

#include "devhub/dps/enrollment-json.h"
#include "devhub/dps/json-fields.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/identity-record.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "model/json-read.h"

typedef struct Dump {
        Store *store;
        bool with_secrets;
        json_object *list;   /* that is being filled */
        json_object *device; /* the last one: its modules follow */
} Dump;

static int add(json_object *list, json_object *item)
{
        if (item && json_object_array_add(list, item) == 0)
                return 0;
        json_object_put(item);
        return -ENOMEM;
}

static int put_list(json_object *object, const char *name, json_object **ret)
{
        *ret = json_object_new_array();
        return json_put(object, name, *ret);
}

/* ---- identities ---- */

static int put_keys(json_object *object, const char *primary, const char *secondary)
{
        json_object *keys = json_put_object(object, "symmetricKey");

        if (!keys || json_put_text(keys, "primaryKey", primary) < 0)
                return -ENOMEM;
        return json_put_text(keys, "secondaryKey", secondary);
}

static int put_authentication(const Dump *dump, json_object *object, const Identity *identity)
{
        json_object *authentication = json_put_object(object, "authentication");

        if (!authentication ||
            json_put_text(authentication, "type", authentication_to_string(identity->authentication)) < 0)
                return -ENOMEM;
        if (identity->authentication == AUTHENTICATION_SELF_SIGNED)
                return json_put(authentication, "x509Thumbprint", identity_thumbprints(identity));
        return identity->authentication == AUTHENTICATION_SAS && dump->with_secrets
                       ? put_keys(authentication, identity->primary_key, identity->secondary_key)
                       : 0;
}

/* What is empty is not said. */
static int put_section(json_object *object, const char *name, const TwinSection *section)
{
        return json_object_object_length(section->values) == 0
                       ? 0
                       : json_put(object, name, json_object_get(section->values));
}

static int put_twin(const Dump *dump, json_object *object, const Identity *identity)
{
        _cleanup_(twin_done) Twin twin = {};
        json_object *holder, *properties;
        int r = twin_load(dump->store, identity->device_id, identity->module_id, &twin);

        if (r < 0)
                return r;
        if (json_object_object_length(twin.tags.values) + json_object_object_length(twin.desired.values) == 0)
                return 0;
        holder = json_put_object(object, "twin");
        r = holder ? put_section(holder, "tags", &twin.tags) : -ENOMEM;
        if (r < 0 || json_object_object_length(twin.desired.values) == 0)
                return r;
        properties = json_put_object(holder, "properties");
        return properties ? put_section(properties, "desired", &twin.desired) : -ENOMEM;
}

static int put_device(json_object *object, const Identity *identity)
{
        json_object *capabilities;

        if (json_put_text(object, "deviceId", identity->device_id) < 0 ||
            json_put_text(object, "status", identity->disabled ? "disabled" : "enabled") < 0 ||
            (identity->status_reason && json_put_text(object, "statusReason", identity->status_reason) < 0))
                return -ENOMEM;
        capabilities = json_put_object(object, "capabilities");
        return capabilities ? json_put(capabilities, "iotEdge", json_object_new_boolean(identity->is_edge)) : -ENOMEM;
}

static int put_module(json_object *object, const Identity *identity)
{
        int r = json_put_text(object, "moduleId", identity->module_id);

        return r < 0 || !identity->managed_by ? r : json_put_text(object, "managedBy", identity->managed_by);
}

/* Where the identity belongs: devices in a list, modules in that of their device. */
static int find_list(Dump *dump, const Identity *identity, json_object **ret)
{
        *ret = dump->list;
        if (!identity->module_id)
                return 0;
        if (!dump->device)
                return -EBADMSG;
        return json_object_object_get_ex(dump->device, "modules", ret) ? 0 : put_list(dump->device, "modules", ret);
}

static int dump_identity(void *userdata, const Identity *identity)
{
        Dump *dump = userdata;
        json_object *object = json_object_new_object(), *list;
        int r = find_list(dump, identity, &list);

        if (r < 0) {
                json_object_put(object);
                return r;
        }
        r = add(list, object);
        if (r < 0)
                return r;
        if (!identity->module_id)
                dump->device = object;
        r = identity->module_id ? put_module(object, identity) : put_device(object, identity);
        if (r >= 0)
                r = put_authentication(dump, object, identity);
        return r < 0 ? r : put_twin(dump, object, identity);
}

/* ---- enrollments ---- */

static int put_certificate(json_object *certificates, const char *name, const char *pem)
{
        json_object *holder = pem ? json_put_object(certificates, name) : NULL;

        if (!pem)
                return 0;
        return holder ? json_put_text(holder, "certificate", pem) : -ENOMEM;
}

/* With the certificates themselves, which the service does not give back. */
static int put_attestation(const Dump *dump, json_object *object, const Enrollment *e)
{
        json_object *attestation = json_put_object(object, "attestation"), *x509, *certificates;

        if (!attestation || json_put_text(attestation, "type", attestation_type_to_string(e->attestation)) < 0)
                return -ENOMEM;
        if (e->attestation == ATTESTATION_SYMMETRIC_KEY)
                return dump->with_secrets ? put_keys(attestation, e->primary_key, e->secondary_key) : 0;
        x509 = json_put_object(attestation, "x509");
        certificates = x509 ? json_put_object(x509, e->kind == ENROLLMENT_GROUP ? "signingCertificates"
                                                                                : "clientCertificates")
                            : NULL;
        if (!certificates || put_certificate(certificates, "primary", e->primary_certificate) < 0)
                return -ENOMEM;
        return put_certificate(certificates, "secondary", e->secondary_certificate);
}

static int dump_enrollment(void *userdata, const Enrollment *e)
{
        static const char *const own[] = {"attestation", "etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"};
        Dump *dump = userdata;
        json_object *object = enrollment_to_json(e);
        int r = add(dump->list, object);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
                json_object_object_del(object, own[i]);
        return put_attestation(dump, object, e);
}

static int dump_authority(void *userdata, const char *name, const Certificate *authority)
{
        Dump *dump = userdata;
        json_object *object = json_object_new_object();
        _cleanup_(buffer_done) Buffer pem = BUFFER_NULL;
        int r = add(dump->list, object);

        if (r >= 0)
                r = json_put_text(object, "name", name);
        if (r >= 0)
                r = certificate_pem(authority, &pem);
        return r < 0 ? r : json_put_text(object, "certificate", pem.data);
}

/* ---- all ---- */

static int fill(Dump *dump, json_object *document)
{
        int r = put_list(document, "devices", &dump->list);

        if (r >= 0)
                r = registry_each(dump->store, dump_identity, dump);
        if (r >= 0)
                r = put_list(document, "enrollments", &dump->list);
        if (r >= 0)
                r = enrollment_each(dump->store, ENROLLMENT_INDIVIDUAL, NULL, UINT32_MAX, dump_enrollment, dump);
        if (r >= 0)
                r = put_list(document, "enrollmentGroups", &dump->list);
        if (r >= 0)
                r = enrollment_each(dump->store, ENROLLMENT_GROUP, NULL, UINT32_MAX, dump_enrollment, dump);
        if (r >= 0)
                r = put_list(document, "certificateAuthorities", &dump->list);
        return r < 0 ? r : authority_each(dump->store, dump_authority, dump);
}

int dump_make(Store *store, bool with_secrets, json_object **ret)
{
        Dump dump = {.store = store, .with_secrets = with_secrets};
        json_object *document = json_object_new_object();
        int r = document ? fill(&dump, document) : -ENOMEM;

        if (r < 0) {
                json_object_put(document);
                return r;
        }
        *ret = document;
        return 0;
}
