"""Command `run`: the theory and the finite networks of an experiment, into one NetCDF file."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import xarray as xr

import lazyrich as lr

from .experiment_file import read_experiment


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to a parser."""
    command = commands.add_parser(
        "run",
        help="run an experiment from a file",
        description="Compute the infinite-width theory of an experiment, train its finite networks, and write both to "
        "one NetCDF file: train_loss, test_loss, f_test and ntk of the networks, theory_train_loss and so on of the "
        "theory at the same times, and the experiment itself. `lazyrich.load` reads it, as does any NetCDF reader.",
    )
    command.add_argument("experiment", type=Path, help="a TOML or JSON file, as Experiment.to_toml writes it")
    command.add_argument("--out", type=Path, required=True, metavar="RESULT.nc", help="file to write")
    command.add_argument("--quiet", action="store_true", help="say nothing of the progress")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment and return the exit code; it is 1 if training diverged, which is written all the same."""
    experiment = read_experiment(arguments.experiment)
    if not arguments.out.parent.is_dir():
        raise ValueError(f"The folder of --out must exist; got {arguments.out}. Make it first.")
    stream = experiment.train_stream(record=("loss", "outputs", "ntk"))
    chunks = list(stream if arguments.quiet else _reported(stream, experiment.training.time))
    result = xr.concat(chunks, dim="time", combine_attrs="override")
    status = chunks[-1].attrs["status"]
    result = result.merge(_theory(experiment, result.time.values))
    result.attrs |= {"status": status, "experiment": experiment.to_json()}
    lr.save(result, arguments.out)
    print(arguments.out)
    if status != "complete":
        print(f"lazyrich: {status}", file=sys.stderr)
    return 0 if status == "complete" else 1


def _theory(experiment: lr.Experiment, times) -> xr.Dataset:
    """Return losses and functions of the infinitely wide lazy network, under names that begin with `theory_`."""
    data, net = experiment.load_data(), experiment.network
    system = lr.eigensystem(lr.ntk(net, data.x_train))
    start = {} if experiment.training.centred else lr.initial_covariance(net, data.x_train, data.x_test)
    flow = lr.LinearDynamics(system, data.y_train, cross_ntk=lr.ntk(net, data.x_test, data.x_train), **start)
    known = flow.dataset(times, data.y_test)[["train_loss", "test_loss", "f_test"]]
    losses = lr.expected_losses(flow, times, data.y_test)
    known = known.assign(train_loss=("time", losses.train), test_loss=("time", losses.test))
    return known.rename({name: f"theory_{name}" for name in known.data_vars})


def _reported(chunks: Iterable[xr.Dataset], end: float) -> Iterator[xr.Dataset]:
    """Pass checkpoints on, and say on stderr how far training has come."""
    for chunk in chunks:
        now, loss = float(chunk.time[0]), float(chunk.test_loss.mean())
        print(f"t = {now:.4g} of {end:g}, test loss {loss:.4g}", file=sys.stderr, flush=True)
        yield chunk
