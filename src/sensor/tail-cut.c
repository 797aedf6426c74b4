/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tail-cut.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "sensor/tail-file.h"

#define CHUNK       4096u
#define COMPARE_MAX ((uint64_t)1024 * 1024) /* bytes; what is alike for so long is taken for alike */

/* Up to so many bytes; fewer at the end. */
static size_t read_at(int fd, char *data, size_t n, uint64_t offset)
{
        ssize_t r = pread(fd, data, n, (off_t)offset);

        return r < 0 ? 0 : (size_t)r;
}

/* Has the file, from the offset on, what the copy has there? */
static bool goes_on_alike(int fd, int copy, uint64_t offset)
{
        char mine[CHUNK], its[CHUNK];

        for (uint64_t at = offset; at < offset + COMPARE_MAX;) {
                size_t n = read_at(copy, its, sizeof(its), at);

                if (n == 0)
                        return true;
                if (read_at(fd, mine, n, at) != n || memcmp(mine, its, n) != 0)
                        return false;
                at += n;
        }
        return true;
}

/* Are the lines up to there all like the first, as far as a chunk reaches? */
static bool lines_are_alike(int fd, uint64_t end)
{
        char first[CHUNK], last[CHUNK];
        size_t n = (size_t)MIN(end, (uint64_t)CHUNK), length;
        const char *newline;

        if (read_at(fd, first, n, 0) != n || read_at(fd, last, n, end - n) != n)
                return false;
        newline = memchr(first, '\n', n);
        if (!newline)
                return false;
        length = (size_t)(newline - first) + 1;
        for (size_t i = 0; i < n; i++)
                if (last[i] != first[(end - n + i) % length])
                        return false;
        return true;
}

TailCut tail_cut_judge(int fd, int copy, uint64_t offset)
{
        struct stat mine, its;

        if (fstat(fd, &mine) < 0 || fstat(copy, &its) < 0)
                return TAIL_CUT_NOT;
        if (mine.st_size < its.st_size || !goes_on_alike(fd, copy, offset))
                return TAIL_CUT_SURELY;
        /* One line that was read is like itself: all of the copy tells more. */
        return lines_are_alike(copy, (uint64_t)its.st_size) ? TAIL_CUT_PERHAPS : TAIL_CUT_NOT;
}

bool tail_cut_is_unmistakable(int fd, uint64_t offset)
{
        char last[CHUNK];
        size_t n = (size_t)MIN(offset, (uint64_t)CHUNK);

        return offset >= TAIL_MARK && read_at(fd, last, n, offset - n) == n &&
               !memmem(last, n - 1, last + n - TAIL_MARK, TAIL_MARK);
}
