/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the twin, for the files that it is made of
 *
 * twin.c          its life, the link, and when which of the others has its turn
 * twin-desired.c  the desired half: answers and pushes, who is told, what is applied
 * twin-report.c   the reported half: what differs, one patch at a time
 * twin-state.c    both halves on the disk, and who waits for it
 * twin-desk.c     what local services ask
 * twin-owners.c   which of them may report what
 * twin-whole.c    what the hub gives when asked for both halves
 * twin-room.c     who has which part of the room in the reported half
 * twin-problem.c  what is wrong for as long as it is, in words
 */

#include "base/allowance.h"
#include "base/throttle.h"
#include "flow/twin.h"
#include "model/document-limits.h"

#define TWIN_ANSWER_TIMEOUT  USEC_PER_MIN /* nothing is known of a request after that */
#define TWIN_REPORT_INTERVAL (10 * USEC_PER_SEC)
#define TWIN_GET_INTERVAL    (10 * USEC_PER_SEC) /* a link that comes and goes does not cost a whole twin each time */
#define TWIN_URGENT_BURST    10
#define TWIN_URGENT_INTERVAL (2 * USEC_PER_SEC) /* answers beyond a burst: each patch is billed */
#define TWIN_STORE_BURST     20
#define TWIN_STORE_INTERVAL  USEC_PER_SEC /* flash wears, whoever reports in a tight loop */
#define TWIN_WANTED_MAX      (128 * 1024) /* of its text: the hub counts no control characters, the disk does */
#define TWIN_DISK_PATIENCE   (10 * USEC_PER_SEC) /* with a disk that does not answer it goes on without */

/* A request to the hub: one at a time of a kind. */
typedef struct TwinRequest {
        bool asked;
        uint64_t number;
        usec_t deadline_usec; /* until the answer must be here; not asked: when to ask, USEC_INFINITY for never */
        Backoff backoff;
} TwinRequest;

/* Who waits for the disk. */
typedef struct TwinWaiter {
        uint64_t change; /* that must be stored */
        DoneFn done;
        void *userdata;
} TwinWaiter;

struct Twin {
        const Clock *clock;
        const Random *random;
        TwinPort port;
        TwinSink sink;
        const TwinSettings *settings; /* NULL: none */

        bool listening;
        uint64_t connections;

        /* the desired half */
        bool known;
        Document *desired;  /* without $version */
        Document *left_out; /* NULL, or the sections of it that are too much, with the number of their values */
        uint64_t desired_version, seen_version; /* seen: in a push that the answer on its way may lack */
        usec_t last_desired_usec;
        TwinRequest get;
        usec_t got_usec; /* boot clock, when the hub last gave the whole; 0: not yet */
        bool resting;    /* the next time it is asked for is put off, and nothing but that */

        /* the reported half */
        Document *wanted;   /* a null at the top: to be deleted at the hub */
        Document *short_form; /* NULL, or what goes up in place of it: that has no room */
        Document *hub_has;  /* as far as known */
        bool hub_has_fresh; /* of this connection */
        uint64_t reported_version;
        usec_t last_reported_usec;
        TwinRequest patch;
        Document *in_flight;
        Document *sent; /* if that is of one section: the section, as it was wanted then */
        usec_t next_patch_usec; /* boot clock: the pace */
        bool urgent;            /* it does not wait for that, as far as the allowance goes */
        Allowance urgent_allowance;
        bool alone;             /* a patch was refused: each section by itself, to find which */
        Document *owners;       /* whose a section is; one that is not here is anybody's */
        Document *given_up;     /* sections that the hub refuses, as they were then */
        size_t refused_at;      /* the size of what the hub had, when it last refused one */
        size_t pending_bytes;
        bool only_answers;        /* nothing but the answers to settings is pending */
        uint64_t settings_change; /* that must be stored before these leave */
        uint64_t reports, refused;

        /* facts */
        usec_t facts_usec, statistics_usec; /* when they are due */
        bool facts_dirty;

        /* the disk */
        uint64_t changes, stored, storing; /* storing 0: nothing is on its way */
        usec_t storing_since_usec, store_again_usec;
        Allowance store_allowance;
        bool disk_fails;
        TwinWaiter *waiters;
        size_t n_waiters;

        char *last_error;
        char *problem; /* NULL: none */
        Buffer text; /* of the last question */
        Throttle told_refused, told_failed, told_left_out;
};

/* twin.c */
void twin_tell_changed(Twin *t);
void twin_note_error(Twin *t, const char *fmt, ...) _printf_(2, 3); /* for the status */
/* Ask for the whole twin; the request paces itself. */
void twin_want_get(Twin *t, usec_t now);
/* The next try, by the request's own backoff. */
void twin_try_later(Twin *t, TwinRequest *request, usec_t now);

/* twin-desired.c */
/* All of it, but for the sections that are left out. Takes both. */
int twin_take_desired(Twin *t, Document *half, Document *left_out, uint64_t version);
/* -E2BIG: TWIN_VALUES_MAX; -ESTALE: what it changes was left out. */
int twin_merge_desired(Twin *t, const Document *patch, uint64_t version);
void twin_strip(Document *half); /* of what the hub puts in for itself */

/* twin-whole.c */
/* Both halves, with the hub's versions. *ret_left_out: sections that are desired and too much, with their values.
 * -EBADMSG: it is no twin. */
int twin_read_whole(const char *text, size_t size, Document **ret, Document **ret_left_out);

/* twin-problem.c */
void twin_renew_problem(Twin *t);

/* twin-room.c */
/* False: a report that makes the one the other has no room, and words appended to why say so. user as above. */
bool twin_has_room(const Document *after, const Document *before, const char *user, Buffer *why);
/* NULL where all of the half has room, or with what is our own in it made shorter. */
int twin_shorten(const Document *wanted, Document **ret);

/* twin-report.c */
/* The section is given up, as it is now. */
bool twin_is_given_up(const Twin *t, const char *section);
/* What is known of the hub's side now. Takes it. */
void twin_take_reported(Twin *t, Document *half, uint64_t version);
/* A section is to be this, whatever it was; NULL: it is to be gone. Takes it. */
int twin_want_section(Twin *t, const char *section, Document *value, bool urgent);
/* Merges; a null at the top of the patch deletes a section. */
int twin_want_patch(Document *wanted, const Document *patch);
void twin_report_step(Twin *t, usec_t now);
void twin_report_answered(Twin *t, const TwinAnswer *answer, usec_t now);
void twin_report_timeout(Twin *t, usec_t now);
void twin_report_forget(Twin *t); /* the link is lost */
usec_t twin_report_deadline(const Twin *t);

/* twin-owners.c */
/* user NULL: the daemon itself, who may. False: words appended to why say whose it is. */
bool twin_may_report(const Twin *t, const Document *patch, const char *user, Buffer *why);
/* As in TwinDesk. */
void twin_tell_owners(const Twin *t, TwinOwnerFn each, void *userdata);
/* Whose the sections are when he has. */
int twin_owners_after(const Twin *t, const Document *patch, const char *user, Document **ret);

/* twin-state.c */
int twin_state_read(Twin *t, const char *text, size_t size);
void twin_state_changed(Twin *t); /* to be stored */
int twin_state_await(Twin *t, DoneFn done, void *done_userdata);
void twin_state_step(Twin *t, usec_t now);
usec_t twin_state_deadline(const Twin *t);
bool twin_state_is_settled(const Twin *t, usec_t now); /* on disk, or not to be had there */
bool twin_state_has_settings(const Twin *t);           /* those that are applied are on the disk */
void twin_state_end(Twin *t);
