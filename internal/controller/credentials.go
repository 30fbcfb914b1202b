// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/credentials"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// useCredentials has the probes of each endpoint use what the spec names.
func useCredentials(b *llmv1alpha1.LLMBackend, endpoints map[string]*regionEndpoint, store *credentials.Store) {
	for _, r := range translate.Regions(b) {
		e := endpoints[r.Name]
		if e.secrets = store.Source(translate.CredentialsOf(b, r)); e.secrets != nil {
			e.target.Private = e.secrets
		}
	}
}

// reviewCredentials has the credentials read again soon where a server did not take them. It says whether there
// is another problem with them than before.
func (e *regionEndpoint) reviewCredentials(o failover.Outcome) (news bool) {
	if e.secrets == nil {
		return false
	}
	if o.Cause == failover.BadCredentials || o.Fault == failover.TLSError {
		e.secrets.Refused()
	}
	before := e.problem
	e.problem = e.secrets.Problem()
	return e.problem != before
}

// credentialProblems says, by region, why there are no credentials for its probes.
func (b *backend) credentialProblems() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	problems := map[string]string{}
	for name, e := range b.regions {
		if e.problem != "" {
			problems[name] = e.problem
		}
	}
	return problems
}
