/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sensors scan: what this machine has that could be read, as settings.
 *
 * The daemon is not asked: its own drivers look, here, so that what is proposed is what they will read. A bus is probed
 * only by somebody who was told what that can do, and wants it.
 */

#include "ctl/scan.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "daemon/settings-chip.h"

typedef struct Scan {
        char bus[128]; /* to be probed; "": none */
        const char *sysfs;
        bool sure; /* --yes */
        Survey *survey;
        NamedChip *chips;
        size_t n_chips;
} Scan;

/* ---- before a bus is probed ---- */

static void print_danger(const Scan *scan)
{
        fprintf(stderr,
                "Probing %s may do harm: a chip may take it for a command, a memory may lose data, the bus may hang, and\n"
                "on the board of a PC the machine may stop. Leave a bus alone that you do not know, and stop hublinkd while it\n"
                "has sensors there.\n\n"
                "Addresses 0x08 to 0x77 are asked by a write of no bytes, but 0x30 to 0x37 and 0x50 to 0x5f, where memories\n"
                "are, by a read of one byte. Where somebody answers, the register is read that tells which chip it is, for\n"
                "chips that may have that address; its number is written first. What drivers of the kernel have is "
                "left alone.\n",
                scan->bus);
}

/* CTL_OK: it is meant. */
static int confirm(const Scan *scan)
{
        char answer[16];

        if (scan->sure)
                return CTL_OK;
        print_danger(scan);
        if (!isatty(STDIN_FILENO)) {
                fprintf(stderr, "\nNothing was probed: --yes says that it is meant.\n");
                return CTL_USAGE;
        }
        fprintf(stderr, "\nGo on? [y/N] ");
        (void)fflush(stderr);
        if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
                return CTL_OK;
        fprintf(stderr, "Nothing was probed.\n");
        return CTL_FAILED;
}

/* ---- the bus ---- */

/* What is wrong in a description is told; the others are known nevertheless. */
static int load_chips(Scan *scan, const Options *options)
{
        Problems problems = {};
        int r = settings_chips_list(options->config ?: SETTINGS_FILE, &scan->chips, &scan->n_chips, &problems);

        for (size_t i = 0; i < problems.n; i++)
                fprintf(stderr, "%s\n", problems.items[i].text);
        problems_done(&problems);
        return r;
}

static int probe(Scan *scan)
{
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL;
        int r = survey_probe(scan->survey, &i2c_port_kernel, scan->bus, scan->chips, scan->n_chips);

        if (r == 0)
                return CTL_OK;
        scan_put_error(&words, scan->bus, -r);
        fprintf(stderr, "sensors scan: %s\n", words.data ?: "out of memory");
        return CTL_FAILED;
}

/* ---- the command ---- */

/* "1", "i2c-1", "/dev/i2c-1" */
static int take_bus(Scan *scan, const char *text)
{
        const char *number = strncmp(text, "i2c-", 4) == 0 ? text + 4 : text;
        size_t digits = strspn(number, "0123456789");

        if (*text == '/' && strlen(text) < sizeof(scan->bus))
                (void)snprintf(scan->bus, sizeof(scan->bus), "%s", text);
        else if (digits > 0 && digits < 6 && !number[digits])
                (void)snprintf(scan->bus, sizeof(scan->bus), "/dev/i2c-%s", number);
        else
                return usage("sensors", "sensors scan: '%s' is not a bus: its number, or /dev/i2c-1.", text);
        return CTL_OK;
}

static int parse(Scan *scan, int argc, char **argv)
{
        static const struct option longs[] = {{"probe", required_argument, NULL, 'p'},
                                              {"sysfs", required_argument, NULL, 's'},
                                              {"yes", no_argument, NULL, 'y'},
                                              {}};
        int o, r = CTL_OK;

        while (r == CTL_OK && (o = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                switch (o) {
                case 'p':
                        r = take_bus(scan, optarg);
                        break;
                case 's':
                        scan->sysfs = optarg;
                        break;
                case 'y':
                        scan->sure = true;
                        break;
                default:
                        r = usage("sensors", "sensors scan: this is not understood.");
                }
        if (r == CTL_OK && optind < argc)
                r = usage("sensors", "sensors scan: there is no argument '%s'.", argv[optind]);
        if (r == CTL_OK && scan->sysfs && *scan->bus)
                r = usage("sensors", "sensors scan: a tree of files has no bus to be probed.");
        return r;
}

static int print(const Scan *scan, bool json)
{
        Buffer b = BUFFER_NULL;

        if (json)
                scan_put_json(&b, scan->survey);
        else
                scan_put_settings(&b, scan->survey);
        return print_buffer(&b);
}

static int fail(int error)
{
        fprintf(stderr, "sensors scan: %s\n", strerror(-error));
        return CTL_FAILED;
}

static int run(Scan *scan, const Options *options)
{
        bool probes = *scan->bus;
        int r = probes ? confirm(scan) : CTL_OK;

        if (r != CTL_OK)
                return r;
        r = survey_new(&scan->survey, scan->sysfs, scan->sysfs ? NULL : &i2c_port_kernel);
        if (r == 0 && probes)
                r = load_chips(scan, options);
        if (r < 0)
                return fail(r);
        r = probes ? probe(scan) : CTL_OK;
        if (r != CTL_OK)
                return r;
        r = survey_name(scan->survey);
        return r < 0 ? fail(r) : print(scan, options->json);
}

int command_scan(const Options *options, int argc, char **argv)
{
        Scan scan = {};
        int r = parse(&scan, argc, argv);

        if (r != CTL_OK)
                return r;
        log_configure(&(LogSettings){.level = LOG_EMERG}); /* what would be logged, we tell in our own words */
        r = run(&scan, options);
        survey_free(scan.survey);
        settings_chips_list_free(scan.chips, scan.n_chips);
        return r;
}
