"""scikit-learn objects: infinite-width kernels for Gaussian processes, and kernel regression as estimators.

They are imported with `from lazyrich.estimators import NTKRegressor`, and not by `import lazyrich`, which would pay for
more of scikit-learn than it uses. The kernels `NNGP` and `NTK` go into scikit-learn's `GaussianProcessRegressor`, which
then searches the variances; `NTKRegressor` and `NTKClassifier` are ridge regression with either kernel.
"""

from .gaussian_process import NNGP as NNGP
from .gaussian_process import NTK as NTK
from .ridge import NTKClassifier as NTKClassifier
from .ridge import NTKRegressor as NTKRegressor
