/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/registrations.h"

#include <errno.h>

#include "devhub/dps/registration-id.h"
#include "devhub/dps/registration-json.h"
#include "devhub/http/dps-reply.h"

static void reply_trouble(HttpCall *call, const Hub *hub, int k, const char *what)
{
        if (k < 0 && k != -EINVAL)
                http_reply_failure(call, k, what);
        else
                dps_reply_error(call, hub,
                                k == REGISTRATION_E_CHANGED ? DPS_ERROR_PRECONDITION_FAILED
                                                            : DPS_ERROR_REGISTRATION_NOT_FOUND,
                                NULL);
}

static void get_registration(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(registration_done) Registration registration = {};
        _cleanup_free_ char *id = NULL;
        int r;

        r = registration_id_fold(http_call_part(call, "r"), &id);
        if (r >= 0)
                r = registration_find(hub->store, id, clock_wall(hub->clock), &registration);
        if (r != 0)
                reply_trouble(call, hub, r, "look up a registration");
        else
                http_reply_json(call, 200, registration_to_json(&registration));
}

static void delete_registration(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_free_ char *id = NULL, *if_match = NULL;
        int r;

        if_match = dps_if_match(call, &r);
        if (r >= 0)
                r = registration_id_fold(http_call_part(call, "r"), &id);
        if (r >= 0)
                r = registration_delete(hub->store, id, if_match);
        if (r != 0)
                reply_trouble(call, hub, r, "delete a registration");
        else
                http_reply_empty(call, 204);
}

static int add_to_page(void *userdata, const Registration *registration)
{
        return dps_page_add(userdata, registration->id, registration_to_json(registration));
}

static void query_registrations(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(dps_page_done) DpsPage page = {};
        int r;

        if (!dps_page_begin(&page, call, hub))
                return;
        r = registration_each(hub->store, http_call_part(call, "r"), page.after, page.limit + 1,
                              clock_wall(hub->clock), add_to_page, &page);
        if (r < 0)
                http_reply_failure(call, r, "list registrations");
        else
                dps_page_reply(&page, call, "deviceRegistration");
}

static const HttpRoute routes[] = {
        {"GET", "/registrations/{r}", RIGHT_ENROLLMENT, get_registration},
        {"DELETE", "/registrations/{r}", RIGHT_ENROLLMENT, delete_registration},
        {"POST", "/registrations/{r}/query", RIGHT_ENROLLMENT, query_registrations},
};

int http_registrations_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
