/* SPDX-License-Identifier: Apache-2.0 */

/* call: a method, as the hub would call it. */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/visible.h"
#include "ctl/ctl.h"

#define METHODS "org.hublink1.Methods"

#define ARGUMENT_MAX (1024 * 1024) /* the daemon says what is too much */

/* What the daemon may take beyond the method's own time. */
#define GRACE_USEC (5 * USEC_PER_SEC)

typedef struct Wish {
        const char *name, *json; /* "-": it comes from standard input */
        usec_t timeout;
} Wish;

static int parse_wish(int argc, char **argv, Wish *ret)
{
        static const struct option longs[] = {{"timeout", required_argument, NULL, 'o'}, {}};
        int o, r;

        *ret = (Wish){.json = ""};
        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                r = o == 'o' ? parse_span("call", optarg, &ret->timeout)
                             : usage("call", "call: this is not understood.");
                if (r != CTL_OK)
                        return r;
        }
        if (optind >= argc)
                return usage("call", "call: which method?");
        if (argc - optind > 2)
                return usage("call", "call: '%s' is one too many; JSON is one argument, in quotes.", argv[optind + 2]);
        ret->name = argv[optind];
        if (optind + 1 < argc)
                ret->json = argv[optind + 1];
        return CTL_OK;
}

/* 2xx is well. 504 is a time-out here as anywhere. */
static int exit_code(int32_t status)
{
        return status >= 200 && status < 300 ? CTL_OK : status == 504 ? CTL_TIMEOUT : CTL_FAILED;
}

static int print_answer(const Options *options, int32_t status, const char *json)
{
        Buffer b = BUFFER_NULL;
        int r;

        if (options->json) {
                buffer_printf(&b, "{\"status\":%" PRId32 ",\"payload\":%s}\n", status, *json ? json : "null");
        } else {
                visible_lines(&b, json, strlen(json));
                if (*json)
                        buffer_append_char(&b, '\n');
                if (exit_code(status) != CTL_OK)
                        fprintf(stderr, "status %" PRId32 "\n", status);
        }
        r = b.size > 0 ? print_buffer(&b) : CTL_OK;
        return r != CTL_OK ? r : exit_code(status);
}

int command_call(const Options *options, int argc, char **argv)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(buffer_done) Buffer argument = BUFFER_NULL;
        const char *json;
        int32_t status;
        Wish wish;
        int r;

        /* Without a time of its own it is the daemon's, which is a setting: five minutes at most. */
        if ((r = parse_wish(argc, argv, &wish)) != CTL_OK ||
            (r = read_argument(wish.json, ARGUMENT_MAX, &argument)) != CTL_OK ||
            (r = client_open(&client, options->bus)) != CTL_OK ||
            (r = client_request(client, METHODS, "Call", usec_add(wish.timeout ?: 5 * USEC_PER_MIN, GRACE_USEC), &m,
                                "sst", wish.name, argument.data ?: "", wish.timeout)) != CTL_OK)
                return r;
        r = sd_bus_message_read(m, "is", &status, &json);
        return r < 0 ? client_misunderstood("Call", r) : print_answer(options, status, json);
}
