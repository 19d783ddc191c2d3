"""Laws of scheduling, checked on random worlds; and the engine against the plain reference on thousands of them.

Each sentence of the list, and the test that checks it:

| law | test |
|---|---|
| no GPU is given twice, no device above its memory | test_laws.py::test_no_gpu_is_given_twice |
| a shared task gets as many different devices as it asks for | test_laws.py::test_a_shared_task_gets_as_many_different_devices_as_it_asks_for |
| a gang starts whole or not at all | test_laws.py::test_a_gang_starts_whole_or_not_at_all |
| a gang is never split over node pools | test_pools.py::test_a_gang_with_several_pools_ends_whole_in_one_of_them |
| no plan creates or worsens a violation of a limit or of the non-preemptible rule at any level | test_laws.py::test_no_plan_creates_or_worsens_a_violation_of_a_limit_or_a_quota |
| nobody at or under deserved loses a pod for good to a reclaimer above deserved, compared below the common ancestor | test_laws.py::test_a_reclaim_takes_only_what_is_above_the_line_and_no_more_than_one_unit_below |
| a reclaim leaves its victim below the line that justified it by no more than the last unit | test_laws.py::test_a_reclaim_takes_only_what_is_above_the_line_and_no_more_than_one_unit_below |
| every reclaim is one that the words of the rule allow | test_oracle.py::test_a_reclaim_takes_what_the_words_of_the_rule_allow |
| who is entitled to one pod reclaims it | test_oracle.py::test_one_pod_reclaims_where_taking_one_gang_would_do |
| preemption happens exactly where it can | test_oracle.py::test_preemption_happens_exactly_where_it_can |
| who is told that nothing fits fits nowhere | test_oracle.py::test_who_is_told_that_nothing_fits_fits_nowhere |
| who is told that a quota or limit objects would break it | test_oracle.py::test_who_is_told_that_a_quota_or_limit_objects_would_break_it |
| consolidation re-places everyone | test_laws.py::test_consolidation_places_everyone_again |
| rollback restores everything | test_rollback.py::test_rollback_restores_everything |
| marks nest | test_rollback.py::test_marks_nest |
| what is kept per shape equals a fresh look | test_rollback.py::test_what_is_kept_per_shape_is_what_a_fresh_look_finds |
| a snapshot that follows from another equals one built from nothing | test_following.py::test_what_follows_equals_what_is_built_from_nothing |
| and is not built from nothing | test_following.py::test_only_what_has_changed_is_worked_out_anew |
| repeated cycles reach a fixed point and stay there | test_laws.py::test_repeated_cycles_come_to_rest |
| evictions in a plan never exceed the safety limit | test_laws.py::test_evictions_never_exceed_the_safety_limit |
| shuffling the inputs changes nothing | test_laws.py::test_the_order_of_the_inputs_changes_nothing |
| the hash seed changes nothing | test_determinism.py::test_the_hash_seed_changes_nothing |
| every eviction says for whom, by which rule and with which numbers | test_laws.py::test_every_eviction_says_why |
| the division gives what its dense specification gives | test_dense_rules.py::test_every_resource_is_divided_as_specified |
| a set of victims is judged as the dense specification judges it | test_dense_rules.py::test_reclaims_are_judged_as_specified |
| who may reclaim at all is who the dense specification lets | test_dense_rules.py::test_who_may_reclaim_at_all_is_as_specified |
| the engine decides as the plain reference does | test_agreement.py::test_engine_and_reference_give_equal_plans |

The counterfactual's law (what is stated works, and nothing smaller of its kind does) is in tests/engine/test_explanations.py.
"""
