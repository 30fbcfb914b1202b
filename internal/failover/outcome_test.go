// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "testing"

func TestClassify(t *testing.T) {
	tests := []struct {
		response Response
		class    Class
		reason   string
		gone     bool
	}{
		{Response{}, Unknown, "Unknown", false},
		{Response{Connected: true}, Success, "Connected", false},
		{Response{Status: 200}, Success, "Status200", false},
		{Response{Status: 204, Connected: true}, Success, "Status204", false},
		{Response{Status: 299}, Success, "Status299", false},
		{Response{Status: 101}, Excluded, "Status101", false},
		{Response{Status: 300}, Excluded, "Status300", true},
		{Response{Status: 302}, Excluded, "Status302", true},
		{Response{Status: 399}, Excluded, "Status399", true},
		{Response{Status: 400}, Excluded, "Status400", false},
		{Response{Status: 401}, Excluded, "Status401", false},
		{Response{Status: 403}, Excluded, "Status403", false},
		{Response{Status: 404}, Excluded, "Status404", true},
		{Response{Status: 429}, RateLimited, "RateLimited", false},
		{Response{Status: 500}, Failure, "Status500", false},
		{Response{Status: 501}, Excluded, "Status501", false},
		{Response{Status: 529}, Failure, "Status529", false},
		{Response{Fault: Timeout}, Failure, "Timeout", false},
		{Response{Fault: ConnectionRefused}, Failure, "ConnectionRefused", false},
		{Response{Fault: ConnectionReset}, Failure, "ConnectionReset", false},
		{Response{Fault: Unreachable}, Failure, "Unreachable", false},
		{Response{Fault: NameNotFound}, Failure, "NameNotFound", false},
		{Response{Fault: TLSError}, Failure, "TLSError", false},
		{Response{Fault: MalformedResponse}, Failure, "MalformedResponse", false},
		{Response{Fault: ErrorRatio}, Failure, "ErrorRatio", false},
		{Response{Fault: ResolverUnavailable}, Unknown, "ResolverUnavailable", false},
		{Response{Fault: NotMade}, Unknown, "NotMade", false},
		{Response{Fault: AddressFamily}, Excluded, "AddressFamily", false},
		{Response{Fault: AddressRefused}, Excluded, "AddressRefused", false},
		{Response{Fault: ClusterIPEndpoint}, Excluded, "ClusterIPEndpoint", false},
		{Response{Fault: NoReadyEndpoints}, Failure, "NoReadyEndpoints", false},
		{Response{Fault: ServiceNotFound}, Failure, "ServiceNotFound", false},
		{Response{Fault: RefNotPermitted}, Failure, "RefNotPermitted", false},
		{Response{Fault: ServicePortNotFound}, Failure, "ServicePortNotFound", false},
		{Response{Fault: ExternalNameService}, Failure, "ExternalNameService", false},
		{Response{Fault: PublishedService}, Failure, "PublishedService", false},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			o := outcome(tt.response)
			if o.Class != tt.class || o.gone != tt.gone || o.Reason() != tt.reason {
				t.Errorf("Classify(%+v) = class %d, gone %v, reason %s; want %d, %v, %s",
					tt.response, o.Class, o.gone, o.Reason(), tt.class, tt.gone, tt.reason)
			}
		})
	}
}

func TestClassifyConfiguredCodes(t *testing.T) {
	c := Classifier{FailureStatusCodes: []int{404}}
	if o := c.Classify(Response{Status: 404}); o.Class != Failure {
		t.Errorf("a configured 404 is class %d, want Failure", o.Class)
	}
	if o := c.Classify(Response{Status: 503}); o.Class != Excluded {
		t.Errorf("a 503 that is not configured is class %d, want Excluded", o.Class)
	}
}

// Transport errors can come from the operator's own network; what a server said cannot.
func TestTransportFaults(t *testing.T) {
	for f := NoFault; f <= PublishedService; f++ {
		want := f == Timeout || f == ConnectionRefused || f == ConnectionReset || f == Unreachable || f == NameNotFound
		if f.transport() != want || transportReason(f.String()) != want {
			t.Errorf("%v: transport %v, by its name %v, want %v", f, f.transport(), transportReason(f.String()), want)
		}
	}
	if transportReason("Status503") {
		t.Error("Status503 is taken for a transport error")
	}
}

// One address that serves is enough for a region; a family that is not served is too much.
func TestBetterAndWorse(t *testing.T) {
	tests := []struct{ a, b, better, worse Class }{
		{Success, Failure, Success, Failure},
		{Success, Unknown, Success, Unknown},
		{Success, Excluded, Success, Excluded},
		{Success, RateLimited, Success, RateLimited},
		{Failure, RateLimited, RateLimited, Failure},
		{Failure, Excluded, Excluded, Failure},
		{Failure, Unknown, Failure, Failure},
		{Excluded, Unknown, Excluded, Unknown},
		{RateLimited, Excluded, Excluded, RateLimited},
	}
	for _, tt := range tests {
		for _, pair := range [][2]Class{{tt.a, tt.b}, {tt.b, tt.a}} {
			a, b := Outcome{Class: pair[0]}, Outcome{Class: pair[1]}
			if got := Better(a, b).Class; got != tt.better {
				t.Errorf("Better(%d, %d) = %d, want %d", a.Class, b.Class, got, tt.better)
			}
			if got := Worse(a, b).Class; got != tt.worse {
				t.Errorf("Worse(%d, %d) = %d, want %d", a.Class, b.Class, got, tt.worse)
			}
		}
	}
}
