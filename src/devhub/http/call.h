/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP call - a request that has come whole, and the reply to it
 *
 * A handler replies once. It may do so later: it then says so with http_call_later(), and either replies or is
 * told that the caller has gone; after either the call is no longer its own. What a reply promises is committed
 * before it leaves.
 *
 * Owns:   the request's texts and body, the reply.
 */

#include <json-c/json.h>

#include "base/buffer.h"
#include "base/certificate.h"
#include "devhub/hub/access.h"
#include "devhub/hub/service-error.h"

typedef struct HttpCall HttpCall;

/* ---- the request ---- */

const char *http_call_part(const HttpCall *call, const char *name);   /* what stands for {name}, decoded; or NULL */
const char *http_call_query(const HttpCall *call, const char *name);  /* decoded, "" without a value; or NULL */
const char *http_call_header(const HttpCall *call, const char *name); /* NULL: it is not there */
/* All of them in turn, i from 0; false: there is no such. */
bool http_call_header_at(const HttpCall *call, size_t i, const char **ret_name, const char **ret_value);
const char *http_call_body(const HttpCall *call, size_t *ret_size);   /* never NULL, ended by a NUL */
const Access *http_call_access(const HttpCall *call);                 /* what the token allows */

/* That the caller showed to TLS; NULL: none. Good until the handler returns. */
const Certificate *http_call_certificate(const HttpCall *call);

/* The body as JSON, the call's own. NULL: it is not, and that has been replied. */
json_object *http_call_json(HttpCall *call);

/* ---- the reply ---- */

/* Before the reply itself. */
void http_reply_header(HttpCall *call, const char *name, const char *fmt, ...) _printf_(3, 4);

void http_reply_empty(HttpCall *call, unsigned status);
void http_reply_json(HttpCall *call, unsigned status, json_object *body); /* takes it; NULL: no memory */
void http_reply_bytes(HttpCall *call, unsigned status, const char *content_type, const void *data, size_t size);

/* In the dialect of the route (protocol reference 8.6). The text is what the error says after its name. */
void http_reply_error(HttpCall *call, ServiceError error, const char *fmt, ...) _printf_(3, 4);
/* The same with an info of its own in the new dialect, takes it: {"timeout":"00:00:30"}. */
void http_reply_error_info(HttpCall *call, ServiceError error, json_object *info, const char *fmt, ...)
        _printf_(4, 5);
/* For a negative errno of the domain: says so in the log, and ServerError to the caller. */
void http_reply_failure(HttpCall *call, int error, const char *what);

/* ---- later ---- */

/* The handler returns without a reply; gone is called when the caller will not hear it any more. */
void http_call_later(HttpCall *call, void (*gone)(void *userdata), void *userdata);
