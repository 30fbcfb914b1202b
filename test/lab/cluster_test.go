// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// The cluster is started once, because that takes as long as everything in it.
func TestCluster(t *testing.T) {
	if err := lab.MissingForCluster(t.Context()); err != nil {
		t.Skip(err)
	}
	c, err := lab.StartCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	api := clientset(t, c.ControlPlane.Config)
	t.Run("TrafficFollowsSlices", func(t *testing.T) { testTraffic(t, c, api) })
	t.Run("GarbageIsCollected", func(t *testing.T) { testGarbage(t, api) })
	t.Run("ServiceAccount", func(t *testing.T) { testServiceAccount(t, c, api) })
}

// testTraffic has kube-proxy send a client on the node from one region's
// network to another's, and silences that one.
func testTraffic(t *testing.T, c *lab.Cluster, api *kubernetes.Clientset) {
	regions := map[string]*lab.Region{}
	for i, name := range []string{"us-east", "eu-west"} {
		host, err := c.Network.AddRegion(name, i+1)
		if err != nil {
			t.Fatal(err)
		}
		region, err := host.NewRegion(fmt.Sprintf("10.%d.0.10:8000", i+1), lab.WithName(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(region.Close)
		regions[name] = region
	}
	service, err := api.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "chat"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slices := api.DiscoveryV1().EndpointSlices("default")
	slice, err := slices.Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "chat", Labels: map[string]string{discoveryv1.LabelServiceName: "chat"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(8000))}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.1.0.10"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + net.JoinHostPort(service.Spec.ClusterIP, "80") + "/health"
	awaitAnswer(t, c.Node, url, "us-east")

	slice.Endpoints[0].Addresses[0] = "10.2.0.10"
	if _, err := slices.Update(t.Context(), slice, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	rewritten := time.Now()
	awaitAnswer(t, c.Node, url, "eu-west")
	t.Logf("new connections followed the slice in %s", time.Since(rewritten).Round(time.Millisecond))

	if err := regions["eu-west"].Set(lab.Silent()); err != nil {
		t.Fatal(err)
	}
	if body, err := getFrom(within(t, soon), c.Node, url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent region: %q, %v; want no answer", body, err)
	}
	if err := regions["eu-west"].Set(lab.Healthy()); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(t, c.Node, url, "eu-west")

	// In a region's network, an address that nobody listens on refuses.
	if _, err := c.Node.DialContext(within(t, ample), "tcp", "10.2.0.99:8000"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting to where nobody listens: error %v; want refused", err)
	}
}

// awaitAnswer calls from a host until a region answers.
func awaitAnswer(t *testing.T, host *lab.Host, url, region string) {
	t.Helper()
	for ctx := within(t, ample); ; time.Sleep(10 * time.Millisecond) {
		body, err := getFrom(within(t, time.Second), host, url)
		if err == nil && strings.Contains(body, region) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s did not answer at %s: %q, %v", region, url, body, err)
		}
	}
}

// getFrom makes one request from a host, on a connection of its own.
func getFrom(ctx context.Context, host *lab.Host, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: host.DialContext, DisableKeepAlives: true}}
	response, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// testGarbage deletes an owner and waits until what it owned has gone.
func testGarbage(t *testing.T, api *kubernetes.Clientset) {
	configMaps := api.CoreV1().ConfigMaps("default")
	owner, err := configMaps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owned", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID},
	}}}
	if _, err := configMaps.Create(t.Context(), owned, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := configMaps.Delete(t.Context(), owner.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t, ample); ; time.Sleep(10 * time.Millisecond) {
		_, err := configMaps.Get(t.Context(), owned.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("what a deleted object owned is still there: %v", err)
		}
	}
}

// testServiceAccount shows that its kubeconfig stands for the ServiceAccount,
// and not for an administrator.
func testServiceAccount(t *testing.T, c *lab.Cluster, api *kubernetes.Clientset) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "nobody"}}
	if _, err := api.CoreV1().ServiceAccounts("default").Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	path, err := c.ServiceAccountKubeconfig(t.Context(), "default", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = clientset(t, config).CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	const who = `User "system:serviceaccount:default:nobody" cannot list`
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), who) {
		t.Errorf("listing Secrets: error %v; want %s", err, who)
	}
}
