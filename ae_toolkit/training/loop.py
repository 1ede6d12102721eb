"""The compiled loop: many training steps in one call, on TensorFlow and on JAX.

A training step is written once, as a pure function of the training's state: the model's
weights, its other variables (random seeds, moving averages), the optimiser's variables
and the running metrics. ``Loop`` compiles it in two forms, over a tensor of images that
stays on the device and is addressed by indices, and over one batch that is handed in.
Nothing in a compiled loop belongs to one model, so models of equal shape share it and
the second of two equal trainings does not trace again.

This is the only module that names TensorFlow, JAX or PyTorch.
"""

import json
import math
import threading
from collections import OrderedDict

from ae_toolkit._keras import keras

BACKEND = keras.backend.backend()
if BACKEND == "tensorflow":
    import tensorflow as tf
elif BACKEND == "jax":
    import jax
else:
    import torch

ops = keras.ops
NO_FAILURE = -1  # the number of the failing step while none has failed
XLA_STEPS = 2000  # of a training from which XLA pays on a CPU: it saves a millisecond a step, and compiles for seconds


class Loop:
    """Training steps of one kind of model and optimiser, compiled.

    `model` and `optimizer` serve as templates: their structure is used, their values are not.
    """

    def __init__(self, model, optimizer, image_shape, xla):
        self.model, self.optimizer = model, _stateless(optimizer, model)
        self.groups = (model.trainable_variables, model.non_trainable_variables, None, model.metrics_variables)
        self.metrics = {metric.name: metric for metric in model.metrics}  # compiling the model again makes new ones
        self.resident = _compiled(self._resident, xla, lambda: (self._state_spec(), *_block_spec(image_shape)))
        self.single = _compiled(self._single, False, lambda: (self._state_spec(), *_batch_spec(image_shape)))

    def _state_spec(self):
        groups = (*self.groups[:2], self.optimizer.variables, self.groups[3])
        return tuple([tf.TensorSpec(v.shape, v.dtype) for v in group] for group in groups)

    def _resident(self, state, images, weights, indices, count):
        """Take `count` steps on images[indices[0]], images[indices[1]], ...; indices has shape (≥ count, batch)."""

        def body(i, state, failed):
            batch, factors = (ops.take(array, indices[i], axis=0) for array in (images, weights))
            state, failed = self._step(state, batch, factors, i, failed)
            return i + 1, state, failed

        _, state, failed = ops.while_loop(lambda i, *_: i < count, body, (0, state, NO_FAILURE))
        return self._close(state, failed, count)

    def _single(self, state, batch, factors):
        state, failed = self._step(state, batch, factors, 0, NO_FAILURE)
        return self._close(state, failed, 1)

    def _step(self, state, batch, factors, number, failed):
        weights, others, optimizer_variables, metrics = state

        def loss_of(weights):
            pairs = zip((*self.groups[0], *self.groups[1], *self.groups[3]), (*weights, *others, *metrics), strict=True)
            with keras.StatelessScope(state_mapping=list(pairs), collect_losses=True) as scope:
                loss = training_loss(self.model, batch, factors)
                self.metrics["loss"].update_state(loss, sample_weight=ops.shape(batch)[0])
            return loss, tuple([scope.get_current_value(v) for v in group] for group in self.groups[1::2])

        loss, (others, metrics), gradients = _gradients(loss_of, weights)
        weights, optimizer_variables = self.optimizer.stateless_apply(optimizer_variables, gradients, weights)
        failed = ops.where(ops.logical_and(failed == NO_FAILURE, ops.logical_not(ops.isfinite(loss))), number, failed)
        return (weights, others, optimizer_variables, metrics), failed

    def _close(self, state, failed, count):
        """Add what the caller wants to know: the logs, and which step failed."""
        # The last update may have ruined the weights without any loss having shown it yet.
        finite = ops.all(ops.stack([ops.all(ops.isfinite(weight)) for weight in state[0]]))
        failed = ops.where(ops.logical_and(failed == NO_FAILURE, ops.logical_not(finite)), count - 1, failed)
        with keras.StatelessScope(state_mapping=list(zip(self.groups[3], state[3], strict=True))):
            logs = {name: metric.result() for name, metric in self.metrics.items()}
        return state, logs, failed


def training_loss(model, images, factors):
    """Return the loss of a batch as training sees it: after augmentation, which the target shares."""
    if model.augmentation is not None:
        images = model.augmentation(images, training=True)
    outputs = model(images, training=True)
    return model.compute_loss(x=images, y_pred=outputs, sample_weight=factors, training=True)


# ----------------------------------------------------------------------- compiled loops, kept

_loops, _lock = OrderedDict(), threading.Lock()


