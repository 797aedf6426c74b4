/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Table - what settings there are
 *
 * A setting is a row; rows stand in groups as they do in the files. Nobody else knows the name, range or
 * default of a setting.
 */

#include "daemon/settings-value.h"

/* A group of elements with names that the files choose, such as sensors: an array in its owner's struct,
 * with its length right behind the pointer. */
typedef struct SettingsMap {
        size_t element_size;         /* its name comes first in it, a Name, but in a list */
        void (*done)(void *element); /* NULL: plain data */
        const char *always;          /* the element of this name is always there; NULL: none */
        const char *noun;            /* "a sensor" */
        size_t max;
        bool (*is_name)(const char *key); /* NULL: any key will do */
        bool by_driver;                   /* an element's setting `driver` says which rows count */
        bool list;  /* written ( { ... }, { ... } ): elements have no names */
        bool loose; /* elements are single values, not groups; their names are char * */
} SettingsMap;

/* Which drivers a row of a sensor is for. */
enum {
        DRIVER_I2C = 1 << 0,
        DRIVER_FILE = 1 << 1,
        DRIVER_SOCKET = 1 << 2,
        DRIVER_SIMULATED = 1 << 3,
        DRIVER_TAIL = 1 << 4,
        DRIVER_WATCH = 1 << 5,
        DRIVER_PROGRAM = 1 << 6,
        DRIVER_HWMON = 1 << 7,
        DRIVER_IIO = 1 << 8,
        DRIVER_CHIP = 1 << 30, /* i2c with `chip`, whose channels are described elsewhere; without the bit of i2c */
};

struct SettingsRow {
        const char *key; /* NULL ends the rows of a group */

        /* a value */
        const SettingsType *type;
        size_t offset;            /* of the member in the struct that its group fills */
        size_t size;              /* of the member */
        const char *fallback;     /* the default, as in a file; NULL: stays unset, all zero */
        struct {
                const char *key, *word; /* of the same group; NULL: there is no such */
                const char *fallback;
        } but;                    /* where that is so, the default is this */
        const char *example;      /* for messages; NULL: the default is one */
        uint64_t min, max;        /* of numbers, times and sizes */
        const char *const *words; /* choices, ended by NULL */
        unsigned drivers;         /* only for these; 0: for all */
        bool required;
        bool or_never; /* a time that may be "never" */
        bool from_cloud; /* the desired half of the twin may set it */

        const char *meaning; /* for hublink.conf(5); settings-table-rows.h says how */

        /* a group: rows */
        const SettingsRow *rows;
        /* a group of elements: map, and the rows of each element (in a loose map one row: of the value) */
        const SettingsMap *map;
};

extern const SettingsRow settings_table[]; /* of Settings */

/* Of sensors, ended by NULL: the first has the first bit, and so on. */
extern const char *const settings_drivers[];

/* The place of a driver's name, as one bit; 0: there is no such driver. */
unsigned settings_driver(const char *name, bool with_chip);

/* Is the row for a sensor of this driver? 0 is for what is no sensor. */
static inline bool settings_row_counts(const SettingsRow *row, unsigned driver)
{
        return row->drivers == 0 || (row->drivers & driver);
}
