"""A pytest plugin for the replay: nbval's kernels keep their input history.

nbval executes cells without storing them. IPython looks for a cell's closing semicolon in
its history, so without this every figure's cell would print one more output than it did.
"""

from nbval.kernel import RunningKernel


def _execute_and_store(self, cell_input, allow_stdin=None):
    allow = False if allow_stdin is None else allow_stdin
    return self.kc.execute(cell_input, allow_stdin=allow, store_history=True, stop_on_error=False)


RunningKernel.execute_cell_input = _execute_and_store
