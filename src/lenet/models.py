"""Models of the zoo's networks, by name: ``net = lenet.models.lenet()``, then ``net.initialize()``.

``dir(lenet.models)`` lists them; what each network is for, ``lenet.zoo`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lenet.data.preprocess import Preprocessing
from lenet.model import Model
from lenet.net import fitted, zoo

_NAMES = {name.replace("-", "_"): name for name in zoo.names()}

_ARGUMENTS = """
    Args:
        classes: how many there are, or a name for each: the last layer gets one unit for each.
        preprocessing: how images are prepared; by default pixels are scaled to [0, 1].

    Returns:
        A model without weights: ``initialize()`` draws them, ``lenet.train`` trains them.
    """


def __getattr__(name: str) -> Callable[..., Model]:
    if name not in _NAMES:
        raise AttributeError(f"no network is called {name!r}; there are {', '.join(_NAMES)}")
    network = zoo.get(_NAMES[name])

    def make(
        classes: int | Sequence[str] | None = None, preprocessing: Preprocessing | None = None
    ) -> Model:
        names: Any = classes if hasattr(classes, "__len__") else None
        count: Any = classes if names is None else len(names)
        sized = network if count is None else fitted(network, network.input_shape, count)
        return Model(sized, names, preprocessing)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"{getattr(zoo, name).__doc__}{_ARGUMENTS}"
    return make


def __dir__() -> list[str]:
    return sorted(_NAMES)
