/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Value - the kinds of settings: how each is read from a node, written back, and described
 */

#include "base/buffer.h"
#include "daemon/settings-node.h"

typedef struct SettingsRow SettingsRow;

enum {
        _VALUE_E_SUCCESS,
        VALUE_E_UNFIT, /* the node is no such value, or out of range */
};

typedef struct SettingsType {
        /* Fills the member, which is all zero before. VALUE_E_UNFIT leaves it so; *ret_why is set when there
         * is more to say than what was expected. */
        int (*set)(const SettingsRow *row, const Node *node, void *member, char **ret_why);
        void (*print)(const SettingsRow *row, const void *member, Buffer *b); /* as it may stand in a file */
        void (*expect)(const SettingsRow *row, Buffer *b);                    /* "a time from 1s to 1h" */
        bool (*is_unset)(const SettingsRow *row, const void *member); /* nothing to print; NULL: never */
} SettingsType;

extern const SettingsType value_text;    /* char * */
extern const SettingsType value_line;    /* the same without control characters: it goes to the hub */
extern const SettingsType value_word;    /* char *, one of the row's choices */
extern const SettingsType value_path;    /* char *, absolute */
extern const SettingsType value_name;    /* Name */
extern const SettingsType value_methods; /* char *: a list of names of methods, with blanks between */
extern const SettingsType value_service; /* char *, a bus name that is no unique one */
extern const SettingsType value_command; /* char *: the words of a command, with newlines between */
extern const SettingsType value_boolean; /* bool */
extern const SettingsType value_time;    /* usec_t */
extern const SettingsType value_size;    /* uint64_t, bytes */
extern const SettingsType value_integer; /* unsigned of any width */
extern const SettingsType value_hex;     /* the same, shown in hexadecimal */
extern const SettingsType value_real;    /* double */
extern const SettingsType value_bytes;    /* ChipBytes */
extern const SettingsType value_register; /* ChipBytes: of one number, or an array */
extern const SettingsType value_numbers;  /* Numbers */
extern const SettingsType value_curve;    /* Curve */
extern const SettingsType value_names;    /* ChipNames */
extern const SettingsType value_limit;   /* NumberLimit: a number that may be left out */
extern const SettingsType value_span;    /* usec_t: a time that may be left out; 0: it is */
extern const SettingsType value_send;    /* unsigned: what of a window is sent */
extern const SettingsType value_decimals; /* DecimalsSettings */
extern const SettingsType value_range;   /* NumberRange */
extern const SettingsType value_plain;   /* char *, JSON: a number, a text, true or false */
extern const SettingsType
        value_choice; /* integer of any width: the row's min and the place among its choices */
extern const SettingsType value_bus;      /* char *, "/dev/i2c-N", or N alone */
extern const SettingsType value_template; /* char *, checked by flow/template */

/* A text in quotes, as libconfig reads it back. */
void value_print_text(Buffer *b, const char *s);
/* What the node holds, for "found ...". */
void value_print_node(Buffer *b, const Node *node);
