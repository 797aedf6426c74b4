/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Command house - commands between a real inbox, a systemd that does what the test says, and files that are variables
 *
 * Virtual time. Messages that inbox_house_send() delivers have the property colour = blue.
 */

#include "flow/command-units.h"
#include "flow/methods.h"
#include "inbox-house.h"
#include "log-capture.h"

typedef struct CommandHouse {
        InboxHouse house;
        LogCapture lines;
        Property blue, red;
        CommandUnitSettings settings[3];
        size_t n_settings;
        CommandUnits *commands;
        unsigned n_arrived;
        uint64_t stubborn; /* a message that cannot be taken */
        unsigned n_refused;

        /* systemd */
        bool away;
        bool taken; /* the unit runs for somebody else: the test ends our run with that */
        int start_error;
        unsigned n_started, n_stopped;
        char unit[64]; /* that was started last, and how this run is called */
        uint64_t run;
        size_t started_at; /* changes on the disk then */

        /* files */
        int put_error, get_error;
        char request[256];
        const char *response; /* of the run; NULL: none */

        /* methods */
        unsigned n_answers;
        uint64_t call;
        int status;
        char json[1024];
} CommandHouse;

/* "pump" is started by the method "pump" and by blue messages, "other" by the method "other" alone. */
void command_house_begin(CommandHouse *h);
void command_house_end(CommandHouse *h);
/* The machines of commands and inbox alone: what is on the disk stays. */
void command_house_open(CommandHouse *h);
void command_house_close(CommandHouse *h);
void command_house_run(CommandHouse *h, usec_t usec);

/* The method of this command is called; its status, 0: there was no answer yet. */
int command_house_call(CommandHouse *h, const char *name, const char *json);
/* The last run that was started ends. */
void command_house_end_run(CommandHouse *h, UnitOutcome outcome, int number, const char *detail);
