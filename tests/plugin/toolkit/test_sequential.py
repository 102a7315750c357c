"""A network taken apart into stages, what is refused, and batch normalisation folded."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn

from harness.errors import UsageError
from harness.plugin import Task
from harness.plugin.toolkit.sequential import affine, check_shapes, fold, stages_of

IMAGES = Task("images", "classification", (2, 6, 6), 3, 100)


def network():
    features = nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2)
    )
    return nn.Sequential(
        features, nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3)
    )


def kinds(modules):
    return [type(module).__name__ for module in modules]


def test_stages_hold_every_layer_in_its_place():
    first, second, readout = stages_of(network())
    assert kinds([first.connection, first.norm]) == ["Conv2d", "BatchNorm2d"]
    assert (first.before, first.behind) == ((), ())
    assert kinds(second.before) == ["AvgPool2d", "Flatten", "Dropout"]
    assert kinds(second.dropouts) == ["Dropout"]
    assert (second.norm, readout.norm, readout.before) == (None, None, ())
    check_shapes(network(), IMAGES)


def test_pooling_before_the_neurons_is_behind_their_connection():
    (first, readout) = stages_of(
        nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(2, 4, 3),
            nn.AvgPool2d(1),
            nn.ReLU(),
            nn.Conv2d(4, 3, 1),
            nn.Flatten(),
        )
    )
    assert (kinds(first.before), kinds(first.behind)) == (["AvgPool2d"], ["AvgPool2d"])
    assert (kinds(readout.before), kinds(readout.behind)) == ([], ["Flatten"])


def test_a_bias_is_made_where_a_shift_will_be_folded_into_it():
    first, _, readout = stages_of(network())
    assert first.connection.bias.tolist() == [0.0] * 4
    assert not first.connection.bias.requires_grad
    assert readout.connection.bias.requires_grad


class Doubled(nn.Linear):
    def forward(self, values):
        return 2 * super().forward(values)


RELU, FIRST, LAST = nn.ReLU(), nn.Linear(5, 5), nn.Linear(5, 3)
NORM, DROP = nn.BatchNorm1d(5), nn.Dropout(0.1)
UNTRACKED = nn.BatchNorm1d(5, track_running_stats=False)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([FIRST, nn.Tanh(), LAST], "layer 1, Tanh, cannot be converted: what can is Linear, Conv"),
        ([nn.Sequential(FIRST, RELU), nn.MaxPool2d(2), LAST], "layer 2, MaxPool2d, cannot"),
        ([Doubled(5, 5), RELU, LAST], "layer 0, Doubled, cannot"),
        ([FIRST, LAST], "layer 1, Linear, follows another connection without a ReLU"),
        ([FIRST, RELU, RELU, LAST], "layer 2, ReLU, has no Linear or Conv2d before it"),
        ([RELU, LAST], "layer 0, ReLU, has no Linear or Conv2d before it"),
        ([FIRST, RELU, NORM, LAST], "layer 2, BatchNorm1d, has to follow a"),
        ([FIRST, DROP, NORM, RELU, LAST], "layer 2, BatchNorm1d, has to follow a"),
        ([FIRST, UNTRACKED, RELU, LAST], "keeps no running statistics"),
        ([FIRST, RELU, FIRST, RELU, LAST], "layer 2, Linear, is used twice"),
        ([LAST, RELU], "it has to end with a Linear or Conv2d, without a ReLU"),
        ([LAST], "it has no ReLU"),
        ([nn.Flatten()], "it has to end with a Linear"),
        ([], "it has to end with a Linear"),
    ],
)
def test_what_cannot_be_converted_is_one_line(layers, told):
    with pytest.raises(UsageError, match=told) as error:
        stages_of(nn.Sequential(*layers))
    assert "\n" not in str(error.value)


def test_a_module_of_another_kind_is_named():
    with pytest.raises(
        UsageError, match=r"it is a Linear, and a conversion needs an nn\.Sequential"
    ):
        stages_of(nn.Linear(5, 3))


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([nn.Linear(72, 5), RELU, LAST], r"samples of images, \(2, 2, 6, 6\): .*shapes"),
        ([nn.Flatten(), nn.Linear(72, 4)], r"it gives \(2, 4\), and the 3 classes of images need"),
        ([nn.Flatten(0), nn.Linear(144, 3)], r"it gives \(3,\)"),
    ],
)
def test_a_shape_that_does_not_fit_the_task_is_one_line(layers, told):
    made = nn.Sequential(*layers)
    with pytest.raises(UsageError, match=told) as error:
        check_shapes(made, IMAGES)
    assert "\n" not in str(error.value)
    assert made.training


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affinely", [True, False])
@pytest.mark.parametrize(
    ("connection", "norm", "shape"),
    [(nn.Linear, nn.BatchNorm1d, (2, 4)), (nn.Conv2d, nn.BatchNorm2d, (2, 4, 3))],
)
@torch.no_grad()
def test_a_folded_connection_does_the_work_of_both(connection, norm, shape, affinely, bias):
    torch.manual_seed(0)
    made = nn.Sequential(connection(*shape, bias=bias), norm(4, affine=affinely))
    inputs = torch.rand(9, 2, *[5, 5][: 2 * (len(shape) - 2)])
    made(inputs)  # running statistics, and other ones than 0 and 1
    for parameter in made[1].parameters():
        parameter.uniform_(0.5, 2)
    expected = made.eval()(inputs)
    stage, _ = stages_of(nn.Sequential(*made, nn.ReLU(), nn.Linear(4, 2)))
    assert not torch.allclose(affine(stage.connection, inputs, stage.connection.bias), expected)
    fold(stage)
    torch.testing.assert_close(
        affine(stage.connection, inputs, stage.connection.bias), expected, rtol=1e-5, atol=1e-6
    )
