"""A file to import, read whole: of its own kind, whatever it is called; nothing in it is run."""

from __future__ import annotations

import os
from typing import Final

from lenet import kinds
from lenet.errors import ModelFileError, path_text, reason
from lenet.files import read_regular
from lenet.kinds import Kind

#: The largest file that is read, in bytes.
MAX_BYTES: Final = 2**31 - 1
_SAVE: Final = "save the weights with safetensors.torch.save_file(net.state_dict(), path)"
#: What to do about a file of another kind.
_ADVICE: Final = {
    kinds.EMPTY: "copy it anew",
    kinds.PYTORCH: f"end its name in .pt, or {_SAVE}",
    kinds.PICKLE: f"a pickle may run anything when it is read; {_SAVE}",
    kinds.ONNX: "end its name in .onnx",
    kinds.MXNET: "end its name in .params",
    kinds.SAFETENSORS: "end its name in .safetensors",
    kinds.LFS: "fetch the file itself with git lfs pull",
    kinds.HDF5: "save the network as ONNX, or with Keras 3 in .keras",
    kinds.KERAS: "end its name in .keras",
}
#: What a file may be whose first bytes tell nothing.
_OPEN: Final = (kinds.UNKNOWN, kinds.TEXT)


def read_whole(path: str | os.PathLike[str], *wanted: Kind) -> bytes:
    """Return the bytes of a file that is one of some kinds, or of none that is known.

    Raises:
        ModelFileError: it cannot be read, is too large, or is something else, which is named.
    """
    try:
        content = read_regular(path, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        what = f"cannot read {path_text(path)}: {reason(error)}"
        raise ModelFileError(f"{what}; give a file of a trained network.") from error
    kind = kinds.kind_of(content[: kinds.START])
    if kind not in (*wanted, *_OPEN):
        advice = _ADVICE.get(kind, "give the file of a trained network")
        raise ModelFileError(
            f"{path_text(path)} is {kind.one}, not {wanted[0].one} as its name says; {advice}."
        )
    return content
