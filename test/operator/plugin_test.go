// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// bin is where the commands are that the plugin's tests run.
const bin = "../../bin"

// person is somebody who uses the plugin.
type person struct {
	w          *world
	kubeconfig string
}

func (w *world) administrator() person { return person{w, controlPlane.Kubeconfig()} }

// command is the plugin as a process, in the namespace of the world.
func (p person) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.w.ctx, filepath.Join(bin, "kubectl-breakwater"), append(args, "-n", p.w.ns)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+p.kubeconfig)
	return cmd
}

// runs starts the plugin, wants an exit code, and returns what it printed to stdout and stderr.
func (p person) runs(code int, args ...string) (out, errs string) {
	p.w.t.Helper()
	cmd := p.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		p.w.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		p.w.t.Errorf("kubectl breakwater %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

// result is what became of an order.
func (p person) result(code int, args ...string) string {
	p.w.t.Helper()
	out, errs := p.runs(code, append(args, "-o", "json")...)
	var answer struct{ Result string }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		p.w.t.Fatalf("kubectl breakwater %s: %v in %q, %s", strings.Join(args, " "), err, out, errs)
	}
	return answer.Result
}

func TestPluginOrders(t *testing.T) {
	w := newWorld(t)
	_, west := w.serve(minDuration("1h"))
	p := w.administrator()
	for _, order := range []struct {
		args   []string
		code   int
		result string
	}{
		{[]string{"switch", "chat", "--to", "eu-west"}, 0, "Switched"},
		{[]string{"switch", "llmb/chat", "eu-west"}, 0, "Pinned"},
		{[]string{"reset", "chat"}, 0, "Reset"},
		{[]string{"pause", "chat", "--for", "1h"}, 0, "Paused"},
		{[]string{"pause", "chat"}, 0, "Paused"},
		{[]string{"reset", "chat", "--timeout", "300ms"}, 3, "Unanswered"},
		{[]string{"resume", "chat"}, 0, "Resumed"},
		{[]string{"reset", "chat", "--wait=false"}, 0, "Requested"},
		{[]string{"switch", "chat", "--to", "eu-west", "--dry-run=server"}, 0, "DryRun"},
		{[]string{"pause", "chat", "--dry-run=client"}, 0, "DryRun"},
	} {
		if got := p.result(order.code, order.args...); got != order.result {
			t.Errorf("kubectl breakwater %s: %s, want %s", strings.Join(order.args, " "), got, order.result)
		}
	}
	reset := w.get("chat").Annotations[llmv1alpha1.ResetAnnotation]
	w.awaitReset(reset)
	w.set(west, lab.Status(503))
	if got := p.result(1, "switch", "chat", "--to", "eu-west"); got != "Failed" {
		t.Errorf("a switch to a region that fails: %s, want Failed", got)
	}

	b := w.get("chat")
	w.wantHistory(b, "1 SwitchedOver us-east->eu-west", "2 Reset eu-west->us-east", "3 Reset us-east->us-east", "4 Reset us-east->us-east")
	want := map[string]string{
		llmv1alpha1.ResetAnnotation:             b.Status.LastHandledReset,
		llmv1alpha1.SwitchToAnnotation:          "eu-west",
		llmv1alpha1.SwitchRequestedAtAnnotation: b.Status.LastHandledSwitch,
		llmv1alpha1.PausedAnnotation:            "false",
	}
	if diff := cmp.Diff(want, b.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(b.ManagedFields, func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == "kubectl-breakwater" && f.Subresource == "" && strings.Contains(f.FieldsV1.GetRawString(), llmv1alpha1.PausedAnnotation)
	}) {
		t.Errorf("no order is managed by kubectl-breakwater: %v", b.ManagedFields)
	}
}

func TestPluginShows(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"), openDuration("1h"))
	p := w.administrator()
	w.set(east, lab.Status(503))
	p.runs(0, "wait", "chat", "--for-region", "eu-west", "--timeout", patience.String())
	b := w.get("chat")

	for _, shown := range []struct {
		args []string
		want []string
	}{
		{[]string{"status"}, []string{"chat", "eu-west", "ServingSecondary", "us-east"}},
		{[]string{"status", "-A", "-o", "wide"}, []string{w.ns, b.Status.ActiveEndpoint}},
		{[]string{"status", "chat"}, []string{w.ns + "/chat", "* eu-west", "us-east stopped serving (Status503", "us-east is tried", "traffic goes back to us-east"}},
		{[]string{"status", "chat", "-o", "yaml"}, []string{"activeRegion: eu-west", "event: Failback"}},
		{[]string{"explain", "chat"}, []string{"its breaker must close", "minDuration (1h0m0s) must be over", "reset chat -n " + w.ns}},
		{[]string{"history", "chat", "-o", "wide"}, []string{"BreakerOpened", "us-east -> eu-west", newest(b, llmv1alpha1.TransitionFailedOver).Message}},
	} {
		out, _ := p.runs(0, shown.args...)
		for _, want := range shown.want {
			if !strings.Contains(out, want) {
				t.Errorf("kubectl breakwater %s does not say %q:\n%s", strings.Join(shown.args, " "), want, out)
			}
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("kubectl breakwater %s: colours, but not on a terminal:\n%q", strings.Join(shown.args, " "), out)
		}
	}
	out, _ := p.runs(0, "history", "chat", "-o", "json")
	var log struct{ Transitions []llmv1alpha1.Transition }
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(log.Transitions)
	if diff := cmp.Diff(b.Status.History, log.Transitions); diff != "" {
		t.Errorf("history (-status +plugin):\n%s", diff)
	}
}

func TestPluginRefuses(t *testing.T) {
	w := newWorld(t)
	w.serve()
	p := w.administrator()
	for _, refused := range []struct {
		code int
		want string
		args []string
	}{
		{2, `has no region "mars": write one of us-east, eu-west`, []string{"switch", "chat", "--to", "mars"}},
		{2, "which region? write --to REGION", []string{"switch", "chat"}},
		{2, "both eu-west and --to us-east are given", []string{"switch", "chat", "eu-west", "--to", "us-east"}},
		{2, "there is no LLMBackend nobody in namespace " + w.ns, []string{"status", "nobody"}},
		{2, "there is no LLMBackend nobody", []string{"reset", "nobody"}},
		{2, "svc/chat is no LLMBackend", []string{"status", "svc/chat"}},
		{2, "leave them out, or the name", []string{"status", "chat", "-A"}},
		{2, "is over already", []string{"pause", "chat", "--until", "2020-01-01T00:00:00Z"}},
		{2, "is no time: write one such as", []string{"pause", "chat", "--until", "tomorrow"}},
		{2, "is too short", []string{"pause", "chat", "--for", "0s"}},
		{2, "[for until]", []string{"pause", "chat", "--for", "1h", "--until", "2099-01-01T00:00:00Z"}},
		{2, `there is no output format "wide"`, []string{"explain", "chat", "-o", "wide"}},
		{2, "there is no --dry-run=perhaps", []string{"reset", "chat", "--dry-run=perhaps"}},
		{2, "leaves no time to wait", []string{"reset", "chat", "--timeout", "0"}},
		{2, `has no region "mars"`, []string{"wait", "chat", "--for-region", "mars"}},
		{3, "traffic goes to us-east: see kubectl breakwater explain", []string{"wait", "chat", "--for-region", "eu-west", "--timeout", "0"}},
		{3, "traffic goes to us-east", []string{"wait", "chat", "--for-region", "eu-west", "--timeout", "300ms"}},
	} {
		if _, errs := p.runs(refused.code, refused.args...); !strings.Contains(errs, refused.want) {
			t.Errorf("kubectl breakwater %s: %q, want %q", strings.Join(refused.args, " "), errs, refused.want)
		}
	}
	if b := w.get("chat"); len(b.Annotations) > 0 {
		t.Errorf("annotations %v, want none", b.Annotations)
	}
}

// Who may only look needs no other rights, and is told what is missing for an order.
func TestPluginForViewers(t *testing.T) {
	w := newWorld(t)
	w.serve()
	w.create(&rbacv1.Role{Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{llmv1alpha1.GroupVersion.Group}, Resources: []string{"llmbackends"}, Verbs: []string{"get", "list", "watch"},
	}}}, "viewer", w.ns)
	w.create(&rbacv1.RoleBinding{
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "viewer"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "viewer-of-" + w.ns}},
	}, "viewer", w.ns)
	kubeconfig, err := controlPlane.UserKubeconfig("viewer-of-" + w.ns)
	if err != nil {
		t.Fatal(err)
	}
	viewer := person{w, kubeconfig}
	for _, args := range [][]string{
		{"status"}, {"status", "chat"}, {"explain", "chat"}, {"history", "chat"}, {"wait", "chat", "--for-region", "us-east"},
	} {
		viewer.runs(0, args...)
	}
	if _, errs := viewer.runs(2, "reset", "chat"); !strings.Contains(errs, "forbidden") {
		t.Errorf("a reset without the right to it: %q", errs)
	}
}

