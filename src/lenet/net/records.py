"""Immutable records: what ``@dataclass(frozen=True)`` gives, without what it costs at import.

That writes and compiles source for every class, 0.7 ms each, and imports ``inspect``, another 8.
There are forty such classes in this package and in the anatomy, and a command waits for all that
it imports.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """A class of named values: equal, hashed and shown by them, never changed.

    The annotations of a subclass are its fields, in order; what a field is set to is its default.
    A subclass with an ``__init__`` of its own, which passes the fields on, says ``init=False``;
    that is for type checkers.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, init: bool = True) -> None:
        own = tuple(cls.__annotations__)
        cls._fields += own
        cls._defaults = cls._defaults | {name: vars(cls)[name] for name in own if name in vars(cls)}

    def __init__(self, *values: Any, **named: Any) -> None:
        """Take the fields' values, in order or by name.

        Raises:
            TypeError: one is missing, unknown or given twice.
        """
        given = dict(zip(self._fields, values, strict=False), **named)
        state = {**self._defaults, **given}
        if state.keys() != set(self._fields) or len(given) < len(values) + len(named):
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(self._fields)}; given are {len(values)} "
                f"values in order and {', '.join(named) or 'none by name'}."
            )
        vars(self).update(state)

    def changed(self, **changes: Any) -> Self:
        """The same with other values of some fields, checked as at the start."""
        return type(self)(**{name: vars(self)[name] for name in self._fields} | changes)

    def _values(self) -> tuple[Any, ...]:
        # Not all of __dict__: what a cached property found lies there too.
        return tuple(map(self.__dict__.__getitem__, self._fields))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        pairs = zip(self._fields, self._values(), strict=True)
        return (
            f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        _refuse(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        _refuse(f"cannot delete field {name!r}")


def _refuse(message: str) -> NoReturn:
    from dataclasses import FrozenInstanceError  # an AttributeError, as of any frozen dataclass

    raise FrozenInstanceError(message)
