// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	ctrl "sigs.k8s.io/controller-runtime"
)

// leaseName is the Lease that the leader holds.
const leaseName = "breakwater.llm.breakwater.dev"

// ownNamespaceFile holds, in every Pod with a token, the namespace of the Pod.
const ownNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// A leader is looked for, for leaderPatience, every leaderPoll. Both together are more than the time that it
// takes to replace one that vanished.
const (
	leaderPatience = time.Minute
	leaderPoll     = time.Second
)

// checkLeader waits until the Lease says that a manager leads, and prints which.
func checkLeader(ctx context.Context, namespace string) error {
	if namespace == "" {
		own, err := os.ReadFile(ownNamespaceFile)
		if err != nil {
			return fmt.Errorf("not in a Pod (%w): write --leader-election-namespace", err)
		}
		namespace = strings.TrimSpace(string(own))
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find a cluster: %w", err)
	}
	client, err := coordinationv1client.NewForConfig(config)
	if err != nil {
		return err
	}
	reason := errors.New("the API server has not answered")
	if err := wait.PollUntilContextTimeout(ctx, leaderPoll, leaderPatience, true, func(ctx context.Context) (bool, error) {
		lease, err := client.Leases(namespace).Get(ctx, leaseName, metav1.GetOptions{})
		if err == nil {
			err = held(lease, time.Now())
		}
		if err != nil {
			if ctx.Err() == nil {
				reason = err
			}
			return false, nil
		}
		fmt.Printf("%s leads\n", *lease.Spec.HolderIdentity)
		return true, nil
	}); err != nil {
		return fmt.Errorf("no manager leads: %w", reason)
	}
	return nil
}

// held says why a Lease is nobody's now.
func held(lease *coordinationv1.Lease, now time.Time) error {
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return fmt.Errorf("Lease %s/%s has no holder", lease.Namespace, lease.Name)
	}
	end := spec.RenewTime.Add(time.Duration(*spec.LeaseDurationSeconds) * time.Second)
	if !now.Before(end) {
		return fmt.Errorf("Lease %s/%s of %s ended at %s", lease.Namespace, lease.Name, *spec.HolderIdentity, end.UTC().Format(time.RFC3339))
	}
	return nil
}
