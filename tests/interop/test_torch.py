"""PyTorch modules, both ways: the same scores, and a sentence about what is no layer of ours."""

import json
import warnings
from operator import methodcaller

import numpy as np
import pytest

import lenet
from lenet.cli.main import main
from lenet.errors import ModelFileError, ShapeError, UsageError
from random_networks import draw_norms, random_network
from refusals import refused

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from lenet.interop.torch import from_torch, to_torch  # noqa: E402


class LeNet(nn.Module):
    """As PyTorch's tutorial has it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.dropout(F.relu(self.fc2(x)), training=self.training)
        return F.log_softmax(self.fc3(x), dim=1)

    def num_flat_features(self, x):
        return x.size()[1] * x.size(2) * x.shape[3]


class Old(LeNet):
    """The pooling comes before the activation, and flatten is spelled another way."""

    def forward(self, x):
        x = torch.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.max_pool2d(self.conv2(x), kernel_size=2, stride=2).relu()
        x = torch.flatten(x, 1)
        return self.fc3(torch.sigmoid(self.fc2(torch.tanh(self.fc1(x)))))


class Named(nn.Module):
    """Its calls have names for their arguments."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 5), nn.Linear(4, 10)

    def forward(self, x):
        x = F.leaky_relu(input=self.conv(x), negative_slope=0.01)
        x = F.avg_pool2d(input=x, kernel_size=3, stride=2, padding=1)
        x = F.adaptive_avg_pool2d(x, output_size=(1, 1))
        return F.softmax(self.fc(torch.flatten(x, start_dim=1)), dim=1)


NESTED = nn.Sequential(
    nn.Sequential(
        nn.ZeroPad2d((0, 1, 2, 1)), nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()
    ),
    nn.Sequential(
        nn.Conv2d(8, 8, 3, padding="same", groups=8),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.SiLU(),
        nn.Conv2d(8, 12, 1, stride=2),
        nn.LeakyReLU(),
        nn.AvgPool2d(3, 2, 1),
        nn.Identity(),
    ),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Dropout(0.3),
    nn.Linear(12, 4, bias=False),
    nn.Softmax(1),
)


@pytest.mark.parametrize("seed", range(30))
def test_there_and_back(seed: int) -> None:
    network = random_network(seed, size=12)
    model = lenet.Model(network).initialize("kaiming", seed)
    draw_norms(model.plan, model.table, np.random.default_rng(seed))
    module = to_torch(model)
    images = np.random.default_rng(seed).integers(0, 256, (4, *network.input_shape), np.uint8)
    with torch.inference_mode():
        scores = module(torch.from_numpy(model.prepare(images))).numpy()
    np.testing.assert_allclose(scores, model.scores(images), rtol=1e-4, atol=1e-5)
    again = from_torch(module, network.input_shape)
    assert again.network.layers == network.layers
    assert np.array_equal(again.table, model.table)


