package curate

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/subset"
)

// notAsked has, for each optional output, the reason why a selection lacks it and the fix.
var notAsked = map[string]string{
	"near":     "it was made without exclude_near; make a selection with exclude_near",
	"clusters": "it does not limit near duplicates; make a selection with caps: cluster",
}

// maxChecked is the size, in bytes, of the largest output that is checked before it is sent. If such an output is
// damaged, the answer is an error with the fix. A larger output is checked while it is sent. If it is damaged, the
// connection is closed after its last byte.
const maxChecked = 256 << 20

// getOutput serves GET .../selections/{selection}/outputs/{output}: a redirect to the object in the storage, or the
// object itself.
func (s server) getOutput(r *http.Request) (answer, error) {
	name := r.PathValue("output")
	is := func(o subset.NamedOutput) bool { return o.Name == name }
	if known := (subset.Outputs{}).Named(); !slices.ContainsFunc(known, is) {
		names := make([]string, len(known))
		for i, o := range known {
			names[i] = o.Name
		}
		return answer{}, api.NewProblem(http.StatusNotFound,
			fmt.Sprintf("%q is not an output; the outputs are %s", name, strings.Join(names, ", ")))
	}
	sel, err := s.completed(r)
	if err != nil {
		return answer{}, err
	}
	outputs := sel.Outputs.Named()
	object := outputs[slices.IndexFunc(outputs, is)].Object
	if object == "" {
		return answer{}, api.NewProblem(http.StatusNotFound,
			fmt.Sprintf("selection %s has no output %q: %s", sel.ID, name, notAsked[name]))
	}
	file := strings.Join([]string{sel.Run, sel.ID, path.Base(object)}, "-")
	link, err := s.subsets.LinkOutput(r.Context(), object, file)
	if err != nil {
		return answer{}, err
	}
	if link != "" {
		return answer{status: http.StatusFound, location: link}, nil
	}
	if err := s.subsets.CheckOutput(r.Context(), sel, object, maxChecked); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: download{file: file, copy: func(w io.Writer) error {
		return s.subsets.CopyOutput(r.Context(), sel, object, w)
	}}}, nil
}

// A download is a body of any size, which a browser saves as a file. copy writes it.
type download struct {
	file string
	copy func(io.Writer) error
}

// writeTo writes the download. It returns an error that occurs before the first byte. After the first byte, an error
// aborts the connection, so that the client sees an incomplete response.
func (d download) writeTo(w http.ResponseWriter) error {
	begun := &begunWriter{ResponseWriter: w, file: d.file}
	err := d.copy(begun)
	switch {
	case err != nil && begun.begun:
		return breakOff(w, err)
	case err == nil && !begun.begun:
		_, err = begun.Write(nil) // the download is empty
	}
	return err
}

// A brokenOff is an error after the first byte of a response. The response ends early, because its status is already
// sent.
type brokenOff struct{ error }

func (b brokenOff) Unwrap() error { return b.error }

// breakOff ends a response that has begun, so that the client knows that the response is incomplete. It closes the
// connection. Only with HTTP/2, where it cannot do this, it panics: functions-framework recovers a panic, adds a text
// to the response and completes the response.
func breakOff(w http.ResponseWriter, cause error) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
	return brokenOff{cause}
}

// A begunWriter sends the headers with the first byte.
type begunWriter struct {
	http.ResponseWriter
	file  string
	begun bool
}

func (w *begunWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": w.file}))
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}
