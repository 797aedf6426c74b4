/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/arguments.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "devhub/cli/fault-words.h"
#include "devhub/cli/serve-words.h"
#include "devhub/cli/usage.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/identity.h"

/* ---- options ---- */

typedef enum Option {
        OPTION_STATE_DIR = 1,
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
} Option;

/* A bit each of what was seen, and none a letter. */
static_assert(OPTION_YES < 32, "there is no bit for the last option");

#define TAKES_ANY       (~0u)
#define OF(command)     (1u << (command))
#define OF_DEVICE       (OF(COMMAND_DEVICE_CREATE) | OF(COMMAND_DEVICE_LIST))

static const struct option options[] = {
        {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"host", required_argument, NULL, OPTION_HOST},
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"mqtt-port", required_argument, NULL, OPTION_MQTT_PORT},
        {"https-port", required_argument, NULL, OPTION_HTTPS_PORT},
        {"amqps-port", required_argument, NULL, OPTION_AMQPS_PORT},
        {"amqp-port", required_argument, NULL, OPTION_AMQP_PORT},
        {"json", no_argument, NULL, OPTION_JSON},
        {"from", required_argument, NULL, OPTION_FROM},
        {"count", required_argument, NULL, OPTION_COUNT},
        {"for", required_argument, NULL, OPTION_FOR},
        {"verify", no_argument, NULL, OPTION_VERIFY},
        {"device", required_argument, NULL, OPTION_DEVICE},
        {"code", required_argument, NULL, OPTION_CODE},
        {"delay", required_argument, NULL, OPTION_DELAY},
        {"match", required_argument, NULL, OPTION_MATCH},
        {"offset", required_argument, NULL, OPTION_OFFSET},
        {"hub", required_argument, NULL, OPTION_HUB},
        {"virtual-clock", no_argument, NULL, OPTION_VIRTUAL_CLOCK},
        {"linked-hub", required_argument, NULL, OPTION_LINKED_HUB},
        {"tier", required_argument, NULL, OPTION_TIER},
        {"units", required_argument, NULL, OPTION_UNITS},
        {"c2d-ttl", required_argument, NULL, OPTION_C2D_TTL},
        {"c2d-max-delivery", required_argument, NULL, OPTION_C2D_MAX_DELIVERY},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"replace", no_argument, NULL, OPTION_REPLACE},
        {"secrets", no_argument, NULL, OPTION_SECRETS},
        {"all", no_argument, NULL, OPTION_ALL},
        {"yes", no_argument, NULL, OPTION_YES},
        {},
};

/* Which commands take it? */
static const unsigned takers[] = {
        [OPTION_STATE_DIR] = TAKES_ANY,
        [OPTION_HELP] = TAKES_ANY,
        [OPTION_VERSION] = TAKES_ANY,
        [OPTION_HOST] = OF(COMMAND_SERVE),
        [OPTION_LISTEN] = OF(COMMAND_SERVE),
        [OPTION_MQTT_PORT] = OF(COMMAND_SERVE),
        [OPTION_HTTPS_PORT] = OF(COMMAND_SERVE),
        [OPTION_AMQPS_PORT] = OF(COMMAND_SERVE),
        [OPTION_AMQP_PORT] = OF(COMMAND_SERVE),
        [OPTION_JSON] = OF_DEVICE | OF(COMMAND_FAULT_LIST) | OF(COMMAND_CA_LIST) | OF(COMMAND_USAGE),
        [OPTION_FROM] = OF(COMMAND_MONITOR),
        [OPTION_COUNT] = OF(COMMAND_MONITOR) | OF(COMMAND_FAULT_SET),
        [OPTION_FOR] = OF(COMMAND_MONITOR) | OF(COMMAND_FAULT_SET),
        [OPTION_VERIFY] = OF(COMMAND_MONITOR),
        [OPTION_DEVICE] = OF(COMMAND_FAULT_SET),
        [OPTION_CODE] = OF(COMMAND_FAULT_SET),
        [OPTION_DELAY] = OF(COMMAND_FAULT_SET),
        [OPTION_MATCH] = OF(COMMAND_FAULT_SET),
        [OPTION_OFFSET] = OF(COMMAND_FAULT_SET),
        [OPTION_HUB] = OF(COMMAND_FAULT_SET),
        [OPTION_VIRTUAL_CLOCK] = OF(COMMAND_SERVE),
        [OPTION_LINKED_HUB] = OF(COMMAND_SERVE),
        [OPTION_TIER] = OF(COMMAND_SERVE),
        [OPTION_UNITS] = OF(COMMAND_SERVE),
        [OPTION_C2D_TTL] = OF(COMMAND_SERVE),
        [OPTION_C2D_MAX_DELIVERY] = OF(COMMAND_SERVE),
        [OPTION_SEED] = OF(COMMAND_SERVE),
        [OPTION_REPLACE] = OF(COMMAND_SEED),
        [OPTION_SECRETS] = OF(COMMAND_DUMP),
        [OPTION_ALL] = OF(COMMAND_RESET),
        [OPTION_YES] = OF(COMMAND_RESET),
};

