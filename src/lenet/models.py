"""Models of the zoo's networks, by name: ``net = lenet.models.lenet()``, then ``net.initialize()``.

``dir(lenet.models)`` lists them; what each network is for, ``lenet.zoo`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lenet.data.preprocess import Preprocessing
from lenet.model import Model
from lenet.net import zoo

_NAMES = {name.replace("-", "_"): name for name in zoo.names()}


def __getattr__(name: str) -> Callable[..., Model]:
    if name not in _NAMES:
        raise AttributeError(f"no network is called {name!r}; there are {', '.join(_NAMES)}")
    network = zoo.get(_NAMES[name])

    def make(
        classes: Sequence[str] | None = None, preprocessing: Preprocessing | None = None
    ) -> Model:
        return Model(network, classes, preprocessing)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = getattr(zoo, name).__doc__
    return make


def __dir__() -> list[str]:
    return sorted(_NAMES)
