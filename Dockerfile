# PerfWatch in a container: docs/containers.md. Built with `docker build --tag perfwatch .`; the target
# `perf` has the perf program besides: `docker build --target perf --tag perfwatch:perf .`
#
# Whoever needs the same bytes each time gives the base with its digest, as the registry states it:
#   --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# Two environments: one that builds, and one without pip that is what remains.
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/perfwatch
# Before the sources, so that a change of these does not fetch everything anew. Wheels only: what
# would have to be compiled is an error here, not a compiler in the image.
COPY requirements.lock requirements-build.lock ./
RUN /build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        -r requirements-build.lock \
    && /build/bin/pip --python /opt/perfwatch/bin/python3 install --no-cache-dir --require-hashes \
        --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY monitoring monitoring
COPY exporter exporter
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/pip --python /opt/perfwatch/bin/python3 install --no-cache-dir --no-index \
        --no-deps /wheels/*.whl

FROM ${PYTHON_IMAGE} AS base
# Nothing is installed where it runs.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* \
    /usr/local/lib/python3*/ensurepip /usr/lib/python3*/ensurepip
COPY --from=build /opt/perfwatch /opt/perfwatch
ENV PATH=/opt/perfwatch/bin:/usr/local/bin:/usr/bin:/bin
ARG PYTHON_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="PerfWatch" \
      org.opencontainers.image.description="A Prometheus exporter for Linux hosts that run InterSystems IRIS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
EXPOSE 10100
# The daemon listens on localhost until PERFWATCH_WEB_LISTEN_ADDRESS says otherwise; the check reads
# the same variable. Seldom, because each check starts an interpreter, which costs more than a scrape.
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s --retries=3 \
    CMD ["/opt/perfwatch/bin/perfwatch", "healthcheck"]
ENTRYPOINT ["/opt/perfwatch/bin/perfwatch"]
CMD ["run"]

# As root, because a user without rights gets no capability in a container that forbids new
# privileges. Run it with all capabilities dropped but PERFMON, as docker-compose.perf.yml does.
FROM base AS perf
RUN apt-get update \
    && apt-get install --yes --no-install-recommends linux-perf \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
USER 0:0

# Last, so that it is what is built without --target. 65534 is `nobody`: it owns no file.
FROM base AS runtime
USER 65534:65534