func TestPluginWatches(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"), openDuration("1h"))
	cmd := w.administrator().command("status", "chat", "-w", "-o", "json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer deadline.Stop()
	pictures := json.NewDecoder(out)
	var regions []string
	for !slices.Contains(regions, "eu-west") {
		var picture struct {
			ActiveRegion string
			Published    bool
		}
		if err := pictures.Decode(&picture); err != nil {
			t.Fatalf("after %v: %v", regions, err)
		}
		if len(regions) == 0 {
			w.set(east, lab.Status(503))
		}
		regions = append(regions, picture.ActiveRegion)
	}
	if regions[0] != "us-east" {
		t.Errorf("first shown with region %s, want us-east", regions[0])
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted: %v, want exit code 0", err)
	}
}

// kubectl itself completes what follows "kubectl breakwater", by the plugin's script in the PATH.
func TestPluginCompletion(t *testing.T) {
	w := newWorld(t)
	w.serve()
	folder, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{folder, filepath.Dir(controlPlane.KubectlPath()), os.Getenv("PATH")}, string(os.PathListSeparator))
	for _, test := range []struct {
		typed []string
		want  []string
	}{
		{[]string{"sw"}, []string{"switch"}},
		{[]string{"status", "-n", w.ns, ""}, []string{"chat"}},
		{[]string{"switch", "-n", w.ns, "chat", "--to", ""}, []string{"us-east", "eu-west"}},
		{[]string{"switch", "-n", w.ns, "chat", ""}, []string{"us-east", "eu-west"}},
		{[]string{"wait", "-n", w.ns, "chat", "--for-region", "eu"}, []string{"us-east", "eu-west"}},
		{[]string{"status", "-o", ""}, []string{"json", "yaml", "wide"}},
	} {
		cmd := exec.CommandContext(w.ctx, controlPlane.KubectlPath(), append([]string{"__complete", "breakwater"}, test.typed...)...)
		cmd.Env = append(os.Environ(), "PATH="+path, "KUBECONFIG="+controlPlane.Kubeconfig())
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%q: %v", test.typed, err)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); !strings.HasPrefix(word, ":") {
				got = append(got, word)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("what follows %q (-want +got):\n%s", test.typed, diff)
		}
	}
}
