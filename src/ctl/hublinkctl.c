/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublinkctl: the operator's hand on this gateway.
 *
 * Global options may stand before and behind the command; what remains is the command's own.
 */

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "ctl/ctl.h"

static const Command commands[] = {
        {"status", "", "link, queue, sensors and ledger; first of all what is wrong",
         command_status},
        {"watch", "[--for D] [--count N]", "readings and confirmations as they come", command_watch},
        {"sensors", "[scan [--probe BUS [--yes]] [--sysfs DIR]]",
         "the sensors with their latest values; scan: what this machine has that could be one, as\n"
         "      settings ready to use; asks the addresses of an I2C bus only with --probe, which may do harm",
         command_sensors},
        {"submit", "SENSOR CHANNEL=VALUE... [--time T] [--stream S] [--wait] [--timeout D]",
         "hand in a reading; answers once it is on disk, with --wait once the hub has it",
         command_submit},
        {"submit-message",
         "FILE|- [--stream S] [--content-type T] [--property K=V]... [--wait] [--timeout D]",
         "hand in a message that goes up as it is", command_submit_message},
        {"flush", "[--timeout D]", "send what waits now, and wait for the hub to have it",
         command_flush},
        {"reconnect", "", "try to connect now", command_reconnect},
        {"methods", "[--watch [--for D]]", "direct methods, and who answers to them", command_methods},
        {"call", "NAME [JSON|-] [--timeout D]", "call a method as the hub would, with the link down too", command_call},
        {"audit", "[--watch [--for D]]", "what was ordered, by whom, and what came of it", command_audit},
        {"dead-letters", "list | show ID | export|requeue|delete ID...|--all [--output FILE]",
         "what the hub can never take", command_dead_letters},
        {"inbox", "list [--watch [--for D]] | take [ID] [--output FILE] | complete ID | reject ID [REASON]",
         "messages from the cloud; take writes one out and completes it", command_inbox},
        {"twin", "[get [SECTION]] [--watch [--for D]] | report SECTION JSON|-",
         "the device twin: how it stands, what is desired and reported; report a section", command_twin},
        {"queue",
         "stats | inspect [DIR] | verify [DIR] [--quiet] | export [DIR] [--all] [--stream S]\n"
         "        [--from N] [--to N] [--output FILE] [--quiet]",
         "what the queue costs the disk; with the daemon stopped: what lies there, is it whole,\n"
         "      its records as JSON lines",
         command_queue},
        {"rules", "test FILE|- [--quiet]",
         "recorded readings through the rules of the settings: what would be sent of them, in how many\n"
         "      messages and billed units; works with the daemon stopped",
         command_rules},
        {"setup",
         "[--connection-string-file FILE|-] | --dps-id-scope S --dps-registration-id R\n"
         "        --dps-key-file FILE|- | --dps-group-key-file FILE|- | --enable|--disable i2c|serial|users |\n"
         "        --back | --forget; each with [--no-start] [--timeout D] [--yes] [--root DIR]",
         "asks for the credential, or takes it from a file, stores it, starts hublinkd and tells\n"
         "      what the hub says; opens kinds of devices to hublinkd's unit; for root",
         command_setup},
        {"doctor", "[--offline] [--strict] [--root DIR] [--state-dir DIR]",
         "looks over this machine: settings, clock, unit, bus, credential, certificates, way to the hub,\n"
         "      disk, sensors, metrics, and the daemon's own words; says what is wrong, why it matters and\n"
         "      what to do",
         command_doctor},
        {"check", "", "check the settings; works with the daemon stopped", command_check},
};

static void print_command(const Command *c)
{
        printf("%s%s%s\n      %s\n", c->name, *c->arguments ? " " : "", c->arguments, c->help);
}

static void print_globals(void)
{
        puts("\n  --bus      where hublinkd is: the system's bus (the default), the session's, or a D-Bus "
             "address\n"
             "  --config   other settings: for check, doctor and rules, for queue to find its directory, for\n"
             "             sensors scan its chips\n"
             "  --json     one JSON object, or with watch and --watch one a line\n"
             "  --help, --version\n\n"
             "VALUE is a number, true, false, or else text; what looks like a number and is none (nan, 0x10,\n"
             "1e400, nothing) is refused. In double quotes it is text: serial='\"0042\"'.\n"
             "D is a time: 500ms, 10s, 5min. T is 2026-01-31T12:00:00Z or seconds since 1970.\n"
             "Exit: 0; 1 failed; 2 usage; 3 the daemon cannot be reached; 4 time-out.");
}

