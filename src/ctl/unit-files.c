/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/unit-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "ctl/root.h"

#define SIZE_MOST    (256 * 1024)
#define DROPINS_MOST 256
#define BLANKS       " \t\r"
#define CREDSTORE    "/etc/credstore"

/* Where systemd looks, what counts first comes first. */
static const char *const folders[] = {
                "/etc/systemd/system.control",  "/run/systemd/system.control",   "/run/systemd/transient",
                "/run/systemd/generator.early", "/etc/systemd/system",           "/run/systemd/system",
                "/run/systemd/generator",       "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                "/lib/systemd/system",          "/run/systemd/generator.late",
};

void unit_files_done(UnitFiles *u)
{
        for (size_t i = 0; i < u->n; i++) {
                free(u->words[i].section);
                free(u->words[i].key);
                free(u->words[i].value);
        }
        for (size_t i = 0; i < u->n_files; i++)
                free(u->files[i]);
        free(u->words);
        free(u->files);
        free(u->fragment);
        free(u->closed);
        *u = (UnitFiles){};
}

/* ---- a file's words ---- */

static char *trim(char *text)
{
        size_t n;

        text += strspn(text, BLANKS);
        for (n = strlen(text); n > 0 && strchr(BLANKS, text[n - 1]); n--)
                text[n - 1] = 0;
        return text;
}

static int add_word(UnitFiles *u, const char *section, const char *key, const char *value, const char *file,
                    unsigned line)
{
        UnitWord *more = reallocarray(u->words, u->n + 1, sizeof(*more)), *w;

        if (!more)
                return -ENOMEM;
        u->words = more;
        w = &u->words[u->n++];
        *w = (UnitWord){strdup(section), strdup(key), strdup(value), file, line};
        return w->section && w->key && w->value ? 0 : -ENOMEM;
}

static int add_file(UnitFiles *u, const char *path, const char **ret)
{
        char **more = reallocarray(u->files, u->n_files + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        u->files = more;
        u->files[u->n_files] = strdup(path);
        *ret = u->files[u->n_files];
        return *ret ? (u->n_files++, 0) : -ENOMEM;
}

static bool is_comment(const char *line)
{
        return *line == '#' || *line == ';';
}

/* The line at *rest and those that it goes on in; comments between them are none of it. Blanks at its ends are gone. */
static char *take_line(char **rest, unsigned *number, Buffer *whole)
{
        bool goes_on = false;

        buffer_clear(whole);
        do {
                char *line = *rest, *end = strchr(line, '\n');
                size_t n;

                *rest = end ? end + 1 : line + strlen(line);
                if (end)
                        *end = 0;
                (*number)++;
                if (goes_on && is_comment(line + strspn(line, BLANKS)))
                        continue;
                n = strlen(line);
                if (n > 0 && line[n - 1] == '\r')
                        n--;
                goes_on = n > 0 && line[n - 1] == '\\';
                if (n == 0 || is_comment(line + strspn(line, BLANKS)))
                        goes_on = false;
                buffer_append(whole, line, goes_on ? n - 1 : n);
                if (goes_on)
                        buffer_append_char(whole, ' ');
        } while (goes_on && **rest);
        return buffer_error(whole) == 0 ? trim(whole->data) : NULL;
}

static int read_line(UnitFiles *u, char section[static 64], char *line, const char *file, unsigned number)
{
        char *equals = strchr(line, '=');
        size_t n = strlen(line);

        if (is_comment(line))
                return 0;
        if (*line == '[' && n >= 2 && line[n - 1] == ']') {
                (void)snprintf(section, 64, "%.*s", (int)(n - 2), line + 1);
                return 0;
        }
        if (!equals)
                return 0;
        *equals = 0;
        return add_word(u, section, trim(line), trim(equals + 1), file, number);
}

static int read_text(UnitFiles *u, char *text, const char *path)
{
        _cleanup_(buffer_done) Buffer whole = BUFFER_NULL;
        const char *file = NULL;
        char section[64] = "";
        unsigned number = 0;
        int r = add_file(u, path, &file);

        while (r == 0 && *text) {
                unsigned first = number + 1;
                char *line = take_line(&text, &number, &whole);

                r = line ? read_line(u, section, line, file, first) : -ENOMEM;
        }
        return r;
}

static int note_closed(UnitFiles *u, const char *path, int error)
{
        if (u->closed || (error != -EACCES && error != -EPERM))
                return 0;
        u->closed = strdup(path);
        return u->closed ? 0 : -ENOMEM;
}

static int read_words(UnitFiles *u, const char *root, const char *path)
{
        _cleanup_close_ int fd = root_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        if (note_closed(u, path, fd) < 0)
                return -ENOMEM;
        if (fd < 0 || file_read(&text, fd, SIZE_MOST) < 0 || text.size == 0)
                return buffer_error(&text);
        return read_text(u, text.data, path);
}

/* ---- which files ---- */

/* A link to /dev/null, which a tree need not have, or nothing at all. */
static bool is_mask(const char *root, const char *path)
{
        _cleanup_close_ int fd = root_open(root, path, O_PATH | O_NOFOLLOW, 0);
        _cleanup_close_ int held = -1;
        char target[16] = "";
        struct stat st;

        if (fd >= 0 && readlinkat(fd, "", target, sizeof(target) - 1) > 0 && strcmp(target, "/dev/null") == 0)
                return true;
        held = root_open(root, path, O_PATH, 0);
        return held >= 0 && fstat(held, &st) == 0 && (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0));
}

