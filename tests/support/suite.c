/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

TCase *suite_case(Suite *s, const char *promise)
{
        TCase *c = tcase_create(promise);

        tcase_set_timeout(c, 30);
        suite_add_tcase(s, c);
        return c;
}

int suite_run(Suite *s)
{
        SRunner *runner = srunner_create(s);
        int failed;

        srunner_set_tap(runner, "-");
        srunner_run_all(runner, CK_SILENT);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
