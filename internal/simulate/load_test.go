// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRefused: each mistake is named with its line. The backend takes the lines 1 to 6.
func TestRefused(t *testing.T) {
	l := newLoader(t)
	const day = chat + "duration: 1m\ntimeline:\n"
	for _, test := range []struct{ text, want string }{
		{"a: [", "1: not YAML: did not find expected node content"},
		{"", "1: a scenario is one YAML document; this file has 0"},
		{"- a", "1: a scenario must be a mapping, such as {key: value}"},
		{"duration: 1m", "1: a scenario needs backend"},
		{chat, "1: a scenario needs duration"},
		{chat + "duration: 10", "8: duration must be a duration, such as 500ms, 90s or 1h30m"},
		{chat + "duration: 10000h", "8: duration must be at most 8784h0m0s"},
		{chat + "duration: 1m\nduration: 2m", `9: a scenario has "duration" twice`},
		{chat + "duration: 1m\nlength: 2m", `9: unknown field "length": a scenario may have backend, duration, timeline, expect`},
		{"backend: none.yaml\nduration: 1m", "1: backend: open FOLDER/none.yaml: no such file or directory"},

		{strings.Replace(chat, "us-east,", "eu-west,", 1) + "duration: 1m",
			`6: spec.primary.name: Invalid value: region names must be unique`},
		{strings.Replace(chat, "10.2.0.10", "127.0.0.1", 1) + "duration: 1m", "7: spec.secondaries[0].endpoint.url: Invalid value"},
		{strings.Replace(chat, "  spec:", "  spec:\n    failver: {}", 1) + "duration: 1m", `6: unknown field "spec.failver"`},
		{strings.Replace(chat, "{name: chat}", "{name: Chat}", 1) + "duration: 1m", `4: metadata.name: Invalid value: "Chat"`},
		{strings.Replace(chat, "LLMBackend", "Backend", 1) + "duration: 1m", `3: kind: Invalid value: "Backend": must be LLMBackend`},

		{day + "- {region: us-east, responds: {status: 200}}", "10: an entry of timeline needs at"},
		{day + "- {at: 2m, restart: true}", "10: at 2m0s is after the end of the scenario, 1m0s: make duration longer"},
		{day + "- {at: 2s, restart: true}\n- {at: 1s, restart: true}", "11: timeline must be in order of time: 1s comes after 2s"},
		{day + "- {at: 2s, restart: no}", "10: restart must be true: otherwise leave it out"},
		{day + "- {at: 2s}", "10: an entry of timeline needs one of responds, outcome, annotate, patch, restart"},
		{day + "- {at: 2s, restart: true, patch: {}}", "10: an entry of timeline has both patch and restart: give one of"},
		{day + "- {at: 2s, responds: {status: 200}}", "10: an entry with responds needs region"},
		{day + "- {at: 2s, region: us-east, restart: true}", "10: region does not go with restart: remove it"},
		{day + "- {at: 2s, region: us-est, responds: {status: 200}}", `10: the backend has no region "us-est": it has eu-west, us-east`},
		{day + "- {at: 2s, region: us-east, responds: {}}", "10: responds needs one of status, timeout, refused"},
		{day + "- {at: 2s, region: us-east, responds: {status: 99}}", "10: status must be a whole number from 100 to 599"},
		{day + "- {at: 2s, region: us-east, responds: {timeout: true, latency: 1s}}", "10: latency does not go with timeout: remove it"},
		{day + "- {at: 2s, region: us-east, responds: {refused: true, errorCode: x}}", "10: errorCode does not go with refused: remove it"},
		{day + "- {at: 2s, region: us-east, outcome: {status: 429, errorCode: 5}}", "10: errorCode must be text: put it in quotes"},
		{day + "- {at: 2s, region: us-east, outcome: {status: 200, latency: 5}}", "10: latency must be a duration, such as 500ms"},
		{day + "- {at: 2s, region: us-east, responds: {refused: true, climbed: 503}}", "10: climbed does not go with refused: remove it"},
		{day + "- {at: 2s, region: us-east, responds: {status: 200, climbed: 5}}", "10: climbed must be a whole number from 100 to 599"},
		{day + "- {at: 2s, region: us-east, responds: {status: 200}, times: 2}", "10: times does not go with responds: remove it"},
		{day + "- {at: 2s, region: us-east, outcome: {}}", "10: outcome needs one of status, error"},
		{day + "- {at: 2s, region: us-east, outcome: {error: Oops}}", "10: error must be one of Timeout, ConnectionRefused"},
		{day + "- {at: 2s, region: us-east, outcome: {error: Timeout, retryAfter: 5s}}", "10: retryAfter does not go with error"},
		{day + "- {at: 2s, region: us-east, outcome: {status: 200}, times: 0}", "10: times must be a whole number from 1 to 1000000"},
		{day + "- {at: 2s, region: us-east, outcome: {status: 200}, every: 1s}", "10: every needs times"},
		{day + "- {at: 2s, annotate: {llm.breakwater.dev/reset: 1}}", "10: the value of llm.breakwater.dev/reset must be text: put it in quotes"},
		{day + "- {at: 2s, patch: {spec: {service: {name: other}}}}", "10: spec.service.name: Invalid value: the name of the Service cannot be changed"},
		{day + "- at: 2s\n  patch:\n    spec:\n      probe: {period: 1s}", "13: spec.probe"},
		{day + "- {at: 2s, patch: {metadata: {name: other}}}", `10: metadata.name: Invalid value: "other": field is immutable`},

		{chat + "duration: 1m\nexpect:\n- {at: 1s}", "10: an entry of expect needs activeRegion, transitionSeq or breakers"},
		{chat + "duration: 1m\nexpect:\n- {at: 1s, breakers: {us-east: HalfOpen}}", "10: the breaker of us-east must be Open or Closed, as status shows it: while it is tried again it is Open"},
		{chat + "duration: 1m\nexpect:\n- {at: 1s, breakers: {us-est: Open}}", `10: the backend has no region "us-est": it has eu-west, us-east`},
		{chat + "duration: 1m\nexpect: {at: 1s}", "9: expect must be a list"},
	} {
		t.Run(test.want, func(t *testing.T) {
			file := write(t, test.text)
			want := file + ":" + strings.ReplaceAll(test.want, "FOLDER", filepath.Dir(file))
			if _, err := l.Load(file); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v; want %s", err, want)
			}
		})
	}
}

