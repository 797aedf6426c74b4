/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/registrar.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "devhub/hub/registry.h"

static int refuse(RegistrarRefusal *refusal, ServiceError error, const char *fmt, ...) _printf_(3, 4);
static int refuse(RegistrarRefusal *refusal, ServiceError error, const char *fmt, ...)
{
        va_list ap;

        refusal->error = error;
        va_start(ap, fmt);
        (void)vsnprintf(refusal->text, sizeof(refusal->text), fmt, ap);
        va_end(ap);
        return REGISTRAR_E_REFUSED;
}

/* The answer to a REGISTRY_E_*, in words. */
static int answer(int r, const char *device_id, const char *module_id, RegistrarRefusal *refusal)
{
        switch (r) {
        case REGISTRY_E_UNKNOWN:
                return module_id ? refuse(refusal, SERVICE_ERROR_MODULE_NOT_FOUND, "Module %s/%s not registered",
                                          device_id, module_id)
                                 : refuse(refusal, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered",
                                          device_id);
        case REGISTRY_E_EXISTS:
                return module_id ? refuse(refusal, SERVICE_ERROR_MODULE_ALREADY_EXISTS,
                                          "A module with ID '%s' is already registered on device '%s'.", module_id,
                                          device_id)
                                 : refuse(refusal, SERVICE_ERROR_DEVICE_ALREADY_EXISTS,
                                          "A device with ID '%s' is already registered.", device_id);
        case REGISTRY_E_NO_DEVICE:
                return refuse(refusal, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered", device_id);
        case REGISTRY_E_TOO_MANY:
                return refuse(refusal, SERVICE_ERROR_TOO_MANY_MODULES, "Device %s has %d modules already", device_id,
                              REGISTRY_MODULES_MAX);
        case REGISTRY_E_CHANGED:
                return refuse(refusal, SERVICE_ERROR_PRECONDITION_FAILED,
                              "Precondition failed: Device version did not match, etag");
        default:
                return r;
        }
}

static int check_ids(const char *device_id, const char *module_id, RegistrarRefusal *refusal)
{
        static const char rule[] = "1 to 128 of letters, digits and - . + % _ # * ? ! ( ) , : = @ $ '";

        if (!identity_id_is_valid(device_id))
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_INVALID, "The device id cannot be one: %s", rule);
        if (module_id && !identity_id_is_valid(module_id))
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_INVALID, "The module id cannot be one: %s", rule);
        return 0;
}

/* A module that is not there: is its device? */
int registrar_find(const Hub *hub, const char *device_id, const char *module_id, Identity *ret,
                   RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity device = {};
        int r;

        r = check_ids(device_id, module_id, refusal);
        if (r != 0)
                return r;
        r = registry_find(hub->store, device_id, module_id, ret);
        if (r == REGISTRY_E_UNKNOWN && module_id && registry_find(hub->store, device_id, NULL, &device) != 0)
                r = REGISTRY_E_NO_DEVICE;
        return answer(r, device_id, module_id, refusal);
}

static int read_record(const RegistrarRequest *request, Identity *identity, RegistrarRefusal *refusal)
{
        const char *error = "";
        int r = request->record ? identity_record_read(request->record, identity, &error) : 0;

        if (r == -EBADMSG)
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_INVALID, "The identity cannot be so: %s", error);
        return r;
}

static int create(const Hub *hub, const RegistrarRequest *request, Identity *ret, RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity identity = {};
        int r;

        r = identity_init(&identity, request->device_id, request->module_id);
        if (r < 0)
                return r;
        r = read_record(request, &identity, refusal);
        if (r != 0)
                return r;
        r = registry_add(hub->store, &identity, clock_wall(hub->clock));
        if (r != 0)
                return answer(r, request->device_id, request->module_id, refusal);
        *ret = identity;
        identity = (Identity){};
        return 0;
}

static int update(const Hub *hub, const RegistrarRequest *request, Identity *ret, RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity identity = {};
        int r;

        r = registrar_find(hub, request->device_id, request->module_id, &identity, refusal);
        if (r == 0)
                r = read_record(request, &identity, refusal);
        if (r != 0)
                return r;
        r = registry_update(hub->store, &identity, request->if_match, clock_wall(hub->clock));
        if (r != 0)
                return answer(r, request->device_id, request->module_id, refusal);
        if (identity.disabled)
                hub_forget(hub, request->device_id, NULL);
        *ret = identity;
        identity = (Identity){};
        return 0;
}

static int create_or_update(const Hub *hub, const RegistrarRequest *request, Identity *ret, RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity identity = {};
        int r = registry_find(hub->store, request->device_id, request->module_id, &identity);

        if (r < 0)
                return r;
        return r == REGISTRY_E_UNKNOWN ? create(hub, request, ret, refusal) : update(hub, request, ret, refusal);
}

static int delete(const Hub *hub, const RegistrarRequest *request, RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity identity = {};
        int r;

        r = registrar_find(hub, request->device_id, request->module_id, &identity, refusal);
        if (r != 0)
                return r;
        r = registry_remove(hub->store, request->device_id, request->module_id, request->if_match);
        if (r != 0)
                return answer(r, request->device_id, request->module_id, refusal);
        hub_forget(hub, request->device_id, request->module_id);
        return 0;
}

int registrar_do(const Hub *hub, const RegistrarRequest *request, Identity *ret, RegistrarRefusal *refusal)
{
        int r = check_ids(request->device_id, request->module_id, refusal);

        if (r != 0)
                return r;
        switch (request->verb) {
        case REGISTRAR_CREATE:
                return create(hub, request, ret, refusal);
        case REGISTRAR_UPDATE:
                return update(hub, request, ret, refusal);
        case REGISTRAR_CREATE_OR_UPDATE:
                return create_or_update(hub, request, ret, refusal);
        case REGISTRAR_DELETE:
                return delete(hub, request, refusal);
        }
        return -EINVAL;
}
