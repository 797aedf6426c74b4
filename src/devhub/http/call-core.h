/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP call, inside - for the call, the router and the server
 *
 * The server makes it from a request line, adds headers and body as they come, and hands it to the router; the
 * reply is plain data that the server sends.
 */

#include "devhub/http/call.h"
#include "devhub/http/pairs.h"
#include "devhub/hub/hub.h"
#include "devhub/hub/tier.h"

#define HTTP_BODY_MAX (1024 * 1024) /* of any body; a route may say less */

struct HttpCall {
        const Hub *hub;
        char *method;
        char *path; /* as it came, encoded */
        Buffer title;
        HttpPairs queries; /* decoded */
        HttpPairs headers;
        Buffer body;
        bool too_large; /* more came than HTTP_BODY_MAX, and was thrown away */
        json_object *json;
        const Certificate *certificate; /* while it is being handled; or NULL */

        /* by the router */
        HttpPairs parts; /* decoded */
        Access access;
        bool new_errors; /* the dialect */
        Operation operation; /* that its reply is billed as */

        /* the reply */
        bool replied;
        unsigned status;
        const char *error_name; /* for the log; or NULL */
        HttpPairs reply_headers;
        Buffer reply;

        /* later */
        void (*gone)(void *userdata);
        void *gone_userdata;
        void (*replied_later)(void *userdata); /* the server's: the call sleeps, wake it */
        void *server_userdata;
};

/* target: path and query as in the request line. The method is set by whoever knows it. */
int http_call_init(HttpCall *call, const Hub *hub, const char *target);
int http_call_take_body(HttpCall *call, const void *data, size_t size);
void http_call_done(HttpCall *call);
/* METHOD PATH, for the log: anybody may write there what would move a terminal. */
const char *http_call_title(HttpCall *call);
void http_call_cancel(HttpCall *call); /* the caller has gone; tells who wanted to reply later */
