/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/ca-command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/iso-time.h"
#include "base/json.h"
#include "base/nearest.h"
#include "devhub/hub/authority.h"

#define PEM_MAX ((size_t)1024 * 1024)

static int complain(const char *subject, const char *what)
{
        (void)fprintf(stderr, "hublink-devhub: %s: %s\n", subject, what);
        return EXIT_FAILURE;
}

static const char *words_of(int error)
{
        switch (error) {
        case AUTHORITY_E_EXISTS:
                return "there is an authority of this name already: ca delete removes it";
        case AUTHORITY_E_UNKNOWN:
                return "there is no such authority: ca list names those that there are";
        case AUTHORITY_E_TOO_MANY:
                return "there are 25 authorities already, and a hub has no more";
        case AUTHORITY_E_NO_CERTIFICATE:
                return "this is no certificate in PEM";
        case AUTHORITY_E_NO_AUTHORITY:
                return "this certificate may not sign others: it is no authority";
        default:
                return strerror(error < 0 ? -error : EIO);
        }
}

static int open_store(Store *store, StateDir *dir)
{
        int r = store_open(store, dir->path, dir->fd, false);

        return r < 0 ? r : authority_prepare(store);
}

/* ---- add ---- */

static int read_pem(const char *file, Buffer *b)
{
        _cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : file_read(b, fd, PEM_MAX);
}

int ca_add(StateDir *dir, const char *name, const char *file)
{
        _cleanup_(buffer_done) Buffer pem = BUFFER_NULL;
        Store store = {};
        int r;

        r = read_pem(file, &pem);
        if (r < 0)
                return complain(file, r == -EBADMSG ? words_of(AUTHORITY_E_NO_CERTIFICATE) : strerror(-r));
        r = open_store(&store, dir);
        if (r >= 0)
                r = authority_add(&store, name, pem.size > 0 ? pem.data : "", pem.size);
        store_done(&store);
        return r == 0 ? EXIT_SUCCESS
                      : complain(r == AUTHORITY_E_NO_CERTIFICATE || r == AUTHORITY_E_NO_AUTHORITY ? file : name,
                                 words_of(r));
}

/* ---- list ---- */

typedef struct Listing {
        Buffer out;
        bool json;
        size_t n;
} Listing;

static int list_one(void *userdata, const char *name, const Certificate *authority)
{
        Listing *l = userdata;
        _cleanup_(buffer_done) Buffer subject = BUFFER_NULL;
        char sha256[CERTIFICATE_SHA256_HEX + 1], until[ISO_TIME_MAX];

        if (certificate_subject(authority, &subject) < 0 || certificate_sha256(authority, sha256) < 0)
                return -ENOMEM;
        (void)iso_time_format(certificate_not_after(authority), until);
        if (!l->json) {
                buffer_printf(&l->out, "%s  %s  until %s\n", name, subject.data, until);
                return 0;
        }
        buffer_append_string(&l->out, l->n++ > 0 ? ",\n {\"name\":" : "[{\"name\":");
        json_string(&l->out, name);
        buffer_append_string(&l->out, ",\"subject\":");
        json_string(&l->out, subject.data);
        buffer_printf(&l->out, ",\"thumbprint\":\"%s\",\"notAfter\":\"%s\"}", sha256, until);
        return 0;
}

int ca_list(StateDir *dir, bool json)
{
        Listing listing = {.json = json};
        Store store = {};
        int r;

        r = open_store(&store, dir);
        if (r >= 0)
                r = authority_each(&store, list_one, &listing);
        store_done(&store);
        if (json)
                buffer_append_string(&listing.out, listing.n > 0 ? "]\n" : "[]\n");
        if (r >= 0 && buffer_error(&listing.out))
                r = -ENOMEM;
        if (r >= 0 && listing.out.size > 0)
                (void)fwrite(listing.out.data, 1, listing.out.size, stdout);
        buffer_done(&listing.out);
        if (r < 0)
                return complain(dir->path, words_of(r));
        return EXIT_SUCCESS;
}

/* ---- delete ---- */

typedef struct Guess {
        Nearest nearest;
        char best[AUTHORITY_NAME_MAX + 1]; /* a copy: the walk's own do not last */
} Guess;

static int offer(void *userdata, const char *name, const Certificate *authority)
{
        Guess *g = userdata;

        nearest_offer(&g->nearest, name);
        if (g->nearest.found == name)
                g->nearest.found = memcpy(g->best, name, strlen(name) + 1);
        return 0;
}

static int unknown(Store *store, const char *name)
{
        Guess guess = {.nearest = nearest_begin(name)};

        if (authority_each(store, offer, &guess) < 0 || !guess.nearest.found)
                return complain(name, words_of(AUTHORITY_E_UNKNOWN));
        (void)fprintf(stderr, "hublink-devhub: there is no authority %s; did you mean %s?\n", name, guess.best);
        return EXIT_FAILURE;
}

int ca_delete(StateDir *dir, const char *name)
{
        Store store = {};
        int r;

        r = open_store(&store, dir);
        if (r >= 0)
                r = authority_remove(&store, name);
        if (r == AUTHORITY_E_UNKNOWN)
                r = unknown(&store, name);
        else
                r = r == 0 ? EXIT_SUCCESS : complain(name, words_of(r));
        store_done(&store);
        return r;
}
