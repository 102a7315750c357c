"""Arrays of another framework, mirrored into torch parameters."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
import numpy as np

from harness.plugin.toolkit.adapter import Mirrored, tensor_of


def mirrored(**values):
    return Mirrored(values, array=np.asarray)


def test_values_are_parameters_that_no_gradient_reaches():
    model = mirrored(w=np.ones((2, 3)), b=np.zeros(2))
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == {
        "w": (2, 3),
        "b": (2,),
    }
    assert not any(p.requires_grad for p in model.parameters())


def test_new_values_are_in_the_state():
    model = mirrored(w=np.zeros(2))
    model.values = {"w": np.array([1.0, 2.0])}
    assert model.state_dict()["w"].tolist() == [1.0, 2.0]


def test_a_loaded_state_is_in_the_values():
    trained, fresh = mirrored(w=np.array([1.0, 2.0])), mirrored(w=np.zeros(2))
    fresh.load_state_dict(trained.state_dict())
    assert fresh.values["w"].tolist() == [1.0, 2.0]
    assert fresh.values["w"].dtype == np.float32


def test_values_do_not_share_memory_with_the_state():
    model = mirrored(w=np.zeros(2))
    model.load_state_dict({"w": torch.ones(2)})
    model.values["w"][:] = 5
    assert model.state_dict()["w"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("values", [{"w": np.zeros(3)}, {"v": np.zeros(2)}, {}])
def test_other_names_or_shapes_are_refused(values):
    with pytest.raises(ValueError, match="the values have the shapes"):
        mirrored(w=np.zeros(2)).values = values


def test_a_tensor_has_its_own_memory():
    array = np.zeros(2, dtype=np.float32)
    tensor = tensor_of(array)
    array[:] = 1
    assert tensor.tolist() == [0.0, 0.0]
