/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin answers - org.hublink1.Twin as a client sees it
 */

#include "base/buffer.h"
#include "ctl/client.h"

/* The properties. */
typedef struct TwinState {
        bool known;
        uint64_t desired_version, reported_version, last_desired, last_reported, pending_bytes, reports, refused;
        const char *last_error;
        Buffer owners;     /* "pump pumpd, temperature hublinkd", as a terminal may have it */
        Buffer owners_json; /* {"pump":"pumpd","temperature":""} */
        struct sd_bus_message *message; /* has the text */
} TwinState;

/* All of these: CTL_OK, or another of the exit codes when it was told why. */
int twin_ask_state(Client *c, TwinState *ret);
void twin_state_done(TwinState *s);

typedef struct TwinText {
        const char *json;
        struct sd_bus_message *message;
} TwinText;

/* member: GetDesired or GetReported */
int twin_ask_half(Client *c, const char *member, const char *section, TwinText *ret);
void twin_text_done(TwinText *t);

int twin_tell_report(Client *c, const char *section, const char *json);
