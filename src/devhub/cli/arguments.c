/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "devhub/cli/fault-words.h"
#include "devhub/cli/options.h"
#include "devhub/cli/serve-words.h"
#include "devhub/cli/usage.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/identity.h"

/* ---- commands ---- */

static const struct {
        const char *word, *second; /* second NULL: the command is one word */
        Command command;
        int min_operands, max_operands;
        const char *operand;
} commands[] = {
        {"serve", NULL, COMMAND_SERVE, 0, 0, NULL},
        {"device", "create", COMMAND_DEVICE_CREATE, 1, 1, "a device id"},
        {"device", "list", COMMAND_DEVICE_LIST, 0, 0, NULL},
        {"device", "delete", COMMAND_DEVICE_DELETE, 1, 1, "a device id"},
        {"monitor", NULL, COMMAND_MONITOR, 0, 1, NULL},
        {"fault", "set", COMMAND_FAULT_SET, 1, 1, "the name of a fault"},
        {"fault", "list", COMMAND_FAULT_LIST, 0, 0, NULL},
        {"fault", "clear", COMMAND_FAULT_CLEAR, 0, 1, NULL},
        {"ca", "add", COMMAND_CA_ADD, 2, 2, "a name and a file"},
        {"ca", "list", COMMAND_CA_LIST, 0, 0, NULL},
        {"ca", "delete", COMMAND_CA_DELETE, 1, 1, "a name"},
        {"usage", NULL, COMMAND_USAGE, 0, 0, NULL},
        {"clock", "show", COMMAND_CLOCK_SHOW, 0, 0, NULL},
        {"clock", "advance", COMMAND_CLOCK_ADVANCE, 1, 1, "a time"},
        {"seed", NULL, COMMAND_SEED, 1, 1, "a file, or -"},
        {"dump", NULL, COMMAND_DUMP, 0, 1, NULL},
        {"reset", NULL, COMMAND_RESET, 0, 0, NULL},
};

static int unknown_command(char *const words[], int n_words)
{
        Nearest nearest = nearest_begin(words[0]);

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (strcmp(commands[i].word, words[0]) == 0)
                        return n_words > 1 ? usage_complain("'%s' has no command '%s'", words[0], words[1])
                                           : usage_complain("'%s' needs a second word", words[0]);
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                nearest_offer(&nearest, commands[i].word);
        return nearest.found ? usage_complain("unknown command '%s', did you mean '%s'?", words[0], nearest.found)
                             : usage_complain("unknown command '%s'", words[0]);
}

static int take_command(Arguments *a, char *const words[], int n_words)
{
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                int n = commands[i].second ? 2 : 1;

                if (n_words < n || strcmp(words[0], commands[i].word) != 0 ||
                    (n == 2 && strcmp(words[1], commands[i].second) != 0))
                        continue;
                a->command = commands[i].command;
                if (n_words - n < commands[i].min_operands)
                        return usage_complain("'%s%s%s' needs %s", words[0], n == 2 ? " " : "", n == 2 ? words[1] : "",
                                              commands[i].operand);
                if (n_words - n > commands[i].max_operands)
                        return usage_complain("'%s' is one word too many", words[n + commands[i].max_operands]);
                a->operand = n_words > n ? words[n] : NULL;
                a->second_operand = n_words > n + 1 ? words[n + 1] : NULL;
                return 0;
        }
        return n_words == 0 ? 0 : unknown_command(words, n_words);
}

/* What an option may be given to is known when the command is; getopt has by then moved the words to the end. */
static int check_options(const Arguments *a, OptionSet seen)
{
        for (Option option = OPTION_STATE_DIR; option < _OPTION_MAX; option++)
                if (seen & option_set(option) && !option_belongs_to(option, a->command))
                        return usage_complain("--%s does not belong to this command", option_name(option));
        return 0;
}

/* ---- what only the whole line tells ---- */

static unsigned fault_traits_of(OptionSet seen)
{
        static const struct {
                Option option;
                FaultTrait trait;
        } pairs[] = {
                {OPTION_FOR, FAULT_FOR},     {OPTION_COUNT, FAULT_COUNT}, {OPTION_DEVICE, FAULT_DEVICE},
                {OPTION_CODE, FAULT_CODE},   {OPTION_DELAY, FAULT_DELAY}, {OPTION_MATCH, FAULT_MATCH},
                {OPTION_OFFSET, FAULT_OFFSET}, {OPTION_HUB, FAULT_HUB},
        };
        unsigned traits = 0;

        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
                traits |= seen & option_set(pairs[i].option) ? pairs[i].trait : 0;
        return traits;
}

static int check_advance(Arguments *a)
{
        if (quantity_parse_time(a->operand, &a->advance_usec) < 0)
                return usage_complain("clock advance takes a time such as 10min, not '%s'", a->operand);
        return a->advance_usec > SERVER_CLOCK_STEP_MAX ? usage_complain("the clock moves ten years at a time at most")
                                                       : 0;
}

