// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/breakwater-dev/breakwater/bench/internal/simulated"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// control is the API server that the operator works with.
type control interface {
	// config is that of an administrator.
	config() *rest.Config
	// operatorKubeconfig returns the path of a kubeconfig for the operator.
	operatorKubeconfig() (string, error)
	// writes returns how many writes of what the operator writes have been answered. Nobody else writes any of it
	// while the operator is measured.
	writes(ctx context.Context) (int, error)
	// cpu returns the CPU time of API server and etcd, as far as they are processes of their own.
	cpu() (apiServer, etcd time.Duration, err error)
	stop() error
}

// startControl starts a real API server, or a simulated one if the options say how much that can write.
func startControl(ctx context.Context, o options, root, dir string) (control, error) {
	if o.simulatedWrites > 0 {
		server, err := simulated.Listen(o.simulatedWrites)
		if err != nil {
			return nil, err
		}
		return simulatedControl{server, dir}, nil
	}
	return startReal(ctx, o, root)
}

// realControl is etcd and kube-apiserver.
type realControl struct {
	plane     *lab.ControlPlane
	clientset *kubernetes.Clientset

	apiServer, etcd int // process ids
}

// startReal starts them, and gives the operator its rights. After an error nothing is left running.
func startReal(ctx context.Context, o options, root string) (_ control, err error) {
	c := &realControl{}
	if c.plane, err = lab.StartControlPlane(ctx, lab.WithCRDs(filepath.Join(root, "config", "crd", "bases"))); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx, o, root); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *realControl) prepare(ctx context.Context, o options, root string) (err error) {
	if c.apiServer, err = findProcess("kube-apiserver"); err != nil {
		return err
	}
	if c.etcd, err = findProcess("etcd"); err != nil {
		return err
	}
	if c.clientset, err = kubernetes.NewForConfig(c.plane.Config); err != nil {
		return err
	}
	namespaces := []string{operatorNamespace, bareNamespace}
	for shard := range o.shards {
		namespaces = append(namespaces, shardNamespace(shard))
	}
	for _, namespace := range namespaces {
		if _, err := c.plane.Kubectl(ctx, "create", "namespace", namespace); err != nil {
			return err
		}
	}
	_, err = c.plane.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(root, "config", "rbac"))
	return err
}

func (c *realControl) config() *rest.Config { return c.plane.Config }

func (c *realControl) operatorKubeconfig() (string, error) {
	return c.plane.UserKubeconfig(operatorUser)
}

func (c *realControl) writes(ctx context.Context) (int, error) {
	text, err := c.clientset.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the API server's metrics: %w", err)
	}
	return countWrites(string(text)), nil
}

func (c *realControl) cpu() (apiServer, etcd time.Duration, err error) {
	apiServer, err = cpuTime(c.apiServer)
	if err != nil {
		return 0, 0, err
	}
	etcd, err = cpuTime(c.etcd)
	return apiServer, etcd, err
}

func (c *realControl) stop() error { return c.plane.Stop() }

// simulatedControl is a part of this program.
type simulatedControl struct {
	server *simulated.APIServer
	dir    string
}

func (c simulatedControl) config() *rest.Config { return &rest.Config{Host: c.server.URL(), QPS: -1} }

func (c simulatedControl) operatorKubeconfig() (string, error) {
	const name = "simulated"
	path := filepath.Join(c.dir, "kubeconfig")
	return path, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: c.server.URL()}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name}},
		CurrentContext: name,
	}, path)
}

func (c simulatedControl) writes(context.Context) (int, error) { return c.server.Writes(), nil }

func (c simulatedControl) cpu() (apiServer, etcd time.Duration, err error) { return 0, 0, nil }

func (c simulatedControl) stop() error { return c.server.Close() }
