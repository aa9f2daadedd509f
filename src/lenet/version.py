"""The version of this package, in one place."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("lenet")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0+unknown"