static bool is_there(const char *root, const char *path)
{
        _cleanup_close_ int fd = root_open(root, path, O_PATH | O_NOFOLLOW, 0);

        return fd >= 0;
}

static int find_fragment(UnitFiles *u, const char *root, const char *unit)
{
        char path[PATH_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
                if (!is_there(root, path))
                        continue;
                u->fragment = strdup(path);
                u->masked = is_mask(root, path);
                return u->fragment ? 0 : -ENOMEM;
        }
        return 0;
}

typedef struct Dropins {
        char paths[DROPINS_MOST][PATH_MAX];
        size_t n;
} Dropins;

static const char *name_of(const char *path)
{
        return strrchr(path, '/') + 1;
}

static bool has_name(const Dropins *all, const char *name)
{
        for (size_t i = 0; i < all->n; i++)
                if (strcmp(name_of(all->paths[i]), name) == 0)
                        return true;
        return false;
}

/* What another folder has under the same name is hidden: those that count come first. */
static int note_dropins(UnitFiles *u, Dropins *all, const char *root, const char *folder)
{
        int fd = root_open(root, folder, O_RDONLY | O_DIRECTORY, 0);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;

        while (dir && (e = readdir(dir)) && all->n < DROPINS_MOST) {
                size_t n = strlen(e->d_name);

                if (n > 5 && *e->d_name != '.' && strcmp(e->d_name + n - 5, ".conf") == 0 && !has_name(all, e->d_name))
                        (void)snprintf(all->paths[all->n++], PATH_MAX, "%s/%s", folder, e->d_name);
        }
        if (dir)
                (void)closedir(dir);
        else
                (void)safe_close(fd);
        return note_closed(u, folder, fd);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(name_of(a), name_of(b));
}

/* Those for all services are hidden by those for this one. */
static int read_dropins(UnitFiles *u, const char *root, const char *unit)
{
        const char *const owners[] = {unit, strrchr(unit, '.') + 1};
        Dropins *all = calloc(1, sizeof(*all));
        char folder[256];
        int r = 0;

        if (!all)
                return -ENOMEM;
        for (size_t k = 0; k < ARRAY_SIZE(owners); k++)
                for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++) {
                        (void)snprintf(folder, sizeof(folder), "%s/%s.d", folders[i], owners[k]);
                        r = note_dropins(u, all, root, folder);
                }
        qsort(all->paths, all->n, sizeof(all->paths[0]), by_name);
        for (size_t i = 0; r == 0 && i < all->n; i++)
                if (!is_mask(root, all->paths[i]))
                        r = read_words(u, root, all->paths[i]);
        free(all);
        return r;
}

int unit_files_read(UnitFiles *u, const char *root, const char *unit)
{
        int r = find_fragment(u, root, unit);

        if (r == 0 && u->fragment && !u->masked)
                r = read_words(u, root, u->fragment);
        return r == 0 ? read_dropins(u, root, unit) : r;
}

/* ---- what they say ---- */

static bool is(const UnitWord *w, const char *section, const char *key)
{
        return strcmp(w->section, section) == 0 && strcmp(w->key, key) == 0;
}

