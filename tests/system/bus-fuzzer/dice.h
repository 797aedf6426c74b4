/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dice - what a fuzzer draws, the same for the same seed
 *
 * Numbers at the ends of their types, texts of every size and sort, and whole values of a D-Bus signature made of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#define DICE_TEXT_MAX (1024 * 1024)

typedef struct Dice {
        uint64_t state;
        bool plain; /* small things alone, most of which are valid */
        unsigned n_descriptors; /* that may still go into this message: the bus ends who sends more */
} Dice;

void dice_seed(Dice *d, uint64_t seed);
uint64_t dice_number(Dice *d);
unsigned dice_below(Dice *d, unsigned n); /* 0 ... n-1 */
bool dice_one_in(Dice *d, unsigned n);

/* Static, or good until the next text is drawn. */
const char *dice_text(Dice *d);
const char *dice_json(Dice *d);
const char *dice_method(Dice *d); /* one of few, so that they meet */
const char *dice_path(Dice *d);   /* of an object, often of none */
/* A signature of complete types. */
void dice_signature(Dice *d, char *to, size_t size);

#define DICE_DESCRIPTORS_MAX 8

/* A value of each type of the signature. Below 0: sd-bus itself refuses it, or there were too many descriptors. */
int dice_append(Dice *d, sd_bus_message *m, const char *signature);
