/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who answers to what: the names of the settings, of clients that register, and of ourselves. And the desk at which
 * local services ask for it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/methods-core.h"
#include "model/name.h"

int methods_add_builtin(Methods *m, const char *name, BuiltinFn run, void *userdata)
{
        int r = method_names_add(&m->names, &(MethodName){
                                                    .name = (char *)(uintptr_t)name,
                                                    .kind = RESPONDER_BUILTIN,
                                                    .run = run,
                                                    .run_userdata = userdata,
                                            });

        return r > 0 ? -EEXIST : r;
}

/* ---- the settings ---- */

/* The user who alone may register this name; NULL: anybody who may register at all. */
static const char *registrant_of(const MethodsSettings *s, const char *name)
{
        for (size_t i = 0; i < s->n_registrants; i++)
                if (strcmp(s->registrants[i].name, name) == 0)
                        return s->registrants[i].value;
        return NULL;
}

static const char *service_of(const MethodsSettings *s, const char *name)
{
        for (size_t i = 0; i < s->n_services; i++)
                if (strcmp(s->services[i].name, name) == 0)
                        return s->services[i].value;
        return NULL;
}

static void tell_taken_away(const MethodName *row)
{
        log_notice("Method %s: the settings give it to another; %s does not have it any more.", row->name,
                   row->responder);
}

/* A name of the settings is theirs: whoever registered it loses it, and so does what has it by the settings of before,
 * be it of another kind, whose turn comes later. */
static void make_way(Methods *m, const MethodName *row)
{
        MethodName *there = method_names_find(&m->names, row->name);

        if (!there || there->kind == RESPONDER_BUILTIN ||
            (there->kind == row->kind && strcmp(there->responder, row->responder) == 0))
                return;
        if (there->kind == RESPONDER_REGISTERED)
                tell_taken_away(there);
        method_names_remove(&m->names, there);
}

static int settle(Methods *m, const MethodName *row)
{
        int r;

        make_way(m, row);
        r = method_names_add(&m->names, row);
        if (r > 0)
                log_warning("Method %s is built in: %s is not asked for it.", row->name,
                            row->responder && *row->responder ? row->responder : "the command of the settings");
        return r < 0 ? r : 0;
}

/* ---- services, and who may register ---- */

/* Does the row still have its name by these settings? */
static bool is_settled(const MethodName *row, const MethodsSettings *s)
{
        const char *service = service_of(s, row->name), *user = registrant_of(s, row->name);

        if (row->kind == RESPONDER_ACTIVATED)
                return service && strcmp(service, row->responder) == 0;
        return row->kind != RESPONDER_REGISTERED || !user || strcmp(user, row->user) == 0;
}

int methods_configure(Methods *m, const MethodsSettings *settings)
{
        int r = 0;

        m->settings = settings;
        for (size_t i = 0; i < m->names.n; i++) {
                MethodName *row = &m->names.rows[i];

                row->stale = !is_settled(row, settings);
                if (row->stale && row->kind == RESPONDER_REGISTERED)
                        tell_taken_away(row);
        }
        method_names_sweep(&m->names);
        for (size_t i = 0; i < settings->n_services && r >= 0; i++)
                r = settle(m, &(MethodName){
                                      .name = settings->services[i].name,
                                      .kind = RESPONDER_ACTIVATED,
                                      .responder = settings->services[i].value,
                              });
        return r;
}

/* ---- commands ---- */

static bool has_command(const MethodCommand *commands, size_t n, const MethodName *row)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(commands[i].method, row->name) == 0 && strcmp(commands[i].unit, row->responder) == 0)
                        return true;
        return false;
}

static int configure_commands(Methods *m, ResponderKind kind, const MethodCommand *commands, size_t n, BuiltinFn run)
{
        int r = 0;

        for (size_t i = 0; i < m->names.n; i++)
                m->names.rows[i].stale = m->names.rows[i].kind == kind &&
                                         !has_command(commands, n, &m->names.rows[i]);
        method_names_sweep(&m->names);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = settle(m, &(MethodName){
                                      .name = (char *)(uintptr_t)commands[i].method,
                                      .kind = kind,
                                      .responder = (char *)(uintptr_t)commands[i].unit,
                                      .run = run,
                                      .run_userdata = commands[i].userdata,
                              });
        return r;
}

int methods_configure_units(Methods *m, const MethodCommand *commands, size_t n, BuiltinFn run)
{
        return configure_commands(m, RESPONDER_UNIT, commands, n, run);
}

int methods_configure_commands(Methods *m, const MethodCommand *commands, size_t n, BuiltinFn run)
{
        return configure_commands(m, RESPONDER_COMMAND, commands, n, run);
}

/* ---- clients ---- */

typedef struct Verdict {
        RequestError error;
        char text[512];
} Verdict;

