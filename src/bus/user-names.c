/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/user-names.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/worker.h"

typedef struct Known {
        uid_t uid;
        usec_t until_usec; /* 0: this place is free */
        char name[USER_NAME_MAX];
} Known;

struct UserNames {
        const Clock *clock;
        Worker *worker;
        Known known[USER_NAMES_KEPT];
        size_t next; /* to be overwritten */
        UserQuestion *first, *last;
};

/* Of one user, whoever waits for it. The thread touches uid and name, nothing else. */
typedef struct Lookup {
        WorkerJob job;
        UserNames *names;
        uid_t uid;
        char name[USER_NAME_MAX]; /* "": there is none */
} Lookup;

/* ---- what is remembered ---- */

/* However long ago. */
static Known *find_known(UserNames *u, uid_t uid)
{
        for (size_t i = 0; i < ARRAY_SIZE(u->known); i++)
                if (u->known[i].uid == uid && u->known[i].until_usec > 0)
                        return &u->known[i];
        return NULL;
}

static void remember(UserNames *u, uid_t uid, const char *name)
{
        Known *k = find_known(u, uid);

        if (!k)
                k = &u->known[u->next++ % ARRAY_SIZE(u->known)];
        k->uid = uid;
        k->until_usec = usec_add(clock_boot(u->clock), USER_NAME_LIFE);
        (void)snprintf(k->name, sizeof(k->name), "%s", name);
}

/* ---- who waits ---- */

static bool is_asked(const UserNames *u, uid_t uid)
{
        for (const UserQuestion *q = u->first; q; q = q->next)
                if (q->uid == uid)
                        return true;
        return false;
}

static void add(UserNames *u, UserQuestion *q)
{
        q->asked = u;
        q->next = NULL;
        if (u->last)
                u->last->next = q;
        else
                u->first = q;
        u->last = q;
}

void user_question_drop(UserQuestion *q)
{
        UserNames *u = q->asked;
        UserQuestion *before = NULL;

        if (!u)
                return;
        for (UserQuestion *i = u->first; i != q; i = i->next)
                before = i;
        *(before ? &before->next : &u->first) = q->next;
        if (u->last == q)
                u->last = before;
        q->asked = NULL;
}

static UserQuestion *take(UserNames *u, uid_t uid)
{
        for (UserQuestion *q = u->first; q; q = q->next)
                if (q->uid == uid) {
                        user_question_drop(q);
                        return q;
                }
        return NULL;
}

static void answer_all(UserNames *u, uid_t uid, const char *name)
{
        UserQuestion *q;

        while ((q = take(u, uid)))
                q->answer(q, name);
}

/* ---- the lookup ---- */

static void lookup_run(WorkerJob *job)
{
        Lookup *l = container_of(job, Lookup, job);
        struct passwd entry, *found = NULL;
        char space[16384];

        if (getpwuid_r(l->uid, &entry, space, sizeof(space), &found) == 0 && found)
                (void)snprintf(l->name, sizeof(l->name), "%s", found->pw_name);
}

static void lookup_free(WorkerJob *job)
{
        free(container_of(job, Lookup, job));
}

static void word_unnamed(uid_t uid, char ret[static USER_NAME_MAX])
{
        (void)snprintf(ret, USER_NAME_MAX, "uid %u", (unsigned)uid);
}

static void lookup_done(WorkerJob *job)
{
        Lookup *l = container_of(job, Lookup, job);

        if (!*l->name)
                word_unnamed(l->uid, l->name);
        remember(l->names, l->uid, l->name);
        answer_all(l->names, l->uid, l->name);
        lookup_free(job);
}

/* Nobody says. Users are seldom renamed: what one was called is better than nothing. */
static void answer_unsaid(UserNames *u, uid_t uid)
{
        const Known *known = find_known(u, uid);
        char name[USER_NAME_MAX];

        if (known)
                (void)snprintf(name, sizeof(name), "%s", known->name);
        else
                word_unnamed(uid, name);
        answer_all(u, uid, name);
}

/* The thread may still write into its name. */
static void lookup_lost(WorkerJob *job, const char *why)
{
        const Lookup *l = container_of(job, Lookup, job);

        answer_unsaid(l->names, l->uid);
}

void user_names_ask(UserNames *u, UserQuestion *q)
{
        const Known *known = find_known(u, q->uid);
        bool under_way = is_asked(u, q->uid);
        Lookup *l;

        if (known && clock_boot(u->clock) < known->until_usec) {
                q->answer(q, known->name);
                return;
        }
        add(u, q);
        if (under_way)
                return;
        l = calloc(1, sizeof(*l));
        if (!l) {
                answer_unsaid(u, q->uid);
                return;
        }
        *l = (Lookup){
                .job = {USER_NAME_TIMEOUT, lookup_run, lookup_done, lookup_lost, lookup_free, NULL},
                .names = u,
                .uid = q->uid,
        };
        worker_submit(u->worker, &l->job);
}

/* ---- life ---- */

int user_names_new(UserNames **ret, sd_event *event, const Clock *clock)
{
        _cleanup_(user_names_freep) UserNames *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->clock = clock;
        r = worker_new(&u->worker, event, clock, "user-names");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(u);
        return 0;
}

UserNames *user_names_free(UserNames *u)
{
        if (!u)
                return NULL;
        worker_free(u->worker);
        free(u);
        return NULL;
}

usec_t user_names_deadline(const UserNames *u)
{
        return worker_deadline(u->worker);
}

void user_names_tick(UserNames *u, usec_t now)
{
        worker_tick(u->worker, now);
}
