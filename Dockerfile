# Two images: `service` (the server) and `consumer` (the example that takes its jobs).
#
#   docker build -t sluice .
#   docker build -t sluice-job-consumer --target consumer .

# 22, because an upload costs the least CPU time on it: 2.6 s per GiB, 2.8 on 20, 3.5 on 24. On 26 ssh2's native crypto does not load.
ARG NODE=node:22-bookworm-slim

# What compiles ssh2's native crypto. Node's headers are part of the image: nothing else is fetched for it.
FROM ${NODE} AS toolchain
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
ENV npm_config_nodedir=/usr/local npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
WORKDIR /app
COPY package.json package-lock.json ./
COPY examples/job-consumer/package.json examples/job-consumer/

FROM toolchain AS build
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What only a compiler or a debugger reads is more than half of the modules: Node takes no TypeScript from node_modules.
FROM toolchain AS service-modules
RUN npm ci --omit=dev --workspaces=false \
  && find node_modules -type f \( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' \) -delete

FROM toolchain AS consumer-modules
RUN npm ci --omit=dev --workspace sluice-job-consumer \
  && find node_modules -type f \( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' \) -delete

FROM ${NODE} AS runtime
ENV NODE_ENV=production
WORKDIR /app

FROM runtime AS consumer
COPY --from=consumer-modules /app/node_modules node_modules
COPY package.json ./
COPY --from=build /app/dist dist
COPY examples/job-consumer examples/job-consumer
WORKDIR /app/examples/job-consumer
USER node
# Node runs TypeScript as it is; that this is experimental in Node 22 is no news for the operator.
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "src/main.ts"]

# The last one, so that it is built where no target is named.
FROM runtime AS service
COPY --from=service-modules /app/node_modules node_modules
# Without its native crypto ssh2 works on, at two to four times the CPU time: a build that lost it must fail, not be slow.
RUN node -e "if (require('ssh2/lib/protocol/crypto.js').bindingAvailable !== true) throw new Error('ssh2: no native crypto')"
COPY package.json ./
COPY --from=build /app/dist dist
# The one folder that is written to: the root may be mounted read-only. A volume takes its owner from it; on Fargate only if
# VOLUME names it (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html).
RUN install -d -o node -g node /var/lib/sluice
USER node
VOLUME ["/var/lib/sluice"]
ENV SLUICE_SPOOL_DIR=/var/lib/sluice
EXPOSE 2222 8080
# Whether the process answers. Whether it takes uploads, which it does not while it starts and while it drains, is /readyz: no reason to
# restart it. Why it is not Node that asks: cdk/container-check.ts.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${SLUICE_HEALTH_PORT:-8080}; printf 'GET /livez HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [ \"$status\" = 200 ]"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/main.js"]
CMD ["serve"]
