// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/manifest"
)

// maxTimes bounds how often one entry may happen.
const maxTimes = 1_000_000

func (r *reading) readTimeline(n *yaml.Node) error {
	entries, err := r.list(n, "timeline")
	if err != nil {
		return err
	}
	var before time.Duration
	for _, n := range entries {
		f, err := r.mapping(n, "an entry of timeline",
			"at", "region", "responds", "outcome", "times", "every", "annotate", "patch", "restart")
		if err != nil {
			return err
		}
		at, err := r.at(n, f, "an entry of timeline")
		if err != nil {
			return err
		}
		if at < before {
			return r.errorf(n, "timeline must be in order of time: %s comes after %s", at, before)
		}
		before = at
		action, err := r.action(n, f)
		if err != nil {
			return err
		}
		r.scenario.Timeline = append(r.scenario.Timeline, Entry{at, action})
	}
	return nil
}

func (r *reading) action(n *yaml.Node, f fields) (Action, error) {
	kind, err := r.one(n, f, "an entry of timeline", "responds", "outcome", "annotate", "patch", "restart")
	if err != nil {
		return nil, err
	}
	var wrong []string
	if kind != "outcome" {
		wrong = append(wrong, "times", "every")
	}
	if kind != "outcome" && kind != "responds" {
		wrong = append(wrong, "region")
	} else if f["region"] == nil {
		return nil, r.errorf(n, "an entry with %s needs region", kind)
	}
	if err := r.refuse(f, kind, wrong...); err != nil {
		return nil, err
	}
	switch kind {
	case "responds":
		return r.responds(f)
	case "outcome":
		return r.calls(f)
	case "annotate":
		return r.annotate(f["annotate"])
	case "patch":
		patch, err := r.object(f["patch"], "patch")
		if err != nil {
			return nil, err
		}
		return r.update(f["patch"], patch)
	default:
		return Restart{}, r.yes(f["restart"], "restart")
	}
}

func (r *reading) responds(f fields) (Action, error) {
	n := f["responds"]
	a := Responds{}
	var err error
	if a.Region, err = r.region(f["region"], "region"); err != nil {
		return nil, err
	}
	f, err = r.mapping(n, "responds", "status", "latency", "timeout", "refused", "retryAfter", "errorCode", "climbed")
	if err != nil {
		return nil, err
	}
	kind, err := r.one(n, f, "responds", "status", "timeout", "refused")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "status":
		a.Response.Response, err = r.answer(f)
		if err == nil && f["climbed"] != nil {
			a.Response.Climbed, err = r.integer(f["climbed"], "climbed", 100, 599)
		}
	case "timeout":
		a.Response.Hangs = true
		err = r.yes(f["timeout"], "timeout")
		if err == nil {
			err = r.refuse(f, "timeout", "latency", "retryAfter", "errorCode", "climbed")
		}
	default:
		a.Response.Fault = failover.ConnectionRefused
		err = r.yes(f["refused"], "refused")
		if err == nil {
			err = r.refuse(f, "refused", "retryAfter", "errorCode", "climbed")
		}
	}
	if err == nil && f["latency"] != nil {
		a.Response.Latency, err = r.duration(f["latency"], "latency")
	}
	return a, err
}

// calls reads what real traffic saw.
func (r *reading) calls(f fields) (Action, error) {
	a := Calls{Times: 1}
	var err error
	if a.Region, err = r.region(f["region"], "region"); err != nil {
		return nil, err
	}
	if f["times"] != nil {
		if a.Times, err = r.integer(f["times"], "times", 1, maxTimes); err != nil {
			return nil, err
		}
	}
	if f["every"] != nil {
		if f["times"] == nil {
			return nil, r.errorf(f["every"], "every needs times")
		}
		if a.Every, err = r.duration(f["every"], "every"); err != nil {
			return nil, err
		}
	}
	outcome, err := r.mapping(f["outcome"], "outcome", "status", "error", "latency", "retryAfter", "errorCode")
	if err != nil {
		return nil, err
	}
	kind, err := r.one(f["outcome"], outcome, "outcome", "status", "error")
	if err != nil {
		return nil, err
	}
	if kind == "error" {
		if a.Response.Fault, err = r.fault(outcome["error"]); err == nil {
			err = r.refuse(outcome, "error", "retryAfter", "errorCode")
		}
	} else {
		a.Response, err = r.answer(outcome)
	}
	if err == nil && outcome["latency"] != nil {
		a.Response.Latency, err = r.duration(outcome["latency"], "latency")
	}
	return a, err
}

// fault reads why a call had no answer, or that Prometheus has told that too many fail.
func (r *reading) fault(n *yaml.Node) (failover.Fault, error) {
	var names []string
	for _, f := range append(failover.CallFaults(), failover.ErrorRatio) {
		if f.String() == n.Value {
			return f, nil
		}
		names = append(names, f.String())
	}
	return failover.NoFault, r.errorf(n, "error must be one of %s", strings.Join(names, ", "))
}

// answer reads an HTTP answer. A Retry-After is bounded as one from the wire is.
func (r *reading) answer(f fields) (failover.Response, error) {
	var response failover.Response
	var err error
	if response.Status, err = r.integer(f["status"], "status", 100, 599); err != nil {
		return response, err
	}
	if f["errorCode"] != nil {
		if response.ErrorCode, err = r.text(f["errorCode"], "errorCode"); err != nil {
			return response, err
		}
	}
	if f["retryAfter"] == nil {
		return response, nil
	}
	delay, err := r.duration(f["retryAfter"], "retryAfter")
	response.RetryAfter = failover.RetryAfter{Given: true, Delay: min(delay, failover.MaxRetryAfter)}
	return response, err
}

// annotate reads annotations to set; null removes one.
func (r *reading) annotate(n *yaml.Node) (Action, error) {
	f, err := r.mapping(n, "annotate")
	if err != nil {
		return nil, err
	}
	annotations := map[string]any{}
	for key, value := range f {
		if value.ShortTag() == "!!null" {
			annotations[key] = nil
			continue
		}
		if annotations[key], err = r.text(value, "the value of "+key); err != nil {
			return nil, err
		}
	}
	return r.update(n, manifest.Object{"metadata": map[string]any{"annotations": annotations}})
}

// update patches the backend as it is by then.
func (r *reading) update(n *yaml.Node, patch manifest.Object) (Action, error) {
	patched, err := r.schema.Patch(r.stored, patch)
	if err != nil {
		return nil, r.refused(n, err)
	}
	r.stored = patched
	b, err := r.backend()
	if err != nil {
		return nil, r.refused(n, err)
	}
	return Update{b}, nil
}
