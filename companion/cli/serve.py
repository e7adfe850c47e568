"""`companion serve`: the generator for rigs elsewhere."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from companion.cli.typed import Weights
from companion.generate.loading import GENERATORS, loading, weights_digest
from companion.remote.place import LOOPBACK, PORT, read_served_at
from companion.system.ending import ended_by
from companion.system.errors import CompanionError, one_line
from companion.system.printing import printable, say


def serve_command(
    listen: Annotated[
        str,
        typer.Option(
            help="Where rigs reach it; 0.0.0.0 for any of the network.", metavar="HOST[:PORT]"
        ),
    ] = f"{LOOPBACK}:{PORT}",
    generator: Annotated[
        str, typer.Option(help=f"What makes the stems: {' or '.join(GENERATORS)}.")
    ] = "model",
    device: Annotated[
        str, typer.Option(help="Where the model runs: auto, cuda, mps or cpu.")
    ] = "auto",
    weights: Weights = None,
) -> None:
    """Make plans for rigs on other machines, until Ctrl-C."""
    # What only a box needs is not waited for by every other command.
    from companion.generate.warmup import warm_up
    from companion.remote.key import box_key, rig_key_file
    from companion.remote.orders import Orders
    from companion.remote.server import Server
    from companion.remote.speech import generator_id

    names = [name for name in GENERATORS if name == generator]
    if not names:
        raise CompanionError(f"generator is {generator!r}; valid: {', '.join(GENERATORS)}")
    place = read_served_at(listen, "listen")
    key = None if place.is_here else box_key(rig_key_file().parent)
    source = loading(names[0], device, weights)
    say("loading the generator")
    try:
        made = source.load()
    except (ValueError, ImportError) as error:
        raise CompanionError(one_line(error)) from error
    ready = warm_up(made, source.set_threads if str(made.device) == "cpu" else None)
    orders = Orders(made)
    identity = generator_id(names[0], weights_digest(names[0], weights))
    lines = threading.Lock()

    def tell(line: str) -> None:
        with lines:
            say(printable(line))

    server = Server(place, key, identity, ready, orders, tell)
    try:
        with ended_by(lambda _: orders.close()):
            tell(
                f"serving {identity} at {server.place}: {ready.device}, {ready.plan_s:.2f} s a plan"
            )
            if key is not None:
                tell(f"its key, to be copied to each rig's folder of settings: {rig_key_file()}")
            orders.run()
    finally:
        server.close()
    tell(f"{orders.plans} plans, {orders.shared} of them in a batch with another's")
