# archscan as a small image without root. BASE needs Python 3.11 or newer with venv, nothing else:
#   docker build --tag archscan .
#   docker build --tag archscan --build-arg BASE=registry.example/python:3.11 .
# Without a way to an index, put wheels into ./wheels and add: --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=wheels
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY . .
# pip stays in a room of its own: what runs later has no installer in it; the schema is asked for
# because, unlike --help, it imports what scans
RUN python3 -m venv /build \
 && python3 -m venv --without-pip /opt/archscan \
 && /build/bin/pip --python /opt/archscan/bin/python install --quiet --constraint requirements.lock ".[cluster,postgresql]" \
 && /opt/archscan/bin/archscan config schema >/dev/null

FROM ${BASE}
COPY --from=build /opt/archscan /opt/archscan
# a number, so that Kubernetes can see that it is not root; the folder is where the store goes
RUN mkdir -p /etc/archscan /var/lib/archscan && chown 65532:65532 /var/lib/archscan
ENV PATH=/opt/archscan/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 ARCHSCAN_WEB__LISTEN=0.0.0.0:9719
USER 65532:65532
WORKDIR /var/lib/archscan
VOLUME /var/lib/archscan
EXPOSE 9719
STOPSIGNAL SIGTERM
ENTRYPOINT ["archscan"]
CMD ["serve", "--config", "/etc/archscan/archscan.yml"]
