// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestVersion looks for the version of --version in the metrics and in the log.
func TestVersion(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), inRepository("bin/manager"), "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(out))
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	o := installed.start(t, "operator", "--leader-elect=false", "--metrics-auth=None", "--metrics-bind-address="+address)
	eventually(t, "version in the metrics", func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err == nil && !strings.Contains(string(body), fmt.Sprintf("version=%q} 1\n", version)) {
			err = fmt.Errorf("no breakwater_build_info with version %s", version)
		}
		return err
	})
	log, err := os.ReadFile(o.Log())
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`"msg":"Starting","version":%q`, version); !strings.Contains(string(log), want) {
		t.Errorf("the log has no %s:\n%s", want, log)
	}
}
