// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const scenario = `backend:
  apiVersion: llm.breakwater.dev/v1alpha1
  kind: LLMBackend
  metadata: {name: chat}
  spec:
    primary: {name: us-east, endpoint: {url: "http://10.1.0.10:8000"}}
    secondaries: [{name: eu-west, endpoint: {url: "http://10.2.0.10:8000"}}]
duration: 10s
timeline:
- {at: 1500ms, region: us-east, outcome: {status: 503}, times: 5}
expect:
- {at: 2s, activeRegion: eu-west}
`

// invoke runs the command as a shell would, on scenario files given by their text.
func invoke(t *testing.T, args []string, texts ...string) (code int, out, errs string) {
	t.Helper()
	folder := t.TempDir()
	for i, text := range texts {
		file := filepath.Join(folder, string(rune('a'+i))+".yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-f", file)
	}
	var stdout, stderr bytes.Buffer
	command := newCommand()
	command.SetArgs(args)
	command.SetOut(&stdout)
	command.SetErr(&stderr)
	code = run(command)
	return code, strings.ReplaceAll(stdout.String(), folder+"/", ""), strings.ReplaceAll(stderr.String(), folder+"/", "")
}

const table = `a.yaml
AT     SEQ   TYPE            REGION               ACTIVE    REASON
1.5s   1     BreakerOpened   us-east              us-east   Status503
1.5s   2     FailedOver      us-east -> eu-west   eu-west   BreakerOpen
After 10s: active region eu-west, 1 of 1 expected fields as expected.
`

func TestSimulate(t *testing.T) {
	missed := strings.Replace(scenario, "activeRegion: eu-west", "activeRegion: us-east", 1)
	const missing = "a.yaml:12: at 2s: activeRegion: wanted us-east, got eu-west\n"
	invalid := strings.Replace(scenario, "10s", "ten", 1)
	for _, test := range []struct {
		name      string
		args      []string
		texts     []string
		code      int
		out, errs string
	}{
		{"as expected", nil, []string{scenario}, 0, table, ""},
		{"not as expected", nil, []string{missed}, 1, strings.Replace(table, "1 of 1", "0 of 1", 1), missing},
		{"unreadable", nil, []string{invalid}, 2, "", "error: a.yaml:8: duration must be a duration, such as 500ms, 90s or 1h30m\n"},
		{"two, one after the other", nil, []string{scenario, scenario}, 0, table + "\n" + strings.Replace(table, "a.yaml", "b.yaml", 1), ""},
		{"one not as expected, the other one unreadable", nil, []string{missed, invalid}, 2, strings.Replace(table, "1 of 1", "0 of 1", 1),
			missing + "error: b.yaml:8: duration must be a duration, such as 500ms, 90s or 1h30m\n"},
		{"no file", nil, nil, 2, "", "error: required flag(s) \"filename\" not set\n"},
		{"unknown output", []string{"-o", "yaml"}, []string{scenario}, 2, "",
			"error: there is no output format \"yaml\": use -o json, or leave it out for a table\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := invoke(t, append([]string{"simulate"}, test.args...), test.texts...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if diff := cmp.Diff(test.out, out); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.errs, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSimulateJSON(t *testing.T) {
	code, out, errs := invoke(t, []string{"simulate", "-o", "json"}, scenario)
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, errors %q", code, errs)
	}
	var got []map[string]any
	for line := range strings.Lines(out) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		got = append(got, object)
	}
	want := []map[string]any{
		{"at": "1.5s", "seq": 1.0, "type": "BreakerOpened", "region": "us-east", "from": "", "to": "", "activeRegion": "us-east", "reason": "Status503"},
		{"at": "1.5s", "seq": 2.0, "type": "FailedOver", "region": "", "from": "us-east", "to": "eu-west", "activeRegion": "eu-west", "reason": "BreakerOpen"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
