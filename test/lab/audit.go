// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// auditPolicy records who asked for what when a request arrives and when it
// has been answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules:
- level: Metadata
`

// auditPoll is how often Audit looks whether the log is complete.
const auditPoll = 10 * time.Millisecond

// AuditEvent is one request that the API server received.
type AuditEvent struct {
	// User is the name of who asked.
	User string
	// Verb is that of Kubernetes: get, list, watch, create, update, patch, delete, deletecollection.
	Verb string
	// Group and Resource say what was asked for, such as discovery.k8s.io and
	// endpointslices. The group of the core API is empty.
	Group, Resource string
	// Subresource is such as status, or empty.
	Subresource string
	// Namespace and Name are empty where the request has none.
	Namespace, Name string
	// Code is the HTTP status of the answer, 0 for a watch under way.
	Code int
	// Received is when the API server began to handle the request.
	Received time.Time
}

// IsWrite says whether the request asked for a change.
func (e AuditEvent) IsWrite() bool {
	return !slices.Contains([]string{"get", "list", "watch"}, e.Verb)
}

// Audit returns the requests that had arrived before the call and that keep
// accepts, in order of arrival. Every request that a client had seen answered by
// then is among them. Those under way are waited for, except watches, until ctx
// ends. It is an error without WithAuditLog.
func (c *ControlPlane) Audit(ctx context.Context, keep func(AuditEvent) bool) ([]AuditEvent, error) {
	if c.auditLog == "" {
		return nil, errors.New("no audit log: start the control plane with lab.WithAuditLog()")
	}
	asked := time.Now()
	ticker := time.NewTicker(auditPoll)
	defer ticker.Stop()
	for {
		content, err := os.ReadFile(c.auditLog)
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		events, complete, err := parseAudit(content, asked)
		if err != nil {
			return nil, err
		}
		if complete {
			return slices.DeleteFunc(events, func(e AuditEvent) bool { return !keep(e) }), nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for requests under way to end: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}

// auditRecord is the part of audit.k8s.io/v1 Event that is read here.
type auditRecord struct {
	AuditID string `json:"auditID"`
	Stage   string `json:"stage"`
	Verb    string `json:"verb"`
	User    struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	RequestReceivedTimestamp time.Time `json:"requestReceivedTimestamp"`
}

// parseAudit joins the records of each request that arrived before a time to
// one event. It is complete when every one but the watches has been answered.
// The log records the arrival before the request is handled, but the answer only
// after it was sent.
func parseAudit(content []byte, before time.Time) (events []AuditEvent, complete bool, err error) {
	index := map[string]int{}
	for line := range bytes.Lines(content) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			return nil, false, nil
		}
		var r auditRecord
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, false, fmt.Errorf("reading the audit log: %w", err)
		}
		if !r.RequestReceivedTimestamp.Before(before) {
			continue
		}
		i, known := index[r.AuditID]
		if !known {
			i = len(events)
			index[r.AuditID] = i
			events = append(events, AuditEvent{})
		}
		events[i] = AuditEvent{
			User: r.User.Username, Verb: r.Verb,
			Group: r.ObjectRef.APIGroup, Resource: r.ObjectRef.Resource, Subresource: r.ObjectRef.Subresource,
			Namespace: r.ObjectRef.Namespace, Name: r.ObjectRef.Name,
			Code: r.ResponseStatus.Code, Received: r.RequestReceivedTimestamp,
		}
	}
	pending := func(e AuditEvent) bool { return e.Code == 0 && e.Verb != "watch" }
	return events, !slices.ContainsFunc(events, pending), nil
}

func (c *ControlPlane) configureAudit() error {
	policy := filepath.Join(c.dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	c.auditLog = filepath.Join(c.dir, "audit.log")
	c.env.ControlPlane.APIServer.Configure().
		Set("audit-policy-file", policy).
		Set("audit-log-path", c.auditLog).
		Set("audit-log-mode", "blocking").
		// One file: a rotated one would hide requests. In megabytes.
		Set("audit-log-maxsize", "2048")
	return nil
}
