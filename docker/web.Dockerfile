# The web server: no torch inside. Build from the repository's root:
# docker build -f docker/web.Dockerfile --build-arg LODESTAR_COMMIT="$(git rev-parse HEAD)" .
FROM node:24-slim AS frontend
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 LODESTAR_HOME=/state LODESTAR_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /app lodestar && mkdir /state && chown lodestar /state
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE manage.py ./
COPY platform ./platform
COPY runs ./runs
COPY workers ./workers
RUN pip install -c constraints.txt -e .
COPY --from=frontend /build/dist ./frontend/dist
RUN python -m whitenoise.compress --quiet frontend/dist
ARG LODESTAR_COMMIT=""
ENV LODESTAR_COMMIT=$LODESTAR_COMMIT
USER lodestar
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000), 5)"]
CMD ["lodestar", "web"]
