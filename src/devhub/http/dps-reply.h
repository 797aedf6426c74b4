/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DPS reply - what the calls of the provisioning service have in common
 */

#include "devhub/dps/dps-error.h"
#include "devhub/http/call.h"
#include "devhub/hub/hub.h"

/* message NULL: that of the error. */
void dps_reply_error(HttpCall *call, const Hub *hub, DpsError error, const char *message);

/* An If-Match has its etag in quotes, or without; "*" stands for any. NULL: the header is not there. */
char *dps_if_match(const HttpCall *call, int *ret_error);

/* ---- queries ---- */

typedef struct DpsPage {
        unsigned limit;
        char *after; /* the last name of the page before; NULL: this is the first */
        char *last;  /* the last name of this one */
        unsigned n;
        bool is_cut; /* there are more */
        json_object *items;
} DpsPage;

/* False: what the query says is not understood, and that has been replied. */
bool dps_page_begin(DpsPage *page, HttpCall *call, const Hub *hub);
/* From a visitor, for each item: 1 when the page is full. Takes the item; NULL: no memory. */
int dps_page_add(DpsPage *page, const char *name, json_object *item);
void dps_page_reply(DpsPage *page, HttpCall *call, const char *item_type);
void dps_page_done(DpsPage *page);
