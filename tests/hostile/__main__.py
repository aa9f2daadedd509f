"""Try every reader in full: ``python -m tests.hostile --inputs 20000``, in the repository's root.

The same seed makes the same inputs. What a reader does wrong is printed with its input's number:
``--reader NAME --first NUMBER --inputs 1`` tries that one again.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile.fuzzing import fuzz
from hostile.readers import READERS


def main() -> int:
    """Try the readers that are asked for, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="for each reader")
    parser.add_argument("--reader", action="append", help="by name; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    given = parser.parse_args()
    wanted = [reader for reader in READERS if not given.reader or reader.name in given.reader]
    bad = False
    for reader in wanted:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["LENET_CACHE"] = str(Path(folder) / "cache")
            outcome = fuzz(reader, Path(folder), given.inputs, given.seed, given.first)
        print(outcome, flush=True)
        for text in [*outcome.faults[:20], *outcome.slow[:20]]:
            print(f"  {text}".replace("\n", "\n    "), flush=True)
        bad = bad or bool(outcome.faults or outcome.slow)
    return int(bad or not wanted)


if __name__ == "__main__":
    sys.exit(main())
