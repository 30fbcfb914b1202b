// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiproxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// view is how a resource is shown to watches.
type view struct {
	delay   time.Duration
	dropped bool
}

// Delay has every change of a resource, such as "endpointslices", reach watches
// that much later.
func (p *Proxy) Delay(resource string, by time.Duration) {
	p.setView(resource, view{delay: by})
}

// Drop hides changes of a resource from the watches that run, until Show.
func (p *Proxy) Drop(resource string) { p.setView(resource, view{dropped: true}) }

// Show shows changes of a resource as they come. A watch that has missed some
// is told that it is too old, as by an API server that has forgotten them.
func (p *Proxy) Show(resource string) { p.setView(resource, view{}) }

func (p *Proxy) setView(resource string, v view) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views[resource] = v
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) view(resource string) (view, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.views[resource], p.changed
}

// line is one event of a watch.
type line struct {
	content []byte
	arrived time.Time
}

// serveWatch passes on the events of a watch, one a line.
func (p *Proxy) serveWatch(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	response, err := p.send(req.WithContext(ctx))
	if err != nil {
		hangUp(w)
		return
	}
	defer response.Body.Close()
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	flush := http.NewResponseController(w).Flush
	if flush() != nil {
		return
	}
	s := &stream{
		proxy: p, resource: resourceOf(req.URL.Path), lines: make(chan line, 1000),
		// A list that is sent as a watch is complete at its last event only.
		listed: req.URL.Query().Get("sendInitialEvents") != "true",
	}
	go s.read(ctx, response)
	for {
		content := s.next(ctx)
		if content == nil {
			return
		}
		if _, err := w.Write(content); err != nil || flush() != nil {
			return
		}
	}
}

// stream is one watch that runs.
type stream struct {
	proxy    *Proxy
	resource string
	lines    chan line
	listed   bool
	torn     bool // it has missed a change
}

func (s *stream) read(ctx context.Context, response *http.Response) {
	defer close(s.lines)
	reader := bufio.NewReaderSize(response.Body, 64<<10)
	for {
		content, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		select {
		case s.lines <- line{content, time.Now()}:
		case <-ctx.Done():
			return
		}
	}
}

// next returns the next line to pass on, nil at the end.
func (s *stream) next(ctx context.Context) []byte {
	for {
		v, changed := s.proxy.view(s.resource)
		if s.torn && !v.dropped {
			s.torn, s.lines = false, closed()
			return tooOld()
		}
		select {
		case l, ok := <-s.lines:
			switch {
			case !ok:
				return nil
			case !s.listed:
				s.listed = bytes.Contains(l.content, []byte(metav1.InitialEventsAnnotationKey))
				return l.content
			case v.dropped:
				s.torn = true
			case s.wait(ctx, l):
				return l.content
			default:
				return nil
			}
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// wait waits until a line is due, and says false if the watch has ended.
func (s *stream) wait(ctx context.Context, l line) bool {
	for {
		v, changed := s.proxy.view(s.resource)
		left := time.Until(l.arrived.Add(v.delay))
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

func closed() chan line {
	lines := make(chan line)
	close(lines)
	return lines
}

// tooOld is the event that ends the watch of a client that has missed changes.
func tooOld() []byte {
	event := struct {
		Type   watch.EventType `json:"type"`
		Object runtime.Object  `json:"object"`
	}{watch.Error, &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: http.StatusGone, Reason: metav1.StatusReasonExpired,
		Message: "too old resource version, for a test",
	}}
	// A Status has nothing that cannot be encoded.
	content, _ := json.Marshal(event)
	return append(content, '\n')
}
