// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strings"
	"testing"
	"time"
)

// FuzzEndpointURL: a URL that the schema would have refused is refused, or what is asked is still one host and port.
func FuzzEndpointURL(f *testing.F) {
	for _, seed := range []string{
		"http://10.1.0.10:8000", "https://vllm.example.com", "http://[fd00::10]:8000", "http://a:99999", "http://a:0", "http://", "",
		"ftp://a", "http://user@a", "http://a/../b", "http://[::1%25eth0]", "http://0x7f.1", "http://a\r\nb", "//a", "http://a:b", "http://[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		b := chat()
		b.Spec.Primary.Endpoint.URL = url
		_, targets, err := Input(b, nil, time.Now())
		if err != nil {
			return
		}
		if host := targets["us-east"].Host; strings.ContainsAny(host, "/?#@\r\n") {
			t.Errorf("%q leads to host %q", url, host)
		}
	})
}
