/* SPDX-License-Identifier: Apache-2.0 */

/* flush, reconnect: one call each. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "model/link.h"

static int say(const Options *options, const char *done, const char *text)
{
        if (options->json)
                printf("{\"%s\":true}\n", done);
        else
                puts(text);
        return CTL_OK;
}

int command_flush(const Options *options, int argc, char **argv)
{
        static const struct option longs[] = {{"timeout", required_argument, NULL, 'o'}, {}};
        _cleanup_(client_closep) Client *client = NULL;
        usec_t timeout = TIMEOUT_DEFAULT;
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                r = o == 'o' ? parse_span("flush", optarg, &timeout)
                             : usage("flush", "flush: this is not understood.");
                if (r != CTL_OK)
                        return r;
        }
        if (optind < argc)
                return usage("flush", "flush: there is no argument '%s'.", argv[optind]);
        if ((r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_call(client, "Flush", timeout)) != CTL_OK)
                return r;
        return say(options, "flushed", "All that waited is settled.");
}

/* There is no link to come, then. */
static int without_credential(Client *client)
{
        _cleanup_(gateway_status_done) GatewayStatus status = {};
        int r = client_status(client, &status);

        if (r != CTL_OK || strcmp(status.link_reason, link_reason_to_string(LINK_REASON_NO_CREDENTIAL)) != 0)
                return r;
        fprintf(stderr, "hublinkctl: there is no credential to connect with: hublinkctl status says why, hublinkctl "
                        "setup gives one.\n");
        return CTL_FAILED;
}

int command_reconnect(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        int r;

        if ((r = no_arguments(argc, argv)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_call(client, "Reconnect", TIMEOUT_DEFAULT)) != CTL_OK ||
            (r = without_credential(client)) != CTL_OK)
                return r;
        return say(options, "reconnecting", "Connecting now; see hublinkctl status.");
}
