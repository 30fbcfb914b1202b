// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failover decides where the traffic of one LLMBackend goes.
//
// It is pure: no goroutine, no clock, no I/O and no Kubernetes. Time comes in as a value. What comes in
// are the spec, what is stored, the orders of people and the outcomes of calls; what goes out are the
// probes to start, the time to look again, and the next record to store.
//
// The parts, from the inside out:
//
//   - [Breaker] is the circuit breaker of one region: Closed, Open or HalfOpen.
//   - [Machine] holds the breakers of one LLMBackend and at most one claim: a failover, a failback or a
//     switch that is looking for evidence. It also says when a probe is due, since suspicion, trials,
//     hold rounds and failbacks are decisions.
//   - [Record] is what is durable. [Machine.Plan] proposes the next one without changing anything;
//     the caller stores it and then calls [Machine.Settle]. A caller that could not store it reads
//     again, tells the machine what is stored with [Machine.Observe], and plans again.
//
// The order of calls: after Observe, ProbeDone, Traffic or Settle, and at the time that the last Poll
// asked for, call [Machine.Poll]. It starts probes and says whether there is something to store.
package failover
