// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoTerminal returns both ends of a terminal: what is written to the screen's side is read from the other one.
func pseudoTerminal(t *testing.T) (reader, screen *os.File) {
	t.Helper()
	reader, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { reader.Close() })
	if err := unix.IoctlSetPointerInt(int(reader.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return reader, screen
}

// Colours are for terminals, and for those only whose owner likes them.
func TestPluginOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.serve()
	for _, test := range []struct {
		env      []string
		coloured bool
	}{
		{[]string{"TERM=xterm", "NO_COLOR="}, true},
		{[]string{"TERM=xterm", "NO_COLOR=1"}, false},
		{[]string{"TERM=dumb", "NO_COLOR="}, false},
	} {
		reader, screen := pseudoTerminal(t)
		cmd := w.administrator().command("status", "chat")
		cmd.Env = append(cmd.Env, test.env...)
		cmd.Stdout = screen
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		screen.Close()
		// A terminal that nobody has open any more ends with an error.
		shown, _ := io.ReadAll(reader)
		if !strings.Contains(string(shown), "us-east") {
			t.Errorf("with %v: %q shows no region", test.env, shown)
		}
		if got := strings.Contains(string(shown), "\x1b[32mClosed\x1b[0m"); got != test.coloured {
			t.Errorf("with %v: coloured: %t, want %t: %q", test.env, got, test.coloured, shown)
		}
	}
}
