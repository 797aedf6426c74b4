/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <stdio.h>
#include <string.h>

void sample_write(char text[static SAMPLE_SIZE], uint64_t number)
{
        char head[SAMPLE_SIZE + 1];
        int n = snprintf(head, sizeof(head),
                         "{\"t\":%llu,\"s\":\"bench\",\"temperature\":%.2f,\"pressure\":%.1f,\"number\":%llu,"
                         "\"note\":\"",
                         1763647200123ull + (unsigned long long)number, 20 + (double)(number % 500) / 100,
                         1000 + (double)(number % 300) / 10, (unsigned long long)number);

        memset(text, 'x', SAMPLE_SIZE);
        memcpy(text, head, (size_t)n);
        memcpy(text + SAMPLE_SIZE - 2, "\"}", 2);
}
