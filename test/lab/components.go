// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// controllers are those of a cluster that meet what Breakwater owns, and those
// that namespaces and ServiceAccounts need.
var controllers = []string{
	"garbage-collector-controller",
	"namespace-controller",
	"serviceaccount-controller",
	"root-ca-certificate-publisher-controller",
	"endpoints-controller",
	"endpointslice-controller",
	"endpointslice-mirroring-controller",
}

// proxyConfiguration has the path of a kubeconfig as its argument. Limits of
// conntrack are of the whole machine: 0 leaves them as they are.
const proxyConfiguration = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
hostnameOverride: ` + nodeName + `
clientConnection: {kubeconfig: %q}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`

// startControllers starts kube-controller-manager beside the API server.
func (c *Cluster) startControllers() error {
	kubeconfig, err := c.ControlPlane.UserKubeconfig("system:kube-controller-manager")
	if err != nil {
		return err
	}
	ca, err := c.file("ca.crt", string(c.ControlPlane.Config.CAData))
	if err != nil {
		return err
	}
	p, err := StartProcess("kube-controller-manager", c.log("kube-controller-manager"),
		filepath.Join(c.assets, "kube-controller-manager"),
		"--kubeconfig="+kubeconfig, "--controllers="+strings.Join(controllers, ","),
		"--leader-elect=false", "--use-service-account-credentials=true",
		"--service-account-private-key-file="+filepath.Join(c.ControlPlane.certificates(), "sa-signer.key"),
		"--root-ca-file="+ca, "--secure-port=0")
	if err != nil {
		return err
	}
	c.components = append(c.components, p)
	return nil
}

// startProxy starts kube-proxy on the node.
func (c *Cluster) startProxy() error {
	kubeconfig, err := c.ControlPlane.UserKubeconfig("system:kube-proxy")
	if err != nil {
		return err
	}
	configuration, err := c.file("kube-proxy.yaml", fmt.Sprintf(proxyConfiguration, kubeconfig))
	if err != nil {
		return err
	}
	p, err := c.Node.StartProcess("kube-proxy", c.log("kube-proxy"),
		filepath.Join(c.assets, "kube-proxy"), "--config="+configuration)
	if err != nil {
		return err
	}
	c.components = append(c.components, p)
	return nil
}

func (c *Cluster) log(name string) string {
	return filepath.Join(c.ControlPlane.dir, name+".log")
}

// ServiceAccountKubeconfig writes a kubeconfig file that carries a token of a
// ServiceAccount, and returns its path. Stop removes it. The token is valid for
// an hour.
func (c *Cluster) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	token, err := c.clientset.CoreV1().ServiceAccounts(namespace).
		CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking for a token of ServiceAccount %s/%s: %w", namespace, name, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{
		Server:                   c.ControlPlane.Config.Host,
		CertificateAuthorityData: c.ControlPlane.Config.CAData,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: name}
	config.CurrentContext = "lab"
	path := filepath.Join(c.ControlPlane.dir, namespace+"-"+name+".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}
