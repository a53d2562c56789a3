"""Say how large objects appear to a network in training and at test, by equations 1 to 5 of FixRes (arXiv 1906.06423).

The paper's symbols: an image of H x W pixels; K_train, the side of the crops in training; K_image, the side to which
the shorter side of a test image is resized (of which the middle K_test x K_test is cut); sigma, the side of a square
with the area of a random window, as a part of the image's; r1, the size of the object as a part of the image's side at
a distance where that is one; k, the focal length in units of the sensor's side, about 1.

A misprint: the paper gives the sides of a random window as sqrt(sigma alpha H W) and sqrt(sigma H W / alpha), alpha
being its ratio. All that follows there, and torchvision, hold if sigma squared is the share of the area.
"""

import math

# The window of torchvision's RandomResizedCrop has a share of the image's area between 0.08 and 1; the paper rounds the
# smallest sigma, whose square that is.
SMALLEST_SIGMA = 0.28
# The images of FixRes at test are to their crops as 256 to 224.
TEST_RATIO = 256 / 224


def scale(sigma: float, train_size: int, height: int, width: int) -> float:
    """Return s, by which a random window is enlarged in training: equation 1, s = K_train / (sigma sqrt(H W))."""
    return train_size / (sigma * math.sqrt(height * width))


def size_in_training(train_size: int, size: float, sigma: float, focal: float = 1.0) -> float:
    """Return r_train, the pixels that an object measures in training: equation 2, k K_train r1 / sigma."""
    return focal * train_size * size / sigma


def size_at_test(image_size: float, size: float, focal: float = 1.0) -> float:
    """Return r_test, the pixels that it measures at test: equation 3, k K_image r1."""
    return focal * image_size * size


def size_ratio(sigma: float, image_size: float, train_size: int) -> float:
    """Return r_test / r_train of one window: equation 4, sigma K_image / K_train."""
    return sigma * image_size / train_size


def mean_sigma(smallest: float = SMALLEST_SIGMA, largest: float = 1.0) -> float:
    """Return F of equation 5, the mean of sigma where its square is uniform: 0.7075 with the paper's bounds.

    F = (2/3) (s+^3 - s-^3) / (s+^2 - s-^2), s- and s+ being the bounds of sigma.
    """
    return 2 / 3 * (largest**3 - smallest**3) / (largest**2 - smallest**2)


def expected_ratio(image_size: float, train_size: int, smallest: float = SMALLEST_SIGMA) -> float:
    """Return the expected r_test / r_train over random windows: equation 5, F K_image / K_train.

    For an image of 256 pixels and training at 224 it is 0.809: objects appear a fifth smaller at test.
    """
    return mean_sigma(smallest) * image_size / train_size


def best_test_size(train_size: int, smallest: float = SMALLEST_SIGMA, ratio: float = TEST_RATIO) -> float:
    """Return the test size at which objects appear as large as in training: where equation 5 gives 1.

    ``ratio``: of K_image to the test size. With the windows of FixRes it is 1.237 times the train size.
    """
    return train_size / (mean_sigma(smallest) * ratio)


def predicted(train_size: int, crops: str) -> float | None:
    """Return the test size predicted for a kind of crops; None of a kind of which nothing is known.

    Where training cuts crops of the size of an image that is resized as at test, it is the train size.
    """
    if crops in ("square", "fixed_scale"):
        return float(train_size)
    return best_test_size(train_size) if crops in ("fixres", "fixres_height") else None
