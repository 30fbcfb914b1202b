// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// serve counts a request and answers it as the region behaves at that moment.
func (r *Region) serve(w http.ResponseWriter, req *http.Request, stopping <-chan struct{}) {
	behaviour, hook, ended := r.arrived(req.URL.Path)
	defer r.update(func() { r.open--; ended(time.Now()) })

	// Only once the body has been read does the server notice a client that
	// hangs up, and so end the request's context.
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequestBytes))
	if err != nil {
		return
	}
	if hook != nil {
		hook(req)
	}
	switch behaviour.Mode {
	case ModeStatus:
		for name, value := range behaviour.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(behaviour.Status)
	case ModeRedirect:
		http.Redirect(w, req, behaviour.Location, http.StatusTemporaryRedirect)
	case ModeHang:
		<-req.Context().Done()
	case ModeEndlessBody:
		sendForever(w)
	case ModeDrip:
		drip(w, behaviour.Delay.Duration, stopping)
	case ModeNonsense:
		takeOver(w, func(conn net.Conn) { _, _ = io.WriteString(conn, "\x16\x03 not HTTP\n") })
	case ModeReset:
		takeOver(w, resetOnClose)
	case ModeSlow:
		if pause(behaviour.Delay.Duration, req.Context().Done()) {
			r.answer(w, req, body)
		}
	default:
		r.answer(w, req, body)
	}
}

// sendForever writes until the client has gone or the region stops.
func sendForever(w http.ResponseWriter) {
	chunk := make([]byte, 16<<10)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// drip sends an answer byte by byte until the client has gone or the region stops.
func drip(w http.ResponseWriter, interval time.Duration, stopping <-chan struct{}) {
	const body = "slowly\n"
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	takeOver(w, func(conn net.Conn) {
		for i := range len(answer) {
			if _, err := io.WriteString(conn, answer[i:i+1]); err != nil || !pause(interval, stopping) {
				return
			}
		}
	})
}

// takeOver hands the bare connection to f and closes it after that.
func takeOver(w http.ResponseWriter, f func(net.Conn)) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	f(conn)
	_ = conn.Close()
}

// resetOnClose has Close send a reset instead of an orderly end.
func resetOnClose(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// pause waits for d, and says false if it had to end earlier.
func pause(d time.Duration, end <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-end:
		return false
	}
}

// arrived counts a request as open and returns how to treat it, and what to
// call, within update, when it has ended.
func (r *Region) arrived(path string) (b Behaviour, hook func(*http.Request), ended func(time.Time)) {
	ended = func(time.Time) {}
	r.update(func() {
		r.open++
		r.requests[path]++
		b, hook = r.behaviour, r.onRequest
		if r.logged {
			i := len(r.log)
			r.log = append(r.log, Request{Path: path, Arrived: time.Now(), Behaviour: b})
			ended = func(at time.Time) { r.log[i].Ended = at }
		}
	})
	return b, hook, ended
}

// countConnection follows a connection until its goroutine ends or a handler
// takes it over, which counts for itself.
func (r *Region) countConnection(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		r.update(func() { r.connections++; r.open++ })
	case http.StateClosed, http.StateHijacked:
		r.update(func() { r.open-- })
	}
}

// update changes what mu guards and wakes whoever waits for a change.
func (r *Region) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	close(r.changed)
	r.changed = make(chan struct{})
}

// wait waits until reached, called under the lock, says true; its text says
// how far it is.
func (r *Region) wait(ctx context.Context, reached func() (bool, string)) error {
	for {
		r.mu.Lock()
		ok, progress := reached()
		changed := r.changed
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("region %s: %s: %w", r.name, progress, ctx.Err())
		}
	}
}

// waitClosed waits until no connection and no handler is left.
func (r *Region) waitClosed() {
	for {
		r.mu.Lock()
		open, changed := r.open, r.changed
		r.mu.Unlock()
		if open == 0 {
			return
		}
		<-changed
	}
}
