/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ledger.h"

#include <string.h>

#include "base/macro.h"
#include "fake-clock.h"
#include "suite.h"

START_TEST(every_outcome_has_its_word_and_its_side)
{
        static const char *const dropped[] = {"queue-full", "age", "free-space", "expired", "damaged", "disk"};
        static const char *const dead[] = {"too-large", "bad-property", "breaks-link"};
        size_t n_dropped = 0, n_dead = 0;

        for (int o = 0; o < _OUTCOME_MAX; o++) {
                const char *word = outcome_to_string((Outcome)o);

                ck_assert_ptr_nonnull(word);
                ck_assert(!(outcome_is_drop((Outcome)o) && outcome_is_dead_letter((Outcome)o)));
                if (outcome_is_drop((Outcome)o))
                        ck_assert_str_eq(word, dropped[n_dropped++]);
                else if (outcome_is_dead_letter((Outcome)o))
                        ck_assert_str_eq(word, dead[n_dead++]);
                else
                        ck_assert_str_eq(word, "acknowledged");
        }
        ck_assert_uint_eq(n_dropped, ARRAY_SIZE(dropped));
        ck_assert_uint_eq(n_dead, ARRAY_SIZE(dead));
        ck_assert_ptr_null(outcome_to_string(_OUTCOME_MAX));
        ck_assert_ptr_null(outcome_to_string(_OUTCOME_INVALID));
}
END_TEST

START_TEST(every_refusal_has_its_word)
{
        static const char *const words[] = {"malformed", "too-long", "rate", "overload", "unreadable", "range", "nan"};

        ck_assert_uint_eq(ARRAY_SIZE(words), _REFUSAL_MAX);
        for (int r = 0; r < _REFUSAL_MAX; r++)
                ck_assert_str_eq(refusal_to_string((Refusal)r), words[r]);
        ck_assert_ptr_null(refusal_to_string(_REFUSAL_MAX));
        ck_assert_ptr_null(refusal_to_string(_REFUSAL_INVALID));
}
END_TEST

/* Records come and go in any order: the sum balances at each step, and over streams. */
START_TEST(it_balances)
{
        Ledger streams[3] = {}, sum = {};
        uint64_t waiting[3] = {}, all = 0;
        FakeRandom dice;

        fake_random_init(&dice, 23);
        for (int i = 0; i < 10000; i++) {
                size_t k = dice.random.draw(&dice) % 3;
                Ledger *l = &streams[k];

                if (waiting[k] == 0 || dice.random.draw(&dice) % 2) {
                        l->accepted++;
                        waiting[k]++;
                } else {
                        l->settled[dice.random.draw(&dice) % _OUTCOME_MAX]++;
                        waiting[k]--;
                }
                ck_assert_uint_eq(ledger_waiting(l), waiting[k]);
                ck_assert_uint_eq(l->accepted,
                                  l->settled[OUTCOME_ACKNOWLEDGED] + ledger_waiting(l) + ledger_dropped(l) +
                                          ledger_dead_lettered(l));
        }
        for (size_t k = 0; k < 3; k++) {
                ledger_add(&sum, &streams[k]);
                all += waiting[k];
        }
        ck_assert_uint_eq(ledger_waiting(&sum), all);
        ck_assert_uint_eq(ledger_dropped(&sum),
                          ledger_dropped(&streams[0]) + ledger_dropped(&streams[1]) + ledger_dropped(&streams[2]));
}
END_TEST

START_TEST(each_outcome_is_counted_once)
{
        for (int o = 0; o < _OUTCOME_MAX; o++) {
                Ledger l = {.accepted = 1};

                l.settled[o] = 1;
                ck_assert_uint_eq(ledger_waiting(&l), 0);
                ck_assert_uint_eq(ledger_dropped(&l), outcome_is_drop((Outcome)o));
                ck_assert_uint_eq(ledger_dead_lettered(&l), outcome_is_dead_letter((Outcome)o));
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/ledger");
        TCase *c = suite_case(s, "what became of every record");

        tcase_add_test(c, every_outcome_has_its_word_and_its_side);
        tcase_add_test(c, every_refusal_has_its_word);
        tcase_add_test(c, each_outcome_is_counted_once);
        tcase_add_test(c, it_balances);
        return suite_run(s);
}
