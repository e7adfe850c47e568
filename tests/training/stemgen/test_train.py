"""The training of the network: what it hides, what it counts, that it learns and resumes."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace
from functools import partial
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
from model.instruments import INSTRUMENTS, NULL
from model.masking import draw_levels, draw_rates, mask_frames, mask_targets
from model.network import SOUNDS, NetworkConfig, StemNetwork
from model.pitch import PITCHES
from model.request import HARMONY_WIDTH, SOURCES
from model.sources import UNKNOWN
from tests.training.interruption import assert_interrupting_changes_nothing
from training.errors import TrainingError
from training.stemgen.baseline import AutoregressiveTraining
from training.stemgen.pairs import PairBatch, draw_batch
from training.stemgen.run import start_from, train_stemgen
from training.stemgen.sources import (
    ALL_SHARE,
    NONE_SHARE,
    VARIANTS,
    draw_told,
    sources_of,
    vary_sources,
)
from training.stemgen.train import (
    StemgenSettings,
    StemgenTraining,
    depth_loss,
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
        guessed=torch.zeros(size, frames, dtype=torch.bool),
        context_pitches=torch.randn(size, frames, PITCHES, generator=dice(5)),
        target=torch.randint(0, VOCABULARY, (size, LEVELS, frames), generator=dice(2)),
        target_pitches=torch.randn(size, frames, PITCHES, generator=dice(6)),
        instrument=torch.randint(0, NULL, (size,), generator=dice(3)),
        phase=torch.zeros(size, frames, 4),
        clock_known=torch.ones(size, dtype=torch.bool),
        harmony=torch.ones(size, frames, HARMONY_WIDTH, dtype=torch.bool),
        harmony_known=torch.ones(size, frames, dtype=torch.bool),
        reference=torch.randint(0, VOCABULARY, (size, LEVELS, 8), generator=dice(7)),
        reference_sounding=torch.ones(size, 8, dtype=torch.bool),
        prefix=torch.zeros(size, dtype=torch.long),
    )


def make_network(config: NetworkConfig) -> StemNetwork:
    torch.manual_seed(0)
    network = StemNetwork(config)
    network.start_from_codebooks(torch.randn(LEVELS, VOCABULARY, config.code_width))
    return network


def condition(network: StemNetwork, batch: PairBatch) -> torch.Tensor:
    return network.condition(sources_of(network, batch))


# -- what is hidden ------------------------------------------------------------------------------


def test_every_set_of_sources_is_told_at_the_stated_rate():
    size = 40_000
    told = draw_told(size, dice())
    others = (1 - ALL_SHARE - NONE_SHARE) / 2 ** len(SOURCES)
    shares = {(True,) * len(SOURCES): ALL_SHARE, (False,) * len(SOURCES): NONE_SHARE}
    for sources in itertools.product((True, False), repeat=len(SOURCES)):
        rows = zip(SOURCES, sources, strict=True)
        seen = torch.stack([told[name] == is_told for name, is_told in rows])
        expected = others + shares.get(sources, 0.0)
        assert float(seen.all(0).float().mean()) == pytest.approx(expected, abs=0.01), sources


def test_a_batch_tells_all_that_it_holds(songs, toy_network_config):
    batch = draw_batch(songs, 4, 32, 1, 0)
    network = make_network(toy_network_config)
    sources = sources_of(network, batch)
    assert sources.told() == set(SOURCES)
    assert sources.sound.shape == (4, network.sound_width)
    for variant in VARIANTS:
        varied = vary_sources(sources, variant)
        withheld = {
            "right": set(),
            "wrong": set(),
            "dropped": {"audio"},
            "nothing": set(SOURCES),
            "bare": {"harmony", "sound"},
        }.get(variant, {variant.removeprefix("no_")})
        assert varied.told() == set(SOURCES) - withheld
        heard_alike = variant not in ("wrong", "dropped", "nothing")
        assert torch.equal(varied.context, sources.context) == heard_alike


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
    conditioned = condition(network, batch)
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
    conditioned = condition(network, batch)
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


def test_in_depth_the_loss_is_that_of_the_masked_frames_at_every_level(deep_config):
    network = make_network(deep_config)
    torch.nn.init.normal_(network.heads, std=0.3)
    batch = token_batch(3, 20)
    target, masked = mask_frames(
        batch.target, torch.tensor([1.0, 0.5, 0.1]), torch.tensor([4, 0, 2]), dice()
    )
    hidden = network(condition(network, batch), target, torch.tensor([4, 0, 2]))
    finer = torch.arange(int(masked.sum())) % 3 == 0
    loss, figures = depth_loss(network, hidden, batch.target, masked, finer, 0.4)
    losses: dict[int, list[torch.Tensor]] = {level: [] for level in range(LEVELS)}
    for index, (row, frame) in enumerate(masked.nonzero().tolist()):
        state, truth = hidden[row, frame][None], batch.target[row, :, frame]
        losses[0].append(functional.cross_entropy(network.logits(state, 0), truth[:1]))
        for level in range(1, LEVELS if index % 3 == 0 else 1):
            state, logits = network.deeper(state, level, truth[level - 1 : level])
            losses[level].append(functional.cross_entropy(logits, truth[level : level + 1]))
    by_hand = [torch.stack(losses[level]).mean() for level in range(LEVELS)]
    torch.testing.assert_close(loss, by_hand[0] + 0.4 * sum(by_hand[1:]))
    for level, one in enumerate(by_hand):
        assert figures[f"level_{level + 1}"] == pytest.approx(float(one.detach()), rel=1e-5)
    _, alone = depth_loss(network, hidden, batch.target, masked, finer & False, 0.4)
    assert set(alone) == {"level_1"}


# -- the optimisers ------------------------------------------------------------------------------


def test_every_number_has_one_optimiser_and_only_matrices_within_the_network_have_muon(fine_config):
    network = make_network(fine_config)
    muon, adam = make_optimizers(network, SETTINGS)
    sets = [
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in (muon, adam)
    ]
    assert not sets[0] & sets[1]
    assert sets[0] | sets[1] == {id(p) for p in network.parameters()}
    within = [
        p
        for name, p in network.named_parameters()
        if p.ndim == 2 and name.startswith(("trunk.", "depth.")) and "table" not in name
    ]
    assert sets[0] == {id(p) for p in within if p.shape[0] != fine_config.code_width}


# -- learning ------------------------------------------------------------------------------------


def test_it_learns_one_small_batch_by_heart(songs, fine_config):
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    training = StemgenTraining(make_network(fine_config), CPU, settings)
    batch = draw_batch(songs, 4, 32, 1, 0)
    losses = [training.step(150, batch)["loss"] for _ in range(80)]
    levels = 1 + 3 * settings.fine_weight if fine_config.fine == "depth" else 1
    assert losses[0] == pytest.approx(levels * math.log(VOCABULARY), abs=1.5)
    assert sum(losses[-5:]) / 5 < 0.3 * losses[0]


def test_a_step_changes_every_part_of_the_network(songs, fine_config):
    network = make_network(fine_config)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    training = StemgenTraining(network, CPU, SETTINGS)
    for step in range(3):
        training.step(step, draw_batch(songs, 8, 32, 1, step))
    for name, parameter in network.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_evaluation_gives_all_its_figures(songs, fine_config):
    training = StemgenTraining(make_network(fine_config), CPU, SETTINGS)
    figures = training.evaluate(songs, batches=1)
    expected = (
        {
            f"level_1_masked_{share}_{variant}"
            for share in ("100%", "90%", "70%")
            for variant in VARIANTS
        }
        | {"level_1_live"}
        | {
            f"level_{level}_masked_100%_{variant}"
            for level in (2, 3, 4)
            for variant in ("right", "dropped")
        }
    )
    assert set(figures) == expected
    assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert training.evaluate(songs, batches=1) == figures, "the same pairs and masks every time"


def test_evaluation_tells_a_network_that_listens(songs, fine_config):
    """Where the target is the context over again, the right one is worth a lot."""
    echoes = [
        replace(song, stems=song.mixes[[0] * 4], members=(song.members[0],), mixes=song.mixes[:1])
        for song in songs
    ]
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    training = StemgenTraining(make_network(fine_config), CPU, settings)
    batch = draw_batch(echoes, 8, 64, 1, 0)
    for step in range(60):
        training.step(150 + step, batch)
    network = training.network.eval()
    every = sources_of(network, replace(batch, prefix=torch.zeros(8, dtype=torch.long)))
    with torch.no_grad():
        right, dropped, wrong = (
            training._loss(network, batch, vary_sources(every, variant), 0, 1.0)
            for variant in ("right", "dropped", "wrong")
        )
    assert right < dropped and right < wrong


def test_a_compiled_trunk_learns_the_same_and_keeps_its_names(
    songs, toy_network_config, monkeypatch
):
    """What torch makes of its blocks is left as it is: writing C++ for it would take a minute."""
    traced = partial(torch.compile, backend="eager")
    monkeypatch.setattr(torch, "compile", traced)
    batch = draw_batch(songs, 4, 32, 1, 0)
    losses = {}
    for compiled in (False, True):
        network = make_network(toy_network_config)
        training = StemgenTraining(network, CPU, SETTINGS, compiled=compiled)
        losses[compiled] = [training.step(step, batch)["loss"] for step in range(3)]
        assert (network.trunk.blocks[0]._compiled_call_impl is not None) == compiled
        names = {name.removeprefix("0.") for name in training.state.state_dict() if name[0] == "0"}
        assert names == StemNetwork(toy_network_config).state_dict().keys()
    assert losses[True] == pytest.approx(losses[False], abs=1e-3)


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
    assert set(figures) == {f"level_{q}_{variant}" for q in (1, 2, 3, 4) for variant in VARIANTS}


def test_a_run_that_was_interrupted_ends_as_the_unbroken_one_bit_for_bit(
    encoded_out, tmp_path, band, codec_weights, fine_config, monkeypatch
):
    rest = (band, codec_weights, fine_config)
    straight = assert_interrupting_changes_nothing(
        monkeypatch, StemgenTraining, tmp_path, lambda out: go(encoded_out, out, *rest)
    )
    lines = (tmp_path / "straight" / "log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["kind"] == "valid"

    network = load_network(straight, fingerprint(load_codec(codec_weights)))
    assert network.config == fine_config
    assert network.sounds.shape == (len(INSTRUMENTS), SOUNDS, network.sound_width)
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
        # The sounds are chosen anew, with codebooks that have been halves in between.
        allowed = 1e-2 if name == "sounds" else 0.0
        torch.testing.assert_close(tensor, theirs[name], atol=1e-3, rtol=allowed)


def test_features_may_start_from_tokens(toy_network_config):
    """At first they hear as the tokens' tables would have it if a token were only its entry."""
    tokens = make_network(replace(toy_network_config, context="tokens")).eval()
    features = make_network(toy_network_config).eval()
    start_from(features, tokens)
    batch = token_batch(2, 16)
    with torch.no_grad():
        for table in tokens.tables:
            table.weight[:VOCABULARY] = 0.0
        torch.testing.assert_close(
            condition(tokens, batch)[..., : tokens.config.width // 2],
            condition(features, batch)[..., : tokens.config.width // 2],
        )
        dropped = replace(batch, context=torch.full_like(batch.context, UNKNOWN))
        torch.testing.assert_close(condition(tokens, dropped), condition(features, dropped))


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