def loop(model, optimizer, image_shape, xla=False):
    """Return a compiled loop for this model and optimiser, from an earlier equal training if there was one."""
    key = _structure(model, optimizer, image_shape, xla)
    with _lock:
        found = _loops.pop(key, None) or Loop(model, optimizer, image_shape, xla)
        if key is not None:
            _loops[key] = found
            while len(_loops) > 8:
                _loops.popitem(last=False)
    return found


def _structure(model, optimizer, image_shape, xla):
    """Return a key that is equal for models that compute alike, whatever their weights; None if that is unknown."""
    try:
        configs = [plain_config(item) for item in (model, optimizer, model.augmentation)]
        if isinstance(configs[1]["learning_rate"], float):
            del configs[1]["learning_rate"]  # a variable, and with it part of the state
        shapes = [(list(v.shape), str(v.dtype), v.trainable) for v in (*model.variables, *optimizer.variables)]
        text = json.dumps([configs, _attributes(model), shapes, image_shape, xla])
    except (NotImplementedError, TypeError, ValueError):  # not serialisable
        return None
    if '"class_name": "function"' in text:  # a function of the user's own, of which only the name is known
        return None
    # The classes themselves: a notebook's cell that is changed and run again defines one of the same name.
    return text, type(optimizer), *map(type, model._flatten_layers())


def _attributes(model):
    """Return what a model of the user's own keeps besides layers, which an inherited ``get_config`` leaves out."""
    described = keras.Layer, keras.Variable, keras.Optimizer, keras.metrics.Metric, keras.callbacks.Callback
    names = [name for name in vars(model) if not name.startswith("_") and name not in vars(keras.Model())]
    found = {name: getattr(model, name) for name in names if name not in ("optimizer", "stop_training", "history")}
    return {name: value for name, value in found.items() if not isinstance(value, described)}


def plain_config(item):
    """Return a layer's or an optimiser's configuration without names, initial weights and seeds."""
    return item and _plain(item.get_config())


def _plain(config, names=()):
    """Leave out of a configuration what does not change the computation: names, initial weights, seeds."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":  # its name is what it says
            return config["config"]
        if isinstance(layers := config.get("layers"), list):  # which refer to each other by their names
            names = [layer["config"].get("name") for layer in layers if isinstance(layer.get("config"), dict)]
        kept = {k: v for k, v in config.items() if k not in ("name", "seed") and not k.endswith("_initializer")}
        return {key: _plain(value, names) for key, value in kept.items()}
    if isinstance(config, list | tuple):
        return [names.index(item) if item in names else _plain(item, names) for item in config]
    return config


def wants_xla(model, n_steps):
    """Return whether XLA wins on TensorFlow.

    On a CPU it does for long trainings of dense networks. It slows convolutions and the
    drawing of random numbers down, knows no image transformation, and multiplies in
    bfloat16 without the processor's help.
    """
    dense = all(len(weight.shape) <= 2 for weight in model.trainable_variables)
    layers = [layer for part in model.layers for layer in getattr(part, "layers", [part])]
    full = all(layer.compute_dtype == "float32" for layer in layers)
    draws = any(variable.name == "seed_generator_state" for variable in model.non_trainable_variables)
    return dense and full and not draws and model.augmentation is None and n_steps >= XLA_STEPS


# ----------------------------------------------------------------------- the two backends

if BACKEND == "tensorflow":

    def _compiled(function, xla, spec):
        """Return the function, traced when it is first called, once for all sizes of batches."""
        traced = []

        def call(*arguments):
            if not traced:
                compiled = tf.function(function, jit_compile=xla, autograph=False)
                traced.append(compiled.get_concrete_function(*spec()))
            return traced[0](*arguments)

        return call

    def _batch_spec(shape):
        return tf.TensorSpec((None, *shape), tf.float32), tf.TensorSpec((None,), tf.float32)

    def _block_spec(shape):
        return *_batch_spec(shape), tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((), tf.int32)

    def _gradients(function, weights):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            loss, rest = function(weights)
        return loss, rest, tape.gradient(loss, weights)

    def compiled(function):
        """Return the function, compiled for each shape of its arguments."""
        return tf.function(function, autograph=False, reduce_retracing=True)

    def vjp(function, x, vector):
        """Return Jᵀv, differentiable, for the Jacobian J of a function of each row by itself."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, output_gradients=vector)

elif BACKEND == "jax":

    def _compiled(function, xla, spec):
        return jax.jit(function)

    compiled = jax.jit

    def vjp(function, x, vector):
        return jax.vjp(function, x)[1](vector)[0]

    def _gradients(function, weights):
        (loss, rest), gradients = jax.value_and_grad(function, has_aux=True)(weights)
        return loss, rest, gradients

else:

    def compiled(function):
        return function

    def vjp(function, x, vector):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(function(x), x, vector, create_graph=True)[0]


