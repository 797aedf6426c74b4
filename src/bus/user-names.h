/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * User names - what the users behind the bus are called
 *
 * The password database may stand on another machine (LDAP, a domain), which may be away: it is asked on a worker's
 * thread, and what it says is remembered for a while. A user whom it does not know, or not in time, is "uid N".
 * Questions about one user are answered in the order in which they came.
 *
 * Owns:   the worker; not the questions.
 * Time:   boot clock, by user_names_deadline() and user_names_tick().
 */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

#define USER_NAME_MAX     256
#define USER_NAMES_KEPT   32
#define USER_NAME_LIFE    (10 * USEC_PER_MIN)
#define USER_NAME_TIMEOUT (2 * USEC_PER_SEC)

typedef struct UserNames UserNames;

/* To be embedded; all zero while nothing is asked. */
typedef struct UserQuestion UserQuestion;
struct UserQuestion {
        UserNames *asked; /* NULL: it is answered */
        UserQuestion *next;
        uid_t uid;
        void (*answer)(UserQuestion *q, const char *name); /* name borrowed; q is the callee's again */
};

int user_names_new(UserNames **ret, sd_event *event, const Clock *clock);
UserNames *user_names_free(UserNames *u); /* nobody may be waiting */
DEFINE_CLEANUP(UserNames *, user_names_free);

/* The answer comes within this or later. */
void user_names_ask(UserNames *u, UserQuestion *q);
void user_question_drop(UserQuestion *q); /* no answer will come */

usec_t user_names_deadline(const UserNames *u);
void user_names_tick(UserNames *u, usec_t now);
