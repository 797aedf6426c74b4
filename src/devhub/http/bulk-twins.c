/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/bulk-twins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "devhub/hub/admission.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "model/json-read.h"

struct BulkTold {
        char *device_id, *module_id;
        uint64_t version;
        json_object *patch;
};

bool bulk_twins_mode(const char *mode, bool *ret_if_match)
{
        *ret_if_match = strcasecmp(mode, "updateTwinIfMatchETag") == 0;
        return *ret_if_match || strcasecmp(mode, "updateTwin") == 0;
}

/* ---- what is to be told ---- */

static void told_done(BulkTold *t)
{
        free(t->device_id);
        free(t->module_id);
        json_object_put(t->patch);
}

void bulk_twins_done(BulkTwins *b)
{
        for (size_t i = 0; i < b->n_told; i++)
                told_done(&b->told[i]);
        free(b->told);
        *b = (BulkTwins){};
}

/* Takes the patch, also on failure. */
static int note(BulkTwins *b, const char *device_id, const char *module_id, uint64_t version, json_object *patch)
{
        BulkTold t = {.version = version, .patch = patch};
        BulkTold *more;

        t.device_id = strdup(device_id);
        t.module_id = module_id ? strdup(module_id) : NULL;
        more = b->n_told < b->n_allocated ? b->told : reallocarray(b->told, b->n_allocated * 2 + 8, sizeof(t));
        if (!t.device_id || (module_id && !t.module_id) || !more) {
                b->told = more ? more : b->told;
                told_done(&t);
                return -ENOMEM;
        }
        if (b->n_told == b->n_allocated)
                b->n_allocated = b->n_allocated * 2 + 8;
        b->told = more;
        b->told[b->n_told++] = t;
        return 0;
}

void bulk_twins_tell(BulkTwins *b, const Hub *hub)
{
        for (size_t i = 0; i < b->n_told; i++)
                hub->twins.desired_changed(hub->twins.userdata, b->told[i].device_id, b->told[i].module_id,
                                           b->told[i].version, b->told[i].patch);
}

/* ---- an item ---- */

static const char *text_of(json_object *item, const char *name)
{
        json_object *value;

        return json_object_object_get_ex(item, name, &value) && json_object_is_type(value, json_type_string)
                       ? json_object_get_string(value)
                       : NULL;
}

static int refuse(RegistrarRefusal *refusal, ServiceError error, const char *text)
{
        refusal->error = error;
        (void)snprintf(refusal->text, sizeof(refusal->text), "%s", text);
        return REGISTRAR_E_REFUSED;
}

static int refuse_unknown(const Hub *hub, const char *device_id, const char *module_id, RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity device = {};

        if (module_id && registry_find(hub->store, device_id, NULL, &device) == 0)
                return refuse(refusal, SERVICE_ERROR_MODULE_NOT_FOUND, "The module is not registered");
        return refuse(refusal, SERVICE_ERROR_DEVICE_NOT_FOUND, "The device is not registered");
}

static int read_change(json_object *item, bool if_match, TwinChange *ret, RegistrarRefusal *refusal)
{
        const char *etag = text_of(item, "twinETag");

        *ret = (TwinChange){.given = item};
        if (!text_of(item, "id"))
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_NULL, "The item has no id");
        if (!if_match)
                return 0;
        ret->if_match = etag ? etag : text_of(item, "eTag");
        return ret->if_match ? 0 : refuse(refusal, SERVICE_ERROR_PRECONDITION_FAILED, "The item has no twinETag");
}

/* Each is an update as if it came alone. */
static int check_limits(const Hub *hub, json_object *item, size_t *ret_size, RegistrarRefusal *refusal)
{
        Admission a;
        int k;

        *ret_size = hub->limits ? strlen(json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN)) : 0;
        k = hub_admit_by_limits(hub, OPERATION_TWIN_UPDATE, *ret_size, ADMISSION_AT_ONCE, &a);
        return k > 0 ? refuse(refusal, a.error, a.reason) : k;
}

int bulk_twins_change(BulkTwins *b, const Hub *hub, json_object *item, bool if_match, RegistrarRefusal *refusal)
{
        const char *device_id = text_of(item, "id"), *module_id = text_of(item, "moduleId");
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(twin_done) Twin twin = {};
        json_object *patch = NULL;
        TwinChange change;
        size_t size;
        int k;

        k = read_change(item, if_match, &change, refusal);
        if (k == 0)
                k = check_limits(hub, item, &size, refusal);
        if (k != 0)
                return k;
        k = twin_change(hub->store, device_id, module_id, &change, clock_wall(hub->clock), &twin, &patch, &error);
        switch (k) {
        case TWIN_E_INVALID:
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_INVALID, error.data);
        case TWIN_E_UNKNOWN:
                return refuse_unknown(hub, device_id, module_id, refusal);
        case TWIN_E_CHANGED:
                return refuse(refusal, SERVICE_ERROR_PRECONDITION_FAILED, "The twin has changed");
        case 0:
                hub_bill(hub, OPERATION_TWIN_UPDATE, size);
                return !patch ? 0 : note(b, device_id, module_id, twin.desired.version, patch);
        default:
                return k;
        }
}
