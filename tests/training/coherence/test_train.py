"""The run: the loss asks each half for what it can hear, the figures fall, resuming is exact."""

from __future__ import annotations

import pytest
import torch

from tests.training.interruption import assert_interrupting_changes_nothing
from training.coherence.network import CoherenceConfig, CoherenceNetwork
from training.coherence.pairs import Kind, draw_batch
from training.coherence.run import train_coherence
from training.coherence.train import CoherenceSettings, CoherenceTraining, coherence_loss
from training.errors import TrainingError
from training.evaluation.coherence import load_coherence

TOY = CoherenceConfig(4, 8, 8)
KINDS = torch.tensor(
    [
        [Kind.TRUE, Kind.OTHER_SONG, Kind.OFF_BEAT, Kind.TRANSPOSED],
        [Kind.OTHER_SONG, Kind.TRUE, Kind.OTHER_SONG, Kind.OTHER_SONG],
    ]
)
PITCHED = torch.ones(4, dtype=torch.bool)


def loss_of(kind: Kind, half: int, pitched: torch.Tensor = PITCHED) -> float:
    """The loss when the pairs of one kind score as high as the true ones in one half."""
    logits = torch.where(KINDS == Kind.TRUE, 8.0, -8.0).repeat(3, 1, 1)
    logits[half][kind == KINDS] = 8.0
    return float(coherence_loss(logits, KINDS, pitched))


def test_the_loss_is_nothing_when_every_pair_is_told():
    assert loss_of(Kind.TRUE, 2) == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize(
    ("half", "deaf_to"), [(0, Kind.OFF_BEAT), (1, Kind.TRANSPOSED), (1, Kind.OTHER_BARS)]
)
def test_a_half_is_not_asked_for_what_it_cannot_hear(half, deaf_to):
    assert loss_of(deaf_to, half) == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize("half", [0, 1, 2])
def test_every_half_is_asked_for_other_songs(half):
    assert loss_of(Kind.OTHER_SONG, half) > 1


def test_both_together_are_asked_for_everything():
    assert loss_of(Kind.OFF_BEAT, 2) > 0.3
    assert loss_of(Kind.TRANSPOSED, 2) > 0.3


def test_drums_have_no_chords_to_answer_for():
    drums = torch.zeros(4, dtype=torch.bool)
    assert loss_of(Kind.OTHER_SONG, 0, drums) == pytest.approx(0, abs=1e-2)


def test_one_small_batch_is_learnt_by_heart(band_songs):
    torch.manual_seed(0)
    network = CoherenceNetwork(TOY)
    training = CoherenceTraining(network, torch.device("cpu"), CoherenceSettings(10_000, peak=1e-2))
    batch = draw_batch(band_songs, 4, 1, 0)
    losses = [training.step(50, batch)["loss"] for _ in range(40)]
    assert losses[-1] < 0.6 * losses[0]
    figures = training.evaluate(band_songs, batches=2)
    assert {"loss", "harmonic_transposed", "percussive_off_beat", "both_other_song"} <= set(figures)
    assert all(0 <= value <= 1 for name, value in figures.items() if name != "loss")


def go(band, codec_weights, out, seed: int = 1):
    settings = CoherenceSettings(steps=4, songs_a_step=2, seed=seed)
    return train_coherence(band, codec_weights, out, settings, TOY, device="cpu", threads=1)


def test_a_run_that_was_interrupted_ends_as_the_unbroken_one_bit_for_bit(
    charted_band, codec_weights, tmp_path, monkeypatch
):
    straight = assert_interrupting_changes_nothing(
        monkeypatch,
        CoherenceTraining,
        tmp_path,
        lambda out: go(charted_band, codec_weights, out),
    )
    assert load_coherence(straight).config == TOY
    with pytest.raises(TrainingError, match=r"seed=1.*seed=2"):
        go(charted_band, codec_weights, tmp_path / "broken", seed=2)