static void judge(const Methods *m, const char *name, const char *user, Verdict *v)
{
        const char *wanted = registrant_of(m->settings, name);

        *v = (Verdict){};
        if (!name_is_of_method(name)) {
                v->error = REQUEST_BAD_VALUE;
                (void)snprintf(v->text, sizeof(v->text), METHOD_NAME_FAULT);
        } else if (m->stopped) {
                v->error = REQUEST_BUSY;
                (void)snprintf(v->text, sizeof(v->text), "hublinkd is stopping.");
        } else if (wanted && (!user || strcmp(wanted, user) != 0)) {
                v->error = REQUEST_NOT_OWNER;
                (void)snprintf(v->text, sizeof(v->text),
                               "Method %s is for user %s alone (methods.registrants); you are %s.", name, wanted,
                               user ?: "unknown");
        }
}

static void judge_added(const Methods *m, const char *name, int r, Verdict *v)
{
        const MethodName *row = method_names_find(&m->names, name);

        if (r == METHOD_NAMES_E_TAKEN && row) {
                v->error = REQUEST_NOT_OWNER;
                (void)snprintf(v->text, sizeof(v->text), "Method %s is answered by %s already.", name,
                               *row->responder ? row->responder : "hublinkd itself");
        } else {
                v->error = REQUEST_BUSY;
                (void)snprintf(v->text, sizeof(v->text),
                               r < 0 ? "Out of memory."
                                     : "Too many methods are registered: at most %d by one client, %d by one user, "
                                       "%d in all, of which %d are root's.",
                               METHOD_NAMES_CLIENT_MAX, METHOD_NAMES_USER_MAX, METHOD_NAMES_MAX, METHOD_NAMES_ROOT);
        }
}

static void on_register(void *userdata, const char *name, const char *client, const char *user, DoneFn done,
                        void *done_userdata)
{
        Methods *m = userdata;
        Verdict v;
        int r;

        judge(m, name, user, &v);
        if (v.error == REQUEST_OK) {
                r = method_names_add(&m->names, &(MethodName){
                                                        .name = (char *)(uintptr_t)name,
                                                        .kind = RESPONDER_REGISTERED,
                                                        .responder = (char *)(uintptr_t)client,
                                                        .user = (char *)(uintptr_t)user,
                                                });
                if (r != 0)
                        judge_added(m, name, r, &v);
        }
        done(done_userdata, v.error, v.text);
}

static void on_unregister(void *userdata, const char *name, const char *client, DoneFn done, void *done_userdata)
{
        Methods *m = userdata;
        MethodName *row = method_names_find(&m->names, name);
        char text[METHOD_NAME_MAX + 64];

        if (row && row->kind == RESPONDER_REGISTERED && strcmp(row->responder, client) == 0) {
                method_names_remove(&m->names, row); /* what was asked of it, it may still answer */
                done(done_userdata, REQUEST_OK, NULL);
                return;
        }
        (void)snprintf(text, sizeof(text), "You have not registered %s.",
                       name_is_of_method(name) ? name : "a method of that name");
        done(done_userdata, REQUEST_NOT_OWNER, text);
}

static bool on_has(void *userdata, const char *client)
{
        const Methods *m = userdata;

        for (size_t i = 0; i < m->names.n; i++)
                if (m->names.rows[i].kind == RESPONDER_REGISTERED && strcmp(m->names.rows[i].responder, client) == 0)
                        return true;
        return methods_is_owed_by(m, client);
}

static void on_left(void *userdata, const char *client)
{
        Methods *m = userdata;

        for (size_t i = m->names.n; i-- > 0;)
                if (m->names.rows[i].kind == RESPONDER_REGISTERED && strcmp(m->names.rows[i].responder, client) == 0)
                        method_names_remove(&m->names, &m->names.rows[i]);
        methods_forget(m, client);
}

/* ---- the desk ---- */

static void on_list(void *userdata, const MethodInfo **ret, size_t *ret_n)
{
        Methods *m = userdata;
        MethodInfo *infos = reallocarray(m->infos, m->names.n + 1, sizeof(*infos));

        *ret_n = 0;
        if (!infos)
                return;
        *ret = m->infos = infos;
        for (size_t i = 0; i < m->names.n; i++) {
                const MethodName *row = &m->names.rows[i];

                infos[(*ret_n)++] = (MethodInfo){
                        .name = row->name,
                        .kind = row->kind,
                        .responder = row->responder,
                        .calls = row->calls,
                        .failures = row->failures,
                        .late = row->late,
                };
        }
}

static void on_call(void *userdata, const char *name, const char *json, usec_t timeout_usec, const char *caller,
                    MethodAnswerFn answer, void *answer_userdata)
{
        methods_call_here(userdata, name, json, timeout_usec, caller, answer, answer_userdata);
}

static void on_answered(void *userdata, uint64_t call, int error, int status, const char *json)
{
        methods_answered(userdata, call, error, status, json);
}

uint64_t methods_changes(const Methods *m)
{
        return m->names.changes;
}

MethodDesk methods_desk(Methods *m)
{
        return (MethodDesk){on_register, on_unregister, on_list, on_call, on_has, on_left, on_answered, m};
}
