/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/initial-twin.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "devhub/hub/twin.h"
#include "model/json-read.h"

static bool keeps_the_rules(TwinSectionKind kind, json_object *given)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        json_object *patch = NULL;
        int r;

        if (!given)
                return true;
        r = twin_patch_new(&patch, kind, given, &error);
        (void)json_object_put(patch);
        return r == 0;
}

const char *initial_twin_check(json_object *twin)
{
        json_object *properties = json_object_object_get(twin, "properties");

        if (properties && !json_object_is_type(properties, json_type_object))
                return "initialTwin.properties is not an object";
        if (!keeps_the_rules(TWIN_TAGS, json_object_object_get(twin, "tags")))
                return "initialTwin.tags cannot be the tags of a twin";
        if (properties && !keeps_the_rules(TWIN_DESIRED, json_object_object_get(properties, "desired")))
                return "initialTwin.properties.desired cannot be the desired properties of a twin";
        return NULL;
}

int initial_twin_write(Store *store, const char *device_id, const char *text, usec_t wall_now)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(twin_done) Twin twin = {};
        json_object *given = NULL, *patch = NULL;
        const char *fault;
        int r;

        text = text ? text : "{}";
        r = json_read(text, strlen(text), &given, &fault);
        if (r < 0)
                return r;
        r = twin_change(store, device_id, NULL, &(TwinChange){.given = given, .replace = true}, wall_now, &twin,
                        &patch, &error);
        (void)json_object_put(patch);
        (void)json_object_put(given);
        if (r > 0)
                log_warning("%s begins without its initial twin: %s", device_id, error.size > 0 ? error.data : "");
        return MIN(r, 0);
}
