"""The page beside the control surfaces: how each is opened."""

from __future__ import annotations

TEXT = """# Control surfaces of {name}

The companion listens on port {port} of this machine while `companion jam` plays {name}. Each
surface asks it, with `/companion/subscribe`, to be told what changes; whichever was opened before
the companion asks again as described.

## Pure Data: {pure_data}

Open it. *connect* at the top left asks again. Other patches can join in:
`[s companion.{player}.level]` takes 0 to 1 as if the slider were moved, and
`[r companion.{player}.level.told]` gives what is told. (A player whose name is a number is turned,
but not shown.)

## Max: {max}

Open it and lock it. A click on the message at the top asks again.

## Open Stage Control: {open_stage_control}

    open-stage-control --load {open_stage_control} --osc-port {open_stage_control_port}

To ask again, reload the page in its client.

## TouchOSC: {touch_osc}

Copy it to the tablet and open it. In the app's connections, OSC, connection 1: UDP, host the
address of this machine, send port {port}, receive port {touch_osc_port}. The preset has to let the
tablet in, by its address: `osc: {{listen: 0.0.0.0, peers: [192.168.1.20]}}`. To ask again, stop
and start the layout.

## TouchDesigner: {touch_designer}

1. A *Table DAT* with this file: a line for each address. `channel` is its name in a CHOP,
   `direction` says whether it is sent (`out`), told (`in`) or both.
2. To turn knobs: an *OSC Out CHOP*, network address 127.0.0.1, network port {port}, and into it a
   *Constant CHOP* with a channel of that name, such as `companion/{player}/level/normalised`.
   Only what changes has to be sent: *Send Events Every Cook* off.
3. For menus and for subscribing: an *OSC Out DAT* to the same address and port. In the textport,
   `op('oscout1').sendOSC('/companion/subscribe', [{touch_designer_port}])`, which asks again as
   well, and `op('oscout1').sendOSC('/companion/{player}/instrument', ['organ'])`.
4. To be told: an *OSC In CHOP* on network port {touch_designer_port}, which makes a channel of each
   number; an *OSC In DAT* on the same port has the texts too.
"""


def how_to(name: str, player: str, port: int, files: dict[str, str], told: dict[str, int]) -> bytes:
    """The page, as its file.

    Args:
        name: of the preset.
        player: any of its players, for examples.
        port: at which the companion listens.
        files: each surface's file, by the surface.
        told: the port that each listens at.
    """
    ports = {f"{surface}_port": number for surface, number in told.items()}
    return TEXT.format(name=name, player=player, port=port, **files, **ports).encode()
