"""The one place where `encodec` is imported.

`encodec` asks for `torchaudio` when it is imported, though its model code (the part used here)
needs it for nothing but file reading and resampling. Where `torchaudio` is absent, or built for
another torch, an empty placeholder stands in for it *during that import only*; nothing else in
this project touches `torchaudio`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def import_encodec(submodule: str) -> ModuleType:
    """Import `encodec.<submodule>`, e.g. `quantization.core_vq`.

    Raises:
        ImportError: `encodec` (or `einops`, which it needs) is not installed.
    """
    name = f"encodec.{submodule}"
    placeholder = None
    if "encodec" not in sys.modules:
        try:
            importlib.import_module("torchaudio")
        except (ImportError, OSError, RuntimeError):  # absent, or another torch's libraries
            for broken in [m for m in sys.modules if m.split(".")[0] == "torchaudio"]:
                del sys.modules[broken]
            placeholder = ModuleType("torchaudio")
            sys.modules["torchaudio"] = placeholder
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"cannot import {name} ({error}); valid: encodec 0.1.1 with einops installed"
        ) from error
    finally:
        if placeholder is not None and sys.modules.get("torchaudio") is placeholder:
            del sys.modules["torchaudio"]
