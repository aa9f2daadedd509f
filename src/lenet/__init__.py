"""lenet: small convolutional networks, understood in a minute and trained in seconds.

``dir(lenet)`` lists the public names; each is loaded when it is first used, so that importing the
package costs next to nothing. Where each is from stands in ``__init__.pyi``, which type checkers
and editors read as well.

    net = lenet.zoo.lenet()                              describe
    print(lenet.explain(net))                            understand
    print(lenet.deduce("28x28 -> 6@24x24 -> 10"))        read a figure
    model = lenet.train(net, lenet.load("digits"))       train
    model.predict(images); model.save("a.safetensors")   use
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def _read_names(stub: str) -> dict[str, tuple[str, str]]:
    """Return each public name with the module and the name there, as the stub file says them."""
    names: dict[str, tuple[str, str]] = {}
    with open(stub, encoding="utf-8") as file:
        for line in file:
            match line.split("#")[0].split():
                case ["from", module, "import", name, "as", public]:
                    names[public] = module, name
                case [public, "=", private]:
                    names[public] = names.pop(private)
    return names


_PUBLIC = _read_names(f"{__file__}i")
#: Not everybody has the packages that these need: ``from lenet import *`` leaves them out.
_EXTRA = ("LeNetClassifier", "from_torch", "to_torch")

__all__ = sorted(_PUBLIC.keys() - set(_EXTRA))


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lenet' has no attribute {name!r}; see dir(lenet)")
    module, attribute = _PUBLIC[name]
    if module == "lenet":
        value: Any = import_module(f"lenet.{attribute}")
    else:
        value = getattr(import_module(module), attribute)
    # Kept here from now on: this function is asked once per name.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_PUBLIC)
