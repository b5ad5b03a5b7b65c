# Longwave on Debian slim, as a user of its own. How to run it: docs/install.md.
FROM debian:trixie-slim AS build
COPY . /source
RUN /source/packaging/image.sh build /source

FROM debian:trixie-slim
COPY packaging/image.sh /tmp/image.sh
RUN /tmp/image.sh run-packages && /tmp/image.sh user && rm /tmp/image.sh
COPY --from=build /opt/longwave /opt/longwave
USER longwave
ENV HOST=0.0.0.0 LONGWAVE_DATA_DIR=/var/lib/longwave-data
VOLUME /var/lib/longwave-data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["longwave", "health"]
STOPSIGNAL SIGTERM
CMD ["longwave", "serve"]
