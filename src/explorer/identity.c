/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/identity.h"

#include <string.h>

#include "base/secret.h"
#include "explorer/output.h"

static json_object *authentication_of(json_object *record)
{
        return json_object_member(record, "authentication");
}

const char *identity_key(json_object *record, bool secondary)
{
        json_object *keys = json_object_member(authentication_of(record), "symmetricKey");
        const char *key = json_text_of(keys, secondary ? "secondaryKey" : "primaryKey");

        return key && *key ? key : NULL;
}

const char *identity_method(json_object *record)
{
        const char *type = json_text_of(authentication_of(record), "type");
        json_object *thumbprints;

        if (type)
                return type;
        if (identity_key(record, false))
                return "sas";
        thumbprints = json_object_member(authentication_of(record), "x509Thumbprint");
        return json_text_of(thumbprints, "primaryThumbprint") ? "selfSigned" : "none";
}

static bool uses_certificate(json_object *record)
{
        const char *method = identity_method(record);

        return strcmp(method, "selfSigned") == 0 || strcmp(method, "certificateAuthority") == 0;
}

bool identity_put_connection_string(json_object *record, const char *host, bool secondary, Buffer *b)
{
        const char *device = json_text_of(record, "deviceId"), *module = json_text_of(record, "moduleId");
        const char *key = identity_key(record, secondary);

        if (!device || (!key && !uses_certificate(record)))
                return false;
        buffer_printf(b, "HostName=%s;DeviceId=%s", host, device);
        if (module)
                buffer_printf(b, ";ModuleId=%s", module);
        if (uses_certificate(record))
                buffer_append_string(b, ";x509=true");
        else
                buffer_printf(b, ";SharedAccessKey=%s", key);
        return true;
}

/* A module may belong to a manager, such as the runtime of an edge; the first hubs said so in a member of its own. */
static bool is_managed(json_object *record)
{
        const char *by = json_text_of(record, "managedBy");

        return (by && *by) || json_object_get_boolean(json_member(record, "isManaged"));
}

bool identity_complete(json_object *record, const char *host)
{
        _cleanup_(secret_buffer_done) Buffer cs = BUFFER_NULL;
        bool ok = json_object_is_type(record, json_type_object);
        const char *key;

        if (!ok)
                return false;
        key = identity_key(record, false);
        if (key)
                json_put_text(record, "primaryKey", key, &ok);
        key = identity_key(record, true);
        if (key)
                json_put_text(record, "secondaryKey", key, &ok);
        json_put(record, "isManaged", json_object_new_boolean(is_managed(record)), &ok);
        json_put_text(record, "authMethod", identity_method(record), &ok);
        if (identity_put_connection_string(record, host, false, &cs))
                json_put_text(record, "connectionString", cs.data ?: "", &ok);
        return ok && !buffer_error(&cs);
}

void identity_put_lines(json_object *completed, Buffer *b)
{
        static const struct {
                const char *name;
                bool always;
        } rows[] = {
                {"deviceId", true},
                {"moduleId", false},
                {"generationId", false},
                {"etag", false},
                {"primaryKey", false},
                {"secondaryKey", false},
                {"connectionState", true},
                {"status", true},
                {"statusReason", false},
                {"lastActivityTime", true},
                {"cloudToDeviceMessageCount", true},
                {"isManaged", true},
                {"authMethod", true},
                {"connectionString", false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                json_object *value = json_member(completed, rows[i].name);

                if (!value && (!rows[i].always || json_member(completed, "moduleId")))
                        continue;
                buffer_printf(b, "%-26s %s\n", rows[i].name,
                              value ? words_of_time(json_object_get_string(value)) : "-");
        }
}
