/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Method names - who answers to what
 *
 * One responder a name. Those built in come first and stay; those of the settings come and go with them, however many
 * they are. The rest is registered by clients of the bus, each until it leaves, and bounded: one user does not get all
 * names, and some are left to root. A name that has a responder is given to no other.
 *
 * Owns:   the rows, in the order of their names.
 */

#include "model/method-desk.h"

#define METHOD_NAMES_MAX        512 /* registered, in all */
#define METHOD_NAMES_CLIENT_MAX 64  /* by one client */
#define METHOD_NAMES_USER_MAX   128 /* by the clients of one user, root excepted */
#define METHOD_NAMES_ROOT       64  /* that root alone may register */

/* A method of the daemon's own, or one for which it starts a unit. To be answered with methods_answer(), within this or
 * later. json: as it came, "" for nothing, else checked to be JSON. */
typedef void (*BuiltinFn)(void *userdata, const char *json, size_t size, uint64_t call);

typedef struct MethodName {
        char *name;
        ResponderKind kind;
        char *responder; /* bus name, or that of a unit; "" where we answer */
        char *user;      /* who registered it; "": unknown, or it was not registered */
        BuiltinFn run;   /* NULL: the bus is asked */
        void *run_userdata;
        uint64_t calls, failures, late;
        bool stale; /* method_names_sweep() takes it */
} MethodName;

typedef struct MethodNames {
        MethodName *rows;
        size_t n;
        uint64_t changes; /* how often a row came or went */
} MethodNames;

enum {
        _METHOD_NAMES_E_SUCCESS,
        METHOD_NAMES_E_TAKEN, /* another has it */
        METHOD_NAMES_E_FULL,
};

void method_names_done(MethodNames *names);
MethodName *method_names_find(const MethodNames *names, const char *name); /* NULL: nobody answers to it */
/* The texts of row are copied. 0, also when the same responder has it already; METHOD_NAMES_E_..., -ENOMEM. */
int method_names_add(MethodNames *names, const MethodName *row);
void method_names_remove(MethodNames *names, MethodName *row);
void method_names_sweep(MethodNames *names); /* removes those that are stale */
