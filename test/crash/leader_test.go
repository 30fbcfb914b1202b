// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/apiproxy"
)

// failoverAndReset ends where it began, under another number.
var failoverAndReset = workload{
	name:  "failover-and-reset",
	begin: serving(),
	happen: func(w *world) {
		w.set("us-east", false)
		w.awaitPublished("chat", "eu-west")
		w.resetAfterFailover()
	},
	judged: []string{"chat"},
}

// resetAfterFailover has traffic move once more.
func (w *world) resetAfterFailover() {
	w.t.Helper()
	w.set("us-east", true)
	w.annotate("chat", llmv1alpha1.ResetAnnotation, "now")
	w.awaitPublished("chat", "us-east")
}

// startTwo makes a world with an operator that leads and another one that stands by.
func (l workload) startTwo(t *testing.T) (w *world, leader, standby *operator) {
	t.Helper()
	w = newWorld(t)
	w.allowLeases()
	args := []string{
		"--leader-elect=true", "--leader-election-namespace=" + w.ns, "--leader-election-lease-duration=8s",
		"--leader-election-renew-deadline=4s", "--leader-election-retry-period=500ms",
	}
	leader, standby = w.operator("leader", args...), w.operator("standby", args...)
	leader.start()
	l.begin(w)
	standby.start()
	return w, leader, standby
}

// allowLeases gives the operator's user in the namespace what it has in its own.
func (w *world) allowLeases() {
	w.t.Helper()
	const name = "leader-election"
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.ns}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}},
		{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}},
	}}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.ns},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: operatorUser}},
	}
	if err := admin.Create(w.ctx, role); err != nil {
		w.t.Fatal(err)
	}
	if err := admin.Create(w.ctx, binding); err != nil {
		w.t.Fatal(err)
	}
}

// The leader is killed at each write of a failover. The one that stands by ends it.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	l := workloadNamed(t, "failover")
	writes, want := l.undisturbed(t)
	for i := range writes {
		for _, s := range []side{before, after, late} {
			t.Run(fmt.Sprintf("%d-%s", i+1, s), func(t *testing.T) {
				t.Parallel()
				w, leader, standby := l.startTwo(t)
				release, answered := make(chan struct{}), make(chan *apiproxy.Answer, 1)
				l.arm(w, leader, func(write apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
					if write.Number != i+1 {
						return forward()
					}
					if s == after {
						forward()
					}
					leader.end()
					if s == late {
						w.hold(release)
						answered <- forward()
					}
					return nil
				})
				l.happen(w)
				w.awaitEnd(want, fmt.Sprintf("leader killed %s write %d", s, i+1))
				if close(release); s == late {
					wantRefused(t, <-answered)
				}
				w.finish(l, standby, want, fmt.Sprintf("leader killed %s write %d", s, i+1))
			})
		}
	}
}

func wantRefused(t *testing.T, late *apiproxy.Answer) {
	t.Helper()
	if late == nil || late.Status < http.StatusBadRequest {
		t.Errorf("the late write was answered with %+v, want a refusal", late)
	}
}

// The leader is frozen in the middle of a write of a failover. When it wakes up, the other one has carried out that
// failover and more. Its write is refused, and it ends.
func TestLeaderFrozen(t *testing.T) {
	t.Parallel()
	l := failoverAndReset
	_, want := l.undisturbed(t)
	for i, what := range []string{"deciding", "publishing", "confirming"} {
		for _, first := range []string{"wakes-up-first", "write-first"} {
			t.Run(what+"-"+first, func(t *testing.T) {
				t.Parallel()
				w, leader, standby := l.startTwo(t)
				release, answered := make(chan struct{}), make(chan *apiproxy.Answer, 1)
				leader.proxy.Intercept(func(write apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
					if write.Number != i+1 {
						return forward()
					}
					leader.signal(syscall.SIGSTOP)
					w.hold(release)
					answer := forward()
					answered <- answer
					return answer
				})
				l.happen(w)
				if first == "write-first" {
					close(release)
					wantRefused(t, <-answered)
					leader.signal(syscall.SIGCONT)
				} else {
					leader.signal(syscall.SIGCONT)
					close(release)
					wantRefused(t, <-answered)
				}
				leader.awaitEnd()
				w.finish(l, standby, want, "leader frozen "+what)
			})
		}
	}
}

// An operator that believes to lead hears late that its decision is stored. Another one has carried that out, and more:
// what is published is not taken back, although the slice is known as it is now.
func TestDecisionPublishedLate(t *testing.T) {
	t.Parallel()
	l := failoverAndReset
	_, want := l.undisturbed(t)
	t.Run("late", func(t *testing.T) {
		w, slow := l.start(t)
		next := w.operator("next", "--leader-elect=false")
		release := make(chan struct{})
		slow.proxy.Intercept(func(write apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
			answer := forward()
			if write.Number == 1 {
				next.start()
				w.hold(release)
			}
			return answer
		})
		l.happen(w)
		w.awaitEnd(want, "decision published late")
		close(release)
		w.finish(l, slow, want, "decision published late")
	})
}

// The leader cannot reach the API server any more, and sees a region die all the same. It ends before the other one
// writes.
func TestLeaderCutOff(t *testing.T) {
	t.Parallel()
	l := workloadNamed(t, "failover")
	_, want := l.undisturbed(t)
	t.Run("cut-off", func(t *testing.T) {
		w, leader, standby := l.startTwo(t)
		var once sync.Once
		standby.proxy.Intercept(func(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
			once.Do(func() {
				if !leader.ended() {
					t.Error("the other one writes, and the leader that was cut off still runs")
				}
			})
			return forward()
		})
		leader.proxy.Cut()
		w.set("us-east", false)
		w.awaitPublished("chat", "eu-west")
		leader.awaitEnd()
		leader.proxy.Restore()
		w.finish(l, standby, want, "leader cut off")
	})
}

// In a world with two operators that nothing disturbs, the leader alone writes.
func TestStandbyWritesNothing(t *testing.T) {
	t.Parallel()
	l := failoverAndReset
	w, leader, standby := l.startTwo(t)
	standby.proxy.Intercept(nil)
	l.happen(w)
	w.rest(l, leader)
	if writes := standby.proxy.Writes(); len(writes) > 0 {
		t.Errorf("the operator that stands by wrote %v", writes)
	}
	noCrash(t, standby)
	w.judge(l, leader)
}
