// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-dev/breakwater/internal/failover"
)

// Bounds on one batch.
const (
	// MaxBody is the size of a batch in bytes.
	MaxBody = 64 << 10
	// MaxEntries is how many outcomes a batch may list, and MaxCalls how many calls these may stand for in all.
	MaxEntries = 256
	MaxCalls   = 1000
	// MaxLatency is the longest that a call may have taken.
	MaxLatency = time.Hour
)

// Outcome is what real traffic has seen in one region.
type Outcome struct {
	Region   string
	Response failover.Response
	// Times is how many calls have seen it, at least 1.
	Times int
}

// entry is an outcome as it is written.
type entry struct {
	Region     string  `json:"region"`
	Status     *int    `json:"status"`
	Error      *string `json:"error"`
	ErrorCode  string  `json:"errorCode"`
	RetryAfter *string `json:"retryAfter"`
	Latency    *string `json:"latency"`
	Times      *int    `json:"times"`
}

var (
	regionName = regexp.MustCompile("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
	errorCode  = regexp.MustCompile("^[-._a-zA-Z0-9]{1,64}$")
)

// Parse reads a batch. An error says what to write instead. Retry-After is reckoned from now.
func Parse(now time.Time, body []byte) ([]Outcome, error) {
	var batch struct {
		Outcomes []entry `json:"outcomes"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&batch); err != nil {
		return nil, fmt.Errorf("the body is not a batch (%w): write {\"outcomes\": [{\"region\": \"us-east\", \"status\": 503}]}", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the batch: send one JSON object in a request")
	}
	if n := len(batch.Outcomes); n == 0 || n > MaxEntries {
		return nil, fmt.Errorf("outcomes has %d entries: write 1 to %d, and count equal calls by times", n, MaxEntries)
	}
	outcomes, calls := make([]Outcome, len(batch.Outcomes)), 0
	for i, e := range batch.Outcomes {
		o, err := e.outcome(now)
		if err != nil {
			return nil, fmt.Errorf("outcomes[%d]: %w", i, err)
		}
		if calls += o.Times; calls > MaxCalls {
			return nil, fmt.Errorf("outcomes stand for more than %d calls: send fewer at a time", MaxCalls)
		}
		outcomes[i] = o
	}
	return outcomes, nil
}

func (e entry) outcome(now time.Time) (Outcome, error) {
	o := Outcome{Region: e.Region, Times: 1}
	if !regionName.MatchString(e.Region) {
		return o, errors.New("region must be the name of a region in the spec, such as us-east")
	}
	if e.Times != nil {
		if o.Times = *e.Times; o.Times < 1 || o.Times > MaxCalls {
			return o, fmt.Errorf("times must be a whole number from 1 to %d", MaxCalls)
		}
	}
	if err := e.answer(&o.Response); err != nil {
		return o, err
	}
	if e.ErrorCode != "" && !errorCode.MatchString(e.ErrorCode) {
		return o, errors.New("errorCode must be at most 64 letters, digits, -, _ and ., such as insufficient_quota")
	}
	o.Response.ErrorCode = e.ErrorCode
	if e.Latency != nil {
		latency, err := time.ParseDuration(*e.Latency)
		if err != nil || latency < 0 || latency > MaxLatency {
			return o, fmt.Errorf("latency must be a duration of at most %s, such as 850ms or 12s", MaxLatency)
		}
		o.Response.Latency = latency
	}
	if e.RetryAfter != nil {
		var err error
		o.Response.RetryAfter, err = retryAfter(now, *e.RetryAfter)
		return o, err
	}
	return o, nil
}

// answer reads how the call ended: with a status or with an error, or as a stream that began well and broke off.
func (e entry) answer(r *failover.Response) error {
	if e.Error != nil {
		faults := failover.CallFaults()
		i := slices.IndexFunc(faults, func(f failover.Fault) bool { return f.String() == *e.Error })
		if i < 0 {
			return fmt.Errorf("error must be one of %s", names(faults))
		}
		r.Fault = faults[i]
	}
	switch {
	case e.Status == nil && e.Error == nil:
		return errors.New("status or error is needed: write the HTTP status code, or an error such as Timeout if there was no answer")
	case e.Status == nil:
		return nil
	case *e.Status < 100 || *e.Status > 599:
		return errors.New("status must be an HTTP status code from 100 to 599")
	case e.Error != nil && r.Fault != failover.StreamError:
		return fmt.Errorf("status does not go with error %s, which means that there was no answer: remove one of the two", r.Fault)
	}
	r.Status = *e.Status
	return nil
}

func names(faults []failover.Fault) string {
	all := make([]string, len(faults))
	for i, f := range faults {
		all[i] = f.String()
	}
	return strings.Join(all, ", ")
}

// retryAfter reads the value of the header as the region sent it, or a duration.
func retryAfter(now time.Time, text string) (failover.RetryAfter, error) {
	const maxText = 64
	if len(text) <= maxText {
		if r := failover.ParseRetryAfter(now, text, ""); r.Given {
			return r, nil
		}
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			return failover.RetryAfter{Given: true, Delay: min(d, failover.MaxRetryAfter)}, nil
		}
	}
	return failover.RetryAfter{}, errors.New("retryAfter must be what the header Retry-After said, seconds or a date, or a duration such as 2m30s")
}
