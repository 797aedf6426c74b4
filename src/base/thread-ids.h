/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Thread ids - which threads of this process something waits for, by the kernel's numbers of them
 */

#include <stddef.h>
#include <sys/types.h>

#define THREAD_IDS_MAX 4

typedef struct ThreadIds {
        pid_t ids[THREAD_IDS_MAX];
        size_t n;
} ThreadIds;

/* 0, of one that has not begun yet, is none. */
static inline void thread_ids_add(ThreadIds *t, pid_t id)
{
        if (id > 0 && t->n < THREAD_IDS_MAX)
                t->ids[t->n++] = id;
}
