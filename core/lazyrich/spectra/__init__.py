"""Spectra: eigensystems of kernel matrices and how their eigenvalues decay."""

from .gram import Eigensystem as Eigensystem
from .gram import eigensystem as eigensystem
from .powerlaw import PowerLaw as PowerLaw
from .powerlaw import fit_power_law as fit_power_law
