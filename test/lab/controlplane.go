// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout bounds the start and the stop of etcd and of the API server, each. A busy
// machine of two cores needs up to 20 s.
const startTimeout = 2 * time.Minute

// ControlPlane is a running etcd and kube-apiserver, with RBAC on.
type ControlPlane struct {
	// Config is that of an administrator, without a client-side rate limit.
	Config *rest.Config

	env      *envtest.Environment
	dir      string
	auditLog string
}

// Option changes how StartControlPlane starts a control plane.
type Option func(*options)

type options struct {
	crdPaths  []string
	admission []string
	audit     bool
	reachable bool
}

// WithCRDs installs the CRDs in a file or folder, and waits until the API
// server serves them. Repeat it for more.
func WithCRDs(path string) Option {
	return func(o *options) { o.crdPaths = append(o.crdPaths, path) }
}

// WithAuditLog has the API server record every request, for Audit.
func WithAuditLog() Option {
	return func(o *options) { o.audit = true }
}

// reachable has the API server listen on apiServerAddress instead of the
// loopback interface, for the hosts of a Network.
func reachable(o *options) { o.reachable = true }

// Where a reachable API server is.
const (
	apiServerAddress = "10.0.0.1"
	apiServerPort    = "6443"
)

// WithAdmissionPlugins turns on admission plugins of the API server that are off
// by default.
func WithAdmissionPlugins(names ...string) Option {
	return func(o *options) { o.admission = append(o.admission, names...) }
}

// StartControlPlane starts etcd and kube-apiserver on the loopback interface,
// with temporary data. The caller stops it. An error names what is missing, or
// ends with what kube-apiserver printed last.
func StartControlPlane(ctx context.Context, opts ...Option) (*ControlPlane, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	assets, err := AssetsDir()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "controlplane-")
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{dir: dir}
	if err := c.start(ctx, assets, o); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context, assets string, o options) error {
	output, err := os.Create(filepath.Join(c.dir, "kube-apiserver.log"))
	if err != nil {
		return err
	}
	// The API server inherits the file; this copy is of no further use.
	defer func() { _ = output.Close() }()

	if err := os.Mkdir(c.certificates(), 0o700); err != nil {
		return err
	}
	c.env = c.environment(assets, o, output)
	if o.audit {
		if err := c.configureAudit(); err != nil {
			return err
		}
	}
	if _, err := c.env.Start(); err != nil {
		return fmt.Errorf("starting the control plane: %w\n%s", err, lastLines(output.Name(), 5))
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	if c.Config, err = c.UserConfig("admin", "system:masters"); err != nil {
		return err
	}
	return os.WriteFile(c.Kubeconfig(), c.env.KubeConfig, 0o600)
}

func (c *ControlPlane) environment(assets string, o options, output *os.File) *envtest.Environment {
	apiServer := &envtest.APIServer{
		Path: filepath.Join(assets, "kube-apiserver"),
		// A folder of our own keeps certificates and port over a restart.
		CertDir: c.certificates(),
		Out:     output,
		Err:     output,
	}
	apiServer.Configure().
		Set("service-cluster-ip-range", "10.96.0.0/16,fd00:96::/112").
		Set("advertise-address", apiServerAddress)
	if o.reachable {
		apiServer.SecureServing.Address, apiServer.SecureServing.Port = apiServerAddress, apiServerPort
	}
	if len(o.admission) > 0 {
		apiServer.Configure().Set("enable-admission-plugins", o.admission...)
	}
	return &envtest.Environment{
		ControlPlane: envtest.ControlPlane{
			APIServer:   apiServer,
			Etcd:        &envtest.Etcd{Path: filepath.Join(assets, "etcd"), DataDir: filepath.Join(c.dir, "etcd")},
			KubectlPath: filepath.Join(assets, "kubectl"),
		},
		UseExistingCluster:       new(bool),
		CRDDirectoryPaths:        o.crdPaths,
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: startTimeout,
		// kube-apiserver gives requests under way up to a minute.
		ControlPlaneStopTimeout: startTimeout,
	}
}

func (c *ControlPlane) certificates() string {
	return filepath.Join(c.dir, "certificates")
}

// UserConfig returns the configuration of a new user who is in the given
// groups, without a client-side rate limit. RBAC decides what the user may do.
func (c *ControlPlane) UserConfig(name string, groups ...string) (*rest.Config, error) {
	user, err := c.addUser(name, groups)
	if err != nil {
		return nil, err
	}
	return user.Config(), nil
}

// UserKubeconfig writes a kubeconfig file of a new user who is in the given
// groups, and returns its path. Stop removes it.
func (c *ControlPlane) UserKubeconfig(name string, groups ...string) (string, error) {
	user, err := c.addUser(name, groups)
	if err != nil {
		return "", err
	}
	content, err := user.KubeConfig()
	if err != nil {
		return "", fmt.Errorf("rendering the kubeconfig of %s: %w", name, err)
	}
	file, err := os.CreateTemp(c.dir, "*.kubeconfig")
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	return file.Name(), errors.Join(err, file.Close())
}

func (c *ControlPlane) addUser(name string, groups []string) (*envtest.AuthenticatedUser, error) {
	user, err := c.env.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: -1})
	if err != nil {
		return nil, fmt.Errorf("adding user %s: %w", name, err)
	}
	return user, nil
}

// Kubeconfig returns the path of the administrator's kubeconfig file.
func (c *ControlPlane) Kubeconfig() string {
	return filepath.Join(c.dir, "admin.kubeconfig")
}

// KubectlPath returns the path of the kubectl that fits the API server.
func (c *ControlPlane) KubectlPath() string {
	return c.env.ControlPlane.KubectlPath
}

// Kubectl runs kubectl as the administrator and returns what it printed. An
// error carries what it printed to stderr.
func (c *ControlPlane) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.KubectlPath(), args...)
	// Its discovery cache goes with the control plane that it describes.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(), "KUBECACHEDIR="+filepath.Join(c.dir, "cache"))
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

// StopAPIServer stops kube-apiserver alone: clients see refused connections.
func (c *ControlPlane) StopAPIServer() error {
	if err := c.env.ControlPlane.APIServer.Stop(); err != nil {
		return fmt.Errorf("stopping kube-apiserver: %w", err)
	}
	return nil
}

// StartAPIServer starts kube-apiserver again, with the same data, address,
// certificates and users, and waits until it is healthy.
func (c *ControlPlane) StartAPIServer() error {
	if err := c.env.ControlPlane.APIServer.Start(); err != nil {
		return fmt.Errorf("starting kube-apiserver: %w", err)
	}
	return nil
}

// Stop ends the control plane and removes its data. It may be called again.
func (c *ControlPlane) Stop() error {
	var err error
	if c.env != nil {
		err = c.env.Stop()
	}
	if err = errors.Join(err, os.RemoveAll(c.dir)); err != nil {
		return fmt.Errorf("stopping the control plane: %w", err)
	}
	return nil
}
