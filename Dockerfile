# The fund as a container:
#   docker build -t fund .
#   docker run --rm -v fund:/var/lib/fund fund fund migrate
#   docker run -p 8000:8000 -v fund:/var/lib/fund -e FUND_BASE_URL=https://fund.example.org -e FUND_EMBEDDED_WORKER=1 fund
# With FUND_DATABASE_URL on PostgreSQL the worker is a container of its own, with the command `fund worker`.
ARG PYTHON=3.13-slim-bookworm

# What the fund runs on, pinned by hash; this stage is made anew only when the pins change.
FROM python:${PYTHON} AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/fund
COPY requirements/base.txt /src/requirements/base.txt
RUN /opt/fund/bin/pip install --require-hashes -r /src/requirements/base.txt

# The fund itself.
FROM dependencies AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY requirements/base.in requirements/base.in
COPY schema schema
COPY workflows workflows
COPY notifications notifications
COPY fund fund
RUN /opt/fund/bin/pip install --no-deps --no-index --no-build-isolation . \
    && /opt/fund/bin/pip uninstall --yes setuptools pip

# What runs: no build tools, no root.
FROM python:${PYTHON} AS runtime
RUN groupadd --gid 10001 fund \
    && useradd --uid 10001 --gid fund --no-create-home --home-dir /var/lib/fund --shell /usr/sbin/nologin fund \
    && install --directory --owner=fund --group=fund --mode=0750 /var/lib/fund
COPY --from=build /opt/fund /opt/fund
ENV PATH=/opt/fund/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FUND_DATA_DIR=/var/lib/fund \
    FUND_HOST=0.0.0.0 \
    FUND_PORT=8000
WORKDIR /var/lib/fund
USER 10001:10001
VOLUME ["/var/lib/fund"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['FUND_PORT'] + '/healthz', timeout=4)"]
CMD ["fund", "serve"]
