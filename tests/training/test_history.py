"""Epochs' records, and what follows from them."""

import pytest

from lenet.training.loop import EpochRecord, best_epoch, is_out_of_patience


def records(*losses):
    return [
        EpochRecord(n, 1.0, 0.5, 0.5, 0.1, validation_loss=loss) for n, loss in enumerate(losses, 1)
    ]


def test_to_dict_leaves_out_what_was_not_measured_and_comes_back():
    record = EpochRecord(1, 0.1 + 0.2, 0.5, 0.25, 3.0, learning_rate=1e-300)
    values = record.to_dict()
    assert list(values) == [
        *("epoch", "loss", "train_accuracy", "test_accuracy", "seconds", "learning_rate")
    ]
    assert EpochRecord.from_dict(values) == record


@pytest.mark.parametrize(
    ("losses", "best"),
    [((), None), ((None, None), None), ((3.0,), 1), ((3.0, 2.0, 2.0, 4.0), 2), ((1.0, 2.0), 1)],
)
def test_the_best_is_the_first_of_the_lowest(losses, best):
    assert best_epoch(records(*losses)) == best


@pytest.mark.parametrize(
    ("losses", "patience", "over"),
    [
        ((), 1, False),
        ((1.0, 2.0, 3.0), 0, False),
        ((1.0, 2.0), 2, False),
        ((1.0, 2.0, 3.0), 2, True),
        ((3.0, 1.0, 1.0), 1, True),
        ((None, None, None), 1, False),
    ],
)
def test_patience(losses, patience, over):
    assert is_out_of_patience(len(losses), best_epoch(records(*losses)), patience) == over
