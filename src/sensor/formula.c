/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/formula.h"

#include <string.h>

static const Formula formulas[] = {
        {"bmp280-temperature", 6, 24, formula_bmp280_temperature},
        {"bmp280-pressure", 6, 24, formula_bmp280_pressure},
        {"bme280-humidity", 8, 33, formula_bme280_humidity},
};

const Formula *formula_at(size_t i)
{
        return i < ARRAY_SIZE(formulas) ? &formulas[i] : NULL;
}

const Formula *formula_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(formulas); i++)
                if (strcmp(formulas[i].name, name) == 0)
                        return &formulas[i];
        return NULL;
}
