// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/json"
	"errors"
	"io"
)

// models looks for the model in a list of models, {"data": [{"id": "…"}, …]}, and leaves the rest unread once
// it is found. A list that is not there is no answer of the protocol.
func (r reading) models(answer *Answer, body io.Reader, source *boundedReader) (complete bool, err error) {
	wire := &endingReader{reader: body}
	err = r.searchModels(answer, json.NewDecoder(wire))
	switch {
	case source.left <= 0:
		err = malformedError("the list of models is longer than 1 MiB")
	case wire.ended && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		err = malformedError("the list of models is not whole")
	}
	return false, err
}

// endingReader remembers whether its source ended in good order.
type endingReader struct {
	reader io.Reader
	ended  bool
}

func (r *endingReader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	r.ended = r.ended || err == io.EOF
	return n, err
}

func (r reading) searchModels(answer *Answer, list *json.Decoder) error {
	if err := open(list, '{'); err != nil {
		return err
	}
	for list.More() {
		key, err := list.Token()
		if err != nil {
			return err
		}
		if key != "data" {
			var other json.RawMessage
			if err := list.Decode(&other); err != nil {
				return err
			}
			continue
		}
		found, err := r.findModel(list)
		if err == nil && !found {
			answer.Err, answer.Detail = ModelNotServed, "the list of models does not have the model"
		}
		return err
	}
	if _, err := list.Token(); err != nil {
		return err
	}
	return malformedError("the answer is no list of models: it has no data")
}

// findModel reads the elements of the list until it finds the model. A name without a tag is the one with the tag
// "latest", as Ollama has it. If no model is wanted, the list itself is.
func (r reading) findModel(list *json.Decoder) (bool, error) {
	if err := open(list, '['); err != nil {
		return false, err
	}
	for list.More() {
		var model struct {
			ID string `json:"id"`
		}
		if err := list.Decode(&model); err != nil {
			return false, err
		}
		if model.ID == r.target.Model || model.ID == r.target.Model+":latest" {
			return true, nil
		}
	}
	_, err := list.Token()
	return r.target.Model == "", err
}

// open reads the beginning of an object or a list.
func open(d *json.Decoder, delim json.Delim) error {
	token, err := d.Token()
	if err == nil && token != delim {
		return malformedError("the answer is no list of models")
	}
	return err
}
