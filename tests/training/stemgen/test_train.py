"""The training of the network: what it hides, what it counts, that it learns and resumes."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as functional

from model.autoregressive import AutoregressiveNetwork
from model.checkpoint import (
    CheckpointError,
    fingerprint,
    load_autoregressive,
    load_codec,
    load_network,
)
from model.grid import LEVELS, VOCABULARY
from model.instruments import NULL
from model.masking import draw_levels, draw_rates, mask_targets
from model.network import UNKNOWN, NetworkConfig, StemNetwork
from model.pitch import PITCHES
from tests.training.interruption import assert_interrupting_changes_nothing
from training.errors import TrainingError
from training.stemgen.baseline import AutoregressiveTraining
from training.stemgen.pairs import PairBatch, draw_batch
from training.stemgen.run import start_from, train_stemgen
from training.stemgen.sources import (
    ALL_SHARE,
    HORIZON_SHARE,
    NONE_SHARE,
    PREFIX_SHARE,
    draw_prefix,
    drop_sources,
)
from training.stemgen.train import (
    StemgenSettings,
    StemgenTraining,
    make_optimizers,
    token_loss,
)

SETTINGS = StemgenSettings(steps=6, frames_a_step=256, short_frames=32, short_share=0.5)
CPU = torch.device("cpu")


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def token_batch(size: int, frames: int) -> PairBatch:
    return PairBatch(
        context=torch.randint(0, VOCABULARY, (size, LEVELS, frames), generator=dice(1)),
        context_pitches=torch.randn(size, frames, PITCHES, generator=dice(5)),
        target=torch.randint(0, VOCABULARY, (size, LEVELS, frames), generator=dice(2)),
        target_pitches=torch.randn(size, frames, PITCHES, generator=dice(6)),
        instrument=torch.randint(0, NULL, (size,), generator=dice(3)),
        phase=torch.zeros(size, frames, 4),
    )


def make_network(config: NetworkConfig) -> StemNetwork:
    torch.manual_seed(0)
    network = StemNetwork(config)
    network.start_from_codebooks(torch.randn(LEVELS, VOCABULARY, config.code_width))
    return network


def condition(network: StemNetwork, batch: PairBatch, known: torch.Tensor) -> torch.Tensor:
    return network.condition(
        batch.context, batch.context_pitches, batch.instrument, batch.phase, known
    )


# -- what is hidden ------------------------------------------------------------------------------


def test_every_set_of_sources_is_seen_at_the_stated_rate():
    size, frames = 20_000, 8
    batch = token_batch(size, frames)
    none = torch.zeros(size, dtype=torch.long)
    context, instrument, clock_known = drop_sources(batch, none, dice())
    given = (context != UNKNOWN).any(2).any(1), instrument != NULL, clock_known
    others = (1 - ALL_SHARE - NONE_SHARE) / 8
    shares = {(True,) * 3: ALL_SHARE, (False,) * 3: NONE_SHARE}
    for sources in itertools.product((True, False), repeat=3):
        seen = torch.stack([one == is_given for one, is_given in zip(given, sources, strict=True)])
        expected = others + shares.get(sources, 0.0)
        assert float(seen.all(0).float().mean()) == pytest.approx(expected, abs=0.01), sources


def test_what_is_not_dropped_is_as_it_was():
    batch = token_batch(500, 16)
    context, instrument, _ = drop_sources(batch, torch.zeros(500, dtype=torch.long), dice())
    heard = context != UNKNOWN
    assert torch.equal(context[heard], batch.context[heard])
    kept = instrument != NULL
    assert torch.equal(instrument[kept], batch.instrument[kept])


def test_the_horizon_lies_in_the_second_half_and_behind_the_prefix():
    size, frames = 5_000, 40
    batch = token_batch(size, frames)
    prefix = torch.randint(0, 31, (size,), generator=dice(4))
    context, _, _ = drop_sources(batch, prefix, dice())
    known = (context != UNKNOWN).all(1)
    assert torch.equal(known, (context != UNKNOWN).any(1)), "all levels of a frame or none"
    some = known.any(1)
    edge = known.sum(1)
    frame = torch.arange(frames)
    assert torch.equal(known, frame[None] < edge[:, None]), "known up to the edge, then no more"
    assert bool((edge[some] >= torch.maximum(prefix[some], torch.tensor(frames // 2))).all())
    cut = float((edge[some] < frames).float().mean())
    assert cut == pytest.approx(HORIZON_SHARE, abs=0.02)


def test_half_of_the_examples_have_a_visible_prefix():
    prefix = draw_prefix(20_000, 100, dice())
    assert prefix.dtype == torch.int64
    given = prefix[prefix > 0]
    assert len(given) / len(prefix) == pytest.approx(PREFIX_SHARE, abs=0.02)
    assert 25 <= int(given.min()) <= 26 and 73 <= int(given.max()) <= 75


# -- what is counted -----------------------------------------------------------------------------


def loss_by_hand(
    network: StemNetwork,
    hidden: torch.Tensor,
    batch: PairBatch,
    masked: torch.Tensor,
    levels: torch.Tensor,
) -> torch.Tensor:
    losses = []
    for row, level in enumerate(levels.tolist()):
        for frame in masked[row].nonzero()[:, 0].tolist():
            logits = network.logits(hidden[row, frame], level)
            losses.append(functional.cross_entropy(logits, batch.target[row, level, frame]))
    return torch.stack(losses).mean()


def test_the_loss_counts_masked_positions_of_the_examples_level_only(toy_network_config):
    network = make_network(toy_network_config)
    torch.nn.init.normal_(network.heads, std=0.3)
    batch = token_batch(6, 20)
    levels = torch.tensor([0, 1, 1, 2, 3, 0])
    prefix = torch.tensor([0, 5, 0, 10, 0, 3])
    masked_target, masked = mask_targets(
        batch.target, levels, torch.full((6,), 0.4), prefix, dice()
    )
    known = torch.ones(6, dtype=torch.bool)
    conditioned = condition(network, batch, known)
    hidden = network(conditioned, masked_target, prefix)
    loss, figures = token_loss(network, hidden, batch.target, masked, levels)
    by_hand = loss_by_hand(network, hidden, batch, masked, levels)
    torch.testing.assert_close(loss, by_hand)
    assert set(figures) == {"level_1", "level_2", "level_3", "level_4"}
    share = {q: int(masked[levels == q].sum()) / int(masked.sum()) for q in range(LEVELS)}
    total = sum(figures[f"level_{q + 1}"] * share[q] for q in share)
    assert total == pytest.approx(float(loss.detach()), rel=1e-5)

    other = batch.target.clone()
    counted = torch.zeros_like(other, dtype=torch.bool)
    counted[torch.arange(6), levels] = masked
    other[~counted] = (other[~counted] + 1) % VOCABULARY
    same, _ = token_loss(network, hidden, other, masked, levels)
    torch.testing.assert_close(same, loss)


def test_a_network_that_knows_nothing_pays_the_size_of_the_vocabulary(toy_network_config):
    network = make_network(toy_network_config)
    torch.nn.init.zeros_(network.code_out)
    batch = token_batch(4, 20)
    levels, rates = torch.tensor([0, 1, 2, 3]), torch.ones(4)
    none = torch.zeros(4, dtype=torch.long)
    masked_target, masked = mask_targets(batch.target, levels, rates, none, dice())
    known = torch.ones(4, dtype=torch.bool)
    conditioned = condition(network, batch, known)
    hidden = network(conditioned, masked_target)
    loss, _ = token_loss(network, hidden, batch.target, masked, levels)
    assert float(loss.detach()) == pytest.approx(math.log(VOCABULARY), rel=1e-4)


def test_the_stems_pitches_are_learnt_beside_its_tokens(songs, toy_network_config):
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    training = StemgenTraining(make_network(toy_network_config), CPU, settings)
    batch = draw_batch(songs, 4, 32, 1, 0)
    one_pitch = torch.zeros_like(batch.target_pitches)
    one_pitch[..., 12] = 2.0
    batch = replace(batch, target_pitches=one_pitch)
    errors = [training.step(150, batch)["pitch_error"] for _ in range(60)]
    assert errors[-1] < 0.05 * errors[0]


# -- the optimisers ------------------------------------------------------------------------------


def test_every_number_has_one_optimiser_and_only_the_trunks_matrices_have_muon(toy_network_config):
    network = make_network(toy_network_config)
    muon, adam = make_optimizers(network, SETTINGS)
    sets = [
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in (muon, adam)
    ]
    assert not sets[0] & sets[1]
    assert sets[0] | sets[1] == {id(p) for p in network.parameters()}
    trunk = {id(p) for p in network.trunk.parameters() if p.ndim == 2}
    assert sets[0] == trunk


# -- learning ------------------------------------------------------------------------------------


def test_it_learns_one_small_batch_by_heart(songs, toy_network_config):
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    training = StemgenTraining(make_network(toy_network_config), CPU, settings)
    batch = draw_batch(songs, 4, 32, 1, 0)
    losses = [training.step(150, batch)["loss"] for _ in range(80)]
    assert losses[0] == pytest.approx(math.log(VOCABULARY), abs=1.0)
    assert sum(losses[-5:]) / 5 < 0.3 * losses[0]


def test_a_step_changes_every_part_of_the_network(songs, toy_network_config):
    network = make_network(toy_network_config)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    training = StemgenTraining(network, CPU, SETTINGS)
    for step in range(3):
        training.step(step, draw_batch(songs, 8, 32, 1, step))
    for name, parameter in network.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_evaluation_gives_all_its_figures(songs, toy_network_config):
    training = StemgenTraining(make_network(toy_network_config), CPU, SETTINGS)
    figures = training.evaluate(songs, batches=1)
    variants = ("right", "dropped", "wrong", "no_instrument", "no_clock", "nothing")
    expected = {
        f"level_1_masked_{share}_{variant}"
        for share in ("100%", "90%", "70%")
        for variant in variants
    } | {
        f"level_{level}_masked_100%_{variant}"
        for level in (2, 3, 4)
        for variant in ("right", "dropped")
    }
    assert set(figures) == expected
    assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert training.evaluate(songs, batches=1) == figures, "the same pairs and masks every time"


def test_evaluation_tells_a_network_that_listens(songs, toy_network_config):
    """Where the target is the context over again, the right one is worth a lot."""
    echoes = [
        replace(song, stems=song.mixes[[0] * 4], members=(song.members[0],), mixes=song.mixes[:1])
        for song in songs
    ]
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    training = StemgenTraining(make_network(toy_network_config), CPU, settings)
    batch = draw_batch(echoes, 8, 64, 1, 0)
    for step in range(60):
        training.step(150 + step, batch)
    training.network.eval()
    with torch.no_grad():
        right, dropped, wrong = (
            training._loss(batch, 0, 1.0, variant) for variant in ("right", "dropped", "wrong")
        )
    assert right < dropped and right < wrong


def test_batches_go_from_short_windows_to_full_ones(songs, toy_network_config):
    training = StemgenTraining(make_network(toy_network_config), CPU, SETTINGS)
    drawn = training.batches(songs, 2)
    shapes = [tuple(next(drawn).target.shape) for _ in range(3)]
    drawn.close()
    assert shapes == [(8, 4, 32), (4, 4, 64), (4, 4, 64)], "steps 2, 3 and 4 of 6"


# -- the law it trains by ------------------------------------------------------------------------


def test_most_of_what_is_learnt_lies_where_every_generation_begins():
    rates = draw_rates(20_000, dice())
    assert float((rates == 1).float().mean()) >= 0.3
    assert float((rates > 0.9).float().mean()) >= 0.5
    assert float((rates < 0.5).float().mean()) >= 0.1, "and the end of a decoding is seen too"
    levels = draw_levels(20_000, dice())
    assert int(levels.bincount().argmin()) == 3 and int(levels.bincount().min()) > 0


# -- whole runs ----------------------------------------------------------------------------------


def go(
    encoded: Path,
    out: Path,
    band: Path,
    codec: Path,
    config: NetworkConfig,
    baseline: bool = False,
    **more,
) -> Path:
    if not out.exists():
        shutil.copytree(encoded / "shards", out / "shards")
    settings = replace(SETTINGS, **more)
    return train_stemgen(band, codec, out, settings, config, baseline, "cpu", 1, 1)


@pytest.mark.parametrize("backbone", ["recurrent", "convolution"])
def test_other_trunks_are_trained_by_the_same_run(
    encoded_out, tmp_path, band, codec_weights, toy_network_config, backbone
):
    config = replace(toy_network_config, backbone=backbone)
    weights = go(encoded_out, tmp_path / "out", band, codec_weights, config)
    assert load_network(weights).config == config


def test_the_baseline_is_trained_by_the_same_run_and_is_no_stemgen(
    encoded_out, tmp_path, band, codec_weights, toy_network_config
):
    weights = go(
        encoded_out, tmp_path / "out", band, codec_weights, toy_network_config, baseline=True
    )
    assert load_autoregressive(weights).config == toy_network_config
    with pytest.raises(CheckpointError, match="holds 'autoregressive'; valid here: 'stemgen'"):
        load_network(weights)
    with pytest.raises(TrainingError, match="baseline"):
        go(encoded_out, tmp_path / "out", band, codec_weights, toy_network_config)


def test_the_baseline_learns_one_small_batch_by_heart(songs, toy_network_config):
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    torch.manual_seed(0)
    network = AutoregressiveNetwork(toy_network_config)
    training = AutoregressiveTraining(network, CPU, settings)
    batch = draw_batch(songs, 4, 32, 1, 0)
    losses = [training.step(150, batch)["loss"] for _ in range(80)]
    assert losses[0] == pytest.approx(math.log(VOCABULARY), abs=1.0)
    assert sum(losses[-5:]) / 5 < 0.3 * losses[0]
    figures = training.evaluate(songs, batches=1)
    variants = ("right", "dropped", "wrong", "no_instrument", "no_clock", "nothing")
    assert set(figures) == {f"level_{q}_{variant}" for q in (1, 2, 3, 4) for variant in variants}


def test_a_run_that_was_interrupted_ends_as_the_unbroken_one_bit_for_bit(
    encoded_out, tmp_path, band, codec_weights, toy_network_config, monkeypatch
):
    rest = (band, codec_weights, toy_network_config)
    straight = assert_interrupting_changes_nothing(
        monkeypatch, StemgenTraining, tmp_path, lambda out: go(encoded_out, out, *rest)
    )
    lines = (tmp_path / "straight" / "log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["kind"] == "valid"

    network = load_network(straight, fingerprint(load_codec(codec_weights)))
    assert network.config == toy_network_config
    with pytest.raises(TrainingError, match=r"seed 1.*seed 2"):
        go(encoded_out, tmp_path / "broken", *rest, seed=2)


def test_a_run_may_start_from_weights(
    encoded_out, tmp_path, band, codec_weights, toy_network_config
):
    first = go(encoded_out, tmp_path / "first", band, codec_weights, toy_network_config)
    shutil.copytree(encoded_out / "shards", tmp_path / "second" / "shards")
    settings = replace(SETTINGS, steps=1, peak=1e-9)
    again = train_stemgen(
        band,
        codec_weights,
        tmp_path / "second",
        settings,
        toy_network_config,
        device="cpu",
        start=first,
    )
    ours, theirs = load_network(again).state_dict(), load_network(first).state_dict()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-3, rtol=0)


def test_features_may_start_from_tokens(toy_network_config):
    """At first they hear as the tokens' tables would have it if a token were only its entry."""
    tokens = make_network(replace(toy_network_config, context="tokens")).eval()
    features = make_network(toy_network_config).eval()
    start_from(features, tokens)
    batch = token_batch(2, 16)
    known = torch.ones(2, dtype=torch.bool)
    with torch.no_grad():
        for table in tokens.tables:
            table.weight[:VOCABULARY] = 0.0
        torch.testing.assert_close(
            condition(tokens, batch, known)[..., : tokens.config.width // 2],
            condition(features, batch, known)[..., : tokens.config.width // 2],
        )
        dropped = replace(batch, context=torch.full_like(batch.context, UNKNOWN))
        torch.testing.assert_close(
            condition(tokens, dropped, known), condition(features, dropped, known)
        )


def test_a_start_of_another_size_is_refused_in_one_line(toy_network_config):
    network = make_network(toy_network_config)
    for other in (replace(toy_network_config, width=48, heads=3), toy_network_config):
        target = (
            network
            if other.width == 48
            else make_network(replace(toy_network_config, context="tokens"))
        )
        with pytest.raises(TrainingError, match=r"start has .*; valid here: ") as error:
            start_from(target, make_network(other))
        assert "\n" not in str(error.value)


def test_the_network_is_as_wide_as_the_codecs_codebooks(
    encoded_out, tmp_path, band, codec_weights, toy_network_config
):
    narrow = replace(toy_network_config, code_width=3)
    weights = go(encoded_out, tmp_path / "run", band, codec_weights, narrow)
    books = load_codec(codec_weights).codebooks()
    assert load_network(weights).config.code_width == books.shape[-1] != 3
