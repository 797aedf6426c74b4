/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[16384];
static FILE *stream;
static int kept = -1, memory = -1;

void said_begin(FILE *of)
{
        stream = of;
        (void)fflush(stream);
        kept = dup(fileno(stream));
        memory = memfd_create("said", MFD_CLOEXEC);
        ck_assert_int_ge(kept, 0);
        ck_assert_int_ge(memory, 0);
        ck_assert_int_ge(dup2(memory, fileno(stream)), 0);
}

const char *said_end(void)
{
        ssize_t n;

        (void)fflush(stream);
        n = pread(memory, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = 0;
        ck_assert_int_ge(dup2(kept, fileno(stream)), 0);
        (void)close(kept);
        (void)close(memory);
        return text;
}
