/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin desk - the device twin as local services see it
 *
 * A section is a member at the top of a twin's half: the name of a component, or of a service's own part. The
 * empty section is the whole half. JSON here is NUL-terminated; what is reported is an object, what is desired may be
 * any value, as the service set it.
 *
 * A reported section belongs to the user who reported it first, until it is deleted, or to whom the settings name
 * (twin.sections). Root may report any, and does not become the owner of what somebody else has.
 */

#include "model/sink.h"

#define TWIN_REPORT_MAX (128 * 1024) /* bytes of one report, as JSON */
#define TWIN_REPORT_TOO_LONG "a report has at most 128 KiB of JSON"

typedef struct TwinDesired {
        RequestError error; /* NOT_CONNECTED: the hub was never asked */
        const char *detail;
        const char *json; /* "{}": there is nothing in that section; borrowed until the loop goes on */
        uint64_t version; /* of that half */
} TwinDesired;

/* user "": the daemon itself. */
typedef void (*TwinOwnerFn)(void *userdata, const char *section, const char *user);

typedef struct TwinDesk {
        void (*desired)(void *userdata, const char *section, TwinDesired *ret);
        /* What is to be reported, be it with the hub yet or not; the version is the last that the hub told. */
        void (*reported)(void *userdata, const char *section, TwinDesired *ret);
        /* Merged into what is to be reported, null deletes; answered when that is on the disk. A section gets the mark
         * of a component ("__t") where the report says nothing of it. The hub hears of it when there is a link, at its
         * pace. user: of the client, by its name in the password database, NULL: the daemon itself. BAD_VALUE with the
         * reason: no JSON object, or beyond the hub's limits; NOT_OWNER: the section is another's, or the daemon's
         * own. */
        void (*report)(void *userdata, const char *section, const char *json, const char *user, DoneFn done,
                       void *done_userdata);
        /* Whose the reported sections are, each within the call; those that belong to nobody are left out. */
        void (*owners)(void *userdata, TwinOwnerFn each, void *each_userdata);
        void *userdata;
} TwinDesk;

/* What the twin tells unasked. */
typedef struct TwinSink {
        /* A section of the desired half changed; json: the section as it is now, "{}" when it is gone. */
        void (*desired_changed)(void *userdata, const char *section, const char *json, uint64_t version);
        void (*changed)(void *userdata); /* twin_status() changed */
        void *userdata;
} TwinSink;
