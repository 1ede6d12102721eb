"""PyTorch: nothing is compiled here; Keras's own steps train."""

import torch

NAME = "torch"
COMPILES_LOOPS = False
REPLICATES_STEPS = False
STRATEGY = "None"


def jit(function):
    """Return the function as it is."""
    return function


def vjp(function, x, vector):
    """Return Jᵀv, differentiable, for the Jacobian J of a function of each row by itself."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(function(x), x, vector, create_graph=True)[0]


def n_devices(strategy):
    """Return 1: trainings on several devices are not offered on this backend."""
    return 1


def n_processes(strategy):
    """Return 1: trainings on several machines are not offered on this backend."""
    return 1


def check_strategy(strategy):
    """Raise an error: trainings on several devices are not offered on this backend."""
    raise TypeError(f"expected strategy to be {STRATEGY} on the {NAME} backend, got {type(strategy).__name__}")
