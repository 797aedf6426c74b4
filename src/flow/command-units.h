/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Command units - direct methods and cloud messages that start a unit of systemd
 *
 * What the settings call a command is a unit, hublink-command@NAME.service. It gets its argument in a file, answers by
 * its exit status, and by another file if it has more to say. Of each command one run is under way at a time: a call
 * that comes meanwhile is answered METHOD_BUSY, a message waits in the inbox. A run that is not over by its deadline is
 * stopped, and answered METHOD_TIMEOUT.
 *
 * A message is taken from the inbox as a local service would, which is on the disk before the unit is started. So one
 * whose run was cut off, by a reboot that it asked for too, comes back marked; and it is rejected, unless the settings
 * say that the command may as well be done twice.
 *
 * Owns:   what is known of each run.
 * Knows:  systemd, the files and the inbox as rows of functions. Pure.
 * Time:   boot clock; it wants to be ticked.
 */

#include "base/buffer.h"
#include "base/ticker.h"
#include "model/inbox-desk.h"
#include "model/name.h"
#include "model/unit-port.h"

#define COMMAND_UNITS_MAX 64

#define COMMAND_UNIT_PREFIX "hublink-command@"
#define COMMAND_UNIT_SUFFIX ".service"
#define COMMAND_UNIT_MAX    (sizeof(COMMAND_UNIT_PREFIX COMMAND_UNIT_SUFFIX) + NAME_LENGTH_MAX)

typedef struct CommandUnitSettings {
        Name name;
        char *method; /* that starts it; NULL: none */
        usec_t timeout_usec;
        bool idempotent; /* done twice is as good as once */
        Property *c2d;   /* a message that has all these properties starts it; none: no message does */
        size_t n_c2d;
} CommandUnitSettings;

void command_unit_name(const char *name, char ret[static COMMAND_UNIT_MAX]);

/* Which answer lay there before a run, so that it is not taken for the run's own. All zero: none did. */
typedef struct CommandMark {
        uint64_t inode;
        int64_t sec, nsec;
} CommandMark;

enum {
        _COMMAND_E_SUCCESS,
        COMMAND_E_NONE, /* the run left no answer */
};

typedef struct CommandFiles {
        int (*put_request)(void *userdata, const char *name, const char *json, size_t size, CommandMark *ret);
        /* Appends it. COMMAND_E_NONE; -EFBIG: it has more than METHOD_PAYLOAD_MAX. */
        int (*get_response)(void *userdata, const char *name, const CommandMark *mark, Buffer *b);
        void *userdata;
} CommandFiles;

typedef struct CommandPeers {
        UnitPort units;
        CommandFiles files;
        InboxDesk inbox;
        void (*answer)(void *userdata, uint64_t call, int status, const char *json); /* of a method */
        void *userdata;
} CommandPeers;

typedef struct CommandUnits CommandUnits;
typedef struct CommandUnit CommandUnit;

int command_units_new(CommandUnits **ret, const Clock *clock, const CommandPeers *peers);
/* Nothing begins any more, and nobody is told how what is under way ends; it goes on. */
void command_units_stop(CommandUnits *c);
CommandUnits *command_units_free(CommandUnits *c); /* after the inbox, which answers what was asked of it */
DEFINE_CLEANUP(CommandUnits *, command_units_free);

/* Borrowed until others come. What is under way goes on to its end. -ENOMEM: those of before count. */
int command_units_configure(CommandUnits *c, const CommandUnitSettings *settings, size_t n);
Ticker command_units_ticker(CommandUnits *c);

/* That of this name in the settings: to be called, until others come. */
CommandUnit *command_units_find(const CommandUnits *c, const char *name);
/* As BuiltinFn of the methods; userdata: a CommandUnit. */
void command_unit_call(void *userdata, const char *json, size_t size, uint64_t call);

int command_units_begins(CommandUnits *c, uint64_t run);                     /* UnitSink.begins() */
void command_units_ended(CommandUnits *c, uint64_t run, const UnitEnd *end); /* UnitSink.ended() */
void command_units_arrived(CommandUnits *c);                                 /* InboxSink.arrived() */
