/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Line intake - where the lines of all of a socket's senders become readings
 *
 * A line that is not to be understood is counted, told once a reason with who sent it and how it begins, and passed
 * over; it harms neither the lines around it nor other senders. Readings a second have a limit, which senders share.
 *
 * Where it is asked for, each reading has the sender's user and process as channels `uid` and `pid`, as the kernel
 * tells them; so a line must not have channels of these names. What the kernel does not know is left out.
 */

#include "sensor/complaints.h"
#include "sensor/driver.h"
#include "sensor/excerpt.h"
#include "sensor/rates.h"
#include "sensor/reading-line.h"
#include "sensor/sender.h"

typedef struct LineIntake {
        Name name;
        DriverTools tools;
        ReadingLineParser *parse;
        bool peer; /* each reading tells who sent it */
        size_t max_line;
        Rates rates; /* shared by users and addresses */
        Complaints complaints;
} LineIntake;

void line_intake_init(LineIntake *i, const SensorSettings *settings, const DriverTools *tools, size_t max_line);

bool line_intake_has_room(const LineIntake *i);

/* Was it a line of ours? Whether there was room for its reading is the sink's matter. */
bool line_intake_take(LineIntake *i, const Sender *sender, char *text, size_t size);

/* what: "a line was refused (...): ...", counted as well. */
void line_intake_refuse(LineIntake *i, const Sender *sender, Refusal why, const char *what);
/* text: as much of it as came. */
void line_intake_refuse_too_long(LineIntake *i, const Sender *sender, const char *text, size_t size);
/* Not the sender's fault, so it is not told. */
void line_intake_refuse_overload(LineIntake *i);

/* Of a sender as a whole, counted and told as well; reason: COMPLAINT_... */
void line_intake_note(LineIntake *i, const Sender *sender, unsigned reason, const char *what);

/* Of a datagram or packet, which may hold several lines; in one that is larger there is a line that is too long. */
size_t line_intake_packet_size(const LineIntake *i);
