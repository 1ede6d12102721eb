"""Measures of a representation: plain functions of arrays, no model needed.

They are the book's units of account. A reconstruction is judged by the article's own
loss, decibels or structural similarity; generated images by their distance from real ones
and by how many of either set lie among the other; a clustering by the best one-to-one
renaming of its clusters and by two indices that need no names; class probabilities by how
often the most probable class is the true one; a code by the neighbours that it keeps and
by what a simple classifier reads from it.
"""

from ae_toolkit.metrics.classification import ReliabilityBins, expected_calibration_error, reliability
from ae_toolkit.metrics.clustering import ari, clustering_accuracy, clustering_hits, clustering_scores, nmi
from ae_toolkit.metrics.codes import knn_probe, knn_probe_hits, linear_probe, linear_probe_hits, trustworthiness
from ae_toolkit.metrics.generated import FrechetDistance, PrecisionRecall, frechet_distance, precision_recall
from ae_toolkit.metrics.intervals import DifferenceInterval, difference_interval
from ae_toolkit.metrics.reconstruction import bits_per_pixel, psnr, reconstruction_error, squared_errors, ssim

__all__ = [
    "DifferenceInterval",
    "FrechetDistance",
    "PrecisionRecall",
    "ReliabilityBins",
    "ari",
    "bits_per_pixel",
    "clustering_accuracy",
    "clustering_hits",
    "clustering_scores",
    "difference_interval",
    "expected_calibration_error",
    "frechet_distance",
    "knn_probe",
    "knn_probe_hits",
    "linear_probe",
    "linear_probe_hits",
    "nmi",
    "precision_recall",
    "psnr",
    "reconstruction_error",
    "reliability",
    "squared_errors",
    "ssim",
    "trustworthiness",
]
