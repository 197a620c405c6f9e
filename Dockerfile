# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
WORKDIR /src
# Whatever is not of the version and hash that config/image/lock wrote down ends the build.
COPY config/image/requirements.txt config/image/build.txt ./
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes --no-deps -r build.txt \
 && python -m venv /opt/relay && /opt/relay/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY relay relay
RUN /opt/build/bin/hatchling build --target wheel && /opt/relay/bin/pip install --no-cache-dir --no-deps dist/*.whl \
 && /opt/relay/bin/pip check

FROM python:3.13-slim
LABEL org.opencontainers.image.title="callback-relay" \
      org.opencontainers.image.description="A durable webhook receiver and callback relay" \
      org.opencontainers.image.licenses="MIT"

# Nothing but /data is written, so the root file system can be read-only.
RUN groupadd --gid 10001 relay \
 && useradd --uid 10001 --gid relay --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin relay \
 && install --directory --owner=relay --group=relay --mode=0700 /data
COPY --from=build /opt/relay /opt/relay
COPY config/relay.yaml /config/relay.yaml
COPY config/image/sbom.cdx.json /usr/share/sbom/callback-relay.cdx.json

ENV PATH=/opt/relay/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RELAY_CONFIG=/config/relay.yaml
# `sqlite:///data/relay.db` is relative to here: the volume.
WORKDIR /
USER 10001:10001
VOLUME /data
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
# Asks where the configuration in RELAY_CONFIG listens. Any failure is told as 1: Docker reserves 2.
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 CMD relay health || exit 1
ENTRYPOINT ["relay"]
CMD ["serve"]
