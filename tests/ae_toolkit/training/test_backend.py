"""The backends: one interface, each file complete, and nobody else who asks which one it is."""

import ast
from pathlib import Path

import numpy as np
import pytest

import ae_toolkit
from ae_toolkit._keras import keras
from ae_toolkit.training import backend as room
from ae_toolkit.training.backend import backend

PACKAGE = Path(ae_toolkit.__file__).parent
FILES = {path.stem: path for path in (PACKAGE / "training" / "backend").glob("*.py") if path.stem != "__init__"}
OF_ALL = {"NAME", "COMPILES_LOOPS", "REPLICATES_STEPS", "STRATEGY", "jit", "vjp"}
OF_ALL |= {"n_devices", "n_processes", "check_strategy"}
OF_COMPILING = {"value_and_grad", "apply_gradients", "repeat", "values_of", "ProgramState", "compile_program"}
OF_COMPILING |= {"template", "shard_batch"}

needs_compiled_loops = pytest.mark.skipif(not backend.COMPILES_LOOPS, reason="on this backend Keras's own steps train")


def defined(path):
    """Return the functions and constants that a file defines, with their values where these are constants."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = [argument.arg for argument in node.args.args]
        elif isinstance(node, ast.ClassDef):
            functions = [item for item in node.body if isinstance(item, ast.FunctionDef)]
            found[node.name] = {item.name: [argument.arg for argument in item.args.args] for item in functions}
        elif isinstance(node, ast.Assign):
            found[node.targets[0].id] = getattr(node.value, "value", None)
    return found


def test_there_is_a_file_for_each_backend():
    assert set(FILES) == {"tensorflow", "jax", "torch"}
    assert keras.backend.backend() == backend.NAME
    assert all(defined(path)["NAME"] == name for name, path in FILES.items())


@pytest.mark.parametrize("name", FILES)
def test_a_file_offers_the_whole_interface(name):
    offered = defined(FILES[name])
    expected = OF_ALL | (OF_COMPILING if offered["COMPILES_LOOPS"] else set())
    expected |= {"replicated_step"} if offered["REPLICATES_STEPS"] else set()
    assert set(offered) == expected
    for function in expected - {"jit"}:  # which JAX has ready-made
        assert offered[function] == defined(FILES["tensorflow"])[function] or function.isupper()


def test_the_interface_is_described():
    assert all(f"``{name}" in room.__doc__ or f"{name}(" in room.__doc__ for name in OF_ALL | OF_COMPILING)


def test_nobody_else_asks_which_backend_it_is():
    asking = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            compared = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            if any(isinstance(item, ast.Constant) and item.value in FILES for item in compared):
                asking.append(str(path.relative_to(PACKAGE)))
    assert set(asking) == {"training/backend/__init__.py"}


def test_vjp_by_hand():
    """Of x ↦ (x₁², x₁x₂): Jᵀv = (2x₁v₁ + x₂v₂, x₁v₂)."""

    def function(x):
        return keras.ops.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1]], axis=1)

    x, vector = (keras.ops.convert_to_tensor([row], "float32") for row in ([3.0, 5.0], [1.0, 2.0]))
    found = keras.ops.convert_to_numpy(keras.ops.stop_gradient(backend.vjp(function, x, vector)))
    np.testing.assert_allclose(found, [[2 * 3 * 1 + 5 * 2, 3 * 2]])


def test_a_compiled_function_computes_the_same():
    assert float(backend.jit(lambda x: keras.ops.sum(x * x))(keras.ops.convert_to_tensor([1.0, 2.0]))) == 5.0


@needs_compiled_loops
def test_a_program_reads_and_assigns_variables():
    """Steps of gradient descent on w², written as a program on variables, run on values that are loaded."""
    weight, taken = keras.Variable(9.0), keras.Variable(0, dtype="int32", trainable=False)

    def step(i):
        seven, (gradient,) = backend.value_and_grad(loss, [weight], [taken])
        weight.assign(weight - 0.25 * gradient * seven / 7)
        return (i + 1,)

    def loss():
        taken.assign(taken + 1)
        return weight * weight, 7.0

    def program(count):
        start = (keras.ops.convert_to_tensor(0, "int32"),)
        (steps,) = backend.repeat(step, lambda i: i < count, start, [weight, taken])
        return steps

    state = backend.ProgramState([weight, taken])
    run = backend.compile_program(program, state, [((), "int32")], False)
    values = [keras.ops.convert_to_tensor(8.0), keras.ops.convert_to_tensor(10, "int32")]
    state.set(values)
    assert int(run(np.int32(3))) == 3
    assert [float(value) for value in state.get()] == [1.0, 13.0]  # half of it per step
    assert [float(value) for value in values] == [8.0, 10.0]
    state.set([keras.ops.convert_to_tensor(0, "int32")], first=1)
    assert int(run(np.int32(1))) == 1
    assert [float(value) for value in state.get()] == [0.5, 1.0]


@needs_compiled_loops
def test_values_stay_when_the_variable_changes():
    weight = keras.Variable([1.0, 2.0])
    (before,) = backend.values_of([weight])
    weight.assign([3.0, 4.0])
    assert np.asarray(before).tolist() == [1.0, 2.0]


@needs_compiled_loops
def test_a_template_s_values_are_not_the_model_s():
    from ae_toolkit import networks
    from ae_toolkit.estimators.models import AutoencoderModel

    model = AutoencoderModel(*networks.build((6,), 2, "dense", (4,), seed=1))
    optimizer = keras.optimizers.Adam(0.01, global_clipnorm=2.0)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)
    twin, other = backend.template(model, optimizer)
    assert [v.shape for v in twin.variables] == [v.shape for v in model.variables]
    assert [v.shape for v in other.variables] == [v.shape for v in optimizer.variables]
    assert other.get_config() == optimizer.get_config()
    assert [metric.name for metric in twin.metrics] == [metric.name for metric in model.metrics]
