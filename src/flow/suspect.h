/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Suspects - which message is it that breaks the link?
 *
 * A message that makes the hub close the connection comes back with every new link, and would do so for ever. But
 * links break for many reasons, and a message must not pay for a bad one. So:
 *
 *   - Whoever was in the air at three breaks and never got its PUBACK is accused, one at a time, and from then on
 *     one message flies at a time. The accused is the first on the new link. With a PUBACK it is innocent.
 *   - If the link broke, others fly alone, more of them after each break, before the accused does again: never at
 *     the same place of a link's life, so that a hub that closes each link after so many seconds finds it elsewhere.
 *   - It is condemned when it broke the link three times alone, others got their PUBACK after each, and all of this
 *     would be a chance of one in a hundred million on a link that makes no difference between messages: six breaks
 *     and some forty PUBACKs where no other ever breaks. For a pack one in a hundred will do: that is only taken
 *     apart. A part of it goes on being so at its first break alone.
 *   - If two others in a row break the link as well, it is the link, a throttle or a quota: all are cleared. Those of
 *     the accused's own stream may be as bad as it is: once another stream has had its PUBACK they do not count here.
 *   - When for some minutes nobody is there to fly in the place of the accused, it is tried again. If that breaks the
 *     link it is no evidence: it may be one that does not outlive its rest. The case waits for others, if for hours.
 *     Unless those that are there broke it too: then all are cleared. A link that comes and goes meanwhile
 *     begins no new wait.
 *   - A stream of which a message was condemned is notorious for some hours: the next is accused at its first break,
 *     and what the cases before told of the link counts as well. Three breaks alone there must be too, and for one in a
 *     hundred thousand some fifty PUBACKs of others, all in all, where none broke it. Until there is a PUBACK for it
 *     the stream is held: what it sends waits and flies one by one.
 *
 * Knows:  messages by their tickets, which rise and stay the same from link to link, and by their streams. Pure.
 * Time:   boot clock.
 */

#include "base/clock.h"

#define SUSPECTS_MAX     32 /* messages in the window */
#define SUSPECTS_STREAMS 32
#define SUSPECTS_NOTICES SUSPECTS_STREAMS /* what the queue tells, in whatever stream: it says nothing of that one */

typedef struct Suspect {
        uint64_t ticket;
        unsigned stream;
        bool is_pack;    /* it can be taken apart */
        bool is_remains; /* of a pack that was condemned: flies only alone, and is nobody's witness */
        bool in_air;
        unsigned n_breaks; /* it was in the air */
        unsigned n_alone;  /* and it alone, in the present case */
} Suspect;

/* What is known of a stream. */
typedef struct Repute {
        usec_t until_usec; /* notorious; 0: it is not */
        bool is_held;      /* since then there was no PUBACK */
} Repute;

typedef struct Suspects {
        Suspect list[SUSPECTS_MAX]; /* sent, and neither acknowledged nor forgotten */
        size_t n;

        /* the case; all 0 without one */
        uint64_t accused;
        unsigned n_owed;       /* PUBACKs of others until the accused flies again */
        unsigned n_others;     /* PUBACKs of others, each alone in the air */
        unsigned n_breaks;     /* by others, each alone in the air */
        unsigned n_kin_others; /* of both, those of the accused's stream */
        unsigned n_kin_breaks;
        unsigned n_in_a_row;   /* breaks by others */
        bool is_retry;         /* nobody came: the accused may fly, and it proves nothing but innocence */
        usec_t patience_usec;  /* until then a witness may come; without a link nobody waits */
        usec_t patience_left_usec; /* when the link went: the next one begins with it */
        bool proved;

        /* of the cases before it, while they follow upon one another: what the link does to others */
        unsigned n_past_others, n_past_breaks;
        Repute streams[SUSPECTS_STREAMS + 1];
} Suspects;

/* What happened. */
void suspects_ready(Suspects *s, usec_t now);
void suspects_sent(Suspects *s, uint64_t ticket, unsigned stream, bool is_pack);
void suspects_acknowledged(Suspects *s, uint64_t ticket, usec_t now);
void suspects_lost(Suspects *s, usec_t now);
void suspects_forget(Suspects *s, uint64_t ticket); /* it left otherwise */
/* Not sent yet, and known for what it comes from. */
void suspects_remains(Suspects *s, uint64_t ticket, unsigned stream, bool is_pack);
void suspects_tick(Suspects *s, usec_t now);

/* May it fly now? ticket 0: one that was never sent. */
bool suspects_may_fly(const Suspects *s, uint64_t ticket);
/* Is one flying at a time? Then those never sent go before the others. */
bool suspects_stand_alone(const Suspects *s);
/* Condemned, until it is forgotten; 0: nobody. */
uint64_t suspects_condemned(const Suspects *s);
void suspects_convict(Suspects *s, uint64_t ticket, usec_t now); /* it is a record alone, and is forgotten */
/* It broke the link in the place of another, and is not to fly before the case is closed. */
bool suspects_is_bad_witness(const Suspects *s, uint64_t ticket);
/* What comes of this stream shall wait, and fly one by one as remains do. */
bool suspects_hold(const Suspects *s, unsigned stream);
usec_t suspects_deadline(const Suspects *s);
