from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.listen.cycle import pieces, stand_in_bar

transports = st.builds(
    Grid,
    rate=st.sampled_from((44100, 48000, 96000)),
    bpm=st.fractions(40, 240, max_denominator=100),
    origin_samples=st.integers(0, 10**7),
    beats_per_bar=st.integers(1, 7),
)


@given(transports, st.integers(0, 200), st.integers(1, 16), st.fractions(-3, 200))
def test_a_stand_in_is_the_latest_bar_in_phase_that_is_over(
    transport: Grid, bar: int, cycle: int, heard_bars: Fraction
) -> None:
    heard = round(transport.origin_samples + heard_bars * transport.bar_samples)
    over = [
        earlier
        for earlier in range(bar % cycle, bar, cycle)
        if transport.bar_start_samples(earlier + 1) <= heard
    ]
    assert stand_in_bar(transport, bar, cycle, heard) == (max(over) if over else None)


@given(
    transports,
    st.integers(1, 16),
    st.fractions(-3, 40),
    st.fractions(-3, 40),
    st.integers(1, 10**6),
)
def test_pieces_cover_a_stretch_without_gaps_and_hear_only_what_was_played(
    transport: Grid, cycle: int, heard_bars: Fraction, start_bars: Fraction, length: int
) -> None:
    heard = round(transport.origin_samples + heard_bars * transport.bar_samples)
    start = round(transport.origin_samples + start_bars * transport.bar_samples)
    found = list(pieces(transport, start, start + length, cycle, heard))
    assert [p.end_samples for p in found[:-1]] == [p.start_samples for p in found[1:]]
    assert (found[0].start_samples, found[-1].end_samples) == (start, start + length)
    for piece in found:
        assert piece.start_samples < piece.end_samples
        if piece.shift_samples is not None:
            assert piece.start_samples - piece.shift_samples >= transport.origin_samples
            assert piece.end_samples - piece.shift_samples <= heard + 1  # a bar may be one longer
        if piece.start_samples < transport.origin_samples:
            assert piece.shift_samples is None
        elif piece.start_samples < heard:
            assert piece.shift_samples == 0


@given(transports, st.integers(1, 16), st.fractions(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_bars_that_are_forgotten_stand_in_for_nothing_and_nothing_else_changes(
    transport: Grid, cycle: int, heard_bars: Fraction, start_bar: int, since: int
) -> None:
    heard = round(transport.origin_samples + heard_bars * transport.bar_samples)
    start, end = map(transport.bar_start_samples, (start_bar, start_bar + 8))
    without = list(pieces(transport, start, end, cycle, heard))
    found = list(pieces(transport, start, end, cycle, heard, since))
    assert len(found) == len(without)
    for new, old in zip(found, without, strict=True):
        assert (new.start_samples, new.end_samples) == (old.start_samples, old.end_samples)
        forgotten = bool(old.shift_samples) and (
            transport.bar_at(old.start_samples - old.shift_samples + 1) < since
        )
        assert new.shift_samples == (None if forgotten else old.shift_samples)
