# Cristae in a container. Build: docker build -t cristae .   Run: see compose.yaml.
# A tag can come to mean another image; whoever needs the very same one pins it when building:
#   docker build --build-arg BASE=python:3.11-slim-bookworm@sha256:… .      (docker buildx imagetools inspect shows the digest)
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

# Writable are /data, /app/models, /tmp and the home folder: compose.yaml makes everything else read-only.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    CRISTAE_DATA_DIR=/data

# libgomp1: OpenMP for torch and scikit-learn. procps is not needed: psutil looks at processes itself.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt constraints.txt requirements.hashes.txt ./
# Every file but those of torch is checked against its SHA-256 (requirements.hashes.txt says why). An index that serves
# other builds of the same versions needs HASHED=0.
ARG HASHED=1
RUN if [ "$HASHED" = 1 ]; then pip install --no-cache-dir --require-hashes --no-deps -r requirements.hashes.txt; fi \
    && pip install --no-cache-dir -r requirements.txt

COPY app.py pyproject.toml LICENSE README.md ./
COPY .streamlit .streamlit
COPY core core
COPY cristae cristae
COPY ui ui
COPY pages pages
COPY models models
COPY docs docs

RUN useradd --create-home --uid 1000 cristae && mkdir -p /data && chown -R cristae /data /app/models && chmod 700 /data
USER cristae
VOLUME /data
EXPOSE 8501

# The server answers within seconds on a quiet machine; a cold disk or a busy one, and a migration, may take minutes.
HEALTHCHECK --interval=30s --timeout=10s --start-period=300s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/healthz', timeout=8)"]

# The demo project is made beside the server: that takes minutes at the first start, and may fail without harm.
# There is no sign-in of our own, so compose.yaml publishes the port on the host's loopback only; docs/deploy.md has more.
CMD ["sh", "-c", "umask 0077; (python -m core demo &); exec streamlit run app.py --server.address 0.0.0.0 --server.port 8501 --server.headless true"]
