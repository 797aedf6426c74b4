/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/routes.h"

#include "devhub/http/enrollments.h"
#include "devhub/http/events.h"
#include "devhub/http/messages.h"
#include "devhub/http/methods.h"
#include "devhub/http/provisioning.h"
#include "devhub/http/query.h"
#include "devhub/http/registrations.h"
#include "devhub/http/registry.h"
#include "devhub/http/twins.h"

int http_routes_add(HttpRouter *router, const Hub *hub)
{
        static int (*const tables[])(HttpRouter *router, const Hub *hub) = {
                http_registry_add,
                http_messages_add,
                http_events_add,
                http_methods_add,
                http_twins_add,
                http_query_add,
                http_enrollments_add,
                http_provisioning_add,
                http_registrations_add,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(tables); i++)
                r = tables[i](router, hub);
        return r;
}
