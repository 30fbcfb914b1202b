// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/breakwater-dev/breakwater/internal/plugin"
)

// completionPatience bounds how long a person waits for what could follow.
const completionPatience = 3 * time.Second

// completion finds what could follow on the command line.
type completion = func(command *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// complete completes the values of a flag.
func complete(command *cobra.Command, flag string, with completion) {
	if err := command.RegisterFlagCompletionFunc(flag, with); err != nil {
		panic(err) // there is no such flag: cannot be put right at run time
	}
}

// completeBackends completes the name of an LLMBackend, and nothing after it.
func completeBackends(flags genericclioptions.RESTClientGetter) completion {
	return func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completed(command, flags, func(ctx context.Context, c *plugin.Cluster) ([]string, error) {
			backends, err := c.List(ctx, "")
			var names []string
			for _, b := range backends {
				names = append(names, b.Name)
			}
			return names, err
		})
	}
}

// completeRegions completes the name of a region of the LLMBackend that the first argument names.
func completeRegions(flags genericclioptions.RESTClientGetter) completion {
	return func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completed(command, flags, func(ctx context.Context, c *plugin.Cluster) ([]string, error) {
			name, err := plugin.Name(args[0])
			if err != nil {
				return nil, err
			}
			b, err := c.Get(ctx, name)
			if err != nil {
				return nil, err
			}
			return plugin.RegionNames(b), nil
		})
	}
}

func completed(command *cobra.Command, flags genericclioptions.RESTClientGetter, find func(context.Context, *plugin.Cluster) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), completionPatience)
	defer cancel()
	cluster, err := plugin.Connect(flags)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	found, err := find(ctx, cluster)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags completes the flags that all commands have, from the kubeconfig.
func completeFlags(command *cobra.Command, flags *genericclioptions.ConfigFlags) {
	names := func(of func() ([]string, error)) completion {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			found, err := of()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			slices.Sort(found)
			return found, cobra.ShellCompDirectiveNoFileComp
		}
	}
	complete(command, "context", names(func() ([]string, error) {
		config, err := flags.ToRawKubeConfigLoader().RawConfig()
		var found []string
		for name := range config.Contexts {
			found = append(found, name)
		}
		return found, err
	}))
	complete(command, "namespace", names(func() ([]string, error) {
		ctx, cancel := context.WithTimeout(command.Context(), completionPatience)
		defer cancel()
		cluster, err := plugin.Connect(flags)
		if err != nil {
			return nil, err
		}
		return cluster.Namespaces(ctx)
	}))
}