const UnitWord *unit_files_find(const UnitFiles *u, const char *section, const char *key)
{
        for (size_t i = u->n; i-- > 0;)
                if (is(&u->words[i], section, key))
                        return &u->words[i];
        return NULL;
}

const UnitWord *unit_files_next(const UnitFiles *u, const char *section, const char *key, size_t *at)
{
        if (*at == 0)
                for (size_t i = 0; i < u->n; i++)
                        if (is(&u->words[i], section, key) && !*u->words[i].value)
                                *at = i + 1;
        while (*at < u->n) {
                const UnitWord *w = &u->words[(*at)++];

                if (is(w, section, key))
                        return w;
        }
        return NULL;
}

/* ---- credentials ---- */

static UnitCredentialKind kind_of(const UnitWord *w)
{
        static const char *const keys[] = {
                [UNIT_CREDENTIAL_LOAD] = "LoadCredential",
                [UNIT_CREDENTIAL_LOAD_ENCRYPTED] = "LoadCredentialEncrypted",
                [UNIT_CREDENTIAL_SET] = "SetCredential",
                [UNIT_CREDENTIAL_SET_ENCRYPTED] = "SetCredentialEncrypted",
        };

        for (size_t i = 1; i < ARRAY_SIZE(keys); i++)
                if (is(w, "Service", keys[i]))
                        return (UnitCredentialKind)i;
        return UNIT_CREDENTIAL_NONE;
}

static bool is_loaded(UnitCredentialKind kind)
{
        return kind == UNIT_CREDENTIAL_LOAD || kind == UNIT_CREDENTIAL_LOAD_ENCRYPTED;
}

/* Its part behind the name; NULL: of another one. "name" alone is loaded from the store, under its own name. */
static const char *after_name(const UnitWord *w, const char *name)
{
        size_t n = strlen(name);

        if (strncmp(w->value, name, n) != 0 || (w->value[n] != ':' && w->value[n] != 0))
                return NULL;
        return w->value + n + (w->value[n] == ':');
}

static void put_path(char path[static PATH_MAX], UnitCredentialKind kind, const char *name, const char *rest)
{
        const char *store = kind == UNIT_CREDENTIAL_LOAD_ENCRYPTED ? CREDSTORE ".encrypted/" : CREDSTORE "/";

        (void)snprintf(path, PATH_MAX, "%s%s", *rest == '/' ? "" : store, *rest ? rest : name);
}

/* An empty word takes back those of its sort, encrypted or not. */
static const UnitWord *last(const UnitFiles *u, const char *name, bool loaded)
{
        const UnitWord *found = NULL;

        for (size_t i = 0; i < u->n; i++) {
                const UnitWord *w = &u->words[i];
                UnitCredentialKind kind = kind_of(w);

                if (kind == UNIT_CREDENTIAL_NONE || is_loaded(kind) != loaded)
                        continue;
                if (!*w->value)
                        found = NULL;
                else if (after_name(w, name))
                        found = w;
        }
        return found;
}

UnitCredentialKind unit_files_credential(const UnitFiles *u, const char *name, UnitCredential *ret)
{
        const UnitWord *w = last(u, name, true) ?: last(u, name, false);

        *ret = (UnitCredential){.kind = w ? kind_of(w) : UNIT_CREDENTIAL_NONE, .word = w};
        if (w && is_loaded(ret->kind))
                put_path(ret->path, ret->kind, name, after_name(w, name));
        return ret->kind;
}

/* By an empty word of its sort behind it. */
static bool is_taken_back(const UnitFiles *u, size_t at)
{
        bool loaded = is_loaded(kind_of(&u->words[at]));

        for (size_t i = at + 1; i < u->n; i++) {
                UnitCredentialKind kind = kind_of(&u->words[i]);

                if (kind != UNIT_CREDENTIAL_NONE && !*u->words[i].value && is_loaded(kind) == loaded)
                        return true;
        }
        return false;
}

const UnitWord *unit_files_next_credential(const UnitFiles *u, const char *name, size_t *at)
{
        while (*at < u->n) {
                size_t i = (*at)++;
                const UnitWord *w = &u->words[i];

                if (kind_of(w) != UNIT_CREDENTIAL_NONE && *w->value && after_name(w, name) && !is_taken_back(u, i))
                        return w;
        }
        return NULL;
}
