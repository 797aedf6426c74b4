/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the credential lies: encrypted for this machine where systemd can do that, else in a file that only root can
 * read. A drop-in of the unit hands it to hublinkd. First the new one is whole, then the unit is told of it, and only
 * then the old one goes: whenever the power fails, the unit names a file that is there.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/backoff.h"
#include "base/file.h"
#include "base/secret.h"
#include "ctl/root.h"
#include "ctl/setup.h"
#include "ctl/system-file.h"
#include "ctl/tool.h"
#include "ctl/unit-files.h"
#include "ctl/unit.h"
#include "model/credential-id.h"

#define FOLDER   "/etc/hublink/"
#define UNIT_MAX (64 * 1024)

void setup_secret_path(AccessKind kind, bool encrypted, char ret[static PATH_MAX])
{
        (void)snprintf(ret, PATH_MAX, FOLDER "%s%s", access_name(kind), encrypted ? ".cred" : "");
}

/* Of an earlier setup; appends nothing when it cannot be read. */
static void read_unit(const SetupWays *ways, Buffer *b)
{
        _cleanup_close_ int fd = root_open(ways->root, SETUP_UNIT, O_RDONLY, 0);

        if (fd >= 0)
                (void)file_read(b, fd, UNIT_MAX);
        buffer_append(b, "", 0);
}

bool setup_is_stored(const SetupWays *ways)
{
        return system_file_exists(ways->root, SETUP_UNIT);
}

bool setup_is_another_file(const SetupWays *ways, AccessKind kind, const char *file)
{
        struct stat given, stored;

        if (stat(file, &given) < 0)
                return false;
        for (int encrypted = 0; encrypted < 2; encrypted++) {
                _cleanup_close_ int fd = -1;
                char path[PATH_MAX];

                setup_secret_path(kind, encrypted, path);
                fd = root_open(ways->root, path, O_PATH, 0);
                if (fd >= 0 && fstat(fd, &stored) == 0 && stored.st_dev == given.st_dev &&
                    stored.st_ino == given.st_ino)
                        return false;
        }
        return true;
}

/* ---- who else hands one over by the same name: the last counts, and that need not be ours ---- */

static int refuse_rival(const UnitWord *w, const char *name)
{
        if (*w->value)
                fprintf(stderr, "%s:%u: %s hands %s to hublinkd already: take that line out, or change the file that "
                                "it names. Nothing was stored.\n", w->file, w->line, w->key, name);
        else
                fprintf(stderr, "%s:%u: the empty %s takes back what stands before it, and so what is to be stored "
                                "now: take that line out. Nothing was stored.\n", w->file, w->line, w->key);
        return CTL_FAILED;
}

/* Ours would be read before it. */
static bool takes_ours_back(const UnitWord *w)
{
        return strncmp(w->key, "LoadCredential", 14) == 0 && !*w->value && strcmp(w->section, "Service") == 0 &&
               strstr(w->file, ".d/") && strcmp(strrchr(w->file, '/'), strrchr(SETUP_UNIT, '/')) > 0;
}

int setup_check_rivals(const SetupWays *ways, const Access *a)
{
        _cleanup_(unit_files_done) UnitFiles unit = {};
        const char *name = access_name(a->kind);
        const UnitWord *w;
        size_t at = 0;

        if (unit_files_read(&unit, ways->root, UNIT) < 0) {
                fprintf(stderr, "Out of memory. Nothing was stored.\n");
                return CTL_FAILED;
        }
        while ((w = unit_files_next_credential(&unit, name, &at)))
                if (strcmp(w->file, SETUP_UNIT) != 0)
                        return refuse_rival(w, name);
        for (size_t i = 0; i < unit.n; i++)
                if (takes_ours_back(&unit.words[i]))
                        return refuse_rival(&unit.words[i], name);
        return CTL_OK;
}

/* ---- the secret ---- */

/* For this machine alone, by its TPM or by its own key. false: it cannot. */
static bool encrypt(const SetupWays *ways, const Access *a, Buffer *ret)
{
        char name[64];
        const char *const command[] = {"systemd-creds", "encrypt", name, "-", "-", NULL};

        if (*ways->root) /* only that machine itself could */
                return false;
        (void)snprintf(name, sizeof(name), "--name=%s", access_name(a->kind));
        return tool_run(command, &ways->ends, &a->secret, ret) == 0 && ret->size > 0;
}

