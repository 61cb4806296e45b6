"""PyTorch's side: times the training of networks on request. It runs in PyTorch's environment; see `benchmarks.peer`.

A request is a line of JSON on standard input; the answer is a line on standard output, {"milliseconds": time, "corner":
[mean loss]} or {"error": sentence}.
"""

import itertools
import json
import sys
import time

import torch


def _network(in_dim, out_dim, width, depth, seed):
    """Raw weights as lazyrich has them, N(0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [in_dim, *[width] * depth, out_dim]
    return [torch.randn(m, n, generator=generator).requires_grad_() for n, m in itertools.pairwise(sizes)]


def _loss(weights, x, y):
    h = x
    for i, w in enumerate(weights):
        h = (2 / h.shape[1]) ** 0.5 * h @ w.T
        h = torch.relu(h) if i < len(weights) - 1 else h
    return ((h - y) ** 2).sum() / (2 * len(y))


def train(x, y, width, depth, seeds, steps, learning_rate):
    """Return the mean loss before the last step, of one network after the other."""
    total = 0.0
    for seed in range(seeds):
        weights = _network(x.shape[1], y.shape[1], width, depth, seed)
        optimizer = torch.optim.SGD(weights, lr=learning_rate)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = _loss(weights, x, y)
            loss.backward()
            optimizer.step()
        total += loss.item()
    return total / seeds


def answer(request):
    x, y = (torch.tensor(request.pop(name), dtype=torch.float32) for name in ("x", "y"))
    start = time.perf_counter()
    loss = train(x, y, **request)
    return {"milliseconds": 1e3 * (time.perf_counter() - start), "corner": [loss]}


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
