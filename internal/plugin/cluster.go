// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// FieldManager is who the API server takes the plugin for: what it has written shows as this in managedFields.
const FieldManager = "kubectl-breakwater"

var resource = llmv1alpha1.GroupVersion.WithResource("llmbackends")

// Cluster is the LLMBackends of a cluster.
type Cluster struct {
	client dynamic.Interface
	// Namespace is the one that commands are about.
	Namespace string
}

// Connect returns the cluster that the flags of kubectl lead to. Nothing is asked of it yet.
func Connect(flags genericclioptions.RESTClientGetter) (*Cluster, error) {
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{client, namespace}, nil
}

// Name returns the name of an LLMBackend as it is given on the command line: chat, or llmb/chat as kubectl prints it.
func Name(arg string) (string, error) {
	kind, name, hasKind := strings.Cut(arg, "/")
	if !hasKind {
		return arg, nil
	}
	if !slices.Contains([]string{"llmb", "llmbackend", "llmbackends", resource.Resource + "." + resource.Group, "llmbackend." + resource.Group}, strings.ToLower(kind)) {
		return "", fmt.Errorf("%s is no LLMBackend: write its name, such as chat or llmb/chat", arg)
	}
	return name, nil
}

// Get returns an LLMBackend.
func (c *Cluster) Get(ctx context.Context, name string) (*llmv1alpha1.LLMBackend, error) {
	o, err := c.client.Resource(resource).Namespace(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, c.told(err, name)
	}
	return typed(o)
}

// List returns the LLMBackends with these labels, by namespace and name.
func (c *Cluster) List(ctx context.Context, labels string) ([]*llmv1alpha1.LLMBackend, error) {
	list, err := c.client.Resource(resource).Namespace(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err != nil {
		return nil, c.told(err, "")
	}
	var found []*llmv1alpha1.LLMBackend
	for i := range list.Items {
		b, err := typed(&list.Items[i])
		if err != nil {
			return nil, err
		}
		found = append(found, b)
	}
	slices.SortFunc(found, func(a, b *llmv1alpha1.LLMBackend) int { return strings.Compare(key(a), key(b)) })
	return found, nil
}

// find returns the LLMBackend of that name, or those with these labels.
func (c *Cluster) find(ctx context.Context, which Selection) ([]*llmv1alpha1.LLMBackend, error) {
	if which.Name == "" {
		return c.List(ctx, which.Labels)
	}
	b, err := c.Get(ctx, which.Name)
	return []*llmv1alpha1.LLMBackend{b}, err
}

// key is the namespace and name of an LLMBackend.
func key(b *llmv1alpha1.LLMBackend) string { return b.Namespace + "/" + b.Name }

// annotate sets annotations by a merge patch: server-side apply would take back those of earlier orders.
func (c *Cluster) annotate(ctx context.Context, name string, annotations map[string]string, dryRun bool) (*llmv1alpha1.LLMBackend, error) {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return nil, err
	}
	options := metav1.PatchOptions{FieldManager: FieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	o, err := c.client.Resource(resource).Namespace(c.Namespace).Patch(ctx, name, types.MergePatchType, patch, options)
	if err != nil {
		return nil, c.told(err, name)
	}
	return typed(o)
}

// Selection says which LLMBackends are meant: the one of that name, or those with these labels.
type Selection struct{ Name, Labels string }

// Follow calls see with every state of the LLMBackends, beginning with the present one, until it returns that it has
// seen enough. A deleted LLMBackend is seen once more, with its deletion time. It returns ctx.Err() when ctx ends
// first. Connections that break are made anew.
func (c *Cluster) Follow(ctx context.Context, which Selection, see func(*llmv1alpha1.LLMBackend) (enough bool, err error)) error {
	selected := func(o *metav1.ListOptions) {
		o.LabelSelector = which.Labels
		if which.Name != "" {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", which.Name).String()
		}
	}
	backends := c.client.Resource(resource).Namespace(c.Namespace)
	source := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			selected(&o)
			return backends.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			selected(&o)
			return backends.Watch(ctx, o)
		},
	}, c.client)
	_, err := watchtools.UntilWithSync(ctx, source, &unstructured.Unstructured{}, nil, func(e watch.Event) (bool, error) {
		o, ok := e.Object.(*unstructured.Unstructured)
		if !ok {
			return false, fmt.Errorf("the API server sent %T", e.Object)
		}
		b, err := typed(o)
		if err != nil {
			return false, err
		}
		if e.Type == watch.Deleted && b.DeletionTimestamp == nil {
			b.DeletionTimestamp = new(metav1.Now())
		}
		return see(b)
	})
	if wait.Interrupted(err) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func typed(o *unstructured.Unstructured) (*llmv1alpha1.LLMBackend, error) {
	b := &llmv1alpha1.LLMBackend{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, b); err != nil {
		return nil, fmt.Errorf("read LLMBackend %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	return b, nil
}

// told says of an error what to do about it, where that is known.
func (c *Cluster) told(err error, name string) error {
	var status *apierrors.StatusError
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return err
	}
	if d := status.ErrStatus.Details; name == "" || d == nil || d.Name != name {
		return errors.New("this cluster does not know LLMBackends: install Breakwater, or choose another --context")
	}
	return fmt.Errorf("there is no LLMBackend %s in namespace %s: see kubectl breakwater status -A", name, c.Namespace)
}

// Namespaces returns the names of all namespaces.
func (c *Cluster) Namespaces(ctx context.Context) ([]string, error) {
	list, err := c.client.Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, o := range list.Items {
		names = append(names, o.GetName())
	}
	return names, nil
}
