"""What a network is: an immutable description that knows no arrays.

- ``shapes``: the shape formula
- ``layers``: Conv2d, MaxPool2d, AvgPool2d, Dense and the activations, with all their facts
- ``network``: Block, Network, every layer in its place, and a network with layers replaced
- ``notation``: reading a network from one line of text
- ``document``: a network as JSON, both ways
- ``zoo``: networks known by name
- ``sources``: a network from any of these, or from a saved model
- ``words``: the wording that error messages share
"""

from lenet.net.document import from_document, from_json, to_document, to_json
from lenet.net.layers import ACTIVATIONS, AvgPool2d, Conv2d, Dense, Layer, MaxPool2d
from lenet.net.network import Block, Network, PlacedLayer, fitted, rebuilt
from lenet.net.notation import parse_network
from lenet.net.shapes import Shape
from lenet.net.sources import (
    Source,
    is_model_file,
    name_of,
    read_named,
    read_network,
    zoo_name_of,
)

__all__ = [
    "ACTIVATIONS",
    "AvgPool2d",
    "Block",
    "Conv2d",
    "Dense",
    "Layer",
    "MaxPool2d",
    "Network",
    "PlacedLayer",
    "Shape",
    "Source",
    "fitted",
    "from_document",
    "from_json",
    "is_model_file",
    "name_of",
    "parse_network",
    "read_named",
    "read_network",
    "rebuilt",
    "to_document",
    "to_json",
    "zoo_name_of",
]
