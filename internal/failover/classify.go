// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

// Classifier turns responses into outcomes by the table that [Table] shows.
// The zero value knows no status code that is a failure.
type Classifier struct {
	// FailureStatusCodes are the HTTP status codes that count as Failure.
	FailureStatusCodes []int
	// Rules come before the table, the first that matches decides. They are about what a server has said:
	// not about connections that failed, nor about what the probe itself expects.
	Rules []Rule
}

// Rule is a user's own rule about answers. What is zero matches every answer.
type Rule struct {
	// MinStatus and MaxStatus bound the HTTP status code, both included.
	MinStatus, MaxStatus int
	// ErrorCode is what the body of an error names as its code or its type.
	ErrorCode string
	// Header is the canonical name of a header that is HeaderValue.
	Header, HeaderValue string
	// Class is the outcome.
	Class Class
}

func (rule *Rule) matches(r *Response) bool {
	switch {
	case r.Status == 0:
		return false
	case r.Fault == StreamError && rule.ErrorCode == "":
		return false // its status tells how the answer began
	case r.Fault != NoFault && r.Fault != StreamError:
		return false
	case rule.MaxStatus != 0 && (r.Status < rule.MinStatus || r.Status > rule.MaxStatus):
		return false
	case rule.ErrorCode != "" && r.ErrorCode != rule.ErrorCode && r.ErrorType != rule.ErrorCode:
		return false
	}
	return rule.Header == "" || r.Headers[rule.Header] == rule.HeaderValue
}

// Classify reads a Response: by the first rule that matches, else by the first row of the table that does.
func (c *Classifier) Classify(r Response) Outcome {
	o := Outcome{Fault: r.Fault, Status: r.Status, RetryAfter: r.RetryAfter, Latency: r.Latency}
	for i := range c.Rules {
		if c.Rules[i].matches(&r) {
			o.Class = c.Rules[i].Class
			if o.Class == Success {
				o.Fault = NoFault
			}
			return o
		}
	}
	row := c.row(&r)
	o.Class, o.Cause, o.gone = row.class, row.cause, row.gone
	return o
}

func (c *Classifier) row(r *Response) *row {
	for i := range table {
		if table[i].matches(c, r) {
			return &table[i]
		}
	}
	return &row{}
}

// row is a row of the table: the answers that match it and none before it have its outcome.
type row struct {
	answer  string // as the documents say it
	outcome string
	matches func(*Classifier, *Response) bool
	class   Class
	cause   Cause
	gone    bool
}

// Row is a row of the table of outcomes, in words.
type Row struct{ Answer, Outcome string }

// Table returns the table of outcomes, in the order in which its rows are tried.
func Table() []Row {
	rows := make([]Row, len(table))
	for i, r := range table {
		rows[i] = Row{r.answer, r.outcome}
	}
	return rows
}
