"""Spectra: eigensystems of kernel matrices and how their eigenvalues decay."""

from .conditioning import Conditioning as Conditioning
from .conditioning import conditioning as conditioning
from .conjugate_gradients import Solution as Solution
from .conjugate_gradients import solve as solve
from .gram import Eigensystem as Eigensystem
from .gram import eigensystem as eigensystem
from .lanczos import TopEigenpairs as TopEigenpairs
from .lanczos import top_eigenpairs as top_eigenpairs
from .powerlaw import PowerLaw as PowerLaw
from .powerlaw import fit_power_law as fit_power_law
