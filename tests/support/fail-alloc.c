/* SPDX-License-Identifier: Apache-2.0 */
#include "fail-alloc.h"

static struct {
        bool armed;
        uint64_t n, count, calls, struck;
        unsigned exempt;
} the_memory;

void fail_alloc(uint64_t n, uint64_t count)
{
        the_memory.armed = true;
        the_memory.n = n;
        the_memory.count = count;
        the_memory.calls = the_memory.struck = 0;
}

bool fail_alloc_stop(void)
{
        the_memory.armed = false;
        return the_memory.struck > 0;
}

void fail_alloc_exempt(void)
{
        the_memory.exempt++;
}

void fail_alloc_resume(void)
{
        the_memory.exempt--;
}

bool fail_alloc_strikes(void)
{
        if (!the_memory.armed || the_memory.exempt > 0)
                return false;
        if (++the_memory.calls < the_memory.n || the_memory.struck == the_memory.count)
                return false;
        the_memory.struck++;
        return true;
}
