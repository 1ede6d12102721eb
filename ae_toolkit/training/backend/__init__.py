"""What differs between Keras's backends: one file each, with one interface, and this choice among them.

A backend's file offers

``NAME``
    Keras's name of the backend.
``COMPILES_LOOPS``
    Whether many training steps can be compiled into one call. Where they cannot, Keras's
    own steps train.
``REPLICATES_STEPS``
    Whether a strategy runs a step on each replica, by ``replicated_step``, rather than
    one step on batches that are divided by ``shard_batch``.
``STRATEGY``
    What `strategy` may be, in words for an error.
``jit(function)``
    The function, compiled for each shape of its arguments.
``vjp(function, x, vector)``
    Jᵀv for the Jacobian J of a function of each row by itself; differentiable.
``value_and_grad(function, variables, others)``
    Of a function without arguments that returns two values: the second, and the gradients
    of the first with respect to Keras variables. What it assigns to the `others` stays.
``apply_gradients(optimizer, gradients, variables)``
    Lets a Keras optimiser take its step.
``repeat(step, condition, carry, variables)``
    ``carry = step(*carry)`` while the condition holds; steps read and assign variables.
``values_of(variables)``
    The values that Keras variables have now.
``ProgramState(variables)``
    The values that compiled programs work on, with ``get()`` and ``set(values, first=0)``.
``compile_program(function, state, specification, xla)``
    A function that reads and assigns Keras variables, compiled to work on a state.
``template(model, optimizer)``
    A model and an optimiser for a compiled program to work with, which other trainings may
    use after this one.
``shard_batch(batch, strategy)``, ``n_devices(strategy)``, ``n_processes(strategy)``, ``check_strategy(strategy)``
    What a training on several devices needs to know.
"""

from types import ModuleType

from ae_toolkit._keras import keras

backend: ModuleType
if keras.backend.backend() == "tensorflow":
    from ae_toolkit.training.backend import tensorflow

    backend = tensorflow
elif keras.backend.backend() == "jax":
    from ae_toolkit.training.backend import jax

    backend = jax
else:
    from ae_toolkit.training.backend import torch

    backend = torch

__all__ = ["backend"]
