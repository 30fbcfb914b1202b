// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/breakwater-dev/breakwater/internal/plugin"
)

// giving is how an order is to be given: the flags that all orders have.
type giving struct {
	flags   *genericclioptions.ConfigFlags
	format  string
	dryRun  string
	wait    bool
	timeout time.Duration
}

// newOrderCommand completes the command of an order: order returns what args and flags ask for.
func newOrderCommand(flags *genericclioptions.ConfigFlags, command *cobra.Command, order func(args []string) (plugin.Order, error)) *cobra.Command {
	g := giving{flags: flags}
	command.RunE = func(command *cobra.Command, args []string) error {
		o, err := order(args)
		if err != nil {
			return err
		}
		return g.give(command, args[0], o)
	}
	if command.ValidArgsFunction == nil {
		command.ValidArgsFunction = completeBackends(flags)
	}
	addOutput(command, &g.format, plugin.JSON, plugin.YAML)
	command.Flags().BoolVar(&g.wait, "wait", true, "Wait until the operator has answered, and say what became of it.")
	command.Flags().DurationVar(&g.timeout, "timeout", time.Minute, "How long to wait; less than 0 for ever.")
	command.Flags().StringVar(&g.dryRun, "dry-run", string(plugin.DryRunNone), `"none", "server" (the API server tries it and stores nothing) or "client" (nothing is sent).`)
	command.Flags().Lookup("dry-run").NoOptDefVal = string(plugin.DryRunClient)
	complete(command, "dry-run", cobra.FixedCompletions([]string{"none", "server", "client"}, cobra.ShellCompDirectiveNoFileComp))
	return command
}

// give gives the order, and makes what became of it the exit code.
func (g *giving) give(command *cobra.Command, arg string, o plugin.Order) error {
	how := plugin.Giving{DryRun: plugin.DryRun(g.dryRun), Note: func(note string) { fmt.Fprintln(command.ErrOrStderr(), "note:", note) }}
	switch how.DryRun {
	case plugin.DryRunNone, plugin.DryRunClient, plugin.DryRunServer:
	default:
		return fmt.Errorf("there is no --dry-run=%s: write none, server or client", g.dryRun)
	}
	if g.wait {
		if g.timeout == 0 {
			return errors.New("--timeout 0 leaves no time to wait: write --wait=false, or a longer time")
		}
		how.Wait = g.timeout
	}
	cluster, name, err := connect(g.flags, arg)
	if err != nil {
		return err
	}
	a, err := cluster.Give(command.Context(), name, o, how)
	if err != nil {
		return err
	}
	if err := a.Show(plugin.Format(g.format), command.OutOrStdout()); err != nil {
		return err
	}
	switch {
	case a.Result == plugin.ResultUnanswered:
		return errTimeout
	case a.Result.Done(), a.Result == plugin.ResultRequested, a.Result == plugin.ResultDryRun:
		return nil
	default:
		return errFailed
	}
}

const orderExitCodes = `

Exit codes: 0 done, 1 not done and why, 2 it could not be asked for, 3 no answer within --timeout.`

func newSwitchCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var to string
	command := &cobra.Command{
		Use:   "switch NAME --to REGION",
		Short: "Move traffic to a region, if it answers one probe.",
		Long: `Move traffic to a region, if it answers one probe. It stays there until that region fails, or until a reset or
another switch. Switching to the active region pins it there.` + orderExitCodes,
		Example: `  # Empty us-east for maintenance
  kubectl breakwater switch chat --to eu-west

  # The same
  kubectl breakwater switch chat eu-west`,
		Args: cobra.RangeArgs(1, 2),
		ValidArgsFunction: func(command *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return completeRegions(flags)(command, args, toComplete)
			}
			return completeBackends(flags)(command, args, toComplete)
		},
	}
	newOrderCommand(flags, command, func(args []string) (plugin.Order, error) {
		switch {
		case len(args) == 2 && to != "" && to != args[1]:
			return plugin.Order{}, fmt.Errorf("both %s and --to %s are given: leave one out", args[1], to)
		case len(args) == 2:
			return plugin.Switch(args[1], time.Now()), nil
		case to == "":
			return plugin.Order{}, errors.New("which region? write --to REGION")
		default:
			return plugin.Switch(to, time.Now()), nil
		}
	})
	command.Flags().StringVar(&to, "to", "", "Region to move traffic to.")
	complete(command, "to", completeRegions(flags))
	return command
}

func newResetCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	return newOrderCommand(flags, &cobra.Command{
		Use:   "reset NAME",
		Short: "Move traffic back to the primary region at once, without a probe, and close all breakers.",
		Long: `Move traffic back to the primary region at once, without a probe, and close all breakers. A pin ends. If the primary
region does not answer, its breaker opens again and traffic leaves it as usual: to be careful, switch to it.` + orderExitCodes,
		Example: `  kubectl breakwater reset chat`,
		Args:    cobra.ExactArgs(1),
	}, func([]string) (plugin.Order, error) { return plugin.Reset(time.Now()), nil })
}

func newPauseCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var end string
	var length time.Duration
	command := &cobra.Command{
		Use:   "pause NAME [--until TIME | --for DURATION]",
		Short: "Keep traffic where it is, whatever fails, until a time or until resume.",
		Long: `Keep traffic where it is, whatever fails, until a time or until resume. Probes and breakers go on. Orders wait as
well. What is due when the pause ends is done then.` + orderExitCodes,
		Example: `  # For a maintenance window of two hours
  kubectl breakwater pause chat --for 2h

  # Until a time
  kubectl breakwater pause chat --until 2027-01-31T18:00:00Z`,
		Args: cobra.ExactArgs(1),
	}
	newOrderCommand(flags, command, func([]string) (plugin.Order, error) {
		until, err := pauseEnd(time.Now(), end, length, command.Flags().Changed("for"))
		return plugin.Pause(until), err
	})
	command.Flags().StringVar(&end, "until", "", "When the pause ends, such as 2027-01-31T18:00:00Z.")
	command.Flags().DurationVar(&length, "for", 0, "How long the pause lasts, such as 2h.")
	command.MarkFlagsMutuallyExclusive("until", "for")
	return command
}

// pauseEnd is when a pause is to end; zero for when somebody ends it.
func pauseEnd(now time.Time, until string, length time.Duration, bounded bool) (time.Time, error) {
	switch {
	case until != "":
		end, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return time.Time{}, fmt.Errorf("--until %s is no time: write one such as %s", until, now.Add(2*time.Hour).UTC().Format(time.RFC3339))
		}
		if !end.After(now) {
			return time.Time{}, fmt.Errorf("--until %s is over already: write a time after %s", until, now.UTC().Format(time.RFC3339))
		}
		return end, nil
	case bounded && length < time.Second:
		return time.Time{}, fmt.Errorf("--for %s is too short: write a second or more, such as 2h", length)
	case bounded:
		return now.Add(length), nil
	default:
		return time.Time{}, nil
	}
}

func newResumeCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	return newOrderCommand(flags, &cobra.Command{
		Use:     "resume NAME",
		Short:   "End a pause: what is due by now is done.",
		Long:    `End a pause: what is due by now is done.` + orderExitCodes,
		Example: `  kubectl breakwater resume chat`,
		Args:    cobra.ExactArgs(1),
	}, func([]string) (plugin.Order, error) { return plugin.Resume(), nil })
}
