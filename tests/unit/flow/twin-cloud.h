/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin cloud - a twin between a hub and a disk that do what the test says
 *
 * The hub has the other end: both halves with their versions. Requests go to it in order; its answers come back in
 * order, and so do its pushes, but the two may overtake each other. Nothing moves unless the test says so.
 */

#include "fake-clock.h"
#include "flow/twin.h"

#define CLOUD_ROOM 256

typedef struct CloudRequest {
        uint64_t number;
        char *patch; /* NULL: it asks for the twin */
} CloudRequest;

typedef struct CloudWord {
        uint64_t number; /* of the request; a push has the version */
        int status;      /* 0: a push */
        uint64_t version;
        char *body;
} CloudWord;

typedef struct Cloud {
        FakeClock clock;
        FakeRandom dice;
        Twin *twin;

        bool up;
        uint64_t n_requests;
        CloudRequest requests[CLOUD_ROOM]; /* on their way up */
        size_t n_up;
        CloudWord answers[CLOUD_ROOM], pushes[CLOUD_ROOM]; /* on their way down */
        size_t n_answers, n_pushes;
        int next_status; /* of the next request, in place of what it would be */
        const char *poison; /* a patch with this text in it is refused with 400 */
        size_t half_max;    /* and one that would make the reported half larger; 0: any is taken */

        Document *desired, *reported;
        uint64_t desired_version, reported_version;
        uint64_t gets, patches, acknowledgements; /* patches with the section "settings" */
        size_t largest_patch;

        char *stored; /* NULL: never */
        bool storing, slow_disk;
        int disk_error;
        uint64_t stores;

        unsigned fact;       /* what the daemon would tell of itself */
        size_t sensors_size; /* and of its sensors */
        Document *applied; /* the settings that are in effect here */
        uint64_t applications;
        char told[4096]; /* "section=json@version;" */
        int (*keep)(void *userdata, Document *state); /* somebody else's, with his userdata; NULL: nobody's */
        void *keep_userdata;
        void (*changed)(void *userdata); /* as the sink's; NULL: nobody is told */
        void *changed_userdata;
} Cloud;

void cloud_init(Cloud *c, uint64_t seed);
void cloud_done(Cloud *c);
void cloud_restart(Cloud *c); /* the daemon, from what is stored */

void cloud_connect(Cloud *c);
void cloud_disconnect(Cloud *c); /* whatever is on its way is lost */
void cloud_desire(Cloud *c, const char *patch);
void cloud_recreate(Cloud *c); /* the device: a new twin. It is disconnected by that. */

/* One step each; false: there was nothing to do. */
bool cloud_hear(Cloud *c);   /* the oldest request gets its answer */
bool cloud_answer(Cloud *c); /* the oldest answer arrives */
bool cloud_push(Cloud *c);   /* the oldest push arrives */
bool cloud_drop(Cloud *c);   /* the oldest answer is lost */
void cloud_stored(Cloud *c); /* what the disk had to do is done */
void cloud_tick(Cloud *c);   /* what is due now */

/* Until nothing moves any more, without time; and for so long. */
void cloud_settle(Cloud *c);
void cloud_run(Cloud *c, usec_t usec);

/* A local service reports. */
typedef struct CloudVerdict {
        int n; /* answers */
        RequestError error;
        char detail[256];
} CloudVerdict;

void cloud_verdict(void *userdata, RequestError error, const char *detail); /* a DoneFn; userdata: CloudVerdict */
CloudVerdict cloud_report_as(Cloud *c, const char *user, const char *section, const char *json);

const char *cloud_reported(Cloud *c, const char *section); /* what the hub has, as text; "" when nothing */
