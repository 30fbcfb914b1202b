// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package playground runs what the demo and the lab show: a control plane, the
// operator, three regions, an LLMBackend over them and, where the machine allows
// real packets, a node with kube-proxy and a client.
package playground

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// Namespace and Name are those of the LLMBackend, and Name that of its Service.
const (
	Namespace = "apps"
	Name      = "chat"
)

// The operator runs as the ServiceAccount that its manifests give rights to.
const (
	operatorNamespace = "breakwater-system"
	operatorAccount   = "breakwater-manager"
	operatorUser      = "system:serviceaccount:" + operatorNamespace + ":" + operatorAccount
)

// stopTimeout bounds the stop of each process.
const stopTimeout = 10 * time.Second

//go:embed sample.yaml
var sample []byte

// Playground is everything that runs.
type Playground struct {
	ControlPlane *lab.ControlPlane
	// Missing says why there is no node, no kube-proxy and no client; nil means
	// that there are.
	Missing error
	// Calls are those of the client, nil before StartClient.
	Calls *load.Client
	// Operator is nil before StartOperator.
	Operator *lab.Process
	// Client is that of an administrator.
	Client client.WithWatch

	cluster *lab.Cluster // nil if something is missing
	root    string       // of the repository
	dir     string       // for what is gone afterwards
	regions []*lab.Process
}

// Start starts the control plane and the node, and installs the CRD and the
// operator's rights, with the policies and flow schemas that go with them. Where something is missing for the node, as
// lab.MissingForCluster says, the rest is started without. The caller stops it,
// also after an error.
func Start(ctx context.Context, missing error) (*Playground, error) {
	p := &Playground{Missing: missing}
	return p, p.start(ctx)
}

func (p *Playground) start(ctx context.Context) (err error) {
	if p.root, err = lab.RepositoryRoot(); err != nil {
		return err
	}
	if p.dir, err = os.MkdirTemp("", "playground-"); err != nil {
		return err
	}
	if err := p.startControlPlane(ctx, filepath.Join(p.root, "config", "crd", "bases")); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), llmv1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if p.Client, err = client.NewWithWatch(p.ControlPlane.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if _, err := p.ControlPlane.Kubectl(ctx, "create", "namespace", operatorNamespace); err != nil {
		return err
	}
	for _, part := range []string{"rbac", "policy", "flowcontrol"} {
		if _, err := p.ControlPlane.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(p.root, "config", part)); err != nil {
			return err
		}
	}
	return nil
}

// Plain says whether there is no node, and Missing why.
func (p *Playground) Plain() bool { return p.Missing != nil }

func (p *Playground) startControlPlane(ctx context.Context, crds string) (err error) {
	if p.Plain() {
		p.ControlPlane, err = lab.StartControlPlane(ctx, lab.WithCRDs(crds))
		return err
	}
	if p.cluster, err = lab.StartCluster(ctx, lab.WithCRDs(crds)); err != nil {
		return err
	}
	p.ControlPlane = p.cluster.ControlPlane
	return nil
}

// StartOperator starts bin/manager, which logs to a file that stays.
func (p *Playground) StartOperator(ctx context.Context, logName string) error {
	program, err := p.program("manager", "make build")
	if err != nil {
		return err
	}
	logs := filepath.Join(p.root, "bin", "log")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	start, kubeconfig, err := p.operatorPlace(ctx)
	if err != nil {
		return err
	}
	p.Operator, err = start("the operator", filepath.Join(logs, logName), program,
		"--kubeconfig="+kubeconfig, "--leader-elect=false",
		"--metrics-bind-address=0", "--health-probe-bind-address=0")
	return err
}

// startProcess is lab.StartProcess, or that of a host.
type startProcess func(name, log, path string, args ...string) (*lab.Process, error)

// operatorPlace says where the operator runs and which kubeconfig it uses.
// Without a node it has a certificate in the ServiceAccount's name.
func (p *Playground) operatorPlace(ctx context.Context) (start startProcess, kubeconfig string, err error) {
	if p.cluster == nil {
		kubeconfig, err = p.ControlPlane.UserKubeconfig(operatorUser)
		return lab.StartProcess, kubeconfig, err
	}
	kubeconfig, err = p.cluster.ServiceAccountKubeconfig(ctx, operatorNamespace, operatorAccount)
	return p.cluster.Node.StartProcess, kubeconfig, err
}

// StartShell starts a command that a person plays with, on the node if there is
// one: ClusterIPs lead somewhere only there.
func (p *Playground) StartShell(shell *exec.Cmd) error {
	if p.cluster == nil {
		return shell.Start()
	}
	return p.cluster.Node.Start(shell)
}

// Apply applies the LLMBackend.
func (p *Playground) Apply(ctx context.Context) error {
	file := filepath.Join(p.dir, "llmbackend.yaml")
	if err := os.WriteFile(file, sample, 0o600); err != nil {
		return err
	}
	_, err := p.ControlPlane.Kubectl(ctx, "apply", "-f", file)
	return err
}

// Stop stops everything, the operator first. A process that is still there when
// ctx ends, or after a bound of its own, is killed.
func (p *Playground) Stop(ctx context.Context) error {
	var failed error
	if p.Calls != nil {
		p.Calls.Stop()
	}
	processes := p.regions
	if p.Operator != nil {
		processes = append([]*lab.Process{p.Operator}, processes...)
	}
	for _, process := range processes {
		failed = errors.Join(failed, stopProcess(ctx, process))
	}
	switch {
	case p.cluster != nil:
		failed = errors.Join(failed, p.cluster.Stop())
	case p.ControlPlane != nil:
		failed = errors.Join(failed, p.ControlPlane.Stop())
	}
	if p.dir != "" {
		failed = errors.Join(failed, os.RemoveAll(p.dir))
	}
	return failed
}

func stopProcess(ctx context.Context, process *lab.Process) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return process.Stop(ctx)
}

// program returns the path of a command in bin.
func (p *Playground) program(name, target string) (string, error) {
	path := filepath.Join(p.root, "bin", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no %s: %w: run %q", name, err, target)
	}
	return path, nil
}