static const char *option_name(int option)
{
        for (size_t i = 0; options[i].name; i++)
                if (options[i].val == option)
                        return options[i].name;
        return "?";
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
        char *end;
        unsigned long long v;

        if (!isdigit((unsigned char)*text))
                return false;
        errno = 0;
        v = strtoull(text, &end, 10);
        if (*end || errno || v > max)
                return false;
        *ret = v;
        return true;
}

/* A name that may stand in a certificate: letters, digits, hyphens and dots. */
static bool is_host_name(const char *text)
{
        size_t size = strlen(text);

        return size > 0 && size <= 253 && isalnum((unsigned char)text[0]) &&
               strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") == size;
}

static bool is_address(const char *text)
{
        struct in6_addr space;

        return inet_pton(AF_INET, text, &space) == 1 || inet_pton(AF_INET6, text, &space) == 1;
}

static int take_from(Arguments *a, const char *value)
{
        if (strcmp(value, "start") == 0)
                a->monitor.from = MONITOR_FROM_START;
        else if (strcmp(value, "end") == 0)
                a->monitor.from = MONITOR_FROM_END;
        else if (parse_number(value, INT64_MAX, &a->monitor.sequence))
                a->monitor.from = MONITOR_FROM_SEQUENCE;
        else
                return usage_complain("--from takes start, end or a sequence number, not '%s'", value);
        return 0;
}

static int take_port(Option option, const char *value, uint16_t *ret)
{
        uint64_t number;

        if (!parse_number(value, UINT16_MAX, &number))
                return usage_complain("--%s takes a port number, not '%s'", option_name(option), value);
        *ret = (uint16_t)number;
        return 0;
}

static int take_offset(Arguments *a, const char *value)
{
        usec_t size;

        if ((*value != '+' && *value != '-') || quantity_parse_time(value + 1, &size) < 0 || size > INT64_MAX)
                return usage_complain("--offset takes a time such as +1h or -10min, not '%s'", value);
        a->offset_usec = *value == '-' ? -(int64_t)size : (int64_t)size;
        return 0;
}

static int take_linked_hub(Arguments *a, const char *value)
{
        LinkedHubs *hubs = &a->serve.linked_hubs;
        const char *equals = strchr(value, '=');
        LinkedHub *hub = &hubs->all[hubs->n];

        if (hubs->n == LINKED_HUBS_MAX)
                return usage_complain("there are more than %d of --linked-hub", LINKED_HUBS_MAX);
        if (!equals || !equals[1] || (size_t)(equals - value) >= sizeof(hub->host))
                return usage_complain("--linked-hub takes HOST=DIR, not '%s'", value);
        memcpy(hub->host, value, (size_t)(equals - value));
        hub->host[equals - value] = 0;
        if (!is_host_name(hub->host))
                return usage_complain("--linked-hub takes a host name before =, not '%s'", hub->host);
        hub->directory = equals + 1;
        hubs->n++;
        return 0;
}

