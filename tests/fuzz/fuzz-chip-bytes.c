/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One of the chips that come with hublink, by the first byte, and what its bus answers. Its values are numbers, whatever
 * the bytes are.
 */

#include <dirent.h>
#include <math.h>
#include <stdio.h>

#include "daemon/settings-chip.h"
#include "fuzz-bus.h"

#define CHIPS_MAX 64

static ChipDescription *chips[CHIPS_MAX], *mux;
static size_t n_chips;

static int is_chip(const struct dirent *entry)
{
        return entry->d_name[0] != '.';
}

static ChipDescription *load(const char *name)
{
        char path[512];
        ChipDescription *chip = NULL;
        SettingsFiles files = {};
        Problems problems = {};
        Node *tree = NULL;

        (void)snprintf(path, sizeof(path), CONF_DIR "/chips/%s", name);
        promise(settings_read_one(path, &files, &tree, &problems) == 0);
        promise(settings_chip(tree, &chip, &problems) == 0 && chip);
        node_free(tree);
        settings_files_done(&files);
        return chip;
}

static void load_all(void)
{
        struct dirent **entries = NULL;
        int n = scandir(CONF_DIR "/chips", &entries, is_chip, alphasort);

        promise(n > 0 && n <= CHIPS_MAX);
        for (int i = 0; i < n; i++) {
                ChipDescription *chip = load(entries[i]->d_name);

                if (chip_is_multiplexer(chip))
                        mux = chip;
                else
                        chips[n_chips++] = chip;
                free(entries[i]);
        }
        free(entries);
        promise(n_chips > 0 && mux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (n_chips == 0)
                load_all();
        if (size > 0)
                fuzz_bus_measure(chips[data[0] % n_chips], data[0] & 0x80 ? mux : NULL, data + 1, size - 1);
        return 0;
}
