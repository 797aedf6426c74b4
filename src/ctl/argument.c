/* SPDX-License-Identifier: Apache-2.0 */

/* An argument that is a text, or - for standard input. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ctl/ctl.h"

int read_argument(const char *argument, size_t most, Buffer *b)
{
        int r;

        if (strcmp(argument, "-") != 0) {
                buffer_append_string(b, argument);
                return buffer_error(b) < 0 ? CTL_FAILED : CTL_OK;
        }
        r = file_read(b, STDIN_FILENO, most);
        if (r < 0)
                fprintf(stderr, "standard input: %s.\n", r == -EBADMSG ? "it holds a NUL" : strerror(-r));
        else
                buffer_append(b, "", 0);
        return r < 0 ? CTL_FAILED : CTL_OK;
}
