// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import "strings"

func specRefusals() []refusal {
	const (
		serviceName = "name must be one that a Service can have: lower-case letters, digits and - between them, beginning with a letter, such as chat"
		backendName = "a Service cannot have the name of this LLMBackend: set spec.service.name, or choose a metadata.name of at most 63 lower-case letters, digits and - between them, beginning with a letter, such as chat"
		hostname    = "hostname must be a DNS name in lower case, without scheme, port and a dot at the end, such as chat.apps.svc"
		flapping    = "maxMinDuration must be 1s to 24h, such as 10m"
	)
	long := strings.Repeat("a", 64)
	return []refusal{
		{`{spec: null}`, causes{"spec": "Required value"}},

		{`{metadata: {name: my.chat}}`, causes{"spec.service.name": backendName}},
		{`{metadata: {name: 9chat}}`, causes{"spec.service.name": backendName}},
		{`{metadata: {name: ` + long + `}}`, causes{"spec.service.name": backendName}},
		{`{metadata: {name: null, generateName: 9chat-}}`, causes{"spec.service.name": backendName}},

		{`{spec: {service: {name: Chat}}}`, causes{"spec.service.name": serviceName}},
		{`{spec: {service: {name: chat-}}}`, causes{"spec.service.name": serviceName}},
		{`{spec: {service: {name: my.chat}}}`, causes{"spec.service.name": serviceName}},
		{`{spec: {service: {name: 9chat}}}`, causes{"spec.service.name": serviceName}},
		{`{spec: {service: {name: ` + long + `}}}`, causes{"spec.service.name": "may not be more than 63 bytes"}},
		{`{metadata: {name: our.chat}, spec: {service: {name: 9chat}}}`, causes{"spec.service.name": serviceName}},

		{`{spec: {service: {port: 0}}}`, causes{"spec.service.port": "should be greater than or equal to 1"}},
		{`{spec: {service: {port: 65536}}}`, causes{"spec.service.port": "should be less than or equal to 65535"}},

		{`{spec: {service: {hostname: "http://chat.apps.svc"}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: "chat.apps.svc:80"}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: chat.apps.svc.}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: Chat}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: a_b}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: "chat\r\nX-Injected: 1"}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: "chat\n"}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: ` + long + `}}}`, causes{"spec.service.hostname": hostname}},
		{`{spec: {service: {hostname: ` + strings.Repeat("a.", 126) + `aa}}}`, causes{"spec.service.hostname": "may not be more than 253 bytes"}},

		{`{spec: {service: {ipFamilies: []}}}`, causes{"spec.service.ipFamilies": "should have at least 1 items"}},
		{`{spec: {service: {ipFamilies: [IPv5]}}}`, causes{"spec.service.ipFamilies[0]": `supported values: "IPv4", "IPv6"`}},
		{`{spec: {service: {ipFamilies: [IPv4, IPv6, IPv4]}}}`, causes{"spec.service.ipFamilies": "must have at most 2 items"}},
		{`{spec: {service: {ipFamilies: [IPv4, IPv4]}}}`,
			causes{"spec.service.ipFamilies": "ipFamilies must not repeat a family: write IPv4, IPv6 or both"}},
		{`{spec: {service: {deletionPolicy: Orphan}}}`, causes{"spec.service.deletionPolicy": `supported values: "Delete", "Retain"`}},

		{`{spec: {breaker: {failureThreshold: 0}}}`, causes{"spec.breaker.failureThreshold": "should be greater than or equal to 1"}},
		{`{spec: {breaker: {failureThreshold: 101}}}`, causes{"spec.breaker.failureThreshold": "should be less than or equal to 100"}},
		{`{spec: {breaker: {mode: Learning}}}`, causes{"spec.breaker.mode": `supported values: "Fixed", "Adaptive"`}},
		{`{spec: {breaker: {failureStatusCodes: [399]}}}`, causes{"spec.breaker.failureStatusCodes[0]": "should be greater than or equal to 400"}},
		{`{spec: {breaker: {failureStatusCodes: [600]}}}`, causes{"spec.breaker.failureStatusCodes[0]": "should be less than or equal to 599"}},
		{`{spec: {breaker: {failureStatusCodes: [500, 500]}}}`, causes{"spec.breaker.failureStatusCodes[1]": "Duplicate value: 500"}},
		{`{spec: {breaker: {failureStatusCodes: [500, 429]}}}`,
			causes{"spec.breaker.failureStatusCodes": "429 cannot be a failure status code, because rate limiting has rules of its own: remove it, and see retryAfterThreshold"}},

		{`{spec: {failover: {mode: "Off"}}}`, causes{"spec.failover.mode": `supported values: "Automatic", "Observe", "Disabled"`}},
		{`{spec: {failover: {maxPerHour: 9}}}`, causes{"spec.failover.maxPerHour": "should be less than or equal to 8"}},
		{`{spec: {failover: {maxPerHour: 0}}}`, causes{"spec.failover.maxPerHour": "should be greater than or equal to 1"}},
		{`{spec: {failover: {maxMinDuration: 999ms, minDuration: 500ms}}}`, causes{"spec.failover.maxMinDuration": flapping}},
		{`{spec: {failover: {maxMinDuration: 24h1s}}}`, causes{"spec.failover.maxMinDuration": flapping}},
		{`{spec: {failover: {maxMinDuration: "10"}}}`, causes{"spec.failover.maxMinDuration": durationMessage}},
		{`{spec: {failover: {maxMinDuration: 29s}}}`, causes{
			"spec.failover.maxMinDuration": "maxMinDuration must not be shorter than minDuration: lengthen the first or shorten the second"}},
		{`{spec: {failover: {minDuration: 0s, maxMinDuration: 10m}}}`, causes{
			"spec.failover.minDuration": "a minDuration of 0s cannot be doubled: lengthen it, such as to 30s, or remove maxMinDuration"}},
		{`{spec: {failover: {failback: Never}}}`, causes{"spec.failover.failback": `supported values: "Automatic", "Manual"`}},
	}
}

