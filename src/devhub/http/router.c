/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/router.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/percent.h"
#include "base/log.h"
#include "base/utf8.h"
#include "devhub/http/call-core.h"
#include "devhub/http/dps-reply.h"
#include "devhub/http/toll.h"

#define TABLES_MAX 16

typedef struct Table {
        const HttpRoute *routes;
        size_t n_routes;
        void *userdata;
} Table;

struct HttpRouter {
        const Hub *hub;
        Table tables[TABLES_MAX];
        size_t n_tables;
};

/* ---- paths ---- */

/* The next part, without its slash; false at the end. A slash at the end begins no part. */
static bool next_part(const char **path, const char **ret, size_t *ret_size)
{
        const char *p = *path;

        if (p[0] != '/' || p[1] == 0)
                return false;
        *ret = p + 1;
        *ret_size = strcspn(p + 1, "/");
        *path = p + 1 + *ret_size;
        return true;
}

static bool is_placeholder(const char *part)
{
        return part[0] == '{';
}

static bool part_fits(const char *wanted, size_t wanted_size, const char *part, size_t size)
{
        if (is_placeholder(wanted))
                return size > 0;
        return size == wanted_size && strncasecmp(wanted, part, size) == 0;
}

static bool path_fits(const char *wanted, const char *path)
{
        const char *a, *b;
        size_t a_size, b_size;

        while (next_part(&wanted, &a, &a_size))
                if (!next_part(&path, &b, &b_size) || !part_fits(a, a_size, b, b_size))
                        return false;
        return !next_part(&path, &b, &b_size);
}

/* Of two that fit: does a say a word where b takes anything, at the first part where they differ? */
static bool is_plainer(const char *a, const char *b)
{
        const char *in_a, *in_b;
        size_t size;

        while (next_part(&a, &in_a, &size) && next_part(&b, &in_b, &size))
                if (is_placeholder(in_a) != is_placeholder(in_b))
                        return is_placeholder(in_b);
        return false;
}

/* -EBADMSG: what stands there is no text. */
static int take_part(HttpCall *call, const char *wanted, size_t wanted_size, const char *part, size_t size)
{
        _cleanup_free_ char *name = strndup(wanted + 1, wanted_size - 2);
        _cleanup_(buffer_done) Buffer value = BUFFER_NULL;

        percent_decode(&value, part, size);
        if (!name || buffer_error(&value))
                return -ENOMEM;
        if (memchr(value.data, 0, value.size) || !utf8_is_valid(value.data, value.size))
                return -EBADMSG;
        return http_pairs_add(&call->parts, name, value.data);
}

static int take_parts(HttpCall *call, const char *wanted)
{
        const char *path = call->path, *a, *b;
        size_t a_size, b_size;
        int r = 0;

        while (r >= 0 && next_part(&wanted, &a, &a_size) && next_part(&path, &b, &b_size))
                if (is_placeholder(a))
                        r = take_part(call, a, a_size, b, b_size);
        return r;
}

typedef struct Match {
        const HttpRoute *route;
        void *userdata;
        Buffer allowed; /* the methods of routes that fit but for theirs */
} Match;

static void consider(Match *match, const HttpRoute *route, void *userdata, const HttpCall *call)
{
        if (!path_fits(route->path, call->path))
                return;
        if (strcmp(route->method, call->method) != 0) {
                buffer_printf(&match->allowed, "%s%s", match->allowed.size > 0 ? ", " : "", route->method);
        } else if (!match->route || is_plainer(route->path, match->route->path)) {
                match->route = route;
                match->userdata = userdata;
        }
}

static void find(const HttpRouter *router, const HttpCall *call, Match *ret)
{
        *ret = (Match){};
        for (size_t i = 0; i < router->n_tables; i++)
                for (size_t k = 0; k < router->tables[i].n_routes; k++)
                        consider(ret, &router->tables[i].routes[k], router->tables[i].userdata, call);
}

/* ---- refusals ---- */

