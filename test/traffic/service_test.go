// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

func spec(port int32, families ...corev1.IPFamily) traffic.ServiceSpec {
	return traffic.ServiceSpec{Name: "llm", Port: port, IPFamilies: families, Scheme: "http"}
}

// ensure calls EnsureService for LLMBackend uid and wants a Service.
func (o *operator) ensure(w *world, uid types.UID, s traffic.ServiceSpec, retain bool) *corev1.Service {
	w.t.Helper()
	svc, refusal, err := o.EnsureService(w.t.Context(), w.owner(uid), s, retain)
	if err != nil || refusal != nil {
		w.t.Fatalf("EnsureService: refusal %+v, error %v", refusal, err)
	}
	return svc
}

func (o *operator) wantWrites(t *testing.T, want int) {
	t.Helper()
	writes := o.client.takeWrites()
	if len(writes) != want {
		t.Errorf("%d writes, want %d: %v", len(writes), want, writes)
	}
	for _, err := range writes {
		if err != nil {
			t.Errorf("a write was refused: %v", err)
		}
	}
}

func ownerUIDs(refs []metav1.OwnerReference) []types.UID {
	var uids []types.UID
	for _, ref := range refs {
		uids = append(uids, ref.UID)
	}
	return uids
}

func TestServiceIsCreatedOnce(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()

	returned := op.ensure(w, "uid-1", spec(80), false)
	op.wantWrites(t, 1)
	stored := w.service()
	if diff := cmp.Diff(stored, returned); diff != "" {
		t.Errorf("returned Service is not the stored one (-stored +returned):\n%s", diff)
	}

	type facts struct {
		Labels, Annotations, Selector map[string]string
		Ports                         []corev1.ServicePort
		Families                      []corev1.IPFamily
		Policy                        corev1.IPFamilyPolicy
		Owners                        []metav1.OwnerReference
	}
	port := corev1.ServicePort{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80}
	port.TargetPort.IntVal = 80 // the API server's default
	want := facts{
		Labels:      map[string]string{"app.kubernetes.io/managed-by": "breakwater"},
		Annotations: map[string]string{"llm.breakwater.dev/backend": "chat"},
		Ports:       []corev1.ServicePort{port},
		Families:    []corev1.IPFamily{v4},
		Policy:      corev1.IPFamilyPolicySingleStack,
		Owners: []metav1.OwnerReference{{
			APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: "chat", UID: "uid-1",
			Controller: new(true), BlockOwnerDeletion: new(true),
		}},
	}
	got := facts{
		stored.Labels, stored.Annotations, stored.Spec.Selector,
		stored.Spec.Ports, stored.Spec.IPFamilies, *stored.Spec.IPFamilyPolicy, stored.OwnerReferences,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created Service (-want +got):\n%s", diff)
	}
	if refusal := traffic.CheckService(stored, "chat", 80); refusal != nil {
		t.Errorf("the operator refuses its own Service: %+v", refusal)
	}

	op.ensure(w, "uid-1", spec(80), false)
	op.wantWrites(t, 0)
}

