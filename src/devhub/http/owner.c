/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/owner.h"

#include "devhub/hub/registry.h"

/* A module that is missing is told apart from a device that is. */
void http_reply_no_owner(const Hub *hub, HttpCall *call)
{
        const char *device_id = http_call_part(call, "d"), *module_id = http_call_part(call, "m");
        _cleanup_(identity_done) Identity device = {};

        if (module_id && registry_find(hub->store, device_id, NULL, &device) == 0)
                http_reply_error(call, SERVICE_ERROR_MODULE_NOT_FOUND, "Module %s/%s not registered", device_id,
                                 module_id);
        else
                http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered", device_id);
}

bool http_find_owner(const Hub *hub, HttpCall *call, Identity *ret)
{
        int r = registry_find(hub->store, http_call_part(call, "d"), http_call_part(call, "m"), ret);

        if (r < 0)
                http_reply_failure(call, r, "look up an identity");
        else if (r == REGISTRY_E_UNKNOWN)
                http_reply_no_owner(hub, call);
        return r == 0;
}
