"""The one door to scikit-learn's private names: what may change with any version of it is imported here only.

``Interval``, ``Options``, ``StrOptions`` and ``HasMethods`` describe which values a parameter may take;
``check_sample_weight`` validates weights, ``safe_indexing`` takes rows of an array, a list or a
data frame, and ``is_fitted`` asks what ``check_is_fitted`` asks, without raising an error.
"""

import sklearn

try:
    from sklearn.utils import _safe_indexing as safe_indexing
    from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
    from sklearn.utils.validation import _is_fitted as is_fitted
except ImportError as error:
    raise ImportError(
        f"ae_toolkit uses names that scikit-learn keeps private, and scikit-learn {sklearn.__version__} has one of "
        f"them no longer: {error}. Install an older scikit-learn (constraints.txt names one that works), or a newer "
        "ae_toolkit."
    ) from error

__all__ = ["HasMethods", "Interval", "Options", "StrOptions", "check_sample_weight", "is_fitted", "safe_indexing"]