func TestServiceOfTheOperatorFollowsTheSpec(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	op.ensure(w, "uid-1", spec(80), false)
	labelled := w.service()
	labelled.Labels["team"] = "ml"
	w.asSomebody(labelled)
	clusterIP := labelled.Spec.ClusterIP

	steps := []struct {
		name     string
		before   func(*corev1.Service) // somebody's edit
		uid      types.UID
		spec     traffic.ServiceSpec
		retain   bool
		ports    []int32
		families []corev1.IPFamily
		owners   []types.UID
	}{
		{name: "another port", uid: "uid-1", spec: spec(8080), ports: []int32{8080}, families: []corev1.IPFamily{v4}, owners: []types.UID{"uid-1"}},
		{name: "retain", uid: "uid-1", spec: spec(8080), retain: true, ports: []int32{8080}, families: []corev1.IPFamily{v4}},
		{name: "delete again", uid: "uid-1", spec: spec(8080), ports: []int32{8080}, families: []corev1.IPFamily{v4}, owners: []types.UID{"uid-1"}},
		{name: "retain once more", uid: "uid-1", spec: spec(8080), retain: true, ports: []int32{8080}, families: []corev1.IPFamily{v4}},
		{name: "a re-created LLMBackend", uid: "uid-2", spec: spec(8080), ports: []int32{8080}, families: []corev1.IPFamily{v4}, owners: []types.UID{"uid-2"}},
		{name: "and another", uid: "uid-3", spec: spec(8080), ports: []int32{8080}, families: []corev1.IPFamily{v4}, owners: []types.UID{"uid-3"}},
		{name: "dual-stack", uid: "uid-3", spec: spec(8080, v4, v6), ports: []int32{8080}, families: []corev1.IPFamily{v4, v6}, owners: []types.UID{"uid-3"}},
		{name: "families no longer said", uid: "uid-3", spec: spec(8080), ports: []int32{8080}, families: []corev1.IPFamily{v4, v6}, owners: []types.UID{"uid-3"}},
		{name: "single-stack", uid: "uid-3", spec: spec(8080, v4), ports: []int32{8080}, families: []corev1.IPFamily{v4}, owners: []types.UID{"uid-3"}},
		{
			name: "port edited by somebody", before: func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 },
			uid: "uid-3", spec: spec(8080), ports: []int32{8080}, families: []corev1.IPFamily{v4}, owners: []types.UID{"uid-3"},
		},
		{
			name: "port added by somebody", before: func(s *corev1.Service) {
				s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "extra", Port: 9})
			},
			uid: "uid-3", spec: spec(8080), retain: true, ports: []int32{8080, 9}, families: []corev1.IPFamily{v4},
		},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			w := &world{t: t, client: w.client, namespace: w.namespace}
			if step.before != nil {
				svc := w.service()
				step.before(svc)
				w.asSomebody(svc)
			}
			returned := op.ensure(w, step.uid, step.spec, step.retain)
			stored := w.service()
			if diff := cmp.Diff(stored, returned); diff != "" {
				t.Errorf("returned Service is not the stored one (-stored +returned):\n%s", diff)
			}
			var ports []int32
			for _, port := range stored.Spec.Ports {
				ports = append(ports, port.Port)
			}
			if diff := cmp.Diff(step.ports, ports); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(step.families, stored.Spec.IPFamilies); diff != "" {
				t.Errorf("families (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(step.owners, ownerUIDs(stored.OwnerReferences)); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
			if stored.Labels["team"] != "ml" || stored.Spec.ClusterIP != clusterIP {
				t.Errorf("label %q and cluster IP %s did not survive", stored.Labels["team"], stored.Spec.ClusterIP)
			}
			op.client.takeWrites()
			op.ensure(w, step.uid, step.spec, step.retain)
			op.wantWrites(t, 0)
		})
	}
}

// The slices refer to the port by name, so renaming it would cut the traffic until they follow.
func TestServicePortKeepsItsName(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	svc := op.ensure(w, "uid-1", spec(80), false)
	svc.Spec.Ports[0].Name = "web"
	svc.OwnerReferences = nil // a reason to apply
	w.asSomebody(svc)

	secure := spec(80)
	secure.Scheme = "https"
	svc = op.ensure(w, "uid-1", secure, false)
	if name, _ := traffic.PortName(svc, 80); name != "web" || len(svc.OwnerReferences) != 1 {
		t.Errorf("port name %q, owners %v, want web and one owner", name, ownerUIDs(svc.OwnerReferences))
	}
}

