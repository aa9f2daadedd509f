"""Speed: a network here and in other frameworks, on one machine, in turn.

- ``workload``: what everybody does, from the same weights on the same images
- ``with_lenet``, ``with_torch``, ``with_onnxruntime``: who does it; ``torch_network`` and
  ``onnx_network`` say what our layers are there
- ``processes``: a process for each framework, so that no thread pool disturbs another; ``worker``
  is what runs in it
- ``measuring``: that all agree, then round after round
- ``result``: what came out; ``text`` and ``chart``: as a person reads it
"""

from lenet.benchmarking.measuring import bench
from lenet.benchmarking.result import Benchmark

__all__ = ["Benchmark", "bench"]
