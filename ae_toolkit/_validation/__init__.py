"""The one place where input is checked: images, numbers, weights, labels, probabilities of classes.

Each function returns its input in the form that the package works with, or raises an error
that says what was expected and what came.
"""

from ae_toolkit._validation.images import check_fitted_shape as check_fitted_shape
from ae_toolkit._validation.images import check_image_pair as check_image_pair
from ae_toolkit._validation.images import check_image_set as check_image_set
from ae_toolkit._validation.images import check_images as check_images
from ae_toolkit._validation.images import check_pictures as check_pictures
from ae_toolkit._validation.images import n_axes as n_axes
from ae_toolkit._validation.labels import check_class_indices as check_class_indices
from ae_toolkit._validation.labels import check_label_pair as check_label_pair
from ae_toolkit._validation.labels import have_label as have_label
from ae_toolkit._validation.labels import split_labels as split_labels
from ae_toolkit._validation.numbers import as_random_state as as_random_state
from ae_toolkit._validation.numbers import check_count as check_count
from ae_toolkit._validation.numbers import check_counts as check_counts
from ae_toolkit._validation.numbers import check_finite as check_finite
from ae_toolkit._validation.numbers import check_mean_weights as check_mean_weights
from ae_toolkit._validation.numbers import check_positive as check_positive
from ae_toolkit._validation.numbers import check_weights as check_weights
from ae_toolkit._validation.probabilities import check_class_probabilities as check_class_probabilities
