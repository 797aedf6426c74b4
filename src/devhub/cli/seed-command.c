/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/seed-command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "devhub/cli/control.h"
#include "devhub/cli/request.h"
#include "devhub/cli/store-words.h"
#include "devhub/cli/usage.h"
#include "devhub/hub/registry.h"
#include "devhub/seed/clearing.h"
#include "devhub/seed/dump.h"
#include "devhub/seed/seed-file.h"

static int complain(const char *fmt, ...) _printf_(1, 2);
static int complain(const char *fmt, ...)
{
        va_list ap;

        (void)fputs("hublink-devhub: ", stderr);
        va_start(ap, fmt);
        (void)vfprintf(stderr, fmt, ap);
        va_end(ap);
        (void)fputc('\n', stderr);
        return EXIT_FAILURE;
}

/* ---- seed ---- */

/* Failure: none runs. */
static void tell_server(const StateDir *dir, const char *verb, const SeedChange *change)
{
        json_object *request = request_new(verb), *answer = NULL;

        json_object_object_add(request, "device", json_object_new_string(change->device_id));
        if (change->module_id)
                json_object_object_add(request, "module", json_object_new_string(change->module_id));
        if (change->desired)
                json_object_object_add(request, "patch", json_object_get(change->desired));
        (void)control_call(dir, request, &answer);
        json_object_put(request);
        json_object_put(answer);
}

/* A server that runs has the links of what is another one now: who may not come in any more, or not so, is cut off; who
 * is wished something else hears of it. Of all else it has nothing to tell. */
static void on_changed(void *userdata, const SeedChange *change)
{
        const StateDir *dir = userdata;

        if (change->disabled)
                tell_server(dir, "forget", change);
        else if (change->credentials)
                tell_server(dir, "cut", change);
        else if (change->desired)
                tell_server(dir, "desired", change);
}

static bool is_served(const StateDir *dir)
{
        json_object *request = request_new("clock"), *answer = NULL;
        bool is = control_call(dir, request, &answer) != -ECONNREFUSED;

        json_object_put(request);
        json_object_put(answer);
        return is;
}

int seed_command(StateDir *dir, const char *path, bool replace)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        SeedOrder order = {.replace = replace, .served = is_served(dir), .changed = on_changed, .userdata = dir};
        SeedTally tally = {};
        Store store = {};
        int r = store_open(&store, dir->path, dir->fd, true);

        if (r >= 0)
                r = seed_file_plant(&store, path, &order, &tally, &error);
        if (r < 0) {
                r = error.size > 0 ? complain("%s", error.data) : store_words_complain(dir, &store, r);
        } else {
                (void)printf("%u new, %u changed, %u as they were\n", tally.n_new, tally.n_changed, tally.n_same);
                r = EXIT_SUCCESS;
        }
        store_done(&store);
        return r;
}

/* ---- dump ---- */

/* Beside it first: who reads it meanwhile finds the one before, whole. */
static int write_file(const char *path, const char *text, size_t size)
{
        _cleanup_free_ char *beside = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (asprintf(&beside, "%s.XXXXXX", path) < 0)
                return -ENOMEM;
        fd = mkostemp(beside, O_CLOEXEC); /* for its owner alone */
        if (fd < 0)
                return -errno;
        r = file_write(fd, text, size);
        if (r >= 0 && rename(beside, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(beside);
        return r;
}

static int put_out(const char *path, json_object *document)
{
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;
        bool is_output = !path || strcmp(path, "-") == 0;
        const int form = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
        int r;

        buffer_append_string(&b, json_object_to_json_string_ext(document, form));
        buffer_append_char(&b, '\n');
        if (buffer_error(&b))
                return complain("%s", strerror(ENOMEM));
        r = is_output ? file_write(STDOUT_FILENO, b.data, b.size) : write_file(path, b.data, b.size);
        return r < 0 ? complain("%s: %s", is_output ? "standard output" : path, strerror(-r)) : EXIT_SUCCESS;
}

int dump_command(StateDir *dir, const char *path, bool with_secrets)
{
        json_object *document = NULL;
        Store store = {};
        int r = store_open(&store, dir->path, dir->fd, false);

        if (r >= 0)
                r = seed_prepare(&store);
        if (r >= 0)
                r = dump_make(&store, with_secrets, &document);
        r = r < 0 ? store_words_complain(dir, &store, r) : put_out(path, document);
        json_object_put(document);
        store_done(&store);
        return r;
}

/* ---- reset ---- */

static int lock(StateDir *dir)
{
        int pid = 0, r = state_dir_lock(dir, &pid);

        if (r == STATE_DIR_E_LOCKED)
                return complain("a server (process %d) runs on %s: stop it first", pid, dir->path);
        return r < 0 ? complain("cannot lock %s: %s", dir->path, strerror(-r)) : EXIT_SUCCESS;
}

static int ask(const StateDir *dir, const Store *store, bool all)
{
        char answer[16] = "";
        RegistryCount count = {};

        if (!isatty(STDIN_FILENO)) {
                (void)complain("reset forgets all of %s for ever: say --yes when that is meant", dir->path);
                return EXIT_USAGE;
        }
        (void)registry_count((Store *)store, &count);
        (void)fprintf(stderr, "Forget for ever what is in %s: %u devices, their twins, messages and events, "
                              "enrollments%s? [y/N] ",
                      dir->path, count.n_devices, all ? ", its certificates and keys" : "");
        if (fgets(answer, sizeof(answer), stdin) && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
                return EXIT_SUCCESS;
        return complain("nothing was changed");
}

static int reset(StateDir *dir, Store *store, bool all, bool sure)
{
        int r = sure ? EXIT_SUCCESS : ask(dir, store, all);

        if (r != EXIT_SUCCESS)
                return r;
        if (!all) {
                r = clearing_run(store);
                return r < 0 ? store_words_complain(dir, store, r) : EXIT_SUCCESS;
        }
        store_done(store);
        r = clearing_remove_all(dir);
        return r < 0 ? complain("%s: %s", dir->path, strerror(-r)) : EXIT_SUCCESS;
}

int reset_command(StateDir *dir, bool all, bool sure)
{
        Store store = {};
        int r = lock(dir);

        if (r != EXIT_SUCCESS)
                return r;
        r = store_open(&store, dir->path, dir->fd, false);
        r = r < 0 ? store_words_complain(dir, &store, r) : reset(dir, &store, all, sure);
        store_done(&store);
        return r;
}
