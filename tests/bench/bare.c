/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bare - what the disk gives: write so many samples, fdatasync, again
 *
 * Into files that are written once before the clock starts and then over and over, as any good log does. No numbers,
 * no checksums, nothing that could ever be read back.
 *
 * usage: bare DIRECTORY SAMPLES-A-COMMIT SAMPLES
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample.h"
#include "usage.h"

#define FILE_SIZE (16 << 20)

static int make_file(const char *directory)
{
        _cleanup_free_ char *zeros = calloc(1, FILE_SIZE);
        char path[512];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/bare", directory);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (!zeros || fd < 0 || pwrite(fd, zeros, FILE_SIZE, 0) != FILE_SIZE || fsync(fd) < 0)
                return -1;
        return fd;
}

int main(int argc, char **argv)
{
        uint64_t per_commit, samples, n = 0;
        _cleanup_free_ char *buffer = NULL;
        size_t size, at = 0;
        Usage start;
        int fd;

        if (argc != 4)
                return 2;
        per_commit = strtoull(argv[2], NULL, 10);
        samples = strtoull(argv[3], NULL, 10);
        size = per_commit * SAMPLE_SIZE;
        buffer = malloc(size);
        fd = make_file(argv[1]);
        if (!buffer || fd < 0) {
                perror("bare");
                return 1;
        }
        start = usage_now();
        for (; n < samples; n += per_commit) {
                for (uint64_t i = 0; i < per_commit; i++)
                        sample_write(buffer + i * SAMPLE_SIZE, n + i);
                if (at + size > FILE_SIZE)
                        at = 0;
                if (pwrite(fd, buffer, size, (off_t)at) != (ssize_t)size || fdatasync(fd) < 0) {
                        perror("bare");
                        return 1;
                }
                at += size;
        }
        usage_print("bare", &start, n, n / per_commit);
        (void)close(fd);
        return 0;
}
