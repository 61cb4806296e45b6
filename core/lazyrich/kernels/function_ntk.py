r"""The neural tangent kernel of any JAX function, from its Jacobian in bounded memory.

With the rows $J_c(x) = \partial f_c(\theta, x) / \partial \theta$, one a point and output,

$$\hat\Theta_{cc'}(x, x') = J_c(x) \cdot J_{c'}(x')$$

(Jacot, Gabriel & Hongler 2018, eq. 4). All rows together are mostly too large to hold, so they are made for a chunk of
points at a time, and chunk is contracted against chunk. The rows of a point come from its own backward passes, one an
output, and are never laid side by side: each array of the parameters is contracted by itself.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import as_array, flag, whole
from .._float64 import is_traced, to_numpy

_DEFAULT_MEMORY = 256 * 2**20
# Two chunks of rows are held. What making the second takes besides is mostly the function's own: a tenth of a chunk for
# a perceptron, nine tenths for a convolution of few weights; so there is room for a third.
_CHUNKS_HELD = 3


@functools.partial(jax.jit, static_argnums=0)
def _rows(f: Callable, params: Any, x: Float[Array, "chunk ..."]) -> Any:
    """Return the Jacobian rows of a chunk of points: a tree like `params`, each leaf with (chunk, C) in front."""
    return jax.vmap(jax.jacrev(lambda params, point: f(params, point[None])[0]), in_axes=(None, 0))(params, x)


@functools.partial(jax.jit, static_argnames="blocks")
def _contracted(
    rows1: Any, rows2: Any, *, blocks: bool
) -> Float[Array, "chunk1 chunk2"] | Float[Array, "chunk1 chunk2 out_dim out_dim"]:
    """Return the products of two chunks' rows: of every pair of outputs, or their mean over equal ones."""

    def matrix(leaf):
        """Lay out what is summed over along the second axis: XLA multiplies matrices without copying them."""
        rows = math.prod(leaf.shape[: 2 if blocks else 1])
        return leaf.reshape(rows, leaf.size // rows)

    def product(leaf1, leaf2):
        products, out_dim = matrix(leaf1) @ matrix(leaf2).T, leaf1.shape[1]
        if not blocks:
            return products / out_dim
        return jnp.swapaxes(products.reshape(len(leaf1), out_dim, len(leaf2), out_dim), 1, 2)

    return functools.reduce(jnp.add, jax.tree.leaves(jax.tree.map(product, rows1, rows2)))


def _as_points(value: Any, name: str, dtype: Any) -> Any:
    """Return `value` as points (n, ...) of `dtype`, n >= 1."""
    array = as_array(value, name)
    if array.ndim == 0 or 0 in array.shape:
        raise ValueError(
            f"{name} must have shape (points, ...), at least one point and no side empty; got {tuple(array.shape)}. "
            "Give one entry of the first axis a point."
        )
    return jnp.asarray(array, dtype)


def _precision(params: Any) -> np.dtype:
    """Return the precision of floating-point parameters: that of the finest of them."""
    dtypes = [getattr(leaf, "dtype", type(leaf).__name__) for leaf in jax.tree.leaves(params)]
    wrong = [str(dtype) for dtype in dtypes if dtype not in (np.float32, np.float64)] or ["no array"] * (not dtypes)
    if wrong:
        raise ValueError(
            f"params must be a pytree of float32 or float64 arrays; got {wrong[0]}. "
            "Give those to differentiate in alone, and bind the others to f."
        )
    return np.result_type(*dtypes)


def _outputs(f: Any, params: Any, x: Any) -> int:
    """Return the number C of outputs of f, once f is a function from (n, ...) to (n, C)."""
    if not callable(f):
        raise ValueError(f"f must be a function f(params, x); got {type(f).__name__}. Give one.")
    points = 3  # neither the 1 that might come from a missing axis nor the 2 of a common C
    result = jax.eval_shape(f, params, jax.ShapeDtypeStruct((points, *x.shape[1:]), x.dtype))
    shape = getattr(result, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != points or shape[1] == 0:
        got = type(result).__name__ if shape is None else f"shape {shape}"
        raise ValueError(
            f"f must return an array of shape (points, outputs); got {got} for {points} points. "
            "A single output is f(params, x)[:, None]."
        )
    if not jnp.issubdtype(result.dtype, jnp.floating):
        raise ValueError(f"f must return real numbers; got {result.dtype}. Return its real part, or floats.")
    return shape[1]


def _chunk_size(params: Any, outputs: int, memory: int) -> int:
    """Return how many points' rows may be held at once."""
    row = outputs * sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(params))
    if memory < _CHUNKS_HELD * row:
        raise ValueError(
            f"memory must hold the Jacobian of a point {_CHUNKS_HELD} times, {_CHUNKS_HELD * row:,} bytes; "
            f"got {memory:,}. Raise memory, or take fewer outputs or parameters."
        )
    return memory // (_CHUNKS_HELD * row)


def _chunks(x: Any, most: int) -> Iterator[tuple[Any, int]]:
    """Yield chunks of points of one size, at most `most`, and how many of a chunk's points count."""
    number = -(-len(x) // most)
    size = -(-len(x) // number)
    for start in range(0, len(x), size):
        chunk = x[start : start + size]
        filling = jnp.broadcast_to(chunk[-1:], (size - len(chunk), *x.shape[1:]))
        yield jnp.concatenate([chunk, filling]), len(chunk)


def _is_hashable(f: Callable) -> bool:
    try:
        hash(f)
    except TypeError:
        return False
    return True


def _kernel(f: Callable, params: Any, x1: Any, x2: Any, most: int, blocks: bool) -> Any:
    """Return the kernel, chunk against chunk; for x2 None the chunks above the diagonal are mirror images."""
    xp = jnp if is_traced(params, x1, x2) else np
    axes = (1, 0, 3, 2) if blocks else (1, 0)
    table: list[list[Any]] = []
    for i, (chunk1, count1) in enumerate(_chunks(x1, most)):
        rows1 = _rows(f, params, chunk1)
        table.append([])
        for j, (chunk2, count2) in enumerate(_chunks(x1 if x2 is None else x2, most)):
            if x2 is None and j > i:
                break
            rows2 = rows1 if x2 is None and j == i else _rows(f, params, chunk2)
            table[i].append(to_numpy(_contracted(rows1, rows2, blocks=blocks))[:count1, :count2])
            del rows2  # before the next are made
    if x2 is None:
        for i, row in enumerate(table):
            row += [below[i].transpose(axes) for below in table[i + 1 :]]
    return xp.concatenate([xp.concatenate(row, axis=1) for row in table])


def function_ntk(
    f: Callable, params: Any, x1: Any, x2: Any = None, *, blocks: bool = False, memory: int = _DEFAULT_MEMORY
) -> Float[np.ndarray | Array, "n1 n2"] | Float[np.ndarray | Array, "n1 n2 out_dim out_dim"]:
    r"""Return the empirical NTK of any function `f(params, x)`, (n1, n2), in the precision of `params`.

    With several outputs it is the mean of the C diagonal blocks, their trace over C. For an MLP of this package
    `empirical_ntk` is faster by far; its kernel is $\gamma^2$ times this one of `apply`, as its learning rate carries
    $\gamma^2$.

    Args:
        f: a function that JAX can differentiate, from (n, ...) to (n, C), which treats each point by itself: no batch
            statistics. Called again with the same function object, it is not compiled again.
        params: any pytree of float32 or float64 arrays.
        x1: points, (n1, ...).
        x2: points, (n2, ...); `None` means `x1`, and does half of the work.
        blocks: return every pair of outputs, (n1, n2, C, C), in place of the mean over equal ones.
        memory: bytes that Jacobian rows may take, 256 MiB by default. The chunks' size follows from it, with a third of
            it left to the activations of `f`, which come on top where they are more, as do `params` and the result.

    Returns:
        (n1, n2), or (n1, n2, C, C) for `blocks`.

    Raises:
        ValueError: an f that is no function or does not return (n, C), params that are no floating-point arrays, points
            that are not finite or of a wrong shape, or a memory that does not hold the rows of one point.
    """
    blocks, memory = flag(blocks, "blocks"), whole(memory, "memory", 1, most=2**62)
    dtype = _precision(params)
    with jax.enable_x64(dtype == np.float64):
        params = jax.tree.map(jnp.asarray, params)
        x1 = _as_points(x1, "x1", dtype)
        x2 = None if x2 is None else _as_points(x2, "x2", dtype)
        if x2 is not None and x1.shape[1:] != x2.shape[1:]:
            raise ValueError(
                f"x1 and x2 must have points of the same shape; got {x1.shape[1:]} and {x2.shape[1:]}. "
                "Give points of one space."
            )
        most = _chunk_size(params, _outputs(f, params, x1), memory)
        # What has no hash, as a method of an object with lists in it, is told apart by its identity.
        f = f if _is_hashable(f) else functools.partial(f)
        return _kernel(f, params, x1, x2, most, blocks)
