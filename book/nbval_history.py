"""A pytest plugin for the replay, which mends four things in nbval.

Its kernels keep their input history: nbval executes cells without storing them, and IPython
looks for a cell's closing semicolon in its history, so that every figure's cell would print
one more output than it did. Drawings are not compared, as nbval does with pictures: their last
digits differ between processors. Nor is the error stream: whether a solver warns of its last
digits, or a backend's log says something, may change with the timing of threads, and that no
page shows any of it is a test of the site. And a kernel that could not start, because another one took
its port in the meantime, is started again, as in the build.
"""

from build import start_again
from nbval import kernel
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile

_init_file, _start_once = IPyNbFile.__init__, kernel.start_new_kernel


def _execute_and_store(self, cell_input, allow_stdin=None):
    allow = False if allow_stdin is None else allow_stdin
    return self.kc.execute(cell_input, allow_stdin=allow, store_history=True, stop_on_error=False)


def _init_with_less_to_compare(self, *args, **kwargs):
    _init_file(self, *args, **kwargs)
    self.skip_compare += ("image/svg+xml", "stderr")


def _start(*args, **kwargs):
    return start_again(_start_once, *args, **kwargs)


IPyNbFile.__init__ = _init_with_less_to_compare
kernel.start_new_kernel = _start
RunningKernel.execute_cell_input = _execute_and_store