# What Keras's optimisers for TensorFlow do with variables.
_WRITING = ("apply", "stateless_apply", "assign", "assign_add", "assign_sub", "_backend_update_step",
            "_apply_weight_decay", "_var_key")  # fmt: skip


def supports_optimizer(optimizer):
    """Return whether the loop can use an optimiser: not one with its own way of writing, as Nadam has."""
    if BACKEND != "tensorflow":
        return True
    names = [kind.__name__ for kind in type(optimizer).__mro__]
    own = type(optimizer).__mro__[: names.index("TFOptimizer")] if "TFOptimizer" in names else ()
    return bool(own) and not any(name in vars(kind) for kind in own for name in _WRITING)


def _stateless(optimizer, model):
    """Return an optimiser whose ``stateless_apply`` works.

    Keras's optimisers for TensorFlow write to variables, which tf.distribute needs. The
    class below them computes new values instead, and its methods are put back here.
    """
    if BACKEND != "tensorflow":
        return optimizer
    base = next(kind for kind in type(optimizer).__mro__ if kind.__name__ == "BaseOptimizer")
    kind = type(type(optimizer).__name__, (type(optimizer),), {name: vars(base)[name] for name in _WRITING})
    pure = kind.from_config(optimizer.get_config())
    pure.build(model.trainable_variables)
    return pure


def n_devices(strategy):
    """Return among how many devices a strategy divides a batch."""
    if strategy is None:
        return 1
    return strategy.num_replicas_in_sync if BACKEND == "tensorflow" else math.prod(strategy.device_mesh.shape)


def n_processes(strategy):
    """Return how many processes train together."""
    if strategy is None:
        return 1
    if BACKEND == "tensorflow":
        return n_devices(strategy) // len(strategy.extended.worker_devices)
    return jax.process_count()


def shard_batch(batch, strategy):
    """Return a batch divided among the devices of a keras.distribution on JAX."""
    if strategy is None:
        return batch
    batch = ops.convert_to_numpy(batch)
    layout = strategy.get_data_layout(batch.shape)
    if len(batch) % n_devices(strategy):  # a last batch that cannot be divided goes to all
        layout = keras.distribution.TensorLayout([None] * batch.ndim, strategy.device_mesh)
    return jax.make_array_from_callback(batch.shape, layout.backend_layout, lambda index: batch[index])


def replicated_step(model, optimizer, strategy):
    """Return a function that trains on one batch with TensorFlow's `strategy` and returns the batch's loss.

    Every replica is handed the whole batch and takes its part. Losses and gradients are
    weighted by the parts' sizes, so that the sum is that of a single process.
    """
    count, mean = n_devices(strategy), next(metric for metric in model.metrics if metric.name == "loss")

    def on_replica(batch, factors):
        replica, n = tf.distribute.get_replica_context().replica_id_in_sync_group, tf.shape(batch)[0]
        low, high = replica * n // count, (replica + 1) * n // count
        rows = slice(low, tf.maximum(high, low + 1))  # never empty; what it adds then weighs nothing
        share = tf.cast(high - low, tf.float32) / tf.cast(n, tf.float32)
        with tf.GradientTape() as tape:
            loss = training_loss(model, batch[rows], factors[rows])
            weighted = loss * share
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(weighted, [weight.value for weight in weights]), weights)
        loss = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, weighted)
        mean.update_state(loss, sample_weight=n)  # of the whole batch, on every replica
        return loss

    @tf.function(autograph=False, reduce_retracing=True)
    def step(batch, factors):
        return strategy.experimental_local_results(strategy.run(on_replica, args=(batch, factors)))[0]

    return step


def check_strategy(strategy):
    """Raise an error unless this backend can train with `strategy` on this machine."""
    kinds = keras.distribution.DataParallel, keras.distribution.ModelParallel
    wanted = tf.distribute.Strategy if BACKEND == "tensorflow" else kinds
    if BACKEND not in ("tensorflow", "jax") or not isinstance(strategy, wanted):
        names = {"tensorflow": "a tf.distribute.Strategy", "jax": "keras.distribution's DataParallel or ModelParallel"}
        raise TypeError(
            f"expected strategy to be {names.get(BACKEND, 'None')} on the {BACKEND} backend, "
            f"got {type(strategy).__name__}"
        )
    if BACKEND == "tensorflow":
        named, here = strategy.extended.worker_devices, [device.name for device in tf.config.list_logical_devices()]
        missing = [
            name for name in named if not any(name.endswith(device[device.index("/device") :]) for device in here)
        ]
    else:
        here = keras.distribution.list_devices()
        missing = [name for name in strategy.device_mesh.devices.flatten() if name not in here]
    if missing:
        raise ValueError(f"expected a strategy of this machine's devices {here}, got one with {missing}")
