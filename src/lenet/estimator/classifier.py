"""``LeNetClassifier``: scikit-learn's protocol. The only file that imports scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet.arguments import plain
from lenet.data import Dataset, Split
from lenet.engine.native import SCORED_ALONE
from lenet.errors import ModelFileError, needing
from lenet.estimator import samples
from lenet.estimator.samples import Layout, Range
from lenet.metrics import softmax
from lenet.model import Model
from lenet.net import Network, Source, fitted, parse_network, read_network, zoo_name_of
from lenet.net.shapes import elements
from lenet.trainer import DEFAULT_NETWORK
from lenet.training import Recipe, Training, named_recipe
from lenet.training.choosing import NETWORK, choose, is_open, suited_batch
from lenet.training.preparation import fitted_to
from lenet.training.recipe import AUTO, NAMED, NO_AUGMENTATION

with needing("scikit-learn", "for lenet.LeNetClassifier", "sklearn"):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data

#: Parameters that change a value of the recipe each.
_CHANGES: Final = ("epochs", "optimizer", "lr", "schedule", "init", "standardize", "weight_decay")
#: What scikit-learn notes of the features, before anything is learnt.
_OF_FEATURES: Final = ("n_features_in_", "feature_names_in_")
#: What ``partial_fit``, which knows no end, changes in any recipe.
_ONE_EPOCH: Final[dict[str, Any]] = {
    "epochs": 1,
    "schedule": "constant",
    "warmup_epochs": 0.0,
    "validation_fraction": 0.0,
    "patience": 0,
    "restore_best": False,
}


class LeNetClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A small convolutional network as a scikit-learn classifier.

    ``X`` holds images, (N, H, W), (N, H, W, C) or (N, C, H, W), or rows (N, features). A row
    becomes the image that ``image_shape`` or the network's own input says, else a square if it can
    be one of 8x8 or more, else it is no image and each feature a channel of one pixel. Numbers of
    any range become the 256 levels of a byte: exactly, if they are pixels from 0 to 255 or those
    divided by 255.

    It is trained as ``lenet.train`` does, by a recipe. The order of the samples does not matter,
    and a weight is a repetition: weight 3 is the same as three times the sample and weight 0 as
    none, bit for bit. Weights count relative to each other, within one call.

    Parameters
    ----------
    net : str, path, Network or Model, default="auto"
        As ``lenet.train`` takes it; of a model only the network counts. Its last dense layer gets
        as many units as there are classes. A network of the zoo gets the images' channels and size,
        but at least its own size; others get images resized to their input. "auto" is the recipe's
        network on images, or what ``lenet.train`` takes; two dense layers on what is no image.
    recipe : str, path, Recipe or mapping, default="auto"
        As ``lenet.recipe`` takes it. "auto" looks at the images of ``fit``, see ``lenet.choose``;
        for what is no image, and in ``partial_fit``, it is "modern". Validation images are taken
        from those of ``fit``; what is no image is not augmented.
    image_shape : (H, W) or (C, H, W), default=None
        Which image a row of ``X`` is, in C order; of four-dimensional ``X``, which axes are what.
    value_range : (low, high), default=None
        The numbers that become black and white; None measures them in the data of ``fit``, or of
        the first ``partial_fit``. What lies outside is cut off.
    batch_size : int or None, default="auto"
        Samples per step. None is the recipe's, of "modern" 128; "auto" is that or less, so that
        small data have some 10 steps per epoch, but at least 8.
    epochs, optimizer, lr, schedule, init, standardize, weight_decay : default=None
        Each changes the recipe's value of this name, unless it is None.
    random_state : int, RandomState or None, default=0
        Decides the first weights and the order of the samples. None draws another each time.
    threads : int, default=None
        How many to compute with; None is one per processor. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, of whatever type, sorted. A class whose samples all weigh 0 is none.
    model_ : lenet.Model
        The network and its weights, on bytes; ``model_.save("a.safetensors")`` keeps it.
        ``model_.training`` says what was done, epoch by epoch.
    n_features_in_, feature_names_in_ : int, ndarray
        Numbers per sample, and the columns' names, if ``X`` is a table whose names are all text.
    image_shape_, value_range_ : tuple (C, H, W), ndarray of shape (2, C)
        What a sample became; what became byte 0, and what became byte 255.
    n_iter_ : int
        Epochs trained, fewer than ``epochs`` if training stopped early.
    loss_curve_ : list of float
        Each epoch's mean loss in nats: cross-entropy, with the recipe's label smoothing.
    """

    def __init__(
        self,
        net: Any = "auto",
        *,
        recipe: Any = AUTO,
        image_shape: Sequence[int] | None = None,
        value_range: Sequence[float] | None = None,
        epochs: int | None = None,
        batch_size: int | str | None = "auto",
        optimizer: str | None = None,
        lr: float | None = None,
        schedule: str | None = None,
        init: str | None = None,
        standardize: bool | None = None,
        weight_decay: float | None = None,
        random_state: Any = 0,
        threads: int | None = None,
    ) -> None:
        """Keep the parameters as they are; they are checked in ``fit``."""
        self.net = net
        self.recipe = recipe
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
        """Train from new weights on ``X`` and labels (N,) of any type that can be sorted.

        Args:
            X: numbers, (N, features), (N, H, W), (N, H, W, C) or (N, C, H, W).
            y: (N,).
            sample_weight: (N,), 0 or more; None for 1 each.

        Raises:
            ValueError: data or a parameter that cannot be meant.
            DivergenceError: the loss was not a number.
        """
        return self._learn(X, y, sample_weight)

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch on these samples, from where the last call ended.

        The first call fixes the classes and, from its data, the range of values. What of the
        recipe knows an end is not used: schedule, validation images, early stopping.

        Args:
            X: as in :meth:`fit`.
            y: (N,) labels, each one of ``classes``.
            classes: all labels there will ever be; needed in the first call.
            sample_weight: (N,), 0 or more; None for 1 each.

        Raises:
            ValueError: data or a parameter that cannot be meant, or a label that is no class.
            DivergenceError: the loss was not a number; the weights are as before.
        """
        return self._learn(X, y, sample_weight, classes, is_partial=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predicted class of each sample, (N,), of ``classes_``'s type."""
        indices = self._scores(X).argmax(axis=1)
        classes: NDArray[Any] = self.classes_[indices]
        return classes

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, (N, n_classes), in the order of ``classes_``."""
        return softmax(self._scores(X))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that images are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return NumPy's and Python's own types alone; the model as its safetensors bytes."""
        state = dict(super().__getstate__())
        if isinstance(self.net, Network | Model):
            state["net"] = str(read_network(self.net))
        if isinstance(self.recipe, Recipe):
            state["recipe"] = self.recipe.to_dict()
        if "model_" in state:
            state["model_"] = self.model_.to_bytes()
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what :meth:`__getstate__` returned, if its parts belong together."""
        values = dict(state)
        if "model_" in values:
            model = values["model_"] = Model.from_bytes(values["model_"])
            shape = values["image_shape_"]
            if (
                model.classes != samples.class_names(values["classes_"])
                or np.shape(values["value_range_"]) != (2, shape[0])
                or prod(shape) != values["n_features_in_"]
            ):
                raise ModelFileError(
                    "the estimator's parts do not belong together; save it anew from an intact one."
                )
        super().__setstate__(values)

    def _learn(
        self, X: Any, y: Any, sample_weight: Any, classes: Any = None, is_partial: bool = False
    ) -> Self:
        first = not (is_partial and hasattr(self, "model_"))
        before = {name: getattr(self, name, None) for name in _OF_FEATURES}
        try:
            return self._learn_from(X, y, sample_weight, classes, is_partial, first)
        except BaseException:
            # What it has learnt before is of other features, and stays.
            if hasattr(self, "model_"):
                for name, value in before.items():
                    if value is not None:
                        setattr(self, name, value)
                    elif hasattr(self, name):
                        delattr(self, name)
            raise

    def _learn_from(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, is_partial: bool, first: bool
    ) -> Self:
        recipe = self._recipe()
        rows, labels, shape = self._training_data(X, y, reset=first)
        known = self._known_classes(classes) if is_partial else None
        rows, labels, weights = samples.weighted(rows, labels, sample_weight)
        known = np.unique(labels) if known is None else known
        measured = self._measure(rows, shape, known, recipe) if first else self._measured()
        network, layout, limits = measured
        images = samples.to_bytes(rows, layout, limits)
        split = samples.canonical(images, samples.indices_of(labels, known), weights)
        changes = _ONE_EPOCH if is_partial else {}
        data = Dataset("X", split, None, samples.class_names(known))
        if self._is_to_choose() and layout.is_image and not is_partial:
            recipe = choose(data, network, self.recipe, **self._changes()).recipe
        recipe = self._suited(recipe, split, layout).replace(**changes)
        training = self._train(network, data, recipe, None if first else self._memory)
        if first:
            self.loss_curve_: list[float] = []
            self.classes_, self.image_shape_, self.value_range_ = known, layout.image_shape, limits
            self._sample_shape, self._channels_last = layout.sample_shape, layout.channels_last
        # After fit there is none, so that the estimator stays small.
        memory = {"seed": training.seed, **training.optimizer_state()}
        self._memory: dict[str, Any] | None = memory if is_partial else None
        return self._record(training)

    def _training_data(
        self, X: Any, y: Any, reset: bool
    ) -> tuple[NDArray[Any], NDArray[Any], tuple[int, ...]]:
        """Return rows (N, features), labels (N,) and a sample's shape as given."""
        X, shape = samples.rows_of(X)
        if not reset:
            self._check_shape(shape)
        rows, labels = validate_data(self, X, y, reset=reset)
        check_classification_targets(labels)
        return rows, labels, shape or rows.shape[1:]

    def _check_shape(self, shape: tuple[int, ...] | None) -> None:
        if shape is not None and not self._layout().takes(shape):
            raise ValueError(
                f"samples of shape {shape} are given and those of fit had {self._sample_shape}; "
                f"give such ones, or rows of {self.n_features_in_} features."
            )

    def _measure(
        self, rows: NDArray[Any], shape: tuple[int, ...], classes: NDArray[Any], recipe: Recipe
    ) -> tuple[Network | Model, Layout, Range]:
        """Return what follows from the first data: the network, which image a row is, its range."""
        is_auto = isinstance(self.net, str) and self.net == "auto"
        named = None if is_auto else read_network(self.net)
        layout = samples.find_layout(shape, self.image_shape, named)
        default = NETWORK if self._is_to_choose() else DEFAULT_NETWORK
        source = named or default_network(layout, recipe.network, default)
        network = network_for(source, layout, len(classes))
        return network, layout, samples.find_range(rows, layout, self.value_range)

    def _measured(self) -> tuple[Network | Model, Layout, Range]:
        return self.model_, self._layout(), self.value_range_

    def _train(
        self, network: Network | Model, data: Dataset, recipe: Recipe, memory: Any
    ) -> Training:
        """Train to the recipe's end; with a memory, from there on."""
        seed = memory["seed"] if memory else self._seed()
        training = Training(network, data, recipe, seed, self.threads)
        if memory:
            training.load_optimizer_state(memory)
        for _ in training.epochs():
            pass
        return training

    def _record(self, training: Training) -> Self:
        """Keep the model and what was done; in the model too, so that its file explains itself."""
        training.conclude("finished", training.publish_best())
        self.model_ = training.model
        self.loss_curve_ = [*self.loss_curve_, *(record.loss for record in training.history)]
        self.n_iter_ = len(self.loss_curve_)
        self.model_.training = {
            **self.model_.training,
            "estimator": "LeNetClassifier",
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
                f"classes is {samples.listed(given)} and was {samples.listed(known)} before; leave "
                "it out, or clone the estimator to start anew."
            )
        return known

    def _recipe(self) -> Recipe:
        """Return the recipe with the parameters that change it, but for the batch size."""
        recipe = NAMED if self._is_to_choose() else self.recipe
        return named_recipe(recipe, **self._changes())

    def _changes(self) -> dict[str, Any]:
        return {name: plain(getattr(self, name)) for name in _CHANGES}

    def _is_to_choose(self) -> bool:
        return is_open(self.recipe, "X")

    def _suited(self, recipe: Recipe, split: Split, layout: Layout) -> Recipe:
        """Return the recipe with a batch size for these samples; only images are augmented."""
        size = self.batch_size
        if isinstance(size, str) and size == "auto":
            size = suited_batch(recipe.batch_size, len(split))
        augment = recipe.augment if layout.is_image else NO_AUGMENTATION
        return recipe.replace(batch_size=plain(size), augment=augment)

    def _seed(self) -> int:
        state = check_random_state(self.random_state)
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(state.randint(2**31 - 1))

    def _scores(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        X, shape = samples.rows_of(X)
        self._check_shape(shape)
        rows = validate_data(self, X, reset=False)
        images = samples.to_bytes(rows, self._layout(), self.value_range_)
        count = len(images)
        if count <= SCORED_ALONE:  # no score may depend on how many samples come together
            images = np.resize(images, (SCORED_ALONE + 1, *images.shape[1:]))
        return self.model_.scores(images, self.threads)[:count]


def default_network(layout: Layout, wanted: str, default: str) -> Source:
    """Return what ``net="auto"`` trains: on images what ``lenet.train`` does, else dense layers.

    ``wanted`` is the recipe's network, if it has one; ``default`` is for images that are no dots.
    """
    if layout.is_image and (wanted or min(layout.image_shape[1:]) >= samples.SMALLEST_SIDE):
        return wanted or default
    shape = "x".join(map(str, layout.image_shape))
    return parse_network(f"{shape} | dense 64 relu, dense 32 relu, dense 1")


def network_for(source: Source, layout: Layout, classes: int) -> Network:
    """Return the network that is trained: with as many outputs as there are classes.

    A network of the zoo gets the images' channels, height and width, but is made no smaller, so
    that small images are enlarged to what it is made for, as ``lenet.train`` does with the digits.
    """
    network = read_network(source)
    if layout.is_image and zoo_name_of(network):
        return fitted_to(network, layout.image_shape, classes)
    if elements(network.output_shape) == classes:
        return network
    return fitted(network, network.input_shape, classes)
