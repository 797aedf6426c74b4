/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/store-words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The write-ahead log of one database does not go with another: all of its files together. */
static void put_way_out(Buffer *b, const char *path)
{
        buffer_printf(b,
                      "; set it aside, and begin anew: mkdir '%s/damaged' && mv '%s'/devhub.db* '%s/damaged/'"
                      " (devices, keys, twins and messages are others then, but for those of a seed document: serve "
                      "--seed FILE)",
                      path, path, path);
}

void store_words_put(Buffer *b, const StateDir *dir, const Store *store, int error)
{
        if (error == -EBADMSG) {
                buffer_printf(b, "%s/devhub.db is damaged (%s)", dir->path, store_error(store));
                put_way_out(b, dir->path);
        } else if (error == -EPROTONOSUPPORT) {
                buffer_printf(b, "%s/devhub.db is of a newer hublink-devhub than this one, " HUBLINK_VERSION,
                              dir->path);
        } else {
                buffer_printf(b, "%s/devhub.db: %s (%s)", dir->path, strerror(-error), store_error(store));
        }
}

int store_words_complain(const StateDir *dir, const Store *store, int error)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        store_words_put(&b, dir, store, error);
        (void)fprintf(stderr, "hublink-devhub: %s\n", b.data ?: strerror(ENOMEM));
        return EXIT_FAILURE;
}
