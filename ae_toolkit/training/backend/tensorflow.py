"""TensorFlow: programs are traced functions that work on a template's own variables, as Keras's trainer does."""

import tensorflow as tf

NAME = "tensorflow"
COMPILES_LOOPS = True
REPLICATES_STEPS = True
STRATEGY = "a tf.distribute.Strategy"


def jit(function):
    """Return the function, compiled for each shape of its arguments."""
    return tf.function(function, autograph=False, reduce_retracing=True)


def vjp(function, x, vector):
    """Return Jᵀv, differentiable, for the Jacobian J of a function of each row by itself."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x, output_gradients=vector)


def value_and_grad(function, variables, others):
    """Return the second value of a function, and the gradients of its first; its assignments to the others stay."""
    with tf.GradientTape() as tape:
        differentiated, value = function()
    return value, tape.gradient(differentiated, [variable.value for variable in variables])


def apply_gradients(optimizer, gradients, variables):
    """Let an optimiser take its step."""
    optimizer.apply(gradients, variables)


def repeat(step, condition, carry, variables):
    """Return ``carry = step(*carry)``, repeated while the condition holds; variables change in place."""
    return tf.while_loop(condition, step, carry)


def values_of(variables):
    """Return the values that Keras variables have now, which stay when the variables change."""
    # Not by keras.ops.convert_to_tensor, which hands out the variable itself.
    return [tf.convert_to_tensor(variable.value) for variable in variables]


class ProgramState:
    """The values that programs work on: here the variables' own."""

    def __init__(self, variables):
        self.variables = variables

    def get(self):
        """Return the values, in the order of the variables."""
        return values_of(self.variables)

    def set(self, values, first=0):
        """Replace the values, beginning with those of the first-th variable."""
        for variable, value in zip(self.variables[first:], values, strict=True):
            variable.assign(value)


def compile_program(function, state, specification, xla):
    """Return a function of the arguments alone, traced when it is first called, once for all sizes of batches."""
    tensors = [tf.TensorSpec(shape, dtype) for shape, dtype in specification]
    traced = []

    def call(*arguments):
        if not traced:
            compiled = tf.function(function, jit_compile=xla, autograph=False)
            traced.append(compiled.get_concrete_function(*tensors))
        return traced[0](*arguments)

    return call


def template(model, optimizer):
    """Return twins of a model and its optimiser, whose variables a program may use again for another training."""
    twin = type(model).from_config(model.get_config())
    if model.augmentation is not None:
        twin.augmentation = type(model.augmentation).from_config(model.augmentation.get_config())
    other = type(optimizer).from_config(optimizer.get_config())
    other.build(twin.trainable_variables)
    twin.compile(optimizer=other, jit_compile=False)
    return twin, other


def shard_batch(batch, strategy):
    """Return the batch as it is: each replica takes its fraction inside the step."""
    return batch


def n_devices(strategy):
    """Return among how many devices a strategy divides a batch."""
    return 1 if strategy is None else strategy.num_replicas_in_sync


def n_processes(strategy):
    """Return how many processes train together."""
    return 1 if strategy is None else n_devices(strategy) // len(strategy.extended.worker_devices)


def check_strategy(strategy):
    """Raise an error unless TensorFlow can train with this strategy on this machine."""
    if not isinstance(strategy, tf.distribute.Strategy):
        raise TypeError(f"expected strategy to be {STRATEGY} on the {NAME} backend, got {type(strategy).__name__}")
    here = [device.name for device in tf.config.list_logical_devices()]
    ends = [name[name.index("/device") :] for name in here]
    missing = [name for name in strategy.extended.worker_devices if not any(name.endswith(end) for end in ends)]
    if missing:
        raise ValueError(f"expected a strategy of this machine's devices {here}, got one with {missing}")


def replicated_step(model, optimizer, strategy, losses_of):
    """Return a function that trains on one batch with a strategy and returns the batch's losses.

    Every replica is handed the whole batch and takes its fraction. Losses and gradients are
    weighted by the fractions' sizes, so that the sum is that of a single process.

    Parameters
    ----------
    model : TrainableModel
    optimizer : keras.optimizers.Optimizer
    strategy : tf.distribute.Strategy
    losses_of : callable, (model, images, weights) -> dict of scalar tensors
        ``loss`` and each loss term.

    Returns
    -------
    callable, (images, weights) -> dict of scalar tensors
    """
    count = n_devices(strategy)

    def on_replica(batch, weights):
        context = tf.distribute.get_replica_context()
        replica, n = context.replica_id_in_sync_group, tf.shape(batch)[0]
        low, high = replica * n // count, (replica + 1) * n // count
        rows = slice(low, tf.maximum(high, low + 1))  # never empty; what it adds then weighs nothing
        share = tf.cast(high - low, tf.float32) / tf.cast(n, tf.float32)
        with tf.GradientTape() as tape:
            losses = {name: loss * share for name, loss in losses_of(model, batch[rows], weights[rows]).items()}
            scaled = optimizer.scale_loss(losses["loss"])
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(scaled, [variable.value for variable in variables]), variables)
        return {name: context.all_reduce(tf.distribute.ReduceOp.SUM, loss) for name, loss in losses.items()}

    @tf.function(autograph=False, reduce_retracing=True)
    def step(batch, weights):
        found = strategy.run(on_replica, args=(batch, weights))
        return {name: strategy.experimental_local_results(loss)[0] for name, loss in found.items()}

    return step
