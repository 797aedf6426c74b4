/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Alarm book - which alarms are raised, as it stands on the disk
 *
 * Whoever was told of an alarm waits for its end, and the daemon may stop, be killed or lose its power in between. Two
 * rules see to it that the end is told:
 *
 *   - An alarm is in the book before it goes into the queue.
 *   - It leaves the book once what tells of its end is on the disk.
 *
 * One that is beyond its limit and waits for its hold time stands there too: a source may speak only when something
 * changes, and would not say so again. What is left of the time goes on after the start.
 *
 * So an alarm that is found in the book at a start is raised still, or its end was perhaps not told. Either way its
 * channel's next value tells.
 *
 * Owns:   its entries, and the text that they are.
 * Knows:  nothing of files, and of the queue only whether it has stored what it was given.
 * Time:   boot clock, for what failed and is tried again.
 */

#include "flow/rules-settings.h"

#define ALARM_BOOK_STATE_MAX (256 * 1024) /* bytes of its text */
#define ALARM_BOOK_MAX       1024         /* alarms; more are not remembered */

typedef struct AlarmBook AlarmBook;

typedef struct AlarmEntry {
        RuleChannelName channel;
        AlarmSettings settings;
        bool is_raised;
        double value; /* that raised it */
        bool leaves;  /* as soon as its end is on the disk, */
        Name end;     /* of this stream */
        uint64_t text; /* the first that has it so, counted */

        bool is_beyond; /* its limit, on the way to being raised */
        double beyond_value;
        usec_t since_wall, since_boot;
} AlarmEntry;

typedef struct AlarmBookPort {
        /* Copied. 0: alarm_book_stored() follows. */
        int (*store)(void *userdata, const char *text, size_t size);
        /* Is all that this stream was given on the disk? */
        bool (*has_arrived)(void *userdata, const char *stream);
        void *userdata;
} AlarmBookPort;

/* text: as stored last; size 0: never. */
int alarm_book_new(AlarmBook **ret, const char *text, size_t size, const Clock *clock, const AlarmBookPort *port);
AlarmBook *alarm_book_free(AlarmBook *b);
DEFINE_CLEANUP(AlarmBook *, alarm_book_free);

/* Raised: it is to be on the disk before it is told elsewhere. */
void alarm_book_enter(AlarmBook *b, const char *channel, const AlarmSettings *settings, double value);
/* Its end was told, on this stream. */
void alarm_book_leave(AlarmBook *b, const char *channel, const AlarmSettings *settings, const char *stream);
/* That it was entered last is on the disk, or could not be. */
bool alarm_book_has_tried(const AlarmBook *b, const char *channel, const AlarmSettings *settings);

/* It went beyond its limit, and is not raised yet; it came back. Stored soon, but not each time. */
void alarm_book_note(AlarmBook *b, const char *channel, const AlarmSettings *settings, double value);
void alarm_book_strike(AlarmBook *b, const char *channel, const AlarmSettings *settings);
/* How much of its hold time is left; never less than there is, as far as the clocks tell. False: it is not beyond. */
bool alarm_book_find_beyond(const AlarmBook *b, const char *channel, const AlarmSettings *settings, double *ret_value,
                            usec_t *ret_left);
/* Strikes what of these nobody asks for. */
void alarm_book_strike_all_but(AlarmBook *b, bool (*is_asked_for)(void *userdata, const AlarmEntry *e), void *userdata);

usec_t alarm_book_deadline(const AlarmBook *b);
void alarm_book_tick(AlarmBook *b, usec_t now);

/* Raised ones that do not leave; NULL: it is not among them. Until the book changes. */
const AlarmEntry *alarm_book_find(const AlarmBook *b, const char *channel, const AlarmSettings *settings);
const AlarmEntry *alarm_book_entry(const AlarmBook *b, size_t i);
size_t alarm_book_count(const AlarmBook *b); /* all */

/* The queue committed. */
void alarm_book_queue_changed(AlarmBook *b);
void alarm_book_stored(AlarmBook *b, int error);
/* For the end of the day: nothing is put off any more. */
void alarm_book_stop(AlarmBook *b);
