"""Where each case of what may go wrong is tested; the test below keeps this list true."""

from __future__ import annotations

from pathlib import Path

import pytest

STORE, SHARD, DECODE = "store/test_store.py", "store/test_shard.py", "audio/test_decode.py"
STORE_CASES, AUDIO_CASES = "reliability/test_store_cases.py", "reliability/test_audio_cases.py"
EXTRACT, ISOLATED = "cli/test_extract.py", "audio/test_isolated.py"

TWENTY_KILLS = "test_case_09_10_twenty_kills_lose_nothing_and_leave_the_same_files"
NO_SOUND = "test_case_18_19_what_is_no_sound_is_one_record_each"

PREDICTIONS = "reliability/test_prediction_cases.py"
OVERWRITE = "reliability/test_overwrite_cases.py"
MODELS = "security/test_model_files.py"

CASES = {
    "01 02 code in a model file": [
        (MODELS, "test_code_is_refused_wherever_it_hides"),
        (MODELS, "test_pickles_by_hand"),
    ],
    "05 a model file that would fill the memory": [(MODELS, "test_it_is_refused_at_once")],
    "06 trees that lead out of themselves": [
        ("classifiers/test_recipes.py", "test_trees_that_do_not_end_are_refused"),
    ],
    "07 another version of scikit-learn": [
        ("classifiers/test_versions.py", "test_trained_under_one_version_predicted_under_another"),
    ],
    "09 killed while writing": [
        (STORE, "test_killed_at_random_moments"),
        (STORE_CASES, TWENTY_KILLS),
    ],
    "10 killed while extracting, resumed": [
        (STORE_CASES, TWENTY_KILLS),
        (EXTRACT, "test_a_killed_run_loses_nothing"),
        (STORE, "test_run_killed_between_merge_and_delete"),
    ],
    "a prediction interrupted, killed, or torn": [
        (PREDICTIONS, "test_a_stopped_prediction_goes_on_to_the_same_file"),
        (PREDICTIONS, "test_wherever_the_last_line_is_cut_off_the_file_is_the_same"),
        (PREDICTIONS, "test_files_a_recording_are_not_made_twice"),
    ],
    "a recording moved and not recorded": [
        (PREDICTIONS, "test_a_model_that_fails_after_a_move_leaves_a_record"),
        (PREDICTIONS, "test_moves_that_a_kill_prevented_are_made_up_for"),
    ],
    "files made by hand": [
        (OVERWRITE, "test_a_file_by_hand_is_kept_and_one_of_the_tools_own_replaced"),
        (OVERWRITE, "test_annotations_by_hand_cost_that_recording_alone"),
    ],
    "11 disk full": [
        (STORE_CASES, "test_case_11_a_full_disk_is_said_and_the_run_resumes"),
        (STORE, "test_full_disk_at_the_final_merge_loses_nothing"),
    ],
    "12 damaged shard": [
        (STORE_CASES, "test_case_12_damaged_shards_are_found_named_and_made_again"),
        (SHARD, "test_every_flipped_byte_is_noticed_or_harmless"),
        (SHARD, "test_every_truncation_is_noticed"),
        ("cli/test_store.py", "test_a_damaged_shard_is_named_moved_and_made_again"),
    ],
    "12 damaged description": [
        (STORE_CASES, "test_one_damaged_description_does_not_disable_the_other_stores"),
        (STORE, "test_damaged_description"),
    ],
    "13 npz bombs": [
        (SHARD, "test_header_claiming_more_than_there_is_takes_no_memory"),
        (SHARD, "test_deflate_bomb_is_refused_before_it_is_inflated"),
        ("store/test_seed.py", "test_a_file_that_would_fill_the_memory_is_refused_before"),
        ("store/test_seed.py", "test_a_header_that_claims_terabytes_is_refused"),
    ],
    "14 object arrays, members outside": [
        (SHARD, "test_object_arrays_are_refused_and_run_nothing"),
        (SHARD, "test_members_that_point_outside_are_ignored"),
    ],
    "15 two runs on one store": [
        (STORE_CASES, "test_case_15_two_extractions_on_one_store_do_each_clip_once"),
        (STORE, "test_two_runs_on_one_store_add_each_clip_once"),
        (STORE, "test_waiting_run_goes_on_when_the_other_is_killed"),
        ("store/test_prune.py", "test_a_store_another_run_adds_to_is_not_touched"),
    ],
    "16 other settings": [
        (EXTRACT, "test_features_of_different_settings_are_kept_apart"),
        (STORE, "test_same_make_opens_the_same_store_and_another_make_another"),
    ],
    "17 file edited, file renamed": [
        (EXTRACT, "test_only_what_is_new_or_edited_is_extracted"),
        ("store/test_memo.py", "test_edited_file_is_read_again"),
        ("store/test_memo.py", "test_renamed_file_has_the_same_hash"),
    ],
    "18 not a sound file": [
        (AUDIO_CASES, NO_SOUND),
        (DECODE, "test_what_is_not_sound_is_unreadable"),
        (DECODE, "test_random_bytes_are_sound_or_an_audio_error"),
    ],
    "19 no sample, one sample": [
        (AUDIO_CASES, NO_SOUND),
        (DECODE, "test_header_without_samples_is_empty"),
        (DECODE, "test_one_sample_is_read"),
    ],
    "20 cut short": [
        ("audio/test_cut_short.py", "test_every_cut_is_told_and_a_whole_file_is_not"),
        (DECODE, "test_wav_cut_short_gives_the_samples_that_are_there"),
        (DECODE, "test_flac_cut_short_is_unreadable_or_a_prefix"),
        (DECODE, "test_mp3_cut_short_gives_a_prefix"),
    ],
    "21 not finite": [
        (DECODE, "test_numbers_that_are_not_finite"),
        (DECODE, "test_double_too_large_for_float32"),
        (EXTRACT, "test_samples_beyond_all_measure_are_no_features"),
    ],
    "22 header of another length": [
        (DECODE, "test_flac_claiming_another_length_is_read_to_its_end"),
    ],
    "23 sample rates, widths, channels": [
        (DECODE, "test_absurd_sample_rates_are_refused"),
        (DECODE, "test_every_common_rate_is_reported_as_written"),
        (DECODE, "test_lossless_formats_give_back_what_was_written"),
        (DECODE, "test_channels_are_averaged"),
    ],
    "24 long recordings": [
        (AUDIO_CASES, "test_case_24_a_long_recording_takes_no_memory_of_the_decoder"),
        (DECODE, "test_memory_does_not_grow_with_the_recording"),
        ("extractors/test_pipeline.py", "test_long_recording_takes_bounded_memory"),
    ],
    "25 decoder crashes or hangs": [
        (AUDIO_CASES, "test_case_25_a_crash_and_a_hang_cost_two_files_of_twenty"),
        (ISOLATED, "test_a_crash_is_the_error_of_that_file_alone"),
        (ISOLATED, "test_a_decoder_that_hangs_is_ended"),
        (ISOLATED, "test_decoders_end_when_the_parent_is_killed"),
    ],
    "26 decoder writes to stderr": [
        (AUDIO_CASES, "test_case_26_what_a_decoder_says_goes_to_the_log_alone"),
        (ISOLATED, "test_what_a_decoder_prints_is_logged_and_harms_nothing"),
    ],
    "27 odd names": [
        (AUDIO_CASES, "test_case_27_odd_names_are_extracted_and_come_back_as_they_are"),
        (DECODE, "test_odd_names_are_found_and_read"),
        (ISOLATED, "test_odd_names_cross_too"),
    ],
    "28 links in circles": [
        (AUDIO_CASES, "test_case_28_links_in_circles_are_records_not_circles"),
        (DECODE, "test_symlink_loops_are_walked_once"),
    ],
    "29 markup and control characters in names": [
        ("cli/test_predict.py", "test_markup_in_names_is_printed_as_it_is"),
        ("cli/test_predict.py", "test_csv_is_safe_in_a_spreadsheet"),
        (EXTRACT, "test_bad_recordings_are_reported_and_the_rest_goes_on"),
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_its_tests(case: str) -> None:
    for file, name in CASES[case]:
        assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text(), (file, name)
