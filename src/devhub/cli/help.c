/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Help - all that the command line takes on one page, or what one command does
 */

#include <stdio.h>
#include <string.h>

#include "devhub/cli/arguments.h"

#define INDENT "usage:" /* stands over the blanks of the first line */

static const struct {
        const char *command; /* its first word */
        const char *usage, *text;
} parts[] = {
        {"serve",
         "       hublink-devhub [serve] [--host NAME] [--listen ADDR] [--mqtt-port N] [--https-port N]\n"
         "                              [--amqps-port N] [--amqp-port N] [--linked-hub HOST=DIR]...\n"
         "                              [--tier F1|S1|S2|S3 [--units N]] [--c2d-ttl D] [--c2d-max-delivery N]\n"
         "                              [--virtual-clock] [--seed FILE]\n",
         "serve\n"
         "  --host NAME       name in certificate, user names and tokens (default: " ARGUMENTS_HOST ")\n"
         "  --listen ADDR     numeric address (default: 127.0.0.1)\n"
         "  --mqtt-port N     default 8883; 0 picks a free one, told in DIR/endpoints.json\n"
         "  --https-port N    default 443; 0 as above\n"
         "  --amqps-port N    default 5671; 0 as above: services, and readers of events\n"
         "  --amqp-port N     default 5672; 0 as above: the same without TLS\n"
         "  --linked-hub H=D  provisioning may assign to the hub H as well, which was served in the directory D;\n"
         "                    repeatable\n"
         "  --tier T          has the throttles and the daily quota of that tier: F1, S1, S2, S3; default: none at all\n"
         "  --units N         so many units of it (default: 1)\n"
         "  --c2d-ttl D       how long a message to a device is kept: 1min to 2d (default: 1h)\n"
         "  --c2d-max-delivery N\n"
         "                    the abandon of this number ends it: 1 to 100 (default: 10)\n"
         "  --virtual-clock   lets clock advance move the hub's clock\n"
         "  --seed FILE       begin with what the document holds, as seed does\n"},
        {"device",
         "       hublink-devhub device create|delete ID\n"
         "       hublink-devhub device list\n",
         "device              ID is a device, or DEVICE/MODULE; works with the hub stopped as well, once it was served\n"
         "  --json            one JSON object (create) or array (list) with keys and connection strings\n"},
        {"monitor",
         "       hublink-devhub monitor [DEVICE] [--from start|end|N] [--count N] [--for D] [--verify]\n",
         "monitor             events as lines of JSON, as they come\n"
         "  --from P          start, end (default), or the sequence number to begin at\n"
         "  --count N         end after N events (--verify: N unique records)\n"
         "  --for D           end after that time: 30s, 5min; 4 if --count was not reached by then\n"
         "  --verify          count hublink's records instead, from the start: received, unique, duplicates, gaps;\n"
         "                    without --count and --for only what is there; a gap is a failure\n"},
        {"fault",
         "       hublink-devhub fault set NAME [--device ID] [--for D] [--count N] [--code N] [--delay D]\n"
         "                              [--match TEXT] [--offset D] [--hub NAME]\n"
         "       hublink-devhub fault list | fault clear [NAME]\n",
         "fault set           until cleared, or --for a time, or --count strikes; --device ID: for that one alone.\n"
         "                    clock-offset and token-cut take no --count; tls-stall, cert-* and clock-offset no --device\n"
         "  refuse-connect    CONNECT gets CONNACK --code N (default 3; 0: none, the connection closes)\n"
         "  cut               links close: now; with --for or --count also new ones, at their first packet;\n"
         "                    without --device connections over AMQP and HTTPS too, as with reset and silent\n"
         "  delay-puback      PUBACKs come --delay D late (default 1s)\n"
         "  withhold-puback   events are stored and not acknowledged\n"
         "  silent            connections are heard and never answered again\n"
         "  poison            links close at an event with --match TEXT in its body, which is not stored\n"
         "  reset, takeover   as cut, by a TCP reset; as if the device had connected anew\n"
         "  tls-stall         TLS handshakes are not answered\n"
         "  cert-wrong-name, cert-expired, cert-new-ca\n"
         "                    the certificate shown is bad in that way; DIR/new-ca/ca.pem is the new authority\n"
         "  clock-offset      the hub's clock is --offset ahead (+1h) or behind (-10min)\n"
         "  token-cut         links end with their token, without ten minutes of grace\n"
         "  throttle          PUBACKs come --delay D late; other requests get 429\n"
         "  quota             links are cut at what they send first; other requests that are billed get 403\n"
         "  duplicate         messages to devices are sent twice\n"
         "  method-no-answer  a device's answer to a direct method is lost: the caller gets 504\n"
         "  twin-conflict     changes of a twin by the service get 412, as if another had been quicker\n"
         "  dps-busy          provisioning is answered with 429 and retry-after --delay D (default 1s)\n"
         "  dps-reassign      provisioning assigns to --hub NAME (default: one that is nowhere), no longer here\n"},
        {"ca",
         "       hublink-devhub ca add NAME FILE | ca list | ca delete NAME\n",
         "ca                  authorities (PEM) whose devices are let in by certificate; --json (list)\n"},
        {"usage",
         "       hublink-devhub usage [--json]\n",
         "usage               with a tier: messages billed today, and what was delayed or refused since the start\n"},
        {"clock",
         "       hublink-devhub clock show | clock advance D\n",
         "clock               what the hub takes for the time; advance D: as if D had passed\n"},
        {"seed",
         "       hublink-devhub seed FILE|- [--replace]\n",
         "seed                devices with modules and twins, enrollments and authorities from a JSON document, - for\n"
         "                    standard input: all of it or nothing; what is there and the same stays untouched\n"
         "  --replace         what is there and different becomes that of the document\n"},
        {"dump",
         "       hublink-devhub dump [FILE] [--secrets]\n",
         "dump                such a document of this hub, on standard output or to FILE, for its owner alone to read\n"
         "  --secrets         with keys\n"},
        {"reset",
         "       hublink-devhub reset [--all] [--yes]\n",
         "reset               forget all but certificates, policy keys and id scope; asks on a terminal; no server may run\n"
         "  --all             forget these as well: the directory is that of no hub then\n"
         "  --yes             do not ask\n"},
};

static const char every_command[] =
        "every command\n"
        "  --state-dir DIR   where the hub keeps itself (default: /var/lib/hublink-devhub)\n"
        "  --help, --version\n";

static const char exits[] = "\nexit: 0; 1 failed; 2 usage; 4 fewer than --count when --for was over\n";

static bool is_wanted(size_t i, const char *command)
{
        return !command || strcmp(parts[i].command, command) == 0;
}

static const char *known(const char *command)
{
        for (size_t i = 0; command && i < ARRAY_SIZE(parts); i++)
                if (strcmp(parts[i].command, command) == 0)
                        return command;
        return NULL;
}

void arguments_print_help(const char *command)
{
        const char *wanted = known(command);
        bool first = true;

        if (!wanted)
                (void)puts("hublink-devhub - an IoT Hub on this machine, for development and tests\n");
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                if (!is_wanted(i, wanted))
                        continue;
                (void)printf("%s%s", first ? INDENT : "", parts[i].usage + (first ? strlen(INDENT) : 0));
                first = false;
        }
        (void)printf("\n%s", every_command);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (is_wanted(i, wanted))
                        (void)fputs(parts[i].text, stdout);
        (void)fputs(exits, stdout);
}
