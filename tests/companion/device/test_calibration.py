"""What is known of a round trip, from a cable, from before, and from the sound system's word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.device.calibration import (
    DRIFT_S,
    LONGEST_SAMPLES,
    Calibration,
    default_file,
    keep_calibration,
    read_calibration,
    settle,
)
from companion.device.devices import Device, DuplexDevice
from companion.system.errors import CompanionError

RATE, BLOCK = 48_000, 256
CARD = Device(0, "card", "ALSA", 2, 2, RATE, True, True, 0)
PAIR = DuplexDevice(CARD, CARD, RATE, 2, 2)
OTHER = DuplexDevice(CARD, Device(1, "speakers", "ALSA", 2, 2, RATE, True, True, 0), RATE, 2, 2)
KEPT = Calibration(RATE, BLOCK, round_trip_samples=900, reported_samples=800)
samples = st.integers(0, 20_000)


# --- which of the three counts -------------------------------------------------------------------


@given(samples, samples, st.none() | st.builds(Calibration, st.just(RATE), st.just(BLOCK), samples))
def test_what_is_measured_now_always_counts(
    measured: int, reported: int, kept: Calibration | None
) -> None:
    latency = settle(RATE, BLOCK, measured, reported, kept)
    assert (latency.samples, latency.source) == (measured, "measured")
    drawn_anew = kept is not None and abs(measured - kept.round_trip_samples) > DRIFT_S * RATE
    assert bool(latency.warning) is drawn_anew


def test_without_anything_else_the_systems_word_is_taken() -> None:
    assert str(settle(RATE, BLOCK, None, 800, None)) == "800 samples, reported"


@given(samples)
def test_a_calibration_moves_along_with_what_the_system_says(reported: int) -> None:
    latency = settle(RATE, BLOCK, None, reported, KEPT)
    assert latency.source == "calibrated"
    assert latency.samples == max(0, 900 + reported - 800)
    assert bool(latency.warning) is (abs(reported - 800) > DRIFT_S * RATE)


@pytest.mark.parametrize(("rate", "block"), [(44_100, BLOCK), (RATE, 128)])
def test_a_calibration_for_another_rate_or_block_is_not_used_and_that_is_said(
    rate: int, block: int
) -> None:
    latency = settle(rate, block, None, 700, KEPT)
    assert (latency.samples, latency.source) == (700, "reported")
    assert "run: companion calibrate" in latency.warning
    assert settle(rate, block, 650, 700, KEPT).warning == ""


def test_a_calibration_is_the_same_time_at_another_rate() -> None:
    assert KEPT.at(96_000) == Calibration(96_000, BLOCK, 1800, 1600)
    assert KEPT.at(44_100).at(RATE) == KEPT


# --- what is kept --------------------------------------------------------------------------------


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the file is to be."""
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path / "deep"))
    return tmp_path / "deep"


def test_each_pair_of_devices_has_its_own(folder: Path) -> None:
    assert read_calibration(PAIR) is None
    assert keep_calibration(PAIR, KEPT) == default_file() == folder / "calibration.json"
    other = Calibration(RATE, BLOCK, 1, 2)
    keep_calibration(OTHER, other)
    assert (read_calibration(PAIR), read_calibration(OTHER)) == (KEPT, other)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"ALSA: card <- card": 5}',
        '{"ALSA: card <- card": {"rate": 48000}}',
        '{"ALSA: card <- card": {"rate": 48000, "block": 256, "round_trip_samples": true,'
        ' "reported_samples": 0}}',
        '{"ALSA: card <- card": {"rate": 48000, "block": 256, "round_trip_samples":'
        f' {LONGEST_SAMPLES + 1}, "reported_samples": 0}}}}',
    ],
)
def test_a_file_that_is_none_is_named_in_one_line(content: str, folder: Path) -> None:
    folder.mkdir()
    file = folder / "calibration.json"
    file.write_text(content)
    with pytest.raises(CompanionError) as raised:
        read_calibration(PAIR)
    assert str(file) in str(raised.value) and "valid:" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(CompanionError, match="deep"):
        keep_calibration(PAIR, KEPT)
