# Cristae in a container. Build: docker build -t cristae .   Run: see compose.yaml.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    CRISTAE_DATA_DIR=/data

# libgomp1: OpenMP for torch and scikit-learn. procps is not needed: psutil looks at processes itself.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt

COPY app.py LICENSE README.md ./
COPY .streamlit .streamlit
COPY core core
COPY ui ui
COPY pages pages
COPY docs docs
COPY models models

RUN useradd --create-home --uid 1000 cristae && mkdir -p /data && chown -R cristae /data /app/models
USER cristae
VOLUME /data
EXPOSE 8501

# The server answers within seconds on a quiet machine; a cold disk or a busy one, and a migration, may take minutes.
HEALTHCHECK --interval=30s --timeout=10s --start-period=300s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=8)"]

# The demo project is made beside the server: that takes minutes at the first start, and may fail without harm.
# There is no sign-in of our own, so compose.yaml publishes the port on the host's loopback only; docs/deploy.md has more.
CMD ["sh", "-c", "(python -m core demo &); exec streamlit run app.py --server.address 0.0.0.0 --server.port 8501 --server.headless true"]
