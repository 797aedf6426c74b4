/* SPDX-License-Identifier: Apache-2.0 */

/* From one look to the next event, and so on. */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "ctl/ctl.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
        interrupted = 1;
}

void follow_begin(void)
{
        (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
        (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
}

int follow(Client *client, usec_t until, const bool *over)
{
        int r = CTL_OK;

        (void)fflush(stdout);
        while (r == CTL_OK && !(over && *over) && !interrupted && clock_boot(&clock_system) < until) {
                if (client_daemon_left(client)) {
                        fprintf(stderr, "hublinkd left. See: systemctl status hublinkd\n");
                        return CTL_NOT_RUNNING;
                }
                r = client_wait(client, until);
        }
        return r;
}

int follow_parse(const char *command, const char *what, int argc, char **argv, bool *ret_watch, usec_t *ret_until)
{
        static const struct option longs[] = {
                {"watch", no_argument, NULL, 'w'}, {"for", required_argument, NULL, 'f'}, {}};
        usec_t span;
        int o;

        *ret_watch = false;
        *ret_until = USEC_INFINITY;
        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (o == 'w') {
                        *ret_watch = true;
                } else if (o == 'f') {
                        if (parse_span(command, optarg, &span) != CTL_OK)
                                return CTL_USAGE;
                        *ret_until = usec_add(clock_boot(&clock_system), span);
                } else {
                        return usage(command, "%s: this is not understood.", what);
                }
        }
        if (*ret_until != USEC_INFINITY && !*ret_watch)
                return usage(command, "%s: --for goes with --watch.", what);
        return CTL_OK;
}
