/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/registry.h"

#include "devhub/hub/registry.h"

static void add_text(json_object *o, const char *name, const char *value)
{
        json_object_object_add(o, name, json_object_new_string(value));
}

static json_object *record_of(const Identity *identity)
{
        json_object *record = json_object_new_object(), *keys = json_object_new_object(),
                    *authentication = json_object_new_object();

        add_text(record, "deviceId", identity->device_id);
        add_text(record, "generationId", identity->generation_id);
        add_text(keys, "primaryKey", identity->primary_key);
        add_text(keys, "secondaryKey", identity->secondary_key);
        json_object_object_add(authentication, "symmetricKey", keys);
        add_text(authentication, "type", "sas");
        json_object_object_add(record, "authentication", authentication);
        return record;
}

static void get_device(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        const char *device_id = http_call_part(call, "d");
        _cleanup_(identity_done) Identity identity = {};
        int r;

        r = registry_find(hub->store, device_id, NULL, &identity);
        if (r < 0)
                http_reply_failure(call, r, "look up a device");
        else if (r == REGISTRY_E_UNKNOWN)
                http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered", device_id);
        else
                http_reply_json(call, 200, record_of(&identity));
}

static const HttpRoute routes[] = {
        {"GET", "/devices/{d}", RIGHT_REGISTRY_READ, get_device},
};

int http_registry_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
