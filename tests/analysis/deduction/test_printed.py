"""Shapes as frameworks print them: brackets, loops over layers, and whole tables."""

import pytest

from lenet.analysis.deduction import deduce, read_figure
from lenet.errors import LenetError, NotationError
from refusals import refused

SHAPES = [(1, 28, 28), (6, 24, 24), (6, 12, 12), (864,), (10,)]
NETWORK = "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10"


@pytest.mark.parametrize(
    "text",
    [
        "(None, 28, 28, 1) -> (None, 24, 24, 6) -> (None, 12, 12, 6) -> (None, 864) -> (None, 10)",
        "[(None, 28, 28, 1)], (None, 24, 24, 6), (None, 12, 12, 6), (None, 864), (None, 10)",
        "(?, 28, 28, 1), (?, 24, 24, 6), (?, 12, 12, 6), (?, 864), (?, 10)",
        "[1, 28, 28] -> [6, 24, 24] -> [6, 12, 12] -> [864] -> [10]",
        "(28, 28); (24, 24, 6); (12, 12, 6); (864,); (10,)",
        "torch.Size([64, 1, 28, 28]), torch.Size([64, 6, 24, 24]), torch.Size([64, 6, 12, 12]), "
        "torch.Size([64, 864]), torch.Size([64, 10])",
        "(1, 1, 28, 28)\n(1, 6, 24, 24)\n(1, 6, 12, 12)\n(1, 864)\n(1, 10)\n",
        "[-1, 1, 28, 28] -> [-1, 6, 24, 24] -> [-1, 6, 12, 12] -> [-1, 864] -> [-1, 10]",
        "28x28 -> conv (N, 6, 24, 24) -> pool (N, 6, 12, 12) -> flatten (N, 864) -> fc (N, 10)",
        "1@28x28 -> [6, 24, 24] -> 6@12x12 -> flatten -> 864 -> 10",
    ],
)
def test_brackets(text: str) -> None:
    assert [stage.shape for stage in read_figure(text).stages] == SHAPES
    assert str(deduce(text).network) == NETWORK


def test_our_own_loop_over_a_model() -> None:
    loop = (
        "conv0 output shape:\t (1, 6, 24, 24)\npool0 output shape:\t (1, 6, 12, 12)\n"
        "conv1 output shape:\t (1, 16, 8, 8)\npool1 output shape:\t (1, 16, 4, 4)\n"
        "dense0 output shape:\t (1, 120)\ndense1 output shape:\t (1, 84)\n"
        "dense2 output shape:\t (1, 10)\n"
    )
    found = deduce(f"28x28\n{loop}")
    assert found.parameters == 44_426
    assert [step.target.name for step in found.steps[:2]] == ["conv0", "pool0"]
    # A loop does not print what goes in.
    (note,) = deduce(loop).figure.notes[1:]
    assert note.startswith("6@24x24 of conv0 is taken for what goes in")


def test_a_loop_with_activations() -> None:
    found = deduce(
        "1x28x28\n"
        "Conv2d output shape: \t torch.Size([1, 6, 28, 28])\n"
        "Sigmoid output shape: \t torch.Size([1, 6, 28, 28])\n"
        "AvgPool2d output shape: \t torch.Size([1, 6, 14, 14])\n"
        "Flatten output shape: \t torch.Size([1, 1176])\n"
        "Linear output shape: \t torch.Size([1, 120])\n"
        "Sigmoid output shape: \t torch.Size([1, 120])\n"
        "Linear output shape: \t torch.Size([1, 10])\n"
    )
    assert str(found.network) == (
        "1x28x28 | conv 6 k3 p1 relu, avgpool 2 | dense 120 relu, dense 10"
    )
    assert "sigmoid changes no shape and is left out." in found.figure.notes
    assert "maximum from the mean" not in str(found)


KERAS_3 = """\
Model: "sequential_1"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                 │ (None, 26, 26, 32)     │           320 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d (MaxPooling2D)    │ (None, 13, 13, 32)     │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ conv2d_1 (Conv2D)               │ (None, 11, 11, 64)     │        18,496 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d_1 (MaxPooling2D)  │ (None, 5, 5, 64)       │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ flatten (Flatten)               │ (None, 1600)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 1600)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 10)             │        16,010 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 34,826 (136.04 KB)
 Non-trainable params: 0 (0.00 B)
"""

KERAS_2 = """\
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 input_1 (InputLayer)        [(None, 28, 28, 1)]       0
 conv2d (Conv2D)             (None, 28, 28, 6)         156

 activation (Activation)     (None, 28, 28, 6)         0
 average_pooling2d (AverageP  (None, 14, 14, 6)        0
 ooling2D)

 global_average_pooling2d (G  (None, 6)                0
 lobalAveragePooling2D)
 dense (Dense)               (None, 10)                70
=================================================================
Total params: 226 (904.00 Byte)
"""

