"""Notebook: what a cell needs before it can show anything."""

import sys

import panel as pn


def load_notebook_extension() -> None:
    """Load Panel into a notebook that has not done so, from this machine: a notebook may be offline."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None and not pn.extension._loaded:
        pn.extension(inline=True)