/* These two come from the machinery below the hub: no number, no name. */
static void reply_not_routed(HttpCall *call, const char *allowed)
{
        json_object *body = json_object_new_object();

        json_object_object_add(body, "Message",
                               json_object_new_string(allowed ? "The requested resource does not support this method."
                                                              : "No HTTP resource was found that matches the path."));
        if (allowed)
                http_reply_header(call, "Allow", "%s", allowed);
        http_reply_json(call, allowed ? 405 : 404, body);
}

static void reply_unauthorized(const HttpRouter *router, HttpCall *call, const HttpRoute *route, const char *reason)
{
        log_notice("%s: refused with 401: %s", http_call_title(call), reason);
        /* the provisioning service has errors of its own */
        if (route->rights == RIGHT_ENROLLMENT)
                dps_reply_error(call, router->hub, DPS_ERROR_UNAUTHORIZED, NULL);
        else
                http_reply_error(call, SERVICE_ERROR_UNAUTHORIZED_ACCESS, "Unauthorized");
}

/* True: the token, or the certificate, is good and its rights suffice. */
static bool check_rights(const HttpRouter *router, HttpCall *call, const HttpRoute *route)
{
        const char *token = http_call_header(call, "Authorization"), *reason;
        AccessRequest request = {
                .host = router->hub->host,
                .device_id = http_call_part(call, "d"),
                .module_id = http_call_part(call, "m"),
                .token = token ? token : "",
                .certificate = http_call_certificate(call),
                .wall_now = clock_wall(router->hub->clock),
        };
        int r;

        if (route->rights == 0)
                return true;
        r = access_check(router->hub->store, &request, &call->access, &reason);
        if (r < 0)
                http_reply_failure(call, r, "check a token");
        else if (r == ACCESS_E_REFUSED)
                reply_unauthorized(router, call, route, reason);
        else if (!(call->access.rights & route->rights))
                reply_unauthorized(router, call, route, "what it came with has no right to do that");
        else
                return true;
        return false;
}

static bool check_request(const HttpRouter *router, HttpCall *call, const HttpRoute *route)
{
        const char *version = http_call_query(call, "api-version");
        int r;

        r = take_parts(call, route->path);
        if (r == -ENOMEM)
                http_reply_failure(call, r, "read a path");
        else if (r < 0)
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "The path is not UTF-8");
        if (r < 0 || !check_rights(router, call, route) ||
            !http_admit(router->hub, call, route->operation, call->body.size))
                return false;
        if (!version || !*version)
                http_reply_error(call, SERVICE_ERROR_INVALID_PROTOCOL_VERSION,
                                 "The query parameter api-version is missing");
        else if (call->too_large || (route->body_max > 0 && call->body.size > route->body_max))
                http_reply_error(call, SERVICE_ERROR_MESSAGE_TOO_LARGE, "The body is larger than %zu bytes",
                                 route->body_max > 0 ? route->body_max : (size_t)HTTP_BODY_MAX);
        else
                return true;
        return false;
}

/* ---- the whole ---- */

int http_router_new(HttpRouter **ret, const Hub *hub)
{
        HttpRouter *router = calloc(1, sizeof(*router));

        if (!router)
                return -ENOMEM;
        router->hub = hub;
        *ret = router;
        return 0;
}

HttpRouter *http_router_free(HttpRouter *router)
{
        free(router);
        return NULL;
}

int http_router_add(HttpRouter *router, const HttpRoute *routes, size_t n_routes, void *userdata)
{
        if (router->n_tables == TABLES_MAX)
                return -ENOBUFS;
        router->tables[router->n_tables++] = (Table){routes, n_routes, userdata};
        return 0;
}

void http_router_dispatch(const HttpRouter *router, HttpCall *call)
{
        Match match;

        find(router, call, &match);
        if (!match.route) {
                reply_not_routed(call, match.allowed.size > 0 ? match.allowed.data : NULL);
        } else if (check_request(router, call, match.route)) {
                call->new_errors = match.route->new_errors;
                call->operation = match.route->operation;
                match.route->handler(match.userdata, call);
        }
        buffer_done(&match.allowed);
}
