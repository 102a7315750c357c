"""SuperSpike whole: against a literal transcription, step by step and synapse by synapse; and autograd."""

from __future__ import annotations

import itertools
import math

import pytest

torch = pytest.importorskip("torch")
superspike = pytest.importorskip("harness_native.superspike")

from harness_native.neurons import lif, trace
from harness_native.spike_sequence import SpikeSequence

from harness.measure.spike_trains import timing_errors, van_rossum_loss
from harness.plugin import Params, Task, Unsupported

from . import tiny
from .literal import literal_layer, literal_traces

pytestmark = pytest.mark.native

FITTING = Task("tiny-train", "spike-train", (6,), classes=2, train_size=1, steps=25)
FEEDBACKS = pytest.mark.parametrize("feedback", ["symmetric", "random", "uniform"])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def classifying(**overrides):
    """The model of the tiny classification task."""
    values = {"hidden": "5", "steps": 20, "gain": 2.0, "epochs": 1, **overrides}
    params = Params(**superspike.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(0)
    return superspike.harness_build_model(tiny.TASK, params, torch.device("cpu")).double()


def fitting(task=FITTING, **overrides):
    """A model of which every layer answers `pattern` with some spikes."""
    values = {"hidden": "5", "gain": 2.0, "epochs": 4, "batch_size": 1, **overrides}
    params = Params(**superspike.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(4)
    return superspike.harness_build_model(task, params, torch.device("cpu")).double()


def pattern(samples=2, steps=25):
    """Input and target spikes [T, B, 6] and [T, B, 2]."""
    draws = torch.Generator().manual_seed(1)
    spikes = torch.rand(steps, samples, 6, generator=draws) < 0.2
    targets = torch.rand(steps, samples, 2, generator=draws) < 0.1
    return spikes.double(), targets.double()


class Captured:
    """In the optimizer's place: keeps the directions, changes nothing."""

    def step(self, directions):
        self.directions = [g.clone() for g in directions]


# --- the rule -------------------------------------------------------------------------------------


def literal_directions(model, spikes, targets):
    """g of every weight, forwards in time, with the eligibility of every synapse."""
    p = model.params
    alpha, beta = math.exp(-1 / p.tau_rise), math.exp(-1 / p.tau_decay)
    slow = math.exp(-1 / p.tau_het)
    weights = [w.detach().tolist() for w in model.weights]
    found = [[[0.0] * len(row) for row in w] for w in weights]
    for sample in range(spikes.shape[1]):
        x = spikes[:, sample].tolist()
        layers = []
        for weight in weights:
            layers.append((x, *literal_layer(x, weight, model.lif)))
            x = layers[-1][1]
        fast, error = [0.0, 0.0], [0.0, 0.0]
        eligible = [[[[0.0, 0.0] for _ in row] for row in w] for w in weights]
        rates = [[0.0] * len(w) for w in weights]
        traces = [literal_traces(inputs, model.lif) for inputs, _, _ in layers]
        for t in range(len(spikes)):
            for k in range(2):
                fast[k] = alpha * fast[k] + targets[t, sample, k].item() - x[t][k]
                error[k] = beta * error[k] + fast[k]
            for number in reversed(range(len(weights))):
                if number == len(weights) - 1:
                    told = error
                elif p.feedback == "symmetric":
                    told = [
                        sum(told[k] * weights[number + 1][k][i] for k in range(len(told)))
                        for i in range(len(weights[number]))
                    ]
                elif p.feedback == "random":
                    matrix = model.get_buffer(f"feedback{number}").tolist()
                    told = [
                        sum(error[k] * matrix[k][i] for k in range(2))
                        for i in range(len(weights[number]))
                    ]
                else:
                    told = [sum(error)] * len(weights[number])
                _, emitted, membranes = layers[number]
                for i, row in enumerate(weights[number]):
                    distance = abs(membranes[t][i] - p.theta)
                    partial = 1 / (1 + p.slope / p.theta * distance) ** 2
                    rates[number][i] = slow * rates[number][i] + emitted[t][i]
                    for j, w in enumerate(row):
                        state = eligible[number][i][j]
                        state[0] = alpha * state[0] + partial * traces[number][t][j]
                        state[1] = beta * state[1] + state[0]
                        found[number][i][j] += told[i] * state[1]
                        if number < len(weights) - 1:
                            found[number][i][j] -= p.rho * told[i] ** 2 * rates[number][i] ** 4 * w
    return [torch.tensor(g, dtype=torch.float64) for g in found]


@FEEDBACKS
@pytest.mark.parametrize(("hidden", "rho"), [("5", 0.0), ("5", 0.3), ("5-4", 0.3)])
def test_the_update_is_the_rule(feedback, hidden, rho):
    model = fitting(
        feedback=feedback,
        hidden=hidden,
        rho=rho,
        theta=1.3,
        tau_rise=4.0,
        tau_decay=9.0,
        tau_het=20.0,
    )
    spikes, targets = pattern()
    assert all(layer.spikes.sum() > 3 for layer in model.layers(spikes))
    wanted = literal_directions(model, spikes, targets)
    model.optimizer = Captured()
    superspike.harness_train_sequence(model, spikes, targets)
    for found, g in zip(model.optimizer.directions, wanted, strict=True):
        assert g.abs().max() > 1
        assert torch.allclose(found, g, rtol=1e-9, atol=1e-9)


def test_updates_are_steps_of_rmaxprop():
    model = fitting(gamma=0.5, rate=0.02, schedule="constant")
    spikes, targets = pattern()
    squares = [torch.zeros_like(w) for w in model.weights]
    for _ in range(3):
        directions = literal_directions(model, spikes, targets)
        squares = [torch.maximum(0.5 * v, g**2) for v, g in zip(squares, directions)]
        wanted = [
            w.detach() + 0.02 * g / v.sqrt() for w, g, v in zip(model.weights, directions, squares)
        ]
        superspike.harness_train_sequence(model, spikes, targets)
        for weight, value in zip(model.weights, wanted):
            assert torch.allclose(weight, value, rtol=1e-9)


def test_the_rate_falls_to_0_over_the_epochs():
    model = fitting(schedule="cosine", rate=0.02)
    assert model.optimizer.rate == 0.02
    for _ in range(4):
        superspike.harness_train_sequence(model, *pattern())
    assert model.optimizer.rate == pytest.approx(0, abs=1e-15)


def surrogate_gradients(model, spikes, targets):
    """Of half the squared van Rossum distance, the reset's own share of it left out."""
    p = model.params
    weights = [w.detach().clone().requires_grad_() for w in model.weights]
    emitted = spikes
    for weight in weights:
        emitted, _ = SpikeSequence.apply(
            emitted @ weight.T, model.lif, "fast_sigmoid", p.slope / p.theta, True
        )
    loss = 0.5 * trace(targets - emitted, model.kernel).square().sum()
    return torch.autograd.grad(loss, weights)


def test_without_hidden_layers_the_rule_is_the_surrogate_gradient():
    model = fitting(hidden="none", theta=1.2)
    spikes, targets = pattern()
    assert model.layers(spikes)[0].spikes.sum() > 3
    (gradient,) = surrogate_gradients(model, spikes, targets)
    model.optimizer = Captured()
    superspike.harness_train_sequence(model, spikes, targets)
    assert gradient.abs().max() > 1
    assert torch.allclose(model.optimizer.directions[0], -gradient, rtol=1e-9)


def test_the_output_layer_follows_the_surrogate_gradient_below_hidden_ones_too():
    model = fitting()
    spikes, targets = pattern()
    _, output = surrogate_gradients(model, spikes, targets)
    model.optimizer = Captured()
    superspike.harness_train_sequence(model, spikes, targets)
    assert output.abs().max() > 1
    assert torch.allclose(model.optimizer.directions[1], -output, rtol=1e-9, atol=1e-9)


def test_in_one_step_symmetric_feedback_is_the_surrogate_gradient_but_for_the_outputs_derivative():
    """With slope 0 that derivative is 1, and nothing is left between the two."""
    model = fitting(slope=0.0, feedback="symmetric", hidden="5-4")
    spikes, targets = torch.ones(1, 2, 6), torch.ones(1, 2, 2)
    spikes, targets = spikes.double(), targets.double()
    gradients = surrogate_gradients(model, spikes, targets)
    model.optimizer = Captured()
    superspike.harness_train_sequence(model, spikes, targets)
    for found, gradient in zip(model.optimizer.directions, gradients, strict=True):
        assert torch.allclose(found, -gradient, rtol=1e-9)
    assert gradients[0].abs().max() > 0.1


# --- spike trains ---------------------------------------------------------------------------------


def test_one_step_of_a_perfect_network_changes_nothing():
    model = fitting()
    spikes, _ = pattern()
    targets = model.layers(spikes)[-1].spikes
    before = [w.detach().clone() for w in model.weights]
    scalars = superspike.harness_train_sequence(model, spikes, targets)
    assert scalars["loss"] == 0
    assert all(torch.equal(a, b) for a, b in zip(before, model.weights))


def test_the_loss_is_a_fraction_of_the_silent_networks():
    model = fitting(hidden="none")
    spikes, targets = (
        torch.cat([part, torch.zeros(300, *part.shape[1:])]) for part in pattern(samples=1)
    )  # the kernels' tails, which the host adds itself
    emitted = model.layers(spikes)[-1].spikes
    assert emitted.sum() > 3
    assert emitted[200:].sum() == 0
    wanted = van_rossum_loss(emitted[:, 0], targets[:, 0], 1.0)
    loss = superspike.harness_train_sequence(model, spikes, targets)["loss"]
    assert loss == pytest.approx(wanted, rel=1e-6)


def test_the_answer_is_the_output_spikes():
    model = fitting().eval()
    spikes, _ = pattern()
    plain = superspike.harness_evaluate(model, spikes, record=False)
    recorded = superspike.harness_evaluate(model, spikes, record=True)
    currents = lif(spikes @ model.weights[0].T, model.lif)[0] @ model.weights[1].T
    assert torch.equal(plain.scores, lif(currents, model.lif)[0])
    assert torch.equal(plain.scores, recorded.scores)
    assert [layer.name for layer in recorded.layers] == ["hidden1", "output"]
    assert torch.equal(recorded.layers[-1].outputs, plain.scores)


@pytest.mark.parametrize("feedback", ["symmetric", "random"])
def test_a_state_holds_all_that_evaluation_needs(feedback):
    model = fitting(feedback=feedback)
    spikes, targets = pattern()
    superspike.harness_train_sequence(model, spikes, targets)
    other = fitting(feedback=feedback)
    torch.manual_seed(9)
    other.load_state_dict(model.state_dict())
    answers = [superspike.harness_evaluate(m.eval(), spikes, False).scores for m in (model, other)]
    assert torch.equal(*answers)


def frozen(outputs):
    """Poisson input [100, 1, 100] and targets [100, 1, outputs] at two times each."""
    draws = torch.Generator().manual_seed(1)
    spikes = (torch.rand(100, 1, 100, generator=draws) < 0.02).float()
    targets = torch.zeros(100, 1, outputs)
    for neuron in range(outputs):
        targets[[30 + 3 * neuron, 75 + 2 * neuron], 0, neuron] = 1
    return spikes, targets


def learned(task_name, outputs, epochs, **overrides):
    """How well the preset for `task_name` fits two spikes of each output neuron."""
    task = Task("frozen", "spike-train", (100,), outputs, 1, steps=100)
    overrides = {"epochs": epochs, **overrides}
    values = superspike.harness_presets().resolve("best", task_name, overrides)
    torch.manual_seed(0)
    model = superspike.harness_build_model(task, Params(**values), torch.device("cpu"))
    spikes, targets = frozen(outputs)
    for _ in range(epochs):
        superspike.harness_train_sequence(model, spikes, targets)
    answer = superspike.harness_evaluate(model, spikes, False).scores[:, 0]
    return van_rossum_loss(answer, targets[:, 0], 1.0), timing_errors(answer, targets[:, 0], 1.0)


def test_one_neuron_learns_exact_times():
    loss, (on_time, extra) = learned("spike-train", 1, 150)
    assert loss < 0.02
    assert (on_time, extra) == (1, 0)


@FEEDBACKS
def test_hidden_layers_learn_with_every_feedback(feedback):
    loss, _ = learned("spike-pattern", 3, 150, feedback=feedback, hidden="60")
    assert loss < {"symmetric": 0.1, "random": 0.4, "uniform": 0.7}[feedback]


# --- classes --------------------------------------------------------------------------------------


def test_the_class_is_the_one_whose_targets_are_nearest():
    model = classifying()
    draws = torch.Generator().manual_seed(5)
    emitted = (torch.rand(20, 30, 4, generator=draws) < 0.1).double()
    model.layers = lambda spikes: [superspike.LayerActivity(spikes, emitted, emitted)]
    scores = superspike.harness_evaluate(model, emitted, False).scores
    for sample in range(30):
        distances = [
            trace(emitted[:, sample] - model.target[:, 0] * torch.eye(4)[label], model.kernel)
            .square()
            .sum()
            for label in range(4)
        ]
        for one, other in itertools.combinations(range(4), 2):
            nearer = distances[other] - distances[one]
            assert torch.allclose(
                nearer, 2 * (scores[sample, one] - scores[sample, other]), atol=1e-4
            )


def test_a_class_is_trained_towards_its_targets():
    model, twin = (classifying() for _ in range(2))
    spikes, targets = tiny.batch(superspike, model)
    trains = torch.zeros(20, 3, 4, dtype=torch.float64)
    for sample, label in enumerate(targets.tolist()):
        trains[:, sample, label] = model.target[:, 0, 0]
    scores = superspike.harness_evaluate(model, spikes, False).scores
    found = superspike.harness_train_step(model, spikes, targets)
    wanted = superspike.harness_train_sequence(twin, spikes, trains)
    assert found["loss"] == wanted["loss"] > 0
    assert found["accuracy"] == (scores.argmax(-1) == targets).float().mean()
    assert all(torch.equal(a, b) for a, b in zip(model.weights, twin.weights))


@pytest.mark.parametrize(
    ("steps", "part", "interval", "times"),
    [(20, 0.5, 3, [11, 14, 17]), (10, 1.0, 4, [2, 6]), (9, 0.8, 1, [2, 3, 4, 5, 6, 7, 8])],
)
def test_target_spikes_lie_at_equal_intervals_in_the_last_part(steps, part, interval, times):
    model = classifying(steps=steps, target_part=part, target_interval=interval)
    assert model.target.shape == (steps, 1, 1)
    assert model.target.flatten().nonzero().flatten().tolist() == times


def test_a_sample_too_short_for_a_target_is_told():
    with pytest.raises(Unsupported, match="no room for a target spike"):
        classifying(steps=3, target_part=0.5, target_interval=9)


def test_the_last_step_recorded_is_the_answer():
    model = classifying().eval()
    spikes, _ = tiny.batch(superspike, model)
    recorded = superspike.harness_evaluate(model, spikes, record=True)
    answer = superspike.harness_evaluate(model, spikes, record=False).scores
    assert recorded.scores.shape == (20, 3, 4)
    assert answer.abs().max() > 0
    assert torch.allclose(recorded.scores[-1], answer)
    assert torch.equal(recorded.scores[0], recorded.layers[-1].outputs[0] * model.weighting[0])


def test_images_of_spikes_are_read_as_rows():
    model = classifying()
    flat = torch.rand(20, 3, 6, dtype=torch.float64)
    square = superspike.harness_evaluate(model, flat.reshape(20, 3, 1, 2, 3), False).scores
    assert torch.equal(square, superspike.harness_evaluate(model, flat, False).scores)


def test_learns_digits(digits):
    assert digits("native-superspike", "harness_native.superspike", epochs=3) > 0.85
