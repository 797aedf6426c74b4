/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/stranger.h"

#include <string.h>

#include "base/nearest.h"
#include "explorer/https.h"
#include "explorer/json-text.h"
#include "explorer/output.h"
#include "explorer/path.h"
#include "explorer/refusal.h"

#define SUGGEST_USEC (5 * USEC_PER_SEC)
#define LOOK_USEC    (2 * USEC_PER_SEC)

/* The status; 0: none came. */
static unsigned ask(const Explorer *e, const char *path, usec_t within, HttpsReply *ret)
{
        HttpsRequest request = {.method = "GET", .path = path};
        Explorer hasty = *e;
        _cleanup_(buffer_done) Buffer unsaid = BUFFER_NULL;

        hasty.timeout_usec = MIN(e->timeout_usec, within);
        hasty.quiet = true;
        return https_ask(&hasty, &request, ret, &unsaid) == 0 ? ret->status : 0;
}

static char *nearest_of(const Buffer *list, const char *id)
{
        _cleanup_(json_unrefp) json_object *devices = NULL;
        Nearest nearest = nearest_begin(id);

        if (list->size == 0 || json_text_parse(list->data, list->size, &devices, NULL) < 0 ||
            !json_object_is_type(devices, json_type_array))
                return NULL;
        for (size_t i = 0; i < json_object_array_length(devices); i++) {
                const char *other = json_text_of(json_object_array_get_idx(devices, i), "deviceId");

                if (other)
                        nearest_offer(&nearest, other);
        }
        return nearest.found ? strdup(nearest.found) : NULL;
}

/* Of a hub of many thousands only the first are looked at. */
char *stranger_nearest(const Explorer *e, const char *id)
{
        _cleanup_free_ char *device = strndup(id, strcspn(id, "/"));
        _cleanup_(https_reply_done) HttpsReply reply = {};

        if (!device || ask(e, "/devices?top=1000&api-version=" SERVICE_VERSION, SUGGEST_USEC, &reply) != 200)
                return NULL;
        return nearest_of(&reply.body, device);
}

/* A twin may be asked for by whoever may read events, an identity may not. */
static bool is_absent(const Explorer *e, const char *id)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;
        _cleanup_(https_reply_done) HttpsReply reply = {};
        _cleanup_(refusal_done) Refusal refusal = {};

        put_path(&path, "twins", id, "");
        if (buffer_error(&path) || ask(e, path.data, LOOK_USEC, &reply) != 404)
                return false;
        refusal_read(404, reply.error_name, reply.body.data, reply.body.size, &refusal);
        return refusal_is(&refusal, "DeviceNotFound") || refusal_is(&refusal, "ModuleNotFound");
}

void stranger_remark(const Explorer *e, const char *id)
{
        _cleanup_free_ char *nearest = NULL;

        if (e->quiet || !is_absent(e, id))
                return;
        nearest = is_module(id) ? NULL : stranger_nearest(e, id);
        if (nearest)
                remark(e, "there is no device '%s' in %s yet; did you mean '%s'?", id, e->login.host, nearest);
        else
                remark(e, "there is no %s '%s' in %s yet", is_module(id) ? "module" : "device", id, e->login.host);
}

bool stranger_is_group(const Explorer *e, const char *group)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;
        _cleanup_(https_reply_done) HttpsReply reply = {};

        buffer_append_string(&path, "/enrollmentGroups/");
        put_encoded(&path, group);
        buffer_append_string(&path, "?api-version=" DPS_VERSION);
        return !buffer_error(&path) && ask(e, path.data, SUGGEST_USEC, &reply) == 404;
}
