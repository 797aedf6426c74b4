/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Credential: is it there, for the daemon and nobody else, and is it one? Nothing of it is ever shown but the names in
 * it.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "azure/connection-string.h"
#include "base/file.h"
#include "base/quantity.h"
#include "base/secret.h"
#include "ctl/access.h"
#include "ctl/doctor.h"
#include "ctl/tool.h"
#include "daemon/credential.h"
#include "hub/assignment.h"

#define CREDENTIAL_MAX 4096

#define WHY "Without it hublinkd collects and queues, and sends nothing."

/* What setup has encrypted is opened by a unit of its own: of that the path of what is encrypted. */
static bool is_sealed(const UnitCredential *c, const char *name, char path[static PATH_MAX])
{
        char opened[PATH_MAX];

        if (c->kind == UNIT_CREDENTIAL_LOAD_ENCRYPTED)
                return true;
        (void)snprintf(opened, sizeof(opened), ACCESS_OPENED, name);
        if (strcmp(path, opened) != 0)
                return false;
        (void)snprintf(path, PATH_MAX, "/etc/hublink/%s.cred", name);
        return true;
}

/* The path that the unit hands over under the name; 0; -ENOENT: the unit gives none; -EACCES: it is encrypted; -EEXIST:
 * it is in the unit itself. */
static int find_in_unit(const Doctor *d, const char *name, char path[static PATH_MAX])
{
        char named[PATH_MAX];
        UnitCredential c;
        bool sealed;

        if (unit_files_credential(&d->unit, name, &c) == UNIT_CREDENTIAL_NONE)
                return -ENOENT;
        if (c.kind == UNIT_CREDENTIAL_SET || c.kind == UNIT_CREDENTIAL_SET_ENCRYPTED)
                return -EEXIST;
        (void)snprintf(named, sizeof(named), "%s", c.path);
        sealed = is_sealed(&c, name, named);
        doctor_place(d, named, path);
        return !sealed || (access(path, F_OK) < 0 && errno == ENOENT) ? 0 : -EACCES;
}

static void look_at_rights(Doctor *d, const char *path, bool by_systemd)
{
        struct stat st;
        int r;

        if (stat(path, &st) < 0)
                return;
        if (st.st_mode & 077) {
                char remedy[PATH_MAX + 128];

                (void)snprintf(remedy, sizeof(remedy), "chmod 0600 %s; and better give the device a new key at the hub",
                               path);
                doctor_tell(d, VERDICT_PROBLEM, "credential-open",
                            (Advice){by_systemd ? "Whoever has the key can speak to the hub as this device."
                                                : "Whoever has the key can speak to the hub as this device; hublinkd "
                                                  "does not use such a file.",
                                     remedy},
                            "%s can be read by others (mode %04o)", path, (unsigned)(st.st_mode & 07777));
                return;
        }
        r = by_systemd ? 0 : doctor_as_daemon(d, may_read, path);
        if (r == -ENOTSUP)
                doctor_unseen(d, "credential-rights", "whether user hublink can read %s, only root can look", path);
        else if (r < 0) {
                char remedy[PATH_MAX + 64];

                (void)snprintf(remedy, sizeof(remedy),
                               "chown hublink: %s; and all folders above it must let hublink pass", path);
                doctor_tell(d, VERDICT_PROBLEM, "credential-rights", (Advice){WHY, remedy},
                            "user hublink cannot read %s: %s", path, strerror(-r));
        } else
                doctor_well(d, "credential-rights", "%s is for the daemon alone", path);
}

/* ---- what is in it ---- */

static void look_at_string(Doctor *d, const char *path, const char *text)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *error = "it has no DeviceId: it is a service's";
        int r = connection_string_parse(text, &cs, &error);

        if (r == 0 && cs->device_id && cs->shared_access_key) {
                doctor_well(d, "credential", "%s is for device %s of %s", path, cs->device_id, cs->host_name);
                d->hub = strdup(cs->gateway_host_name ?: cs->host_name);
                return;
        }
        if (r == 0 && cs->device_id)
                error = "it has no SharedAccessKey";
        doctor_tell(d, VERDICT_PROBLEM, "credential-malformed",
                    (Advice){WHY, "Copy the device's primary connection string again: "
                                  "HostName=...;DeviceId=...;SharedAccessKey=..."},
                    "%s holds no connection string: %s", path, error);
}

static void look_at_key(Doctor *d, const char *path, const char *text)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        _cleanup_free_ char *error = NULL;
        int r = credential_of_key(text, path, &cs, &error);

        if (r == 0)
                doctor_well(d, "credential", "%s holds a key for the provisioning service", path);
        else
                doctor_tell(d, VERDICT_PROBLEM, "credential-malformed",
                            (Advice){WHY, "Copy the enrollment's primary key again: it is base64, on one line."}, "%s",
                            error ?: strerror(ENOMEM));
}

static void look_at_text(Doctor *d, const char *path, const char *text)
{
        if (d->settings->hub.dps.id_scope)
                look_at_key(d, path, text);
        else
                look_at_string(d, path, text);
}

