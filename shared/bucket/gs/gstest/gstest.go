// Package gstest serves the fake Cloud Storage of tests and of the local services.
package gstest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// StrictCompose returns the handler of a fake Cloud Storage with two checks that the fake lacks. A compose request
// with ifGenerationMatch=0 fails with 412 if the object exists, and with 404 if a source is missing.
func StrictCompose(fake *fakestorage.Server) http.Handler {
	var one sync.Mutex
	handler := fake.HTTPHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if target, ok := strings.CutSuffix(r.URL.Path, "/compose"); ok {
			one.Lock()
			defer one.Unlock()
			bucket, object, _ := strings.Cut(strings.TrimPrefix(target, "/storage/v1/b/"), "/o/")
			if status, text := checkCompose(fake, r, bucket, object); status != http.StatusOK {
				http.Error(w, text, status)
				return
			}
		}
		handler.ServeHTTP(w, r)
	})
}

// checkCompose returns StatusOK if the fake may compose an object; else the status and the text of the error. The
// request's body can be read again afterwards.
func checkCompose(fake *fakestorage.Server, r *http.Request, bucket, object string) (status int, text string) {
	if _, err := fake.GetObject(bucket, object); err == nil && r.FormValue("ifGenerationMatch") == "0" {
		return http.StatusPreconditionFailed, "conditionNotMet"
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return http.StatusBadRequest, err.Error()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var request struct{ SourceObjects []struct{ Name string } }
	if err := json.Unmarshal(body, &request); err != nil {
		return http.StatusBadRequest, err.Error()
	}
	for _, source := range request.SourceObjects {
		if _, err := fake.GetObject(bucket, source.Name); err != nil {
			return http.StatusNotFound, "notFound"
		}
	}
	return http.StatusOK, ""
}