static int take_option(Arguments *a, Option option, const char *value)
{
        uint64_t number;

        switch (option) {
        case OPTION_STATE_DIR:
                a->state_dir = value;
                return 0;
        case OPTION_HELP:
        case OPTION_VERSION:
                return 0;
        case OPTION_HOST:
                if (!is_host_name(value))
                        return usage_complain("--host takes a host name, not '%s'", value);
                a->serve.host = value;
                return 0;
        case OPTION_LISTEN:
                if (!is_address(value))
                        return usage_complain("--listen takes a numeric address such as 127.0.0.1 or ::1, not '%s'", value);
                a->serve.listen = value;
                return 0;
        case OPTION_MQTT_PORT:
                return take_port(option, value, &a->serve.mqtt_port);
        case OPTION_HTTPS_PORT:
                return take_port(option, value, &a->serve.https_port);
        case OPTION_AMQPS_PORT:
                return take_port(option, value, &a->serve.amqps_port);
        case OPTION_AMQP_PORT:
                return take_port(option, value, &a->serve.amqp_port);
        case OPTION_LINKED_HUB:
                return take_linked_hub(a, value);
        case OPTION_TIER:
                return serve_words_take_tier(&a->serve, value);
        case OPTION_C2D_TTL:
                return serve_words_take_c2d_ttl(&a->serve, value);
        case OPTION_C2D_MAX_DELIVERY:
                if (!parse_number(value, MAIL_DELIVERIES_MOST, &number) || number == 0)
                        return usage_complain("--c2d-max-delivery takes a number from 1 to 100, not '%s'", value);
                a->serve.mail.deliveries_max = (unsigned)number;
                return 0;
        case OPTION_UNITS:
                if (!parse_number(value, UINT16_MAX, &number) || number == 0)
                        return usage_complain("--units takes a number above 0, not '%s'", value);
                a->serve.units = (unsigned)number;
                return 0;
        case OPTION_JSON:
                a->json = true;
                return 0;
        case OPTION_FROM:
                return take_from(a, value);
        case OPTION_COUNT:
                if (!parse_number(value, INT64_MAX, &number) || number == 0)
                        return usage_complain("--count takes a number above 0, not '%s'", value);
                a->count = a->monitor.count = number;
                return 0;
        case OPTION_FOR:
                if (quantity_parse_time(value, &a->for_usec) < 0)
                        return usage_complain("--for takes a time such as 30s or 5min, not '%s'", value);
                a->monitor.for_usec = a->for_usec;
                return 0;
        case OPTION_VERIFY:
                a->monitor.verify = true;
                return 0;
        case OPTION_DEVICE:
                a->device_id = value;
                return 0;
        case OPTION_CODE:
                if (!parse_number(value, 5, &number))
                        return usage_complain("--code takes a CONNACK code from 1 to 5, or 0 for none, not '%s'", value);
                a->code = (int)number;
                return 0;
        case OPTION_DELAY:
                if (quantity_parse_time(value, &a->delay_usec) < 0)
                        return usage_complain("--delay takes a time such as 1s or 200ms, not '%s'", value);
                return 0;
        case OPTION_MATCH:
                a->match = value;
                return 0;
        case OPTION_OFFSET:
                return take_offset(a, value);
        case OPTION_HUB:
                if (!is_host_name(value))
                        return usage_complain("--hub takes a host name, not '%s'", value);
                a->hub = value;
                return 0;
        case OPTION_VIRTUAL_CLOCK:
                a->serve.virtual_clock = true;
                return 0;
        case OPTION_SEED:
                a->serve.seed = value;
                return 0;
        case OPTION_REPLACE:
                a->replace = true;
                return 0;
        case OPTION_SECRETS:
                a->with_secrets = true;
                return 0;
        case OPTION_ALL:
                a->all = true;
                return 0;
        case OPTION_YES:
                a->sure = true;
                return 0;
        }
        return usage_complain("unknown option");
}

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
static int check_options(const Arguments *a, unsigned seen)
{
        for (int option = 1; option < (int)ARRAY_SIZE(takers); option++)
                if (seen & 1u << option && !(takers[option] & OF(a->command)))
                        return usage_complain("--%s does not belong to this command", option_name(option));
        return 0;
}

/* ---- what only the whole line tells ---- */

static unsigned fault_traits_of(unsigned seen)
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
                traits |= seen & 1u << pairs[i].option ? pairs[i].trait : 0;
        return traits;
}

static int check_advance(Arguments *a)
{
        if (quantity_parse_time(a->operand, &a->advance_usec) < 0)
                return usage_complain("clock advance takes a time such as 10min, not '%s'", a->operand);
        return a->advance_usec > SERVER_CLOCK_STEP_MAX ? usage_complain("the clock moves ten years at a time at most") : 0;
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
                                             : usage_complain("'%s' cannot be the name of an authority: 1 to 64 letters,"
                                                              " digits, hyphens, dots and underscores", name);
}

static int check_whole(Arguments *a, unsigned seen)
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
                               ? usage_complain("clock advance takes a time such as 10min, not '%s': a clock only goes forward", *p)
                               : usage_complain("'%s' reads like an option: before an id that begins so put --", *p);
        }
        return usage_complain("unknown option '-%c'", optopt);
}

static int odd_option(char *const argv[])
{
        const char *word = argv[optind - 1];
        Nearest nearest;

        if (optopt > 0 && optopt < ' ') /* no letter, so one of ours */
                return usage_complain("--%s takes no value", option_name(optopt));
        if (isdigit(optopt))
                return odd_number(argv);
        if (optopt != 0)
                return usage_complain("unknown option '-%c'", optopt);
        nearest = nearest_begin(word + 2);
        for (size_t i = 0; options[i].name; i++)
                nearest_offer(&nearest, options[i].name);
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
        unsigned seen = 0;
        int c, r;

        optind = 0;
        opterr = 0;
        while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
                if (c == ':')
                        return usage_complain("%s needs a value", argv[optind - 1]);
                if (c == '?')
                        return odd_option(argv);
                seen |= 1u << c;
                r = take_option(&a, (Option)c, optarg);
                if (r < 0)
                        return r;
        }
        if (seen & (1u << OPTION_HELP | 1u << OPTION_VERSION)) {
                a.command = seen & 1u << OPTION_HELP ? COMMAND_HELP : COMMAND_VERSION;
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
        if (a.monitor.verify && !(seen & 1u << OPTION_FROM))
                a.monitor.from = MONITOR_FROM_START;
        *ret = a;
        return 0;
}