func TestServiceOfAUserIsNeverChanged(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	w.must(w.client.Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: "llm", Annotations: map[string]string{traffic.BackendAnnotation: "chat"},
		},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "web", Port: 80}}},
	}))
	before := asJSON(t, w.service())

	for _, retain := range []bool{false, true} {
		svc := op.ensure(w, "uid-1", spec(80, v4, v6), retain)
		if name, ok := traffic.PortName(svc, 80); name != "web" || !ok {
			t.Errorf("port name %q, %v, want web", name, ok)
		}
	}
	_, refusal, err := op.EnsureService(t.Context(), w.owner("uid-1"), spec(81), false)
	if err != nil || refusal == nil || refusal.Reason != traffic.RefusedPort {
		t.Errorf("port 81: refusal %+v, error %v, want %s", refusal, err, traffic.RefusedPort)
	}
	if diff := cmp.Diff(before, asJSON(t, w.service())); diff != "" {
		t.Errorf("the user's Service was changed:\n%s", diff)
	}
	op.wantWrites(t, 0)
}

func TestServiceBehindTheCache(t *testing.T) {
	t.Run("a user was faster: refused, not adopted", func(t *testing.T) {
		w := newWorld(t)
		op := w.newOperator()
		w.must(w.client.Create(t.Context(), &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "llm"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}))
		before := asJSON(t, w.service())
		op.client.freeze("llm", nil)
		_, refusal, err := op.EnsureService(t.Context(), w.owner("uid-1"), spec(80), false)
		if err != nil || refusal == nil || refusal.Reason != traffic.RefusedNotAnnotated {
			t.Errorf("refusal %+v, error %v", refusal, err)
		}
		if writes := op.client.takeWrites(); len(writes) != 1 || !apierrors.IsAlreadyExists(writes[0]) {
			t.Errorf("writes %v, want one AlreadyExists", writes)
		}
		if diff := cmp.Diff(before, asJSON(t, w.service())); diff != "" {
			t.Errorf("the user's Service was changed:\n%s", diff)
		}
	})
	t.Run("an edit not seen yet survives the update", func(t *testing.T) {
		w := newWorld(t)
		op := w.newOperator()
		op.client.freeze("llm", op.ensure(w, "uid-1", spec(80), false))
		edited := w.service()
		edited.Annotations["team"] = "ml"
		w.asSomebody(edited)
		op.client.takeWrites()

		svc := op.ensure(w, "uid-1", spec(8080), false)
		if svc.Spec.Ports[0].Port != 8080 || svc.Annotations["team"] != "ml" {
			t.Errorf("ports %v, annotations %v", svc.Spec.Ports, svc.Annotations)
		}
		if writes := op.client.takeWrites(); len(writes) != 2 || !apierrors.IsConflict(writes[0]) || writes[1] != nil {
			t.Errorf("writes %v, want one Conflict and one that went through", writes)
		}
	})
	t.Run("an edit not seen yet makes it unusable", func(t *testing.T) {
		w := newWorld(t)
		op := w.newOperator()
		op.client.freeze("llm", op.ensure(w, "uid-1", spec(80), true))
		edited := w.service()
		edited.Spec.Selector = map[string]string{"app": "vllm"}
		w.asSomebody(edited)
		before := asJSON(t, w.service())

		_, refusal, err := op.EnsureService(t.Context(), w.owner("uid-1"), spec(80), false)
		if err != nil || refusal == nil || refusal.Reason != traffic.RefusedSelector {
			t.Errorf("refusal %+v, error %v", refusal, err)
		}
		if diff := cmp.Diff(before, asJSON(t, w.service())); diff != "" {
			t.Errorf("the Service was changed:\n%s", diff)
		}
	})
	t.Run("the API server's refusal is passed on", func(t *testing.T) {
		w := newWorld(t)
		op := w.newOperator()
		_, _, err := op.EnsureService(t.Context(), w.owner("uid-1"), spec(0), false)
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), w.namespace+"/llm") {
			t.Errorf("error %v, want Invalid, naming the Service", err)
		}
	})
}
