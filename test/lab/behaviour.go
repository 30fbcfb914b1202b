// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mode names a way to answer requests, or not to.
type Mode string

const (
	// ModeHealthy answers as an OpenAI-compatible server does.
	ModeHealthy Mode = "healthy"
	// ModeStatus answers with a status code and nothing else.
	ModeStatus Mode = "status"
	// ModeHang reads the request and never answers.
	ModeHang Mode = "hang"
	// ModeDrip sends a correct answer, one byte each Delay.
	ModeDrip Mode = "drip"
	// ModeEndlessBody answers 200 with a body that never ends.
	ModeEndlessBody Mode = "endless-body"
	// ModeRedirect answers 307 to the URL in Location.
	ModeRedirect Mode = "redirect"
	// ModeNonsense answers with bytes that are not HTTP.
	ModeNonsense Mode = "nonsense"
	// ModeReset resets the connection once the request has been read.
	ModeReset Mode = "reset"
	// ModeRefuse closes the listener: connections are refused.
	ModeRefuse Mode = "refuse"
	// ModeSilent drops every packet from and to the listener's address and
	// port, with nft: as seen by clients, the region is cut off.
	ModeSilent Mode = "silent"
	// ModeSlow answers as a healthy server does, Delay later.
	ModeSlow Mode = "slow"
)

// Modes returns all modes, in the order in which help shows them.
func Modes() []Mode {
	return []Mode{
		ModeHealthy, ModeStatus, ModeHang, ModeDrip, ModeEndlessBody,
		ModeRedirect, ModeNonsense, ModeReset, ModeRefuse, ModeSilent, ModeSlow,
	}
}

// Behaviour is what a Region does with every request, whatever its path. The
// zero value is healthy.
type Behaviour struct {
	Mode Mode `json:"mode"`
	// Status is the code of ModeStatus, 200 to 599.
	Status int `json:"status,omitempty"`
	// Header holds headers of ModeStatus, such as Retry-After.
	Header map[string]string `json:"header,omitempty"`
	// Location is the URL of ModeRedirect.
	Location string `json:"location,omitempty"`
	// Delay is that of ModeDrip and ModeSlow.
	Delay metav1.Duration `json:"delay,omitzero"`
}

// Healthy answers requests.
func Healthy() Behaviour { return Behaviour{Mode: ModeHealthy} }

// Status answers with a status code and with headers, given as names and values.
func Status(code int, headers ...string) Behaviour {
	b := Behaviour{Mode: ModeStatus, Status: code, Header: map[string]string{}}
	for pair := range slices.Chunk(headers, 2) {
		b.Header[pair[0]] = pair[len(pair)-1]
	}
	return b
}

// Hang never answers.
func Hang() Behaviour { return Behaviour{Mode: ModeHang} }

// Drip sends its answer one byte per interval.
func Drip(interval time.Duration) Behaviour { return delayed(ModeDrip, interval) }

// EndlessBody answers with a body that never ends.
func EndlessBody() Behaviour { return Behaviour{Mode: ModeEndlessBody} }

// Redirect sends clients to another URL.
func Redirect(location string) Behaviour { return Behaviour{Mode: ModeRedirect, Location: location} }

// Nonsense answers with something that is not HTTP.
func Nonsense() Behaviour { return Behaviour{Mode: ModeNonsense} }

// Reset resets connections.
func Reset() Behaviour { return Behaviour{Mode: ModeReset} }

// Refuse refuses connections.
func Refuse() Behaviour { return Behaviour{Mode: ModeRefuse} }

// Silent drops packets.
func Silent() Behaviour { return Behaviour{Mode: ModeSilent} }

// Slow is healthy, but answers later.
func Slow(latency time.Duration) Behaviour { return delayed(ModeSlow, latency) }

func delayed(mode Mode, d time.Duration) Behaviour {
	return Behaviour{Mode: mode, Delay: metav1.Duration{Duration: d}}
}

// Validate says what is wrong with a behaviour, for those that a person typed.
func (b Behaviour) Validate() error {
	switch {
	case b.Mode != "" && !slices.Contains(Modes(), b.Mode):
		return fmt.Errorf("unknown mode %q: use one of %q", b.Mode, Modes())
	case b.Mode == ModeStatus && (b.Status < http.StatusOK || b.Status > 599):
		return fmt.Errorf("status %d: use 200 to 599", b.Status)
	case b.Mode == ModeRedirect && b.Location == "":
		return errors.New("redirect without location: give the URL to redirect to")
	case b.Delay.Duration < 0:
		return fmt.Errorf("delay %s is negative: use 0s or more", b.Delay.Duration)
	}
	return nil
}

// String is the behaviour as a person would type it.
func (b Behaviour) String() string {
	words := []string{string(b.Mode)}
	switch b.Mode {
	case ModeStatus:
		words = append(words, strconv.Itoa(b.Status))
		for _, name := range slices.Sorted(maps.Keys(b.Header)) {
			words = append(words, name+"="+b.Header[name])
		}
	case ModeRedirect:
		words = append(words, b.Location)
	case ModeSlow, ModeDrip:
		words = append(words, b.Delay.Duration.String())
	}
	return strings.Join(words, " ")
}