/* Of one command, or NULL: of all. */
static void help(const Command *command)
{
        if (command) {
                fputs("usage: hublinkctl ", stdout);
                print_command(command);
                print_globals();
                return;
        }
        puts("usage: hublinkctl [--bus system|session|ADDRESS] [--config FILE] [--json] COMMAND ...;\n"
             "more of one: hublinkctl COMMAND --help, hublinkctl(1)\n");
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                fputs("  ", stdout);
                print_command(&commands[i]);
        }
        print_globals();
}

static const Command *find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

int usage(const char *command, const char *fmt, ...)
{
        const Command *c = find(command);
        va_list ap;

        va_start(ap, fmt);
        (void)vfprintf(stderr, fmt, ap);
        va_end(ap);
        if (c)
                fprintf(stderr, "\nusage: hublinkctl %s%s%s\n", c->name, *c->arguments ? " " : "",
                        c->arguments);
        else
                fprintf(stderr, "\nSee hublinkctl --help.\n");
        return CTL_USAGE;
}

int no_arguments(int argc, char **argv)
{
        return argc > 1 ? usage(argv[0], "%s: there is no argument or option '%s'.", argv[0], argv[1])
                        : CTL_OK;
}

int parse_words(const char *command, const char *what, int argc, char **argv, int most)
{
        static const struct option none[] = {{}};

        if (getopt_long(argc, argv, "", none, NULL) >= 0) /* which has named it */
                return usage(command, "%s: this is not understood.", what);
        return argc - optind > most ? usage(command, "%s: '%s' is one too many.", what, argv[optind + most]) : CTL_OK;
}

int run_group(const Command *rows, size_t n_rows, const Options *options, int argc, char **argv)
{
        for (size_t i = 0; argc > 1 && i < n_rows; i++)
                if (strcmp(rows[i].name, argv[1]) == 0) {
                        argv[1] = argv[0];
                        return rows[i].run(options, argc - 1, argv + 1);
                }
        return argc > 1 ? usage(argv[0], "%s: there is no '%s'.", argv[0], argv[1])
                        : usage(argv[0], "%s: what of it?", argv[0]);
}

int parse_span(const char *command, const char *text, usec_t *ret)
{
        return quantity_parse_time(text, ret) < 0
                               ? usage(command, "%s: '%s' is not a time (500ms, 10s, 5min, 1h).", command,
                                       text)
                               : CTL_OK;
}

/* A global option with a value, as "--name value" or "--name=value"; its arguments used up, 0: it is
 * another. */
static int take_value(const char *name, int argc, char **argv, const char **ret)
{
        size_t n = strlen(name);

        if (strncmp(argv[0], name, n) != 0)
                return 0;
        if (argv[0][n] == '=') {
                *ret = argv[0] + n + 1;
                return 1;
        }
        if (argv[0][n] != 0)
                return 0;
        if (argc < 2)
                return usage("", "%s needs a value.", name) * -1;
        *ret = argv[1];
        return 2;
}

/* Takes the global options out of argv. Below 0: the negated exit code. */
static int take_globals(int *argc, char **argv, Options *o, bool *ret_help, bool *ret_version)
{
        int left = 1;

        for (int i = 1; i < *argc;) {
                int n;

                if (strcmp(argv[i], "--") == 0) {
                        while (i < *argc)
                                argv[left++] = argv[i++];
                        break;
                }
                n = take_value("--bus", *argc - i, argv + i, &o->bus);
                if (n == 0)
                        n = take_value("--config", *argc - i, argv + i, &o->config);
                if (n < 0)
                        return n;
                if (n == 0) {
                        n = 1;
                        if (strcmp(argv[i], "--json") == 0)
                                o->json = true;
                        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                                *ret_help = true;
                        else if (strcmp(argv[i], "--version") == 0)
                                *ret_version = true;
                        else
                                argv[left++] = argv[i];
                }
                i += n;
        }
        argv[left] = NULL;
        *argc = left;
        return 0;
}

static int run(int argc, char **argv)
{
        Options options = {.bus = "system"};
        bool want_help = false, want_version = false;
        const Command *command;
        int r = take_globals(&argc, argv, &options, &want_help, &want_version);

        if (r < 0)
                return -r;
        if (want_version) {
                puts("hublinkctl " HUBLINK_VERSION);
                return CTL_OK;
        }
        if (argc < 2 && !want_help)
                return usage("", "Which command?");
        command = argc < 2 ? NULL : find(argv[1]);
        if (argc > 1 && !command)
                return usage("", "There is no command '%s'.", argv[1]);
        if (want_help) {
                help(command);
                return CTL_OK;
        }
        return command->run(&options, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
        int r = run(argc, argv);

        if (fflush(stdout) != 0 || ferror(stdout)) {
                fprintf(stderr, "hublinkctl: not all of its output could be written.\n");
                r = r == CTL_OK ? CTL_FAILED : r;
        }
        return r;
}
