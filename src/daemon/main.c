/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublinkd - readings of this machine to Azure IoT Hub, by way of a queue on disk
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/arguments.h"
#include "daemon/lifecycle.h"
#include "daemon/settings-cloud.h"
#include "daemon/settings-outlook.h"
#include "daemon/settings-rights.h"
#include "daemon/settings.h"
#include "flow/state-file.h"

/* Settings, or what is wrong with them on stderr. */
static int load(const Arguments *arguments, Settings **ret)
{
        Problems problems = {};
        int r;

        r = settings_load(ret, arguments->config, arguments->state_dir, &problems);
        for (size_t i = 0; i < problems.n; i++)
                (void)fprintf(stderr, "%s\n", problems.items[i].text);
        if (r < 0)
                (void)fprintf(stderr, "hublinkd: the settings cannot be read: %s\n", strerror(-r));
        problems_done(&problems);
        return r;
}

/* What may not work here; the settings may be for another machine. */
static int print_outlook(const Settings *settings)
{
        Problems warnings = {};
        int r = settings_outlook(settings, &warnings);

        for (size_t i = 0; i < warnings.n; i++)
                (void)fprintf(stderr, "%s\n", warnings.items[i].text);
        problems_done(&warnings);
        return r;
}

/* Root reads them all; the service may not. */
static int check_rights(const Arguments *arguments, const Settings *settings)
{
        Problems problems = {};
        int r = settings_rights(settings, arguments->config, NULL, &problems);

        for (size_t i = 0; i < problems.n; i++)
                (void)fprintf(stderr, "%s\n", problems.items[i].text);
        problems_done(&problems);
        return r;
}

static int check(const Arguments *arguments)
{
        _cleanup_(settings_freep) Settings *settings = NULL;
        int r = load(arguments, &settings);

        if (r == 0)
                r = check_rights(arguments, settings);
        if (r != 0)
                return r < 0 ? EXIT_RUNTIME : EXIT_CONFIG;
        if (print_outlook(settings) < 0)
                return EXIT_RUNTIME;
        (void)puts("OK");
        return EXIT_SUCCESS;
}

/* What the cloud desires counts over the files, as long as it fits them; and what methods set over that. */
static int lay_overlay_over(Settings **settings, const char *state_dir)
{
        Problems problems = {};
        Overlay overlay = {};
        int r = overlay_load(state_dir, &overlay);

        if (overlay.unread && overlay.error != -EACCES) /* which is not for who asks */
                (void)fprintf(stderr, "%s/%s cannot be read (%s): the settings are those of the files.\n", state_dir,
                              overlay.unread, state_file_why(overlay.error));
        if (r >= 0)
                r = settings_cloud_take(settings, state_dir, &overlay, &problems);
        for (size_t i = 0; i < problems.n; i++)
                (void)fprintf(stderr, "%s (desired by the cloud, not in effect)\n", problems.items[i].text);
        problems_done(&problems);
        overlay_done(&overlay);
        return r;
}

static int print_config(const Arguments *arguments)
{
        _cleanup_(settings_freep) Settings *settings = NULL;
        Buffer b = BUFFER_NULL;
        int r = load(arguments, &settings);

        if (r != 0)
                return r < 0 ? EXIT_RUNTIME : EXIT_CONFIG;
        if (lay_overlay_over(&settings, arguments->state_dir) < 0)
                return EXIT_RUNTIME;
        settings_print(settings, true, &b);
        r = buffer_error(&b);
        if (r >= 0)
                (void)fputs(b.data, stdout);
        buffer_done(&b);
        return r < 0 || fflush(stdout) != 0 ? EXIT_RUNTIME : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
        Arguments arguments;

        if (!arguments_parse(argc, argv, &arguments))
                return EXIT_USAGE;
        switch (arguments.verb) {
        case VERB_HELP:
                arguments_help();
                return EXIT_SUCCESS;
        case VERB_VERSION:
                (void)puts("hublinkd " HUBLINK_VERSION);
                return EXIT_SUCCESS;
        case VERB_CHECK:
                return check(&arguments);
        case VERB_PRINT_CONFIG:
                return print_config(&arguments);
        case VERB_RUN:
                return lifecycle_run(&arguments);
        }
        return EXIT_USAGE;
}