func TestManifestFile(t *testing.T) {
	l := newLoader(t)
	file := write(t, "backend: chat.yaml\nduration: 1m\n")
	manifest := filepath.Join(filepath.Dir(file), "chat.yaml")
	const good = "apiVersion: llm.breakwater.dev/v1alpha1\nkind: LLMBackend\nmetadata: {name: chat}\nspec:\n  primary: {name: us-east, endpoint: {url: \"http://10.1.0.10\"}}\n"
	for _, test := range []struct{ name, text, want string }{
		{"beside another object", "kind: Service\n---\n" + good, ""},
		{"no LLMBackend", "kind: Service\n", "1: the manifest file of a scenario must hold one LLMBackend; this one holds 0"},
		{"two", good + "---\n" + good, "1: the manifest file of a scenario must hold one LLMBackend; this one holds 2"},
		{"a mistake in it", "kind: Service\n---\n" + strings.Replace(good, "http:", "ftp:", 1), "7: spec.primary.endpoint.url: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(manifest, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := l.Load(file)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), manifest+":"+test.want)) {
				t.Errorf("error %v; want %s", err, test.want)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yml", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("duration: 1m\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "chat.yaml"), []byte("kind: LLMBackend\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(folder, "notes.txt")
	got, err := Files([]string{single, folder})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{single, filepath.Join(folder, "a.yml"), filepath.Join(folder, "b.yaml")}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, path := range []string{t.TempDir(), filepath.Join(folder, "none")} {
		if _, err := Files([]string{path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that names it", path, err)
		}
	}
}
