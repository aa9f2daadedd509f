"""Normalisations in a weights file, under the names of other tools."""

import pytest

from lenet.analysis.diagnosis.adapt import Tensor
from lenet.analysis.diagnosis.norms import norms_of

#: What PyTorch saves of a BatchNorm2d.
PYTORCH = ("weight", "bias", "running_mean", "running_var")


def file_of(*modules: str) -> tuple[list[Tensor], list[Tensor]]:
    """``name:8`` is a convolution of 8 channels, ``name:8b`` one with a bias, ``name=8`` a
    normalisation; the convolutions' weights, and all tensors as PyTorch names them."""
    tensors = []
    for module in modules:
        name, is_conv, size = module.partition(":" if ":" in module else "=")
        channels = int(size.rstrip("b"))
        if is_conv == ":":
            tensors.append(Tensor(f"{name}.weight", (channels, 3, 3, 3)))
            if size.endswith("b"):
                tensors.append(Tensor(f"{name}.bias", (channels,)))
        else:
            tensors += [Tensor(f"{name}.{word}", (channels,)) for word in PYTORCH]
            tensors.append(Tensor(f"{name}.num_batches_tracked", ()))
    return [tensor for tensor in tensors if len(tensor.shape) == 4], tensors


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        (["0:8", "1=8", "4:16", "5=16"], {"0": "1", "4": "5"}),
        (["0:8b", "2:8b", "3=8", "10:8b", "11=8"], {"2": "3", "10": "11"}),
        (["conv1:8", "conv2:16", "bn1=8", "bn2=16"], {"conv1": "bn1", "conv2": "bn2"}),
        (["conv1:8b", "conv2:8", "bn=8"], {"conv2": "bn"}),  # a bias would be of no use
        (["conv1:8b", "conv2:16b", "bn=16"], {"conv2": "bn"}),
        (["1.bn=8", "1.conv:8", "2.bn=8", "2.conv:8"], {"1.conv": "1.bn", "2.conv": "2.bn"}),
        (["conv:8", "bn=9"], {}),  # of a dense layer, perhaps
        (["conv:8", "bn1=8", "bn2=8"], {"conv": "bn1"}),
        (["conv:8"], {}),
    ],
    ids=str,
)
def test_pytorchs_names(modules: list[str], found: dict[str, str]) -> None:
    convs, tensors = file_of(*modules)
    norms = norms_of(convs, tensors)
    assert {name.removesuffix(".weight"): norm.prefix for name, norm in norms.items()} == found
    for norm in norms.values():
        words = (*PYTORCH, "num_batches_tracked")
        assert set(norm.names) == {f"{norm.prefix}.{word}" for word in words}


def test_our_own_names() -> None:
    words = ("bias", "scale", "mean", "variance")
    plain, normalised = Tensor("conv0.weight", (8, 1, 5, 5)), Tensor("conv1.weight", (8, 8, 5, 5))
    tensors = [plain, normalised, *(Tensor(f"conv1.{word}", (8,)) for word in words)]
    (found,) = norms_of([plain, normalised], tensors).items()
    assert found[0] == "conv1.weight"
    assert set(found[1].names) == {"conv1.scale", "conv1.mean", "conv1.variance"}


@pytest.mark.parametrize(
    "names",
    [
        ("bn.running_mean",),
        ("bn.running_mean", "other.running_var"),
        ("running_meanrunning_var",),
        ("ln.weight", "ln.bias"),
    ],
)
def test_what_is_none(names: tuple[str, ...]) -> None:
    conv = Tensor("conv.weight", (8, 1, 5, 5))
    assert not norms_of([conv], [conv, *(Tensor(name, (8,)) for name in names)])


def test_a_module_saved_by_itself() -> None:
    conv = Tensor("weight", (8, 1, 5, 5))
    statistics = [Tensor(name, (8,)) for name in ("running_mean", "running_var")]
    assert list(norms_of([conv], [conv, *statistics])) == ["weight"]