TORCHINFO = """\
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
LeNet                                    [1, 10]                   --
├─Sequential: 1-1                        [1, 16, 5, 5]             --
│    └─Conv2d: 2-1                       [1, 6, 28, 28]            156
│    └─Sigmoid: 2-2                      [1, 6, 28, 28]            --
│    └─AvgPool2d: 2-3                    [1, 6, 14, 14]            --
│    └─Conv2d: 2-4                       [1, 16, 10, 10]           2,416
│    └─AvgPool2d: 2-5                    [1, 16, 5, 5]             --
├─Flatten: 1-2                           [1, 400]                  --
├─Linear: 1-3                            [1, 120]                  48,120
├─Linear: 1-4                            [1, 84]                   10,164
├─Linear: 1-5                            [1, 10]                   850
==========================================================================================
Total params: 61,706
Input size (MB): 0.00
"""

TORCHINFO_WIDE = """\
==========================================================================================
Layer (type (var_name))    Input Shape         Output Shape        Param #     Kernel Shape
==========================================================================================
Net (Net)                  [64, 1, 28, 28]     [64, 10]            --          --
├─Conv2d (conv1)           [64, 1, 28, 28]     [64, 32, 26, 26]    320         [3, 3]
├─Conv2d (conv2)           [64, 32, 26, 26]    [64, 64, 24, 24]    18,496      [3, 3]
├─MaxPool2d (pool)         [64, 64, 24, 24]    [64, 64, 12, 12]    --          2
├─Dropout (dropout1)       [64, 64, 12, 12]    [64, 64, 12, 12]    --          --
├─Linear (fc1)             [64, 9216]          [64, 128]           1,179,776   --
├─Linear (fc2)             [64, 128]           [64, 10]            1,290       --
==========================================================================================
"""

TORCHSUMMARY = """\
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, 6, 28, 28]             156
              ReLU-2            [-1, 6, 28, 28]               0
         MaxPool2d-3            [-1, 6, 14, 14]               0
            Linear-4                   [-1, 10]          11,770
================================================================
Total params: 11,926
"""


@pytest.mark.parametrize(
    ("table", "network", "parameters"),
    [
        (
            f"28x28x1\n{KERAS_3}",
            "1x28x28 | conv 32 k3 relu, maxpool 2 | conv 64 k3 relu, maxpool 2 | dense 10",
            34_826,
        ),
        # 156 parameters are a 5x5 kernel's, though 3x3 is likelier.
        (KERAS_2, "1x28x28 | conv 6 k5 p2 relu, avgpool 2, avgpool 14 | dense 10", 226),
        (
            f"(1, 28, 28) ->\n{TORCHINFO}",
            "1x28x28 | conv 6 k5 p2 relu, avgpool 2 | conv 16 k5 relu, avgpool 2 "
            "| dense 120 relu, dense 84 relu, dense 10",
            61_706,
        ),
        (
            TORCHINFO_WIDE,
            "1x28x28 | conv 32 k3 relu, conv 64 k3 relu, maxpool 2 | dense 128 relu, dense 10",
            1_199_882,
        ),
        (f"28x28\n{TORCHSUMMARY}", "1x28x28 | conv 6 k5 p2 relu, maxpool 2 | dense 10", 11_926),
    ],
)
def test_tables(table: str, network: str, parameters: int) -> None:
    found = deduce(table)
    assert str(found.network) == network
    assert found.parameters == parameters
    assert deduce(table.replace("\n", "\r\n")).network == found.network


def test_a_tables_parameters_are_looked_at() -> None:
    text = " ".join(str(deduce(f"28x28\n{TORCHSUMMARY}")).split())
    assert "The table's 156 parameters agree." in text
    # Without a bias there are 6 fewer: the likeliest window stays, and it is said.
    text = " ".join(str(deduce(f"28x28\n{TORCHSUMMARY.replace('156', '150')}")).split())
    assert "The table's 150 parameters cannot be met" in text


def test_a_table_without_its_input_says_so() -> None:
    found = deduce(KERAS_3)
    assert found.figure.stages[0].shape == (32, 26, 26)
    assert any("write the input before it" in note for note in found.figure.notes)


@pytest.mark.parametrize(
    "text",
    [
        "(None) -> 10",
        "(None, 1, 2, 3, 4) -> 10",
        "(2, 1, 2, 3, 4) -> 10",
        "() -> 10",
        "(1, 0, 2) -> 10",
        "(a, 28, 28) -> 10",
        "(1, 28, 28 -> 10",
        KERAS_3.splitlines()[2],
    ],
)
def test_what_is_no_shape(text: str) -> None:
    with refused(NotationError):
        read_figure(text)


@pytest.mark.parametrize(
    "line", ["(" * 40_000, "( " * 30_000, "1x" * 40_000, "28\n" * 30_000, "[1,  " + " " * 50_000]
)
def test_hostile_tables_end_soon(line: str) -> None:
    header = "Layer (type)  Output Shape  Param #\n"
    for text in (line, f"{line}\n{header}{line}", header + f"conv {line} 3"):
        with refused(LenetError):
            read_figure(text)
