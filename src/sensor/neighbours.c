/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/neighbours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

void neighbours_done(Neighbours *n)
{
        free(n->keys);
        *n = (Neighbours){};
}

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
        for (const uint8_t *p = data; size > 0; p++, size--)
                hash = (hash ^ *p) * FNV_PRIME;
        return hash;
}

static uint64_t key_of(const Rotated *file)
{
        const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
        uint64_t hash = mix(FNV_START, name, strlen(name));

        hash = mix(hash, &file->inode, sizeof(file->inode));
        return mix(hash, &file->birth, sizeof(file->birth));
}

static int folder_time(const char *path, uint64_t *ret)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *folder = slash ? strndup(path, MAX((size_t)(slash - path), (size_t)1)) : strdup(".");
        struct stat st;

        if (!folder)
                return -ENOMEM;
        if (stat(folder, &st) < 0)
                return -errno;
        *ret = rotated_mtime(&st);
        return 0;
}

int neighbours_list(const Neighbours *known, const char *path, Neighbours *ret)
{
        Rotated *files;
        uint64_t listed = 0;
        size_t n;
        int r = folder_time(path, &listed);

        if (r < 0 || listed == known->listed)
                return r;
        r = rotated_list(path, &files, &n);
        if (r < 0)
                return r;
        *ret = (Neighbours){.keys = malloc(MAX(n, (size_t)1) * sizeof(*ret->keys)), .n = n, .listed = listed};
        for (size_t i = 0; ret->keys && i < n; i++)
                ret->keys[i] = key_of(&files[i]);
        rotated_free(files, n);
        return ret->keys ? 1 : -ENOMEM;
}

void neighbours_renew(Neighbours *n, Neighbours *newer)
{
        neighbours_done(n);
        *n = *newer;
        *newer = (Neighbours){};
}

bool neighbours_have(const Neighbours *n, const Rotated *file)
{
        uint64_t key = key_of(file);

        for (size_t i = 0; i < n->n; i++)
                if (n->keys[i] == key)
                        return true;
        return false;
}
