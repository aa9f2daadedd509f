"""Windows that stand out, each told where it is so and not where it is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.analysis.findings import told_once, window_findings
from lenet.net import Conv2d, Network, parse_network, zoo


def _findings(text: str) -> list[str]:
    return list(window_findings(parse_network(text)))


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_has_nothing_odd(name: str) -> None:
    # compact's last pooling, and LeNet-5's C5, of which the paper says the same.
    known = (
        "is a global average pooling: it leaves the mean of each map",
        "a dense layer in all but",
    )
    odd = [text for text in window_findings(zoo.get(name)) if not any(k in text for k in known)]
    assert odd == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "1x9x9 | maxpool 2",
            "pool0 never looks at the last row and the last column of its 1@9x9 input: the next "
            "window would not fit.",
        ),
        ("1x9x8 | maxpool 2", "pool0 never looks at the last row of its 1@9x8 input: the next"),
        ("1x9x11 | conv 2 k3x3 s2x3", "conv0 never looks at the last 2 columns of its 1@9x11"),
        ("1x10x10 | maxpool 4, maxpool 1, maxpool 1x2 s1x4", "last 2 rows and the last 2 columns"),
        ("1x1x1 | conv 1 k1 s9 p3", "never looks at the last row and the last column of its"),
    ],
)
def test_pixels_at_the_border_that_are_dropped(text: str, sentence: str) -> None:
    assert any(sentence in found for found in _findings(text))


@pytest.mark.parametrize(
    "text",
    [
        "1x8x8 | maxpool 2",
        "1x9x9 | conv 2 k3 s2",
        "1x8x8 | conv 2 k3 s2 p1",  # only padding is dropped
        "1x28x28 | dense 10",
    ],
)
def test_no_pixel_is_dropped(text: str) -> None:
    assert not any("never looks" in found for found in _findings(text))


@settings(max_examples=100, deadline=None)
@given(*[st.integers(1, 9)] * 3, st.integers(0, 4), st.integers(0, 4))
def test_dropped_rows_against_a_plain_count(
    size: int, kernel: int, stride: int, top: int, bottom: int
) -> None:
    network = Network((1, size, 1), [Conv2d(1, (kernel, 1), (stride, 1), (top, bottom, 0, 0))])
    if kernel > size + top + bottom:
        return
    starts = range(0, size + top + bottom - kernel + 1, stride)
    reached = max(starts) + kernel - top
    dropped = sum(row >= reached for row in range(size))
    found = [text for text in window_findings(network) if "never looks" in text]
    assert bool(found) == bool(dropped)
    if dropped:
        assert ("last row" if dropped == 1 else f"last {dropped} rows") in found[0]


def test_steps_over_pixels() -> None:
    (found,) = _findings("1x7x7 | conv 2 k1 s2")
    assert found == "conv0 looks at 1 of every 4 pixels: its 1x1 window moves in steps of 2."
    (found,) = _findings("1x6x7 | conv 2 k3x1 s3x2")
    assert found == "conv0 looks at 1 of every 2 columns: its 3x1 window moves in steps of 3x2."
    # A window that is nowhere followed by another leaves nothing between them.
    found = _findings("1x3x30 | conv 2 k3 s4")
    assert found[-1] == "conv0 looks at 3 of every 4 columns: its 3x3 window moves in steps of 4."
    assert not _findings("1x7x7 | conv 2 k3 s2")
    assert not any("looks at" in found for found in _findings("1x1x1 | conv 2 k1 s2"))


def test_even_kernels() -> None:
    found = _findings("1x8x7 | conv 2 k4, conv 2 k2x3, maxpool 2, conv 2 k1 | dense 2")
    assert found[0] == (
        "conv0 has an even kernel, 4x4: without a centre, no padding keeps the size with equal "
        "sides. Likewise conv1."
    )
    assert not any("even" in text for text in _findings("1x8x8 | conv 2 k3x5, maxpool 2"))


def test_more_padding_than_half_the_kernel() -> None:
    (found,) = _findings("1x8x8 | conv 2 k3 p2")
    assert found == (
        "conv0 pads 2 on a side, more than half of its 3x3 window: at the border it sees mostly "
        "padding."
    )
    assert not _findings("1x8x8 | conv 2 k3 p1, conv 2 k5 same")
    assert not any("pads" in text for text in _findings("1x8x8 | conv 2 k4 p2"))
    assert "pads 1 on" in _findings("1x8x8 | conv 2 k3x1 p0.0.1.0")[0]


def test_poolings_that_overlap() -> None:
    (found,) = _findings("1x7x7 | maxpool 3 s2")
    assert found == "pool0 overlaps: 3x3 windows in steps of 2 share 1 row and 1 column."
    (found,) = _findings("1x8x7 | avgpool 2x3 s2x1")
    assert found == "pool0 overlaps: 2x3 windows in steps of 2x1 share 2 columns."
    assert not _findings("1x8x8 | maxpool 2")
    assert not any("overlaps" in text for text in _findings("1x3x3 | maxpool 3 s1"))


def test_single_pixels() -> None:
    # C5 of LeCun et al. 1998.
    (found,) = _findings("16x5x5 | conv 120 k5, conv 3 k1")
    assert found == (
        "conv0 leaves 120@1x1: its 5x5 kernel covers all of its 16@5x5 input, so it is a dense "
        "layer in all but name."
    )
    (found,) = _findings("6x2x2 | maxpool 2")
    assert found == "pool0 makes 6@1x1 of 6@2x2: single pixels, with no neighbours left."
    assert not _findings("6x4x2 | maxpool 2")
    (found,) = _findings("6x7x5 | avgpool 7x5")
    assert found == (
        "pool0 is a global average pooling: it leaves the mean of each map, 6@1x1 of 6@7x5."
    )
    assert "global" not in " ".join(_findings("6x7x5 | avgpool 7x5 p1"))


def test_what_many_layers_share_is_told_once() -> None:
    told = [(f"conv{n}", f"conv{n} is odd.") for n in range(6)]
    assert list(told_once(told[:1])) == ["conv0 is odd."]
    assert list(told_once(told[:3])) == ["conv0 is odd. Likewise conv1 and conv2."]
    assert list(told_once(told)) == [
        "conv0 is odd. Likewise conv1, conv2, conv3 and 2 more layers."
    ]
    assert list(told_once([])) == []
