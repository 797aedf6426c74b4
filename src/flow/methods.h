/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Methods - direct methods, from whoever calls to whoever answers
 *
 * The hub calls, and local users do; built-in functions answer, services that registered a name, and services that the
 * bus starts when they are asked. Every call gets exactly one answer in its time: the responder's if it is one, or else
 * one of ours that says what went wrong. What a responder says after that is counted and dropped.
 *
 * The bus keeps a place for each answer that it still expects, and gives us 128 of them. So calls that wait are
 * bounded, and so are answers that a responder still owes: with too many of those it is asked no more until it answers
 * or leaves. Who owes nothing does not pay for the others as long as there is a place.
 *
 * Owns:   the names, the calls that wait, and those whose answer is owed.
 * Knows:  the bus only as a ResponderPort.
 * Time:   boot clock; it wants to be ticked. Wall clock for the audit.
 */

#include "base/ticker.h"
#include "flow/audit.h"
#include "flow/method-names.h"
#include "model/message.h"

#define METHODS_WAITING_MAX     64 /* on the bus, at a time */
#define METHODS_OWED_MAX        48 /* answers that responders owe, in all, until those who do are asked no more */
#define METHODS_OWED_ONE_MAX    16 /* that one of them owes */
#define METHODS_CALLS_MAX       256
#define METHODS_TIMEOUT_DEFAULT (25 * USEC_PER_SEC)

typedef struct MethodsSettings {
        usec_t timeout_usec; /* until a call is answered, where the caller names no time: the hub never does */
        char *allow;         /* what the hub may call, blanks between; NULL: everything */
        Property *registrants; /* name of a method, and the user who alone may register it */
        size_t n_registrants;
        Property *services; /* name of a method, and the bus name of the service that answers to it */
        size_t n_services;
} MethodsSettings;

/* A method that the settings give to us: we start a unit for it, or answer ourselves. */
typedef struct MethodCommand {
        const char *method;
        const char *unit; /* "": none */
        void *userdata;   /* for run(); the same as long as the command is there */
} MethodCommand;

typedef struct Methods Methods;

/* settings are borrowed until others come. audit is borrowed. */
int methods_new(Methods **ret, const MethodsSettings *settings, const Clock *clock, Audit *audit,
                const ResponderPort *port);
/* All who wait are answered; nobody is asked any more. */
void methods_stop(Methods *m);
Methods *methods_free(Methods *m);
DEFINE_CLEANUP(Methods *, methods_free);
/* -ENOMEM: some of what was added is not there. */
int methods_configure(Methods *m, const MethodsSettings *settings);
Ticker methods_ticker(Methods *m);

/* One of the daemon's own. Before any other has the name. */
int methods_add_builtin(Methods *m, const char *name, BuiltinFn run, void *userdata);
/* Those that units answer, or we, in place of all of the kind that were. Settings that are good have no name twice, so
 * one that another kind has by those of before moves. -ENOMEM: some are not there. */
int methods_configure_units(Methods *m, const MethodCommand *commands, size_t n, BuiltinFn run);
int methods_configure_commands(Methods *m, const MethodCommand *commands, size_t n, BuiltinFn run);
void methods_answer(Methods *m, uint64_t call, int status, const char *json);

/* The hub calls. Exactly one answer, within this or later. */
void methods_call(Methods *m, const MethodCall *call, MethodAnswerFn answer, void *userdata);
/* An answer found no way back: the connection of the call is gone. Counted as late. */
void methods_not_delivered(Methods *m, const char *name);
/* What the hub called was no call, and was answered so. name: "" where it was none. */
void methods_refused(Methods *m, const char *name, int status);

uint64_t methods_changes(const Methods *m); /* how often a name came or went */
MethodDesk methods_desk(Methods *m);
