"""Speed: a network here and in other frameworks, on one machine, in turn.

- ``workload``: what everybody does, from the same weights on the same images
- ``torch_network``, ``onnx_network``: what our layers are there, and how fast
- ``worker``: a process for each framework, so that no thread pool disturbs another
- ``measuring``: that all agree, then round after round
- ``result``: what came out, and as a person reads it
"""

from lenet.benchmarking.measuring import bench
from lenet.benchmarking.result import Benchmark

__all__ = ["Benchmark", "bench"]
