"""PyTorch's own files of weights, read without running anything in them.

Only what reads one imports this file.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import torch

from lenet.errors import MissingPackageError, ModelFileError, path_text
from lenet.formats.weights import Arrays

#: Under what names training programs keep a state dict among other things.
_NESTED: Final = ("state_dict", "model_state_dict", "model", "net")
_SAVE: Final = "save it with torch.save(net.state_dict(), path)"
#: Before this, a file could run code though weights alone were asked for (CVE-2025-32434).
_SAFE: Final = (2, 6)


def read_state_dict(path: object, content: bytes) -> Arrays:
    """Return the tensors of a state dict, weights alone, as NumPy arrays by their names.

    Raises:
        ModelFileError: the file is damaged, or holds something else.
        MissingPackageError: this PyTorch is too old to read a stranger's file safely.
    """
    if torch.__version__ < _SAFE:
        raise MissingPackageError(
            f"PyTorch {torch.__version__} may run what is in such a file; install PyTorch 2.6 or "
            "newer, or save the weights with safetensors.torch.save_file."
        )
    try:
        found: Any = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may make its reader raise anything
        raise ModelFileError(
            f"{path_text(path)} holds no weights alone, or is damaged, and nothing else of it is "
            f"read; {_SAVE}."
        ) from error
    for name in _NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    tensors = found if isinstance(found, Mapping) else {}
    if not tensors or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise ModelFileError(f"{path_text(path)} holds no state dict; {_SAVE}.")
    if not all(map(_is_plain, tensors.values())):
        what = "quantised, sparse or complex tensors, or some without values"
        raise ModelFileError(f"{path_text(path)} holds {what}; {_SAVE}.")
    return {str(name): to_array(value) for name, value in tensors.items()}


def _is_plain(value: torch.Tensor) -> bool:
    is_dense = value.layout == torch.strided and not value.is_meta
    return is_dense and not (value.is_quantized or value.is_complex())


def to_array(value: torch.Tensor) -> Any:
    """Return a tensor's values, wherever it lies; floating-point ones as float32."""
    value = value.detach().cpu()
    return (value.float() if value.is_floating_point() else value).numpy()
