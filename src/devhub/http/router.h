/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP router - from a method and a path to the handler, past the rights
 *
 * Each noun of the service side exports a table of routes. A path is written "/devices/{d}/modules/{m}": a part in
 * braces takes any one part that is not empty, the others are compared without regard to case, a slash at the end
 * says nothing. Where two fit, the one with the earlier plain part wins: "/devices/query" before "/devices/{d}".
 *
 * In this order: no such path 404, no such method 405, no right 401, a limit 429 or 403, no api-version 400, body too
 * large 413; then the handler. The device and module that a token must be good for are the parts {d} and {m}.
 *
 * Knows:  the tables and their userdata, which outlive it.
 */

#include "devhub/http/call.h"
#include "devhub/hub/hub.h"
#include "devhub/hub/tier.h"

typedef void (*HttpHandler)(void *userdata, HttpCall *call);

typedef struct HttpRoute {
        const char *method;
        const char *path;
        unsigned rights; /* any of these suffices; 0: the handler looks at the Authorization header itself */
        HttpHandler handler;
        size_t body_max;  /* 0: as much as the server takes, 1 MiB */
        bool new_errors;  /* errors of the handler are JSON within JSON */
        Operation operation; /* that it is limited as, by the size of its body */
} HttpRoute;

typedef struct HttpRouter HttpRouter;

int http_router_new(HttpRouter **ret, const Hub *hub);
HttpRouter *http_router_free(HttpRouter *router);
DEFINE_CLEANUP(HttpRouter *, http_router_free);

int http_router_add(HttpRouter *router, const HttpRoute *routes, size_t n_routes, void *userdata);

/* Replies, at once or later. */
void http_router_dispatch(const HttpRouter *router, HttpCall *call);