func regionRefusals() []refusal {
	const (
		name   = "name must be a DNS label: lower-case letters, digits and - between them, such as us-east"
		unique = "region names must be unique, and a secondary region has this one: give one of the two another name"
		scheme = "all regions must have the scheme of the primary region, because a Service does not change what clients send: write http:// in every endpoint url and HTTP in every serviceRef.scheme, or https:// and HTTPS in every one"
	)
	var sixteen strings.Builder
	for region := range 16 {
		sixteen.WriteString(`{name: r` + string(rune('a'+region)) + `, endpoint: {url: "http://10.2.0.10"}}, `)
	}
	return []refusal{
		{`{spec: {primary: null}}`, causes{"spec.primary": "Required value"}},
		{`{spec: {primary: {name: null}}}`, causes{"spec.primary.name": "Required value"}},
		{`{spec: {primary: {endpoint: null}}}`, causes{"spec.primary.endpoint": "Required value"}},
		{`{spec: {secondaries: [{endpoint: {url: "http://10.2.0.10"}}]}}`, causes{"spec.secondaries[0].name": "Required value"}},
		{`{spec: {secondaries: [{name: eu-west}]}}`, causes{"spec.secondaries[0].endpoint": "Required value"}},
		{`{spec: {secondaries: [` + sixteen.String() + `]}}`, causes{"spec.secondaries": "must have at most 15 items"}},

		{`{spec: {primary: {name: US}}}`, causes{"spec.primary.name": name}},
		{`{spec: {primary: {name: us.east}}}`, causes{"spec.primary.name": name}},
		{`{spec: {primary: {name: -us}}}`, causes{"spec.primary.name": name}},
		{`{spec: {primary: {name: us_east}}}`, causes{"spec.primary.name": name}},
		{`{spec: {primary: {name: "us\n"}}}`, causes{"spec.primary.name": name}},
		{`{spec: {primary: {name: ` + strings.Repeat("a", 64) + `}}}`, causes{"spec.primary.name": "may not be more than 63 bytes"}},
		{`{spec: {secondaries: [{name: EU, endpoint: {url: "http://10.2.0.10"}}]}}`, causes{"spec.secondaries[0].name": name}},

		{`{spec: {primary: {name: eu-west}}}`, causes{"spec.primary.name": unique}},
		{`{spec: {secondaries: [{name: eu, endpoint: {url: "http://10.2.0.10"}}, {name: eu, endpoint: {url: "http://10.3.0.10"}}]}}`,
			causes{"spec.secondaries[1]": `Duplicate value: {"name":"eu"}`}},

		{`{spec: {primary: {endpoint: {url: "https://10.1.0.10"}}}}`, causes{"spec.secondaries": scheme}},
		{`{spec: {secondaries: [{name: eu, endpoint: {url: "http://10.2.0.10"}}, {name: ap, endpoint: {url: "https://10.3.0.10"}}]}}`,
			causes{"spec.secondaries": scheme}},
	}
}
