/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Overlay - what lies over the settings files: the cloud's wishes, and over them what methods set
 *
 * Each is the text of a settings file. They are kept in the text of the twin, beside its halves: one writing puts a
 * wish on the disk with its acknowledgement, or neither, and there is no second file that could be older.
 *
 * Owns:   its texts.
 */

#include <stdbool.h>

#include "base/buffer.h"
#include "model/document.h"

#define OVERLAY_FILE "twin.json" /* in the state folder */

/* The places of settings, as they are shown. */
#define OVERLAY_DESIRED   OVERLAY_FILE " (desired)"
#define OVERLAY_INTERVALS OVERLAY_FILE " (setInterval)"

/* "" for nothing, and never NULL once it was loaded. */
typedef struct Overlay {
        char *desired;   /* by the cloud, as far as it is in effect */
        char *intervals; /* by methods, over that: settings-intervals.h */
        bool is_old;     /* of the files of an older build, and not in the twin's text yet */
        bool is_kept;    /* it is there */
        bool is_damaged; /* the twin's text, which is no JSON object */

        /* Read once: what the first reading did not give, a second one must not be believed to have had. */
        Buffer text;        /* the twin's; "" where there is none */
        const char *unread; /* which file of the state folder was not given; NULL: none. What it says is not known */
        int error;          /* why */
} Overlay;

void overlay_done(Overlay *o);

/* What was stored, as far as it can be read. -ENOMEM. */
int overlay_load(const char *state_dir, Overlay *ret);
/* Into the text that is stored. */
int overlay_keep(const Overlay *o, Document *state);
/* The files of an older build. */
void overlay_drop_old(const char *state_dir);
