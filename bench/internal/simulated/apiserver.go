// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulated serves the API server in memory of test/schedules over HTTP, to operators that run as processes of
// their own. It makes as many writes a second as it is told, and costs little beside them, so that a measurement of many
// LLMBackends takes a minute or two.
//
// It knows no users and no rights, and applies no defaults to LLMBackends: who creates them writes them whole.
package simulated

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// writeTakes is how long a write takes at least: about what it does on a real API server with nothing else to do.
const writeTakes = 3 * time.Millisecond

// watchTime is how long a watch lasts: as long as on a real API server at least.
const watchTime = 30 * time.Minute

// APIServer serves until it is closed. Its methods may be called concurrently.
type APIServer struct {
	connection apiserver.Connection
	listener   net.Listener
	server     *http.Server
	serving    sync.WaitGroup
	writes     atomic.Int64
}

// Listen serves on a port of the loopback address, with at most as many writes a second. The caller closes the server.
func Listen(writesPerSecond float64) (*APIServer, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve a simulated API server: %w", err)
	}
	s := &APIServer{listener: listener}
	pace := rate.NewLimiter(rate.Limit(writesPerSecond), 1)
	s.connection = apiserver.Connection{Server: apiserver.New(), WatchTime: watchTime, Fate: func(r apiserver.Request) apiserver.Fate {
		if !r.Writes() {
			return apiserver.Fate{}
		}
		s.writes.Add(1)
		return apiserver.Fate{There: pace.Reserve().Delay(), Back: writeTakes}
	}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.serving.Go(func() { _ = s.server.Serve(listener) })
	return s, nil
}

// URL is where it serves.
func (s *APIServer) URL() string { return "http://" + s.listener.Addr().String() }

// Writes returns how many writes it was asked for.
func (s *APIServer) Writes() int { return int(s.writes.Load()) }

// Close ends all requests, watches included.
func (s *APIServer) Close() error {
	err := s.server.Close()
	s.serving.Wait()
	return err
}

// ServeHTTP answers one request.
func (s *APIServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if doc, ok := discovery[strings.TrimSuffix(r.URL.Path, "/")]; ok {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, doc)
		return
	}
	if err := s.serve(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
	}
}

// serve has the server in memory answer, and passes the answer on as it comes.
func (s *APIServer) serve(w http.ResponseWriter, r *http.Request) error {
	if err := transcode(r); err != nil {
		return err
	}
	response, err := s.connection.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	w.WriteHeader(response.StatusCode)
	controller := http.NewResponseController(w)
	if err := controller.Flush(); err != nil { // a watch begins before its first event
		return err
	}
	_, _ = io.Copy(flushing{w, controller}, response.Body)
	return nil
}

// flushing sends each event of a watch at once.
type flushing struct {
	io.Writer
	controller *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	return n, errors.Join(err, f.controller.Flush())
}

// transcode turns a body of protobuf, as clients send for built-in kinds, into JSON.
func transcode(r *http.Request) error {
	if !strings.Contains(r.Header.Get("Content-Type"), runtime.ContentTypeProtobuf) {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if len(body) == 0 {
		return nil
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return fmt.Errorf("decode request: %w", err)
	}
	json, err := runtime.Encode(scheme.Codecs.LegacyCodec(object.GetObjectKind().GroupVersionKind().GroupVersion()), object)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(json))
	return nil
}
