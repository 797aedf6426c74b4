/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublink-devhub - an IoT Hub on one's own machine
 *
 * Checks credentials, enforces the hub's limits, keeps what devices send, shows it, and misbehaves when told to.
 */

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "devhub/cli/arguments.h"
#include "devhub/cli/ca-command.h"
#include "devhub/cli/clock-command.h"
#include "devhub/cli/device-command.h"
#include "devhub/cli/fault-command.h"
#include "devhub/cli/monitor.h"
#include "devhub/serve.h"

#define EXIT_USAGE 2

static int run(StateDir *dir, const Arguments *a)
{
        switch (a->command) {
        case COMMAND_SERVE:
                return serve_run(dir, &a->serve);
        case COMMAND_DEVICE_CREATE:
                return device_create(dir, a->operand, a->json);
        case COMMAND_DEVICE_LIST:
                return device_list(dir, a->json);
        case COMMAND_DEVICE_DELETE:
                return device_delete(dir, a->operand);
        case COMMAND_MONITOR:
                return monitor_run(dir, &a->monitor);
        case COMMAND_FAULT_SET:
                return fault_set(dir, a);
        case COMMAND_FAULT_LIST:
                return fault_list(dir, a->json);
        case COMMAND_FAULT_CLEAR:
                return fault_clear(dir, a->operand);
        case COMMAND_CA_ADD:
                return ca_add(dir, a->operand, a->second_operand);
        case COMMAND_CA_LIST:
                return ca_list(dir, a->json);
        case COMMAND_CA_DELETE:
                return ca_delete(dir, a->operand);
        case COMMAND_CLOCK_SHOW:
        case COMMAND_CLOCK_ADVANCE:
                return clock_command(dir, a->advance_usec);
        case COMMAND_HELP:
                arguments_print_help();
                return EXIT_SUCCESS;
        case COMMAND_VERSION:
                (void)printf("hublink-devhub " HUBLINK_VERSION "\n");
                return EXIT_SUCCESS;
        }
        return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
        StateDir dir = STATE_DIR_NULL;
        bool makes_dir, needs_dir;
        Arguments a;
        int r = 0;

        log_open(LOG_TARGET_STDERR, &clock_system);
        if (arguments_parse(argc, argv, &a) < 0)
                return EXIT_USAGE;
        needs_dir = a.command != COMMAND_HELP && a.command != COMMAND_VERSION;
        makes_dir = a.command == COMMAND_SERVE || a.command == COMMAND_DEVICE_CREATE ||
                    a.command == COMMAND_CA_ADD;
        if (needs_dir)
                r = state_dir_open(&dir, a.state_dir, makes_dir);
        if (r < 0)
                (void)fprintf(stderr, "hublink-devhub: cannot open the state directory %s: %s\n", a.state_dir,
                              strerror(-r));
        r = r < 0 ? EXIT_FAILURE : run(&dir, &a);
        state_dir_done(&dir);
        return r;
}
