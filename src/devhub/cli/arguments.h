/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Arguments - the command line as a command and its settings
 */

#include "base/clock.h"
#include "devhub/cli/monitor.h"
#include "devhub/hub/fault.h"
#include "devhub/server.h"

#define ARGUMENTS_HOST "devhub.localdomain"

typedef enum Command {
        COMMAND_SERVE,
        COMMAND_DEVICE_CREATE,
        COMMAND_DEVICE_LIST,
        COMMAND_DEVICE_DELETE,
        COMMAND_MONITOR,
        COMMAND_FAULT_SET,
        COMMAND_FAULT_LIST,
        COMMAND_FAULT_CLEAR,
        COMMAND_CA_ADD,
        COMMAND_CA_LIST,
        COMMAND_CA_DELETE,
        COMMAND_USAGE,
        COMMAND_CLOCK_SHOW,
        COMMAND_CLOCK_ADVANCE,
        COMMAND_SEED,
        COMMAND_DUMP,
        COMMAND_RESET,
        COMMAND_HELP,
        COMMAND_VERSION,
} Command;

typedef struct Arguments {
        Command command;
        const char *state_dir;
        const char *operand; /* the device's id, the fault's name, a file; of help a command; NULL: none */
        const char *second_operand; /* a file; NULL: none */
        bool json;
        ServerSettings serve;
        MonitorSettings monitor;

        /* of fault set */
        const char *device_id;
        usec_t for_usec;
        uint64_t count; /* 0: no limit */
        int code;       /* -1: the usual */
        usec_t delay_usec; /* USEC_INFINITY: the usual */
        int64_t offset_usec; /* 0: not given */
        const char *match; /* NULL: every event */
        const char *hub;   /* NULL: one that is nowhere */

        usec_t advance_usec; /* of clock advance */

        bool replace;      /* of seed */
        bool with_secrets; /* of dump */
        bool all, sure;    /* of reset */
} Arguments;

/* Borrows from argv. -EINVAL: what is wrong has been said on stderr. */
int arguments_parse(int argc, char *argv[], Arguments *ret);
/* command: its first word; NULL, or none that there is: all. */
void arguments_print_help(const char *command);
