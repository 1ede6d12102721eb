"""JAX: programs are pure functions, in which Keras's stateless scopes stand for the variables."""

import math

import jax

from ae_toolkit._keras import keras

NAME = "jax"
COMPILES_LOOPS = True
REPLICATES_STEPS = False
STRATEGY = "keras.distribution's DataParallel or ModelParallel"

jit = jax.jit


def vjp(function, x, vector):
    """Return Jᵀv, differentiable, for the Jacobian J of a function of each row by itself."""
    return jax.vjp(function, x)[1](vector)[0]


def value_and_grad(function, variables, others):
    """Return the second value of a function, and the gradients of its first; its assignments to the others stay."""

    def of(values, other_values):
        pairs = zip((*variables, *others), (*values, *other_values), strict=True)
        with keras.StatelessScope(state_mapping=list(pairs), collect_losses=True) as scope:
            differentiated, value = function()
        return differentiated, (value, [scope.get_current_value(variable) for variable in others])

    start = values_of(variables), values_of(others)
    (_, (value, found)), gradients = jax.value_and_grad(of, has_aux=True)(*start)
    for variable, new in zip(others, found, strict=True):
        variable.assign(new)
    return value, gradients


def apply_gradients(optimizer, gradients, variables):
    """Let an optimiser take its step."""
    # Not by `apply`, whose conditions, as those of loss scaling, have side effects that JAX cannot trace.
    states = values_of(optimizer.variables), gradients, values_of(variables)
    weights, others = optimizer.stateless_apply(*states)
    for variable, value in zip((*variables, *optimizer.variables), (*weights, *others), strict=True):
        variable.assign(value)


def repeat(step, condition, carry, variables):
    """Return ``carry = step(*carry)``, repeated while the condition holds; variables are part of what is carried."""

    def body(state):
        values, carry = state
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            carry = step(*carry)
        return [scope.get_current_value(variable) for variable in variables], carry

    start = values_of(variables), carry
    values, carry = jax.lax.while_loop(lambda state: condition(*state[1]), body, start)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return carry


def values_of(variables):
    """Return the values that Keras variables have now, which stay when the variables change."""
    return [variable.value for variable in variables]


class ProgramState:
    """The values that programs work on: here a list beside the variables, which keep theirs."""

    def __init__(self, variables):
        self.variables, self.values = variables, values_of(variables)

    def get(self):
        """Return the values, in the order of the variables."""
        return list(self.values)

    def set(self, values, first=0):
        """Replace the values, beginning with those of the first-th variable."""
        self.values[first:] = values


def compile_program(function, state, specification, xla):
    """Return a function of the arguments alone, compiled for each size of the batches; always by XLA."""

    @jax.jit
    def program(values, *arguments):
        with keras.StatelessScope(state_mapping=list(zip(state.variables, values, strict=True))) as scope:
            results = function(*arguments)
        return results, [scope.get_current_value(variable) for variable in state.variables]

    def call(*arguments):
        results, state.values = program(state.values, *arguments)
        return results

    return call


def template(model, optimizer):
    """Return the model and the optimiser themselves: a pure function does not touch their values."""
    return model, optimizer


def shard_batch(batch, strategy):
    """Return a batch divided among the devices of a keras.distribution."""
    if strategy is None:
        return batch
    batch = keras.ops.convert_to_numpy(batch)
    layout = strategy.get_data_layout(batch.shape)
    if len(batch) % n_devices(strategy):  # a last batch that cannot be divided goes to all
        layout = keras.distribution.TensorLayout([None] * batch.ndim, strategy.device_mesh)
    return jax.make_array_from_callback(batch.shape, layout.backend_layout, lambda index: batch[index])


def n_devices(strategy):
    """Return among how many devices a strategy divides a batch."""
    return 1 if strategy is None else math.prod(strategy.device_mesh.shape)


def n_processes(strategy):
    """Return how many processes train together."""
    return 1 if strategy is None else jax.process_count()


def check_strategy(strategy):
    """Raise an error unless JAX can train with this strategy on this machine."""
    if not isinstance(strategy, (keras.distribution.DataParallel, keras.distribution.ModelParallel)):
        raise TypeError(f"expected strategy to be {STRATEGY} on the {NAME} backend, got {type(strategy).__name__}")
    here = keras.distribution.list_devices()
    missing = [name for name in strategy.device_mesh.devices.flatten() if name not in here]
    if missing:
        raise ValueError(f"expected a strategy of this machine's devices {here}, got one with {missing}")
