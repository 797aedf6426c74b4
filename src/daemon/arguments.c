/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/settings.h"

enum {
        OPTION_CONFIG = 256,
        OPTION_STATE_DIR,
        OPTION_BUS,
        OPTION_CHECK,
        OPTION_PRINT_CONFIG,
        OPTION_VERSION,
};

static const struct option options[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
        {"bus", required_argument, NULL, OPTION_BUS},
        {"check", no_argument, NULL, OPTION_CHECK},
        {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, 'h'},
        {},
};

void arguments_help(void)
{
        (void)printf("hublinkd - readings of this machine to Azure IoT Hub, by way of a disk queue\n"
                     "\n"
                     "  --config FILE     settings (default " SETTINGS_FILE "); the files\n"
                     "                    conf.d/*.conf beside it are laid over them, in name order\n"
                     "  --state-dir DIR   where the queue is by default (default " SETTINGS_STATE_DIR ")\n"
                     "  --bus BUS         system (default), session, or the address of a message bus\n"
                     "\n"
                     "  --check           say OK, or all that is wrong with the settings, and end\n"
                     "  --print-config    show the settings in effect, where they stand, and end\n"
                     "  --version         show the version and end\n"
                     "  --help            show this and end\n"
                     "\n"
                     "SIGHUP makes it read its settings again. Exit: 0; 1 could not go on; 2 usage;\n"
                     "78 the settings are wrong.\n");
}

static bool usage(const char *fmt, const char *what)
{
        (void)fputs("hublinkd: ", stderr);
        (void)fprintf(stderr, fmt, what);
        (void)fputs("; try --help\n", stderr);
        return false;
}

/* "DIR/" and "DIR" are one place; paths below it are shown. */
static void cut_slashes(char *path)
{
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')
                path[--n] = 0;
}

bool arguments_parse(int argc, char *argv[], Arguments *ret)
{
        Arguments a = {.config = SETTINGS_FILE, .state_dir = SETTINGS_STATE_DIR, .bus = "system"};
        int c;

        opterr = 0;
        optind = 1;
        while ((c = getopt_long(argc, argv, ":h", options, NULL)) >= 0)
                switch (c) {
                case OPTION_CONFIG:
                        a.config = optarg;
                        break;
                case OPTION_STATE_DIR:
                        if (optarg[0] != '/')
                                return usage("--state-dir takes a path that begins with /, not '%s'",
                                             optarg);
                        cut_slashes(optarg);
                        a.state_dir = optarg;
                        break;
                case OPTION_BUS:
                        if (strcmp(optarg, "system") != 0 && strcmp(optarg, "session") != 0 &&
                            !strchr(optarg, ':'))
                                return usage("--bus takes system, session or an address, not '%s'", optarg);
                        a.bus = optarg;
                        break;
                case OPTION_CHECK:
                        a.verb = VERB_CHECK;
                        break;
                case OPTION_PRINT_CONFIG:
                        a.verb = VERB_PRINT_CONFIG;
                        break;
                case OPTION_VERSION:
                        a.verb = VERB_VERSION;
                        break;
                case 'h':
                        a.verb = VERB_HELP;
                        break;
                case ':':
                        return usage("%s needs a value", argv[optind - 1]);
                default:
                        return usage("unknown option '%s'", argv[optind - 1]);
                }
        if (optind < argc)
                return usage("unknown argument '%s'", argv[optind]);
        if (!*a.config)
                return usage("%s needs a value", "--config");
        *ret = a;
        return true;
}
