# Broker, operator and command line in one image. Nothing in it needs a shell, a writable root or root's rights:
#   broker    node /app/broker/main.js
#   operator  node /app/operator/main.js
#   docker build --build-arg BASE_IMAGE=… .     any base with glibc and libstdc++
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /source
COPY . .
RUN npm ci --no-audit --no-fund \
 && npm run build \
 && mkdir /image \
 && node packaging/image/main.ts --root /image

FROM ${BASE_IMAGE}
COPY --from=build /image/ /
ENV NODE_ENV=production
USER 65532:65532
WORKDIR /app
ENTRYPOINT ["/usr/local/bin/node"]
CMD ["/app/broker/main.js"]
