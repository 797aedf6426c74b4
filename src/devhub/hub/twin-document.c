/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/twin-document.h"

#include <errno.h>

#include "model/json-read.h"

/* Members are put in one after the other; the first failure sticks. */
typedef struct Maker {
        json_object *object;
        int error;
} Maker;

static Maker make(json_object *object)
{
        return (Maker){object, object ? 0 : -ENOMEM};
}

static void put(Maker *m, const char *name, json_object *value)
{
        if (m->error < 0)
                json_object_put(value);
        else
                m->error = json_put(m->object, name, value);
}

static void put_text(Maker *m, const char *name, const char *text)
{
        put(m, name, json_object_new_string(text ? text : ""));
}

static json_object *made(Maker *m)
{
        if (m->error >= 0)
                return m->object;
        json_object_put(m->object);
        return NULL;
}

static json_object *copy_of(json_object *object)
{
        json_object *copy = NULL;

        return json_object_deep_copy(object, &copy, NULL) < 0 ? NULL : copy;
}

static json_object *make_section(const TwinSection *s)
{
        Maker m = make(copy_of(s->values));

        put(&m, "$metadata", copy_of(s->metadata));
        put(&m, "$version", json_object_new_int64((int64_t)s->version));
        return made(&m);
}

static json_object *make_properties(const Twin *twin)
{
        Maker m = make(json_object_new_object());

        put(&m, "desired", make_section(&twin->desired));
        put(&m, "reported", make_section(&twin->reported));
        return made(&m);
}

static json_object *make_capabilities(const Identity *identity)
{
        Maker m = make(json_object_new_object());

        put(&m, "iotEdge", json_object_new_boolean(identity->is_edge));
        return made(&m);
}

static void put_identity(Maker *m, const Identity *identity, const IdentityLife *life)
{
        put_text(m, "deviceEtag", identity->etag);
        put_text(m, "status", identity->disabled ? "disabled" : "enabled");
        if (identity->status_reason)
                put_text(m, "statusReason", identity->status_reason);
        put(m, "statusUpdateTime", identity_time(identity->status_usec));
        put_text(m, "connectionState", life->is_connected ? "Connected" : "Disconnected");
        put(m, "lastActivityTime", identity_time(life->presence.activity_usec));
        put(m, "cloudToDeviceMessageCount", json_object_new_int64(life->n_messages));
        put_text(m, "authenticationType", authentication_to_string(identity->authentication));
        put(m, "x509Thumbprint", identity_thumbprints(identity));
}

json_object *twin_document_make(const Twin *twin, const Identity *identity, const IdentityLife *life)
{
        Maker m = make(json_object_new_object());
        char etag[TWIN_ETAG_MAX];

        twin_etag(twin, etag);
        put_text(&m, "deviceId", identity->device_id);
        if (identity->module_id)
                put_text(&m, "moduleId", identity->module_id);
        put_text(&m, "modelId", twin->model_id);
        put_text(&m, "etag", etag);
        put_identity(&m, identity, life);
        put(&m, "version", json_object_new_int64((int64_t)twin->version));
        if (!identity->module_id)
                put(&m, "capabilities", make_capabilities(identity));
        put(&m, "tags", copy_of(twin->tags.values));
        put(&m, "properties", make_properties(twin));
        return made(&m);
}

int twin_document(const Hub *hub, const Identity *identity, json_object **ret)
{
        _cleanup_(twin_done) Twin twin = {};
        IdentityLife life;
        int r;

        r = twin_load(hub->store, identity->device_id, identity->module_id, &twin);
        if (r != 0)
                return r;
        r = identity_life(hub, identity, &life);
        if (r < 0)
                return r;
        *ret = twin_document_make(&twin, identity, &life);
        return *ret ? 0 : -ENOMEM;
}
