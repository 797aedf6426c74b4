/* SPDX-License-Identifier: Apache-2.0 */
#include "base/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tls-authority.h"
#include "suite.h"

#define NOW ((usec_t)1800000000 * USEC_PER_SEC)

/* An authority's folder, and what it issued to "d1". */
typedef struct Issued {
        char folder[64];
        Certificate *authority, *leaf;
} Issued;

static Certificate *load(const char *folder, const char *name)
{
        char path[128], text[8192];
        Certificate *c = NULL;
        FILE *file;
        size_t size;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        size = fread(text, 1, sizeof(text), file);
        (void)fclose(file);
        ck_assert_int_eq(certificate_parse(&c, text, size), 0);
        return c;
}

static void issued_begin(Issued *i)
{
        const char *error = "";
        int fd;

        (void)strcpy(i->folder, "/tmp/test-certificate-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(i->folder));
        fd = open(i->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(tls_authority_ensure(fd, "hub", NOW, &error), 0);
        ck_assert_int_eq(tls_authority_issue(fd, fd, "d1", NOW, &error), 0);
        i->authority = load(i->folder, "ca.pem");
        i->leaf = load(i->folder, "server.pem");
        for (const char *const *name = (const char *const[]){"ca.pem", "ca.key", "server.pem", "server.key", NULL};
             *name; name++)
                (void)unlinkat(fd, *name, 0);
        (void)close(fd);
        (void)rmdir(i->folder);
}

static void issued_end(Issued *i)
{
        certificate_free(i->authority);
        certificate_free(i->leaf);
}

START_TEST(what_it_says_can_be_read)
{
        _cleanup_(buffer_done) Buffer subject = BUFFER_NULL, issuer = BUFFER_NULL, serial = BUFFER_NULL, pem = BUFFER_NULL;
        Certificate *again = NULL;
        char *name = NULL;
        Issued i;

        issued_begin(&i);
        ck_assert_int_eq(certificate_common_name(i.leaf, &name), 0);
        ck_assert_str_eq(name, "d1");
        free(name);
        ck_assert(certificate_is_for(i.leaf, "d1"));
        ck_assert(!certificate_is_for(i.leaf, "D1"));
        ck_assert(!certificate_is_for(i.leaf, "d"));
        ck_assert_int_eq(certificate_subject(i.leaf, &subject), 0);
        ck_assert_str_eq(subject.data, "CN=d1");
        ck_assert_int_eq(certificate_issuer(i.leaf, &issuer), 0);
        ck_assert_str_eq(issuer.data, "CN=hublink development hub CA");
        ck_assert_int_eq(certificate_serial(i.leaf, &serial), 0);
        ck_assert_uint_ge(serial.size, 30);
        ck_assert_uint_eq(certificate_version(i.leaf), 3);
        ck_assert_uint_eq(certificate_not_before(i.leaf), NOW - USEC_PER_HOUR);
        ck_assert_uint_eq(certificate_not_after(i.leaf), NOW + 397 * USEC_PER_DAY);
        ck_assert_int_eq(certificate_pem(i.leaf, &pem), 0);
        ck_assert_int_eq(certificate_parse(&again, pem.data, pem.size), 0);
        ck_assert(certificate_is_for(again, "d1"));
        certificate_free(again);
        issued_end(&i);
}
END_TEST

START_TEST(thumbprints_are_compared_however_they_are_written)
{
        char sha1[CERTIFICATE_SHA1_HEX + 1], sha256[CERTIFICATE_SHA256_HEX + 1], with_colons[128] = "";
        Issued i;

        issued_begin(&i);
        ck_assert_int_eq(certificate_sha1(i.leaf, sha1), 0);
        ck_assert_int_eq(certificate_sha256(i.leaf, sha256), 0);
        ck_assert_uint_eq(strlen(sha1), 40);
        ck_assert(certificate_has_thumbprint(i.leaf, sha1));
        ck_assert(certificate_has_thumbprint(i.leaf, sha256));
        for (size_t k = 0; k < 40; k += 2)
                (void)snprintf(with_colons + strlen(with_colons), 4, "%s%c%c", k > 0 ? ":" : "", sha1[k] | 0x20,
                               sha1[k + 1] | 0x20);
        ck_assert(certificate_has_thumbprint(i.leaf, with_colons));
        ck_assert(!certificate_has_thumbprint(i.authority, sha1));
        sha1[39] = 0;
        ck_assert(!certificate_has_thumbprint(i.leaf, sha1));
        ck_assert(!certificate_has_thumbprint(i.leaf, ""));
        issued_end(&i);
}
END_TEST

START_TEST(an_authority_stands_behind_its_own)
{
        Issued i, other;

        issued_begin(&i);
        issued_begin(&other);
        ck_assert(certificate_is_authority(i.authority));
        ck_assert(!certificate_is_authority(i.leaf));
        ck_assert(certificate_is_issued_by(i.leaf, i.authority, NOW));
        ck_assert(!certificate_is_issued_by(i.leaf, other.authority, NOW));
        ck_assert(!certificate_is_issued_by(i.leaf, i.authority, NOW + 398 * USEC_PER_DAY));
        ck_assert(!certificate_is_issued_by(i.leaf, i.authority, NOW - USEC_PER_DAY));
        ck_assert(certificate_is_valid_at(i.leaf, NOW));
        ck_assert(!certificate_is_valid_at(i.leaf, NOW + 398 * USEC_PER_DAY));
        ck_assert(!certificate_is_valid_at(i.leaf, NOW - USEC_PER_DAY));
        issued_end(&i);
        issued_end(&other);
}
END_TEST

START_TEST(what_is_no_certificate)
{
        static const char begun[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        Certificate *c = NULL;

        ck_assert_int_eq(certificate_parse(&c, "", 0), -EBADMSG);
        ck_assert_int_eq(certificate_parse(&c, "text", 4), -EBADMSG);
        ck_assert_int_eq(certificate_parse(&c, begun, sizeof(begun) - 1), -EBADMSG);
        ck_assert_ptr_null(c);
        ck_assert_ptr_null(certificate_copy(NULL));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/certificate");
        TCase *c = suite_case(s, "certificates");

        tcase_add_test(c, what_it_says_can_be_read);
        tcase_add_test(c, thumbprints_are_compared_however_they_are_written);
        tcase_add_test(c, an_authority_stands_behind_its_own);
        tcase_add_test(c, what_is_no_certificate);
        return suite_run(s);
}
