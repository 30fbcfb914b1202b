// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// serving is the status SERVING of grpc.health.v1.HealthCheckResponse.
const serving = 1

// checkHealth makes one call of grpc.health.v1.Health/Check on an open connection. The transport is net/http's,
// held to this one connection: a gRPC client would resolve, dial, retry and use proxies on its own, past what
// bounds and guards every probe.
func (a *attempt) checkHealth(ctx context.Context, conn net.Conn, started time.Time) (answer Answer, complete bool, err error) {
	if a.target.Scheme == "https" {
		secure := tls.Client(conn, a.tlsConfig("h2"))
		if err := secure.HandshakeContext(ctx); err != nil {
			return Answer{}, false, handshakeError{err}
		}
		if secure.ConnectionState().NegotiatedProtocol != "h2" {
			return Answer{}, false, malformedError("the server does not speak HTTP/2")
		}
		conn = secure
	}
	dial := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{
		DialContext: dial, DialTLSContext: dial, DisableCompression: true,
		MaxResponseHeaderBytes: maxHead, Protocols: new(http.Protocols),
	}
	transport.Protocols.SetHTTP2(true)
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()

	response, err := transport.RoundTrip(a.healthRequest(ctx))
	if err != nil {
		return Answer{}, false, err
	}
	answer = reading{target: &a.target, started: started}.head(response)
	message, err := io.ReadAll(io.LimitReader(response.Body, maxError))
	if err != nil {
		return answer, false, err
	}
	if response.StatusCode != http.StatusOK {
		return answer, false, nil
	}
	return answer, false, readHealth(&answer, response, message)
}

func (a *attempt) healthRequest(ctx context.Context) *http.Request {
	var message []byte
	if a.target.Service != "" {
		message = protowire.AppendTag(message, 1, protowire.BytesType)
		message = protowire.AppendString(message, a.target.Service)
	}
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) // not compressed
	request := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: a.target.Scheme, Host: a.target.hostHeader(), Path: "/grpc.health.v1.Health/Check"},
		Header: http.Header{
			"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {"breakwater"},
			"Grpc-Timeout": {strconv.FormatInt(max(time.Until(a.deadline).Milliseconds(), 1), 10) + "m"},
		},
		Body: io.NopCloser(bytes.NewReader(append(frame, message...))),
	}
	if a.credentials.Header != "" {
		request.Header.Set(a.credentials.Header, string(a.credentials.Value))
	}
	return request.WithContext(ctx)
}

// readHealth reads what the health service said: the status of the call, which may come instead of a message,
// and the message.
func readHealth(answer *Answer, response *http.Response, message []byte) error {
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		return malformedError("the answer is not gRPC: it has no grpc-status")
	}
	answer.Status = httpStatus(code)
	if code != 0 {
		return nil
	}
	health, err := servingStatus(message)
	if err == nil && health != serving {
		answer.Err, answer.Detail = NotServing, "the health service does not say SERVING"
	}
	return err
}

// servingStatus reads the one field of a HealthCheckResponse in its frame.
func servingStatus(frame []byte) (uint64, error) {
	errMalformed := malformedError("the answer is no HealthCheckResponse")
	if len(frame) < 5 || frame[0] != 0 || uint64(binary.BigEndian.Uint32(frame[1:])) != uint64(len(frame)-5) {
		return 0, errMalformed
	}
	var status uint64
	for rest := frame[5:]; len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return 0, errMalformed
		}
		rest = rest[n:]
		if field == 1 && kind == protowire.VarintType {
			status, n = protowire.ConsumeVarint(rest)
		} else {
			n = protowire.ConsumeFieldValue(field, kind, rest)
		}
		if n < 0 {
			return 0, errMalformed
		}
		rest = rest[n:]
	}
	return status, nil
}

// httpStatus returns the HTTP status code that stands for a status code of gRPC, as google/rpc/code.proto pairs
// them.
func httpStatus(code int) int {
	codes := [...]int{200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401}
	if code < 0 || code >= len(codes) {
		return http.StatusInternalServerError
	}
	return codes[code]
}
