/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/seed-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "devhub/hub/hub-clock.h"

#define FILE_MAX ((size_t)64 << 20)

static int read_text(const char *path, bool is_input, Buffer *text, Buffer *error)
{
        _cleanup_close_ int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : file_read(text, fd, FILE_MAX);

        if (r == -EFBIG)
                buffer_printf(error, "%s has more than %zu MiB", path, FILE_MAX >> 20);
        else if (r < 0)
                buffer_printf(error, "%s: %s", path, r == -EBADMSG ? "it holds a NUL, so it is no text" : strerror(-r));
        return r;
}

static int directory_of(const char *path, char **ret)
{
        const char *slash = strrchr(path, '/');

        *ret = slash ? strndup(path, (size_t)MAX(slash - path, (ptrdiff_t)1)) : strdup(".");
        return *ret ? 0 : -ENOMEM;
}

int seed_file_plant(Store *store, const char *path, SeedOrder *order, SeedTally *ret, Buffer *error)
{
        bool is_input = strcmp(path, "-") == 0;
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_free_ char *directory = NULL;
        int r = order->served ? 0 : seed_prepare(store);

        if (r >= 0)
                r = read_text(path, is_input, &text, error);
        if (r >= 0)
                r = directory_of(path, &directory);
        if (r < 0)
                return r;
        order->wall_now = hub_clock_wall(store);
        order->file = (SeedFile){.name = is_input ? "standard input" : path,
                                 .directory = directory,
                                 .text = text.data ? text.data : "",
                                 .size = text.size};
        return seed_plant(store, order, ret, error);
}
