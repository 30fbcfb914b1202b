// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-breakwater is the kubectl plugin of Breakwater: kubectl breakwater.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

// version is set by the linker.
var version = "dev"

// The exit codes.
const (
	exitFailed  = 1 // what was asked for was done, and the answer is no
	exitInvalid = 2 // it could not be done
	exitTimeout = 3 // it was not so in time
)

var (
	// errFailed says that the answer is no, and that this was reported.
	errFailed = errors.New("failed")
	// errTimeout says that it was not so in time, and that this was reported.
	errTimeout = errors.New("timed out")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := newCommand()
	command.SetContext(ctx)
	code := run(command)
	stop()
	os.Exit(code)
}

// run executes the command and returns the exit code.
func run(command *cobra.Command) int {
	switch err := command.Execute(); {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, errTimeout):
		return exitTimeout
	default:
		fmt.Fprintln(command.ErrOrStderr(), "error:", err)
		return exitInvalid
	}
}

func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "kubectl-breakwater",
		Short: "Work with Breakwater, which keeps LLM traffic on a region that answers.",
		Long: `Work with Breakwater, which keeps LLM traffic on a region that answers.

Exit codes: 0 done; 1 the answer is no: a switch was refused or failed, an expectation was not met; 2 it could not be
done: bad arguments, no access; 3 it was not so within --timeout.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl breakwater"},
	}
	flags := genericclioptions.NewConfigFlags(true)
	flags.AddFlags(command.PersistentFlags())
	command.SetUsageTemplate(usage(command))
	command.AddGroup(
		&cobra.Group{ID: groupSee, Title: "See:"},
		&cobra.Group{ID: groupOrder, Title: "Give orders:"},
		&cobra.Group{ID: groupTry, Title: "Try:"},
	)
	for group, commands := range map[string][]*cobra.Command{
		groupSee:   {newStatusCommand(flags), newExplainCommand(flags), newHistoryCommand(flags), newWaitCommand(flags)},
		groupOrder: {newSwitchCommand(flags), newResetCommand(flags), newPauseCommand(flags), newResumeCommand(flags)},
		groupTry:   {newSimulateCommand()},
	} {
		for _, c := range commands {
			c.GroupID = group
			command.AddCommand(c)
		}
	}
	completeFlags(command, flags)
	return command
}

// The groups of commands in the help.
const (
	groupSee   = "see"
	groupOrder = "order"
	groupTry   = "try"
)

// usage is the usage of cobra, with the flags that all commands have shown once, by the command that has them.
func usage(command *cobra.Command) string {
	const flags = "Global Flags:\n{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}"
	return strings.Replace(command.UsageTemplate(), flags, `Use "{{.Root.DisplayName}} --help" for the flags that all commands have, such as -n and --context.`, 1)
}
