"""The fault catalogue: each row's claim, and the tests that prove it.

``FLEET`` rows are injected into a healthy fleet by ``test_fleet_faults.py``, where what is common to all is asserted.
"""

from __future__ import annotations

IDS = tuple(
    f"{letter}{number:02}"
    for letter, last in (("S", 12), ("H", 11), ("R", 15), ("A", 9), ("C", 6), ("D", 8), ("P", 6), ("T", 5), ("N", 16))
    for number in range(1, last + 1)
)

_SSH = "tests/hosts/ssh/test_faults.py"
_REAL_SSH = "tests/hosts/ssh/test_real_server.py"
_TRUST = "tests/hosts/ssh/test_trust.py"
_REGISTRY = "tests/registry/client/test_faults.py"
_CLIENT = "tests/registry/client/test_client.py"
_AUTH = "tests/registry/auth/test_auth.py"
_REALM = "tests/registry/auth/test_realm.py"
_PINNED = "tests/registry/http/test_pinned_transport.py"
_API = "tests/web/api/test_api.py"
_SERVER = "tests/web/http/test_server.py"
_STORE = "tests/store/test_store.py"
_LOAD = "tests/settings/test_load.py"
_RELOAD = "tests/settings/test_reload.py"
_SCAN = "tests/scan/test_scan.py"
_HOSTS = "tests/probe/test_hosts.py"
_FLEET = "tests/faults/test_fleet_faults.py"
_NETWORK = "tests/faults/test_network.py"
_BOMBS = "tests/faults/test_bombs.py"
_HOST = f"{_FLEET}::test_a_host_with_a_fault_costs_itself"
_ANSWER = f"{_FLEET}::test_an_odd_answer_is_never_falsely_ok"
_IMAGE = f"{_FLEET}::test_an_image_with_a_fault_costs_itself"

