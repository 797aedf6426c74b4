/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

int output_lost(int error)
{
        __fpurge(stdout);
        clearerr(stdout);
        if (error == EPIPE)
                return EXIT_SUCCESS;
        (void)fprintf(stderr, "hublink-devhub: standard output: %s\n", strerror(error));
        return EXIT_FAILURE;
}

int output_end(int status)
{
        bool is_whole = fflush(stdout) == 0;
        int error = errno;

        if (is_whole && !ferror(stdout))
                return status;
        return output_lost(is_whole ? EIO : error) == EXIT_SUCCESS ? status : EXIT_FAILURE;
}
