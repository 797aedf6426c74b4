/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Settings manual - prints hublink.conf(5) while hublink is built: the frame, and in it what the table says
 *
 *   settings-manual FRAME > hublink.conf.5
 *
 * The table takes the place of the frame's line  .\" SETTINGS . A setting without a meaning ends the build.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/settings-manual.h"

#define MARK ".\\\" SETTINGS\n"

static int print_settings(void)
{
        _cleanup_(buffer_done) Buffer page = BUFFER_NULL, mute = BUFFER_NULL;
        int r = settings_manual(settings_table, &page, &mute);

        if (r < 0)
                return r;
        if (mute.size > 0) {
                (void)fprintf(stderr, "The manual cannot be made: the rows of these settings have no .meaning\n%.*s",
                              (int)mute.size, mute.data);
                return -EINVAL;
        }
        return fwrite(page.data, 1, page.size, stdout) == page.size ? 0 : -EIO;
}

static int print_page(FILE *frame)
{
        unsigned marks = 0;
        char line[1024];

        while (fgets(line, sizeof(line), frame)) {
                int r = 0;

                if (strcmp(line, MARK) == 0) {
                        marks++;
                        r = print_settings();
                } else if (fputs(line, stdout) == EOF) {
                        r = -EIO;
                }
                if (r < 0)
                        return r;
        }
        return marks == 1 ? 0 : -ENOENT;
}

int main(int argc, char **argv)
{
        FILE *frame = argc == 2 ? fopen(argv[1], "re") : NULL;
        int r;

        if (!frame) {
                (void)fprintf(stderr, "usage: settings-manual FRAME\n");
                return 2;
        }
        r = print_page(frame);
        (void)fclose(frame);
        if (fflush(stdout) == EOF && r == 0)
                r = -EIO;
        if (r == -ENOENT)
                (void)fprintf(stderr, "%s: one line  " MARK "says where the settings go\n", argv[1]);
        else if (r < 0 && r != -EINVAL)
                (void)fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
