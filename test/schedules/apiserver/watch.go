// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// watcher is one watch of one resource, in one namespace or in all. What happens reaches its reader later, in order.
type watcher struct {
	resource  string
	namespace string // empty for all
	lag       func(resource string) time.Duration

	mu      sync.Mutex
	frames  []delayed
	ended   time.Time // when the reader is to notice that the watch was cut; zero if it was not
	newest  time.Time // when the newest frame is due
	changed chan struct{}
}

type delayed struct {
	due  time.Time
	data []byte
}

func newWatcher(of key, lag func(string) time.Duration) *watcher {
	return &watcher{resource: of.resource, namespace: of.namespace, lag: lag, changed: make(chan struct{}, 1)}
}

// watches says whether the watcher is told of an object.
func (w *watcher) watches(resource, namespace string) bool {
	return w.resource == resource && (w.namespace == "" || w.namespace == namespace)
}

func (w *watcher) tell(data []byte) {
	due := time.Now().Add(w.lag(w.resource))
	w.mu.Lock()
	if due.Before(w.newest) {
		due = w.newest
	}
	w.newest = due
	if !w.ended.IsZero() {
		w.mu.Unlock()
		return
	}
	w.frames = append(w.frames, delayed{due, data})
	w.mu.Unlock()
	w.wake()
}

// end cuts the watch: what has not reached the reader yet never does. It takes as long as an event, so that not all
// readers notice at the same instant.
func (w *watcher) end() {
	ended := time.Now().Add(w.lag(w.resource))
	w.mu.Lock()
	if w.ended.IsZero() {
		w.ended = ended
	}
	w.frames = nil
	w.mu.Unlock()
	w.wake()
}

func (w *watcher) wake() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// next returns the frames that are due, or when the next one or the end is; a zero time if none is under way.
func (w *watcher) next() (data []byte, at time.Time, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	var ready [][]byte
	for len(w.frames) > 0 && !w.frames[0].due.After(now) {
		ready = append(ready, w.frames[0].data)
		w.frames = w.frames[1:]
	}
	switch {
	case !w.ended.IsZero():
		at = w.ended
	case len(w.frames) > 0:
		at = w.frames[0].due
	}
	return bytes.Join(ready, nil), at, !w.ended.IsZero() && !now.Before(w.ended)
}

// leastWatchTime is how long a watch lasts unless the connection says so: what clients ask for is random, and no less.
const leastWatchTime = 5 * time.Minute

// stream is the body of a watch's response.
type stream struct {
	server  *Server
	watcher *watcher
	ctx     context.Context // ends with the request
	cancel  context.CancelFunc
	timeout time.Time // when the server ends the watch
	rest    []byte
}

// Read waits for the next event.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		data, at, ended := s.watcher.next()
		switch {
		case len(data) > 0:
			s.rest = data
			continue
		case ended:
			return 0, io.ErrUnexpectedEOF
		case !time.Now().Before(s.timeout):
			return 0, io.EOF
		}
		if at.IsZero() || at.After(s.timeout) {
			at = s.timeout
		}
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
		case <-s.watcher.changed:
		case <-s.ctx.Done():
		}
		timer.Stop()
		if s.ctx.Err() != nil {
			return 0, errors.New("the watch was closed")
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close ends the watch.
func (s *stream) Close() error {
	s.cancel()
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	delete(s.server.watchers, s.watcher)
	return nil
}

// frame is an event as it is sent.
func frame(kind string, o []byte) []byte {
	return bytes.Join([][]byte{[]byte(`{"type":"` + kind + `","object":`), o, []byte("}\n")}, nil)
}

// bookmark ends the initial events of a watch.
func (s *Server) bookmark(k *kind) []byte {
	return frame("BOOKMARK", encode(object{"apiVersion": k.apiVersion, "kind": k.name, "metadata": object{
		"resourceVersion": strconv.FormatInt(s.revision, 10),
		"annotations":     object{"k8s.io/initial-events-end": "true"},
	}}))
}

// Watched says whether somebody watches the resource and has heard of all that has happened.
func (s *Server) Watched(resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		if w.resource == resource && w.idle() {
			return true
		}
	}
	return false
}

func (w *watcher) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended.IsZero() && len(w.frames) == 0
}

// watch opens a watch from the revision that the request names, or with what there is as initial events.
func (c *Connection) watch(req *http.Request, k key) (*http.Response, error) {
	s := c.Server
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := s.kinds[k.resource]
	query := req.URL.Query()
	from, _ := strconv.ParseInt(query.Get("resourceVersion"), 10, 64)
	initial := query.Get("sendInitialEvents") == "true"
	if !initial && (from < s.compacted || from > s.revision) {
		return response(req, failure(http.StatusGone, metav1.StatusReasonExpired,
			"too old resource version: %d (%d)", from, s.compacted), 0), nil
	}
	lag := c.Lag
	if lag == nil {
		lag = func(string) time.Duration { return 0 }
	}
	w := newWatcher(k, lag)
	if initial {
		for _, each := range s.keys(k.resource) {
			if w.watches(each.resource, each.namespace) {
				w.tell(frame("ADDED", s.encoded[each]))
			}
		}
		w.tell(s.bookmark(kind))
	} else {
		s.replay(w, from)
	}
	s.watchers[w] = struct{}{}
	ctx, cancel := context.WithCancel(req.Context())
	body := &stream{
		server: s, watcher: w, ctx: ctx, cancel: cancel, timeout: time.Now().Add(cmp.Or(c.WatchTime, leastWatchTime) + lag(k.resource)),
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: jsonHeader(), Body: body, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// replay tells a watcher what has happened since a revision.
func (s *Server) replay(w *watcher, from int64) {
	for _, c := range s.changes[s.restored:] {
		if !w.watches(c.Resource, c.Namespace) || c.Revision <= from {
			continue
		}
		switch {
		case c.After == nil:
			gone := with(c.Before, strconv.FormatInt(c.Revision, 10), "metadata", "resourceVersion")
			w.tell(frame("DELETED", encode(gone)))
		case c.Before == nil:
			w.tell(frame("ADDED", encode(c.After)))
		default:
			w.tell(frame("MODIFIED", encode(c.After)))
		}
	}
}

// Cut ends all watches of a resource, of every resource if it is "".
func (s *Server) Cut(resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		if resource == "" || w.resource == resource {
			w.end()
		}
	}
}
