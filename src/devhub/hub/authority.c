/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/authority.h"

#include <errno.h>
#include <string.h>

int authority_prepare(Store *store)
{
        return store_run(store, "CREATE TABLE IF NOT EXISTS authorities (name TEXT PRIMARY KEY, pem TEXT NOT NULL)"
                                " WITHOUT ROWID");
}

bool authority_name_is_valid(const char *name)
{
        size_t size = strlen(name);

        return size > 0 && size <= AUTHORITY_NAME_MAX && *name != '-' &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._") == size;
}

static int count(Store *store, unsigned *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT count(*) FROM authorities", &statement);
        if (r >= 0)
                r = store_step(store, statement);
        if (r < 0)
                return r;
        *ret = (unsigned)sqlite3_column_int(statement, 0);
        return 0;
}

static int insert(Store *store, const char *name, const char *pem)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "INSERT OR IGNORE INTO authorities VALUES (?, ?)", &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, name) < 0 || store_bind_text(statement, 2, pem) < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        return sqlite3_changes(store->db) == 0 ? AUTHORITY_E_EXISTS : 0;
}

int authority_add(Store *store, const char *name, const char *pem, size_t size)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        _cleanup_(buffer_done) Buffer own = BUFFER_NULL;
        unsigned n;
        int r;

        if (!authority_name_is_valid(name))
                return -EINVAL;
        r = certificate_parse(&certificate, pem, size);
        if (r < 0)
                return r == -EBADMSG ? AUTHORITY_E_NO_CERTIFICATE : r;
        if (!certificate_is_authority(certificate))
                return AUTHORITY_E_NO_AUTHORITY;
        r = certificate_pem(certificate, &own);
        if (r >= 0)
                r = count(store, &n);
        if (r < 0)
                return r;
        return n >= AUTHORITIES_MAX ? AUTHORITY_E_TOO_MANY : insert(store, name, own.data);
}

int authority_remove(Store *store, const char *name)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "DELETE FROM authorities WHERE name = ?", &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, name) < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        return sqlite3_changes(store->db) == 0 ? AUTHORITY_E_UNKNOWN : 0;
}

int authority_each(Store *store, AuthorityVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT name, pem FROM authorities ORDER BY name", &statement);
        while (r >= 0) {
                _cleanup_(certificate_freep) Certificate *certificate = NULL;

                r = store_step(store, statement);
                if (r <= 0)
                        break;
                r = certificate_parse(&certificate, (const char *)sqlite3_column_text(statement, 1),
                                      (size_t)sqlite3_column_bytes(statement, 1));
                if (r >= 0)
                        r = visit(userdata, (const char *)sqlite3_column_text(statement, 0), certificate);
        }
        return r;
}

typedef struct Question {
        const Certificate *certificate;
        usec_t wall_now;
        bool yes;
} Question;

static int ask(void *userdata, const char *name, const Certificate *authority)
{
        Question *q = userdata;

        q->yes = q->yes || certificate_is_issued_by(q->certificate, authority, q->wall_now);
        return 0;
}

int authority_vouches(Store *store, const Certificate *certificate, usec_t wall_now)
{
        Question question = {certificate, wall_now, false};
        int r = authority_each(store, ask, &question);

        return r < 0 ? r : question.yes;
}
