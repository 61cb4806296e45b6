# The dashboard in a container: on the CPU, or with CUDA on an NVIDIA GPU.
#
#   docker build --tag lazyrich .
#   docker build --tag lazyrich --build-arg EXTRAS=dashboard,cuda12 .
#
#   docker run --rm --publish 5006:5006 lazyrich                 (CUDA: add --gpus all)
#
# Then open http://localhost:5006/lazyrich. On a GPU the server takes memory as it needs it, not most of it at once; to
# have JAX take it at its start all the same: --env XLA_PYTHON_CLIENT_PREALLOCATE=true

FROM python:3.12-slim

ARG EXTRAS=dashboard

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY dashboard dashboard
RUN pip install --no-cache-dir ".[${EXTRAS}]"

RUN useradd --create-home lazyrich
USER lazyrich
WORKDIR /home/lazyrich

EXPOSE 5006

# The first start compiles, so it is given time.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://localhost:5006/liveness', timeout=5)"]

CMD ["python", "-m", "lazyrich_dashboard", "serve", "--address", "0.0.0.0", "--port", "5006"]
