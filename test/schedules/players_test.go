// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/internal/invariant"
)

// Schedules are played one at a time by processes with one thread for Go, one process per CPU. So goroutines that
// run at the same instant take turns in an order that hardly ever changes, and client-go, which draws its random
// numbers from the one source of the process, draws the same for the same seed.

// every is how many schedules are played for one that is played twice.
const every = 25

// report is what a player says, as a line of JSON.
type report struct {
	Seed uint64
	// Begins: it begins to play that seed. Else it has played it.
	Begins     bool
	Twice      bool
	Faults     []string
	Transcript []string
}

// players are the processes.
type players struct {
	t            *testing.T
	first, seeds uint64
	until, began time.Time

	mu            sync.Mutex
	played, twice uint64
	failed        bool
}

// play starts the processes and ends when all have ended, or one has failed.
func (p *players) play(soaking bool) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	if soaking {
		deadline, stop := context.WithDeadline(ctx, p.until)
		defer stop()
		ctx = deadline
	}
	n := uint64(runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			p.player(ctx, p.first+i, n)
			if p.hasFailed() {
				cancel()
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	for {
		select {
		case <-ended:
			return
		case <-time.After(30 * time.Second):
			p.mu.Lock()
			fmt.Printf("%s: %d schedules\n", time.Since(p.began).Round(time.Second), p.played)
			p.mu.Unlock()
		}
	}
}

func (p *players) hasFailed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// player runs one process, which plays every n-th seed from the given one on.
func (p *players) player(ctx context.Context, from, n uint64) {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestPlayer$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", fmt.Sprintf("%s=%d %d %d", playerVariable, from, p.first+p.seeds, n))
	output, err := cmd.StdoutPipe()
	if err != nil {
		p.failf("a player cannot be started: %v", err)
		return
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		p.failf("a player cannot be started: %v", err)
		return
	}
	last, rest := p.follow(output)
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		p.failf("the player of seed %d ended: %v\n%s%s\n%s", last, err, rest, complaint.String(), replayCommand(last))
	}
}

// follow takes in what a player says, and returns the newest seed and what it said that is no report.
func (p *players) follow(output io.Reader) (last uint64, rest string) {
	decoder := json.NewDecoder(output)
	for {
		var r report
		if err := decoder.Decode(&r); err != nil {
			others, _ := io.ReadAll(io.MultiReader(decoder.Buffered(), output))
			if errors.Is(err, io.EOF) {
				return last, ""
			}
			return last, string(others)
		}
		last = r.Seed
		if r.Begins {
			continue
		}
		p.mu.Lock()
		p.played++
		if r.Twice {
			p.twice++
		}
		p.mu.Unlock()
		if len(r.Faults) > 0 {
			p.failf("seed %d:\n%s\n%s\n%s", r.Seed, strings.Join(r.Transcript, "\n"), strings.Join(r.Faults, "\n"), replayCommand(r.Seed))
		}
	}
}

func (p *players) failf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = true
	p.t.Errorf(format, args...)
}

func replayCommand(seed uint64) string {
	return fmt.Sprintf("play it again: cd test && GOMAXPROCS=1 go test ./schedules -run TestSchedules -v -seed %d", seed)
}

// playerVariable is set in the environment of a player: the first seed, the first that is too high, and the step.
const playerVariable = "BREAKWATER_SCHEDULES_PLAYER"

// TestPlayer is what the players of TestSchedules run.
func TestPlayer(t *testing.T) {
	var from, to, step uint64
	if n, _ := fmt.Sscan(os.Getenv(playerVariable), &from, &to, &step); n != 3 {
		t.Skip("this is run by TestSchedules")
	}
	debug.SetGCPercent(400)
	say := json.NewEncoder(os.Stdout)
	k := newKinds(t)
	for seed := from; seed < to; seed += step {
		r := report{Seed: seed, Begins: true}
		if err := say.Encode(r); err != nil {
			t.Fatal(err)
		}
		r = playOnceOrTwice(t, k, seed)
		if err := say.Encode(r); err != nil {
			t.Fatal(err)
		}
		if len(r.Faults) > 0 {
			return
		}
	}
}

func playOnceOrTwice(t *testing.T, k kinds, seed uint64) report {
	t.Helper()
	o := playSeeded(t, k, seed)
	r := report{Seed: seed, Faults: o.faults, Twice: seed%every == 0}
	if r.Twice {
		if v := playAgain(t, k, seed, o.transcript(true)); v != nil {
			r.Faults = append(r.Faults, v.Error())
		}
	}
	if len(r.Faults) > 0 {
		r.Transcript = o.transcript(false)
	}
	return r
}

// times is how often a schedule is played at most, until it has come to the same twice. The seed does not decide in
// which order goroutines run that meet in one instant, and on a busy machine the Go scheduler takes turns where it
// would not else.
const times = 5

// playAgain plays a schedule until it comes to the same as once before, and returns how it differs if it never does.
func playAgain(t *testing.T, k kinds, seed uint64, first []string) *invariant.Violation {
	t.Helper()
	transcripts := [][]string{first}
	for {
		again := playSeeded(t, k, seed).transcript(true)
		for _, before := range transcripts {
			if invariant.SameOutput(before, again) == nil {
				return nil
			}
		}
		if transcripts = append(transcripts, again); len(transcripts) == times {
			return invariant.SameOutput(first, again)
		}
	}
}

// playSeeded plays a schedule, with the random numbers that client-go draws for waiting times drawn by the seed too.
func playSeeded(t *testing.T, k kinds, seed uint64) outcome {
	t.Helper()
	mathrand.Seed(int64(seed))
	return play(t, k, seed)
}