@pytest.mark.parametrize("make", [LeNet, Old])
def test_a_forward_with_functional_calls(make) -> None:
    torch.manual_seed(0)
    module = make().eval()
    model = from_torch(module, (1, 28, 28))
    images = torch.randint(0, 256, (5, 1, 28, 28), dtype=torch.uint8)
    with torch.inference_mode():
        theirs = module(images / 255).numpy()
    ours = model.scores(images.numpy())
    if make is LeNet:
        ours = ours - np.log(np.exp(ours).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert model.plan.parameters == 44_426


SPELLINGS = [
    pytest.param(name, getattr(place, word, methodcaller(word)))
    for name in ("sigmoid", "tanh", "relu", "leaky-relu", "silu")
    for word in (name.replace("-", "_"), name.replace("-", "_") + "_")
    for place in (F, torch, None)
    if hasattr(place or torch.Tensor, word)
]


@pytest.mark.parametrize(("name", "apply"), SPELLINGS)
def test_every_spelling_of_an_activation(name, apply) -> None:
    """As a function or a method, also in place."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(98, 3)

        def forward(self, x):
            return self.fc(apply(self.conv(x)).flatten(1))

    assert str(from_torch(Net(), (1, 9, 9)).network) == f"1x9x9 | conv 2 k3 {name} | dense 3"


def test_calls_with_named_arguments() -> None:
    network = from_torch(Named(), (1, 28, 28)).network
    assert str(network) == (
        "1x28x28 | conv 4 k5 leaky-relu, avgpool 3 s2 p1, avgpool 12 | dense 10"
    )


def test_nested_children_padding_groups_and_normalisation() -> None:
    torch.manual_seed(1)
    module = NESTED.train()
    for _ in range(3):
        module(torch.randn(32, 3, 14, 11) * 2 + 1)
    module.eval()
    model = from_torch(module, (3, 14, 11), classes=list("abcd"))
    images = torch.randint(0, 256, (5, 3, 14, 11), dtype=torch.uint8)
    with torch.inference_mode():
        theirs = module(images / 255).numpy()
    np.testing.assert_allclose(model.predict_proba(images.numpy()), theirs, rtol=1e-4, atol=1e-5)
    assert model.classes == ("a", "b", "c", "d")
    assert model.network.layers[0].padding == (2, 1, 0, 1)


@pytest.mark.parametrize(
    ("children", "network"),
    [
        (
            lambda: [
                *(nn.Flatten(), nn.Linear(144, 6), nn.BatchNorm1d(6), nn.Tanh()),
                *(nn.BatchNorm1d(6), nn.Linear(6, 3), nn.BatchNorm1d(3, affine=False)),
            ],
            "dense 6 tanh, dense 3",
        ),
        (
            lambda: [
                *(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 4, 3), nn.ReLU(), nn.BatchNorm2d(3)),
                *(nn.MaxPool2d(2, 3, ceil_mode=True), nn.Flatten(), nn.Linear(3, 4)),
            ],
            "conv 2 k1 g2, conv 3 k4 s3 relu, conv 3 k1 g3, maxpool 2 s3, dense 4",
        ),
        (
            lambda: [
                *(nn.Conv2d(2, 3, 3), nn.AvgPool2d(2), nn.ReLU()),
                *(nn.MaxPool2d(2, 2, ceil_mode=True), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
            ],
            "conv 3 k3, avgpool 2, conv 3 k1 g3 relu, maxpool 2 p0.1.0.1, maxpool 2",
        ),
    ],
)
def test_what_neighbours_take_up(children, network) -> None:
    """Normalisations and activations away from a convolution, and windows over the edge."""
    torch.manual_seed(3)
    module = nn.Sequential(*children())
    for _ in range(3):
        module(torch.rand(32, 2, 8, 9) * 2 + 1)
    module.eval()
    seen = lenet.Preprocessing((2, 8, 9), (0.2, 0.3), (0.5, 0.4), None)
    model = from_torch(module, (2, 8, 9), preprocessing=seen)
    images = np.random.default_rng(1).integers(0, 256, (5, 2, 8, 9), np.uint8)
    with torch.inference_mode():
        theirs = module(torch.from_numpy(model.prepare(images))).numpy()
    np.testing.assert_allclose(model.scores(images), theirs, rtol=1e-4, atol=1e-5)
    assert model.preprocessing == seen
    assert str(model.network).replace(" |", ",") == f"2x8x9, {network}"


@pytest.mark.parametrize("kind", ["float64", "float16", "bfloat16"])
def test_weights_of_another_precision(kind) -> None:
    torch.manual_seed(2)
    children = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(98, 3)
    module = nn.Sequential(*children).to(getattr(torch, kind)).eval()
    module[1].running_mean += 0.5
    model = from_torch(module, (1, 9, 9))
    images = torch.randint(0, 256, (5, 1, 9, 9), dtype=torch.uint8)
    with torch.inference_mode():
        theirs = module.float()(images / 255).numpy()
    np.testing.assert_allclose(model.scores(images.numpy()), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 3), (6, None)])
def test_an_adaptive_pooling_to_the_same_size_is_left_out(size) -> None:
    """As AlexNet and VGG of torchvision have one, for pictures of other sizes."""
    last = nn.ReLU(), nn.AdaptiveAvgPool2d(size), nn.Flatten(), nn.Linear(36, 3)
    model = from_torch(nn.Sequential(nn.Conv2d(1, 2, 3), *last), (1, 8, 5))
    assert str(model.network) == "1x8x5 | conv 2 k3 relu | dense 3"


def test_weights_that_are_not_finite_are_named() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(98, 3))
    module[2].bias.data[1] = torch.nan
    with refused(ModelFileError, "dense0.bias", "not finite"):
        from_torch(module, (1, 9, 9))


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return self.a(x) + x


class Branch(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.GELU()), ("GELU (1)", "silu")),
        (nn.Sequential(nn.LSTM(4, 4)), ("LSTM (0)",)),
        (nn.Sequential(nn.Conv2d(1, 4, 3, dilation=2)), ("Conv2d (0)", "a dilation")),
        (nn.Sequential(nn.Conv2d(1, 4, 3, padding_mode="reflect")), ("reflect",)),
        (nn.Sequential(nn.AvgPool2d(2, ceil_mode=True)), ("AvgPool2d (0)", "over the edge")),
        (
            nn.Sequential(nn.AvgPool2d(3, padding=1, count_include_pad=False)),
            ("count_include_pad",),
        ),
        (nn.Sequential(nn.AdaptiveAvgPool2d(3)), ("an output of 3",)),
        (nn.Sequential(nn.Linear(81, 2), nn.AdaptiveAvgPool2d(1)), ("(1)", "needs feature maps")),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.2)), ("a slope of 0.2",)),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(7, 2)), ("Linear (1)", "nn.Flatten()")),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(3)), ("BatchNorm2d (1)", "3 numbers")),
        (nn.Sequential(nn.Linear(81, 2), nn.ReLU(), nn.Tanh()), ("Tanh (2)", "no dense layer")),
        (nn.Sequential(nn.Linear(81, 2), nn.ReLU(), nn.BatchNorm1d(2)), ("the last activation",)),
        (nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), ("no running statistics",)),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(81, 2), nn.Softmax(1), nn.Linear(2, 2)),
            ("Linear (3)", "follows a softmax"),
        ),
        (nn.Sequential(nn.Flatten(), nn.Linear(81, 2), nn.Softmax(0)), ("over the classes",)),
        (nn.Sequential(nn.ZeroPad2d(1), nn.Tanh()), ("Tanh (1)", "padding has to stand")),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.ZeroPad2d(1)), ("the module: padding has to",)),
        (
            nn.Sequential(nn.Conv2d(1, 4, 9), nn.ZeroPad2d(1), nn.AdaptiveAvgPool2d(1)),
            ("AdaptiveAvgPool2d (2)", "padding has to"),
        ),
        (nn.Sequential(nn.ZeroPad2d(1), nn.Flatten()), ("Flatten (1)", "padding has to")),
        (nn.Sequential(nn.ZeroPad2d(2), nn.AvgPool2d(2)), ("AvgPool2d (1)", "than the window")),
        (nn.Sequential(nn.Flatten()), ("no layer with weights",)),
        (Sum(), ("add (add)", "chain of layers")),
        (Branch(), ("cannot be traced",)),
        ("resnet18", ("the module is 'resnet18'", "nn.Module")),
    ],
)
def test_what_is_no_network_of_ours(module, words) -> None:
    with refused(UsageError, *words):
        from_torch(module, (1, 9, 9))


def test_another_input() -> None:
    with refused(ShapeError, "Conv2d (0)", "takes 3 channels and gets 1", "input_shape"):
        from_torch(nn.Sequential(nn.Conv2d(3, 4, 3)), (1, 9, 9))
    with refused(ShapeError, "Linear (1)", "reads 81 numbers and gets 100"):
        from_torch(nn.Sequential(nn.Flatten(), nn.Linear(81, 2)), (1, 10, 10))
    with refused(ShapeError, "Conv2d (0)", "does not fit"):
        from_torch(nn.Sequential(nn.Conv2d(1, 4, 11)), (1, 9, 9))
    with refused(UsageError, "channels"):
        from_torch(nn.Sequential(nn.Flatten(), nn.Linear(81, 2)), (9, 9, 1))


class Reshaped(nn.Module):
    """Two convolutions with a change of shape between them or behind them."""

    def __init__(self, shape, features=0):
        super().__init__()
        self.shape = shape
        self.conv = nn.Conv2d(1, 4, 3)
        self.last = nn.Linear(features, 3) if features else nn.Conv2d(4, 3, 3)

    def forward(self, x):
        return self.last(self.shape(self.conv(x)))


@pytest.mark.parametrize(
    "shape",
    [
        lambda x: x.view(-1, 196),
        lambda x: x.view(x.size(0), -1),
        lambda x: x.reshape((x.shape[0], x.shape[1] * x.shape[2] * x.size()[3])),
        lambda x: torch.reshape(x, (-1, 4 * 49)),
        lambda x: torch.flatten(x, start_dim=1),
        nn.Flatten(1, -1),
    ],
)
def test_what_lays_maps_in_a_row(shape) -> None:
    model = from_torch(Reshaped(shape, 196), (1, 9, 9))
    assert str(model.network) == "1x9x9 | conv 4 k3 | dense 3"


@pytest.mark.parametrize(
    ("shape", "features"),
    [
        (lambda x: x.view(-1, 4, 49), 49),
        (lambda x: x.view(-1, 98), 98),
        (lambda x: x.view(-1, 256), 256),
        (lambda x: x.view(x.size(1), -1), 196),
        (lambda x: x.view(x.shape[9], -1), 196),
        (torch.flatten, 196),
        (nn.Flatten(2), 49),
        (lambda x: x.reshape(-1, 4, 49, 1), 0),
        (lambda x: x.squeeze(5), 196),
    ],
)
def test_another_shape_than_a_row_is_refused(shape, features) -> None:
    with refused(ShapeError, "4@7x7", "in a row of 196 numbers"):
        from_torch(Reshaped(shape, features), (1, 9, 9))


def test_no_weights() -> None:
    with refused(UsageError, "no weights"):
        to_torch(lenet.models.lenet())


CODE = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        first = nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)
        super().__init__(*first, nn.Flatten(), nn.Linear(864, 10))

def make():
    return Net()

net = Net()
number = 3

def fails():
    raise OSError("no file")

def leaves():
    raise SystemExit(3)

def text():
    return "lenet"

def nothing():
    pass
"""


def test_verbs_take_a_module() -> None:
    assert lenet.explain(LeNet(), input_shape=(1, 28, 28)).total.parameters == 44_426
    assert lenet.diagnose(LeNet(), input_shape="1x28x28").fits
    assert "LeNet" in str(lenet.explain(LeNet(), input_shape="1x28x28"))
    with refused(UsageError, "does not say how large its images are", "1x28x28"):
        lenet.explain(LeNet())
    assert lenet.from_torch(lenet.to_torch(lenet.models.lenet().initialize()), (1, 28, 28))


@pytest.mark.parametrize("name", ["Net", "make", "net"])
def test_the_command_line_takes_a_class_of_a_file(name, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / f"nets_{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", f"nets_{name}:{name}", "--input", "1x28x28", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["parameters"] == 8_806


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no_such_file:Net", "ModuleNotFoundError"),
        ("nets_bad:Nothing", "AttributeError"),
        ("nets_bad:number", "TypeError"),
        ("nets_bad:fails", "no file"),
        ("nets_bad:leaves", "SystemExit: 3"),
        ("nets_bad:text", "it gives 'lenet'"),
        ("nets_bad:nothing", "it gives None"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(text, words, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "nets_bad.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", text, "--input", "1x28x28"]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "such as my_file:Net" in told


def test_weights_that_a_hook_computes_are_refused() -> None:
    with warnings.catch_warnings(action="ignore"):  # the old way, which many modules still have
        first = nn.utils.weight_norm(nn.Conv2d(1, 2, 3))
    module = nn.Sequential(first, nn.Flatten(), nn.Linear(18, 3))
    with refused(UsageError, "hooks", "remove_weight_norm"):
        from_torch(module, (1, 5, 5))


class Dropping(nn.Module):
    """It drops numbers out whatever its mode is."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        return self.fc(F.dropout(x.flatten(1), 0.5))


def patched() -> nn.Module:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
    module[0].forward = lambda x: x[:, :, :2, :2]
    return module


def patched_root() -> nn.Module:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    module.forward = lambda x: x.flatten(1)[:, :3]
    return module


def hooked() -> nn.Module:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    module.register_forward_hook(lambda module, given, found: -found)
    return module


def without_statistics() -> nn.Module:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    module[1].running_mean = None
    return module


class Pooling(nn.Module):
    """Its stride is no pair."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(F.max_pool2d(x, 2, []).flatten(1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Dropping, "dropout after training"),
        (patched, "another than its class's"),
        (patched_root, "another than its class's"),
        (hooked, "hooks (Sequential)"),
        (without_statistics, "no running statistics"),
        (Pooling, "not what it takes"),
    ],
)
def test_what_a_module_does_besides_is_refused(make, words) -> None:
    module = make().train()
    with refused(UsageError, words):
        from_torch(module, (1, 4, 4))
    assert all(part.training for part in module.modules())


class Training(nn.Module):
    """Its ``train`` is not that of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        return self.fc(F.dropout(x.flatten(1), 0.0))

    def train(self, epochs=3):
        raise RuntimeError("it trains")


def test_a_module_is_read_and_not_trained() -> None:
    assert from_torch(Training(), (1, 4, 4)).parameter_count == 51
