// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lab is a small world to run Breakwater in: a network of its own, a
// real etcd and kube-apiserver, and region servers that misbehave on demand.
// Tests, the demo and the interactive lab are built on it.
//
// Everything happens in a new network namespace, because the API server
// refuses loopback addresses in EndpointSlices and because nothing here may
// disturb the host. The network holds these addresses, all of them local:
//
//   - 10.0.0.1 and fd00::1, the host itself
//   - 10.1.0.0/16 to 10.9.0.0/16 and fd00:1::/64 to fd00:9::/64, nine regions
//
// The Service ranges of the control plane are 10.96.0.0/16 and fd00:96::/112.
package lab
