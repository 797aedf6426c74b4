/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/login.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "azure/connection-string.h"
#include "base/secret.h"
#include "explorer/endpoints.h"
#include "explorer/file.h"
#include "explorer/output.h"

#define FILE_MAX 4096

void login_done(Login *l)
{
        free(l->host);
        free(l->policy);
        secret_free(l->key);
        free(l->ca_file);
        free(l->address);
        *l = (Login){};
}

/* from: for the complaint, since the text itself is never shown. */
static int take(Login *l, const char *text, const char *from)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *why;
        int r = connection_string_parse(text, &cs, &why);

        if (r == -ENOMEM)
                return out_of_memory();
        if (r < 0) {
                complain("%s is not a connection string: %s", from, why);
                return EXPLORER_USAGE;
        }
        if (cs->device_id) {
                complain("%s is the connection string of a device: this program is the service side, and needs that of "
                         "a policy, with SharedAccessKeyName",
                         from);
                return EXPLORER_USAGE;
        }
        if (!cs->shared_access_key) {
                complain("%s has no SharedAccessKey: the service side logs in with a policy and its key", from);
                return EXPLORER_USAGE;
        }
        l->host = TAKE_PTR(cs->host_name);
        l->policy = TAKE_PTR(cs->shared_access_key_name);
        l->key = TAKE_PTR(cs->shared_access_key);
        return EXPLORER_OK;
}

/* ---- a file ---- */

static int check_owner(const char *path, const struct stat *st)
{
        if (!S_ISREG(st->st_mode))
                complain("%s is no regular file", path);
        else if (st->st_mode & 077)
                complain("others can read %s (mode %04o), so its key may be known to them: chmod 0600 %s, and better "
                         "give the policy a new key",
                         path, (unsigned)(st->st_mode & 07777), path);
        else if (st->st_uid != 0 && st->st_uid != geteuid())
                complain("%s belongs to user %u, who can change it: a login must be your own file", path,
                         (unsigned)st->st_uid);
        else
                return EXPLORER_OK;
        return EXPLORER_USAGE;
}

static int take_file(Login *l, const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0) {
                complain("--login-file: %s cannot be read: %s", path, strerror(errno));
                return EXPLORER_FAILED;
        }
        r = check_owner(path, &st);
        if (r != EXPLORER_OK)
                return r;
        r = file_read(&text, fd, FILE_MAX);
        if (r < 0) {
                complain("--login-file: %s cannot be read: %s", path, strerror(-r));
                return EXPLORER_USAGE;
        }
        return take(l, text.data ?: "", path);
}

/* ---- all of it ---- */

static int take_login(Login *l, const LoginSources *s, const char *devhubs_own)
{
        if (s->login)
                return take(l, s->login, "what --login says");
        if (s->login_file)
                return take_file(l, s->login_file);
        if (devhubs_own)
                return take(l, devhubs_own, "what the devhub's endpoints.json says");
        if (s->environment)
                return take(l, s->environment, "what HUBLINK_LOGIN says");
        complain("which hub, and as whom? Give the connection string of a policy with --login-file FILE, HUBLINK_LOGIN "
                 "or --login, or the folder of a devhub with --devhub DIR");
        return EXPLORER_USAGE;
}

static int find(const LoginSources *s, Login *l)
{
        _cleanup_(endpoints_done) Endpoints devhub = {};
        int r;

        if (s->login && s->login_file) {
                complain("--login and --login-file say the same thing twice: give one");
                return EXPLORER_USAGE;
        }
        r = s->devhub ? endpoints_read(s->devhub, &devhub) : EXPLORER_OK;
        if (r == EXPLORER_OK)
                r = take_login(l, s, devhub.login);
        if (r != EXPLORER_OK)
                return r;
        if (s->devhub && strcasecmp(l->host, devhub.host) != 0) {
                complain("the login is for %s, but the devhub in %s is %s", l->host, s->devhub, devhub.host);
                return EXPLORER_USAGE;
        }
        l->https_port = s->devhub ? devhub.https_port : LOGIN_HTTPS_PORT;
        l->amqps_port = s->devhub ? devhub.amqps_port : LOGIN_AMQPS_PORT;
        l->address = TAKE_PTR(devhub.address);
        l->ca_file = s->ca_file ? strdup(s->ca_file) : TAKE_PTR(devhub.ca_file);
        return s->ca_file && !l->ca_file ? out_of_memory() : EXPLORER_OK;
}

int login_find(const LoginSources *sources, Login *ret)
{
        int r;

        *ret = (Login){};
        r = find(sources, ret);
        if (r != EXPLORER_OK)
                login_done(ret);
        return r;
}
