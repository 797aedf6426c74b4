/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Seed file - a document from a file, planted and committed
 */

#include "devhub/seed/seed.h"

/* order: all but file and wall_now, which are filled in. path "-": standard input. Where no server runs, tables are
 * made first. -EBADMSG: as seed_plant(); other failures likewise, unless error stays empty: then they are the
 * store's. */
int seed_file_plant(Store *store, const char *path, SeedOrder *order, SeedTally *ret, Buffer *error);