static int check_id(const char *id)
{
        _cleanup_free_ char *device_id = NULL, *module_id = NULL;

        if (!id || identity_parse(id, &device_id, &module_id) != -EINVAL)
                return 0;
        return usage_complain("'%s' cannot be an id: 1 to %d of letters, digits and - . + %% _ # * ? ! ( ) , : = @ $ ',"
                              " for a module DEVICE/MODULE", id, IDENTITY_ID_MAX);
}

static int check_authority(const char *name)
{
        return authority_name_is_valid(name) ? 0
                                             : usage_complain("'%s' cannot be the name of an authority: 1 to 64 "
                                                              "letters, digits, hyphens, dots and underscores", name);
}

static int check_whole(Arguments *a, OptionSet seen)
{
        FaultKind kind;

        switch (a->command) {
        case COMMAND_SERVE:
                return serve_words_check(&a->serve);
        case COMMAND_FAULT_SET:
                return fault_words_check(a, fault_traits_of(seen));
        case COMMAND_FAULT_CLEAR:
                return a->operand ? fault_words_kind(a->operand, &kind) : 0;
        case COMMAND_CLOCK_ADVANCE:
                return check_advance(a);
        case COMMAND_MONITOR:
        case COMMAND_DEVICE_CREATE:
        case COMMAND_DEVICE_DELETE:
                return check_id(a->operand);
        case COMMAND_CA_ADD:
                return check_authority(a->operand);
        default:
                return 0;
        }
}

/* ---- words that are no options of ours ---- */

/* "-1h" of clock advance, or an id that begins so. */
static int odd_number(char *const argv[])
{
        for (char *const *p = argv + 1; *p; p++) {
                if ((*p)[0] != '-' || !isdigit((unsigned char)(*p)[1]))
                        continue;
                return strcmp(argv[1], "clock") == 0
                                       ? usage_complain("clock advance takes a time such as 10min, not '%s': a clock "
                                                        "only goes forward",
                                                        *p)
                                       : usage_complain("'%s' reads like an option: before an id that begins so put --",
                                                        *p);
        }
        return usage_complain("unknown option '-%c'", optopt);
}

static int odd_option(char *const argv[])
{
        const char *word = argv[optind - 1];
        Nearest nearest;

        if (optopt >= OPTION_STATE_DIR)
                return usage_complain("--%s takes no value", option_name(optopt));
        if (isdigit(optopt))
                return odd_number(argv);
        if (optopt != 0)
                return usage_complain("unknown option '-%c'", optopt);
        nearest = nearest_begin(word + 2);
        for (size_t i = 0; option_words[i].name; i++)
                nearest_offer(&nearest, option_words[i].name);
        return nearest.found ? usage_complain("unknown option '%s', did you mean --%s?", word, nearest.found)
                             : usage_complain("unknown option '%s'", word);
}

int arguments_parse(int argc, char *argv[], Arguments *ret)
{
        Arguments a = {
                .command = COMMAND_SERVE,
                .state_dir = "/var/lib/hublink-devhub",
                .serve = {.host = ARGUMENTS_HOST, .listen = "127.0.0.1", .mqtt_port = 8883, .https_port = 443,
                          .amqps_port = 5671, .amqp_port = 5672, .mail = MAIL_RULES_USUAL},
                .monitor = {.from = MONITOR_FROM_END, .for_usec = USEC_INFINITY},
                .for_usec = USEC_INFINITY,
                .code = -1,
                .delay_usec = USEC_INFINITY,
        };
        OptionSet seen = 0;
        int c, r;

        optind = 0;
        opterr = 0;
        while ((c = getopt_long(argc, argv, ":", option_words, NULL)) != -1) {
                if (c == ':')
                        return usage_complain("%s needs a value", argv[optind - 1]);
                if (c == '?')
                        return odd_option(argv);
                seen |= option_set((Option)c);
                r = option_take(&a, (Option)c, optarg);
                if (r < 0)
                        return r;
        }
        if (seen & (option_set(OPTION_HELP) | option_set(OPTION_VERSION))) {
                a.command = seen & option_set(OPTION_HELP) ? COMMAND_HELP : COMMAND_VERSION;
                a.operand = optind < argc ? argv[optind] : NULL;
                *ret = a;
                return 0;
        }
        r = take_command(&a, argv + optind, argc - optind);
        if (r < 0)
                return r;
        r = check_options(&a, seen);
        if (r < 0)
                return r;
        r = check_whole(&a, seen);
        if (r < 0)
                return r;
        a.monitor.device_id = a.operand;
        if (a.monitor.verify && !(seen & option_set(OPTION_FROM)))
                a.monitor.from = MONITOR_FROM_START;
        *ret = a;
        return 0;
}
