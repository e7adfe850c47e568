"""The command `python -m training prepare`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.checkpoint import CODEC_FILE
from model.device import pick_device
from training.errors import TrainingError
from training.prepare.card import summary, write_card
from training.prepare.layouts import find_layout
from training.prepare.pieces import cut
from training.prepare.write import Encoding, encode_pieces, shard_folder

CARD = "CARD.md"


def prepare(
    folder: Annotated[
        Path, typer.Argument(help="Slakh2100, MUSDB18-HQ, MoisesDB, or a folder of stems.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the shards and their card.")] = Path(
        "data/shards"
    ),
    codec: Annotated[Path, typer.Option(help="Codec weights.")] = CODEC_FILE,
    seed: Annotated[int, typer.Option(help="Same seed, same mixes.", min=0)] = 1,
    device: Annotated[str, typer.Option(help="Where it encodes: auto, cuda, mps or cpu.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(help="Processes; left out: as many as there are cores.", min=1)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be used, and write nothing.")
    ] = False,
) -> None:
    """Turn recorded stems into token shards. Run it again to go on where it stopped."""
    print = Console(soft_wrap=True, highlight=False, markup=False).print
    layout = find_layout(folder)
    found = layout.read(folder)
    pieces = cut(found)
    for line in summary(layout, folder, found, pieces):
        print(line)
    if not pieces:
        raise TrainingError(f"nothing in {folder} can be used; valid: {layout.tree}")
    if dry_run:
        print("minutes that are silent are found while encoding")
        return
    pick_device(device)
    encoding = Encoding(codec, shard_folder(out, codec), seed, device)
    reasons = encode_pieces(pieces, encoding, workers or os.cpu_count() or 1)
    for reason, names in reasons.items():
        found.left_out[reason] = names
        print(f"left out, {len(names)}, {reason}")
    used = [piece for piece in pieces if encoding.shard(piece).exists()]
    write_card(out / CARD, summary(layout, folder, found, used, every=True))
    print(f"shards: {out}")
