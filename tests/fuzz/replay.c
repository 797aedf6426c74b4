/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plays every file of a folder to the target; one line of TAP each.
 */

#include <dirent.h>
#include <string.h>

#include "base/macro.h"
#include "fuzz.h"

#define INPUT_MAX (1024 * 1024)

static int play(const char *folder, const char *name)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t n;
        FILE *f;

        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -1;
        }
        data = malloc(INPUT_MAX);
        f = fopen(path, "rb");
        if (!data || !f) {
                perror(path);
                if (f)
                        (void)fclose(f);
                return -1;
        }
        n = fread(data, 1, INPUT_MAX, f);
        (void)fclose(f);
        {
                /* a block of its own size, so that a byte read too far is seen */
                _cleanup_free_ uint8_t *exact = malloc(n);

                if (n > 0 && !exact)
                        return -1;
                if (n > 0)
                        memcpy(exact, data, n);
                return LLVMFuzzerTestOneInput(exact, n);
        }
}

static int visible(const struct dirent *e)
{
        return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
        struct dirent **files = NULL;
        int n, failed = 0;

        n = argc == 2 ? scandir(argv[1], &files, visible, alphasort) : -1;
        if (n < 0) {
                perror(argc == 2 ? argv[1] : "usage: replay FOLDER");
                return 2;
        }
        (void)printf("1..%d\n", n);
        for (int i = 0; i < n; i++) {
                bool good = play(argv[1], files[i]->d_name) == 0;

                failed += !good;
                (void)printf("%s %d - %s\n", good ? "ok" : "not ok", i + 1, files[i]->d_name);
                (void)fflush(stdout);
                free(files[i]);
        }
        free(files);
        return failed > 0;
}
