package llm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is the largest accepted body of an answer, in bytes. Config.MaxTokens limits its text.
const maxAnswer = 8 << 20

// An exchangeRecord records one request and its answer, because langchaingo returns neither the status nor the headers.
type exchangeRecord struct {
	fields fields         // fields of the body that langchaingo does not set
	images []encodedImage // images of the request
	err    error          // the reason why there was no complete answer; nil if there was one
	status int
	header http.Header
	body   []byte // body of a refusal
	report report // report of an answer
}

// recordKey is the key of the *exchangeRecord in a request's context.
type recordKey struct{}

// A transport is the HTTP client of langchaingo.
type transport struct {
	key  string
	http *http.Client
}

// Do adds to a request the parts that langchaingo cannot set, and reads the whole answer.
func (t transport) Do(req *http.Request) (*http.Response, error) {
	record, ok := req.Context().Value(recordKey{}).(*exchangeRecord)
	if !ok {
		return nil, errors.New("a request without a record")
	}
	resp, body, err := t.exchange(req, record)
	if err != nil {
		record.err = err
		return nil, err
	}
	record.status, record.header = resp.StatusCode, resp.Header
	if resp.StatusCode == http.StatusOK {
		record.report = readReport(body)
	} else {
		record.body = body
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (t transport) exchange(req *http.Request, record *exchangeRecord) (*http.Response, []byte, error) {
	if err := t.complete(req, record); err != nil {
		return nil, nil, err
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp, body, err
}

// authorize sets the header with the key.
func (t transport) authorize(req *http.Request) {
	req.Header.Del("Authorization")
	if t.key != "" {
		req.Header.Set("Authorization", "Bearer "+t.key)
	}
}

// complete adds the key, the fields and the images to a request.
func (t transport) complete(req *http.Request, record *exchangeRecord) error {
	t.authorize(req)
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSpace(data), []byte("}"))
	// The library always sends a temperature, as the last field.
	data = bytes.TrimSuffix(data, fmt.Appendf(nil, `,"temperature":%d`, noTemperature))
	data = append(append(data, record.fields...), '}')
	body, length, err := withImages(data, record.images)
	if err != nil {
		return err
	}
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(body), length, nil
	return nil
}
