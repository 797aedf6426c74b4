/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/clearing.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "devhub/hub/hub-clock.h"

/* ---- the store ---- */

/* The names are the store's own. */
static int empty_tables(Store *store)
{
        _cleanup_statement_ sqlite3_stmt *tables = NULL;
        _cleanup_(buffer_done) Buffer sql = BUFFER_NULL;
        int r = store_prepare(store,
                              "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                              " AND name NOT IN ('facts', 'policies')",
                              &tables);

        while (r >= 0 && (r = store_step(store, tables)) > 0)
                buffer_printf(&sql, "DELETE FROM \"%s\";", (const char *)sqlite3_column_text(tables, 0));
        if (r < 0)
                return r;
        return buffer_error(&sql) ? -ENOMEM : store_run(store, sql.data ? sql.data : "");
}

int clearing_run(Store *store)
{
        int r = store_begin(store);

        if (r >= 0)
                r = empty_tables(store);
        if (r >= 0)
                r = store_run(store, "DELETE FROM facts WHERE key = '" HUB_CLOCK_FACT "'");
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        r = store_commit(store);
        return r < 0 ? r : store_run(store, "VACUUM");
}

/* ---- the directory ---- */

static int remove_files(int fd, const char *const names[])
{
        for (; *names; names++)
                if (unlinkat(fd, *names, 0) < 0 && errno != ENOENT)
                        return -errno;
        return 0;
}

static const char *const certificates[] = {"ca.pem", "ca.key", "server.pem", "server.key", NULL};

static int remove_folder(int dir_fd, const char *name)
{
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = remove_files(fd, certificates);
        if (r < 0)
                return r;
        return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int clearing_remove_all(StateDir *dir)
{
        static const char *const folders[] = {"wrong-name", "expired", "new-ca"};
        static const char *const files[] = {"devhub.db-wal", "devhub.db-shm", "devhub.db", "endpoints.json", "control",
                                            NULL};
        int r = remove_files(dir->fd, certificates);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++)
                r = remove_folder(dir->fd, folders[i]);
        return r < 0 ? r : remove_files(dir->fd, files);
}
