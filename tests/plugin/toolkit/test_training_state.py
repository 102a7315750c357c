from types import SimpleNamespace

import pytest

pytest.importorskip("torch")

from harness.plugin.toolkit.training_state import Attributes, harness_training_state


def test_attributes_come_back():
    before, after = SimpleNamespace(seen=3, rate=0.5), SimpleNamespace(seen=0, rate=0.1)
    Attributes(after, "seen").load_state_dict(Attributes(before, "seen").state_dict())
    assert (after.seen, after.rate) == (3, 0.1)


def test_the_hook_names_the_optimizer():
    model = SimpleNamespace(optimizer=object())
    assert harness_training_state(model) == {"optimizer": model.optimizer}
