/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/options.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "devhub/cli/serve-words.h"
#include "devhub/cli/usage.h"

static_assert(_OPTION_MAX - OPTION_STATE_DIR <= 64, "each option has a bit in an OptionSet");

#define TAKES_ANY       (~0u)
#define AT(option)      [(option) - OPTION_STATE_DIR]
#define OF(command)     (1u << (command))
#define OF_DEVICE       (OF(COMMAND_DEVICE_CREATE) | OF(COMMAND_DEVICE_LIST))

const struct option option_words[] = {
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
        AT(OPTION_STATE_DIR) = TAKES_ANY,
        AT(OPTION_HELP) = TAKES_ANY,
        AT(OPTION_VERSION) = TAKES_ANY,
        AT(OPTION_HOST) = OF(COMMAND_SERVE),
        AT(OPTION_LISTEN) = OF(COMMAND_SERVE),
        AT(OPTION_MQTT_PORT) = OF(COMMAND_SERVE),
        AT(OPTION_HTTPS_PORT) = OF(COMMAND_SERVE),
        AT(OPTION_AMQPS_PORT) = OF(COMMAND_SERVE),
        AT(OPTION_AMQP_PORT) = OF(COMMAND_SERVE),
        AT(OPTION_JSON) = OF_DEVICE | OF(COMMAND_FAULT_LIST) | OF(COMMAND_CA_LIST) | OF(COMMAND_USAGE),
        AT(OPTION_FROM) = OF(COMMAND_MONITOR),
        AT(OPTION_COUNT) = OF(COMMAND_MONITOR) | OF(COMMAND_FAULT_SET),
        AT(OPTION_FOR) = OF(COMMAND_MONITOR) | OF(COMMAND_FAULT_SET),
        AT(OPTION_VERIFY) = OF(COMMAND_MONITOR),
        AT(OPTION_DEVICE) = OF(COMMAND_FAULT_SET),
        AT(OPTION_CODE) = OF(COMMAND_FAULT_SET),
        AT(OPTION_DELAY) = OF(COMMAND_FAULT_SET),
        AT(OPTION_MATCH) = OF(COMMAND_FAULT_SET),
        AT(OPTION_OFFSET) = OF(COMMAND_FAULT_SET),
        AT(OPTION_HUB) = OF(COMMAND_FAULT_SET),
        AT(OPTION_VIRTUAL_CLOCK) = OF(COMMAND_SERVE),
        AT(OPTION_LINKED_HUB) = OF(COMMAND_SERVE),
        AT(OPTION_TIER) = OF(COMMAND_SERVE),
        AT(OPTION_UNITS) = OF(COMMAND_SERVE),
        AT(OPTION_C2D_TTL) = OF(COMMAND_SERVE),
        AT(OPTION_C2D_MAX_DELIVERY) = OF(COMMAND_SERVE),
        AT(OPTION_SEED) = OF(COMMAND_SERVE),
        AT(OPTION_REPLACE) = OF(COMMAND_SEED),
        AT(OPTION_SECRETS) = OF(COMMAND_DUMP),
        AT(OPTION_ALL) = OF(COMMAND_RESET),
        AT(OPTION_YES) = OF(COMMAND_RESET),
};

const char *option_name(int option)
{
        for (size_t i = 0; option_words[i].name; i++)
                if (option_words[i].val == option)
                        return option_words[i].name;
        return "?";
}

bool option_belongs_to(Option option, Command command)
{
        return takers[option - OPTION_STATE_DIR] & OF(command);
}

/* ---- values ---- */

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

int option_take(Arguments *a, Option option, const char *value)
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
                        return usage_complain("--listen takes a numeric address such as 127.0.0.1 or ::1, not '%s'",
                                              value);
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
                        return usage_complain("--code takes a CONNACK code from 1 to 5, or 0 for none, not '%s'",
                                              value);
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
        case _OPTION_MAX:
                break;
        }
        return usage_complain("unknown option");
}
