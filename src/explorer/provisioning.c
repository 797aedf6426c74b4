/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/provisioning.h"

#include <string.h>

#include "explorer/output.h"

/* A hub's error would say no more than that it knows no such path. */
int provisioning_check_host(const Explorer *e)
{
        static const char hubs[] = ".azure-devices.net";
        size_t n = strlen(e->login.host);

        if (n <= strlen(hubs) || strcasecmp(e->login.host + n - strlen(hubs), hubs) != 0)
                return EXPLORER_OK;
        complain("enrollments are kept by a provisioning service, and %s is a hub: log in with the connection string "
                 "of the former (HostName=NAME.azure-devices-provisioning.net;SharedAccessKeyName=...)",
                 e->login.host);
        return EXPLORER_USAGE;
}

static int check_answer(const Explorer *e, Answer *a)
{
        if (!a->json || json_object_is_type(a->json, json_type_object))
                return EXPLORER_OK;
        complain("%s does not answer as a provisioning service does: is it one?", e->login.host);
        answer_done(a);
        return EXPLORER_FAILED;
}

int provisioning_ask(const Explorer *e, const Kind *k, const char *id, HttpsRequest request, const char *tail,
                     Answer *ret)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL, what = BUFFER_NULL, right = BUFFER_NULL;
        Question q;
        int r = provisioning_check_host(e);

        if (r != EXPLORER_OK)
                return r;
        buffer_printf(&path, "/%s/", *tail ? k->mechanism : k->path);
        put_encoded(&path, id);
        buffer_printf(&path, "%s?api-version=" DPS_VERSION, tail);
        buffer_printf(&what, "%s '%s'", k->noun, id);
        buffer_printf(&right, "%s%s", k->rights, request.reads ? "Read" : "Write");
        if (buffer_error(&path) || buffer_error(&what) || buffer_error(&right))
                return out_of_memory();
        request.path = path.data;
        q = (Question){.request = request, .subject = {.what = what.data, .right = right.data}};
        r = service_ask(e, &q, ret);
        return r == EXPLORER_OK ? check_answer(e, ret) : r;
}
