/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Options - what may stand on the command line with two hyphens
 *
 * Each has a name, the commands that it belongs to, and a place in Arguments where its value goes.
 */

#include <getopt.h>
#include <stdint.h>

#include "devhub/cli/arguments.h"

typedef enum Option {
        OPTION_STATE_DIR = 0x100, /* above all letters, from which getopt tells them by their numbers */
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_HOST,
        OPTION_LISTEN,
        OPTION_MQTT_PORT,
        OPTION_HTTPS_PORT,
        OPTION_AMQPS_PORT,
        OPTION_AMQP_PORT,
        OPTION_JSON,
        OPTION_FROM,
        OPTION_COUNT,
        OPTION_FOR,
        OPTION_VERIFY,
        OPTION_DEVICE,
        OPTION_CODE,
        OPTION_DELAY,
        OPTION_MATCH,
        OPTION_OFFSET,
        OPTION_HUB,
        OPTION_VIRTUAL_CLOCK,
        OPTION_LINKED_HUB,
        OPTION_TIER,
        OPTION_UNITS,
        OPTION_C2D_TTL,
        OPTION_C2D_MAX_DELIVERY,
        OPTION_SEED,
        OPTION_REPLACE,
        OPTION_SECRETS,
        OPTION_ALL,
        OPTION_YES,
        _OPTION_MAX,
} Option;

/* Those that were seen, a bit each. */
typedef uint64_t OptionSet;

static inline OptionSet option_set(Option option)
{
        return (OptionSet)1 << (option - OPTION_STATE_DIR);
}

extern const struct option option_words[]; /* as getopt_long() wants them; ends with an empty one */

const char *option_name(int option);
bool option_belongs_to(Option option, Command command);
/* -EINVAL: what is wrong with the value has been said on stderr. */
int option_take(Arguments *a, Option option, const char *value);
