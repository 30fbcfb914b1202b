// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"strings"
)

func urlRefusals() []refusal {
	const (
		scheme    = "url must begin with http:// or https://, in lower case, such as http://10.1.0.10:8000"
		user      = "url must not hold a user or password: remove everything between // and @, and the @"
		path      = "url must end after host and port, because a Service does not change the path that clients send: remove path, query and fragment, also a / at the end"
		host      = "the host in url must be a DNS name of letters, digits, - and . (with at most 63 characters between two dots), an IPv4 address, or an IPv6 address in brackets, such as http://vllm.example.com, http://10.1.0.10:8000 or http://[fd00::10]:8000"
		port      = "the port in url must be a number from 1 to 65535 without leading zeros, such as :8000; without a port, leave out the : too"
		ipv4      = "an IPv4 address in url must be four decimal numbers from 0 to 255 without leading zeros, such as 10.1.0.10"
		ipv6      = "what is in brackets in url must be an IPv6 address, without a zone and not an IPv4 address in disguise, and only a port may follow, such as http://[fd00::10]:8000"
		reach4    = "url must not lead to a loopback, link-local, multicast, broadcast or unspecified address: write one that clients in the cluster can reach, such as 10.1.0.10"
		reach6    = "url must not lead to a loopback, link-local, multicast, broadcast or unspecified address: write one that clients in the cluster can reach, such as [fd00::10]"
		localhost = "url must not name localhost, which is another host for everybody: write a name or an address that clients in the cluster can reach, such as 10.1.0.10"
	)
	tests := []struct {
		message string
		urls    []string
	}{
		{scheme, []string{
			"ftp://10.1.0.10", "HTTP://10.1.0.10", "Https://10.1.0.10", "http:10.1.0.10", "http:/10.1.0.10", "//10.1.0.10",
			"10.1.0.10:8000", "vllm.example.com", " http://10.1.0.10", "\nhttp://10.1.0.10", "x",
		}},
		{user, []string{
			"http://user:pw@10.1.0.10", "http://user@10.1.0.10", "http://@10.1.0.10", "http://user:pw@10.1.0.10/v1",
			"http://user:pw@[::1]:0", "http://10.1.0.10:80@example.com", "http://user@",
		}},
		{path, []string{
			"http://10.1.0.10/", "http://10.1.0.10:8000/v1", "http://10.1.0.10?model=a", "http://10.1.0.10#top",
			"http://10.1.0.10/v1@x", "http://[::1]/", "http://localhost/", "http:///", "http://?@x",
		}},
		{host, []string{
			"http://", "http://:80", "http://exa mple.com", "http://a..b", "http://.a", "http://a..", "http://.", "http://-a", "http://a-",
			"http://a_b", "http://vllm.exämple", "http://a\nb", "http://10.1.0.10\n", "http://a\\b", "http://a%20b", "http://a*b",
			"http://10.1.0.10:80:90", "http://fd00::10", "http://fd00::10:8000", "http://" + strings.Repeat("a", 64),
		}},
		{port, []string{
			"http://10.1.0.10:", "http://10.1.0.10:0", "http://10.1.0.10:65536", "http://10.1.0.10:70000", "http://10.1.0.10:100000",
			"http://10.1.0.10:080", "http://10.1.0.10:-1", "http://10.1.0.10:80x", "http://10.1.0.10:http", "http://10.1.0.10:80 ",
			"http://10.1.0.10:80\n", "http://example.com:0", "https://[fd00::10]:", "http://[fd00::10]:0",
		}},
		{ipv4, []string{
			"http://10.1.0.300", "http://10.1.0", "http://10.1.0.10.1", "http://10.1.0.010", "http://10.1.0.10.", "http://0177.0.0.1",
			"http://2130706433", "http://0x7f000001", "http://0x7f.0.0.1", "http://127.0.0.0X1", "http://127.1", "http://0",
			"http://example.1", "https://256.256.256.256:443",
		}},
		{ipv6, []string{
			"http://[]", "http://[fd00::10", "http://[fd00::10]8000", "http://[fd00::10]x:80", "http://[fd00::10]:80:90", "http://[fd00:::10]",
			"http://[fe80::1%25eth0]", "http://[fe80::1%eth0]", "http://[::ffff:10.1.0.10]", "http://[::ffff:7f00:1]", "http://[10.1.0.10]",
			"http://[example.com]", "http://[fd00::10]]", "http://[[fd00::10]]",
		}},
		{reach4, []string{
			"http://127.0.0.1", "http://127.1.2.3:8000", "http://0.0.0.0", "http://169.254.169.254", "http://224.0.0.1",
			"http://239.255.255.250:1900", "https://255.255.255.255",
		}},
		{reach6, []string{
			"http://[::1]", "http://[::1]:80", "http://[0:0:0:0:0:0:0:1]", "http://[::]", "http://[fe80::1]", "https://[FE80::1]:443",
			"http://[ff02::1]", "http://[ff05::2]:80",
		}},
		{localhost, []string{
			"http://localhost", "http://localhost:8000", "http://LocalHost", "http://localhost.", "https://vllm.localhost:443",
			"http://a.b.localhost.:80",
		}},
		{"may not be more than 268 bytes", []string{"http://" + strings.Repeat("a.", 131)}},
	}
	var refusals []refusal
	for _, test := range tests {
		for _, url := range test.urls {
			refusals = append(refusals, refusal{
				fmt.Sprintf(`{spec: {primary: {endpoint: {url: %q}}, secondaries: []}}`, url),
				causes{"spec.primary.endpoint.url": test.message},
			})
		}
		refusals = append(refusals, refusal{
			fmt.Sprintf(`{spec: {secondaries: [{name: eu-west, endpoint: {url: %q}}]}}`, test.urls[0]),
			causes{"spec.secondaries[0].endpoint.url": test.message},
		})
	}
	return refusals
}
