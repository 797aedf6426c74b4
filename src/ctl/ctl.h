/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The commands of hublinkctl. Each parses its own options and returns the program's exit code.
 */

#include "base/json.h"
#include "base/screen.h"
#include "ctl/client.h"

#define TIMEOUT_DEFAULT USEC_PER_MIN

/* Options that every command takes. */
typedef struct Options {
        const char *bus;    /* "system", "session" or an address */
        const char *config; /* NULL: hublinkd's own default */
        bool json;
} Options;

typedef struct Command {
        const char *name;
        const char *arguments;
        const char *help;
        int (*run)(const Options *options, int argc, char **argv); /* argv[0]: the command's name */
} Command;

int command_status(const Options *options, int argc, char **argv);
int command_watch(const Options *options, int argc, char **argv);
int command_sensors(const Options *options, int argc, char **argv);
int command_scan(const Options *options, int argc, char **argv);
int command_submit(const Options *options, int argc, char **argv);
int command_submit_message(const Options *options, int argc, char **argv);
int command_flush(const Options *options, int argc, char **argv);
int command_reconnect(const Options *options, int argc, char **argv);
int command_setup(const Options *options, int argc, char **argv);
int command_doctor(const Options *options, int argc, char **argv);
int command_check(const Options *options, int argc, char **argv);
int command_dead_letters(const Options *options, int argc, char **argv);
int command_inbox(const Options *options, int argc, char **argv);
int command_twin(const Options *options, int argc, char **argv);
int command_methods(const Options *options, int argc, char **argv);
int command_call(const Options *options, int argc, char **argv);
int command_audit(const Options *options, int argc, char **argv);
int command_queue(const Options *options, int argc, char **argv);
int command_rules(const Options *options, int argc, char **argv);
int command_queue_stats(const Options *options, int argc, char **argv);

/* what they share */

int usage(const char *command, const char *fmt, ...) _printf_(2, 3); /* says it, returns CTL_USAGE */
int no_arguments(int argc, char **argv);                             /* CTL_OK or CTL_USAGE */
/* Those of a group: `queue stats`. They are run with the group's name as argv[0]. */
int run_group(const Command *rows, size_t n_rows, const Options *options, int argc, char **argv);
/* Of a command without options of its own: at most so many words, from argv[optind] on; what stands behind -- is none
 * of the options. what: the command in words. CTL_OK or CTL_USAGE. */
int parse_words(const char *command, const char *what, int argc, char **argv, int most);
int parse_span(const char *command, const char *text, usec_t *ret);  /* CTL_OK or CTL_USAGE */
/* The text of the argument, or of standard input where it is "-": at most so many bytes. */
int read_argument(const char *argument, size_t most, Buffer *b);
int print_buffer(Buffer *b);                                         /* to standard output, and done with */

void put_json_text(Buffer *b, const char *name, const char *value); /* "name":"value", */
void put_json_properties(Buffer *b, const Property *properties, size_t n); /* ,"properties":{...} */
/* ,"body":"..."; ,"body_base64":"..." of one that is no text */
void put_json_body(Buffer *b, const void *body, size_t size);
void put_value(Buffer *b, const Value *v);       /* as a person reads it */
void put_values(Buffer *b, const SensorInfo *s); /* "temperature=48.31 Cel humidity=40 %RH" */
void put_counts(Buffer *b, const Counts *c);           /* "expired 3, damaged 1": those that are not 0 */
void put_counts_json(Buffer *b, const Counts *c);      /* an object */
void put_sensor_json(Buffer *b, const SensorInfo *s);  /* an object */
void put_sensors_json(Buffer *b, const SensorList *l); /* an array */
/* Channels in alarm are marked. */
void print_sensors(const Screen *screen, const SensorList *l, const AlarmList *alarms);

/* --watch: from follow_begin() on Ctrl-C ends follow() and not the program. */
void follow_begin(void);
/* Gives what the client listens to until then (CLOCK_BOOTTIME), until Ctrl-C or *over (NULL: never), or until the
 * daemon leaves. */
int follow(Client *client, usec_t until, const bool *over);
/* The options of a command that looks, and then may follow: --watch, and --for a time. what: the command in words. */
int follow_parse(const char *command, const char *what, int argc, char **argv, bool *ret_watch, usec_t *ret_until);

/* Waits until every record of a receipt has its outcome. Begin before the records are handed in: what is
 * told between stays queued on the connection until settling_wait(). */
typedef struct Settling {
        Client *client;
        const Receipt *receipt;
        uint64_t n_acknowledged, n_other;
        char reason[64]; /* of the latest other outcome */
} Settling;

int settling_begin(Settling *s, Client *client);
int settling_wait(Settling *s, const Receipt *receipt, usec_t timeout_usec);
/* Hands the records' names, and with settling their fate, to whoever called. */
int print_receipt(const Options *options, const Receipt *receipt, const Settling *settling);
