/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Link log - the story of the link, told briefly
 *
 * One line when the link comes up, goes down, or stays down for another reason. What repeats is counted and the
 * count told with the next line; a long outage is recalled every few hours. A link that flaps may not flood the
 * log either: after a handful of lines there is one a quarter of an hour, and if the last word was held back it
 * is told as soon as it may be, so that the last line in the log is always the truth.
 *
 * Pure but for the line itself. Time: boot clock.
 */

#include "base/clock.h"
#include "model/link.h"

#define LINK_LOG_BURST       6
#define LINK_LOG_REFILL_USEC (15 * USEC_PER_MIN)
#define LINK_LOG_RECALL_USEC (6 * USEC_PER_HOUR)

/* What could be told now. */
typedef struct LinkNews {
        LinkState state;
        LinkReason reason;
        const char *detail;
        const char *host;
        const char *device_id;
        usec_t delay_usec; /* to the next try */
} LinkNews;

typedef struct LinkLog {
        bool begun;         /* something was told */
        bool told_up;       /* the last line said: connected */
        LinkReason told_reason;
        usec_t told_usec;
        bool up;            /* the link as it is */
        usec_t down_usec;   /* since when it has not been up */
        unsigned failures;  /* of this outage */
        unsigned changes;   /* up and down, since the last line */
        bool held_back;     /* the last word was not told */
        unsigned lines;     /* that may be written now */
        usec_t refill_usec; /* when there is one more */
} LinkLog;

void link_log_init(LinkLog *log, usec_t now);
void link_log_connected(LinkLog *log, const LinkNews *news, usec_t now);
void link_log_failed(LinkLog *log, const LinkNews *news, usec_t now); /* a try failed, or the link was lost */
void link_log_stopped(LinkLog *log); /* a new story begins */

/* When link_log_tick() has something to tell. */
usec_t link_log_deadline(const LinkLog *log);
void link_log_tick(LinkLog *log, const LinkNews *news, usec_t now);
