"""Spectra: eigensystems of kernel matrices and of their operators, and how their eigenvalues decay."""

from .conditioning import Conditioning as Conditioning
from .conditioning import conditioning as conditioning
from .conjugate_gradients import Solution as Solution
from .conjugate_gradients import solve as solve
from .gram import Eigensystem as Eigensystem
from .gram import eigensystem as eigensystem
from .kappa import kappa_from_gram as kappa_from_gram
from .lanczos import TopEigenpairs as TopEigenpairs
from .lanczos import top_eigenpairs as top_eigenpairs
from .mercer import MercerSpectrum as MercerSpectrum
from .mercer import mercer_spectrum as mercer_spectrum
from .powerlaw import NoPowerLawError as NoPowerLawError
from .powerlaw import PowerLaw as PowerLaw
from .powerlaw import fit_power_law as fit_power_law
from .stieltjes import operator_eigenvalues as operator_eigenvalues