static void look_into_sealed(Doctor *d, const char *name, const char *path)
{
        char option[128];
        const char *const command[] = {"systemd-creds", "decrypt", option, path, "-", NULL};
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;

        if (*d->root || geteuid() != 0) {
                doctor_unseen(d, "credential", "%s is encrypted: only root on its machine can open it", path);
                return;
        }
        (void)snprintf(option, sizeof(option), "--name=%s", name);
        if (tool_run(command, NULL, NULL, &text) == 0)
                look_at_text(d, path, text.data ?: "");
        else
                doctor_tell(d, VERDICT_PROBLEM, "credential-sealed", (Advice){WHY, "hublinkctl setup stores it anew."},
                            "%s cannot be decrypted here: it was encrypted for another machine, another board, or a "
                            "TPM that was reset", path);
}

static void look_into(Doctor *d, const char *path, bool by_systemd)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        int r = fd < 0 ? -errno : file_read(&text, fd, CREDENTIAL_MAX);

        if (r == -ENOENT) {
                doctor_tell(d, VERDICT_PROBLEM, "credential-missing",
                            (Advice){WHY, "hublinkctl setup; or write the device's connection string there, readable "
                                          "by the daemon alone (chmod 0600)"},
                            "there is no credential: %s is not there", path);
                return;
        }
        if (r == -EACCES || r == -EPERM) {
                doctor_unseen(d, "credential", "%s can be read only by root or the daemon; run this as root", path);
                return;
        }
        look_at_rights(d, path, by_systemd);
        if (r < 0)
                doctor_tell(d, VERDICT_PROBLEM, "credential-malformed", (Advice){WHY, "Write it anew."},
                            "%s cannot be read: %s", path,
                            r == -EFBIG || r == -EBADMSG ? "it is no short text" : strerror(-r));
        else
                look_at_text(d, path, text.data ?: "");
}

/* ---- beside it ---- */

/* What the provisioning service said last. */
static void learn_assignment(Doctor *d)
{
        _cleanup_(assignment_freep) Assignment *assignment = NULL;
        _cleanup_free_ char *text = NULL;
        char named[PATH_MAX], path[PATH_MAX];

        (void)snprintf(named, sizeof(named), "%s/assignment", d->state_dir);
        doctor_place(d, named, path);
        if (doctor_read(path, &text) < 0 ||
            assignment_read(&assignment, text, strlen(text)) < 0)
                return;
        d->hub = strdup(assignment->host);
        doctor_well(d, "assignment", "the provisioning service has assigned the hub %s", assignment->host);
}

/* What cannot be looked into here the daemon has read. */
static void learn_from_daemon(Doctor *d)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus status = {};

        if (client_open(&client, d->options->bus) != CTL_OK || !client_try_status(client, &status) || !*status.hub)
                return;
        d->hub = strdup(status.hub);
        doctor_well(d, "credential-in-use", "hublinkd has one for device %s of %s", status.device_id, status.hub);
}

static void look_at_token(Doctor *d)
{
        _cleanup_(buffer_done) Buffer life = BUFFER_NULL;

        quantity_print_time(&life, d->settings->hub.token_life_usec);
        if (buffer_error(&life) < 0)
                return;
        if (d->settings->hub.token_life_usec < 5 * USEC_PER_MIN)
                doctor_tell(d, VERDICT_WARNING, "token-life",
                            (Advice){"A clock that is late by as much makes each token one that has expired.",
                                     "hub.token_life = \"1h\";"},
                            "a token is good for %s only", life.data);
        else
                doctor_well(d, "token-life", "a token is good for %s", life.data);
}

void doctor_credential(Doctor *d)
{
        const char *setting, *file;
        char path[PATH_MAX];
        bool by_systemd;
        int r = 0;

        if (!d->settings) {
                doctor_unseen(d, "credential", "the settings do not tell where it is");
                return;
        }
        file = credential_file(&d->settings->hub, &setting);
        by_systemd = file[0] != '/';
        if (by_systemd)
                r = find_in_unit(d, file, path);
        else
                doctor_place(d, file, path);
        if (by_systemd && d->unit.closed)
                doctor_unseen(d, "credential", "which one the unit hands over, only root can look");
        else if (r == -ENOENT)
                doctor_tell(d, VERDICT_PROBLEM, "credential-missing",
                            (Advice){WHY, "hublinkctl setup; or give one to the unit: LoadCredential=NAME:/PATH "
                                          "(systemctl edit hublinkd)"},
                            "there is no credential: the unit hands over none with the name %s (%s)", file, setting);
        else if (r == -EACCES)
                look_into_sealed(d, file, path);
        else if (r < 0)
                doctor_unseen(d, "credential", "%s is within the unit: only the service can open it", file);
        else
                look_into(d, path, by_systemd);
        if (d->settings->hub.dps.id_scope)
                learn_assignment(d);
        if (!d->hub && d->daemon_runs)
                learn_from_daemon(d);
        look_at_token(d);
}
