// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"encoding/json"
	"net/netip"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

const (
	v4 = corev1.IPv4Protocol
	v6 = corev1.IPv6Protocol

	slice4 = "llm-breakwater-ipv4"
	slice6 = "llm-breakwater-ipv6"
)

// world is a namespace of its own on the API server, as others than the operator see and change it.
type world struct {
	t         *testing.T
	client    client.Client
	namespace string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, client: newClient(t)}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "traffic-"}}
	w.must(w.client.Create(t.Context(), namespace))
	w.namespace = namespace.Name
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) owner(uid types.UID) traffic.Owner {
	return traffic.Owner{
		APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: "chat", Namespace: w.namespace, UID: uid,
	}
}

// decision is one of the LLMBackend uid-1 for a single-stack Service.
func (w *world) decision(seq int64, addresses ...string) traffic.Decision {
	d := traffic.Decision{
		Owner:    w.owner("uid-1"),
		Service:  "llm",
		Families: []corev1.IPFamily{v4},
		PortName: "http",
		Port:     8000,
		Seq:      seq,
	}
	for _, address := range addresses {
		d.Addresses = append(d.Addresses, netip.MustParseAddr(address))
	}
	return d
}

// slice returns nil if there is none of that name.
func (w *world) slice(name string) *discoveryv1.EndpointSlice {
	w.t.Helper()
	slice := &discoveryv1.EndpointSlice{}
	err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, slice)
	if apierrors.IsNotFound(err) {
		return nil
	}
	w.must(err)
	return slice
}

func (w *world) service() *corev1.Service {
	w.t.Helper()
	svc := &corev1.Service{}
	w.must(w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "llm"}, svc))
	return svc
}

// asSomebody writes an object as a person with kubectl edit does.
func (w *world) asSomebody(object client.Object) {
	w.t.Helper()
	w.must(w.client.Update(w.t.Context(), object, client.FieldOwner("kubectl-edit")))
}

func asJSON(t *testing.T, object any) string {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// operator is a Publisher whose cache a test can stop, and whose requests it can count.
type operator struct {
	traffic.Publisher
	client *operatorClient
}

func (w *world) newOperator() *operator {
	w.t.Helper()
	c := &operatorClient{Client: newClient(w.t)}
	return &operator{Publisher: traffic.Publisher{Client: c, Live: newClient(w.t)}, client: c}
}

func (o *operator) publish(ctx context.Context, d traffic.Decision) (traffic.Result, error) {
	return o.Publish(ctx, traffic.DesiredSlices(d))
}

func (o *operator) publishOver(ctx context.Context, d traffic.Decision, stillStored func() error) (traffic.Result, error) {
	return o.PublishOver(ctx, traffic.DesiredSlices(d), stillStored)
}

// operatorClient stands for the cached client of a manager. By default its cache is never behind.
type operatorClient struct {
	client.Client

	mu     sync.Mutex
	frozen map[string]client.Object // by name; a nil object is absent
	writes []error                  // the answers to its writes
}

// freeze keeps what the cache shows under that name: the object, or nil for none.
func (c *operatorClient) freeze(name string, object client.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen == nil {
		c.frozen = map[string]client.Object{}
	}
	c.frozen[name] = object
}

// takeWrites returns the answers to the writes since the last call.
func (c *operatorClient) takeWrites() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes := c.writes
	c.writes = nil
	return writes
}

func (c *operatorClient) wrote(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, err)
	return err
}

func (c *operatorClient) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	c.mu.Lock()
	object, isFrozen := c.frozen[key.Name]
	c.mu.Unlock()
	if !isFrozen {
		return c.Client.Get(ctx, key, into, opts...)
	}
	switch object := object.(type) {
	case *discoveryv1.EndpointSlice:
		object.DeepCopyInto(into.(*discoveryv1.EndpointSlice))
		return nil
	case *corev1.Service:
		object.DeepCopyInto(into.(*corev1.Service))
		return nil
	}
	return apierrors.NewNotFound(corev1.Resource("cached"), key.Name)
}

func (c *operatorClient) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	return c.wrote(c.Client.Create(ctx, object, opts...))
}

func (c *operatorClient) Apply(ctx context.Context, object runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	return c.wrote(c.Client.Apply(ctx, object, opts...))
}

func (c *operatorClient) Patch(ctx context.Context, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
	return c.wrote(c.Client.Patch(ctx, object, patch, opts...))
}

func (c *operatorClient) Delete(ctx context.Context, object client.Object, opts ...client.DeleteOption) error {
	return c.wrote(c.Client.Delete(ctx, object, opts...))
}

func (w *world) createEndpoints(name string) {
	w.t.Helper()
	endpoints := &unstructured.Unstructured{}
	endpoints.SetAPIVersion("v1")
	endpoints.SetKind("Endpoints")
	endpoints.SetNamespace(w.namespace)
	endpoints.SetName(name)
	w.must(w.client.Create(w.t.Context(), endpoints))
}

// watchSlices returns the events of the namespace's slices from now on.
func (w *world) watchSlices() <-chan watch.Event {
	w.t.Helper()
	watcher, err := client.NewWithWatch(apiServer, client.Options{})
	w.must(err)
	watching, err := watcher.Watch(w.t.Context(), &discoveryv1.EndpointSliceList{}, client.InNamespace(w.namespace))
	w.must(err)
	w.t.Cleanup(watching.Stop)
	return watching.ResultChan()
}