CATALOGUE: dict[str, tuple[str, tuple[str, ...]]] = {
    "S01": ("a closed port, no route, a name that does not resolve are told apart", (_HOST, f"{_SSH}::test_s01_an_address_without_a_route_is_unreachable", f"{_NETWORK}::test_each_host_is_read_or_says_why_not", f"{_SSH}::test_s01_a_name_that_does_not_resolve_is_told")),
    "S02": ("silence and dripping end at the deadline of the whole login", (_HOST, f"{_SSH}::test_s02_swallowed_packets_end_at_the_deadline", f"{_NETWORK}::test_each_host_is_read_or_says_why_not", f"{_NETWORK}::test_the_scan_ends_at_its_deadline")),
    "S03": ("what is no SSH is told within bounds", (_HOST, f"{_SSH}::test_before_the_login")),
    "S04": ("an unknown host key is refused before our key is offered, and never learned", (_HOST, f"{_SSH}::test_s04_an_unknown_host_key_is_refused_before_our_key_is_offered")),
    "S05": ("a changed, revoked or expired host key is told from an unknown one", (_HOST, f"{_SSH}::test_s05_certificates_of_hosts", f"{_SSH}::test_s05_a_revoked_key_is_rejected")),
    "S06": ("a refused user key is tried once a scan", (_HOST, f"{_SSH}::test_s06_a_refused_user_key_is_tried_once")),
    "S07": ("weak algorithms are no agreement", (_HOST, f"{_SSH}::test_s07_weak_algorithms_are_no_agreement")),
    "S08": ("strange flow control ends, and never stops the loop", (_HOST, f"{_SSH}::test_s08_strange_flow_control_ends", f"{_SSH}::test_s08_one_hostile_host_never_stops_the_loop")),
    "S09": ("a connection that breaks off anywhere gives no facts", (_HOST, "tests/hosts/ssh/test_cut.py::test_s09_no_cut_yields_an_answer")),
    "S10": ("a command that hangs, even after its answer, ends at the deadline", (_HOST, f"{_SSH}::test_after_the_login")),
    "S11": ("a bastion that is down costs the hosts behind it, with one attempt", (f"{_SSH}::test_s11_a_bastion_that_is_down_is_tried_once_for_all_its_hosts", f"{_REAL_SSH}::test_s11_a_bastion_that_may_not_forward_is_at_fault_itself")),
    "S12": ("the account's own SSH files are never opened", (f"{_REAL_SSH}::test_s12_the_accounts_own_ssh_files_are_never_opened",)),
    "H01": ("an endless answer is read to its limit", (_HOST, f"{_REAL_SSH}::test_an_endless_answer_ends_at_the_limit")),
    "H02": ("standard error is not read, nor waited for", (_ANSWER, f"{_SSH}::test_h02_what_comes_on_standard_error_is_ignored")),
    "H03": ("an answer cut at any byte gives no facts", (_HOST, "tests/probe/test_answer.py::test_an_answer_cut_anywhere_is_incomplete", f"{_HOSTS}::test_an_answer_cut_anywhere_gives_no_facts")),
    "H04": ("bytes that are no text cost the host, never the page", (_HOST, f"{_SSH}::test_h04_bytes_stay_bytes", "tests/metrics/test_metrics.py::test_a_page_survives_whatever_a_host_is_called")),
    "H05": ("names that could act are text everywhere", (_ANSWER, f"{_HOSTS}::test_hostile_names_are_one_printable_line", "tests/faults/test_names.py::test_a_table_shows_names_as_they_are")),
    "H06": ("a machine nobody knows has no platform", (_ANSWER, f"{_HOSTS}::test_a_strange_machine_word_gives_no_platform")),
    "H07": ("where kernel and engine differ, the engine decides and it is told", (_ANSWER, f"{_HOSTS}::test_an_engine_is_what_it_was_built_for", f"{_HOSTS}::test_a_contradiction_is_told_in_words")),
    "H08": ("emulators are told as they are registered", (f"{_HOSTS}::test_emulators_are_told_as_they_are_registered", f"{_HOSTS}::test_emulators_that_cannot_be_seen_are_unknown")),
    "H09": ("absent, down and denied are three answers", (_ANSWER, f"{_HOSTS}::test_no_docker_is_not_docker_down_is_not_docker_denied")),
    "H10": ("more containers than one host runs are counted, not read", (f"{_HOSTS}::test_more_containers_than_one_host_runs_are_counted_but_not_read",)),
    "H11": ("a host is who the inventory says; a contradiction is told", (_ANSWER, f"{_SSH}::test_hosts_of_one_address_never_share_an_answer")),
    "R01": ("no fallback to HTTP, whatever is wrong with TLS", (f"{_REGISTRY}::test_r01_https_is_not_given_up_for_http", f"{_REGISTRY}::test_r01_a_wrong_certificate_is_rejected")),
    "R02": ("a foreign realm is refused without a connection", (_IMAGE, f"{_AUTH}::test_a_foreign_realm_is_refused_without_a_connection", f"{_PINNED}::test_no_spelling_of_loopback_is_connected_to")),
    "R03": ("broken challenges and tokens are denials; a token's life is clamped", (_IMAGE, f"{_AUTH}::test_an_answer_without_a_token_is_denied", f"{_AUTH}::test_the_life_of_a_token_is_clamped_and_never_a_reason_to_fail")),
    "R04": ("another origin never sees an authorization; redirects are few", (_IMAGE, f"{_CLIENT}::test_r04_another_origin_never_sees_the_authorization", f"{_CLIENT}::test_r04_three_hops_are_too_many")),
    "R05": ("bodies without end, dripping, of the wrong length are refused in time", (_IMAGE, f"{_NETWORK}::test_each_image_is_proved_or_says_why_not", f"{_REGISTRY}::test_a_dripping_answer_ends_at_the_deadline", f"{_REGISTRY}::test_a_length_too_small_is_noticed_by_the_digest")),
    "R06": ("a packed answer is refused before it is unpacked", (_IMAGE, f"{_REGISTRY}::test_a_bomb_costs_little_memory")),
    "R07": ("bytes count by their digest alone", (_IMAGE, f"{_CLIENT}::test_head_announcing_another_digest_than_asked_is_a_mismatch")),
    "R08": ("a document of two kinds is ambiguous", (_IMAGE, f"{_REGISTRY}::test_a_fault_has_its_reason")),
    "R09": ("JSON that exhausts a reader is malformed", (_IMAGE, f"{_REGISTRY}::test_a_fault_has_its_reason")),
    "R10": ("empty, nested, endless indexes offer nothing", (_IMAGE, f"{_REGISTRY}::test_nested_indexes_offer_their_images_in_place")),
    "R11": ("a config without a known architecture proves no platform", (f"{_REGISTRY}::test_a_config_without_architecture_proves_no_platform", f"{_REGISTRY}::test_a_single_image_of_unknown_architecture_keeps_its_layers")),
    "R12": ("a reference that could bend a URL is refused before there is one", (f"{_REGISTRY}::test_r12_a_reference_that_could_bend_a_url_is_refused_before_one_exists",)),
    "R13": ("only MANIFEST_UNKNOWN is a missing tag", (_IMAGE, f"{_REGISTRY}::test_a_fault_has_its_reason")),
    "R14": ("a registry that asks for patience gets it, within bounds", (_IMAGE, f"{_CLIENT}::test_a_long_retry_after_ends_the_question_and_pauses_the_registry", f"{_CLIENT}::test_flapping_is_tried_three_times_at_most")),
    "R15": ("the address is pinned, the name verified on each connection", (f"{_PINNED}::test_a_name_that_changes_its_address_between_two_questions_is_screened_each_time", f"{_PINNED}::test_two_names_on_one_address_are_two_verified_connections", f"{_CLIENT}::test_a_tag_does_not_move_within_a_scan")),
    "A01": ("a guess learns nothing from its time", ("tests/web/http/test_access.py::test_the_time_of_a_guess_tells_nothing_of_the_token", f"{_API}::test_what_acts_needs_the_token_for_it")),
    "A02": ("no URL, no host outside the inventory is ever a target", (f"{_API}::test_an_image_of_a_registry_that_is_not_configured_is_refused", f"{_API}::test_only_inventory_hosts_can_be_probed", f"{_API}::test_a_question_that_makes_no_sense_is_refused")),
    "A03": ("a long reference is refused at once", ("tests/fuzz/test_fuzz.py::test_strangers_bytes_are_read_or_refused_in_time", f"{_API}::test_a_question_that_makes_no_sense_is_refused")),
    "A04": ("bodies, heads, framing beyond the bounds are refused", (f"{_SERVER}::test_requests_that_are_none_are_refused", f"{_SERVER}::test_endless_chunks_are_refused_at_the_limit", "tests/web/http/test_slow_readers.py::test_a_body_in_crumbs_is_refused")),
    "A05": ("slow clients are closed while health is answered", (f"{_SERVER}::test_slow_clients_are_closed_while_others_are_served", f"{_SERVER}::test_two_hundred_connections_do_not_stop_a_health_check", "tests/web/http/test_slow_readers.py::test_a_client_that_takes_nothing_is_closed")),
    "A06": ("a thousand wishes run one scan and keep sixteen waiting", (f"{_API}::test_a_thousand_wishes_run_one_scan_and_keep_sixteen_waiting",)),
    "A07": ("a client that leaves, a server that stops leave nothing behind", (f"{_SERVER}::test_a_client_that_leaves_leaves_nothing_behind", f"{_SERVER}::test_the_server_stops_while_somebody_listens")),
    "A08": ("the matched route decides; labels are bounded", (f"{_API}::test_odd_paths_meet_the_same_guard_or_nothing", f"{_API}::test_a_host_header_cannot_change_the_decision", f"{_API}::test_requests_are_counted_by_route_not_by_path")),
    "A09": ("the gate holds where it does not know", (f"{_API}::test_the_gate_answers_so_that_curl_fail_fails_closed", "tests/service/gate/test_gate.py::test_the_gate_holds_before_the_first_scan_then_decides_by_what_was_read", "tests/service/gate/test_gate.py::test_a_host_that_stops_answering_holds_the_gate_at_once")),
    "C01": ("a bad setting is refused with its exact message", (f"{_LOAD}::test_a_bad_file_is_refused_with_its_exact_message",)),
    "C02": ("hostile names are refused, or never contacted", ("tests/inventory/test_gather.py::test_c02_hostile_names_are_refused_in_our_own_configuration", "tests/inventory/test_gather.py::test_c02_hostile_names_of_others_are_never_contacted")),
    "C03": ("an inventory that shrinks by more than half is refused", (f"{_RELOAD}::test_an_inventory_that_loses_more_than_half_is_refused", "tests/service/test_reloading.py::test_a_fleet_that_shrinks_by_more_than_half_is_refused")),
    "C04": ("a file that is no settings keeps the last good ones", (f"{_RELOAD}::test_a_bad_file_keeps_the_last_good_one_and_says_why", "tests/settings/test_yaml_source.py::test_any_bytes_are_settings_or_a_refusal", f"{_LOAD}::test_a_file_that_changes_while_it_is_read_is_refused")),
    "C05": ("keys and known_hosts that cannot be used are told at the start", (f"{_TRUST}::test_c05_a_key_that_others_may_read_is_refused", f"{_TRUST}::test_a_bad_known_hosts_is_refused_with_its_line")),
    "C06": ("a running scan ends on the settings it began with; reloads are never mixed", ("tests/service/test_reloading.py::test_a_running_scan_ends_on_the_settings_it_began_with", f"{_RELOAD}::test_a_hundred_requests_at_once_make_two_reloads_and_the_second_sees_all", f"{_RELOAD}::test_a_thousand_alternating_reloads_never_show_a_refused_value")),
    "D01": ("no acknowledged report is lost by kill -9", (f"{_STORE}::test_no_acknowledged_report_is_lost_by_kill_9", "tests/trail/test_trail.py::test_a_log_that_grew_over_restarts_is_sound")),
    "D02": ("a torn write-ahead log leaves a prefix", (f"{_STORE}::test_a_torn_wal_leaves_a_prefix",)),
    "D03": ("a full disk loses one report and nothing else", (f"{_STORE}::test_a_full_disk_loses_one_report_and_nothing_else", f"{_STORE}::test_a_real_full_disk_is_told_from_a_broken_one", "tests/service/gate/test_gate.py::test_a_store_that_fails_holds_the_gate_while_reports_go_on", "tests/faults/test_no_space.py::test_an_answer_that_is_pushed_leaves_the_one_before")),
    "D04": ("after an input/output error nothing more is written", (f"{_STORE}::test_after_an_input_output_error_nothing_more_is_written",)),
    "D05": ("a second instance on one store refuses to start", (f"{_STORE}::test_a_second_instance_refuses_to_start", f"{_STORE}::test_a_database_that_another_process_holds_is_refused")),
    "D06": ("each change of the trail is found and named", ("tests/trail/test_tamper.py::test_whatever_is_changed_is_found_and_named_in_sqlite",)),
    "D07": ("a cut tail, an older copy, another log are found by a kept checkpoint", ("tests/trail/test_outside.py::test_a_checkpoint_that_was_kept_shows_a_cut_or_another_log", "tests/app/test_trail.py::test_an_older_copy_is_found_by_a_checkpoint_that_was_kept")),
    "D08": ("a newer or damaged store is refused and kept", (f"{_STORE}::test_a_newer_schema_is_refused_and_left_alone", f"{_STORE}::test_a_damaged_page_is_refused")),
    "P01": ("SIGTERM ends a scan in ten seconds, and publishes nothing half done", (f"{_BOMBS}::test_sigterm_in_the_middle_of_a_scan_ends_in_time_with_few_lines", "tests/service/test_scans.py::test_an_interrupted_scan_publishes_nothing", _HOST)),
    "P02": ("a scan ends at its deadline, two never run at once", ("tests/service/test_scans.py::test_a_scan_that_hangs_ends_at_its_deadline_with_its_hosts_unknown", "tests/service/test_schedule.py::test_a_start_that_falls_into_a_running_scan_is_counted")),
    "P03": ("a fault of ours costs its item, is counted, the scan goes on", (f"{_SCAN}::test_a_fault_of_ours_stays_with_its_workload_or_its_host", f"{_FLEET}::test_a_fault_of_ours_at_each_adapter_costs_its_item")),
    "P04": ("few descriptors mean fewer connections, not refused hosts", (f"{_SSH}::test_p04_few_descriptors_mean_fewer_connections_not_refused_hosts", f"{_SSH}::test_p04_our_own_shortage_is_not_the_hosts_fault", "tests/formats/parsing/test_offload.py::test_where_no_descriptor_is_left_a_call_is_refused_and_the_next_goes_on")),
    "P05": ("a blocked loop costs no scan, and is seen", ("tests/service/test_schedule.py::test_a_clock_that_leaps_forward_costs_one_scan_and_no_more", "tests/metrics/test_metrics.py::test_the_loop_is_watched")),
    "P06": ("a port in use is one line; with everything down all is unknown", (f"{_SERVER}::test_a_port_in_use_is_told_in_one_line", f"{_FLEET}::test_a_fleet_that_is_down_is_unknown")),
    "T01": ("a clock that is set changes no deadline and no schedule", ("tests/faults/test_clock.py::test_t01_a_clock_that_is_set_during_scans_changes_no_deadline_and_no_order", f"{_SCAN}::test_a_clock_that_is_set_during_a_scan_does_not_change_how_long_it_took", "tests/service/test_schedule.py::test_a_clock_that_steps_back_does_not_put_the_next_scan_off")),
    "T02": ("time zones move nothing", ("tests/faults/test_clock.py::test_t02_moments_are_the_same_in_every_zone",)),
    "T03": ("after a suspend one scan runs, and the gate holds on old facts", ("tests/service/test_schedule.py::test_a_clock_that_leaps_forward_costs_one_scan_and_no_more", "tests/service/gate/test_gate.py::test_the_gate_holds_where_the_clock_says_that_facts_are_old_or_not_taken_yet")),
    "T04": ("clocks of others are only recorded", (_ANSWER, f"{_AUTH}::test_the_life_of_a_token_is_clamped_and_never_a_reason_to_fail")),
    "T05": ("a clock that steps back makes no negative duration", ("tests/faults/test_clock.py::test_t05_a_clock_that_steps_back_makes_no_negative_duration", f"{_SCAN}::test_a_clock_that_is_set_during_a_scan_does_not_change_how_long_it_took")),
    "N01": ("what a YAML document expands to is bounded before it expands", (f"{_BOMBS}::test_a_bomb_among_the_plans_costs_its_own_folder_at_most",)),
    "N02": ("plans that multiply are read once, off the loop, bounded", (f"{_BOMBS}::test_a_bomb_among_the_plans_costs_its_own_folder_at_most", "tests/probe/planned/nomad/test_hcl.py::test_templates_within_templates_are_counted", "tests/scan/test_aside.py::test_many_that_wake_together_go_on_a_few_at_a_time_in_their_order")),
    "N03": ("names are shown as they are, on a real terminal", ("tests/faults/test_names.py::test_every_command_shows_names_on_a_real_terminal",)),
    "N04": ("a reload means what it says, tokens first", ("tests/faults/test_reload.py::test_a_token_is_in_force_with_the_reload_that_adds_it_and_dead_with_the_one_that_removes_it", "tests/faults/test_reload.py::test_what_cannot_change_is_refused_by_name_and_nothing_else_changes_either", "tests/faults/test_reload.py::test_a_stream_that_is_open_ends_with_the_reload_that_removes_its_token")),
    "N05": ("a layer that breaks off proves nothing", (_IMAGE, "tests/binary/layers/test_whole.py::test_a_layer_cut_after_a_sync_flush_is_unreadable")),
    "N06": ("a layer of other bytes than its digest's proves nothing", (_IMAGE, "tests/binary/layers/test_whole.py::test_a_large_layer_of_other_bytes_proves_nothing")),
    "N07": ("images that drip from one host leave the registry to others", (_IMAGE, "tests/scan/test_shares.py::test_sixteen_images_that_drip_from_one_host_leave_the_same_registry_to_others")),
    "N08": ("the deadline keeps what was judged", (f"{_SCAN}::test_the_deadline_keeps_what_was_judged",)),
    "N09": ("wrong types cost their file", (_ANSWER, f"{_BOMBS}::test_a_bomb_among_the_plans_costs_its_own_folder_at_most")),
    "N10": ("half-open requests, registries that say nothing under few descriptors leave health and the log", (f"{_BOMBS}::test_n10_half_open_requests_and_silent_registries_under_few_descriptors",)),
    "N11": ("a kept connection waits for no receipt", (f"{_BOMBS}::test_n11_a_kept_connection_waits_for_no_receipt",)),
    "N12": ("an executable inventory that others may write is not run, and is bounded", ("tests/inventory/ansible/test_ansible.py::test_n12_a_script_that_others_could_have_written_is_not_run", "tests/inventory/ansible/test_ansible.py::test_n12_the_children_of_a_script_end_with_it", "tests/inventory/ansible/test_ansible.py::test_n12_endless_output_is_ended")),
    "N13": ("secrets that others may read, and short tokens, are refused", ("tests/formats/test_secret_files.py::test_any_bit_for_a_group_or_others_is_refused", "tests/app/test_service_checks.py::test_a_token_that_cannot_be_used_is_told")),
    "N14": ("another port of a registry's host is another host", (f"{_REALM}::test_another_port_of_the_registry_s_own_host_is_asked_only_where_it_is_listed",)),
    "N15": ("what cannot be read or written is one line; a signal ends a command", ("tests/faults/test_endings.py::test_n15_what_cannot_be_used_is_one_line_and_exit_2", "tests/faults/test_endings.py::test_n15_an_interrupt_or_a_termination_at_any_moment_ends_a_command_as_shells_say_it")),
    "N16": ("closed files are not echoed, foreign databases not changed", ("tests/settings/test_veiled.py::test_of_a_link_to_a_closed_file_only_lines_are_told", "tests/store/test_recognition.py::test_another_program_s_database_is_refused_without_a_byte_changed", "tests/store/test_recognition.py::test_an_empty_file_is_used_and_said_to_have_been_empty")),
}  # fmt: skip
