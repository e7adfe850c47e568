"""`python -m training speed`: what a plan costs on this machine, as plausible numbers."""

from __future__ import annotations

import re
import sys

import pytest
import torch

from model.checkpoint import CODEC_FILE, STEMGEN_FILE, load_codec, save_codec, save_network
from model.checkpoint import fingerprint as name_of
from model.generator import load_generator
from model.network import StemNetwork
from training.__main__ import main
from training.evaluation import speed


@pytest.fixture(scope="module")
def weights(tmp_path_factory, codec_weights, toy_network_config):
    folder = tmp_path_factory.mktemp("weights")
    codec = load_codec(codec_weights)
    save_codec(folder / CODEC_FILE.name, codec)
    torch.manual_seed(0)
    network = StemNetwork(toy_network_config)
    network.start_from_codebooks(codec.codebooks())
    save_network(folder / STEMGEN_FILE.name, network, name_of(codec))
    return folder


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch):
    monkeypatch.setattr(speed, "REPEATS", 1)


def test_every_part_takes_time_and_the_parts_fit_the_whole(weights):
    figures = speed.measure_speed(load_generator("cpu", weights), bars=1, prefix_bars=1)
    assert (figures.device, figures.bars, figures.passes) == ("cpu", 1, 2)
    assert figures.encode_s > 0 and figures.decode_s > 0
    assert 0 < figures.network_s < figures.plan_s
    assert figures.network_gflops > 0 and figures.peak_gflops > 0
    longer = speed.measure_speed(load_generator("cpu", weights), bars=3, prefix_bars=1)
    assert longer.network_gflops > 2 * figures.network_gflops


def test_the_command_prints_them(monkeypatch, capsys, weights):
    arguments = ["training", "speed", "--device", "cpu", "--weights", str(weights)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    printed = capsys.readouterr().out
    for pattern in (r"encode 10 s of audio: \d", r"decode 10 s of audio: \d", r"plan 4 bars"):
        assert re.search(pattern, printed), pattern
