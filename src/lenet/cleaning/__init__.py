"""Is a collection of pictures in order? ``lenet.clean``.

``material`` puts all images of the data together, ``labels`` finds likely wrong labels, and
``oddities`` finds pictures that are blank or unlike the others. Each is one of ``findings``;
``result`` is all that comes of it, and ``page`` shows it with the pictures.
"""

from lenet.cleaning.cleaning import clean
from lenet.cleaning.findings import Finding
from lenet.cleaning.result import Cleaning

__all__ = ["Cleaning", "Finding", "clean"]
