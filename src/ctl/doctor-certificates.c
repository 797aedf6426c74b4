/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Certificates: whom this machine trusts, and for how long still.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "ctl/diagnosis.h"
#include "ctl/doctor.h"

#define BUNDLE_MAX ((size_t)4 * 1024 * 1024)

static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

static int read_store(const Doctor *d, const char *file, CertificateStore *s)
{
        _cleanup_free_ char *path = doctor_path(d, file);
        _cleanup_close_ int fd = open(path ?: file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r = fd < 0 ? -errno : file_read(&b, fd, BUNDLE_MAX);

        if (r == 0 && b.size > 0)
                *s = diagnosis_count_certificates(b.data, clock_wall(&clock_system));
        return r;
}

static void tell(Doctor *d, const char *path, const CertificateStore *s, const char *remedy)
{
        const Advice advice = {"Without a CA that counts no hub can be told from an impostor, and hublinkd connects to "
                               "none.",
                               remedy};

        switch (diagnosis_of_store(s, clock_wall(&clock_system))) {
        case STORE_EMPTY:
                doctor_tell(d, VERDICT_PROBLEM, "ca-file", advice, "%s holds no certificate", path);
                break;
        case STORE_EXPIRED:
                doctor_tell(d, VERDICT_PROBLEM, "ca-expired", advice,
                            "%zu of the %zu CA certificates in %s have expired", s->n_expired, s->n, path);
                break;
        case STORE_EXPIRES:
                doctor_tell(d, VERDICT_WARNING, "ca-expires", advice,
                            "all CA certificates in %s expire within 30 days", path);
                break;
        case STORE_WELL:
                doctor_well(d, "ca", "%s has %zu CA certificate%s, the last good until the year %" PRIu64, path, s->n,
                            s->n == 1 ? "" : "s", 1970 + (uint64_t)((double)s->last_end / (365.2425 * USEC_PER_DAY)));
        }
}

static void judge(Doctor *d, const char *path, const CertificateStore *s, int r, const char *remedy)
{
        if (r >= 0)
                tell(d, path, s, remedy);
        else if (doctor_is_denied(d, r))
                doctor_unseen(d, "ca-file", "%s can be read only by root or the daemon; run this as root", path);
        else
                doctor_tell(d, VERDICT_PROBLEM, "ca-file",
                            (Advice){"Without a CA no hub can be told from an impostor, and hublinkd connects to none.",
                                     remedy},
                            "%s cannot be read: %s", path, strerror(-r));
}

void doctor_certificates(Doctor *d)
{
        const char *file = d->settings ? d->settings->hub.ca_file : NULL;
        CertificateStore store = {};
        int r = -ENOENT;

        if (file) {
                judge(d, file, &store, read_store(d, file, &store),
                      "Put the CA of your hub there; for Azure's hubs take the line hub.ca_file away.");
                return;
        }
        for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(bundles); i++) {
                r = read_store(d, bundles[i], &store);
                if (r != -ENOENT)
                        judge(d, bundles[i], &store, r, "apt-get install --reinstall ca-certificates; "
                                                        "update-ca-certificates");
        }
        if (r == -ENOENT)
                judge(d, bundles[0], &store, r, "apt-get install ca-certificates");
}
