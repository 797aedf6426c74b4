/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublink-devhub - an IoT Hub on one's own machine
 *
 * Checks credentials, enforces the hub's limits, keeps what devices send, shows it, and misbehaves when told to.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "devhub/cli/arguments.h"
#include "devhub/cli/ca-command.h"
#include "devhub/cli/clock-command.h"
#include "devhub/cli/device-command.h"
#include "devhub/cli/fault-command.h"
#include "devhub/cli/monitor.h"
#include "devhub/cli/output.h"
#include "devhub/cli/seed-command.h"
#include "devhub/cli/usage-command.h"
#include "devhub/cli/usage.h"
#include "devhub/seed/clearing.h"
#include "devhub/serve.h"

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
        case COMMAND_USAGE:
                return usage_command(dir, a->json);
        case COMMAND_CLOCK_SHOW:
        case COMMAND_CLOCK_ADVANCE:
                return clock_command(dir, a->advance_usec);
        case COMMAND_SEED:
                return seed_command(dir, a->operand, a->replace);
        case COMMAND_DUMP:
                return dump_command(dir, a->operand, a->with_secrets);
        case COMMAND_RESET:
                return reset_command(dir, a->all, a->sure);
        case COMMAND_HELP:
                arguments_print_help(a->operand);
                return EXIT_SUCCESS;
        case COMMAND_VERSION:
                (void)printf("hublink-devhub " HUBLINK_VERSION "\n");
                return EXIT_SUCCESS;
        }
        return EXIT_FAILURE;
}

static int no_hub(const char *path)
{
        (void)fprintf(stderr,
                      "hublink-devhub: no hub lives in %s: name the directory of one with --state-dir,"
                      " or begin one there with hublink-devhub serve --state-dir %s\n",
                      path, path);
        return EXIT_FAILURE;
}

/* What was made for a hub that could not begin goes again: the next command would take it for one. */
static int begin(StateDir *dir, const Arguments *a)
{
        int status = run(dir, a);

        if (status != EXIT_SUCCESS && dir->n_made > 0 && clearing_remove_all(dir) >= 0)
                state_dir_unmake(dir);
        return status;
}

/* Serve and seed begin a hub: what else meets an empty directory has been given the wrong one. */
static int run_in(StateDir *dir, const Arguments *a)
{
        bool begins = a->command == COMMAND_SERVE || a->command == COMMAND_SEED;
        int r = state_dir_open(dir, a->state_dir, begins);

        if (!begins && (r == -ENOENT || (r >= 0 && !state_dir_has_hub(dir))))
                return no_hub(a->state_dir);
        if (r >= 0)
                return begins ? begin(dir, a) : run(dir, a);
        (void)fprintf(stderr, "hublink-devhub: cannot open the state directory %s: %s\n", a->state_dir, strerror(-r));
        return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
        StateDir dir = STATE_DIR_NULL;
        Arguments a;
        int r;

        log_open(LOG_TARGET_STDERR, &clock_system);
        if (arguments_parse(argc, argv, &a) < 0)
                return EXIT_USAGE;
        if (a.command == COMMAND_HELP || a.command == COMMAND_VERSION)
                return output_end(run(NULL, &a));
        r = run_in(&dir, &a);
        state_dir_done(&dir);
        return output_end(r);
}
