"""A network from whatever a person names on the command line."""

from __future__ import annotations

from lenet.net import Network, is_model_file, read_network


def network_of(source: str) -> Network:
    """A network by zoo name, notation or ``.json`` file; of a saved model, its network."""
    if is_model_file(source):
        from lenet.model import Model

        return Model.load(source).network
    return read_network(source)
