"""``LeNetClassifier``: scikit-learn's protocol. The only file that imports scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, prod
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet.data.preprocess import Preprocessing
from lenet.errors import MissingPackageError, ModelFileError
from lenet.estimator.given import indices_of, listed, plain, rows_of, weighted
from lenet.estimator.layout import Layout, find_layout
from lenet.estimator.networks import choose_network, with_outputs
from lenet.estimator.samples import Samples, canonical
from lenet.estimator.training import Course
from lenet.estimator.values import find_range, to_bytes
from lenet.metrics import log_softmax
from lenet.model import Model
from lenet.net import Network, read_network
from lenet.training import Recipe

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise MissingPackageError(
        f"lenet.LeNetClassifier needs scikit-learn 1.6 or newer ({error}); run pip install "
        '"lenet[sklearn]".'
    ) from error

_MODERN: Final = Recipe()
#: Fewest and most samples a step that batch_size="auto" takes, and how many steps it wants.
_BATCHES: Final = (8, _MODERN.batch_size)
_STEPS: Final = 20
#: The engine has another way for up to so many images, whose scores may differ in the last bit.
_FEW: Final = 4


class LeNetClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A small convolutional network as a scikit-learn classifier.

    ``X`` holds images, (N, H, W), (N, H, W, C) or (N, C, H, W), or rows (N, features). A row
    becomes the image that ``image_shape`` or the network's own input says, else a square if it can
    be one of 8x8 or more, else it is no image and each feature a channel of one pixel. Numbers of
    any range become the 256 levels of a byte: exactly, if they are pixels from 0 to 255 or those
    divided by 255.

    Training does not depend on the order of the samples, and a weight is a repetition: weight 3 is
    the same as three times the sample and weight 0 as none, bit for bit. Weights count relative to
    each other, within one call.

    Parameters
    ----------
    net : str, path or Network, default="auto"
        A zoo name, notation, ``.json`` file or network; its last dense layer gets as many units as
        there are classes, and images are resized to its input. "auto" is LeNet with ReLU on images
        and two dense layers on what is no image.
    image_shape : (H, W) or (C, H, W), default=None
        Which image a row of ``X`` is, in C order; of four-dimensional ``X``, which axes are what.
    value_range : (low, high), default=None
        The numbers that become black and white; None measures them in the data of ``fit``, or of
        the first ``partial_fit``. What lies outside is cut off.
    epochs : int, default=20
        Passes over the data.
    batch_size : int, default="auto"
        Samples a step; "auto" takes 8 to 128, so that small data have some 20 steps an epoch.
    optimizer : {"sgd", "momentum", "nesterov", "adamw"}, default="adamw"
        What is done with the gradient.
    lr : float, default=0.01
        The learning rate, of a one-cycle schedule its peak.
    schedule : {"one-cycle", "constant"}, default="one-cycle"
        How the rate changes in ``fit``; ``partial_fit``, which knows no end, keeps it constant.
    init : str, default="kaiming"
        The first weights: kaiming, xavier or normal:S.
    standardize : bool, default=True
        Whether each channel gets mean 0 and standard deviation 1.
    weight_decay : float, default=0.1
        AdamW's decoupled decay, of the others an L2 term.
    random_state : int, RandomState or None, default=0
        Decides the first weights and the order of the samples. None draws another each time.
    threads : int, default=None
        How many to compute with; None is one a processor. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, of whatever type, sorted. A class whose samples all weigh 0 is none.
    model_ : lenet.Model
        The network and its weights, on bytes; ``model_.save("a.safetensors")`` keeps it.
    n_features_in_ : int
        Numbers a sample has.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The columns' names, if ``X`` is a table whose names are all text.
    image_shape_ : tuple (C, H, W)
        What a sample became.
    value_range_ : ndarray of shape (2, C)
        What became byte 0, and what became byte 255.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        Each epoch's mean cross-entropy in nats.
    """

    def __init__(
        self,
        net: Any = "auto",
        *,
        image_shape: Sequence[int] | None = None,
        value_range: Sequence[float] | None = None,
        epochs: int = _MODERN.epochs,
        batch_size: int | str = "auto",
        optimizer: str = _MODERN.optimizer,
        lr: float = _MODERN.lr,
        schedule: str = _MODERN.schedule,
        init: str = _MODERN.init,
        standardize: bool = _MODERN.standardize,
        weight_decay: float = _MODERN.weight_decay,
        random_state: Any = 0,
        threads: int | None = None,
    ) -> None:
        """Keep the parameters as they are; they are checked in ``fit``."""
        self.net = net
        self.image_shape = image_shape
        self.value_range = value_range
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.schedule = schedule
        self.init = init
        self.standardize = standardize
        self.weight_decay = weight_decay
        self.random_state = random_state
        self.threads = threads

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train from new weights.

        Args:
            X: numbers, (N, features), (N, H, W), (N, H, W, C) or (N, C, H, W).
            y: (N,) labels of any type that can be sorted.
            sample_weight: (N,), 0 or more; None for 1 each.

        Raises:
            ValueError: data or a parameter that cannot be meant.
            DivergenceError: the loss was not a number.
        """
        rows, labels, shape = self._training_data(X, y)
        rows, labels, weights = weighted(rows, labels, sample_weight)
        classes, indices = np.unique(labels, return_inverse=True)
        course, layout, values, samples = self._begin(rows, indices, weights, classes, shape)
        recipe = course.recipe
        rates = recipe.rates(recipe.epochs * _steps(samples, recipe)).reshape(recipe.epochs, -1)
        losses = [course.epoch(samples, epoch_rates, self.threads) for epoch_rates in rates]
        self._keep(course.model, layout, values, classes)
        self._course: Course | None = None
        self.loss_curve_ = losses
        return self._note(course)

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch on these samples, from where the last call ended.

        The first call fixes the classes and, from its data, the range of values.

        Args:
            X: as in :meth:`fit`.
            y: (N,) labels, each one of ``classes``.
            classes: all labels there will ever be; needed in the first call.
            sample_weight: (N,), 0 or more; None for 1 each.

        Raises:
            ValueError: data or a parameter that cannot be meant, or a label that is no class.
            DivergenceError: the loss was not a number; the weights are as before.
        """
        first = not hasattr(self, "model_")
        rows, labels, shape = self._training_data(X, y, reset=first)
        known = self._known_classes(classes)
        rows, labels, weights = weighted(rows, labels, sample_weight)
        indices = indices_of(labels, known)
        if first:
            course, layout, values, samples = self._begin(rows, indices, weights, known, shape)
            recipe = course.recipe
        else:
            layout, values = self._layout(), self.value_range_
            images = to_bytes(rows, layout, values)
            samples = canonical(self.model_.preprocessing.prepare(images), indices, weights)
            recipe = self._recipe(len(samples))
            # After fit nothing is remembered, so that a fitted estimator stays small.
            course = self._course or Course(self.model_, recipe, self._seed())
            course.change(recipe)
        rates = np.full(_steps(samples, recipe), recipe.lr)
        loss = course.epoch(samples, rates, self.threads)
        if first:
            self._keep(course.model, layout, values, known)
            self.loss_curve_ = []
        self._course = course
        self.loss_curve_ = [*self.loss_curve_, loss]
        return self._note(course)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each sample, (N,), of ``classes_``'s type."""
        indices = self._scores(X).argmax(axis=1)
        answers: NDArray[Any] = self.classes_[indices]
        return answers

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, (N, n_classes), in the order of ``classes_``."""
        return np.exp(log_softmax(self._scores(X)))

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn wants to know of it: images are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Everything in NumPy's and Python's own types: the model as its safetensors bytes."""
        state = dict(super().__getstate__())
        if isinstance(self.net, Network):
            state["net"] = str(self.net)
        if "model_" in state:
            state["model_"] = self.model_.to_bytes()
            state["_course"] = self._course and self._course.to_dict()
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """The inverse of :meth:`__getstate__`.

        Raises:
            ModelFileError: the model is damaged, or does not belong to the rest.
        """
        found = dict(state)
        if "model_" in found:
            model = Model.from_bytes(found["model_"])
            shape = found["image_shape_"]
            if (
                model.classes != tuple(map(str, found["classes_"]))
                or np.shape(found["value_range_"]) != (2, shape[0])
                or prod(shape) != found["n_features_in_"]
            ):
                raise ModelFileError(
                    "the estimator's parts do not belong together; save it anew from an intact one."
                )
            course = found["_course"]
            found["model_"] = model
            found["_course"] = course and Course.from_dict(model, course)
        super().__setstate__(found)

    def _training_data(
        self, X: Any, y: ArrayLike, reset: bool = True
    ) -> tuple[NDArray[Any], NDArray[Any], tuple[int, ...]]:
        """Rows (N, features), labels (N,) and a sample's shape as given."""
        X, shape = rows_of(X)
        if not reset:
            self._check_shape(shape)
        rows, labels = validate_data(self, X, y, reset=reset)
        check_classification_targets(labels)
        return rows, labels, shape or rows.shape[1:]

    def _check_shape(self, shape: tuple[int, ...] | None) -> None:
        layout = self._layout()
        if shape is not None and not layout.takes(shape):
            raise ValueError(
                f"samples of shape {shape} are given and the estimator was fitted on samples of "
                f"shape {layout.sample_shape}; give such ones, or rows of {self.n_features_in_} "
                "features."
            )

    def _begin(
        self,
        rows: NDArray[Any],
        indices: NDArray[np.int64],
        weights: NDArray[np.float64],
        classes: NDArray[Any],
        shape: tuple[int, ...],
    ) -> tuple[Course, Layout, NDArray[np.float64], Samples]:
        """New weights, and everything that is measured on the first data."""
        auto = isinstance(self.net, str) and self.net == "auto"
        network = None if auto else with_outputs(read_network(self.net), len(classes))
        layout = find_layout(shape, self.image_shape, network)
        network = network or choose_network(layout, len(classes))
        values = find_range(rows, layout, self.value_range)
        samples = canonical(to_bytes(rows, layout, values), indices, weights)
        recipe = self._recipe(len(samples))
        seed = self._seed()
        preprocessing = Preprocessing.fit(samples.images, network.input_shape, recipe.standardize)
        model = Model(network, tuple(map(str, classes)), preprocessing)
        with np.errstate(over="ignore"):  # weights that are too large show in the first loss
            model.initialize(recipe.init, seed)
        prepared = np.ascontiguousarray(preprocessing.prepare(samples.images))
        return Course(model, recipe, seed), layout, values, replace(samples, images=prepared)

    def _keep(
        self, model: Model, layout: Layout, values: NDArray[np.float64], classes: NDArray[Any]
    ) -> None:
        self.model_, self.classes_, self.value_range_ = model, classes, values
        self.image_shape_ = layout.image_shape
        self._sample_shape, self._channels_last = layout.sample_shape, layout.channels_last

    def _note(self, course: Course) -> Self:
        """Write down what was done, in the model too: its file shall explain itself."""
        self.n_iter_ = len(self.loss_curve_)
        course.model.training = {
            "estimator": "LeNetClassifier",
            "recipe": course.recipe.to_dict(),
            "seed": course.seed,
            "losses": self.loss_curve_,
            "image_shape": list(self.image_shape_),
            "value_range": self.value_range_.tolist(),
        }
        return self

    def _layout(self) -> Layout:
        return Layout(self._sample_shape, self.image_shape_, self._channels_last)

    def _known_classes(self, classes: ArrayLike | None) -> NDArray[Any]:
        given = None if classes is None else np.unique(np.asarray(classes))
        if not hasattr(self, "model_"):
            if given is None or not given.size:
                raise ValueError("classes must be given in the first call of partial_fit.")
            return given
        known: NDArray[Any] = self.classes_
        if given is not None and not np.array_equal(given, known):
            raise ValueError(
                f"classes is {listed(given)} and was {listed(known)} before; leave it out, or "
                "clone the estimator to start anew."
            )
        return known

    def _recipe(self, samples: int) -> Recipe:
        size = self.batch_size
        if isinstance(size, str) and size == "auto":
            size = int(np.clip(samples // _STEPS, *_BATCHES))
        return Recipe(
            epochs=plain(self.epochs),
            batch_size=plain(size),
            optimizer=plain(self.optimizer),
            lr=plain(self.lr),
            schedule=plain(self.schedule),
            init=plain(self.init),
            standardize=plain(self.standardize),
            weight_decay=plain(self.weight_decay),
        )

    def _seed(self) -> int:
        given = self.random_state
        state = check_random_state(given)
        whole = isinstance(given, int | np.integer)
        return int(given) if whole else int(state.randint(2**31 - 1))

    def _scores(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        X, shape = rows_of(X)
        self._check_shape(shape)
        rows = validate_data(self, X, reset=False)
        images = to_bytes(rows, self._layout(), self.value_range_)
        count = len(images)
        if count <= _FEW:
            images = np.resize(images, (_FEW + 1, *images.shape[1:]))
        return self.model_.scores(images, self.threads)[:count]


def _steps(samples: Samples, recipe: Recipe) -> int:
    return ceil(len(samples) / recipe.batch_size)
