// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The node of a Cluster.
const (
	nodeName    = "node"
	nodeAddress = "10.0.1.1"
)

// componentTimeout bounds the start, and the stop, of what runs beside the API
// server, each.
const componentTimeout = time.Minute

// Cluster is a control plane, kube-controller-manager included, and a node with
// kube-proxy: clients on the node call ClusterIPs with real packets. Regions
// are hosts on its Network.
type Cluster struct {
	ControlPlane *ControlPlane
	Network      *Network
	// Node is where clients and operators run.
	Node *Host

	assets     string
	clientset  *kubernetes.Clientset
	components []*Process
}

// StartCluster starts a cluster, and waits until a ClusterIP answers on its
// node. The caller stops it, after
// what else runs on its hosts. There is one at a time. MissingForCluster says
// beforehand whether it can be.
func StartCluster(ctx context.Context, opts ...Option) (*Cluster, error) {
	assets, err := AssetsDir("kube-controller-manager", "kube-proxy")
	if err != nil {
		return nil, err
	}
	c := &Cluster{assets: assets}
	if err := c.start(ctx, opts); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, opts []Option) (err error) {
	if c.Network, err = NewNetwork(); err != nil {
		return err
	}
	if c.Node, err = c.Network.AddNode(nodeName, net.ParseIP(nodeAddress)); err != nil {
		return err
	}
	if c.ControlPlane, err = StartControlPlane(ctx, append(opts, reachable)...); err != nil {
		return err
	}
	if c.clientset, err = kubernetes.NewForConfig(c.ControlPlane.Config); err != nil {
		return err
	}
	if err := c.startControllers(); err != nil {
		return err
	}
	// kube-proxy ends itself when the addresses of its node change.
	if err := c.registerNode(ctx); err != nil {
		return fmt.Errorf("registering the node: %w", err)
	}
	if err := c.startProxy(); err != nil {
		return err
	}
	return c.awaitProxy(ctx)
}

// Stop ends everything and removes its data. It may be called again.
func (c *Cluster) Stop() error {
	var failed error
	for _, p := range c.components {
		ctx, cancel := context.WithTimeout(context.Background(), componentTimeout)
		failed = errors.Join(failed, p.Stop(ctx))
		cancel()
	}
	c.components = nil
	if c.ControlPlane != nil {
		failed = errors.Join(failed, c.ControlPlane.Stop())
	}
	if c.Network != nil {
		failed = errors.Join(failed, c.Network.Close())
		c.Network = nil
	}
	return failed
}

func (c *Cluster) registerNode(ctx context.Context) error {
	nodes := c.clientset.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeAddress}}
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// awaitProxy waits until the ClusterIP of the API server leads to it.
func (c *Cluster) awaitProxy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, componentTimeout)
	defer cancel()
	proxy := c.components[len(c.components)-1]
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		attempt, end := context.WithTimeout(ctx, time.Second)
		conn, err := c.Node.DialContext(attempt, "tcp", "10.96.0.1:443")
		end()
		if err == nil {
			return conn.Close()
		}
		select {
		case <-retry.C:
		case <-proxy.Done():
			return fmt.Errorf("kube-proxy has ended:\n%s", proxy.Tail(10))
		case <-ctx.Done():
			return fmt.Errorf("no answer through a ClusterIP: %w\n%s", err, proxy.Tail(10))
		}
	}
}

// file writes a file of a component's configuration and returns its path.
func (c *Cluster) file(name, content string) (string, error) {
	path := filepath.Join(c.ControlPlane.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}
