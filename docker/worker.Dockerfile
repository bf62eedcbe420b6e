# A worker: claims runs and jobs and trains. TORCH names the build, for example one for CUDA with its index.
FROM python:3.11-slim
ARG TORCH="torch==2.13.0"
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 LODESTAR_HOME=/state
RUN useradd --system --uid 10001 --home-dir /app lodestar && mkdir /state && chown lodestar /state
WORKDIR /app
COPY constraints.txt ./
RUN pip install -c constraints.txt $TORCH
COPY pyproject.toml README.md LICENSE manage.py ./
COPY platform ./platform
COPY runs ./runs
COPY workers ./workers
RUN pip install -c constraints.txt -e '.[worker]'
ARG LODESTAR_COMMIT=""
ENV LODESTAR_COMMIT=$LODESTAR_COMMIT
USER lodestar
STOPSIGNAL SIGTERM
CMD ["lodestar", "worker"]
