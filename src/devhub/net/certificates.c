/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/tls-authority.h"

#define EXPIRED_SINCE (400 * USEC_PER_DAY) /* begun so long ago that it ended days ago */

static TlsServer **slot(Certificates *c, FaultKind fault, const char **ret_folder)
{
        switch (fault) {
        case FAULT_CERT_WRONG_NAME:
                *ret_folder = "wrong-name";
                return &c->wrong_name;
        case FAULT_CERT_EXPIRED:
                *ret_folder = "expired";
                return &c->expired;
        case FAULT_CERT_NEW_CA:
                *ret_folder = "new-ca";
                return &c->new_ca;
        default:
                *ret_folder = NULL;
                return &c->good;
        }
}

static int load(const Certificates *c, const char *folder, TlsServer **ret)
{
        _cleanup_(buffer_done) Buffer certificate = BUFFER_NULL, key = BUFFER_NULL;
        const char *error = "";
        int r;

        buffer_printf(&certificate, "%s/%s/server.pem", c->dir->path, folder);
        buffer_printf(&key, "%s/%s/server.key", c->dir->path, folder);
        if (buffer_error(&certificate) || buffer_error(&key))
                return -ENOMEM;
        r = tls_server_new(ret, certificate.data, key.data, &error);
        if (r < 0)
                log_error("Cannot use %s: %s", certificate.data, *error ? error : strerror(-r));
        return r;
}

static void tell(const Certificates *c, const char *folder, const char *error, int r)
{
        log_error("Cannot make certificates in %s/%s: %s%s", c->dir->path, folder, *error ? error : strerror(-r),
                  *error ? "; to begin anew remove ca.pem and ca.key" : "");
}

int certificates_open(Certificates *c, StateDir *dir, const char *host, usec_t wall_now)
{
        const char *error = "";
        int r;

        *c = (Certificates){.dir = dir, .host = host};
        r = tls_authority_ensure(dir->fd, host, wall_now, &error);
        if (r < 0) {
                tell(c, ".", error, r);
                return r;
        }
        return load(c, ".", &c->good);
}

static int make(Certificates *c, FaultKind fault, const char *folder, usec_t wall_now)
{
        _cleanup_close_ int fd = -1;
        const char *error = "";
        int r;

        if (mkdirat(c->dir->fd, folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(c->dir->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fault == FAULT_CERT_NEW_CA)
                r = tls_authority_ensure(fd, c->host, wall_now, &error);
        else if (fault == FAULT_CERT_EXPIRED)
                r = tls_authority_issue(c->dir->fd, fd, c->host, usec_sub(wall_now, EXPIRED_SINCE), &error);
        else
                r = tls_authority_issue(c->dir->fd, fd, "wrong-name.invalid", wall_now, &error);
        if (r < 0)
                tell(c, folder, error, r);
        return r;
}

int certificates_prepare(Certificates *c, FaultKind fault, usec_t wall_now)
{
        const char *folder;
        TlsServer **server = slot(c, fault, &folder);
        int r;

        if (*server)
                return 0;
        r = make(c, fault, folder, wall_now);
        return r < 0 ? r : load(c, folder, server);
}

TlsServer *certificates_get(const Certificates *c, FaultKind fault)
{
        const char *folder;

        return *slot((Certificates *)c, fault, &folder);
}

void certificates_done(Certificates *c)
{
        tls_server_free(c->good);
        tls_server_free(c->wrong_name);
        tls_server_free(c->expired);
        tls_server_free(c->new_ca);
        *c = (Certificates){};
}