static int write_secret(const SetupWays *ways, const Access *a, bool *ret_encrypted, char path[static PATH_MAX])
{
        _cleanup_(buffer_done) Buffer sealed = BUFFER_NULL;
        bool changed = false;
        const Buffer *what;
        int r;

        *ret_encrypted = encrypt(ways, a, &sealed);
        if (setup_is_ended(ways)) /* which may be why it was not encrypted */
                return CTL_FAILED;
        what = *ret_encrypted ? &sealed : &a->secret;
        setup_secret_path(a->kind, *ret_encrypted, path);
        r = system_file_write(ways->root, path, 0600, what->data, what->size, &changed);
        if (r == CTL_OK)
                setup_say(ways, "The %s is in %s, %s.\n", access_noun(a->kind), path,
                          *ret_encrypted ? "encrypted for this machine alone" : "which only root can read");
        return r;
}

/* ---- what says where it is ---- */

static int write_settings(const SetupWays *ways, const Access *a)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        bool changed = false;

        access_put_settings(a, &text);
        return text.size > 0 ? system_file_write(ways->root, SETUP_SETTINGS, 0644, text.data, text.size, &changed)
                             : system_file_remove(ways->root, SETUP_SETTINGS, &changed);
}

/* Another one each time, so that what has connected is not taken for what was stored since. */
static void draw_id(char ret[static CREDENTIAL_ID_LENGTH + 1])
{
        for (int i = 0; i < CREDENTIAL_ID_LENGTH; i += 16)
                (void)snprintf(ret + i, 17, "%016" PRIx64, random_system.draw(random_system.userdata));
}

static int write_unit(const SetupWays *ways, const Access *a, bool encrypted, const char *path)
{
        char id[CREDENTIAL_ID_LENGTH + 1];
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        bool changed = false;

        draw_id(id);
        access_put_unit(a->kind, path, encrypted, id, &text);
        return system_file_write(ways->root, SETUP_UNIT, 0644, text.data, text.size, &changed);
}

/* Of an encrypted one the unit names what it is opened to. */
static void put_name_in_unit(AccessKind kind, bool encrypted, const char *path, char line[static PATH_MAX + 2])
{
        if (encrypted)
                (void)snprintf(line, PATH_MAX + 2, ":" ACCESS_OPENED "\n", access_name(kind));
        else
                (void)snprintf(line, PATH_MAX + 2, ":%s\n", path);
}

/* Those that the unit of an earlier setup named, but for one: what somebody put there by hand is his. */
static int remove_old(const SetupWays *ways, const char *unit, const char *keep, bool *ret_changed)
{
        char path[PATH_MAX], line[PATH_MAX + 2];
        int r = CTL_OK;

        for (int kind = 0; r == CTL_OK && kind < _ACCESS_KIND_MAX; kind++)
                for (int encrypted = 0; r == CTL_OK && encrypted < 2; encrypted++) {
                        setup_secret_path((AccessKind)kind, encrypted, path);
                        put_name_in_unit((AccessKind)kind, encrypted, path, line);
                        if (strstr(unit, line) && strcmp(path, keep) != 0)
                                r = system_file_remove(ways->root, path, ret_changed);
                }
        return r;
}

int setup_store(const SetupWays *ways, const Access *a)
{
        _cleanup_(buffer_done) Buffer old = BUFFER_NULL;
        bool encrypted, changed = false;
        char path[PATH_MAX];
        int r;

        read_unit(ways, &old);
        r = write_secret(ways, a, &encrypted, path);
        if (r == CTL_OK)
                r = write_settings(ways, a);
        if (r == CTL_OK)
                r = write_unit(ways, a, encrypted, path);
        return r != CTL_OK ? r : remove_old(ways, old.data ?: "", path, &changed);
}

static int complain_of_rest(bool changed)
{
        fprintf(stderr, changed ? "Not all of it is removed, and hublinkd was not restarted: once that is mended, "
                                  "hublinkctl setup --forget once more.\n"
                                : "Nothing was removed.\n");
        return CTL_FAILED;
}

/* The unit last: it says what is to be removed, to who begins again too, and hublinkd starts without its file. */
int setup_forget(const SetupWays *ways, bool *ret_changed)
{
        _cleanup_(buffer_done) Buffer old = BUFFER_NULL;
        int r;

        read_unit(ways, &old);
        r = remove_old(ways, old.data ?: "", "", ret_changed);
        if (r == CTL_OK)
                r = setup_drop_aside(ways);
        if (r == CTL_OK)
                r = system_file_remove(ways->root, SETUP_SETTINGS, ret_changed);
        if (r == CTL_OK)
                r = system_file_remove(ways->root, SETUP_UNIT, ret_changed);
        if (r != CTL_OK)
                return complain_of_rest(*ret_changed);
        if (*ret_changed)
                setup_say(ways, "The credential is removed.\n");
        return CTL_OK;
}
