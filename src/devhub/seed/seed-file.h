/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Seed file - a document from a file, planted and committed
 */

#include "devhub/seed/seed.h"

/* path "-": standard input. Tables are made first. -EBADMSG: nothing was changed, and the words appended to error name
 * file, line and member; other failures likewise, unless error stays empty: then they are the store's. */
int seed_file_plant(Store *store, const char *path, bool replace, SeedChanged changed, void *userdata, SeedTally *ret,
                    Buffer *error);
