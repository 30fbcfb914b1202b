// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// path is where batches are posted, as if it were a subresource.
const path = "/apis/llm.breakwater.dev/v1alpha1/namespaces/{namespace}/llmbackends/{name}/outcomes"

// Sink takes outcomes. Its methods may be called concurrently.
type Sink interface {
	// Check returns nil if outcomes of the LLMBackend can be taken, else ErrNotFound or ErrStarting.
	Check(ctx context.Context, backend types.NamespacedName) error
	// Take hands outcomes to the decision: all of them, or none with an error, ErrNotFound, ErrStarting or an
	// [UnknownRegionError].
	Take(backend types.NamespacedName, outcomes []Outcome) error
}

// Why a sink takes nothing.
var (
	ErrNotFound = errors.New("there is no such LLMBackend")
	ErrStarting = errors.New("the operator has just begun to lead, and is not ready for this LLMBackend yet")
)

// UnknownRegionError says that an outcome is about a region that the spec does not have.
type UnknownRegionError struct {
	Region string
	Known  []string
}

// Error says what to write instead.
func (e *UnknownRegionError) Error() string {
	return fmt.Sprintf("region %s is not in the spec: write one of %s", e.Region, strings.Join(e.Known, ", "))
}

// handler answers requests.
type handler struct {
	sink    Sink
	reviews *reviews
	limits  *limits
	leads   func() bool
	// elsewhere says where the replica is that leads.
	elsewhere string
}

func (h *handler) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		respond(w, h.serve(w, r))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, refuse(http.StatusNotFound, "nothing is here: POST a batch to "+path))
	})
	return mux
}

// reply is an answer; retry asks the sender to wait for a second.
type reply struct {
	status  int
	message string
	retry   bool
}

// maxMessage bounds what is said, in bytes: parts of it are what the sender wrote.
const maxMessage = 512

func refuse(status int, format string, args ...any) reply {
	message := fmt.Sprintf(format, args...)
	return reply{status: status, message: strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")}
}

func later(status int, err error) reply { return reply{status, err.Error(), true} }

// serve takes one batch. What costs least is checked first, and nothing is read of a body before its sender is known.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) reply {
	backend := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return refuse(http.StatusMethodNotAllowed, "%s does not work here: POST a batch", r.Method)
	case !isJSON(r):
		return refuse(http.StatusUnsupportedMediaType, "send the batch as JSON, with Content-Type: application/json")
	case !h.leads():
		w.Header().Set("Connection", "close")
		return refuse(http.StatusMisdirectedRequest, "this replica does not lead: send to %s", h.elsewhere)
	}
	if refused := h.admit(w, r, backend); refused.status != 0 {
		return refused
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuse(http.StatusRequestEntityTooLarge, "the batch is larger than %d bytes: send fewer outcomes at a time, and count equal ones by times", MaxBody)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "the body cannot be read: send it whole, within %s", readTimeout)
	}
	outcomes, err := Parse(time.Now(), body)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	if err := h.sink.Take(backend, outcomes); err != nil {
		return refusal(err)
	}
	return reply{status: http.StatusAccepted}
}

// admit says why the sender may not send this now; a reply without status if they may.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, backend types.NamespacedName) reply {
	v, err := h.reviews.judge(r.Context(), bearer(r), backend)
	switch {
	case errors.Is(err, errTooManyReviews):
		return later(http.StatusTooManyRequests, errTooManyReviews)
	case err != nil:
		return later(http.StatusServiceUnavailable, errNoReview)
	case v.user == "":
		w.Header().Set("WWW-Authenticate", "Bearer")
		return refuse(http.StatusUnauthorized, "send a token in Authorization: Bearer …, such as one of kubectl create token NAME --audience=%s", Audience)
	case !v.allowed:
		return refuse(http.StatusForbidden, "%s may not create llmbackends/%s of the name %s in namespace %s: bind the ClusterRole breakwater-outcome-reporter there",
			v.user, outcomesResource, backend.Name, backend.Namespace)
	}
	if err := h.sink.Check(r.Context(), backend); err != nil {
		return refusal(err)
	}
	if !h.limits.allow(backend) {
		return later(http.StatusTooManyRequests, fmt.Errorf("more than %d batches a second about this LLMBackend: gather outcomes for longer", batchRate))
	}
	return reply{}
}

func refusal(err error) reply {
	switch {
	case errors.Is(err, ErrNotFound):
		return refuse(http.StatusNotFound, "%v", err)
	case errors.Is(err, ErrStarting):
		return later(http.StatusServiceUnavailable, err)
	default:
		return refuse(http.StatusBadRequest, "%v", err)
	}
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func respond(w http.ResponseWriter, r reply) {
	if r.retry {
		w.Header().Set("Retry-After", "1")
	}
	if r.status == http.StatusAccepted {
		w.WriteHeader(r.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	// Whoever has gone away needs no answer.
	_ = json.NewEncoder(w).Encode(struct {
		Error string `json:"error"`
	}{r.message})
}
