// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestFlowControl asks the API server which FlowSchema it put the operator's requests into.
func TestFlowControl(t *testing.T) {
	config, err := installed.controlPlane.UserConfig(operatorUser, operatorGroups...)
	if err != nil {
		t.Fatal(err)
	}
	requester, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		method, path string
		want         string
	}{
		"the Lease":              {method: http.MethodPut, path: "/apis/coordination.k8s.io/v1/namespaces/breakwater-system/leases/any", want: "breakwater-leader-election"},
		"a Lease elsewhere":      {method: http.MethodGet, path: "/apis/coordination.k8s.io/v1/namespaces/default/leases/any", want: "service-accounts"},
		"a status write":         {method: http.MethodPatch, path: "/apis/llm.breakwater.dev/v1alpha1/namespaces/default/llmbackends/any/status", want: "breakwater"},
		"a list of LLMBackends":  {method: http.MethodGet, path: "/apis/llm.breakwater.dev/v1alpha1/llmbackends", want: "breakwater"},
		"a slice write":          {method: http.MethodPost, path: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", want: "breakwater"},
		"a Service write":        {method: http.MethodPost, path: "/api/v1/namespaces/default/services", want: "breakwater"},
		"an event":               {method: http.MethodPost, path: "/apis/events.k8s.io/v1/namespaces/default/events", want: "service-accounts"},
		"something we never ask": {method: http.MethodGet, path: "/api/v1/namespaces/default/secrets", want: "service-accounts"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			schema := &flowcontrolv1.FlowSchema{}
			if err := installed.client.Get(t.Context(), client.ObjectKey{Name: test.want}, schema); err != nil {
				t.Fatal(err)
			}
			eventually(t, "request in FlowSchema "+test.want, func() error {
				request, err := http.NewRequestWithContext(t.Context(), test.method, config.Host+test.path, strings.NewReader("{}"))
				if err != nil {
					return err
				}
				answer, err := requester.Do(request)
				if err != nil {
					return err
				}
				_ = answer.Body.Close()
				if uid := answer.Header.Get(flowcontrolv1.ResponseHeaderMatchedFlowSchemaUID); uid != string(schema.UID) {
					return fmt.Errorf("it is in the FlowSchema with UID %q", uid)
				}
				return nil
			})
		})
	}
}
