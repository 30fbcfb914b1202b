# Build the operator for the platform that is asked for, on the platform that builds.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /src

# The modules change less often than the source, so they get a layer of their own.
COPY go.mod go.sum ./
RUN go mod download

COPY api/ api/
COPY cmd/ cmd/
COPY internal/ internal/
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /manager ./cmd/manager

# Nothing but the binary and the certificate authorities that HTTPS probes need.
# It writes no files, so it runs with a read-only root file system.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /manager /manager
# The user is a number, so that Kubernetes can check runAsNonRoot. 65532 is the customary "nonroot".
USER 65532:65532
ENTRYPOINT ["/manager"]
