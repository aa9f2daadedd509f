"""What a network is: an immutable description that knows no arrays.

- ``layers``: Conv2d, MaxPool2d, AvgPool2d, Dense and the activations
- ``shapes``: the one shape formula
- ``network``: Block, Network, and every layer in its place
- ``notation``: a network as one line of text, both ways
- ``document``: a network as JSON, both ways
- ``zoo``: networks known by name
- ``sources``: a network from any of these
- ``fitting``: a network known by name, for other images and classes
- ``records``: the immutable classes that all of these are
- ``words``: the wording that error messages share
"""

from lenet.net.document import from_document, from_json, to_document, to_json
from lenet.net.fitting import fitted
from lenet.net.layers import ACTIVATIONS, AvgPool2d, Conv2d, Dense, Layer, MaxPool2d
from lenet.net.network import Block, Network, PlacedLayer
from lenet.net.notation import format_network, parse_network
from lenet.net.shapes import Shape
from lenet.net.sources import Source, is_model_file, name_of, read_named, read_network

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
    "format_network",
    "from_document",
    "from_json",
    "is_model_file",
    "name_of",
    "parse_network",
    "read_named",
    "read_network",
    "to_document",
    "to_json",
]
