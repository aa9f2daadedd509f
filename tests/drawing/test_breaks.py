"""Breaking into even rows."""

from lenet.drawing.breaks import narrowest


def words(limit):
    """Lengths 1 to 10 in rows of at most ``limit``, but of one at least."""
    rows = [[]]
    for length in range(1, 11):
        if rows[-1] and sum(rows[-1]) + length > limit:
            rows.append([])
        rows[-1].append(length)
    return rows


def test_what_fits_stays_whole():
    assert narrowest(words, 100) == [list(range(1, 11))]


def test_as_few_rows_as_allowed_and_those_even():
    rows = narrowest(words, 50)
    assert len(rows) == len(words(50)) == 2
    assert max(map(sum, rows)) < max(map(sum, words(50)))


def test_a_limit_too_small_for_anything_ends():
    assert narrowest(words, 0.5) == [[length] for length in range(1, 11)]
