/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int usage_complain(const char *fmt, ...)
{
        va_list ap;

        (void)fputs("hublink-devhub: ", stderr);
        va_start(ap, fmt);
        (void)vfprintf(stderr, fmt, ap);
        va_end(ap);
        (void)fputs("; try --help\n", stderr);
        return -EINVAL;
}
