package runtest

import (
	"context"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/subset"
)

// A Report is a fake Reporter. Its pages have only the ids.
type Report struct{}

// WriteReport implements subset.Reporter.
func (Report) WriteReport(_ context.Context, w io.Writer, _ *subset.Reader, sel *subset.Selection) error {
	_, err := fmt.Fprintf(w, "<!doctype html>\n<title>Selection %s of run %s</title>\n", sel.ID, sel.Run)
	return err
}
