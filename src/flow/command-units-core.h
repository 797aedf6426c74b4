/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the command units, for the files that they are made of
 *
 * command-units.c    runs, from the call to the one answer, and their deadlines
 * command-letters.c  messages that start one, from the inbox and out of it
 */

#include "base/throttle.h"
#include "flow/command-units.h"

#define COMMAND_LOOK_INTERVAL  USEC_PER_SEC       /* into an inbox that is busy */
#define COMMAND_TURN_INTERVAL  USEC_PER_MIN       /* where none can be taken */
/* Of a unit that somebody else started, of an end that is not stored. */
#define COMMAND_RETRY_INTERVAL (5 * USEC_PER_SEC)
#define COMMAND_TELL_INTERVAL  (10 * USEC_PER_MIN) /* between two lines of the same kind in the log */
#define COMMAND_WORDS_MAX      512

/* One start of its unit. */
typedef struct CommandRun {
        uint64_t id; /* 0: none is under way */
        bool of_letter;
        uint64_t call; /* of a method, else */
        usec_t timeout_usec, deadline_usec;
        Buffer request; /* until it begins */
        CommandMark mark;
} CommandRun;

typedef enum LetterState {
        LETTER_NONE,
        LETTER_CHOSEN,
        LETTER_TAKING,  /* asked for */
        LETTER_WAITING, /* ours, until the unit is free */
        LETTER_RUNNING,
        LETTER_ENDING, /* on its way out of the inbox */
} LetterState;

/* A message that is for this unit. */
typedef struct CommandLetter {
        LetterState state;
        uint64_t id;
        Buffer request;
        bool well; /* how it ended */
        char reason[COMMAND_WORDS_MAX];
        usec_t again_at; /* waiting, or ending: not before; USEC_INFINITY: it is on its way */
} CommandLetter;

struct CommandUnit {
        CommandUnits *owner;
        CommandUnit *next;
        Name name;
        char unit[COMMAND_UNIT_MAX];
        const CommandUnitSettings *settings; /* NULL: they have it no more */
        const CommandUnitSettings *next_settings;
        CommandRun run;
        CommandLetter letter;
        uint64_t passed; /* a message that could not be taken: those behind it come first; 0: none */
};

struct CommandUnits {
        const Clock *clock;
        CommandPeers peers;
        CommandUnit *units; /* in the order of their names */
        uint64_t last_run;
        usec_t look_at; /* into the inbox; USEC_INFINITY: nothing is new there */
        bool stopped;
        Throttle told_refused, told_stopped, told_answer;
};

/* What came of a run, or why there was none. */
typedef struct CommandVerdict {
        int status;                    /* model/method-desk.h */
        char words[COMMAND_WORDS_MAX]; /* of what went wrong */
} CommandVerdict;

/* command-units.c */
void command_run_begin(CommandUnit *u, const char *json, size_t size, bool of_letter, uint64_t call);

/* command-letters.c */
void command_letter_ran(CommandUnit *u, const CommandVerdict *v); /* the run that it started is over */
usec_t command_letters_deadline(const CommandUnits *c);
void command_letters_tick(CommandUnits *c, usec_t now);
