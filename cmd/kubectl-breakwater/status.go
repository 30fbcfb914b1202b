// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/breakwater-dev/breakwater/internal/plugin"
)

func newStatusCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var v plugin.View
	var format string
	var follow bool
	command := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show where traffic goes, since when and why, and what happens next and when.",
		Example: `  # All LLMBackends of the namespace, one line each
  kubectl breakwater status

  # One of them: regions, breakers, what happens next, as it changes
  kubectl breakwater status chat -w

  # For programs
  kubectl breakwater status chat -o json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeBackends(flags),
		RunE: func(command *cobra.Command, args []string) (err error) {
			v.Format, v.Out = plugin.Format(format), command.OutOrStdout()
			if len(args) > 0 {
				if v.Namespaces || v.Labels != "" {
					return errors.New("-A and -l are for a list: leave them out, or the name")
				}
				if v.Name, err = plugin.Name(args[0]); err != nil {
					return err
				}
			}
			cluster, err := plugin.Connect(flags)
			if err != nil {
				return err
			}
			if v.Namespaces {
				cluster.Namespace = ""
			}
			if follow {
				return v.Follow(command.Context(), cluster)
			}
			return v.Show(command.Context(), cluster)
		},
	}
	addOutput(command, &format, plugin.JSON, plugin.YAML, plugin.Wide)
	command.Flags().BoolVarP(&follow, "watch", "w", false, "Show it again whenever it changes; on a terminal in place.")
	command.Flags().BoolVarP(&v.Namespaces, "all-namespaces", "A", false, "Show the LLMBackends of all namespaces.")
	command.Flags().StringVarP(&v.Labels, "selector", "l", "", "Show the LLMBackends with these labels, such as team=search.")
	return command
}
