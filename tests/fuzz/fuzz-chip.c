/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The description of a chip as a file may hold it, then NUL, then what its bus answers. What is taken for one is run; what
 * is not has its problem told.
 */

#include "daemon/settings-chip.h"
#include "fuzz-bus.h"

/* libconfig loses the text before which it finds an error; it is not ours to mend. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
        return "leak:libconfig";
}

/* Each choice makes a description which is run as well. */
static void choose_all(const ChipDescription *chip, const uint8_t *data, size_t size)
{
        for (size_t i = 0; i < chip->n_options; i++)
                for (size_t k = 0; k < chip->options[i].n_choices; k++) {
                        const Property wanted = {chip->options[i].name, chip->options[i].choices[k].is};
                        ChipDescription *chosen = NULL;
                        char *error = NULL;

                        promise(chip_choose(chip, &wanted, 1, &chosen, &error) == 0);
                        fuzz_bus_measure(chosen, NULL, data, size);
                        chip_unref(chosen);
                }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = memchr(data, 0, size);
        size_t text_size = end ? (size_t)(end - data) : size;
        ChipDescription *chip = NULL;
        SettingsFiles files = {};
        Problems problems = {};
        Node *tree = NULL;

        if (settings_read_text("chip.conf", (const char *)data, text_size, &files, &tree, &problems) == 0)
                promise(settings_chip(tree, &chip, &problems) == 0);
        promise((chip == NULL) == (problems.n > 0));
        for (size_t i = 0; i < problems.n; i++)
                promise(strncmp(problems.items[i].text, "chip.conf:", 10) == 0);
        if (chip && !chip_is_multiplexer(chip)) {
                fuzz_bus_measure(chip, NULL, end ? end + 1 : data, size - text_size - (end != NULL));
                choose_all(chip, end ? end + 1 : data, size - text_size - (end != NULL));
        }
        chip_unref(chip);
        node_free(tree);
        problems_done(&problems);
        settings_files_done(&files);
        return 0;
}
