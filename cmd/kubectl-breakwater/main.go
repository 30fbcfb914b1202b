// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-breakwater is the kubectl plugin of Breakwater: kubectl breakwater.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// The exit codes.
const (
	exitFailed  = 1 // what was asked for was done, and the answer is no
	exitInvalid = 2 // it could not be done
)

// errFailed says that the answer is no, and that this was reported.
var errFailed = errors.New("failed")

func main() {
	os.Exit(run(newCommand()))
}

// run executes the command and returns the exit code.
func run(command *cobra.Command) int {
	switch err := command.Execute(); {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	default:
		fmt.Fprintln(command.ErrOrStderr(), "error:", err)
		return exitInvalid
	}
}

func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:           "kubectl-breakwater",
		Short:         "Work with Breakwater, which keeps LLM traffic on a region that answers.",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl breakwater"},
	}
	command.AddCommand(newSimulateCommand())
	return command
}
