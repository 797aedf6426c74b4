/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 8
#define MSEC_MAX  60000

/* ---- words ---- */

static size_t cut(char *line, char *words[static WORDS_MAX])
{
        size_t n = 0;

        for (char *save, *word = strtok_r(line, " \t\n", &save); word && n < WORDS_MAX; word = strtok_r(NULL, " \t\n", &save))
                words[n++] = word;
        return n;
}

static bool number(const char *word, unsigned max, unsigned *ret)
{
        char *end;
        unsigned long n = strtoul(word, &end, 0);

        *ret = (unsigned)n;
        return end > word && *end == 0 && n <= max;
}

static bool yes_or_no(const char *word, bool *ret)
{
        *ret = strcmp(word, "yes") == 0;
        return *ret || strcmp(word, "no") == 0;
}

static bool unhex(const char *word, uint8_t *bytes, size_t max, size_t *ret_n)
{
        *ret_n = strlen(word) / 2;
        if (strlen(word) % 2 != 0 || *ret_n > max)
                return false;
        for (size_t i = 0; i < *ret_n; i++)
                if (sscanf(word + 2 * i, "%2hhx", &bytes[i]) != 1)
                        return false;
        return true;
}

static bool find_kind(const char *word, ChipKind *ret)
{
        for (*ret = 0; *ret < _CHIP_KIND_MAX; ++*ret)
                if (strcmp(word, chip_kind_name(*ret)) == 0)
                        return true;
        return false;
}

/* ---- orders: whether their words are right ---- */

static bool add_chip(Bus *bus, char **words, size_t n)
{
        Chip *c = &bus->chips[bus->n];

        if (n < 5 || n == 6 || bus->n == BUS_CHIPS_MAX || bus_find(bus, words[1]) || strlen(words[1]) >= sizeof(c->name) ||
            !number(words[2], bus->number, &c->bus) || c->bus != bus->number || !number(words[3], 0x7f, &c->address) ||
            !find_kind(words[4], &c->kind))
                return false;
        strcpy(c->name, words[1]);
        if (n > 6) {
                c->mux = bus_find(bus, words[5]);
                if (!c->mux || !number(words[6], 7, &c->channel))
                        return false;
        }
        bus->n++;
        return true;
}

static bool set(Chip *c, char **words)
{
        unsigned reg, width = c->kind == CHIP_WORDS ? 2 : 1;
        size_t n;

        return c->kind <= CHIP_WORDS && number(words[2], 0xff, &reg) &&
               unhex(words[3], c->registers + reg * width, sizeof(c->registers) - reg * width, &n);
}

/* In the place of an earlier one to the same command. */
static bool answer(Chip *c, char **words)
{
        ChipAnswer a = {}, *at = c->answers;
        unsigned msec;

        if (!unhex(words[2], a.command, sizeof(a.command), &a.n_command) || !number(words[3], MSEC_MAX, &msec) ||
            !unhex(words[4], a.bytes, sizeof(a.bytes), &a.n))
                return false;
        a.takes_usec = msec * USEC_PER_MSEC;
        while (at < c->answers + c->n_answers &&
               (at->n_command != a.n_command || memcmp(at->command, a.command, a.n_command) != 0))
                at++;
        if (at == c->answers + CHIP_ANSWERS_MAX)
                return false;
        *at = a;
        c->n_answers = MAX(c->n_answers, (size_t)(at - c->answers) + 1);
        return true;
}

static bool slow(Chip *c, const char *word)
{
        unsigned msec;

        if (!number(word, MSEC_MAX, &msec))
                return false;
        c->slow_usec = msec * USEC_PER_MSEC;
        return true;
}

static bool order_chip(Chip *c, char **words, size_t n)
{
        if (n == 4 && strcmp(words[0], "set") == 0)
                return set(c, words);
        if (n == 5 && strcmp(words[0], "answer") == 0)
                return answer(c, words);
        if (n == 3 && strcmp(words[0], "absent") == 0)
                return yes_or_no(words[2], &c->absent);
        if (n == 3 && strcmp(words[0], "spoil") == 0)
                return yes_or_no(words[2], &c->spoiled);
        return n == 3 && strcmp(words[0], "slow") == 0 && slow(c, words[2]);
}

static bool order_port(Port *port, bool in)
{
        if (in)
                return port_plug(port);
        port_unplug(port);
        return true;
}

static bool obey(char **words, size_t n, Bus *bus, Port *port)
{
        bool in = strcmp(words[0], "plug") == 0;
        unsigned number_of_bus;
        Chip *c;

        if (n == 2 && (in || strcmp(words[0], "unplug") == 0))
                return number(words[1], bus->number, &number_of_bus) && number_of_bus == bus->number && order_port(port, in);
        if (strcmp(words[0], "chip") == 0)
                return add_chip(bus, words, n);
        c = n > 1 ? bus_find(bus, words[1]) : NULL;
        return c && order_chip(c, words, n);
}

bool order_obey(char *line, Bus *bus, Port *port)
{
        char *words[WORDS_MAX], whole[ORDER_MAX];
        size_t n;

        (void)snprintf(whole, sizeof(whole), "%s", line);
        whole[strcspn(whole, "\n")] = 0;
        n = cut(line, words);
        if (n == 0 || *words[0] == '#' || obey(words, n, bus, port))
                return true;
        (void)fprintf(stderr, "i2c-gadget: this cannot be done: %s\n", whole);
        return false;
}
