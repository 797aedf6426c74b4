/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin - the two halves of the device twin, as the hub has them and as we want them
 *
 * Desired: what the service wishes. The hub pushes changes to whoever is connected, keeps none for later, and tells the
 * version by a push or with the whole alone; so the whole is asked for after each connection, and again when a push
 * skips a number or may have crossed an answer. A link that comes and goes has it each 10 s. What is the same as
 * before changes nothing here and is not answered anew. Changes are told by section; the section "settings" is applied
 * here, as a whole or not at all, and answered once it is on the disk.
 *
 * Reported: what we wish the hub to know. The whole of it is kept; beside it stands what the hub is known to have, and
 * the difference is what goes out. So reports merge while there is no link, none is lost with an answer, and a device
 * that was deleted and made anew gets all of it. One patch at a time: the hub may apply two in any order.
 *
 * Owns:   both halves, and the record of them on the disk.
 * Knows:  nothing of MQTT, D-Bus or what a setting means.
 * Time:   boot clock; wall clock where it tells when something was. It wants to be ticked.
 */

#include "base/backoff.h"
#include "base/ticker.h"
#include "model/document.h"
#include "model/property.h"
#include "model/order.h"
#include "model/twin-desk.h"

typedef struct Twin Twin;

/* Sections of our own: no local service may report them. */
#define TWIN_SELF     "hublink"  /* what the daemon tells of itself */
#define TWIN_SETTINGS "settings" /* what it lets the service set, and its answers */

#define TWIN_STATE_MAX (512 * 1024) /* of the text that is stored: both halves, and what is around them */

/* And values in it: what is kept there comes from several, each with a limit of its own. */
#define TWIN_STATE_VALUES_MAX (64 * 1024)

typedef struct TwinSettings {
        Property *sections; /* name of a section, and the user who alone may report it */
        size_t n_sections;
} TwinSettings;

/* What the twin asks of those around it. */
typedef struct TwinPort {
        /* As hub_twin_get() and hub_twin_report(). */
        int (*get)(void *userdata, uint64_t *ret_request);
        int (*report)(void *userdata, const char *json, size_t size, uint64_t *ret_request);
        /* To be put on the disk in place of what was there before; twin_stored() tells the end, once, within the call
         * or later. Not asked again before. */
        void (*store)(void *userdata, const char *text, size_t size);
        /* The settings that are desired, NULL for none: all are taken over, or none. *ret_answers: for each of them
         * {"ac":...,"ad":...,"value":...}. The same ones may come again. -ENOMEM. */
        int (*apply)(void *userdata, const Document *settings, Document **ret_answers);
        /* What the daemon tells of itself; counters ask for a place of their own, "statistics", and come only
         * where with_statistics says so; "sensors" is left out where the half has no room for it. -ENOMEM. */
        int (*facts)(void *userdata, bool with_statistics, Document **ret);
        /* What others keep beside both halves, in the same text: its members are put in. NULL: nothing. -ENOMEM. */
        int (*keep)(void *userdata, Document *state);
        void *userdata;
} TwinPort;

/* life */

/* state: what was stored, "" when there is nothing. What cannot be read is told, and begun anew. */
int twin_new(Twin **ret, const char *state, size_t state_size, const Clock *clock, const Random *random,
             const TwinPort *port, const TwinSink *sink);
/* Borrowed until others come. */
void twin_configure(Twin *t, const TwinSettings *settings);
/* What is not stored yet is handed to the disk. */
void twin_stop(Twin *t);
/* Who still waits for the disk is answered. */
Twin *twin_free(Twin *t);
DEFINE_CLEANUP(Twin *, twin_free);
Ticker twin_ticker(Twin *t);

/* from the hub: as in OrderSink and HubSink */
void twin_listening(Twin *t);
void twin_lost(Twin *t);
void twin_pushed(Twin *t, uint64_t version, const char *body, size_t body_size);
void twin_answered(Twin *t, const TwinAnswer *answer);

/* from the disk: 0, or a negative errno */
void twin_stored(Twin *t, int error);

/* What may be applied has changed: it is looked at again, and answered if the answer is another. */
void twin_reapply(Twin *t);
/* What TwinPort.keep() puts in is another: to be stored. */
void twin_keep_changed(Twin *t);
/* done when all of it is on the disk, within the call or later, or when the disk fails; exactly once. -ENOMEM:
 * never. */
int twin_await_disk(Twin *t, DoneFn done, void *done_userdata);
/* What TwinPort.facts() tells may have changed. */
void twin_facts_changed(Twin *t);

/* for local services, and for parts of the daemon: these give no client, and may report our own sections */
TwinDesk twin_desk(Twin *t);
void twin_status(const Twin *t, TwinStatus *ret); /* its text is valid until the twin changes */
