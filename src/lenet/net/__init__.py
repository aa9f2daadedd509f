"""What a network is: an immutable description that knows no arrays.

- ``shapes``: the shape formula
- ``tables``: connection tables and targets of LeCun et al. 1998
- ``layers``: Conv2d, MaxPool2d, AvgPool2d, Subsample, Dense, Rbf and the activations
- ``network``: Block, Network, every layer in its place, and a network with layers replaced
- ``notation``: reading a network from one line of text
- ``document``: a network as JSON, both ways
- ``zoo``: networks known by name
- ``sources``: a network from any of these, or from a saved model
- ``words``: the wording that error messages share
"""

from lenet.net.document import from_document as from_document
from lenet.net.document import from_json as from_json
from lenet.net.document import to_document as to_document
from lenet.net.document import to_json as to_json
from lenet.net.layers import ACTIVATIONS as ACTIVATIONS
from lenet.net.layers import AvgPool2d as AvgPool2d
from lenet.net.layers import Conv2d as Conv2d
from lenet.net.layers import Dense as Dense
from lenet.net.layers import Layer as Layer
from lenet.net.layers import MaxPool2d as MaxPool2d
from lenet.net.layers import Rbf as Rbf
from lenet.net.layers import Subsample as Subsample
from lenet.net.network import Block as Block
from lenet.net.network import Network as Network
from lenet.net.network import PlacedLayer as PlacedLayer
from lenet.net.network import fitted as fitted
from lenet.net.network import rebuilt as rebuilt
from lenet.net.notation import parse_network as parse_network
from lenet.net.shapes import Shape as Shape
from lenet.net.sources import Source as Source
from lenet.net.sources import is_model_file as is_model_file
from lenet.net.sources import name_of as name_of
from lenet.net.sources import read_named as read_named
from lenet.net.sources import read_network as read_network
from lenet.net.sources import zoo_name_of as zoo_name_of
