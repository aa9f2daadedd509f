"""The optimizers: their names, and what each remembers between steps."""

from typing import Final

#: How many numbers an optimizer remembers for every parameter, by the optimizer's name. The native
#: engine counts the optimizers in this order.
OPTIMIZERS: Final = {"sgd": 0, "momentum": 1, "nesterov": 1, "adamw": 2}
